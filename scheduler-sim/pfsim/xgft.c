/* SPDX-License-Identifier: Apache-2.0 */
#include "pfsim/xgft.h"

#include "topology/spec.h"

#include <stdio.h>

struct plan {
	struct topology *topology;
	const uint32_t *m, *w;
	double bw;
	uint32_t npe;
	uint32_t named; /* nodes so far */
};

/* Switches on top of a tree of HEIGHT; a host is a tree of height 0. */
static uint64_t tops_of(const struct plan *plan, uint32_t height)
{
	uint64_t tops = 1;

	for (uint32_t i = 0; i < height; i++)
		tops = spec_times(tops, plan->w[i]);
	return tops;
}

static int check(const struct plan *plan, uint32_t height, struct err *err)
{
	uint64_t trees = 1, nodes = 0, cables = 0;

	if (height == 0 || height > TOPOLOGY_DIMS)
		return err_set(err, "%s: an XGFT has 1 to %d levels, not %u",
			       plan->topology->source, TOPOLOGY_DIMS, height);
	for (uint32_t level = height; level > 0; level--) {
		if (plan->m[level - 1] == 0 || plan->w[level - 1] == 0)
			return err_set(err, "%s: an XGFT has no 0 in m and w",
				       plan->topology->source);
		nodes += spec_times(trees, tops_of(plan, level));
		trees = spec_times(trees, plan->m[level - 1]);
		cables += spec_times(trees,
				     spec_times(tops_of(plan, level), tops_of(plan, level - 1)));
	}
	return spec_check_size(plan->topology, nodes + trees, cables, err);
}

static int add_node(struct plan *plan, bool is_host, struct err *err)
{
	char name[16];
	uint32_t node;

	snprintf(name, sizeof(name), "%u", plan->named);
	node = topology_node(plan->topology, name, is_host, 0, err);
	if (node == NETEMU_NONE)
		return -1;
	plan->topology->nodes[node].slots = plan->npe;
	plan->named++;
	return 0;
}

/* Join the switches on top at FIRST with those of the subtree at CHILD. */
static int join(struct plan *plan, uint32_t first, uint32_t child, uint32_t height, struct err *err)
{
	for (uint32_t s = 0; s < tops_of(plan, height); s++)
		for (uint32_t c = 0; c < tops_of(plan, height - 1); c++)
			if (topology_cable(plan->topology, first + s, NETEMU_NONE, child + c,
					   NETEMU_NONE, plan->bw, 0, err) < 0)
				return -1;
	return 0;
}

/* The depth is that of the tree, at most TOPOLOGY_DIMS. */
static int add_tree(struct plan *plan, uint32_t height, struct err *err)
{
	uint32_t first = plan->named;

	for (uint32_t s = 0; s < tops_of(plan, height); s++)
		if (add_node(plan, height == 0, err) < 0)
			return -1;
	for (uint32_t i = 0; height > 0 && i < plan->m[height - 1]; i++) {
		uint32_t child = plan->named;

		if (add_tree(plan, height - 1, err) < 0 ||
		    join(plan, first, child, height, err) < 0)
			return -1;
	}
	return 0;
}

int pfsim_xgft(struct topology *topology, const char *source, uint32_t height, const uint32_t *m,
	       const uint32_t *w, double bw, uint32_t npe, struct err *err)
{
	struct plan plan = { .topology = topology, .m = m, .w = w, .bw = bw, .npe = npe };

	if (topology_init(topology, source, err) < 0)
		return -1;
	if (check(&plan, height, err) == 0 && add_tree(&plan, height, err) == 0 &&
	    topology_finish(topology, err) == 0)
		return 0;
	topology_release(topology);
	return -1;
}
