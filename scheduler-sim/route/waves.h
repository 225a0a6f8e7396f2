/* SPDX-License-Identifier: Apache-2.0 */
/* waves.h - all shortest paths from a host, in a fixed order
 *
 * A breadth-first search from where a host hangs, which looks at the links of
 * a node in their order; the links into a node that shortest paths take are
 * kept in the order in which the search came to the nodes they come from.  Going
 * back from the target and always taking the next of these enumerates the
 * paths as all_shortest_paths() of networkx does; parallel cables are paths of
 * their own, one after the other.  Hosts are never passed through.
 *
 * Hosts with one cable to a switch share the search of that switch.  Searches
 * are kept until they take too much memory.
 */
#ifndef NETEMU_WAVES_H
#define NETEMU_WAVES_H

#include "topology/topology.h"

struct wave; /* one search */

struct waves {
	const struct netemu_net *net;
	uint32_t *index;    /* [nodes] -> inner node; NETEMU_NONE: a host with one cable */
	uint32_t inner;     /* switches and other hosts */
	struct wave **wave; /* [inner], by root; owned */
	size_t bytes;       /* that they take */
	uint32_t *queue;    /* [inner] */
};

/* What lies on the shortest paths between two hosts: inner nodes, from the
 * target back to the root; a predecessor stands behind all its successors.
 */
struct ways {
	const struct wave *wave;
	uint32_t root, target; /* inner nodes */
	uint32_t first, last;  /* the cables of hosts with one, else NETEMU_NONE */
	uint32_t hops;         /* links between root and target */
	uint32_t count;        /* inner nodes */
	uint32_t *node;        /* [count]; owned */
	uint32_t *seen;        /* [inner] stamps; owned */
	uint32_t stamp;
};

/* Returns 0, or -1 with errno ENOMEM. */
int waves_init(struct waves *waves, const struct topology *topology);
void waves_release(struct waves *waves);

int ways_init(struct ways *ways, const struct waves *waves);
void ways_release(struct ways *ways);

/* All shortest paths from host FROM to host TO != FROM into WAYS; valid until
 * the next call.  Returns 1, 0 when there is none, or -1 with errno ENOMEM.
 */
int ways_between(struct ways *ways, struct waves *waves, uint32_t from, uint32_t to);

/* The links into inner NODE on shortest paths from the root, in order; *COUNT
 * of them.
 */
const uint32_t *ways_into(const struct ways *ways, uint32_t node, uint32_t *count);

/* The links of the whole path: cables of hosts as well. */
static inline uint32_t ways_length(const struct ways *ways)
{
	return ways->hops + (ways->first != NETEMU_NONE) + (ways->last != NETEMU_NONE);
}

#endif
