/* SPDX-License-Identifier: Apache-2.0 */
#include "ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A host and the connected parts it is in, from the highest level down. */
struct ranges_key {
	uint32_t host;
	uint32_t part[RANGES_LEVELS];
};

static uint32_t root_of(uint32_t *up, uint32_t node)
{
	while (up[node] != node) {
		up[node] = up[up[node]];
		node = up[node];
	}
	return node;
}

/* Parts are named by the first of their nodes. */
static void join(uint32_t *up, uint32_t a, uint32_t b)
{
	a = root_of(up, a);
	b = root_of(up, b);
	if (a < b)
		up[b] = a;
	else
		up[a] = b;
}

/* Bring the bonds of children of LEVEL together and note the part of each host. */
static void join_level(const struct levels *levels, uint32_t level, uint32_t *up,
		       struct ranges_key *key)
{
	const struct netemu_net *net = levels->net;

	for (uint32_t n = 0; n < net->nodes; n++) {
		const struct levels_node *node = &levels->node[n];

		if (node->level != level)
			continue;
		for (uint32_t b = node->bond; b < node->bond + node->parents; b++)
			join(up, n, levels->bond[b].parent);
	}
	for (uint32_t h = 0; h < net->hosts; h++)
		key[h].part[RANGES_LEVELS - 1 - level] = root_of(up, net->host_node[h]);
}

static int by_part(const void *one, const void *two)
{
	const struct ranges_key *a = one, *b = two;

	for (uint32_t i = 0; i < RANGES_LEVELS; i++) {
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	}
	return a->host < b->host ? -1 : a->host > b->host;
}

static int number_hosts(struct ranges *ranges)
{
	const struct netemu_net *net = ranges->levels->net;
	struct ranges_key *key = calloc((size_t)net->hosts + 1, sizeof(*key));
	uint32_t *up = calloc((size_t)net->nodes + 1, sizeof(*up));

	if (key && up) {
		for (uint32_t n = 0; n < net->nodes; n++)
			up[n] = n;
		for (uint32_t h = 0; h < net->hosts; h++)
			key[h].host = h;
		for (uint32_t level = 0; level < ranges->levels->top; level++)
			join_level(ranges->levels, level, up, key);
		qsort(key, net->hosts, sizeof(*key), by_part);
		for (uint32_t i = 0; i < net->hosts; i++)
			ranges->place[key[i].host] = i;
	}
	free(up);
	free(key);
	return key && up ? 0 : -1;
}

static int by_begin(const void *one, const void *two, void *arg)
{
	const struct ranges *ranges = arg;
	const struct levels_bond *bond = ranges->levels->bond;
	uint32_t a = bond[*(const uint32_t *)one].child, b = bond[*(const uint32_t *)two].child;

	if (ranges->of[a].begin != ranges->of[b].begin)
		return ranges->of[a].begin < ranges->of[b].begin ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The range of node N from those of its children.  Returns whether it is one. */
static bool find_range(struct ranges *ranges, struct levels *levels, uint32_t n)
{
	const struct levels_node *node = &levels->node[n];
	uint32_t *child = levels->child + node->child, size = 0;
	struct range *range = &ranges->of[n];
	bool equal = true;

	qsort_r(child, node->children, sizeof(*child), by_begin, ranges);
	for (uint32_t i = 0; i < node->children; i++) {
		const struct range *part = &ranges->of[levels->bond[child[i]].child];

		if (!i) {
			*range = *part;
			size = part->end - part->begin;
		} else if (part->begin != range->end) {
			return false;
		}
		range->end = part->end;
		equal = equal && part->end - part->begin == size;
	}
	range->block = equal && size ? divisor_make(size) : (struct divisor){ 0 };
	return node->children;
}

static bool find_ranges(struct ranges *ranges, struct levels *levels)
{
	const struct netemu_net *net = levels->net;

	for (uint32_t i = 0; i < levels->count; i++) {
		uint32_t n = levels->order[i], host = net->node_host[n];
		struct range *range = &ranges->of[n];

		if (host != NETEMU_NONE)
			*range = (struct range){ ranges->place[host],
						 ranges->place[host] + 1,
						 { 0 } };
		else if (!find_range(ranges, levels, n))
			return false;
		if (!levels->node[n].nup && range->end - range->begin != net->hosts)
			return false;
	}
	return true;
}

int ranges_init(struct ranges *ranges, struct levels *levels)
{
	const struct netemu_net *net = levels->net;

	*ranges = (struct ranges){
		.levels = levels,
		.place = calloc((size_t)net->hosts + 1, sizeof(*ranges->place)),
		.of = calloc((size_t)net->nodes + 1, sizeof(*ranges->of)),
	};
	if (!ranges->place || !ranges->of)
		goto no_memory;
	if (levels->top > RANGES_LEVELS)
		return 0;
	if (number_hosts(ranges))
		goto no_memory;
	return find_ranges(ranges, levels);
no_memory:
	ranges_release(ranges);
	errno = ENOMEM;
	return -1;
}

void ranges_release(struct ranges *ranges)
{
	free(ranges->place);
	free(ranges->of);
	*ranges = (struct ranges){ 0 };
}
