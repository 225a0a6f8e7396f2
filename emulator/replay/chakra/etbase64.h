/* SPDX-License-Identifier: Apache-2.0 */
/* etbase64.h - bytes as text, RFC 4648 section 4 */
#ifndef CHAKRA_ETBASE64_H
#define CHAKRA_ETBASE64_H

#include <stddef.h>
#include <stdint.h>

/* The caller frees it; NULL with errno ENOMEM. */
char *etbase64_text(const uint8_t *data, size_t size);

/* DATA has room for LENGTH * 3 / 4 bytes.  Returns 0, or -1: something else. */
int etbase64_bytes(const char *text, size_t length, uint8_t *data, size_t *size);

#endif
