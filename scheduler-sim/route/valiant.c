/* SPDX-License-Identifier: Apache-2.0 */
/* valiant.c - through a dragonfly by way of a random group
 *
 * Valiant's rule on groups (Kim et al., ISCA 2008, section 4.1): a pair of hosts
 * in different groups goes by the minimal route to a group drawn out of all
 * others and from there by the minimal route to its end, over at most three
 * local and two global cables.  Within one group, and where there are only two,
 * the route is minimal.
 */
#include "pairwise.h"

#include <stdlib.h>

struct valiant {
	const struct netemu_net *net;
	const struct topology_node *nodes;
	uint32_t groups, routers; /* routers of each group */
	uint32_t *global;         /* [groups][groups] the link from one to another; owned */
	uint32_t *local;          /* [groups][routers][routers]; owned */
};

static void destroy(struct router *router)
{
	struct valiant *valiant = router->state;

	if (!valiant)
		return;
	free(valiant->global);
	free(valiant->local);
	free(valiant);
}

static uint32_t *local_of(const struct valiant *valiant, uint32_t group, uint32_t from, uint32_t to)
{
	return &valiant->local[((size_t)group * valiant->routers + from) * valiant->routers + to];
}

static uint32_t *global_of(const struct valiant *valiant, uint32_t from, uint32_t to)
{
	return &valiant->global[(size_t)from * valiant->groups + to];
}

static void note_links(struct valiant *valiant)
{
	const struct netemu_net *net = valiant->net;

	for (uint32_t l = 0; l < net->links; l++) {
		uint32_t from = net->link[l].from, to = net->link[l].to;
		const uint32_t *a = valiant->nodes[from].coord, *b = valiant->nodes[to].coord;

		if (net->node_host[from] != NETEMU_NONE || net->node_host[to] != NETEMU_NONE)
			continue;
		if (a[0] == b[0])
			*local_of(valiant, a[0], a[1], b[1]) = l;
		else
			*global_of(valiant, a[0], b[0]) = l;
	}
}

static int create(struct router *router, const char *options, struct err *err)
{
	const struct topology *topology = router->topology;
	struct valiant *valiant;

	if (options)
		return err_set(err, "routing 'valiant' takes no options, not '%s'", options);
	if (topology->shape != TOPOLOGY_DRAGONFLY)
		return err_set(err, "%s: routing 'valiant' needs a dragonfly", topology->source);
	valiant = calloc(1, sizeof(*valiant));
	if (!valiant)
		return err_errno(err, "routing 'valiant'");
	valiant->net = &topology->net;
	valiant->nodes = topology->nodes;
	valiant->routers = topology->dim[1];
	valiant->groups = topology->dim[1] * topology->dim[2] + 1;
	valiant->global = calloc((size_t)valiant->groups * valiant->groups, sizeof(uint32_t));
	valiant->local = calloc((size_t)valiant->groups * valiant->routers * valiant->routers,
				sizeof(uint32_t));
	router->state = valiant;
	if (!valiant->global || !valiant->local) {
		return err_errno(err, "routing 'valiant'");
	}
	note_links(valiant);
	return 0;
}

/* Where a path has come to. */
struct walk {
	uint32_t group, router;
	uint32_t *links, length;
};

static void walk_local(const struct valiant *valiant, struct walk *walk, uint32_t router)
{
	if (walk->router == router)
		return;
	walk->links[walk->length++] = *local_of(valiant, walk->group, walk->router, router);
	walk->router = router;
}

static void walk_group(const struct valiant *valiant, struct walk *walk, uint32_t group)
{
	const struct netemu_link *link;
	uint32_t global;

	if (walk->group == group)
		return;
	global = *global_of(valiant, walk->group, group);
	link = &valiant->net->link[global];
	walk_local(valiant, walk, valiant->nodes[link->from].coord[1]);
	walk->links[walk->length++] = global;
	walk->group = group;
	walk->router = valiant->nodes[link->to].coord[1];
}

/* A group that is neither of the two. */
static uint32_t draw_group(const struct router *router, uint32_t from, uint32_t to, uint32_t a,
			   uint32_t b)
{
	const struct valiant *valiant = router->state;
	uint32_t low = a < b ? a : b, high = a < b ? b : a, group;
	struct random random;

	pairwise_random(router, from, to, &random);
	group = (uint32_t)random_below(&random, valiant->groups - 2);
	group += group >= low;
	return group + (group >= high);
}

static uint32_t find_path(struct router *router, uint32_t from, uint32_t to, uint32_t *links)
{
	const struct valiant *valiant = router->state;
	const struct netemu_net *net = valiant->net;
	uint32_t source = net->host_node[from], sink = net->host_node[to];
	const uint32_t *a = valiant->nodes[source].coord, *b = valiant->nodes[sink].coord;
	struct walk walk = { .group = a[0], .router = a[1], .links = links };

	links[walk.length++] = net->first[source];
	if (a[0] != b[0] && valiant->groups > 2)
		walk_group(valiant, &walk, draw_group(router, from, to, a[0], b[0]));
	walk_group(valiant, &walk, b[0]);
	walk_local(valiant, &walk, b[1]);
	links[walk.length++] = net->link[net->first[sink]].reverse;
	return walk.length;
}

static int route(struct routing *routing, struct err *err)
{
	return pairwise_route(routing, find_path, err);
}

static int all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err)
{
	return pairwise_all_to_all(router, find_path, traffic, loads, routed, err);
}

const struct router_ops router_valiant = {
	.name = "valiant",
	.help = "in a dragonfly, for each pair by way of a random group",
	.form = ROUTER_PAIR,
	.create = create,
	.destroy = destroy,
	.route = route,
	.all_to_all = all_to_all,
};
