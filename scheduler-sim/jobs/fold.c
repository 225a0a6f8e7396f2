/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/fold.h"
#include "route/large.h"

#include <errno.h>
#include <stdlib.h>

#define AHEAD 32 /* pairs */

/* A rank pair, later all of a pair of hosts: the sums and its first rank pair. */
struct part {
	uint32_t to, first;
	uint64_t bytes;
};

struct sorting {
	const struct netemu_rank_pair *pairs;
	size_t npairs;
	const uint32_t *placement;
	uint32_t hosts;
	size_t *end;        /* [hosts + 1] where the parts of a host end; owned, as all here */
	struct part *part;  /* [npairs] by host, in their order */
	uint32_t *flows;    /* [npairs] of the sums, which take the place of their parts */
	uint32_t *slot;     /* [hosts] by destination: 1 + place of the sum from `base` */
	uint32_t *position; /* [npairs] by first rank pair: 1 + place of the sum */
};

static void release(struct sorting *sorting)
{
	free(sorting->end);
	free(sorting->part);
	free(sorting->flows);
	free(sorting->slot);
	free(sorting->position);
}

static int init(struct sorting *sorting)
{
	size_t npairs = sorting->npairs + 1, hosts = (size_t)sorting->hosts + 2;

	sorting->end = calloc(hosts, sizeof(*sorting->end));
	sorting->part = large_alloc(npairs, sizeof(*sorting->part));
	sorting->flows = large_alloc(npairs, sizeof(*sorting->flows));
	sorting->slot = large_calloc(hosts, sizeof(*sorting->slot));
	sorting->position = large_calloc(npairs, sizeof(*sorting->position));
	return sorting->end && sorting->part && sorting->flows && sorting->slot && sorting->position
		       ? 0
		       : -1;
}

/* The parts of host h are end[h - 1] .. end[h] afterwards. */
static void sort(struct sorting *sorting)
{
	const uint32_t *placement = sorting->placement;
	size_t *next = sorting->end, sum = 0;

	for (size_t i = 0; i < sorting->npairs; i++)
		next[placement[sorting->pairs[i].from]]++;
	for (uint32_t h = 0; h < sorting->hosts; h++) {
		size_t count = next[h];

		next[h] = sum;
		sum += count;
	}
	for (size_t i = 0; i < sorting->npairs; i++) {
		const struct netemu_rank_pair *pair = &sorting->pairs[i];

		if (i + AHEAD < sorting->npairs) {
			__builtin_prefetch(&placement[pair[AHEAD].to]);
			__builtin_prefetch(&sorting->part[next[placement[pair[AHEAD].from]]], 1);
		}
		sorting->part[next[placement[pair->from]]++] = (struct part){
			.to = placement[pair->to],
			.first = (uint32_t)i,
			.bytes = pair->bytes,
		};
	}
}

/* Add up the parts BEGIN .. END of HOST; the sums go to BEGIN and on.  SLOT of a
 * destination holds a place from USED on when the host has sent to it: places only
 * grow.  Returns where the sums end.
 */
static size_t add_up(struct sorting *sorting, uint32_t host, size_t begin, size_t end)
{
	struct part *part = sorting->part;
	size_t used = begin;

	for (size_t i = begin; i < end; i++) {
		const struct part own = part[i];
		uint32_t *slot = &sorting->slot[own.to];

		if (i + AHEAD < end)
			__builtin_prefetch(&sorting->slot[part[i + AHEAD].to], 1);
		if (own.to == host)
			continue;
		if (*slot <= begin) {
			part[used] = own;
			sorting->flows[used] = 1;
			*slot = (uint32_t)++used;
			sorting->position[own.first] = *slot;
			continue;
		}
		part[*slot - 1].bytes += own.bytes;
		sorting->flows[*slot - 1]++;
	}
	return used;
}

/* The sums in the order of their first rank pair. */
static void put_back(const struct sorting *sorting, struct netemu_pair *out)
{
	for (size_t i = 0; i < sorting->npairs; i++) {
		uint32_t place = sorting->position[i];

		if (i + AHEAD < sorting->npairs) {
			uint32_t ahead = sorting->position[i + AHEAD];

			__builtin_prefetch(&sorting->part[ahead ? ahead - 1 : 0]);
			__builtin_prefetch(&sorting->flows[ahead ? ahead - 1 : 0]);
		}
		if (place--)
			*out++ = (struct netemu_pair){
				.from = sorting->placement[sorting->pairs[i].from],
				.to = sorting->part[place].to,
				.bytes = sorting->part[place].bytes,
				.flows = sorting->flows[place],
			};
	}
}

ssize_t fold_sorted(const struct netemu_rank_pair *pairs, size_t npairs, const uint32_t *placement,
		    uint32_t hosts, struct netemu_pair **host_pairs)
{
	struct sorting sorting = {
		.pairs = pairs,
		.npairs = npairs,
		.placement = placement,
		.hosts = hosts,
	};
	struct netemu_pair *out = NULL;
	size_t count = 0;

	if (npairs <= FOLD_SORTED_MAX && init(&sorting) == 0) {
		sort(&sorting);
		for (uint32_t h = 0; h < hosts; h++) {
			size_t begin = h ? sorting.end[h - 1] : 0;

			count += add_up(&sorting, h, begin, sorting.end[h]) - begin;
		}
		out = large_alloc(count + 1, sizeof(*out));
	}
	if (out)
		put_back(&sorting, out);
	release(&sorting);
	if (!out) {
		errno = ENOMEM;
		return -1;
	}
	*host_pairs = out;
	return (ssize_t)count;
}
