/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.h - checksums of what a simulation was made from (FIPS 180-4)
 *
 * The same as sha256sum prints, so that a result can be checked against its
 * inputs by hand.
 */
#ifndef NETEMU_SIM_SHA256_H
#define NETEMU_SIM_SHA256_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define SHA256_TEXT 65 /* 64 hexadecimal digits and the zero behind them */

struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t size);
void sha256_text(struct sha256 *sha, char text[SHA256_TEXT]);

/* Of the file PATH, or of a folder: of the lines "CHECKSUM  NAME" of all regular
 * files in it and below, sorted by name.  Returns 0, or -1 with ERR written.
 */
int sha256_path(const char *path, char text[SHA256_TEXT], struct err *err);

#endif
