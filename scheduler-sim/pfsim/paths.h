/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - PFSim's four routers and their caches
 *
 * All choose among the shortest paths between two hosts, in the order in which
 * networkx 1.11 enumerates them: backwards from the target, predecessors in
 * the order in which a breadth-first search from the source found them.
 * Random takes any and keeps it for the whole simulation; DmodK at every
 * branch the node with number (address of the destination mod n) of those
 * sorted by name; Greedy the first path with the smallest sum of traffic,
 * GreedyRouter2 with the smallest maximum.  A greedy path is kept until its
 * job ends, but one that was asked for without a job (the way back) for ever.
 */
#ifndef NETEMU_PFSIM_PATHS_H
#define NETEMU_PFSIM_PATHS_H

#include "mt19937.h"
#include "topology/topology.h"

#include <sys/types.h>

#define PFSIM_NO_JOB UINT32_MAX

struct pfsim_router;

/* NAME: PFSim's dotted name or ours (random, dmodk, greedy, greedy-max).
 * TOPOLOGY and MT (random only) are kept.  Returns 0, or -1 with ERR written.
 */
int pfsim_router_create(struct pfsim_router **router, const char *name,
			const struct topology *topology, struct mt19937 *mt, struct err *err);
void pfsim_router_destroy(struct pfsim_router *router);

/* A path is known already. */
bool pfsim_router_has(const struct pfsim_router *router, uint32_t from, uint32_t to);

/* The links from host FROM to host TO with TRAFFIC on the links now.  *LINKS is
 * owned by the router and holds until pfsim_router_forget(JOB).  Returns their
 * number (0 when FROM == TO), or -1 with ERR written: no path, no memory.
 */
ssize_t pfsim_router_path(struct pfsim_router *router, uint32_t from, uint32_t to, uint32_t job,
			  const double *traffic, const uint32_t **links, struct err *err);

/* JOB has ended. */
void pfsim_router_forget(struct pfsim_router *router, uint32_t job);

#endif
