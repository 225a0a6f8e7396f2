/* SPDX-License-Identifier: Apache-2.0 */
/* units.h - durations and sizes as people write them
 *
 * Uses libc only.
 */
#ifndef NETEMU_UNITS_H
#define NETEMU_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* A duration: a decimal number and one of ns us ms s m h d, no blank between
 * ("100ms", "1.5s", "30d").  *NS gets nanoseconds.  Returns 0, or -1 with
 * errno EINVAL (not a duration) or ERANGE (more than 292 years).
 */
int units_duration(const char *text, int64_t *ns);

/* A size in bytes: a number and optionally k M G T (powers of 1024; an `iB`
 * or `B` may follow) ("64k", "1MiB", "4096").  Returns 0, or -1 with errno
 * EINVAL or ERANGE.
 */
int units_size(const char *text, uint64_t *bytes);

/* "94,852,203,096": COUNT with thousands set apart by commas.  BUF of at
 * least 32 bytes.  Returns BUF.
 */
char *units_grouped(char *buf, size_t size, uint64_t count);

/* "88.34 GiB": bytes to read at a glance.  BUF of at least 16 bytes.  Returns BUF. */
char *units_bytes(char *buf, size_t size, double bytes);

#endif
