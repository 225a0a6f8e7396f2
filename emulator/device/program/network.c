/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include "route/router.h"

#include <stdlib.h>
#include <string.h>

static const char *node_name(const struct fabric_node *node)
{
	return node->name ? node->name : node->host;
}

/* The host NAME, or NETEMU_NONE. */
static uint32_t host_of(const struct topology *topology, const char *name)
{
	uint32_t node = topology_find(topology, name);

	return node == NETEMU_NONE ? NETEMU_NONE : topology->net.node_host[node];
}

static bool place_by_name(struct network *network, const struct fabric_node *nodes, uint32_t count)
{
	for (uint32_t k = 0; k < count; k++) {
		network->host[k] = host_of(&network->topology, node_name(&nodes[k]));
		if (network->host[k] == NETEMU_NONE)
			return false;
	}
	return true;
}

static int place_nodes(struct network *network, const struct fabric_node *nodes, uint32_t count,
		       struct err *err)
{
	const struct topology *topology = &network->topology;

	network->host = calloc(count + (size_t)1, sizeof(*network->host));
	if (!network->host)
		return err_errno(err, "unable to place nodes");
	if (place_by_name(network, nodes, count))
		return 0;
	if (count > topology->net.hosts)
		return err_set(err, "topology '%s' has %u hosts for %u nodes", topology->source,
			       topology->net.hosts, count);
	for (uint32_t k = 0; k < count; k++)
		network->host[k] = k;
	return 0;
}

static int make_links(struct network *network, double rate, struct err *err)
{
	const struct topology *topology = &network->topology;
	const struct netemu_net *net = &topology->net;
	double unit = topology->unit == TOPOLOGY_UNIT_BYTE ? 1 : rate;

	network->link = calloc(net->links + (size_t)1, sizeof(*network->link));
	if (!network->link)
		return err_errno(err, "unable to keep the links of '%s'", topology->source);
	for (uint32_t i = 0; i < net->links; i++)
		network->link[i] = (struct net_topology_link){
			.from = net->name[net->link[i].from],
			.to = net->name[net->link[i].to],
			.from_port = net->link[i].from_port,
			.to_port = net->link[i].to_port,
			.rate = net->link[i].capacity * unit,
		};
	network->tables.link = network->link;
	network->tables.links = net->links;
	return 0;
}

/* All ordered pairs of nodes on different hosts. */
static struct netemu_pair *make_pairs(const struct network *network, uint32_t count, size_t *pairs)
{
	struct netemu_pair *pair = malloc(((size_t)count * count + 1) * sizeof(*pair));

	*pairs = 0;
	for (uint32_t i = 0; pair && i < count; i++)
		for (uint32_t j = 0; j < count; j++)
			if (network->host[i] != network->host[j])
				pair[(*pairs)++] = (struct netemu_pair){
					.from = network->host[i],
					.to = network->host[j],
					.bytes = 1,
					.flows = 1,
				};
	return pair;
}

static int check_routed(const struct network *network, const struct routed *routed,
			const char *routing, struct err *err)
{
	const struct netemu_net *net = &network->topology.net;

	if (routed->unroutable)
		return err_set(err, "routing '%s' finds no path from '%s' to '%s'", routing,
			       net->name[net->host_node[routed->from]],
			       net->name[net->host_node[routed->to]]);
	if (!routed->start)
		return err_set(err,
			       "routing '%s' sends a pair over several paths at once: a "
			       "device needs one path for each pair",
			       routing);
	return 0;
}

/* What fits the network when nothing is asked for. */
static const char *routing_of(const struct topology *topology,
			      const struct device_settings *settings)
{
	static const char *const by_shape[] = {
		[TOPOLOGY_IRREGULAR] = "dmodk",   [TOPOLOGY_TREE] = "dmodk",
		[TOPOLOGY_TORUS] = "dor",         [TOPOLOGY_MESH] = "dor",
		[TOPOLOGY_DRAGONFLY] = "minimal",
	};

	if (settings->routing)
		return settings->routing;
	return topology->tables ? "lft" : by_shape[topology->shape];
}

static int route_pairs(struct network *network, const struct device_settings *settings,
		       const struct netemu_pair *pair, size_t pairs, struct routed *routed,
		       struct err *err)
{
	const char *routing = routing_of(&network->topology, settings);
	const struct router_settings how = { .seed = settings->seed };
	const struct netemu_route route = { .pairs = pair, .npairs = pairs };
	struct router *router;
	struct loads loads;
	int rc = -1;

	if (router_create(&router, routing, &network->topology, &how, err) < 0)
		return -1;
	if (loads_init(&loads, network->topology.net.links) < 0)
		err_errno(err, "unable to route");
	else if (router_route(router, &route, &loads, routed, err) == 0)
		rc = pairs ? check_routed(network, routed, routing, err) : 0;
	loads_release(&loads);
	router_destroy(router);
	return rc;
}

/* ROUTED's paths as a table by pairs of nodes. */
static int keep_paths(struct network *network, uint32_t count, const struct routed *routed,
		      size_t pairs, struct err *err)
{
	size_t links = pairs ? routed->start[pairs] : 0, pair = 0, at = 0, p = 0;

	network->path = malloc((links + 1) * sizeof(*network->path));
	network->start = malloc(((size_t)count * count + 1) * sizeof(*network->start));
	if (!network->path || !network->start)
		return err_errno(err, "unable to keep routes");
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < count; j++) {
			network->start[p++] = at;
			if (network->host[i] == network->host[j])
				continue;
			for (size_t k = routed->start[pair]; k < routed->start[pair + 1]; k++)
				network->path[at++] = routed->path[k];
			pair++;
		}
	network->start[p] = at;
	network->tables.nodes = count;
	network->tables.path = network->path;
	network->tables.start = network->start;
	return 0;
}

static int make_routes(struct network *network, const struct device_settings *settings,
		       uint32_t count, struct err *err)
{
	struct routed routed = { .want_paths = true };
	size_t pairs;
	struct netemu_pair *pair = make_pairs(network, count, &pairs);
	int rc = -1;

	if (!pair)
		err_errno(err, "unable to route");
	else if (route_pairs(network, settings, pair, pairs, &routed, err) == 0)
		rc = keep_paths(network, count, &routed, pairs, err);
	routed_release(&routed);
	free(pair);
	return rc;
}

int network_create(struct network *network, struct device_settings *settings,
		   const struct fabric_node *nodes, uint32_t count, const char *base,
		   struct err *err)
{
	memset(network, 0, sizeof(*network));
	settings->network = NULL;
	if (!settings->topology)
		return 0;
	if (topology_open(&network->topology, settings->topology, base, err) < 0)
		return -1;
	if (place_nodes(network, nodes, count, err) < 0 ||
	    make_links(network, settings->one[0].rate, err) < 0 ||
	    make_routes(network, settings, count, err) < 0) {
		network_release(network);
		return -1;
	}
	settings->network = &network->tables;
	return 0;
}

void network_release(struct network *network)
{
	if (network->topology.source)
		topology_release(&network->topology);
	free(network->link);
	free(network->host);
	free(network->path);
	free(network->start);
	memset(network, 0, sizeof(*network));
}

int network_fabric(char *path, size_t size, const char *name, const struct fabric_node *nodes,
		   uint32_t count, struct device_settings *settings, const char *base,
		   struct err *err)
{
	struct network network;
	int rc;

	if (network_create(&network, settings, nodes, count, base, err) < 0)
		return -1;
	rc = fabric_create(path, size, NULL, name, nodes, count, settings, err);
	settings->network = NULL;
	network_release(&network);
	return rc;
}
