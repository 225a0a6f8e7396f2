/* SPDX-License-Identifier: Apache-2.0 */
#include "hierarchy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t *add_level(struct hierarchy *hierarchy, const struct netemu_net *net)
{
	uint32_t *group = malloc(((size_t)net->nodes + 1) * sizeof(*group));

	if (!group)
		return NULL;
	hierarchy->group[hierarchy->levels++] = group;
	return group;
}

void hierarchy_release(struct hierarchy *hierarchy)
{
	while (hierarchy->levels)
		free(hierarchy->group[--hierarchy->levels]);
}

static uint32_t root_of(uint32_t *parent, uint32_t node)
{
	while (parent[node] != node) {
		parent[node] = parent[parent[node]];
		node = parent[node];
	}
	return node;
}

/* What hangs together by links between nodes of at most LEVEL; 0: by links of hosts. */
static int add_connected(struct hierarchy *hierarchy, const struct topology *topology,
			 uint32_t level)
{
	const struct netemu_net *net = &topology->net;
	uint32_t *group = add_level(hierarchy, net);

	if (!group)
		return -1;
	for (uint32_t node = 0; node < net->nodes; node++)
		group[node] = node;
	for (uint32_t l = 0; l < net->links; l++) {
		uint32_t from = net->link[l].from, to = net->link[l].to, a, b;

		if (level == 0 ? topology_is_isl(topology, l)
			       : net->level[from] > level || net->level[to] > level)
			continue;
		a = root_of(group, from);
		b = root_of(group, to);
		group[a > b ? a : b] = a > b ? b : a;
	}
	for (uint32_t node = 0; node < net->nodes; node++)
		group[node] = root_of(group, node);
	for (uint32_t node = 0; node < net->nodes; node++)
		if (net->level[node] > (level ? level : 1))
			group[node] = NETEMU_NONE;
	return 0;
}

static bool is_one(const struct hierarchy *hierarchy, const struct netemu_net *net,
		   const uint32_t *hosts, uint32_t nhosts)
{
	const uint32_t *group = hierarchy->group[hierarchy->levels - 1];

	for (uint32_t i = 1; i < nhosts; i++)
		if (group[net->host_node[hosts[i]]] != group[net->host_node[hosts[0]]])
			return false;
	return true;
}

static int add_tree(struct hierarchy *hierarchy, const struct topology *topology,
		    const uint32_t *hosts, uint32_t nhosts)
{
	const struct netemu_net *net = &topology->net;
	uint32_t top = 0;

	for (uint32_t node = 0; node < net->nodes; node++)
		if (net->level[node] != NETEMU_NONE && net->level[node] > top)
			top = net->level[node];
	for (uint32_t level = 2; level <= top && hierarchy->levels < HIERARCHY_LEVELS; level++) {
		if (is_one(hierarchy, net, hosts, nhosts))
			return 0;
		if (add_connected(hierarchy, topology, level) < 0)
			return -1;
	}
	return 0;
}

static int add_groups(struct hierarchy *hierarchy, const struct topology *topology)
{
	uint32_t *group = add_level(hierarchy, &topology->net);

	if (!group)
		return -1;
	for (uint32_t node = 0; node < topology->net.nodes; node++)
		group[node] = topology->nodes[node].coord[0];
	return 0;
}

/* The box of NODE when dimension d is cut in 2^HALVED[d] parts. */
static uint32_t box_of(const struct topology *topology, uint32_t node, const uint32_t *halved)
{
	uint64_t box = 0;

	for (uint32_t d = 0; d < topology->ndims; d++)
		box = (box << halved[d]) +
		      ((uint64_t)topology->nodes[node].coord[d] << halved[d]) / topology->dim[d];
	return (uint32_t)box;
}

/* Undo the last halving; the dimension with the shortest boxes was the last. */
static uint32_t last_halved(const struct topology *topology, const uint32_t *halved)
{
	uint32_t last = NETEMU_NONE;

	for (uint32_t d = 0; d < topology->ndims; d++)
		if (halved[d] &&
		    (last == NETEMU_NONE || (uint64_t)topology->dim[d] << halved[last] <
						    (uint64_t)topology->dim[last] << halved[d]))
			last = d;
	return last;
}

static int add_boxes(struct hierarchy *hierarchy, const struct topology *topology)
{
	uint32_t halved[TOPOLOGY_DIMS] = { 0 }, d;

	for (d = 0; d < topology->ndims; d++)
		while ((uint64_t)1 << halved[d] < topology->dim[d])
			halved[d]++;
	while ((d = last_halved(topology, halved)) != NETEMU_NONE &&
	       hierarchy->levels < HIERARCHY_LEVELS) {
		uint32_t *group = add_level(hierarchy, &topology->net);

		if (!group)
			return -1;
		halved[d]--;
		for (uint32_t node = 0; node < topology->net.nodes; node++)
			group[node] = box_of(topology, node, halved);
	}
	return 0;
}

int hierarchy_make(struct hierarchy *hierarchy, const struct topology *topology,
		   const uint32_t *hosts, uint32_t nhosts)
{
	int rc;

	*hierarchy = (struct hierarchy){ 0 };
	rc = add_connected(hierarchy, topology, 0);
	if (rc == 0 && topology->shape == TOPOLOGY_DRAGONFLY)
		rc = add_groups(hierarchy, topology);
	else if (rc == 0 && (topology->shape == TOPOLOGY_TORUS || topology->shape == TOPOLOGY_MESH))
		rc = add_boxes(hierarchy, topology);
	else if (rc == 0)
		rc = add_tree(hierarchy, topology, hosts, nhosts);
	if (rc == 0)
		return 0;
	hierarchy_release(hierarchy);
	errno = ENOMEM;
	return -1;
}

uint32_t hierarchy_apart(const struct hierarchy *hierarchy, const struct netemu_net *net,
			 uint32_t a, uint32_t b)
{
	uint32_t level = hierarchy->levels;

	while (level && hierarchy->group[level - 1][net->host_node[a]] ==
				hierarchy->group[level - 1][net->host_node[b]])
		level--;
	return level;
}
