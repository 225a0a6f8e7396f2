/* SPDX-License-Identifier: Apache-2.0 */
/* pfsim.c - the routings of --compat=pfsim
 *
 * dmodk takes at every branching, of the next nodes on shortest paths sorted by
 * name, number (address of the destination mod their count), the first cable of
 * several: no D-mod-K beyond two levels of switches.  The others are those of
 * pfsim/paths.h, with their caches: random draws from one Mersenne Twister in
 * the order of pairs and keeps a path for good, greedy and greedy-max keep it
 * until its job ends, but the way back of a pair without traffic of its own
 * at that time for good.  Loads are bytes, whatever the capacity.
 */
#include "pfsim/paths.h"

#include "forms.h"
#include "heaviest.h"
#include "shortest.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_options(const struct router *router, const char *options, struct err *err)
{
	if (!options)
		return 0;
	return err_set(err, "routing '%s' takes no options, not '%s'", router->ops->name, options);
}

/* --- dmodk --- */

struct byname {
	struct shortest shortest;
	uint32_t *rank; /* [nodes] place among the names; owned */
};

static int compare_names(const void *a, const void *b, void *net)
{
	const char *const *name = ((const struct netemu_net *)net)->name;

	return strcmp(name[*(const uint32_t *)a], name[*(const uint32_t *)b]);
}

/* PFSim's generated nodes are numbers, which sort as numbers: as they stand. */
static bool are_numbers(const struct netemu_net *net)
{
	for (uint32_t n = 0; n < net->nodes; n++)
		if (net->name[n][strspn(net->name[n], "0123456789")] != '\0')
			return false;
	return true;
}

static int rank_names(struct byname *byname, const struct netemu_net *net)
{
	uint32_t *nodes = malloc((net->nodes + 1) * sizeof(*nodes));

	byname->rank = malloc((net->nodes + 1) * sizeof(*byname->rank));
	if (!nodes || !byname->rank) {
		free(nodes);
		return -1;
	}
	for (uint32_t n = 0; n < net->nodes; n++)
		nodes[n] = n;
	if (!are_numbers(net))
		qsort_r(nodes, net->nodes, sizeof(*nodes), compare_names, (void *)net);
	for (uint32_t n = 0; n < net->nodes; n++)
		byname->rank[nodes[n]] = n;
	free(nodes);
	return 0;
}

static void byname_destroy(struct router *router)
{
	struct byname *byname = router->state;

	if (!byname)
		return;
	shortest_release(&byname->shortest);
	free(byname->rank);
	free(byname);
}

static int byname_create(struct router *router, const char *options, struct err *err)
{
	struct byname *byname;

	if (no_options(router, options, err) < 0)
		return -1;
	byname = calloc(1, sizeof(*byname));
	if (!byname)
		return err_errno(err, "routing '%s'", router->ops->name);
	router->state = byname;
	if (shortest_init(&byname->shortest, router->topology) == 0 &&
	    rank_names(byname, &router->topology->net) == 0)
		return 0;
	errno = ENOMEM;
	return err_errno(err, "routing '%s'", router->ops->name);
}

/* Is there a cable before the K-th of NEXT that leads to the same node? */
static bool repeats(const struct netemu_net *net, const uint32_t *next, uint32_t k)
{
	for (uint32_t i = 0; i < k; i++)
		if (net->link[next[i]].to == net->link[next[k]].to)
			return true;
	return false;
}

/* How many different nodes of NEXT have a name before that of the K-th. */
static uint32_t before(const struct byname *byname, const uint32_t *next, uint32_t count,
		       uint32_t k)
{
	const struct netemu_net *net = byname->shortest.net;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += byname->rank[net->link[next[i]].to] < byname->rank[net->link[next[k]].to] &&
		     !repeats(net, next, i);
	return n;
}

static uint32_t choose(const struct byname *byname, uint32_t node, uint32_t address)
{
	const struct netemu_net *net = byname->shortest.net;
	const uint32_t *next = &byname->shortest.next[net->first[node]];
	uint32_t count = byname->shortest.count[node], different = 0;

	if (count == 1)
		return next[0];
	for (uint32_t k = 0; k < count; k++)
		different += !repeats(net, next, k);
	for (uint32_t k = 0; k < count; k++)
		if (!repeats(net, next, k) && before(byname, next, count, k) == address % different)
			return next[k];
	return NETEMU_NONE;
}

/* A host with one cable, whose column nobody reads. */
static bool hangs_on_switch(const struct netemu_net *net, uint32_t node)
{
	uint32_t first = net->first[node];

	return net->node_host[node] != NETEMU_NONE && net->first[node + 1] - first == 1 &&
	       net->node_host[net->link[first].to] == NETEMU_NONE;
}

static void byname_column(struct router *router, uint32_t host, uint32_t *next)
{
	struct byname *byname = router->state;
	struct shortest *shortest = &byname->shortest;
	const struct netemu_net *net = shortest->net;

	shortest_to(shortest, host);
	for (uint32_t n = 0; n < net->nodes; n++) {
		next[n] = NETEMU_NONE;
		if (n == net->host_node[host] || hangs_on_switch(net, n))
			continue;
		if (net->node_host[n] == NETEMU_NONE
			    ? shortest->hops[n] != NETEMU_NONE
			    : shortest_from(shortest, net->node_host[n]) != NETEMU_NONE)
			next[n] = choose(byname, n, host);
	}
}

const struct router_ops router_pfsim_dmodk = {
	.name = "dmodk",
	.alias = "pfsim.router.DmodKRouter",
	.help = "PFSim's: by the destination's number at every branching",
	.form = ROUTER_TO,
	.pfsim = true,
	.create = byname_create,
	.destroy = byname_destroy,
	.column = byname_column,
	.route = tree_route,
	.all_to_all = tree_all_to_all,
	.destinations = tree_destinations,
};

/* --- the others --- */

struct cached {
	struct pfsim_router *router;
	struct mt19937 mt;
	double *traffic; /* [links], between switches; owned */
};

static void cached_destroy(struct router *router)
{
	struct cached *cached = router->state;

	if (!cached)
		return;
	pfsim_router_destroy(cached->router);
	free(cached->traffic);
	free(cached);
}

static int cached_create(struct router *router, const char *options, struct err *err)
{
	struct cached *cached;

	if (no_options(router, options, err) < 0)
		return -1;
	cached = calloc(1, sizeof(*cached));
	if (!cached)
		return err_errno(err, "routing '%s'", router->ops->name);
	router->state = cached;
	mt19937_init(&cached->mt, router->settings.seed);
	cached->traffic = calloc(router->topology->net.links + 1, sizeof(*cached->traffic));
	if (!cached->traffic)
		err_errno(err, "routing '%s'", router->ops->name);
	else if (pfsim_router_create(&cached->router, router->ops->name, router->topology,
				     &cached->mt, err) == 0)
		return 0;
	return -1;
}

static int send_pair(struct routing *routing, struct cached *cached, size_t pair, struct err *err)
{
	const struct netemu_pair *what = &routing->route.pairs[pair];
	const uint32_t *links;
	ssize_t count =
		pfsim_router_path(cached->router, what->from, what->to,
				  (uint32_t)routing->route.job, cached->traffic, &links, err);

	if (count < 0)
		return -1;
	for (ssize_t k = 0; k < count; k++)
		if (topology_is_isl(routing->topology, links[k]))
			cached->traffic[links[k]] += (double)what->bytes;
	return routing_path(routing, pair, links, (uint32_t)count);
}

/* Paths of the way back are looked for without a job, and stay. */
static int find_ways_back(struct routing *routing, struct cached *cached, const size_t *order,
			  struct err *err)
{
	for (size_t i = 0; i < routing->route.npairs; i++) {
		const struct netemu_pair *pair = &routing->route.pairs[order[i]];
		const uint32_t *links;

		if (!pfsim_router_has(cached->router, pair->to, pair->from) &&
		    pfsim_router_path(cached->router, pair->to, pair->from, PFSIM_NO_JOB,
				      cached->traffic, &links, err) < 0)
			return -1;
	}
	return 0;
}

static int cached_route(struct routing *routing, struct err *err)
{
	struct cached *cached = routing->router->state;
	size_t npairs = routing->route.npairs;
	size_t *order = heaviest_first(routing->route.pairs, npairs);
	int rc = 0;

	if (!order)
		return err_errno(err, "unable to sort %zu pairs", npairs);
	for (uint32_t l = 0; l < routing->topology->net.links; l++)
		cached->traffic[l] = topology_is_isl(routing->topology, l)
					     ? load_double(routing->loads->link[l].bytes)
					     : 0;
	for (size_t i = 0; i < npairs && rc == 0; i++)
		rc = send_pair(routing, cached, order[i], err);
	if (rc == 0)
		rc = find_ways_back(routing, cached, order, err);
	free(order);
	return rc;
}

static void cached_forget(struct router *router, uint64_t job)
{
	struct cached *cached = router->state;

	pfsim_router_forget(cached->router, (uint32_t)job);
}

#define CACHED(variable, its_name, its_alias, its_help) \
	const struct router_ops variable = {            \
		.name = its_name,                       \
		.alias = its_alias,                     \
		.help = its_help,                       \
		.form = ROUTER_LOAD,                    \
		.pfsim = true,                          \
		.create = cached_create,                \
		.destroy = cached_destroy,              \
		.route = cached_route,                  \
		.forget = cached_forget,                \
	}

CACHED(router_pfsim_random, "random", "pfsim.router.RandomRouter",
       "PFSim's: any shortest path, kept for the whole simulation");
CACHED(router_pfsim_greedy, "greedy", "pfsim.router.GreedyRouter",
       "PFSim's: the smallest sum of bytes, with its cache");
CACHED(router_pfsim_greedy_max, "greedy-max", "pfsim.router.GreedyRouter2",
       "PFSim's: the smallest maximum of bytes, with its cache");
