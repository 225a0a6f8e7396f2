/* SPDX-License-Identifier: Apache-2.0 */
/* awaresplit.c - hosts and ranks halved together
 *
 * Dual recursive bipartitioning (Pellegrini, SHPCC 1994): the hosts are halved along
 * the topology's hierarchy, the ranks such that each half has its slots filled and
 * the halves exchange little; and so on in each half.
 */
#include "aware.h"
#include "graph.h"
#include "hierarchy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_LEVEL 6000000 /* edges looked at, for each time that the hosts are halved */

struct split {
	const struct netemu_place *place;
	struct hierarchy hierarchy;
	struct rank_graph graph;
	uint32_t *order;  /* [nhosts] indexes of hosts, near ones near each other */
	uint32_t *apart;  /* [nhosts] of each and the one before it: hierarchy_apart() */
	uint32_t *number; /* [ranks] scratch */
	bool packed;
	struct random random;
	uint64_t work;
	uint32_t *placement;
};

static void split_release(struct split *split)
{
	hierarchy_release(&split->hierarchy);
	graph_release(&split->graph);
	free(split->order);
	free(split->apart);
	free(split->number);
}

static int by_place(const void *a, const void *b, void *arg)
{
	const struct split *split = arg;
	const struct netemu_net *net = split->place->net;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t p = split->place->hosts[x], q = split->place->hosts[y];
	uint32_t level = hierarchy_apart(&split->hierarchy, net, p, q);

	if (level) {
		const uint32_t *group = split->hierarchy.group[level - 1];

		return group[net->host_node[p]] < group[net->host_node[q]] ? -1 : 1;
	}
	return (x > y) - (x < y);
}

static int split_init(struct split *split, const struct placement_work *work)
{
	const struct netemu_place *place = &work->place;

	split->place = place;
	if (hierarchy_make(&split->hierarchy, work->topology, place->hosts, place->nhosts) < 0)
		return -1;
	split->order = malloc(((size_t)place->nhosts + 1) * sizeof(*split->order));
	split->apart = calloc((size_t)place->nhosts + 1, sizeof(*split->apart));
	split->number = malloc(((size_t)place->ranks + 1) * sizeof(*split->number));
	if (!split->order || !split->apart || !split->number ||
	    graph_of_matrix(&split->graph, place) < 0)
		return -1;
	for (uint32_t i = 0; i < place->nhosts; i++)
		split->order[i] = i;
	qsort_r(split->order, place->nhosts, sizeof(*split->order), by_place, split);
	for (uint32_t i = 1; i < place->nhosts; i++)
		split->apart[i] = hierarchy_apart(&split->hierarchy, place->net,
						  place->hosts[split->order[i - 1]],
						  place->hosts[split->order[i]]);
	return 0;
}

static uint64_t room_of(const struct split *split, uint32_t from, uint32_t to)
{
	uint64_t room = 0;

	for (uint32_t i = from; i < to; i++)
		room += split->place->slots[split->order[i]];
	return room;
}

/* Where hosts FROM .. TO fall apart on the highest level, as near to the middle of
 * their slots as can be; LEFT: the slots before.
 */
static uint32_t middle_of(const struct split *split, uint32_t from, uint32_t to, uint64_t all,
			  uint64_t *left)
{
	uint32_t middle = from + 1, top = 0;
	uint64_t before = 0, least = UINT64_MAX;

	for (uint32_t i = from + 1; i < to; i++) {
		uint64_t far;

		before += split->place->slots[split->order[i - 1]];
		far = 2 * before > all ? 2 * before - all : all - 2 * before;
		if (split->apart[i] < top || (split->apart[i] == top && far >= least))
			continue;
		top = split->apart[i];
		least = far;
		middle = i;
		*left = before;
	}
	return middle;
}

/* How many of COUNT ranks go to the LEFT of ALL slots. */
static uint32_t share_of(const struct split *split, uint64_t left, uint64_t all, uint32_t count)
{
	uint64_t share, right = all - left;

	if (split->packed)
		return (uint32_t)(left < count ? left : count);
	share = (uint64_t)((double)count * (double)left / (double)all + 0.5);
	share = share < left ? share : left;
	return (uint32_t)(count - share > right ? count - right : share);
}

/* Put those of V[] on side 0 first, both in the order in which they stood.  Returns
 * how many.
 */
static uint32_t put_first(uint32_t *v, uint32_t count, const uint8_t *side, uint32_t *scratch)
{
	uint32_t first = 0, second = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (side[i])
			scratch[second++] = v[i];
		else
			v[first++] = v[i];
	}
	memcpy(v + first, scratch, second * sizeof(*v));
	return first;
}

static int halve(struct split *split, uint32_t *v, uint32_t count, uint32_t left)
{
	uint64_t limit = (uint64_t)LIMIT_LEVEL * count / split->place->ranks;
	struct rank_graph part;
	uint8_t *side = malloc((size_t)count + 1);
	int rc = -1;

	if (side && graph_part(&part, &split->graph, v, count, split->number) == 0) {
		rc = graph_bisect(&part, left, &split->random, limit, &split->work, side);
		graph_release(&part);
	}
	if (rc == 0)
		put_first(v, count, side, split->number);
	free(side);
	return rc;
}

/* Ranks V[COUNT] on hosts FROM .. TO; as deep as the logarithm of the hosts where
 * the hierarchy is regular.
 */
static int place_between(struct split *split, uint32_t from, uint32_t to, uint32_t *v,
			 uint32_t count)
{
	while (count && to - from > 1) {
		uint64_t left = 0, all = room_of(split, from, to);
		uint32_t middle = middle_of(split, from, to, all, &left);
		uint32_t share = share_of(split, left, all, count);

		if (share && share < count && halve(split, v, count, share) < 0)
			return -1;
		if (place_between(split, from, middle, v, share) < 0)
			return -1;
		from = middle;
		v += share;
		count -= share;
	}
	for (uint32_t i = 0; i < count; i++)
		split->placement[v[i]] = split->place->hosts[split->order[from]];
	return 0;
}

int aware_split(struct placement_work *work, bool packed, uint32_t *placement)
{
	struct split split = { .packed = packed, .placement = placement };
	uint32_t *v = malloc(((size_t)work->place.ranks + 1) * sizeof(*v));
	int rc = v ? split_init(&split, work) : -1;

	random_init(&split.random, random_next(&work->random), "split", packed);
	for (uint32_t r = 0; rc == 0 && r < work->place.ranks; r++)
		v[r] = r;
	if (rc == 0)
		rc = place_between(&split, 0, work->place.nhosts, v, work->place.ranks);
	split_release(&split);
	free(v);
	if (rc < 0)
		errno = ENOMEM;
	return rc;
}
