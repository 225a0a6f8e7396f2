/* SPDX-License-Identifier: Apache-2.0 */
/* leveledparts.h - what leveled.c and leveledsum.c share */
#ifndef NETEMU_LEVELEDPARTS_H
#define NETEMU_LEVELEDPARTS_H

#include "fabric.h"
#include "leveled.h"
#include "levels.h"
#include "ranges.h"

/* Of irregular networks: what holds for the destination at hand. */
struct leveled_mark {
	uint32_t round; /* an ancestor of the destination, when the current one */
	uint32_t kids;  /* then: children on a way down to it */
	uint32_t met;   /* of them so far */
	uint32_t ways;  /* else: cables up that lead to it */
};

/* Of regular networks: a node in one cache line, and where its links lead. */
struct leveled_at {
	uint32_t begin, span; /* its hosts, by their places */
	struct divisor block; /* hosts of each child; of 0 when they differ */
	struct divisor by_cables;
	uint32_t level;
	uint32_t up, down; /* of `up` and `down`: cables up by number, children by place */
} __attribute__((aligned(64)));

struct leveled_hop {
	uint32_t link, to; /* link NETEMU_NONE: a child with several cables */
};

/* Of regular networks: a host and its only cable, NETEMU_NONE when it has more. */
struct leveled_end {
	uint32_t node;    /* the first on the way: its switch, or itself */
	uint32_t out, in; /* the cable, as traffic from and to it takes it */
	uint32_t place, number;
};

struct leveled {
	const struct netemu_net *net;
	struct levels levels;
	struct fabric fabric;
	struct ranges ranges;
	bool regular;
	uint32_t *number;      /* [hosts] what D-mod-K takes as theirs */
	bool turned;           /* traffic goes from `to` to `from`, links are turned around */
	struct leveled_at *at; /* [nodes] */
	struct leveled_hop *up, *down; /* [links] */
	/* The same with links as traffic takes them: turned, or the very same. */
	struct leveled_hop *way_up, *way_down;
	struct leveled_end *end;   /* [hosts] */
	struct leveled_mark *mark; /* [nodes] */
	uint32_t round;
	uint32_t home;   /* for which the marks hold, NETEMU_NONE */
	uint32_t *queue; /* ancestors, upwards */
	uint32_t queued;
};

/* The hop from NODE towards the host NUMBER at PLACE, in a regular network. */
static inline struct leveled_hop leveled_hop(const struct leveled *leveled, uint32_t node,
					     uint32_t number, uint32_t place)
{
	const struct leveled_at *at = &leveled->at[node];
	uint32_t off = place - at->begin;
	struct leveled_hop hop;

	if (off >= at->span) {
		uint32_t which = divisor_quotient(leveled->levels.width[at->level], number);

		return leveled->up[at->up + divisor_rest(at->by_cables, which)];
	}
	if (at->block.by) {
		hop = leveled->down[at->down + divisor_quotient(at->block, off)];
		if (hop.link != NETEMU_NONE)
			return hop;
	}
	hop.link =
		levels_down(&leveled->levels, ranges_child(&leveled->ranges, node, place), number);
	hop.to = leveled->fabric.to[hop.link];
	return hop;
}

#endif
