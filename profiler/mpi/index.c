/* SPDX-License-Identifier: Apache-2.0 */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_LOG2 6 /* slots */

static void place_entry(struct index *index, uint64_t key, void *entry)
{
	size_t place = index_place(index, key);

	while (index->slots[place].entry)
		place = (place + 1) & index->mask;
	index->slots[place] = (struct index_slot){ key, entry };
}

static int grow(struct index *index)
{
	size_t slots = index->mask + 1;
	struct index next = {
		.shift = index->shift - 1,
		.mask = 2 * slots - 1,
		.count = index->count,
	};

	next.slots = calloc(2 * slots, sizeof(*next.slots));
	if (!next.slots)
		return -1;
	for (size_t i = 0; i < slots; i++)
		if (index->slots[i].entry)
			place_entry(&next, index->slots[i].key, index->slots[i].entry);
	free(index->slots);
	*index = next;
	return 0;
}

int index_init(struct index *index)
{
	index->shift = 64 - FIRST_LOG2;
	index->mask = ((size_t)1 << FIRST_LOG2) - 1;
	index->count = 0;
	index->slots = calloc(index->mask + 1, sizeof(*index->slots));
	return index->slots ? 0 : -1;
}

int index_add(struct index *index, uint64_t key, void *entry)
{
	if (2 * (index->count + 1) > index->mask + 1 && grow(index) < 0)
		return -1;
	place_entry(index, key, entry);
	index->count++;
	return 0;
}

void index_clear(struct index *index)
{
	memset(index->slots, 0, sizeof(*index->slots) * (index->mask + 1));
	index->count = 0;
}

void index_release(struct index *index)
{
	free(index->slots);
	*index = (struct index){ 0 };
}
