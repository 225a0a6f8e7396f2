/* SPDX-License-Identifier: Apache-2.0 */
/* rankrows.h - tables of rows that grow, are sorted and folded
 *
 * What comes from several files or threads is put behind each other first and
 * brought together once, by sorting: n log n for any number of peers.  Uses
 * libc only.
 */
#ifndef NETEMU_RANKROWS_H
#define NETEMU_RANKROWS_H

#include "rankfile.h"

/* ROWS (malloc'ed, COUNT of SIZE bytes) with room for one more; they double
 * whenever COUNT is a power of two, so rows must only ever be added by this.
 * Returns the rows, perhaps moved, or NULL with errno ENOMEM and ROWS as they
 * were.
 */
void *rankrows_grow(void *rows, size_t count, size_t size);

/* How rows of one kind are ordered and added up. */
struct rankrows_ops {
	size_t size;
	int (*compare)(const void *a, const void *b);
	void (*add)(void *to, const void *from); /* equal rows */
};

extern const struct rankrows_ops rankrows_sizes;  /* struct ranksize: exact first, ascending */
extern const struct rankrows_ops rankrows_timing; /* struct ranktiming: by peer */
extern const struct rankrows_ops rankrows_rma;    /* struct rankrmacall: by call, peer */
extern const struct rankrows_ops rankrows_unseen; /* struct rankunseen_count: by why, op */

/* Sort COUNT rows and make one of equal ones.  Returns how many are left. */
size_t rankrows_fold(const struct rankrows_ops *ops, void *rows, size_t count);

#endif
