/* SPDX-License-Identifier: Apache-2.0 */
#include "shortest.h"

#include <errno.h>
#include <stdlib.h>

/* The switch of a host with one cable, else NETEMU_NONE. */
static uint32_t only_switch(const struct netemu_net *net, uint32_t host)
{
	uint32_t node = net->host_node[host], to;

	if (net->first[node + 1] - net->first[node] != 1)
		return NETEMU_NONE;
	to = net->link[net->first[node]].to;
	return net->node_host[to] == NETEMU_NONE ? to : NETEMU_NONE;
}

/* Give every switch next to NODE that is new HOPS and a place in the order. */
static void reach(struct shortest *shortest, uint32_t node, uint32_t hops)
{
	const struct netemu_net *net = shortest->net;

	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to;

		if (net->node_host[to] != NETEMU_NONE || shortest->hops[to] != NETEMU_NONE)
			continue;
		shortest->hops[to] = hops;
		shortest->order[shortest->reached++] = to;
	}
}

/* Which links out of NODE are on a shortest path. */
static void collect(struct shortest *shortest, uint32_t node)
{
	const struct netemu_net *net = shortest->net;
	uint32_t target = net->host_node[shortest->target];
	uint32_t hops = shortest->hops[node], count = 0;
	double paths = 0;

	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to;

		if (to == target ? hops != 1
				 : net->node_host[to] != NETEMU_NONE ||
					   shortest->hops[to] == NETEMU_NONE ||
					   shortest->hops[to] + 1 != hops)
			continue;
		shortest->next[net->first[node] + count++] = l;
		paths += to == target ? 1 : shortest->paths[to];
	}
	shortest->count[node] = count;
	shortest->paths[node] = paths;
}

static void search(struct shortest *shortest)
{
	const struct netemu_net *net = shortest->net;

	for (uint32_t i = 0; i < net->nodes; i++)
		shortest->hops[i] = NETEMU_NONE;
	shortest->reached = 0;
	reach(shortest, net->host_node[shortest->target], 1);
	for (uint32_t i = 0; i < shortest->reached; i++)
		reach(shortest, shortest->order[i], shortest->hops[shortest->order[i]] + 1);
	for (uint32_t i = 0; i < shortest->reached; i++)
		collect(shortest, shortest->order[i]);
}

int shortest_init(struct shortest *shortest, const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;

	*shortest = (struct shortest){
		.net = net,
		.target = NETEMU_NONE,
		.root = NETEMU_NONE,
		.hops = calloc(net->nodes, sizeof(uint32_t)),
		.paths = calloc(net->nodes, sizeof(double)),
		.count = calloc(net->nodes, sizeof(uint32_t)),
		.next = calloc(net->links ? net->links : 1, sizeof(uint32_t)),
		.order = calloc(net->nodes, sizeof(uint32_t)),
	};
	if (shortest->hops && shortest->paths && shortest->count && shortest->next &&
	    shortest->order)
		return 0;
	shortest_release(shortest);
	errno = ENOMEM;
	return -1;
}

void shortest_release(struct shortest *shortest)
{
	free(shortest->hops);
	free(shortest->paths);
	free(shortest->count);
	free(shortest->next);
	free(shortest->order);
	*shortest = (struct shortest){ 0 };
}

void shortest_to(struct shortest *shortest, uint32_t host)
{
	uint32_t root = only_switch(shortest->net, host);

	if (shortest->target == host)
		return;
	shortest->target = host;
	if (root != NETEMU_NONE && root == shortest->root) {
		collect(shortest, root);
		return;
	}
	shortest->root = root;
	search(shortest);
}

uint32_t shortest_from(struct shortest *shortest, uint32_t host)
{
	const struct netemu_net *net = shortest->net;
	uint32_t node = net->host_node[host], target = net->host_node[shortest->target];
	uint32_t best = NETEMU_NONE;

	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to, hops = NETEMU_NONE;

		if (to == target)
			hops = 1;
		else if (net->node_host[to] == NETEMU_NONE && shortest->hops[to] != NETEMU_NONE)
			hops = shortest->hops[to] + 1;
		if (hops < best)
			best = hops;
	}
	shortest->hops[node] = best;
	if (best == NETEMU_NONE) {
		shortest->count[node] = 0;
		shortest->paths[node] = 0;
		return best;
	}
	collect(shortest, node);
	return best;
}

/* The link of NODE under which the fraction PART of its paths falls. */
static uint32_t pick(const struct shortest *shortest, uint32_t node, double part)
{
	const struct netemu_net *net = shortest->net;
	const uint32_t *next = &shortest->next[net->first[node]];
	double left = part * shortest->paths[node];

	for (uint32_t i = 0; i + 1 < shortest->count[node]; i++) {
		uint32_t to = net->link[next[i]].to;
		double paths = net->node_host[to] == NETEMU_NONE ? shortest->paths[to] : 1;

		if (left < paths)
			return next[i];
		left -= paths;
	}
	return next[shortest->count[node] - 1];
}

uint32_t shortest_draw(struct shortest *shortest, uint32_t host, double (*random)(void *arg),
		       void *arg, uint32_t *links)
{
	const struct netemu_net *net = shortest->net;
	uint32_t hops = shortest_from(shortest, host), node = net->host_node[host];

	if (hops == NETEMU_NONE)
		return NETEMU_NONE;
	for (uint32_t i = 0; i < hops; i++) {
		links[i] = pick(shortest, node, random(arg));
		node = net->link[links[i]].to;
	}
	return hops;
}
