/* SPDX-License-Identifier: Apache-2.0 */
/* dor.c - dimension order: all of the way in the first dimension, then in the
 * next, the shorter way round and at equal lengths towards +
 */
#include "dor.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>

/* The ports of generated networks: 2 d + 1 towards +, 2 d + 2 towards -. */
static int find_links(struct dor *dor, struct err *err)
{
	const struct netemu_net *net = &dor->topology->net;

	for (uint32_t l = 0; l < net->links; l++) {
		const struct netemu_link *link = &net->link[l];

		if (topology_is_isl(dor->topology, l) && link->from_port - 1 < 2 * dor->n)
			dor->link[(size_t)link->from * dor->n * 2 + link->from_port - 1] = l;
	}
	for (uint32_t n = 0; n < net->nodes; n++) {
		bool single = net->first[n + 1] - net->first[n] == 1;

		for (uint32_t d = 0; d < dor->n; d++)
			dor->coord[(size_t)n * dor->n + d] = dor->topology->nodes[n].coord[d];
		if (net->node_host[n] != NETEMU_NONE && !single)
			return err_set(err, "routing 'dor': host '%s' has more than one cable",
				       net->name[n]);
	}
	return 0;
}

static void destroy(struct router *router)
{
	struct dor *dor = router->state;

	if (!dor)
		return;
	free(dor->coord);
	free(dor->link);
	free(dor);
}

static int create(struct router *router, const char *options, struct err *err)
{
	const struct topology *topology = router->topology;
	size_t nodes = topology->net.nodes;
	struct dor *dor;

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
	dor->coord = calloc(nodes * dor->n, sizeof(*dor->coord));
	dor->link = malloc(nodes * dor->n * 2 * sizeof(*dor->link));
	if (!dor->coord || !dor->link)
		return err_errno(err, "unable to set up routing 'dor'");
	for (size_t i = 0; i < nodes * dor->n * 2; i++)
		dor->link[i] = NETEMU_NONE;
	return find_links(dor, err);
}

/* The link out of the switch at HERE towards the one at THERE. */
static uint32_t next_link(const struct dor *dor, uint32_t here, uint32_t there)
{
	const uint32_t *at = &dor->coord[(size_t)here * dor->n];
	const uint32_t *to = &dor->coord[(size_t)there * dor->n];
	uint32_t d = 0;
	bool minus;

	while (at[d] == to[d])
		d++;
	if (dor->topology->shape == TOPOLOGY_MESH) {
		minus = to[d] < at[d];
	} else {
		uint32_t k = dor->topology->dim[d];
		uint32_t plus = to[d] > at[d] ? to[d] - at[d] : to[d] + k - at[d];

		minus = plus > k - plus;
	}
	return dor->link[((size_t)here * dor->n + d) * 2 + minus];
}

static void column(struct router *router, uint32_t host, uint32_t *next)
{
	const struct dor *dor = router->state;
	const struct netemu_net *net = &router->topology->net;
	uint32_t cable = net->first[net->host_node[host]], target = net->link[cable].to;

	for (uint32_t n = 0; n < net->nodes; n++) {
		if (net->node_host[n] == NETEMU_NONE && n != target)
			next[n] = next_link(dor, n, target);
	}
	next[target] = net->link[cable].reverse;
}

static uint32_t walk(struct router *router, uint32_t from, uint32_t to, uint32_t *links)
{
	const struct netemu_net *net = &router->topology->net;
	uint32_t cable = net->first[net->host_node[to]], target = net->link[cable].to;
	uint32_t node, length = 0;

	links[length++] = net->first[net->host_node[from]];
	for (node = net->link[links[0]].to; node != target; node = net->link[links[length++]].to)
		links[length] = next_link(router->state, node, target);
	links[length++] = net->link[cable].reverse;
	return length;
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
	.route = tree_route,
	.all_to_all = dor_all_to_all,
	.destinations = tree_destinations,
};
