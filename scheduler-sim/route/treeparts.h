/* SPDX-License-Identifier: Apache-2.0 */
/* treeparts.h - what tree.c and treewalk.c share */
#ifndef NETEMU_TREEPARTS_H
#define NETEMU_TREEPARTS_H

#include "fabric.h"
#include "tree.h"

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
	uint32_t *stack;   /* [nodes]; a path, too */
	uint64_t *amount;  /* [nodes] */
	struct load *load; /* [nodes], 0 between uses */
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

/* May a route to TARGET go through NODE? */
static inline bool tree_passes(const struct tree *tree, uint32_t node, uint32_t target)
{
	return node == target || tree->fabric.net->node_host[node] == NETEMU_NONE;
}

/* router->tree, made when there is none yet.  Returns NULL with ERR written. */
struct tree *tree_get(struct router *router, struct err *err);

/* Find who reaches GROUP's target over the column at hand, and in which order. */
void tree_resolve(struct tree *tree, const struct tree_group *group);

#endif
