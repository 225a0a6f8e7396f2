/* SPDX-License-Identifier: Apache-2.0 */
/* treewalk.c - pairs of hosts: path by path, or added up when there are many */
#include "treeparts.h"

#include <stdlib.h>

#define PASS_PATHS 16 /* switches of a pass that cost as much as one path */
#define AHEAD      16 /* pairs that are fetched early: they are anywhere in memory */

/* The pairs of one job while they are routed. */
struct tree_walk {
	struct routing *routing;
	struct tree *tree;
	size_t failed; /* the first pair without a path */
	struct err *err;
};

/* The path of NODE to the host TARGET (a node) over the column at hand, into
 * the stack.  Returns its length, 0 when there is none.  A loop is found by
 * looking back to where the path was at the last power of two (Brent, 1980).
 */
static uint32_t climb(struct tree *tree, uint32_t node, uint32_t target)
{
	const uint32_t *next = tree->next, *to = tree->fabric.to;
	uint32_t length = 0, seen = node, limit = 2;
	const struct netemu_net *net = tree->fabric.net;

	if (net->first[node + 1] - net->first[node] == 1) {
		tree->stack[length++] = net->first[node];
		node = to[net->first[node]];
	}
	while (node != target) {
		if (!tree_passes(tree, node, target) && length)
			return 0;
		if (next[node] == NETEMU_NONE)
			return 0;
		tree->stack[length++] = next[node];
		node = to[next[node]];
		if (node == seen)
			return 0;
		if (length == limit) {
			seen = node;
			limit *= 2;
		}
	}
	return length;
}

static void turn(struct tree *tree, uint32_t length)
{
	const struct netemu_link *link = tree->fabric.net->link;

	for (uint32_t i = 0; i < length / 2; i++) {
		uint32_t other = tree->stack[length - 1 - i];

		tree->stack[length - 1 - i] = link[tree->stack[i]].reverse;
		tree->stack[i] = link[other].reverse;
	}
	if (length % 2)
		tree->stack[length / 2] = link[tree->stack[length / 2]].reverse;
}

static int take(struct tree_walk *walk, size_t i, uint32_t length)
{
	struct routing *routing = walk->routing;
	const struct netemu_pair *pair = &routing->route.pairs[i];
	load_amount bytes = load_whole(pair->bytes), flows = load_whole(pair->flows);

	if (routing->length)
		return length ? routing_path(routing, i, walk->tree->stack, length) : 0;
	if (!length) {
		routing->routed->unroutable++;
		if (i < walk->failed)
			walk->failed = i;
		return 0;
	}
	for (uint32_t k = 0; k < length; k++) {
		struct load *load = loads_at(routing->loads, walk->tree->stack[k]);

		load->bytes += bytes;
		load->flows += flows;
	}
	routed_count(routing->routed, length, 1);
	return 0;
}

/* Each pair for itself. */
static int walk_each(struct tree_walk *walk)
{
	bool turned = walk->tree->turned;
	struct router *router = walk->routing->router;
	const struct netemu_pair *pairs = walk->routing->route.pairs;

	for (size_t i = 0; i < walk->routing->route.npairs; i++) {
		uint32_t from = turned ? pairs[i].to : pairs[i].from;
		uint32_t to = turned ? pairs[i].from : pairs[i].to;
		uint32_t length = router->ops->walk(router, from, to, walk->tree->stack);

		if (turned)
			turn(walk->tree, length);
		if (take(walk, i, length))
			return -1;
	}
	return 0;
}

/* COUNT pairs with the host TO in common over its column. */
static int walk_column(struct tree_walk *walk, uint32_t to, const size_t *order, size_t count)
{
	struct tree *tree = walk->tree;
	const struct netemu_net *net = tree->fabric.net;

	walk->routing->router->ops->column(walk->routing->router, to, tree->next);
	for (size_t k = 0; k < count; k++) {
		const struct netemu_pair *pair = &walk->routing->route.pairs[order[k]];
		uint32_t from = tree->turned ? pair->to : pair->from;
		uint32_t length = climb(tree, net->host_node[from], net->host_node[to]);

		if (tree->turned)
			turn(tree, length);
		if (take(walk, order[k], length))
			return -1;
	}
	return 0;
}

/* Put LOAD on LINK, which leads to the host that the pairs have in common. */
static void put(struct tree_walk *walk, uint32_t link, const struct load *load)
{
	struct load *at;

	if (walk->tree->turned)
		link = walk->tree->fabric.net->link[link].reverse;
	at = loads_at(walk->routing->loads, link);
	at->bytes += load->bytes;
	at->flows += load->flows;
}

/* Bring what the far host of pair I sends to its home. */
static void gather(struct tree_walk *walk, const struct tree_group *group, size_t i)
{
	struct tree *tree = walk->tree;
	const struct netemu_pair *pair = &walk->routing->route.pairs[i];
	const struct load load = { load_whole(pair->bytes), load_whole(pair->flows) };
	uint32_t from = tree->turned ? pair->to : pair->from, home = tree->fabric.home[from];
	uint32_t hops = tree->mark[home].hops;

	if (hops == HOPS_NONE) {
		take(walk, i, 0);
		return;
	}
	if (fabric_is_single(&tree->fabric, from)) {
		put(walk, fabric_cable(&tree->fabric, from), &load);
		hops++;
	}
	routed_count(walk->routing->routed, hops + group->single, 1);
	tree->load[home].bytes += load.bytes;
	tree->load[home].flows += load.flows;
}

/* COUNT pairs with the host TO in common, added up on their ways. */
static void add_column(struct tree_walk *walk, uint32_t to, const size_t *order, size_t count)
{
	struct tree *tree = walk->tree;
	const struct fabric *fabric = &tree->fabric;
	const struct tree_group group = {
		.first = to,
		.target = fabric->home[to],
		.single = fabric_is_single(fabric, to),
	};

	walk->routing->router->ops->column(walk->routing->router, to, tree->next);
	tree_resolve(tree, &group);
	for (size_t k = 0; k < count; k++) {
		if (k + AHEAD < count)
			__builtin_prefetch(&walk->routing->route.pairs[order[k + AHEAD]]);
		gather(walk, &group, order[k]);
	}
	for (uint32_t i = tree->reached; i-- > 0;) {
		uint32_t node = tree->order[i];
		struct load *load = &tree->load[node], *next;

		if (!load->bytes && !load->flows)
			continue;
		next = &tree->load[fabric->to[tree->next[node]]];
		put(walk, tree->next[node], load);
		next->bytes += load->bytes;
		next->flows += load->flows;
		*load = (struct load){ 0 };
	}
	if (group.single)
		put(walk, fabric->net->link[fabric_cable(fabric, to)].reverse,
		    &tree->load[group.target]);
	tree->load[group.target] = (struct load){ 0 };
}

/* Whether COUNT paths take longer than a pass over all switches. */
static bool is_many(const struct tree_walk *walk, size_t count)
{
	return !walk->routing->length && count >= walk->tree->fabric.nactive / PASS_PATHS;
}

static bool can_walk(const struct router *router)
{
	return router->ops->walk && (!router->ops->can_walk || router->ops->can_walk(router));
}

/* ORDER: by the host that pairs have in common. */
static int walk_groups(struct tree_walk *walk, const size_t *order)
{
	const struct netemu_route *route = &walk->routing->route;
	bool turned = walk->tree->turned;
	size_t end;
	int rc = 0;

	for (size_t i = 0; i < route->npairs && !rc; i = end) {
		const struct netemu_pair *pair = &route->pairs[order[i]];
		uint32_t host = turned ? pair->from : pair->to;

		for (end = i + 1; end < route->npairs; end++) {
			pair = &route->pairs[order[end]];
			if ((turned ? pair->from : pair->to) != host)
				break;
		}
		if (is_many(walk, end - i))
			add_column(walk, host, order + i, end - i);
		else
			rc = walk_column(walk, host, order + i, end - i);
	}
	return rc;
}

static int walk_all(struct tree_walk *walk)
{
	const struct netemu_route *route = &walk->routing->route;
	size_t *order;
	int rc;

	if (can_walk(walk->routing->router) && !is_many(walk, route->npairs / route->net->hosts))
		return walk_each(walk);
	if (routing_order(route, walk->tree->turned, &order))
		return err_errno(walk->err, "unable to route %zu pairs", route->npairs);
	rc = walk_groups(walk, order);
	free(order);
	return rc;
}

int tree_route(struct routing *routing, struct err *err)
{
	struct tree_walk walk = { .routing = routing, .failed = SIZE_MAX, .err = err };

	walk.tree = tree_get(routing->router, err);
	if (!walk.tree || walk_all(&walk))
		return -1;
	if (walk.failed != SIZE_MAX) {
		routing->routed->from = routing->route.pairs[walk.failed].from;
		routing->routed->to = routing->route.pairs[walk.failed].to;
	}
	return 0;
}
