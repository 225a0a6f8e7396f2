/* SPDX-License-Identifier: Apache-2.0 */
#include "leveled.h"

#include "levels.h"
#include "ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of irregular networks: what holds for the destination at hand. */
struct leveled_mark {
	uint32_t round; /* an ancestor of the destination, when the current one */
	uint32_t kids;  /* then: children on a way down to it */
	uint32_t met;   /* of them so far */
	uint32_t ways;  /* else: cables up that lead to it */
};

struct leveled {
	const struct netemu_net *net;
	struct levels levels;
	struct fabric fabric;
	struct ranges ranges; /* of regular networks */
	bool regular;
	struct leveled_mark *mark; /* [nodes] */
	uint32_t round;
	uint32_t home;   /* for which the marks hold, NETEMU_NONE */
	uint32_t *queue; /* ancestors, upwards */
	uint32_t queued;
};

struct leveled *leveled_create(const struct netemu_net *net)
{
	struct leveled *leveled = calloc(1, sizeof(*leveled));
	int regular = -1;

	if (!leveled)
		return NULL;
	leveled->net = net;
	leveled->home = NETEMU_NONE;
	leveled->mark = calloc((size_t)net->nodes + 1, sizeof(*leveled->mark));
	leveled->queue = calloc((size_t)net->nodes + 1, sizeof(*leveled->queue));
	if (leveled->mark && leveled->queue && !levels_init(&leveled->levels, net) &&
	    !fabric_init(&leveled->fabric, net))
		regular = ranges_init(&leveled->ranges, &leveled->levels);
	if (regular < 0) {
		leveled_destroy(leveled);
		errno = ENOMEM;
		return NULL;
	}
	leveled->regular = regular;
	return leveled;
}

void leveled_destroy(struct leveled *leveled)
{
	if (!leveled)
		return;
	ranges_release(&leveled->ranges);
	levels_release(&leveled->levels);
	fabric_release(&leveled->fabric);
	free(leveled->mark);
	free(leveled->queue);
	free(leveled);
}

bool leveled_is_regular(const struct leveled *leveled)
{
	return leveled->regular;
}

uint32_t leveled_next(const struct leveled *leveled, uint32_t node, uint32_t host)
{
	const struct levels *levels = &leveled->levels;
	const struct levels_node *at = &levels->node[node];

	if (!ranges_has(&leveled->ranges, node, host))
		return levels->up[at->up + levels_number(levels, at, host)];
	return levels_down(levels, ranges_child(&leveled->ranges, node, host), host);
}

/* Mark the ancestors of ROOT, the home of the destination. */
static void climb(struct leveled *leveled, uint32_t root)
{
	const struct levels *levels = &leveled->levels;
	struct leveled_mark *mark = leveled->mark;

	leveled->round++;
	leveled->queue[0] = root;
	leveled->queued = 1;
	mark[root] = (struct leveled_mark){ .round = leveled->round };
	for (uint32_t i = 0; i < leveled->queued; i++) {
		const struct levels_node *node = &levels->node[leveled->queue[i]];

		for (uint32_t b = node->bond; b < node->bond + node->parents; b++) {
			uint32_t parent = levels->bond[b].parent;

			if (mark[parent].round != leveled->round) {
				mark[parent] = (struct leveled_mark){ .round = leveled->round };
				leveled->queue[leveled->queued++] = parent;
			}
			mark[parent].kids++;
		}
	}
}

static bool leads(const struct leveled *leveled, uint32_t parent)
{
	const struct leveled_mark *mark = &leveled->mark[parent];

	return mark->round == leveled->round || mark->ways;
}

/* Count the cables up that lead to the destination, from the top downwards. */
static void count_ways(struct leveled *leveled)
{
	const struct levels *levels = &leveled->levels;

	for (uint32_t i = levels->count; i-- > 0;) {
		const struct levels_node *node = &levels->node[levels->order[i]];
		uint32_t ways = 0;

		if (leveled->mark[levels->order[i]].round == leveled->round)
			continue;
		for (uint32_t b = node->bond; b < node->bond + node->parents; b++) {
			if (leads(leveled, levels->bond[b].parent))
				ways += levels->bond[b].cables;
		}
		leveled->mark[levels->order[i]].ways = ways;
	}
}

static uint32_t way_up(const struct leveled *leveled, uint32_t n, uint32_t host)
{
	const struct levels *levels = &leveled->levels;
	const struct levels_node *node = &levels->node[n];
	uint32_t ways = leveled->mark[n].ways, which;

	if (node->level == NETEMU_NONE || !ways)
		return NETEMU_NONE;
	if (ways == node->nup)
		return levels->up[node->up + levels_number(levels, node, host)];
	which = divisor_quotient(levels->width[node->level], host) % ways;
	for (uint32_t i = node->up;; i++) {
		if (leads(leveled, leveled->fabric.to[levels->up[i]]) && which-- == 0)
			return levels->up[i];
	}
}

/* The links of the ancestors, each down to one of its children. */
static void ways_down(struct leveled *leveled, uint32_t host, uint32_t *next)
{
	const struct levels *levels = &leveled->levels;
	struct leveled_mark *mark = leveled->mark;

	for (uint32_t i = 1; i < leveled->queued; i++)
		mark[leveled->queue[i]].met = 0;
	for (uint32_t i = 0; i < leveled->queued; i++) {
		const struct levels_node *node = &levels->node[leveled->queue[i]];
		uint32_t number = divisor_quotient(levels->width[node->level], host);

		for (uint32_t b = node->bond; b < node->bond + node->parents; b++) {
			uint32_t parent = levels->bond[b].parent;

			if (mark[parent].met++ == number % mark[parent].kids)
				next[parent] = levels_down(levels, &levels->bond[b], host);
		}
	}
}

static void column_of_irregular(struct leveled *leveled, uint32_t host, uint32_t *next)
{
	const struct fabric *fabric = &leveled->fabric;
	uint32_t home = fabric->home[host];

	if (home != leveled->home) {
		climb(leveled, home);
		count_ways(leveled);
		leveled->home = home;
	}
	for (uint32_t i = 0; i < fabric->nactive; i++) {
		uint32_t node = fabric->active[i];

		if (leveled->mark[node].round != leveled->round)
			next[node] = way_up(leveled, node, host);
	}
	ways_down(leveled, host, next);
	if (fabric_is_single(fabric, host))
		next[home] = leveled->net->link[fabric_cable(fabric, host)].reverse;
	else
		next[home] = NETEMU_NONE;
}

void leveled_column(struct leveled *leveled, uint32_t host, uint32_t *next)
{
	const struct fabric *fabric = &leveled->fabric;
	uint32_t target = leveled->net->host_node[host];

	if (!leveled->regular) {
		column_of_irregular(leveled, host, next);
		return;
	}
	for (uint32_t i = 0; i < fabric->nactive; i++) {
		uint32_t node = fabric->active[i];

		if (node != target && leveled->levels.node[node].level != NETEMU_NONE)
			next[node] = leveled_next(leveled, node, host);
		else
			next[node] = NETEMU_NONE;
	}
}
