/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <stdlib.h>

#define BLOCK (256 * 1024)

struct pool_block {
	struct pool_block *next;
	size_t size;
	_Alignas(16) char bytes[];
};

void *pool_keep(struct pool *pool, size_t size)
{
	struct pool_block *block = pool->blocks;

	size = (size + 15) & ~(size_t)15;
	if (!block || block->size - pool->used < size) {
		size_t room = size > BLOCK ? size : BLOCK;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		block->size = room;
		block->next = pool->blocks;
		pool->blocks = block;
		pool->used = 0;
	}
	pool->used += size;
	return block->bytes + pool->used - size;
}

void *pool_get(struct pool *pool, size_t size)
{
	void *item = pool->unused;

	if (!item)
		return pool_keep(pool, size);
	memcpy(&pool->unused, item, sizeof(pool->unused));
	return item;
}

void pool_put(struct pool *pool, void *item)
{
	memcpy(item, &pool->unused, sizeof(pool->unused));
	pool->unused = item;
}

void pool_release(struct pool *pool)
{
	struct pool_block *next;

	for (struct pool_block *block = pool->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	*pool = (struct pool){ 0 };
}
