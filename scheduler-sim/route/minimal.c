/* SPDX-License-Identifier: Apache-2.0 */
/* minimal.c - the shortest way through a dragonfly: to the router of the group
 * that has the cable to the other group, over it, to the router of the host
 * (Kim, Dally, Scott, Abts: Technology-Driven, Highly-Scalable Dragonfly
 * Topology, ISCA 2008)
 */
#include "forms.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>

struct minimal {
	const struct netemu_net *net;
	uint32_t routers, groups; /* routers of a group; groups */
	uint32_t *place;          /* [nodes]: group * routers + router; NETEMU_NONE for a host */
	uint32_t *node;           /* [groups * routers] */
	uint32_t *local;          /* [groups * routers][routers]: link to that of the group */
	uint32_t *global;         /* [groups][groups]: link to that group */
};

static void find_links(struct minimal *minimal)
{
	const struct netemu_net *net = minimal->net;

	for (uint32_t l = 0; l < net->links; l++) {
		uint32_t from = minimal->place[net->link[l].from];
		uint32_t to = minimal->place[net->link[l].to], here, there;

		if (from == NETEMU_NONE || to == NETEMU_NONE)
			continue;
		here = from / minimal->routers;
		there = to / minimal->routers;
		if (here == there)
			minimal->local[(size_t)from * minimal->routers + to % minimal->routers] = l;
		else
			minimal->global[(size_t)here * minimal->groups + there] = l;
	}
}

static void find_places(struct minimal *minimal, const struct topology *topology)
{
	for (uint32_t n = 0; n < topology->net.nodes; n++) {
		const uint32_t *coord = topology->nodes[n].coord;

		minimal->place[n] = NETEMU_NONE;
		if (topology->net.node_host[n] != NETEMU_NONE)
			continue;
		minimal->place[n] = coord[0] * minimal->routers + coord[1];
		minimal->node[minimal->place[n]] = n;
	}
}

static void destroy(struct router *router)
{
	struct minimal *minimal = router->state;

	if (!minimal)
		return;
	free(minimal->place);
	free(minimal->node);
	free(minimal->local);
	free(minimal->global);
	free(minimal);
}

static int create(struct router *router, const char *options, struct err *err)
{
	const struct topology *topology = router->topology;
	struct minimal *minimal;
	size_t all;

	if (options)
		return err_set(err, "routing 'minimal' has no options");
	if (topology->shape != TOPOLOGY_DRAGONFLY)
		return err_set(err, "routing 'minimal' needs a dragonfly, '%s' is none",
			       topology->source);
	minimal = router->state = calloc(1, sizeof(*minimal));
	if (!minimal)
		return err_errno(err, "unable to set up routing 'minimal'");
	minimal->net = &topology->net;
	minimal->routers = topology->dim[1];
	minimal->groups = topology->dim[1] * topology->dim[2] + 1;
	all = (size_t)minimal->routers * minimal->groups;
	minimal->place = calloc(topology->net.nodes, sizeof(uint32_t));
	minimal->node = calloc(all, sizeof(uint32_t));
	minimal->local = calloc(all * minimal->routers, sizeof(uint32_t));
	minimal->global = calloc((size_t)minimal->groups * minimal->groups, sizeof(uint32_t));
	if (!minimal->place || !minimal->node || !minimal->local || !minimal->global)
		return err_errno(err, "unable to set up routing 'minimal'");
	find_places(minimal, topology);
	find_links(minimal);
	return 0;
}

/* The link out of the router at place HERE towards the one at THERE. */
static uint32_t next_link(const struct minimal *minimal, uint32_t here, uint32_t there)
{
	uint32_t routers = minimal->routers, group = here / routers, other = there / routers;
	uint32_t global, gate;

	if (group == other)
		return minimal->local[(size_t)here * routers + there % routers];
	global = minimal->global[(size_t)group * minimal->groups + other];
	gate = minimal->place[minimal->net->link[global].from];
	if (gate == here)
		return global;
	return minimal->local[(size_t)here * routers + gate % routers];
}

static void column(struct router *router, uint32_t host, uint32_t *next)
{
	const struct minimal *minimal = router->state;
	const struct netemu_net *net = minimal->net;
	uint32_t cable = net->first[net->host_node[host]];
	uint32_t target = minimal->place[net->link[cable].to];

	for (uint32_t i = 0; i < minimal->routers * minimal->groups; i++) {
		if (i != target)
			next[minimal->node[i]] = next_link(minimal, i, target);
	}
	next[minimal->node[target]] = net->link[cable].reverse;
}

static uint32_t walk(struct router *router, uint32_t from, uint32_t to, uint32_t *links)
{
	const struct minimal *minimal = router->state;
	const struct netemu_net *net = minimal->net;
	uint32_t cable = net->first[net->host_node[to]];
	uint32_t target = minimal->place[net->link[cable].to], at, length = 0;

	links[length++] = net->first[net->host_node[from]];
	at = minimal->place[net->link[links[0]].to];
	while (at != target) {
		links[length] = next_link(minimal, at, target);
		at = minimal->place[net->link[links[length++]].to];
	}
	links[length++] = net->link[cable].reverse;
	return length;
}

const struct router_ops router_minimal = {
	.name = "minimal",
	.help = "the shortest way through a dragonfly",
	.form = ROUTER_TO,
	.by_switch = true,
	.create = create,
	.destroy = destroy,
	.column = column,
	.walk = walk,
	.route = tree_route,
	.all_to_all = tree_all_to_all,
	.destinations = tree_destinations,
};
