/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - a walk over one line of a dump
 *
 * Each function moves on and returns true when what it looks for is there, and
 * else returns false and stays where it is.
 */
#ifndef NETEMU_TOPOLOGY_SCAN_H
#define NETEMU_TOPOLOGY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const char *at; /* in a NUL-terminated line */
};

/* A piece of the line, not NUL-terminated. */
struct piece {
	const char *text;
	size_t length;
};

void scan_blanks(struct scan *scan);

/* TEXT, after blanks. */
bool scan_text(struct scan *scan, const char *text);

/* Digits in BASE 10 or 16 (which may begin with 0x), of at most MAX, after
 * blanks.
 */
bool scan_number(struct scan *scan, int base, uint64_t max, uint64_t *value);

/* What stands up to the next blank, at least one byte, after blanks. */
bool scan_word(struct scan *scan, struct piece *word);

/* OPEN...CLOSE, after blanks: what stands between, up to the first CLOSE or, when
 * LAST is set, up to the last one of the line.
 */
bool scan_between(struct scan *scan, const char *open, const char *close, bool last,
		  struct piece *piece);

/* Whether PIECE is TEXT. */
bool piece_is(const struct piece *piece, const char *text);

#endif
