/* SPDX-License-Identifier: Apache-2.0 */
/* index.h - where in the live file the entry with a key lies
 *
 * An open-addressing hash table from a 64-bit key to a pointer, in private
 * memory, for one writer.  The entries themselves lie in the live file and
 * never move, so what is counted between two look-ups is one addition.
 */
#ifndef NETPROF_INDEX_H
#define NETPROF_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct index_slot {
	uint64_t key;
	void *entry; /* NULL: empty */
};

struct index {
	struct index_slot *slots; /* a power of two of them, at most half in use; owned */
	unsigned shift;           /* 64 - log2(slots) */
	size_t mask;              /* slots - 1 */
	size_t count;
};

/* Make INDEX empty with room for 32 keys.  Returns 0, or -1 with errno ENOMEM. */
int index_init(struct index *index);

/* Enter ENTRY (not NULL) under KEY, which must not be there.  Returns 0, or
 * -1 with errno ENOMEM and INDEX as it was.
 */
int index_add(struct index *index, uint64_t key, void *entry);

/* Forget all keys, keep the room. */
void index_clear(struct index *index);

void index_release(struct index *index);

/* Fibonacci hashing: Knuth, The Art of Computer Programming 3, section 6.4. */
static inline size_t index_place(const struct index *index, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> index->shift);
}

/* The entry under KEY, or NULL. */
static inline void *index_find(const struct index *index, uint64_t key)
{
	size_t place = index_place(index, key);

	for (;;) {
		const struct index_slot *slot = &index->slots[place];

		if (__builtin_expect(slot->key == key, 1) || !slot->entry)
			return slot->entry;
		place = (place + 1) & index->mask;
	}
}

#endif
