/* SPDX-License-Identifier: Apache-2.0 */
/* greedy.c - the least loaded shortest path, the heaviest pairs first
 *
 * greedy takes the path with the smallest sum of link loads, greedy-max the one
 * whose most loaded link carries least (Takahashi et al., HPCMASPA 2017); of
 * equal ones the first in the order of waves.h.  Only links between switches
 * count; a load is bytes / capacity with the bytes of the pair itself.
 *
 * Instead of looking at all paths, which may be many, the best cost of a way to
 * each node is found in one pass; going back from the target, the first link
 * that keeps the optimum within reach begins the first best path.
 */
#include "greedy.h"

#include "forms.h"
#include "heaviest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Loads are compared as bytes * weight, weight = largest capacity / capacity in
 * units of 2^-16: whole numbers, exact where all capacities are the same.
 */
#define WEIGHT_ONE  65536
#define WEIGHT_MOST UINT32_MAX

/* Weights are 1 when all are the same. */
static void weigh(uint32_t *weight, const struct topology *topology)
{
	double most = 0, least = INFINITY;

	for (uint32_t l = 0; l < topology->net.links; l++) {
		if (!topology_is_isl(topology, l))
			continue;
		most = fmax(most, topology->net.link[l].capacity);
		least = fmin(least, topology->net.link[l].capacity);
	}
	for (uint32_t l = 0; l < topology->net.links; l++) {
		double ratio = most / topology->net.link[l].capacity * WEIGHT_ONE;

		if (!topology_is_isl(topology, l))
			weight[l] = 0;
		else if (most == least)
			weight[l] = 1;
		else
			weight[l] = ratio < WEIGHT_MOST ? (uint32_t)lround(ratio) : WEIGHT_MOST;
	}
}

struct greedy *greedy_create(const struct topology *topology, bool max)
{
	struct greedy *greedy = calloc(1, sizeof(*greedy));

	if (!greedy)
		return NULL;
	greedy->max = max;
	if (waves_init(&greedy->waves, topology) == 0 &&
	    ways_init(&greedy->ways, &greedy->waves) == 0) {
		greedy->weight = calloc(topology->net.links + 1, sizeof(*greedy->weight));
		greedy->best = calloc(greedy->waves.inner + 1, sizeof(*greedy->best));
		greedy->path = calloc(greedy->waves.inner + 2, sizeof(*greedy->path));
	}
	if (!greedy->weight || !greedy->best || !greedy->path) {
		greedy_destroy(greedy);
		errno = ENOMEM;
		return NULL;
	}
	weigh(greedy->weight, topology);
	return greedy;
}

void greedy_destroy(struct greedy *greedy)
{
	if (!greedy)
		return;
	ways_release(&greedy->ways);
	waves_release(&greedy->waves);
	free(greedy->weight);
	free(greedy->best);
	free(greedy->path);
	free(greedy);
}

/* The cost of LINK behind a way that costs BEFORE. */
static load_amount extend(const struct greedy *greedy, const struct loads *loads, uint32_t link,
			  uint64_t bytes, load_amount before)
{
	load_amount cost =
		((loads->link[link].bytes >> LOADS_SHIFT) + bytes) * greedy->weight[link];

	if (greedy->max)
		return cost > before ? cost : before;
	return before + cost;
}

static uint32_t node_before(const struct greedy *greedy, uint32_t link)
{
	return greedy->waves.index[greedy->waves.net->link[link].from];
}

/* The least cost of a way to each node. */
static void find_best(struct greedy *greedy, const struct loads *loads, uint64_t bytes)
{
	const struct ways *ways = &greedy->ways;

	greedy->best[ways->root] = 0;
	for (uint32_t i = ways->count - 1; i-- > 0;) {
		uint32_t node = ways->node[i], count;
		const uint32_t *link = ways_into(ways, node, &count);
		load_amount least = 0;

		for (uint32_t k = 0; k < count; k++) {
			load_amount cost = extend(greedy, loads, link[k], bytes,
						  greedy->best[node_before(greedy, link[k])]);

			if (k == 0 || cost < least)
				least = cost;
		}
		greedy->best[node] = least;
	}
}

/* The first of the best paths; returns its length. */
static uint32_t first_best(struct greedy *greedy, const struct loads *loads, uint64_t bytes)
{
	const struct ways *ways = &greedy->ways;
	uint32_t node = ways->target, at = ways_length(ways);
	load_amount bound = greedy->best[node];

	if (ways->last != NETEMU_NONE)
		greedy->path[--at] = ways->last;
	while (node != ways->root) {
		uint32_t count, k = 0;
		const uint32_t *link = ways_into(ways, node, &count);

		while (k + 1 < count && extend(greedy, loads, link[k], bytes,
					       greedy->best[node_before(greedy, link[k])]) > bound)
			k++;
		greedy->path[--at] = link[k];
		node = node_before(greedy, link[k]);
		if (!greedy->max)
			bound = greedy->best[node];
	}
	if (ways->first != NETEMU_NONE)
		greedy->path[--at] = ways->first;
	return ways_length(ways);
}

int greedy_path(struct greedy *greedy, const struct loads *loads, uint32_t from, uint32_t to,
		uint64_t bytes)
{
	int found = ways_between(&greedy->ways, &greedy->waves, from, to);

	if (found <= 0)
		return found;
	find_best(greedy, loads, bytes);
	return (int)first_best(greedy, loads, bytes);
}

static int route_all(struct routing *routing, const size_t *order, struct err *err)
{
	struct greedy *greedy = routing->router->state;

	for (size_t i = 0; i < routing->route.npairs; i++) {
		const struct netemu_pair *pair = &routing->route.pairs[order[i]];
		int length = greedy_path(greedy, routing->loads, pair->from, pair->to, pair->bytes);

		if (length < 0)
			return err_errno(err, "routing '%s'", routing->router->ops->name);
		if (length > 0 &&
		    routing_path(routing, order[i], greedy->path, (uint32_t)length) < 0)
			return -1;
	}
	return 0;
}

static int route(struct routing *routing, struct err *err)
{
	size_t *order = heaviest_first(routing->route.pairs, routing->route.npairs);
	int rc;

	if (!order)
		return err_errno(err, "unable to sort %zu pairs", routing->route.npairs);
	rc = route_all(routing, order, err);
	free(order);
	return rc;
}

static int create(struct router *router, const char *options, bool max, struct err *err)
{
	if (options)
		return err_set(err, "routing '%s' takes no options, not '%s'", router->ops->name,
			       options);
	router->state = greedy_create(router->topology, max);
	return router->state ? 0 : err_errno(err, "routing '%s'", router->ops->name);
}

static int create_sum(struct router *router, const char *options, struct err *err)
{
	return create(router, options, false, err);
}

static int create_max(struct router *router, const char *options, struct err *err)
{
	return create(router, options, true, err);
}

static void destroy(struct router *router)
{
	greedy_destroy(router->state);
}

const struct router_ops router_greedy = {
	.name = "greedy",
	.alias = "pfsim.router.GreedyRouter",
	.help = "heaviest pairs first, each on the path with the smallest sum of loads",
	.form = ROUTER_LOAD,
	.create = create_sum,
	.destroy = destroy,
	.route = route,
};

const struct router_ops router_greedy_max = {
	.name = "greedy-max",
	.alias = "pfsim.router.GreedyRouter2",
	.help = "heaviest pairs first, each on the path whose busiest link carries least",
	.form = ROUTER_LOAD,
	.create = create_max,
	.destroy = destroy,
	.route = route,
};
