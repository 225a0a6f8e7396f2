/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - find by two numbers
 *
 * What is found belongs to the caller; it is never NULL, which means: not there.
 */
#ifndef TRACE_HASH_H
#define TRACE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_slot {
	uint64_t a, b;
	void *value; /* NULL: free */
};

struct hash { /* all zeros: empty */
	struct hash_slot *slot;
	size_t count, room; /* room: 0 or a power of two */
};

void hash_release(struct hash *hash);

void *hash_get(const struct hash *hash, uint64_t a, uint64_t b);
/* In place of what (A, B) has had, which cannot fail.  Returns 0, or -1 with errno. */
int hash_put(struct hash *hash, uint64_t a, uint64_t b, void *value);
/* Returns what it was, or NULL. */
void *hash_remove(struct hash *hash, uint64_t a, uint64_t b);

#endif
