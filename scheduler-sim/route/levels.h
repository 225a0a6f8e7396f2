/* SPDX-License-Identifier: Apache-2.0 */
/* levels.h - parents and children of the nodes of a network, see leveled.h */
#ifndef NETEMU_LEVELS_H
#define NETEMU_LEVELS_H

#include "policy.h"

/* Division of 32-bit numbers by a known one with two multiplications (Lemire,
 * Kaser, Kurz: Faster remainder by direct computation, 2019).
 */
struct divisor {
	uint32_t by;
	uint64_t magic; /* ceil(2^64 / by); 0 for 1 */
};

static inline struct divisor divisor_make(uint32_t by)
{
	return (struct divisor){ .by = by, .magic = UINT64_MAX / by + 1 };
}

static inline uint32_t divisor_quotient(struct divisor divisor, uint32_t number)
{
	__extension__ typedef unsigned __int128 wide;

	return divisor.magic ? (uint32_t)(((wide)divisor.magic * number) >> 64) : number;
}

static inline uint32_t divisor_rest(struct divisor divisor, uint32_t number)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint32_t)(((wide)(divisor.magic * number) * divisor.by) >> 64);
}

/* A child and one of its parents. */
struct levels_bond {
	uint32_t child, parent;
	uint32_t cable, cables; /* of `cable`, cables up, in the child's order */
};

struct levels_node {
	uint32_t level;           /* NETEMU_NONE: no host in reach; then nothing else holds */
	uint32_t up, nup;         /* of `up`: cables up, numbered as leveled.h says */
	uint32_t bond, parents;   /* of `bond`: its parents, in order of nodes */
	uint32_t child, children; /* of `child`: bonds of its children */
	struct divisor by_cables, by_parents; /* nup, parents; of 1 when there are none */
};

struct levels {
	const struct netemu_net *net;
	struct levels_node *node; /* [nodes]; owned, as all here */
	struct levels_bond *bond;
	uint32_t *cable, *up, *child;
	uint32_t *order;       /* nodes by level, upwards */
	uint32_t count;        /* of them: those with a level */
	uint32_t top;          /* the highest level */
	struct divisor *width; /* [top + 1]: W(l) */
};

/* Returns 0, or -1 with errno ENOMEM. */
int levels_init(struct levels *levels, const struct netemu_net *net);
void levels_release(struct levels *levels);

/* floor(HOST / W(l)) mod u: which cable up NODE, which has some, takes to the host
 * of that number.
 */
static inline uint32_t levels_number(const struct levels *levels, const struct levels_node *node,
				     uint32_t host)
{
	return divisor_rest(node->by_cables, divisor_quotient(levels->width[node->level], host));
}

/* The link down a bond to HOST. */
static inline uint32_t levels_down(const struct levels *levels, const struct levels_bond *bond,
				   uint32_t host)
{
	const struct levels_node *child = &levels->node[bond->child];
	uint32_t which = 0;

	if (bond->cables > 1)
		which = divisor_quotient(child->by_parents, levels_number(levels, child, host)) %
			bond->cables;
	return levels->net->link[levels->cable[bond->cable + which]].reverse;
}

#endif
