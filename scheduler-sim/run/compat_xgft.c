/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compat_xgft.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX  1000000
#define CABLES_MAX 10000000

struct tree {
	struct topology *topology;
	uint64_t m[TOPOLOGY_DIMS], w[TOPOLOGY_DIMS];
	uint32_t height, slots;
	double capacity;
	struct err *err;
};

static uint64_t tops_of(const struct tree *tree, uint32_t height)
{
	uint64_t tops = 1;

	for (uint32_t i = 0; i < height; i++)
		tops *= tree->w[i];
	return tops;
}

/* Nodes and cables of a tree of HEIGHT, with bounds far below overflow. */
static int check_size(const struct tree *tree)
{
	double nodes = 1, cables = 0;

	for (uint32_t i = 0; i < tree->height; i++) {
		double tops = (double)tops_of(tree, i), m = (double)tree->m[i];

		cables = m * (cables + tops * tops * (double)tree->w[i]);
		nodes = m * nodes + tops * (double)tree->w[i];
		if (nodes > NODES_MAX || cables > CABLES_MAX)
			return err_set(tree->err, "%s: more than %d nodes or %d cables",
				       tree->topology->source, NODES_MAX, CABLES_MAX);
	}
	return 0;
}

static uint32_t add_node(const struct tree *tree, uint32_t height)
{
	char name[16];
	uint32_t node;

	snprintf(name, sizeof(name), "%06" PRIu32, tree->topology->net.nodes);
	node = topology_node(tree->topology, name, height == 0, 0, tree->err);
	if (node != NETEMU_NONE && height == 0)
		tree->topology->nodes[node].slots = tree->slots;
	return node;
}

static int join(const struct tree *tree, uint32_t top, uint64_t tops, uint32_t below,
		uint64_t nbelow)
{
	for (uint64_t i = 0; i < tops; i++)
		for (uint64_t k = 0; k < nbelow; k++)
			if (topology_cable(tree->topology, top + (uint32_t)i, NETEMU_NONE,
					   below + (uint32_t)k, NETEMU_NONE, tree->capacity, 0,
					   tree->err) < 0)
				return -1;
	return 0;
}

/* *TOP gets the first of its top nodes, which are numbered in turn. */
static int build(const struct tree *tree, uint32_t height, uint32_t *top)
{
	uint64_t tops = tops_of(tree, height);

	for (uint64_t i = 0; i < tops; i++) {
		uint32_t node = add_node(tree, height);

		if (node == NETEMU_NONE)
			return -1;
		if (i == 0)
			*top = node;
	}
	for (uint64_t k = 0; height && k < tree->m[height - 1]; k++) {
		uint32_t below;

		if (build(tree, height - 1, &below) < 0 ||
		    join(tree, *top, tops, below, tops_of(tree, height - 1)) < 0)
			return -1;
	}
	return 0;
}

static int read_counts(const struct yaml_node *params, const char *key, uint64_t *counts)
{
	const struct yaml_node *list = yaml_find(params, key);

	if (list->count > TOPOLOGY_DIMS)
		return -1;
	for (size_t i = 0; i < list->count; i++)
		schema_parse_count(list->items[i].text, &counts[i]);
	return (int)list->count;
}

int compat_xgft(struct topology *topology, const struct yaml_node *params, const char *spec,
		struct err *err)
{
	struct tree tree = {
		.topology = topology,
		.slots = (uint32_t)schema_count(params, "npe", 1),
		.capacity = schema_number(params, "bw", 1),
		.err = err,
	};
	int height = read_counts(params, "m", tree.m);
	uint32_t top;

	if (height < 0 || read_counts(params, "w", tree.w) != height)
		return err_set(err, "%s: at most %d levels, 'm' and 'w' of the same length", spec,
			       TOPOLOGY_DIMS);
	tree.height = (uint32_t)height;
	if (topology_init(topology, spec, err) < 0)
		return -1;
	if (check_size(&tree) == 0 && build(&tree, tree.height, &top) == 0 &&
	    topology_finish(topology, err) == 0)
		return 0;
	topology_release(topology);
	return -1;
}
