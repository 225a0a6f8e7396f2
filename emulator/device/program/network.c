/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

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
		network->host[k] = host_of(&network->paths.topology, node_name(&nodes[k]));
		if (network->host[k] == NETEMU_NONE)
			return false;
	}
	return true;
}

static int place_nodes(struct network *network, const struct fabric_node *nodes, uint32_t count,
		       struct err *err)
{
	const struct topology *topology = &network->paths.topology;

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

static int make_links(struct network *network, struct err *err)
{
	const struct netemu_net *net = &network->paths.topology.net;

	network->link = calloc(net->links + (size_t)1, sizeof(*network->link));
	if (!network->link)
		return err_errno(err, "unable to keep the links of '%s'",
				 network->paths.topology.source);
	for (uint32_t i = 0; i < net->links; i++)
		network->link[i] = (struct net_topology_link){
			.from = net->name[net->link[i].from],
			.to = net->name[net->link[i].to],
			.from_port = net->link[i].from_port,
			.to_port = net->link[i].to_port,
			.rate = network->paths.rate[i],
		};
	return 0;
}

static void set_tables(struct network *network)
{
	network->tables = (struct net_topology){
		.links = network->paths.topology.net.links,
		.nodes = network->paths.places,
		.link = network->link,
		.path = network->paths.path,
		.start = network->paths.start,
	};
}

int network_create(struct network *network, struct device_settings *settings,
		   const struct fabric_node *nodes, uint32_t count, const char *base,
		   struct err *err)
{
	const struct paths_settings how = {
		.spec = settings->topology,
		.base = base,
		.routing = settings->routing,
		.seed = settings->seed,
		.unit = settings->one[0].rate,
	};

	memset(network, 0, sizeof(*network));
	settings->network = NULL;
	if (!settings->topology)
		return 0;
	if (paths_open(&network->paths, &how, err) < 0)
		return -1;
	if (place_nodes(network, nodes, count, err) < 0 || make_links(network, err) < 0 ||
	    paths_route(&network->paths, &how, network->host, count, err) < 0) {
		network_release(network);
		return -1;
	}
	set_tables(network);
	settings->network = &network->tables;
	return 0;
}

void network_release(struct network *network)
{
	paths_release(&network->paths);
	free(network->link);
	free(network->host);
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
