/* SPDX-License-Identifier: Apache-2.0 */
/* ranges.h - which hosts are below a node, as one range
 *
 * Hosts get a second number that keeps those of a subtree together, whatever
 * their order in the file: by the connected part of the network up to the level
 * below the top, within it by the part up to the level below, and so on.  In a
 * fat tree each node then has one range, made of those of its children.
 */
#ifndef NETEMU_RANGES_H
#define NETEMU_RANGES_H

#include "levels.h"

#define RANGES_LEVELS 16 /* higher networks are no trees */

struct range {
	uint32_t begin, end;
	struct divisor block; /* hosts of each child, of 0 when they differ */
};

struct ranges {
	const struct levels *levels;
	uint32_t *place;  /* [hosts] the second number; owned */
	struct range *of; /* [nodes]; owned */
};

/* Reorders the children of LEVELS by their ranges.  Returns 1 when each node
 * has a range made of those of its children, which share no host, and when the
 * nodes on top have all hosts; 0 when not; -1 with errno ENOMEM.
 */
int ranges_init(struct ranges *ranges, struct levels *levels);
void ranges_release(struct ranges *ranges);

static inline bool ranges_has(const struct ranges *ranges, uint32_t node, uint32_t host)
{
	const struct range *range = &ranges->of[node];

	return ranges->place[host] - range->begin < range->end - range->begin;
}

/* The bond of the child of NODE that has the host at PLACE, which NODE has. */
static inline const struct levels_bond *ranges_child(const struct ranges *ranges, uint32_t node,
						     uint32_t place)
{
	const struct levels *levels = ranges->levels;
	const struct levels_node *at = &levels->node[node];
	const struct range *range = &ranges->of[node];
	uint32_t low = 0, high = at->children;

	if (range->block.by)
		low = divisor_quotient(range->block, place - range->begin);
	else
		while (high - low > 1) {
			uint32_t middle = low + (high - low) / 2;
			uint32_t bond = levels->child[at->child + middle];

			if (ranges->of[levels->bond[bond].child].begin <= place)
				low = middle;
			else
				high = middle;
		}
	return &levels->bond[levels->child[at->child + low]];
}

#endif
