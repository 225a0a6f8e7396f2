/* SPDX-License-Identifier: Apache-2.0 */
/* nearest.h - which name somebody may have meant
 *
 * Offer all names there are, then ask for the one that is nearest to the word:
 * for "(did you mean 'x'?)".  Uses libc only.
 */
#ifndef NETEMU_NEAREST_H
#define NETEMU_NEAREST_H

#include <stddef.h>

#define NEAREST_LENGTH 64 /* longer ones, with their zero, are near to nothing */

struct nearest {
	const char *word; /* of the caller */
	size_t letters;   /* the distance of the best so far, or what is too much */
	char name[NEAREST_LENGTH];
};

void nearest_init(struct nearest *nearest, const char *word);

/* NAME is one of those there are.  Of several as near, the first counts. */
void nearest_offer(struct nearest *nearest, const char *name);

/* The best, or NULL when none is near: a third of the word's letters and one more may
 * be wrong, but not all.  Owned by NEAREST.
 */
const char *nearest_name(const struct nearest *nearest);

/* How many letters have to be added, left out, changed, or swapped with the next.
 * SIZE_MAX when one is too long.
 */
size_t nearest_distance(const char *a, const char *b);

#endif
