/* SPDX-License-Identifier: Apache-2.0 */
/* bound.c - no placement is better than this
 *
 * The job's hosts are in groups, on each level of the hierarchy (below one leaf
 * switch, in one subtree, in one group of a dragonfly, in one half of a torus);
 * at most n of its ranks run in one of them.  All that ranks in different groups
 * exchange goes over the links out of groups, whatever is placed where and however
 * it is routed, so one of those links carries at least what is exchanged at
 * least, over their capacity.  That is the larger of
 *   - what each rank sends (receives) beyond its n - 1 heaviest peers, since it has
 *     at most n - 1 others with it: says most of dense patterns;
 *   - what flow_bounds() says of all parts together: of sparse ones.
 * What other jobs have on the links is not counted.
 */
#include "flowbound.h"
#include "hierarchy.h"
#include "placing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* What a level of the hierarchy looks like to a job. */
struct parts {
	uint64_t most;  /* slots in one group */
	double out, in; /* capacity of the links out of groups that have slots */
};

static void look_at_level(const struct topology *topology, const struct netemu_place *place,
			  const uint32_t *group, uint64_t *slots, struct parts *parts)
{
	const struct netemu_net *net = place->net;

	*parts = (struct parts){ 0 };
	memset(slots, 0, net->nodes * sizeof(*slots));
	for (uint32_t i = 0; i < place->nhosts; i++) {
		uint32_t own = group[net->host_node[place->hosts[i]]];

		slots[own] += place->slots[i];
		parts->most = slots[own] > parts->most ? slots[own] : parts->most;
	}
	for (uint32_t l = 0; l < net->links; l++) {
		uint32_t own = group[net->link[l].from];

		if (own == NETEMU_NONE || !slots[own] || group[net->link[l].to] == own ||
		    !topology_is_isl(topology, l))
			continue;
		parts->out += net->link[l].capacity;
		parts->in += net->link[net->link[l].reverse].capacity;
	}
}

/* The largest of the bounds of all levels. */
static double bound_of(const struct netemu_place *place, const struct parts *parts,
		       const double *between, uint32_t levels, struct amount *amounts)
{
	double bound = 0;

	for (uint32_t level = 0; level < levels; level++) {
		uint32_t peers = (uint32_t)(parts[level].most - 1);

		if (parts[level].most > place->ranks || !(parts[level].out > 0))
			continue;
		bound = fmax(bound, between[level] / fmin(parts[level].out, parts[level].in));
		bound = fmax(bound, beyond(place, false, peers, amounts) / parts[level].out);
		bound = fmax(bound, beyond(place, true, peers, amounts) / parts[level].in);
	}
	return bound;
}

static double bound_by(const struct placement_work *work, const struct hierarchy *hierarchy,
		       const struct rank_graph *graph)
{
	const struct netemu_place *place = &work->place;
	struct amount *amounts = malloc((place->npairs + 1) * sizeof(*amounts));
	uint64_t *slots = malloc((place->net->nodes + (size_t)1) * sizeof(*slots));
	struct parts parts[HIERARCHY_LEVELS];
	uint64_t most[HIERARCHY_LEVELS];
	double between[HIERARCHY_LEVELS], bound = NAN;

	for (uint32_t level = 0; slots && level < hierarchy->levels; level++) {
		look_at_level(work->topology, place, hierarchy->group[level], slots, &parts[level]);
		most[level] = parts[level].most;
	}
	if (amounts && slots && flow_bounds(graph, most, between, hierarchy->levels) == 0)
		bound = bound_of(place, parts, between, hierarchy->levels, amounts);
	free(amounts);
	free(slots);
	return bound;
}

double work_bound(const struct placement_work *work)
{
	const struct netemu_place *place = &work->place;
	struct hierarchy hierarchy;
	struct rank_graph graph;
	double bound = NAN;

	if (place->npairs == 0 || place->nhosts < 2)
		return 0;
	if (hierarchy_make(&hierarchy, work->topology, place->hosts, place->nhosts) < 0)
		return NAN;
	if (graph_of_matrix(&graph, place) == 0) {
		bound = bound_by(work, &hierarchy, &graph);
		graph_release(&graph);
	}
	hierarchy_release(&hierarchy);
	return bound;
}
