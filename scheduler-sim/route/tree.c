/* SPDX-License-Identifier: Apache-2.0 */
#include "treeparts.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
	tree->load = calloc(net->nodes, sizeof(*tree->load));
	if (tree->next && tree->mark && tree->order && tree->stack && tree->amount && tree->load)
		return 0;
	errno = ENOMEM;
	return -1;
}

struct tree *tree_get(struct router *router, struct err *err)
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
		if (!tree_passes(tree, node, target))
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

void tree_resolve(struct tree *tree, const struct tree_group *group)
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
	tree_resolve(sum->tree, group);
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

/* The links over which someone reaches each of GROUP; one rank on each host. */
static void count_used(const struct tree_sum *sum, const struct tree_group *group, uint32_t *count)
{
	const struct tree *tree = sum->tree;
	const struct fabric *fabric = &tree->fabric;

	for (uint32_t i = 0; i < tree->reached; i++) {
		if (tree->amount[tree->order[i]])
			count[tree->next[tree->order[i]]] += group->nhosts;
	}
	if (!group->single || tree->mark[group->target].hops || tree->amount[group->target] < 2)
		return;
	for (uint32_t i = 0; i < group->nhosts; i++)
		count[fabric->net->link[fabric_cable(fabric, group->host[i])].reverse]++;
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
	for (uint32_t i = 0; i < net->hosts;) {
		i = next_group(&sum, i, &group);
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
	free(tree->load);
	free(tree);
	router->tree = NULL;
}
