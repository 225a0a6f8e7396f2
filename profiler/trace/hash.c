/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/hash.h"

#include <stdlib.h>

#define ROOM_FIRST 64

/* Neighbouring numbers and addresses, and whoever chose them, must not meet. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ 0x6a09e667f3bcc909ULL) * 0x9e3779b97f4a7c15ULL;

	h = (h ^ (h >> 32) ^ b) * 0xd6e8feb86659fd93ULL;
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93ULL;
	return h ^ (h >> 32);
}

static size_t home(const struct hash *hash, uint64_t a, uint64_t b)
{
	return (size_t)mix(a, b) & (hash->room - 1);
}

static size_t next(const struct hash *hash, size_t at)
{
	return (at + 1) & (hash->room - 1);
}

void hash_release(struct hash *hash)
{
	free(hash->slot);
	*hash = (struct hash){ 0 };
}

/* Where (A, B) is, or the free place where it belongs; there is room. */
static size_t place(const struct hash *hash, uint64_t a, uint64_t b)
{
	size_t at = home(hash, a, b);

	while (hash->slot[at].value && (hash->slot[at].a != a || hash->slot[at].b != b))
		at = next(hash, at);
	return at;
}

void *hash_get(const struct hash *hash, uint64_t a, uint64_t b)
{
	return hash->count ? hash->slot[place(hash, a, b)].value : NULL;
}

static int grow(struct hash *hash)
{
	struct hash grown = { .count = hash->count,
			      .room = hash->room ? 2 * hash->room : ROOM_FIRST };

	grown.slot = calloc(grown.room, sizeof(*grown.slot));
	if (!grown.slot)
		return -1;
	for (size_t i = 0; i < hash->room; i++)
		if (hash->slot[i].value)
			grown.slot[place(&grown, hash->slot[i].a, hash->slot[i].b)] = hash->slot[i];
	free(hash->slot);
	*hash = grown;
	return 0;
}

int hash_put(struct hash *hash, uint64_t a, uint64_t b, void *value)
{
	size_t at;

	if (hash_get(hash, a, b)) {
		hash->slot[place(hash, a, b)].value = value;
		return 0;
	}
	if (hash->count >= hash->room / 2 && grow(hash) < 0)
		return -1;
	at = place(hash, a, b);
	hash->count++;
	hash->slot[at] = (struct hash_slot){ a, b, value };
	return 0;
}

void *hash_remove(struct hash *hash, uint64_t a, uint64_t b)
{
	size_t at, hole, belongs;
	void *value;

	if (!hash->count)
		return NULL;
	hole = at = place(hash, a, b);
	value = hash->slot[at].value;
	if (!value)
		return NULL;
	hash->count--;
	/* those behind it that the hole would hide move up */
	for (at = next(hash, at); hash->slot[at].value; at = next(hash, at)) {
		belongs = home(hash, hash->slot[at].a, hash->slot[at].b);
		if (((at - belongs) & (hash->room - 1)) < ((at - hole) & (hash->room - 1)))
			continue;
		hash->slot[hole] = hash->slot[at];
		hole = at;
	}
	hash->slot[hole].value = NULL;
	return value;
}
