/* SPDX-License-Identifier: Apache-2.0 */
/* leveledwalk.c - pairs of hosts on regular networks, several at a time
 *
 * What a path needs next is anywhere in memory, and known only when the link
 * before it is.  So some paths go ahead side by side, and what each one needs
 * next is fetched while the others have their turn.
 */
#include "leveledparts.h"

#include "forms.h"

#define LANES 32 /* paths at a time */

struct lane {
	uint32_t node, target;  /* where the path is, the last switch */
	uint32_t number, place; /* of the host where it goes to */
	const struct leveled_hop *hop;
	uint32_t length;
	uint32_t link[2 * RANGES_LEVELS + 4];
};

struct lanes {
	const struct leveled *leveled;
	struct lane lane[LANES];
	uint32_t active[LANES], count; /* lanes whose path goes on */
};

static void fetch_ends(const struct leveled *leveled, const struct netemu_pair *pair)
{
	__builtin_prefetch(&leveled->end[pair->from]);
	__builtin_prefetch(&leveled->end[pair->to]);
}

static void take_link(struct lane *lane, const struct loads *loads, uint32_t link)
{
	__builtin_prefetch(&loads->link[link], 1);
	lane->link[lane->length++] = link;
}

/* The cables of the hosts of PAIR, which leave the way between their switches. */
static void begin(struct lanes *lanes, uint32_t i, const struct netemu_pair *pair,
		  const struct loads *loads)
{
	const struct leveled *leveled = lanes->leveled;
	const struct leveled_end *start = &leveled->end[leveled->turned ? pair->to : pair->from];
	const struct leveled_end *end = &leveled->end[leveled->turned ? pair->from : pair->to];
	struct lane *lane = &lanes->lane[i];

	lane->node = start->node;
	lane->target = end->node;
	lane->number = end->number;
	lane->place = end->place;
	lane->length = 0;
	if (start->out != NETEMU_NONE)
		take_link(lane, loads, start->out);
	if (end->in != NETEMU_NONE)
		take_link(lane, loads, end->in);
	if (lane->node == lane->target)
		return;
	__builtin_prefetch(&leveled->at[lane->node]);
	lanes->active[lanes->count++] = i;
}

/* Where the hop of LANE stands, NULL when that takes longer to say. */
static const struct leveled_hop *find_hop(const struct leveled *leveled, const struct lane *lane)
{
	const struct leveled_at *at = &leveled->at[lane->node];
	uint32_t off = lane->place - at->begin;

	if (off >= at->span) {
		uint32_t number = divisor_quotient(leveled->levels.width[at->level], lane->number);

		return &leveled->way_up[at->up + divisor_rest(at->by_cables, number)];
	}
	return at->block.by ? &leveled->way_down[at->down + divisor_quotient(at->block, off)]
			    : NULL;
}

static struct leveled_hop slow_hop(const struct leveled *leveled, const struct lane *lane)
{
	struct leveled_hop hop = leveled_hop(leveled, lane->node, lane->number, lane->place);

	if (leveled->turned)
		hop.link = leveled->net->link[hop.link].reverse;
	return hop;
}

/* One link of each path that is not at its end. */
static void step(struct lanes *lanes, const struct loads *loads)
{
	const struct leveled *leveled = lanes->leveled;
	uint32_t count = 0;

	for (uint32_t i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lane[lanes->active[i]];

		lane->hop = find_hop(leveled, lane);
		__builtin_prefetch(lane->hop);
	}
	for (uint32_t i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lane[lanes->active[i]];
		struct leveled_hop hop = lane->hop ? *lane->hop : slow_hop(leveled, lane);

		if (hop.link == NETEMU_NONE)
			hop = slow_hop(leveled, lane);
		take_link(lane, loads, hop.link);
		lane->node = hop.to;
		if (lane->node == lane->target)
			continue;
		__builtin_prefetch(&leveled->at[lane->node]);
		lanes->active[count++] = lanes->active[i];
	}
	lanes->count = count;
}

static void put(const struct lane *lane, const struct netemu_pair *pair, struct loads *loads)
{
	load_amount bytes = load_whole(pair->bytes), flows = load_whole(pair->flows);

	for (uint32_t k = 0; k < lane->length; k++) {
		struct load *load = loads_at(loads, lane->link[k]);

		load->bytes += bytes;
		load->flows += flows;
	}
}

void leveled_add_pairs(const struct leveled *leveled, const struct netemu_pair *pairs,
		       size_t npairs, struct loads *loads, struct routed *routed)
{
	struct lanes lanes = { .leveled = leveled };

	for (size_t first = 0; first < npairs; first += LANES) {
		uint32_t count = npairs - first < LANES ? (uint32_t)(npairs - first) : LANES;

		for (uint32_t i = 0; i < count; i++)
			begin(&lanes, i, &pairs[first + i], loads);
		for (size_t i = first + count; i < npairs && i < first + count + LANES; i++)
			fetch_ends(leveled, &pairs[i]);
		while (lanes.count)
			step(&lanes, loads);
		for (uint32_t i = 0; i < count; i++) {
			put(&lanes.lane[i], &pairs[first + i], loads);
			routed_count(routed, lanes.lane[i].length, 1);
		}
	}
}
