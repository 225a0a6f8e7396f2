/* SPDX-License-Identifier: Apache-2.0 */
/* router.c - a routing of one's own for netemu sim, to start from
 *
 *	cc -O2 -Wall -shared -fPIC -o router.so router.c
 *	routing: ./router.so		in a scenario
 *
 * Sends each pair over a shortest path, choosing at every switch the cable that
 * carries least so far.  It sees the pairs of hosts, the placement of ranks,
 * the matrix and what is on the links from other jobs; it links nothing of
 * netemu.  README.md says how to make another one of it.
 */
#include <netemu/policy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct router {
	uint32_t *hops;  /* [nodes]: to the destination */
	uint32_t *queue; /* [nodes] */
	uint32_t *path;  /* [nodes] */
	uint64_t *own;   /* [links]: bytes of this job so far */
};

static void router_destroy(void *state)
{
	struct router *router = state;

	free(router->hops);
	free(router->queue);
	free(router->path);
	free(router->own);
	free(router);
}

/* Once for each simulation.  OPTIONS is what stands behind the path and a ':'.
 * Returns NULL when it cannot be, with a sentence in WHY.
 */
static void *router_create(const struct netemu_net *net, const char *options, char *why,
			   size_t why_size)
{
	struct router *router = calloc(1, sizeof(*router));

	if (options) {
		snprintf(why, why_size, "'%s': there are no options", options);
		free(router);
		return NULL;
	}
	if (!router)
		return NULL;
	router->hops = calloc(net->nodes, sizeof(*router->hops));
	router->queue = calloc(net->nodes, sizeof(*router->queue));
	router->path = calloc(net->nodes, sizeof(*router->path));
	router->own = calloc(net->links, sizeof(*router->own));
	if (router->hops && router->queue && router->path && router->own)
		return router;
	router_destroy(router);
	return NULL;
}

/* Hops from every node to that of host TO, breadth first; other hosts pass
 * nothing on.
 */
static void find_hops(struct router *router, const struct netemu_net *net, uint32_t to)
{
	uint32_t first = 0, last = 0;

	memset(router->hops, 0xff, net->nodes * sizeof(*router->hops)); /* NETEMU_NONE */
	router->hops[net->host_node[to]] = 0;
	router->queue[last++] = net->host_node[to];
	while (first < last) {
		uint32_t node = router->queue[first++];

		if (net->node_host[node] != NETEMU_NONE && node != net->host_node[to])
			continue;
		for (uint32_t i = net->first[node]; i < net->first[node + 1]; i++) {
			uint32_t next = net->link[i].to;

			if (router->hops[next] != NETEMU_NONE)
				continue;
			router->hops[next] = router->hops[node] + 1;
			router->queue[last++] = next;
		}
	}
}

/* The link out of NODE that is nearer to the destination and carries least. */
static uint32_t best_link(const struct router *router, const struct netemu_route *route,
			  uint32_t node)
{
	const struct netemu_net *net = route->net;
	uint32_t best = NETEMU_NONE;
	double least = 0;

	for (uint32_t i = net->first[node]; i < net->first[node + 1]; i++) {
		double load =
			((double)route->bytes[i] + (double)router->own[i]) / net->link[i].capacity;

		if (router->hops[net->link[i].to] != router->hops[node] - 1 ||
		    (best != NETEMU_NONE && load >= least))
			continue;
		best = i;
		least = load;
	}
	return best;
}

static int route_pair(struct router *router, struct netemu_route *route, size_t pair)
{
	const struct netemu_pair *of = &route->pairs[pair];
	uint32_t node = route->net->host_node[of->from], n = 0;

	if (router->hops[node] == NETEMU_NONE)
		return 0; /* a pair without a path is reported as unroutable */
	while (router->hops[node] > 0) {
		uint32_t link = best_link(router, route, node);

		router->path[n++] = link;
		router->own[link] += of->bytes;
		node = route->net->link[link].to;
	}
	return route->path(route, pair, router->path, n);
}

/* Once for each job that starts. */
static int router_route(void *state, struct netemu_route *route)
{
	struct router *router = state;
	uint32_t to = NETEMU_NONE;

	memset(router->own, 0, route->net->links * sizeof(*router->own));
	for (size_t i = 0; i < route->npairs; i++) {
		if (route->pairs[i].to != to) {
			to = route->pairs[i].to;
			find_hops(router, route->net, to);
		}
		if (route_pair(router, route, i) < 0)
			return -1;
	}
	return 0;
}

/* The one name that is looked for. */
__attribute__((visibility("default"))) const struct netemu_policy netemu_policy = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_ROUTING,
	.name = "router",
	.help = "shortest paths over what carries least",
	.routing = { router_create, router_destroy, router_route },
};
