/* SPDX-License-Identifier: Apache-2.0 */
/* shortest.h - all shortest paths towards one host
 *
 * A breadth-first search backwards from a host over the switches; hosts are
 * never passed through, and parallel cables count as different paths.  The
 * buffers are used again for the next host, and hosts that hang with one cable
 * on the same switch share one search.
 */
#ifndef NETEMU_SHORTEST_H
#define NETEMU_SHORTEST_H

#include "topology/topology.h"

struct shortest {
	const struct netemu_net *net;
	uint32_t target; /* the host, NETEMU_NONE before the first shortest_to() */
	/* The following hold for switches and for hosts that were given to
	 * shortest_from() since shortest_to().
	 */
	uint32_t *hops;   /* [nodes] links to the target, NETEMU_NONE: no way */
	double *paths;    /* [nodes] number of shortest paths */
	uint32_t *count;  /* [nodes] links out of the node that are on one of them: */
	uint32_t *next;   /* next[net->first[node]] .. + count[node], in the node's order */
	uint32_t *order;  /* switches that reach the target, nearest first */
	uint32_t reached; /* of them */
	uint32_t root;    /* the switch searched from, or NETEMU_NONE */
};

/* Returns 0, or -1 with errno ENOMEM. */
int shortest_init(struct shortest *shortest, const struct topology *topology);
void shortest_release(struct shortest *shortest);

/* Search towards HOST; nothing to do when it is the target already. */
void shortest_to(struct shortest *shortest, uint32_t host);

/* The hops from HOST, another one than the target, or NETEMU_NONE. */
uint32_t shortest_from(struct shortest *shortest, uint32_t host);

/* One of the paths from HOST, each equally likely, into LINKS, which has room
 * for its hops; `random` gives a number in [0, 1).  Returns its length, or
 * NETEMU_NONE when there is none.
 */
uint32_t shortest_draw(struct shortest *shortest, uint32_t host, double (*random)(void *arg),
		       void *arg, uint32_t *links);

#endif
