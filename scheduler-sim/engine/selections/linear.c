/* SPDX-License-Identifier: Apache-2.0 */
/* linear.c - consecutive hosts, by PFSim's rule
 *
 * Of the blocks of consecutive free hosts the smallest that holds the job, the
 * first of equal ones; when none does, blocks from the largest on.
 */
#include "selections.h"
#include "engine/hostset.h"

#include <stdio.h>
#include <stdlib.h>

struct block {
	uint32_t first, count;
};

struct linear {
	uint32_t hosts;
	struct block *blocks; /* of the set looked at, [hosts / 2 + 1] */
	uint32_t *order;      /* of blocks, by size */
	uint32_t *bucket;     /* [hosts + 2], zero between calls */
};

static void linear_destroy(void *arg)
{
	struct linear *linear = arg;

	free(linear->blocks);
	free(linear->order);
	free(linear->bucket);
	free(linear);
}

static void *linear_create(const struct netemu_net *net, const char *options, char *why,
			   size_t why_size)
{
	struct linear *linear = calloc(1, sizeof(*linear));

	if (options) {
		snprintf(why, why_size, "'%s': linear has no options", options);
		free(linear);
		return NULL;
	}
	if (!linear)
		return NULL;
	linear->hosts = net->hosts;
	linear->blocks = calloc(net->hosts / 2 + 1, sizeof(*linear->blocks));
	linear->order = calloc(net->hosts / 2 + 1, sizeof(*linear->order));
	linear->bucket = calloc((size_t)net->hosts + 2, sizeof(*linear->bucket));
	if (linear->blocks && linear->order && linear->bucket)
		return linear;
	linear_destroy(linear);
	return NULL;
}

/* What COUNT hosts from FIRST on are worth: hosts, or slots. */
static uint64_t worth(const struct netemu_select *select, uint32_t first, uint32_t count)
{
	uint64_t sum = 0;

	if (select->job->nodes)
		return count;
	for (uint32_t h = first; h < first + count; h++)
		sum += select->net->slots[h];
	return sum;
}

/* All blocks; *BEST is the one to take, or stays NULL.  Ends at one that fits
 * exactly.
 */
static uint32_t find_blocks(struct linear *linear, const struct netemu_select *select,
			    uint64_t need, const struct block **best)
{
	uint32_t first = hostset_next(select->available, 0, linear->hosts), n = 0;

	while (first < linear->hosts) {
		uint32_t end = hostset_gap(select->available, first, linear->hosts);
		struct block *block = &linear->blocks[n++];

		*block = (struct block){ first, end - first };
		if (worth(select, first, block->count) >= need &&
		    (!*best || block->count < (*best)->count))
			*best = block;
		if (*best == block && select->job->nodes == block->count)
			break;
		first = hostset_next(select->available, end, linear->hosts);
	}
	return n;
}

/* Order blocks from the largest on, equal ones as they are: by counting. */
static void sort_blocks(struct linear *linear, uint32_t n)
{
	uint32_t most = 0, place = 0;

	for (uint32_t i = 0; i < n; i++) {
		linear->bucket[linear->blocks[i].count]++;
		if (linear->blocks[i].count > most)
			most = linear->blocks[i].count;
	}
	for (uint32_t size = most; size > 0; size--) {
		uint32_t count = linear->bucket[size];

		linear->bucket[size] = place;
		place += count;
	}
	for (uint32_t i = 0; i < n; i++)
		linear->order[linear->bucket[linear->blocks[i].count]++] = i;
	memset(linear->bucket, 0, ((size_t)most + 1) * sizeof(*linear->bucket));
}

/* Hosts of BLOCK into HOSTS until the job has what it needs. */
static uint32_t take(const struct netemu_select *select, const struct block *block, uint64_t need,
		     uint64_t *got, uint32_t *hosts)
{
	uint32_t n = 0;

	while (n < block->count && *got < need) {
		hosts[n] = block->first + n;
		*got += select->job->nodes ? 1 : select->net->slots[hosts[n]];
		n++;
	}
	return n;
}

static uint32_t linear_select(void *arg, struct netemu_select *select, uint32_t *hosts)
{
	uint64_t need = select->job->nodes ? select->job->nodes : select->job->ranks, got = 0;
	const struct block *best = NULL;
	struct linear *linear = arg;
	uint32_t n, count = 0;

	if (select->job->nodes > select->navailable)
		return 0;
	n = find_blocks(linear, select, need, &best);
	if (best)
		return take(select, best, need, &got, hosts);
	sort_blocks(linear, n);
	for (uint32_t i = 0; i < n && got < need; i++)
		count += take(select, &linear->blocks[linear->order[i]], need, &got, hosts + count);
	return got < need ? 0 : count;
}

const struct netemu_policy selection_linear = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_SELECTION,
	.name = "linear",
	.alias = "pfsim.host_selector.LinearHostSelector",
	.help = "the smallest block of consecutive free hosts that holds the job",
	.selection = { linear_create, linear_destroy, linear_select },
};
