/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/generate.h"
#include "topology/spec.h"

#include <string.h>

struct tree {
	uint32_t h;
	uint32_t m[TOPOLOGY_DIMS], w[TOPOLOGY_DIMS], p[TOPOLOGY_DIMS];
};

/* How many values coordinate I has on LEVEL. */
static uint32_t size_of(const struct tree *tree, uint32_t level, uint32_t i)
{
	return i < level ? tree->w[i] : tree->m[i];
}

static uint64_t nodes_of(const struct tree *tree, uint32_t level)
{
	uint64_t nodes = 1;

	for (uint32_t i = 0; i < tree->h; i++)
		nodes = spec_times(nodes, size_of(tree, level, i));
	return nodes;
}

static int check_size(const struct topology *topology, const struct tree *tree, struct err *err)
{
	uint64_t nodes = 0, cables = 0;

	for (uint32_t l = 0; l <= tree->h; l++) {
		uint64_t here = nodes_of(tree, l);

		nodes += here;
		if (l < tree->h)
			cables += spec_times(spec_times(here, tree->w[l]), tree->p[l]);
	}
	return spec_check_size(topology, nodes, cables, err);
}

/* The coordinates of node INDEX of LEVEL. */
static void split(const struct tree *tree, uint32_t level, uint64_t index, uint32_t *coord)
{
	for (uint32_t i = 0; i < tree->h; i++) {
		coord[i] = (uint32_t)(index % size_of(tree, level, i));
		index /= size_of(tree, level, i);
	}
}

static uint64_t join(const struct tree *tree, uint32_t level, const uint32_t *coord)
{
	uint64_t index = 0;

	for (uint32_t i = tree->h; i-- > 0;)
		index = index * size_of(tree, level, i) + coord[i];
	return index;
}

static int add_level(struct topology *topology, const struct tree *tree, uint32_t level,
		     struct err *err)
{
	uint32_t coord[TOPOLOGY_DIMS], size[TOPOLOGY_DIMS];
	uint64_t count = nodes_of(tree, level);

	for (uint32_t i = 0; i < tree->h; i++)
		size[i] = size_of(tree, level, i);
	for (uint64_t index = 0; index < count; index++) {
		uint32_t node;

		split(tree, level, index, coord);
		node = level ? spec_switch(topology, level, coord, size, tree->h, err)
			     : spec_host(topology, index, count, err);
		if (node == NETEMU_NONE)
			return -1;
		memcpy(topology->nodes[node].coord, coord, tree->h * sizeof(*coord));
	}
	return 0;
}

/* The cables of CHILD, a node of LEVEL at COORD, to its parents, which begin at
 * node FIRST.
 */
static int add_cables(struct topology *topology, const struct tree *tree, uint32_t level,
		      uint32_t child, uint32_t first, struct err *err)
{
	const uint32_t p = tree->p[level];
	const uint32_t down = level ? tree->m[level - 1] * tree->p[level - 1] : 0;
	uint32_t coord[TOPOLOGY_DIMS], x;

	memcpy(coord, topology->nodes[child].coord, sizeof(coord));
	x = coord[level];
	for (uint32_t y = 0; y < tree->w[level]; y++) {
		uint32_t parent;

		coord[level] = y;
		parent = first + (uint32_t)join(tree, level + 1, coord);
		for (uint32_t k = 0; k < p; k++)
			if (topology_cable(topology, child, down + y * p + k + 1, parent,
					   x * p + k + 1, 1, 0, err) < 0)
				return -1;
	}
	return 0;
}

static int build(struct topology *topology, const struct tree *tree, struct err *err)
{
	uint32_t child = 0;

	if (check_size(topology, tree, err) < 0)
		return -1;
	for (uint32_t l = 0; l <= tree->h; l++)
		if (add_level(topology, tree, l, err) < 0)
			return -1;
	for (uint32_t l = 0; l < tree->h; l++) {
		uint32_t end = child + (uint32_t)nodes_of(tree, l);

		for (; child < end; child++)
			if (add_cables(topology, tree, l, child, end, err) < 0)
				return -1;
	}
	topology->shape = TOPOLOGY_TREE;
	topology->ndims = tree->h;
	memcpy(topology->dim, tree->m, sizeof(tree->m));
	memcpy(topology->w, tree->w, sizeof(tree->w));
	memcpy(topology->cables, tree->p, sizeof(tree->p));
	return 0;
}

int xgft_generate(struct topology *topology, const char *args, struct err *err)
{
	struct spec_list lists[3];
	struct tree tree = { 0 };
	int n = spec_lists(topology, args, "xgft:M:W[:P]", lists, 3, err);

	if (n < 0)
		return -1;
	if (n == 1)
		return err_set(err, "'%s': not xgft:M:W[:P]: W is missing", topology->source);
	if (lists[0].n != lists[1].n)
		return err_set(err, "'%s': M has %u numbers and W %u", topology->source, lists[0].n,
			       lists[1].n);
	if (n == 3 && lists[2].n != lists[0].n)
		return err_set(err, "'%s': M has %u numbers and P %u", topology->source, lists[0].n,
			       lists[2].n);
	tree.h = lists[0].n;
	for (uint32_t i = 0; i < tree.h; i++) {
		tree.m[i] = lists[0].value[i];
		tree.w[i] = lists[1].value[i];
		tree.p[i] = n == 3 ? lists[2].value[i] : 1;
	}
	return build(topology, &tree, err);
}

int kary_generate(struct topology *topology, const char *args, struct err *err)
{
	struct spec_list lists[2];
	struct tree tree = { 0 };
	int n = spec_lists(topology, args, "kary:K:N", lists, 2, err);

	if (n < 0)
		return -1;
	if (n != 2 || lists[0].n != 1 || lists[1].n != 1)
		return err_set(err, "'%s': not kary:K:N: two numbers are expected",
			       topology->source);
	tree.h = lists[1].value[0];
	if (tree.h > TOPOLOGY_DIMS)
		return err_set(err, "'%s': more than %d levels", topology->source, TOPOLOGY_DIMS);
	for (uint32_t i = 0; i < tree.h; i++) {
		tree.m[i] = lists[0].value[0];
		tree.w[i] = i ? lists[0].value[0] : 1;
		tree.p[i] = 1;
	}
	return build(topology, &tree, err);
}
