/* SPDX-License-Identifier: Apache-2.0 */
/* The links of a fabric: those of its devices, and between them those of a
 * topology.
 */
#include "device/net.h"
#include "device/netlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void net_changed(struct fabric *fabric)
{
	struct shared_header *header = fabric->segment.header;
	uint32_t delayed = atomic_load(&header->latency) > 0 || atomic_load(&header->jitter) > 0;

	for (uint32_t i = 0; i < header->links && !delayed; i++) {
		const struct shared_link *link = net_link(fabric, i);

		delayed = net_link_rate(link) > 0 || net_link_loss(link) > 0;
	}
	atomic_store(&header->delayed, delayed);
}

static void copy_name(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* The link of a device to the network, or from it. */
static void star_link(struct fabric *fabric, const struct shared_device *device, uint32_t index,
		      bool up, const struct one_device *one)
{
	struct shared_header *header = fabric->segment.header;
	const struct shared_node *nodes = segment_at(&fabric->segment, header->nodes_at);
	struct shared_link *link = net_link(fabric, index);
	char own[LINK_NAME_SIZE];

	snprintf(own, sizeof(own), "%.45s/%s", nodes[device->node].name, device->name);
	snprintf(link->name, sizeof(link->name), "%.58s.%s", own, up ? "up" : "down");
	copy_name(link->from, sizeof(link->from), up ? own : "network");
	copy_name(link->to, sizeof(link->to), up ? "network" : own);
	link->from_port = up ? 1 : UINT32_MAX;
	link->to_port = up ? UINT32_MAX : 1;
	net_link_init(link, header->seed, index);
	net_link_set_rate(link, one->rate);
	net_link_set_loss(link, up ? one->loss : 0);
}

static void star_links(struct fabric *fabric, const struct device_settings *settings)
{
	for (uint32_t i = 0; i < fabric->segment.header->devices; i++) {
		struct shared_device *device = fabric_device(fabric, i);
		const struct one_device *one = &settings->one[device->index];

		star_link(fabric, device, 2 * i, true, one);
		star_link(fabric, device, 2 * i + 1, false, one);
		device->up = 2 * i;
		device->down = 2 * i + 1;
	}
}

static void topology_links(struct fabric *fabric, const struct net_topology *topology)
{
	struct shared_header *header = fabric->segment.header;
	uint32_t first = 2 * header->devices;

	for (uint32_t i = 0; i < topology->links; i++) {
		const struct net_topology_link *of = &topology->link[i];
		struct shared_link *link = net_link(fabric, first + i);

		snprintf(link->name, sizeof(link->name), "%.25s-%.25s.%u", of->from, of->to, i);
		copy_name(link->from, sizeof(link->from), of->from);
		copy_name(link->to, sizeof(link->to), of->to);
		link->from_port = of->from_port;
		link->to_port = of->to_port;
		net_link_init(link, header->seed, first + i);
		net_link_set_rate(link, of->rate);
	}
}

/* The path of two nodes into PATH: none between devices of one. */
static uint32_t node_path(const struct net_topology *topology, uint32_t from, uint32_t to,
			  const uint32_t **path)
{
	uint64_t pair = (uint64_t)from * topology->nodes + to;

	*path = topology->path + topology->start[pair];
	return (uint32_t)(topology->start[pair + 1] - topology->start[pair]);
}

static uint64_t route_size(uint32_t links)
{
	return (sizeof(struct net_route) + links * sizeof(uint32_t) + 7) / 8 * 8;
}

static uint64_t routes_size(struct fabric *fabric, const struct net_topology *topology)
{
	uint32_t devices = fabric->segment.header->devices;
	uint64_t size = 0;
	const uint32_t *path;

	for (uint32_t i = 0; i < devices; i++)
		for (uint32_t j = 0; j < devices; j++)
			size += route_size(2 + node_path(topology, fabric_device(fabric, i)->node,
							 fabric_device(fabric, j)->node, &path));
	return size;
}

/* The device's link, the topology's, the other device's. */
static uint64_t write_route(struct fabric *fabric, const struct net_topology *topology,
			    uint32_t from, uint32_t to, uint64_t at)
{
	struct net_route *route = segment_at(&fabric->segment, at);
	struct shared_device *sender = fabric_device(fabric, from);
	struct shared_device *receiver = fabric_device(fabric, to);
	uint32_t first = 2 * fabric->segment.header->devices;
	const uint32_t *path;
	uint32_t hops = node_path(topology, sender->node, receiver->node, &path);

	route->links = hops + 2;
	route->link[0] = sender->up;
	for (uint32_t i = 0; i < hops; i++)
		route->link[i + 1] = first + path[i];
	route->link[hops + 1] = receiver->down;
	return route_size(route->links);
}

static int set_routes(struct fabric *fabric, const struct net_topology *topology)
{
	struct shared_header *header = fabric->segment.header;
	uint64_t pairs = (uint64_t)header->devices * header->devices;
	uint64_t at = segment_alloc(&fabric->segment,
				    pairs * sizeof(uint64_t) + routes_size(fabric, topology));
	uint64_t *routes;

	if (!at)
		return -1;
	routes = segment_at(&fabric->segment, at);
	header->routes_at = at;
	at += pairs * sizeof(uint64_t);
	for (uint32_t i = 0; i < header->devices; i++)
		for (uint32_t j = 0; j < header->devices; j++) {
			routes[(uint64_t)i * header->devices + j] = at;
			at += write_route(fabric, topology, i, j, at);
		}
	return 0;
}

int net_star(struct fabric *fabric, const struct device_settings *settings)
{
	struct shared_header *header = fabric->segment.header;
	const struct net_topology *topology = settings->network;
	uint64_t links = 2 * (uint64_t)header->devices + (topology ? topology->links : 0);

	if ((settings->topology && !topology) || (topology && topology->nodes != header->nodes)) {
		errno = EINVAL;
		return -1;
	}
	header->links_at = segment_alloc(&fabric->segment, links * sizeof(struct shared_link));
	if (!header->links_at)
		return -1;
	header->links = (uint32_t)links;
	star_links(fabric, settings);
	if (topology) {
		topology_links(fabric, topology);
		if (set_routes(fabric, topology) < 0)
			return -1;
	}
	net_changed(fabric);
	return 0;
}
