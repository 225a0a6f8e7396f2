/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include "fabric.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HOPS_NONE    UINT32_MAX       /* no way */
#define HOPS_PENDING (UINT32_MAX - 1) /* on the way that is followed now: a loop */

/* How far a node is from the target, when `round` is the current one. */
struct tree_mark {
	uint32_t round, hops;
};

struct tree {
	struct fabric fabric;
	bool turned; /* form `from`: everything is seen with links turned around */
	/* of the target at hand */
	uint32_t *next;         /* [nodes] */
	struct tree_mark *mark; /* [nodes] */
	uint32_t round;
	uint32_t *order; /* nodes that reach the target, each behind the one it goes to */
	uint32_t reached;
	uint32_t *stack;  /* [nodes]; a path, too */
	uint64_t *amount; /* [nodes] */
};

/* Destinations that are routed in one pass. */
struct tree_group {
	const uint32_t *host;
	uint32_t nhosts;
	uint32_t first;  /* of them with ranks */
	uint32_t count;  /* of them with ranks */
	uint64_t weight; /* ranks on them */
	uint32_t target; /* node at which the pass ends */
	bool single;     /* `target` is the switch of these hosts */
};

/* All-to-all traffic while it is added up. */
struct tree_sum {
	struct router *router;
	struct tree *tree;
	const struct all_to_all *traffic;
	struct weights weights;
	uint64_t *flows;   /* [links] */
	uint64_t *arrived; /* [nodes] ranks that the hosts of a node reach, theirs included */
	bool *itself;      /* [hosts] counted among those of its own node */
	struct routed *routed;
};

static int tree_init(struct tree *tree, struct router *router)
{
	const struct netemu_net *net = &router->topology->net;

	if (fabric_init(&tree->fabric, net))
		return -1;
	tree->turned = router->ops->form == ROUTER_FROM;
	tree->next = calloc(net->nodes, sizeof(*tree->next));
	tree->mark = calloc(net->nodes, sizeof(*tree->mark));
	tree->order = calloc(net->nodes, sizeof(*tree->order));
	tree->stack = calloc((size_t)net->nodes + 2, sizeof(*tree->stack));
	tree->amount = calloc(net->nodes, sizeof(*tree->amount));
	if (tree->next && tree->mark && tree->order && tree->stack && tree->amount)
		return 0;
	errno = ENOMEM;
	return -1;
}

static struct tree *tree_get(struct router *router, struct err *err)
{
	if (router->tree)
		return router->tree;
	router->tree = calloc(1, sizeof(*router->tree));
	if (!router->tree || tree_init(router->tree, router)) {
		err_errno(err, "unable to route between %u hosts", router->topology->net.hosts);
		tree_release(router);
	}
	return router->tree;
}

/* May a route to TARGET go through NODE? */
static bool passes(const struct tree *tree, uint32_t node, uint32_t target)
{
	return node == target || tree->fabric.net->node_host[node] == NETEMU_NONE;
}

/* Find the hops from NODE on, and of all on its way. */
static void follow(struct tree *tree, uint32_t node, uint32_t target)
{
	struct tree_mark *mark = tree->mark;
	uint32_t depth = 0, hops = HOPS_NONE;

	for (;;) {
		if (mark[node].round == tree->round) {
			hops = mark[node].hops == HOPS_PENDING ? HOPS_NONE : mark[node].hops;
			break;
		}
		mark[node] = (struct tree_mark){ tree->round, HOPS_PENDING };
		tree->stack[depth++] = node;
		if (tree->next[node] == NETEMU_NONE)
			break;
		node = tree->fabric.to[tree->next[node]];
		if (!passes(tree, node, target))
			break;
	}
	while (depth--) {
		node = tree->stack[depth];
		if (hops != HOPS_NONE) {
			hops++;
			tree->order[tree->reached++] = node;
		}
		mark[node].hops = hops;
	}
}

/* Find who reaches GROUP's target over the column at hand, and in which order. */
static void resolve(struct tree *tree, const struct tree_group *group)
{
	const struct fabric *fabric = &tree->fabric;
	uint32_t cable = group->single ? fabric_cable(fabric, group->first) : NETEMU_NONE;
	bool ends = !group->single || tree->next[group->target] == fabric->net->link[cable].reverse;

	if (++tree->round == 0) {
		memset(tree->mark, 0, fabric->net->nodes * sizeof(*tree->mark));
		tree->round = 1;
	}
	tree->reached = 0;
	tree->mark[group->target] = (struct tree_mark){ tree->round, ends ? 0 : HOPS_NONE };
	for (uint32_t i = 0; i < fabric->nactive; i++) {
		if (tree->mark[fabric->active[i]].round != tree->round)
			follow(tree, fabric->active[i], group->target);
	}
}

static void fail(const struct tree_sum *sum, uint32_t from, uint32_t to, uint64_t count)
{
	if (sum->tree->turned)
		routed_fail(sum->routed, to, from, count);
	else
		routed_fail(sum->routed, from, to, count);
}

/* The first host of NODE with ranks that is not OTHER. */
static uint32_t first_host(const struct tree_sum *sum, uint32_t node, uint32_t other)
{
	const struct fabric *fabric = &sum->tree->fabric;

	for (uint32_t i = fabric->first[node]; i < fabric->first[node + 1]; i++) {
		if (fabric->host[i] != other && weight_of(sum->traffic, fabric->host[i]))
			return fabric->host[i];
	}
	return NETEMU_NONE;
}

/* Statistics of the pairs from the hosts of NODE to those of GROUP. */
static void count_pairs(struct tree_sum *sum, const struct tree_group *group, uint32_t node)
{
	const struct fabric *fabric = &sum->tree->fabric;
	uint32_t hops = sum->tree->mark[node].hops;
	uint64_t pairs = (uint64_t)sum->weights.hosts[node] * group->count;

	if (node == group->target)
		pairs -= group->count;
	if (hops != HOPS_NONE)
		sum->arrived[node] += group->weight;
	if (!pairs)
		return;
	if (hops == HOPS_NONE) {
		fail(sum, first_host(sum, node, group->first), group->first, pairs);
		return;
	}
	hops += fabric->net->node_host[node] == NETEMU_NONE;
	routed_count(sum->routed, hops + group->single, pairs);
}

/* Down the last cables, to the hosts of a switch. */
static void deliver(struct tree_sum *sum, const struct tree_group *group)
{
	const struct fabric *fabric = &sum->tree->fabric;
	uint64_t here = sum->tree->amount[group->target];

	for (uint32_t i = 0; i < group->nhosts; i++) {
		uint32_t host = group->host[i];
		uint64_t weight = weight_of(sum->traffic, host);

		if (!weight)
			continue;
		sum->flows[fabric->net->link[fabric_cable(fabric, host)].reverse] +=
			(here - weight) * weight;
		sum->itself[host] = true;
	}
}

/* What all send to GROUP, over the switches. */
static void push(struct tree_sum *sum, const struct tree_group *group)
{
	struct tree *tree = sum->tree;
	uint64_t *amount = tree->amount;

	for (uint32_t i = tree->reached; i-- > 0;) {
		uint32_t node = tree->order[i], link = tree->next[node];

		sum->flows[link] += amount[node] * group->weight;
		amount[tree->fabric.to[link]] += amount[node];
	}
}

static void add_group(struct tree_sum *sum, const struct tree_group *group)
{
	const struct fabric *fabric = &sum->tree->fabric;

	sum->router->ops->column(sum->router, group->first, sum->tree->next);
	resolve(sum->tree, group);
	for (uint32_t i = 0; i < fabric->nactive; i++) {
		uint32_t node = fabric->active[i];

		sum->tree->amount[node] = sum->weights.home[node];
		if (sum->weights.hosts[node])
			count_pairs(sum, group, node);
	}
	if (!group->single)
		sum->tree->amount[group->target] = 0;
	push(sum, group);
	if (group->single && sum->tree->mark[group->target].hops == 0)
		deliver(sum, group);
}

/* NHOSTS destinations from place I of the list by homes on. */
static void make_group(const struct tree_sum *sum, uint32_t i, uint32_t nhosts,
		       struct tree_group *group)
{
	const struct fabric *fabric = &sum->tree->fabric;

	*group = (struct tree_group){
		.host = &fabric->host[i],
		.nhosts = nhosts,
		.first = NETEMU_NONE,
		.target = fabric->home[fabric->host[i]],
		.single = fabric_is_single(fabric, fabric->host[i]),
	};
	for (uint32_t k = 0; k < nhosts; k++) {
		uint64_t weight = weight_of(sum->traffic, group->host[k]);

		if (weight && group->first == NETEMU_NONE)
			group->first = group->host[k];
		group->count += weight > 0;
		group->weight += weight;
	}
}

/* All of a switch when its columns are one, else a single one.  Returns where
 * the next group begins.
 */
static uint32_t next_group(const struct tree_sum *sum, uint32_t i, struct tree_group *group)
{
	const struct fabric *fabric = &sum->tree->fabric;
	uint32_t home = fabric->home[fabric->host[i]], nhosts = 1;

	if (sum->router->ops->by_switch)
		nhosts = fabric->first[home + 1] - fabric->first[home];
	make_group(sum, i, nhosts, group);
	return i + nhosts;
}

/* Up the first cables, from the hosts of switches. */
static void send(struct tree_sum *sum)
{
	const struct fabric *fabric = &sum->tree->fabric;

	for (uint32_t h = 0; h < fabric->net->hosts; h++) {
		uint64_t weight = weight_of(sum->traffic, h);
		uint64_t arrived = sum->arrived[fabric->home[h]];

		if (!weight || !fabric_is_single(fabric, h))
			continue;
		if (sum->itself[h])
			arrived -= weight;
		sum->flows[fabric_cable(fabric, h)] += weight * arrived;
	}
}

static void sum_release(struct tree_sum *sum)
{
	weights_release(&sum->weights);
	free(sum->flows);
	free(sum->arrived);
	free(sum->itself);
}

static int sum_init(struct tree_sum *sum, struct router *router, const struct all_to_all *traffic,
		    struct err *err)
{
	const struct netemu_net *net = &router->topology->net;

	*sum = (struct tree_sum){ .router = router, .traffic = traffic };
	sum->tree = tree_get(router, err);
	if (!sum->tree || weights_init(&sum->weights, &sum->tree->fabric, traffic, err))
		return -1;
	sum->flows = calloc((size_t)net->links + 1, sizeof(*sum->flows));
	sum->arrived = calloc(net->nodes, sizeof(*sum->arrived));
	sum->itself = calloc(net->hosts, sizeof(*sum->itself));
	if (sum->flows && sum->arrived && sum->itself)
		return 0;
	sum_release(sum);
	errno = ENOMEM;
	return err_errno(err, "unable to route between %u hosts", net->hosts);
}

/* The links over which someone reaches GROUP, a single host. */
static void count_used(const struct tree_sum *sum, const struct tree_group *group, uint32_t *count)
{
	const struct tree *tree = sum->tree;

	for (uint32_t i = 0; i < tree->reached; i++) {
		if (tree->amount[tree->order[i]])
			count[tree->next[tree->order[i]]]++;
	}
	if (group->single && tree->mark[group->target].hops == 0 &&
	    tree->amount[group->target] > group->weight)
		count[tree->next[group->target]]++;
}

/* The cables of hosts towards the switches. */
static void count_cables(const struct tree_sum *sum, uint32_t *count)
{
	const struct fabric *fabric = &sum->tree->fabric;

	for (uint32_t h = 0; h < fabric->net->hosts; h++) {
		if (fabric_is_single(fabric, h))
			count[fabric_cable(fabric, h)] =
				(uint32_t)sum->arrived[fabric->home[h]] - sum->itself[h];
	}
}

/* --- pairs --- */

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
		if (!passes(tree, node, target) && length)
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
		struct load *load = &routing->loads->link[walk->tree->stack[k]];

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

static int walk_all(struct tree_walk *walk)
{
	const struct router_ops *ops = walk->routing->router->ops;
	const struct netemu_route *route = &walk->routing->route;
	bool turned = walk->tree->turned;
	size_t *order, end;
	int rc = 0;

	if (ops->walk && (!ops->can_walk || ops->can_walk(walk->routing->router)))
		return walk_each(walk);
	if (routing_order(route, turned, &order))
		return err_errno(walk->err, "unable to route %zu pairs", route->npairs);
	for (size_t i = 0; i < route->npairs && !rc; i = end) {
		const struct netemu_pair *pair = &route->pairs[order[i]];
		uint32_t host = turned ? pair->from : pair->to;

		for (end = i + 1; end < route->npairs; end++) {
			pair = &route->pairs[order[end]];
			if ((turned ? pair->from : pair->to) != host)
				break;
		}
		rc = walk_column(walk, host, order + i, end - i);
	}
	free(order);
	return rc;
}

/* --- public --- */

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

int tree_all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		    struct routed *routed, struct err *err)
{
	struct tree_group group;
	struct tree_sum sum;
	int rc;

	if (sum_init(&sum, router, traffic, err))
		return -1;
	sum.routed = routed;
	for (uint32_t i = 0; i < router->topology->net.hosts;) {
		i = next_group(&sum, i, &group);
		if (group.count)
			add_group(&sum, &group);
	}
	send(&sum);
	rc = fabric_add(&sum.tree->fabric, sum.flows, traffic, sum.tree->turned, loads, err);
	sum_release(&sum);
	return rc;
}

int tree_destinations(struct router *router, uint32_t *count, struct err *err)
{
	const struct all_to_all traffic = { 0 };
	const struct netemu_net *net = &router->topology->net;
	struct routed routed = { 0 };
	struct tree_group group;
	struct tree_sum sum;

	if (sum_init(&sum, router, &traffic, err))
		return -1;
	sum.routed = &routed;
	memset(count, 0, net->links * sizeof(*count));
	for (uint32_t i = 0; i < net->hosts; i++) {
		make_group(&sum, i, 1, &group);
		add_group(&sum, &group);
		count_used(&sum, &group, count);
	}
	count_cables(&sum, count);
	sum_release(&sum);
	return 0;
}

void tree_release(struct router *router)
{
	struct tree *tree = router->tree;

	if (!tree)
		return;
	fabric_release(&tree->fabric);
	free(tree->next);
	free(tree->mark);
	free(tree->order);
	free(tree->stack);
	free(tree->amount);
	free(tree);
	router->tree = NULL;
}
