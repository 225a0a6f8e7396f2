/* SPDX-License-Identifier: Apache-2.0 */
#include "leveledparts.h"

#include "large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the links of regular networks lead, laid out for leveled_hop(). */
static int lay_out(struct leveled *leveled)
{
	const struct netemu_net *net = leveled->net;
	const struct levels *levels = &leveled->levels;

	leveled->at = large_calloc((size_t)net->nodes + 1, sizeof(*leveled->at));
	leveled->up = large_calloc((size_t)net->links + 1, sizeof(*leveled->up));
	leveled->down = large_calloc((size_t)net->links + 1, sizeof(*leveled->down));
	if (!leveled->at || !leveled->up || !leveled->down)
		return -1;
	for (uint32_t n = 0; n < net->nodes; n++) {
		const struct levels_node *node = &levels->node[n];
		const struct range *range = &leveled->ranges.of[n];

		leveled->at[n] = (struct leveled_at){
			.begin = range->begin,
			.span = range->end - range->begin,
			.block = range->block,
			.by_cables = node->by_cables,
			.level = node->level,
			.up = node->up,
			.down = node->child,
		};
		for (uint32_t i = node->up; i < node->up + node->nup; i++)
			leveled->up[i] = (struct leveled_hop){ levels->up[i],
							       leveled->fabric.to[levels->up[i]] };
		for (uint32_t i = node->child; i < node->child + node->children; i++) {
			const struct levels_bond *bond = &levels->bond[levels->child[i]];

			leveled->down[i] = (struct leveled_hop){
				.link = bond->cables > 1
						? NETEMU_NONE
						: net->link[levels->cable[bond->cable]].reverse,
				.to = bond->child,
			};
		}
	}
	return 0;
}

static struct leveled_hop *turn(const struct netemu_net *net, const struct leveled_hop *hop)
{
	struct leveled_hop *turned = large_calloc((size_t)net->links + 1, sizeof(*turned));

	for (uint32_t l = 0; turned && l < net->links; l++) {
		turned[l] = hop[l];
		if (hop[l].link != NETEMU_NONE)
			turned[l].link = net->link[hop[l].link].reverse;
	}
	return turned;
}

/* For traffic between pairs of hosts. */
static int lay_out_ways(struct leveled *leveled)
{
	const struct netemu_net *net = leveled->net;
	const struct fabric *fabric = &leveled->fabric;

	leveled->way_up = leveled->turned ? turn(net, leveled->up) : leveled->up;
	leveled->way_down = leveled->turned ? turn(net, leveled->down) : leveled->down;
	leveled->end = large_calloc((size_t)net->hosts + 1, sizeof(*leveled->end));
	if (!leveled->way_up || !leveled->way_down || !leveled->end)
		return -1;
	for (uint32_t h = 0; h < net->hosts; h++) {
		struct leveled_end *end = &leveled->end[h];
		uint32_t cable = fabric_cable(fabric, h), back = NETEMU_NONE;

		if (cable != NETEMU_NONE)
			back = net->link[cable].reverse;
		*end = (struct leveled_end){
			.node = fabric->home[h],
			.out = leveled->turned ? back : cable,
			.in = leveled->turned ? cable : back,
			.place = leveled->ranges.place[h],
			.number = leveled->number[h],
		};
	}
	return 0;
}

/* By places, which keep the hosts of a subtree together, or as they are. */
static int number_hosts(struct leveled *leveled, bool by_leaf)
{
	const struct netemu_net *net = leveled->net;
	bool by_place = by_leaf && leveled->levels.top <= RANGES_LEVELS;

	leveled->number = large_calloc((size_t)net->hosts + 1, sizeof(*leveled->number));
	if (!leveled->number)
		return -1;
	for (uint32_t h = 0; h < net->hosts; h++)
		leveled->number[h] = by_place ? leveled->ranges.place[h] : h;
	return 0;
}

struct leveled *leveled_create(const struct netemu_net *net, bool turned, bool by_leaf)
{
	struct leveled *leveled = calloc(1, sizeof(*leveled));
	int regular = -1;

	if (!leveled)
		return NULL;
	leveled->net = net;
	leveled->turned = turned;
	leveled->home = NETEMU_NONE;
	leveled->mark = calloc((size_t)net->nodes + 1, sizeof(*leveled->mark));
	leveled->queue = calloc((size_t)net->nodes + 1, sizeof(*leveled->queue));
	if (leveled->mark && leveled->queue && !levels_init(&leveled->levels, net) &&
	    !fabric_init(&leveled->fabric, net))
		regular = ranges_init(&leveled->ranges, &leveled->levels);
	if (regular < 0 || number_hosts(leveled, by_leaf) ||
	    (regular && (lay_out(leveled) || lay_out_ways(leveled)))) {
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
	if (leveled->turned) {
		free(leveled->way_up);
		free(leveled->way_down);
	}
	free(leveled->end);
	free(leveled->number);
	free(leveled->at);
	free(leveled->up);
	free(leveled->down);
	free(leveled->mark);
	free(leveled->queue);
	free(leveled);
}

bool leveled_is_regular(const struct leveled *leveled)
{
	return leveled->regular;
}

uint32_t leveled_walk(const struct leveled *leveled, uint32_t from, uint32_t to, uint32_t *links)
{
	const struct netemu_net *net = leveled->net;
	uint32_t node = net->host_node[from], target = net->host_node[to], length = 0;
	uint32_t place = leveled->ranges.place[to];

	while (node != target) {
		struct leveled_hop hop = leveled_hop(leveled, node, leveled->number[to], place);

		links[length++] = hop.link;
		node = hop.to;
	}
	return length;
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

static uint32_t way_up(const struct leveled *leveled, uint32_t n, uint32_t number)
{
	const struct levels *levels = &leveled->levels;
	const struct levels_node *node = &levels->node[n];
	uint32_t ways = leveled->mark[n].ways, which;

	if (node->level == NETEMU_NONE || !ways)
		return NETEMU_NONE;
	if (ways == node->nup)
		return levels->up[node->up + levels_number(levels, node, number)];
	which = divisor_quotient(levels->width[node->level], number) % ways;
	for (uint32_t i = node->up;; i++) {
		if (leads(leveled, leveled->fabric.to[levels->up[i]]) && which-- == 0)
			return levels->up[i];
	}
}

/* The links of the ancestors, each down to one of its children. */
static void ways_down(struct leveled *leveled, uint32_t number, uint32_t *next)
{
	const struct levels *levels = &leveled->levels;
	struct leveled_mark *mark = leveled->mark;

	for (uint32_t i = 1; i < leveled->queued; i++)
		mark[leveled->queue[i]].met = 0;
	for (uint32_t i = 0; i < leveled->queued; i++) {
		const struct levels_node *node = &levels->node[leveled->queue[i]];
		uint32_t which = divisor_quotient(levels->width[node->level], number);

		for (uint32_t b = node->bond; b < node->bond + node->parents; b++) {
			uint32_t parent = levels->bond[b].parent;

			if (mark[parent].met++ == which % mark[parent].kids)
				next[parent] = levels_down(levels, &levels->bond[b], number);
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
			next[node] = way_up(leveled, node, leveled->number[host]);
	}
	ways_down(leveled, leveled->number[host], next);
	if (fabric_is_single(fabric, host))
		next[home] = leveled->net->link[fabric_cable(fabric, host)].reverse;
	else
		next[home] = NETEMU_NONE;
}

void leveled_column(struct leveled *leveled, uint32_t host, uint32_t *next)
{
	const struct fabric *fabric = &leveled->fabric;
	uint32_t target = leveled->net->host_node[host], place = leveled->ranges.place[host];

	if (!leveled->regular) {
		column_of_irregular(leveled, host, next);
		return;
	}
	for (uint32_t i = 0; i < fabric->nactive; i++) {
		uint32_t node = fabric->active[i];

		if (node != target && leveled->levels.node[node].level != NETEMU_NONE)
			next[node] = leveled_hop(leveled, node, leveled->number[host], place).link;
		else
			next[node] = NETEMU_NONE;
	}
}
