/* SPDX-License-Identifier: Apache-2.0 */
/* lft.c - as the forwarding tables of the switches say
 *
 * A host is reached by the LID of its topology node; one with several cables
 * sends over the first.  What a table has no port for, or a port without a
 * cable, is not reached; loops are found in tree.c.
 */
#include "forms.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>

#define PORTS   256
#define NO_PORT 255

struct lft {
	uint32_t *lid;  /* [hosts], 0: none */
	uint32_t *link; /* [nodes that have a table][PORTS] */
	uint32_t *row;  /* [nodes] into `link`, NETEMU_NONE: no table */
};

static void find_lids(struct lft *lft, const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;
	const struct topology_tables *tables = topology->tables;

	for (uint32_t h = 0; h < net->hosts; h++)
		lft->lid[h] = topology->nodes[net->host_node[h]].lid;
	for (uint32_t lid = tables->lids; lid-- > 1;) {
		uint32_t node = tables->node[lid], host;

		if (node == NETEMU_NONE)
			continue;
		host = net->node_host[node];
		if (host != NETEMU_NONE && !topology->nodes[node].lid)
			lft->lid[host] = lid;
	}
}

static void find_ports(struct lft *lft, const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;
	uint32_t rows = 0;

	for (uint32_t n = 0; n < net->nodes; n++) {
		uint32_t *link = lft->link + (size_t)rows * PORTS;

		lft->row[n] = NETEMU_NONE;
		if (!topology->tables->port[n])
			continue;
		lft->row[n] = rows++;
		for (uint32_t p = 0; p < PORTS; p++)
			link[p] = NETEMU_NONE;
		for (uint32_t l = net->first[n]; l < net->first[n + 1]; l++) {
			uint32_t port = net->link[l].from_port;

			if (port && port < NO_PORT)
				link[port] = l;
		}
	}
}

static void destroy(struct router *router)
{
	struct lft *lft = router->state;

	if (!lft)
		return;
	free(lft->lid);
	free(lft->link);
	free(lft->row);
	free(lft);
}

static int create(struct router *router, const char *options, struct err *err)
{
	const struct topology *topology = router->topology;
	size_t tables = 0;
	struct lft *lft;

	if (options)
		return err_set(err, "routing 'lft' has no options");
	if (!topology->tables)
		return err_set(err, "routing 'lft' needs forwarding tables, '%s' has none",
			       topology->source);
	for (uint32_t n = 0; n < topology->net.nodes; n++)
		tables += topology->tables->port[n] != NULL;
	lft = router->state = calloc(1, sizeof(*lft));
	if (!lft)
		return err_errno(err, "unable to set up routing 'lft'");
	lft->lid = calloc(topology->net.hosts, sizeof(*lft->lid));
	lft->row = calloc(topology->net.nodes, sizeof(*lft->row));
	lft->link = calloc((tables + 1) * PORTS, sizeof(*lft->link));
	if (!lft->lid || !lft->row || !lft->link)
		return err_errno(err, "unable to set up routing 'lft'");
	find_lids(lft, topology);
	find_ports(lft, topology);
	return 0;
}

static void column(struct router *router, uint32_t host, uint32_t *next)
{
	const struct lft *lft = router->state;
	const struct topology_tables *tables = router->topology->tables;
	const struct netemu_net *net = &router->topology->net;
	uint32_t lid = lft->lid[host];

	for (uint32_t n = 0; n < net->nodes; n++) {
		uint8_t port = NO_PORT;

		if (net->node_host[n] != NETEMU_NONE) {
			next[n] = net->first[n];
			continue;
		}
		if (lft->row[n] != NETEMU_NONE && lid && lid < tables->lids)
			port = tables->port[n][lid];
		next[n] = port == NO_PORT ? NETEMU_NONE
					  : lft->link[(size_t)lft->row[n] * PORTS + port];
	}
}

const struct router_ops router_lft = {
	.name = "lft",
	.help = "as the forwarding tables of the switches say",
	.form = ROUTER_TO,
	.create = create,
	.destroy = destroy,
	.column = column,
	.route = tree_route,
	.all_to_all = tree_all_to_all,
	.destinations = tree_destinations,
};
