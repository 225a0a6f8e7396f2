/* SPDX-License-Identifier: Apache-2.0 */
/* dor.c - dimension order: all of the way in the first dimension, then in the
 * next, the shorter way round and at equal lengths towards +
 */
#include "dor.h"
#include "large.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>

static void find_points(struct dor *dor)
{
	const struct topology *topology = dor->topology;

	dor->points = 1;
	for (uint32_t d = 0; d < dor->n; d++) {
		dor->stride[d] = dor->points;
		dor->points *= topology->dim[d];
	}
	for (uint32_t n = 0; n < topology->net.nodes; n++) {
		const uint32_t *coord = topology->nodes[n].coord;
		uint32_t point = 0;

		dor->point[n] = NETEMU_NONE;
		if (topology->net.node_host[n] != NETEMU_NONE)
			continue;
		for (uint32_t d = 0; d < dor->n; d++)
			point += coord[d] * dor->stride[d];
		dor->point[n] = point;
		for (uint32_t d = 0; d < dor->n; d++)
			dor->coord[(size_t)point * dor->n + d] = coord[d];
	}
}

/* The ports of generated networks: 2 d + 1 towards +, 2 d + 2 towards -. */
static int find_links(struct dor *dor, struct err *err)
{
	const struct netemu_net *net = &dor->topology->net;

	for (uint32_t l = 0; l < net->links; l++) {
		const struct netemu_link *link = &net->link[l];
		size_t point = dor->point[link->from];

		if (topology_is_isl(dor->topology, l) && link->from_port - 1 < 2 * dor->n)
			dor->link[point * dor->n * 2 + link->from_port - 1] = l;
	}
	for (uint32_t h = 0; h < net->hosts; h++) {
		uint32_t node = net->host_node[h], cable = net->first[node];

		if (net->first[node + 1] - cable != 1)
			return err_set(err, "routing 'dor': host '%s' has more than one cable",
				       net->name[node]);
		dor->end[h] = (struct dor_end){
			.point = dor->point[net->link[cable].to],
			.out = cable,
			.in = net->link[cable].reverse,
		};
	}
	return 0;
}

static void destroy(struct router *router)
{
	struct dor *dor = router->state;

	if (!dor)
		return;
	free(dor->point);
	free(dor->coord);
	free(dor->link);
	free(dor->end);
	free(dor->changes);
	free(dor);
}

static int create(struct router *router, const char *options, struct err *err)
{
	const struct topology *topology = router->topology;
	struct dor *dor;
	size_t places;

	if (options)
		return err_set(err, "routing 'dor' has no options");
	if (topology->shape != TOPOLOGY_TORUS && topology->shape != TOPOLOGY_MESH)
		return err_set(err, "routing 'dor' needs a torus or mesh, '%s' is none",
			       topology->source);
	dor = router->state = calloc(1, sizeof(*dor));
	if (!dor)
		return err_errno(err, "unable to set up routing 'dor'");
	dor->topology = topology;
	dor->n = topology->ndims;
	dor->wraps = topology->shape == TOPOLOGY_TORUS;
	places = (size_t)topology->nswitches * dor->n;
	dor->point = calloc((size_t)topology->net.nodes + 1, sizeof(*dor->point));
	dor->coord = large_calloc(places, sizeof(*dor->coord));
	dor->link = large_calloc(places * 2, sizeof(*dor->link));
	dor->end = large_calloc((size_t)topology->net.hosts + 1, sizeof(*dor->end));
	if (!dor->point || !dor->coord || !dor->link || !dor->end)
		return err_errno(err, "unable to set up routing 'dor'");
	for (size_t i = 0; i < places * 2; i++)
		dor->link[i] = NETEMU_NONE;
	find_points(dor);
	return find_links(dor, err);
}

/* The link out of the switch at HERE towards the one at THERE. */
static uint32_t next_link(const struct dor *dor, uint32_t here, uint32_t there)
{
	const uint32_t *at = &dor->coord[(size_t)here * dor->n];
	const uint32_t *to = &dor->coord[(size_t)there * dor->n];
	uint32_t d = 0;

	while (at[d] == to[d])
		d++;
	return dor->link[((size_t)here * dor->n + d) * 2 + dor_is_minus(dor, d, at[d], to[d])];
}

static void column(struct router *router, uint32_t host, uint32_t *next)
{
	const struct dor *dor = router->state;
	const struct netemu_net *net = &router->topology->net;
	uint32_t target = dor->end[host].point;

	for (uint32_t n = 0; n < net->nodes; n++) {
		if (dor->point[n] == target)
			next[n] = dor->end[host].in;
		else if (dor->point[n] != NETEMU_NONE)
			next[n] = next_link(dor, dor->point[n], target);
	}
}

static uint32_t walk(struct router *router, uint32_t from, uint32_t to, uint32_t *links)
{
	const struct dor *dor = router->state;
	uint32_t point = dor->end[from].point, length = 0;
	const uint32_t *at = &dor->coord[(size_t)point * dor->n];
	const uint32_t *there = &dor->coord[(size_t)dor->end[to].point * dor->n];

	links[length++] = dor->end[from].out;
	for (uint32_t d = 0; d < dor->n; d++) {
		uint32_t c = at[d], k = dor->topology->dim[d];
		uint32_t base = point - c * dor->stride[d];
		bool minus = c != there[d] && dor_is_minus(dor, d, c, there[d]);

		while (c != there[d]) {
			point = base + c * dor->stride[d];
			links[length++] = dor->link[((size_t)point * dor->n + d) * 2 + minus];
			if (minus)
				c = c ? c - 1 : k - 1;
			else
				c = c + 1 < k ? c + 1 : 0;
		}
		point = base + c * dor->stride[d];
	}
	links[length++] = dor->end[to].in;
	return length;
}

/* Is a pass over all lines worth its time? */
static bool is_many(const struct dor *dor, size_t npairs)
{
	return npairs * (dor_diameter(dor) / 2) > (uint64_t)4 * dor->n * dor->points;
}

static int route(struct routing *routing, struct err *err)
{
	struct dor *dor = routing->router->state;

	if (routing->length || !is_many(dor, routing->route.npairs))
		return tree_route(routing, err);
	return dor_add_pairs(dor, routing->route.pairs, routing->route.npairs, routing->loads,
			     routing->routed, err);
}

const struct router_ops router_dor = {
	.name = "dor",
	.help = "one dimension of a torus or mesh after the other",
	.form = ROUTER_TO,
	.by_switch = true,
	.create = create,
	.destroy = destroy,
	.column = column,
	.walk = walk,
	.route = route,
	.all_to_all = dor_all_to_all,
	.destinations = dor_destinations,
};
