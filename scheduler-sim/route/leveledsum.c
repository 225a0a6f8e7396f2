/* SPDX-License-Identifier: Apache-2.0 */
/* leveledsum.c - all-to-all traffic on regular networks, by classes
 *
 * Destinations that have all the numbers floor(d / W(l)) mod u in common share
 * the ways up: for such a class, each node gets what all hosts below it send on
 * its one cable up, in one pass.  When the nodes in use on a level have no
 * host in common (checked), all that is not from below the node on the way to d
 * comes down through it.  So the work is a pass over the switches for each
 * class and a way down for each host, instead of a pass for each host.
 *
 * Destinations on the way to which someone uses a link are counted on the same
 * passes, with one rank on each host.
 */
#include "leveledparts.h"

#include "forms.h"

#include <stdlib.h>
#include <string.h>

/* Hosts below a node that use it, in the class at hand. */
struct leveled_use {
	uint64_t weight; /* ranks on them */
	uint64_t bound;  /* ranks on those of the class */
	uint32_t hosts;  /* them */
	uint32_t ranked; /* of them, with ranks */
};

struct leveled_key {
	uint64_t key; /* of a class */
	uint32_t host;
};

struct leveled_sum {
	struct leveled *leveled;
	const struct all_to_all *traffic;
	const struct weights *weights;
	uint64_t *flows;
	uint32_t *count; /* [links] destinations, or NULL */
	struct routed *routed;
	uint32_t *cables;         /* [levels] u */
	uint64_t *span;           /* [levels] of the nodes in use */
	struct leveled_use *use;  /* [nodes] */
	uint32_t *nodes, nnodes;  /* all but hosts with one cable, by level, upwards */
	struct leveled_key *keys; /* [hosts] */
};

static void release(struct leveled_sum *sum)
{
	free(sum->cables);
	free(sum->span);
	free(sum->use);
	free(sum->nodes);
	free(sum->keys);
	free(sum->flows);
}

static int init(struct leveled_sum *sum)
{
	const struct netemu_net *net = sum->leveled->net;
	size_t levels = sum->leveled->levels.top + 1;

	sum->cables = calloc(levels, sizeof(*sum->cables));
	sum->span = calloc(levels, sizeof(*sum->span));
	sum->use = calloc(net->nodes, sizeof(*sum->use));
	sum->nodes = calloc(net->nodes, sizeof(*sum->nodes));
	sum->keys = calloc(net->hosts, sizeof(*sum->keys));
	return sum->cables && sum->span && sum->use && sum->nodes && sum->keys ? 0 : -1;
}

/* Do all nodes of a level have as many cables up? */
static bool find_cables(struct leveled_sum *sum)
{
	const struct levels *levels = &sum->leveled->levels;

	for (uint32_t i = 0; i < levels->count; i++) {
		uint32_t n = levels->order[i], host = levels->net->node_host[n];
		const struct levels_node *node = &levels->node[n];

		if (host == NETEMU_NONE || sum->leveled->fabric.home[host] == n)
			sum->nodes[sum->nnodes++] = n;
		if (!sum->cables[node->level])
			sum->cables[node->level] = node->nup;
		if (sum->cables[node->level] != node->nup)
			return false;
	}
	return true;
}

static int by_key(const void *one, const void *two)
{
	const struct leveled_key *a = one, *b = two;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->host < b->host ? -1 : a->host > b->host;
}

static void find_classes(struct leveled_sum *sum)
{
	const struct levels *levels = &sum->leveled->levels;

	for (uint32_t h = 0; h < levels->net->hosts; h++) {
		uint64_t key = 0;

		for (uint32_t l = 0; l <= levels->top; l++) {
			uint32_t number =
				divisor_quotient(levels->width[l], sum->leveled->number[h]);

			/* more than 2^64 classes would only fall together less well */
			if (sum->cables[l])
				key = key * sum->cables[l] + number % sum->cables[l];
		}
		sum->keys[h] = (struct leveled_key){ key, h };
	}
	qsort(sum->keys, levels->net->hosts, sizeof(*sum->keys), by_key);
}

static const struct leveled_hop *hop_up(const struct leveled_sum *sum, uint32_t node, uint32_t host)
{
	const struct leveled_at *at = &sum->leveled->at[node];
	uint32_t number =
		divisor_quotient(sum->leveled->levels.width[at->level], sum->leveled->number[host]);

	return &sum->leveled->up[at->up + divisor_rest(at->by_cables, number)];
}

/* Who uses which nodes on the ways up of the class of HOST.  Returns whether the
 * nodes in use on each level share no host.
 */
static bool climb(struct leveled_sum *sum, uint32_t host)
{
	const struct leveled *leveled = sum->leveled;
	const struct fabric *fabric = &leveled->fabric;

	for (uint32_t l = 0; l <= leveled->levels.top; l++)
		sum->span[l] = 0;
	for (uint32_t i = 0; i < sum->nnodes; i++) {
		uint32_t n = sum->nodes[i];

		sum->use[n] = (struct leveled_use){
			.weight = sum->weights->home[n],
			.hosts = fabric->first[n + 1] - fabric->first[n],
			.ranked = sum->weights->hosts[n],
		};
	}
	for (uint32_t i = 0; i < sum->nnodes; i++) {
		const struct leveled_at *at = &leveled->at[sum->nodes[i]];
		const struct leveled_use *use = &sum->use[sum->nodes[i]];
		struct leveled_use *above;

		if (!use->hosts)
			continue;
		sum->span[at->level] += at->span;
		if (!sum->cables[at->level])
			continue;
		above = &sum->use[hop_up(sum, sum->nodes[i], host)->to];
		above->weight += use->weight;
		above->hosts += use->hosts;
		above->ranked += use->ranked;
	}
	for (uint32_t l = 0; l <= leveled->levels.top; l++) {
		if (sum->span[l] && sum->span[l] != leveled->net->hosts)
			return false;
	}
	return true;
}

/* The way down to HOST of the class, from the top of its own way up. */
static void descend(struct leveled_sum *sum, uint32_t host)
{
	struct leveled *leveled = sum->leveled;
	uint64_t weight = weight_of(sum->traffic, host), total = sum->weights->total;
	uint32_t node = leveled->net->host_node[host], hops = 0, seen;
	struct leveled_use own = { .weight = weight, .hosts = 1, .ranked = 1 };
	const struct leveled_use *below = &own;

	if (!weight)
		return;
	seen = 1;
	while (leveled->levels.node[node].nup) {
		uint32_t parent = hop_up(sum, node, host)->to, link;

		link = leveled_hop(leveled, parent, leveled->number[host],
				   leveled->ranges.place[host])
			       .link;
		sum->flows[link] += (total - below->weight) * weight;
		if (sum->count)
			sum->count[link] += total > below->weight;
		node = parent;
		hops += 2;
		below = &sum->use[node];
		sum->use[node].bound += weight;
		if (below->ranked > seen)
			routed_count(sum->routed, hops, below->ranked - seen);
		seen = below->ranked;
	}
}

/* Up the cables, for destinations of the class of HOST with WEIGHT ranks. */
static void ascend(struct leveled_sum *sum, uint32_t host, uint64_t weight)
{
	for (uint32_t i = 0; i < sum->nnodes; i++) {
		uint32_t n = sum->nodes[i];
		const struct leveled_use *use = &sum->use[n];
		uint32_t link;

		if (!use->weight || !sum->cables[sum->leveled->at[n].level])
			continue;
		link = hop_up(sum, n, host)->link;
		sum->flows[link] += use->weight * (weight - use->bound);
		if (sum->count)
			sum->count[link] += (uint32_t)(weight - use->bound);
	}
}

static bool add_class(struct leveled_sum *sum, const struct leveled_key *keys, uint32_t count)
{
	uint64_t weight = 0;

	if (!climb(sum, keys->host))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t host = keys[i].host, node = sum->leveled->net->host_node[host];

		descend(sum, host);
		weight += weight_of(sum->traffic, host);
		if (!fabric_is_single(&sum->leveled->fabric, host))
			sum->use[node].bound += weight_of(sum->traffic, host);
	}
	ascend(sum, keys->host, weight);
	return true;
}

/* Up the cables of hosts with one. */
static void send(struct leveled_sum *sum)
{
	const struct fabric *fabric = &sum->leveled->fabric;

	for (uint32_t h = 0; h < fabric->net->hosts; h++) {
		uint64_t weight = weight_of(sum->traffic, h);

		if (!fabric_is_single(fabric, h))
			continue;
		sum->flows[fabric_cable(fabric, h)] += weight * (sum->weights->total - weight);
		if (sum->count)
			sum->count[fabric_cable(fabric, h)] = fabric->net->hosts - 1;
	}
}

/* Returns 1, 0 when some class does not fit, or -1 with errno ENOMEM. */
static int add_classes(struct leveled_sum *sum)
{
	uint32_t hosts = sum->leveled->net->hosts;

	if (init(sum))
		return -1;
	if (!find_cables(sum))
		return 0;
	find_classes(sum);
	for (uint32_t i = 0, end; i < hosts; i = end) {
		for (end = i + 1; end < hosts; end++) {
			if (sum->keys[end].key != sum->keys[i].key)
				break;
		}
		if (!add_class(sum, sum->keys + i, end - i))
			return 0;
	}
	send(sum);
	return 1;
}

/* Returns as leveled_all_to_all(). */
static int add_up(struct leveled_sum *sum, struct err *err)
{
	const struct netemu_net *net = sum->leveled->net;
	int rc = -1;

	sum->flows = calloc((size_t)net->links + 1, sizeof(*sum->flows));
	if (sum->flows)
		rc = add_classes(sum);
	return rc < 0 ? err_errno(err, "unable to route between %u hosts", net->hosts) : rc;
}

int leveled_all_to_all(struct leveled *leveled, const struct all_to_all *traffic,
		       struct loads *loads, struct routed *routed, struct err *err)
{
	struct routed counted = *routed;
	struct weights weights;
	struct leveled_sum sum = {
		.leveled = leveled,
		.traffic = traffic,
		.weights = &weights,
		.routed = &counted,
	};
	int rc;

	if (!leveled->regular)
		return 0;
	if (weights_init(&weights, &leveled->fabric, traffic, err))
		return -1;
	rc = add_up(&sum, err);
	if (rc > 0 && fabric_add(&leveled->fabric, sum.flows, traffic, leveled->turned, loads, err))
		rc = -1;
	if (rc > 0)
		*routed = counted;
	weights_release(&weights);
	release(&sum);
	return rc;
}

int leveled_destinations(struct leveled *leveled, uint32_t *count, struct err *err)
{
	const struct all_to_all traffic = { 0 };
	struct routed routed = { 0 };
	struct weights weights;
	struct leveled_sum sum = {
		.leveled = leveled,
		.traffic = &traffic,
		.weights = &weights,
		.count = count,
		.routed = &routed,
	};
	int rc;

	if (!leveled->regular)
		return 0;
	if (weights_init(&weights, &leveled->fabric, &traffic, err))
		return -1;
	memset(count, 0, leveled->net->links * sizeof(*count));
	rc = add_up(&sum, err);
	weights_release(&weights);
	release(&sum);
	return rc;
}
