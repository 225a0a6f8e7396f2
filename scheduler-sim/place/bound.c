/* SPDX-License-Identifier: Apache-2.0 */
/* bound.c - no placement is better than this
 *
 * The job's hosts hang on switches, its leaves; at most n of its ranks run below
 * one leaf.  A rank has at most n - 1 others with it, so all that it sends
 * beyond its n - 1 heaviest peers leaves the leaf, whatever is placed where and
 * however it is routed.  The sum of that over all ranks goes over the cables
 * from leaves to other switches, so one of them carries at least the sum over
 * their capacity.  The same holds for what ranks receive.
 *
 * What other jobs have on the links is not counted.  For patterns with few peers
 * for each rank the bound is 0: it says nothing then.
 */
#include "placing.h"

#include <math.h>
#include <stdlib.h>

struct amount {
	uint32_t rank;
	uint64_t bytes;
};

/* By rank, the heaviest first. */
static int compare(const void *a, const void *b)
{
	const struct amount *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->bytes > y->bytes ? -1 : x->bytes < y->bytes;
}

/* Bytes of all ranks beyond those to (from) their MOST heaviest peers. */
static double beyond(const struct netemu_place *place, bool received, uint32_t most,
		     struct amount *amounts)
{
	size_t count = 0;
	uint32_t seen = 0;
	double bytes = 0;

	for (size_t i = 0; i < place->npairs; i++) {
		const struct netemu_rank_pair *pair = &place->matrix[i];

		if (pair->from == pair->to)
			continue;
		/* the matrix is ascending: entries of one pair follow each other */
		if (i && count && place->matrix[i - 1].from == pair->from &&
		    place->matrix[i - 1].to == pair->to)
			amounts[count - 1].bytes += pair->bytes;
		else
			amounts[count++] =
				(struct amount){ received ? pair->to : pair->from, pair->bytes };
	}
	qsort(amounts, count, sizeof(*amounts), compare);
	for (size_t i = 0; i < count; i++) {
		seen = i && amounts[i - 1].rank == amounts[i].rank ? seen + 1 : 0;
		if (seen >= most)
			bytes += (double)amounts[i].bytes;
	}
	return bytes;
}

/* The switch of HOST, or NETEMU_NONE when it has others or none. */
static uint32_t leaf_of(const struct netemu_net *net, uint32_t host)
{
	uint32_t node = net->host_node[host], first = net->first[node], leaf;

	leaf = net->link[first].to;
	for (uint32_t l = first; l < net->first[node + 1]; l++)
		if (net->link[l].to != leaf)
			return NETEMU_NONE;
	return net->node_host[leaf] == NETEMU_NONE ? leaf : NETEMU_NONE;
}

/* Slots below the fullest leaf, and what the cables out of all of them hold. */
static bool look_at_leaves(const struct netemu_place *place, uint64_t *slots, uint64_t *most,
			   double *out, double *in)
{
	const struct netemu_net *net = place->net;

	for (uint32_t i = 0; i < place->nhosts; i++) {
		uint32_t leaf = leaf_of(net, place->hosts[i]);
		bool first;

		if (leaf == NETEMU_NONE)
			return false;
		first = slots[leaf] == 0 && place->slots[i] > 0;
		slots[leaf] += place->slots[i];
		*most = slots[leaf] > *most ? slots[leaf] : *most;
		for (uint32_t l = net->first[leaf]; first && l < net->first[leaf + 1]; l++) {
			if (net->node_host[net->link[l].to] != NETEMU_NONE)
				continue;
			*out += net->link[l].capacity;
			*in += net->link[net->link[l].reverse].capacity;
		}
	}
	return true;
}

double work_bound(const struct placement_work *work)
{
	const struct netemu_place *place = &work->place;
	struct amount *amounts = malloc((place->npairs + 1) * sizeof(*amounts));
	uint64_t *slots = calloc(place->net->nodes, sizeof(*slots)), most = 0;
	double out = 0, in = 0, bound = 0;

	if (!amounts || !slots)
		bound = NAN;
	else if (look_at_leaves(place, slots, &most, &out, &in) && most <= UINT32_MAX && out > 0)
		bound = fmax(beyond(place, false, (uint32_t)most - 1, amounts) / out,
			     beyond(place, true, (uint32_t)most - 1, amounts) / in);
	free(amounts);
	free(slots);
	return bound;
}
