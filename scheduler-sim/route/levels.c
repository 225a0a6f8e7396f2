/* SPDX-License-Identifier: Apache-2.0 */
#include "levels.h"

#include <errno.h>
#include <stdlib.h>

struct cable_up {
	uint32_t parent, link;
};

static int by_parent(const void *one, const void *two)
{
	const struct cable_up *a = one, *b = two;

	if (a->parent != b->parent)
		return a->parent < b->parent ? -1 : 1;
	return a->link < b->link ? -1 : a->link > b->link;
}

static int list_order(struct levels *levels)
{
	const struct netemu_net *net = levels->net;
	uint32_t *first;

	for (uint32_t n = 0; n < net->nodes; n++) {
		if (net->level[n] == NETEMU_NONE)
			continue;
		levels->count++;
		if (net->level[n] > levels->top)
			levels->top = net->level[n];
	}
	first = calloc((size_t)levels->top + 2, sizeof(*first));
	if (!first)
		return -1;
	for (uint32_t n = 0; n < net->nodes; n++) {
		if (net->level[n] != NETEMU_NONE)
			first[net->level[n] + 1]++;
	}
	for (uint32_t l = 0; l < levels->top; l++)
		first[l + 1] += first[l];
	for (uint32_t n = 0; n < net->nodes; n++) {
		if (net->level[n] != NETEMU_NONE)
			levels->order[first[net->level[n]]++] = n;
	}
	free(first);
	return 0;
}

/* Number the cables up of NODE: one to each parent, then the next to each. */
static uint32_t number_cables(struct levels *levels, const struct levels_node *node, uint32_t up)
{
	uint32_t end = up + node->nup;

	for (uint32_t k = 0; up < end; k++) {
		for (uint32_t b = node->bond; b < node->bond + node->parents; b++) {
			if (k < levels->bond[b].cables)
				levels->up[up++] = levels->cable[levels->bond[b].cable + k];
		}
	}
	return up;
}

/* The parents of NODE, with bonds from number BOND on. */
static uint32_t list_parents(struct levels *levels, uint32_t n, uint32_t bond, uint32_t up,
			     struct cable_up *cables)
{
	const struct netemu_net *net = levels->net;
	struct levels_node *node = &levels->node[n];
	uint32_t count = 0;

	for (uint32_t l = net->first[n]; l < net->first[n + 1]; l++) {
		if (net->level[net->link[l].to] == node->level + 1)
			cables[count++] = (struct cable_up){ net->link[l].to, l };
	}
	qsort(cables, count, sizeof(*cables), by_parent);
	node->bond = bond;
	node->up = up;
	node->nup = count;
	for (uint32_t i = 0; i < count; i++) {
		levels->cable[up + i] = cables[i].link;
		if (i && cables[i].parent == cables[i - 1].parent) {
			levels->bond[bond - 1].cables++;
			continue;
		}
		levels->bond[bond++] = (struct levels_bond){ n, cables[i].parent, up + i, 1 };
		node->parents++;
	}
	node->by_cables = divisor_make(node->nup ? node->nup : 1);
	node->by_parents = divisor_make(node->parents ? node->parents : 1);
	return bond;
}

static int list_bonds(struct levels *levels)
{
	const struct netemu_net *net = levels->net;
	struct cable_up *cables = calloc((size_t)net->links + 1, sizeof(*cables));
	uint32_t bonds = 0, up = 0, child = 0;

	if (!cables)
		return -1;
	for (uint32_t n = 0; n < net->nodes; n++) {
		levels->node[n].level = net->level[n];
		if (net->level[n] == NETEMU_NONE)
			continue;
		bonds = list_parents(levels, n, bonds, up, cables);
		up = number_cables(levels, &levels->node[n], up);
	}
	free(cables);
	for (uint32_t b = 0; b < bonds; b++)
		levels->node[levels->bond[b].parent].children++;
	for (uint32_t n = 0; n < net->nodes; n++) {
		levels->node[n].child = child;
		child += levels->node[n].children;
		levels->node[n].children = 0;
	}
	for (uint32_t b = 0; b < bonds; b++) {
		struct levels_node *parent = &levels->node[levels->bond[b].parent];

		levels->child[parent->child + parent->children++] = b;
	}
	return 0;
}

/* The number of parents that most of the nodes ORDER[0 .. count) have; those
 * without any do not matter.  SEEN is 0, and is again when this returns.
 */
static uint32_t usual_parents(const struct levels *levels, const uint32_t *order, uint32_t count,
			      uint32_t *seen)
{
	uint32_t usual = 1;

	for (uint32_t i = 0; i < count; i++)
		seen[levels->node[order[i]].parents]++;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t parents = levels->node[order[i]].parents;

		if (parents && (seen[parents] > seen[usual] ||
				(seen[parents] == seen[usual] && parents > usual)))
			usual = parents;
	}
	for (uint32_t i = 0; i < count; i++)
		seen[levels->node[order[i]].parents] = 0;
	return usual;
}

static int find_widths(struct levels *levels)
{
	uint32_t most = 1, *seen, begin = 0, end;
	uint64_t width = 1;

	for (uint32_t n = 0; n < levels->net->nodes; n++) {
		if (levels->node[n].parents > most)
			most = levels->node[n].parents;
	}
	seen = calloc((size_t)most + 1, sizeof(*seen));
	levels->width = calloc((size_t)levels->top + 1, sizeof(*levels->width));
	if (!seen || !levels->width) {
		free(seen);
		return -1;
	}
	for (uint32_t l = 0; l <= levels->top; l++, begin = end) {
		for (end = begin; end < levels->count; end++) {
			if (levels->node[levels->order[end]].level != l)
				break;
		}
		levels->width[l] = divisor_make((uint32_t)width);
		/* beyond the number of any host all quotients are 0 */
		width *= usual_parents(levels, levels->order + begin, end - begin, seen);
		if (width > UINT32_MAX)
			width = UINT32_MAX;
	}
	free(seen);
	return 0;
}

int levels_init(struct levels *levels, const struct netemu_net *net)
{
	*levels = (struct levels){
		.net = net,
		.node = calloc((size_t)net->nodes + 1, sizeof(*levels->node)),
		.bond = calloc((size_t)net->links + 1, sizeof(*levels->bond)),
		.cable = calloc((size_t)net->links + 1, sizeof(*levels->cable)),
		.up = calloc((size_t)net->links + 1, sizeof(*levels->up)),
		.child = calloc((size_t)net->links + 1, sizeof(*levels->child)),
		.order = calloc((size_t)net->nodes + 1, sizeof(*levels->order)),
	};
	if (levels->node && levels->bond && levels->cable && levels->up && levels->child &&
	    levels->order && !list_order(levels) && !list_bonds(levels) && !find_widths(levels))
		return 0;
	levels_release(levels);
	errno = ENOMEM;
	return -1;
}

void levels_release(struct levels *levels)
{
	free(levels->node);
	free(levels->bond);
	free(levels->cable);
	free(levels->up);
	free(levels->child);
	free(levels->order);
	free(levels->width);
	*levels = (struct levels){ 0 };
}
