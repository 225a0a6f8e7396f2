/* SPDX-License-Identifier: Apache-2.0 */
/* router.h - over which links traffic between hosts goes
 *
 * The built-in algorithms come in forms that decide how fast many pairs can be
 * brought onto the links:
 *   to     the next link depends on the node and the destination: one pass
 *          over the switches for each destination (dmodk, lft, dor, minimal)
 *   from   the same seen from the source, backwards (smodk)
 *   split  as `to`, over several next links at once (ecmp)
 *   pair   one path for each pair, independent of all else (random, valiant)
 *   load   pair by pair, depends on what the links carry (greedy, greedy-max)
 *   set    all pairs of a job against each other (minmax, a shared object)
 */
#ifndef NETEMU_ROUTER_H
#define NETEMU_ROUTER_H

#include "loads.h"

struct router_settings {
	uint64_t seed;
	bool pfsim;       /* behave as PFSim does where that differs */
	const char *base; /* folder that `./x.so` is relative to, or NULL */
};

/* What a routing did with one set of pairs. */
#define ROUTED_HOPS 64

struct routed {
	uint64_t pairs;             /* with a path */
	uint64_t unroutable;        /* without */
	uint32_t from, to;          /* hosts of the first unroutable pair */
	uint64_t hops[ROUTED_HOPS]; /* pairs by links on the path; fractional routing: shortest */
	double bound;               /* minmax: lower bound of the maximum load; else 0 */
	double most; /* minmax: the maximum load that it came to, of the same links */
	/* Paths, when asked for: those of pair i are path[start[i] ..
	 * start[i + 1]); owned.  Not given by `split`.
	 */
	bool want_paths;
	uint32_t *path;
	size_t *start;
};

void routed_release(struct routed *routed);

/* Hosts that all send to all others: WEIGHT[h] ranks on host h (NULL: 1 each),
 * BYTES for each ordered pair of ranks on different hosts.
 */
struct all_to_all {
	const uint32_t *weight;
	uint64_t bytes;
};

struct router; /* one algorithm on one topology */

/* NAME is one of the table of policies (or PFSim's dotted name, or the path of
 * a shared object: contains a '/'), with `:options` behind it.  TOPOLOGY is
 * kept.  Returns 0, or -1 with ERR written: unknown name (the known ones are
 * named), a topology it cannot route ("dor needs a torus or mesh").
 */
int router_create(struct router **router, const char *name, const struct topology *topology,
		  const struct router_settings *settings, struct err *err);
void router_destroy(struct router *router);
const char *router_name(const struct router *router);

/* Our name of what PFSim calls NAME; NAME itself when that is no name of PFSim. */
const char *router_own_name(const char *name);

/* Route a job's PAIRS (ROUTE: pairs, placement, matrix, job id; the router
 * fills in the rest) with LOADS on the links already, and add what they put
 * on each link to LOADS.  ROUTED (may be NULL) is zeroed but for want_paths.
 * A job's routes are the same for the same seed, job and LOADS.  Returns 0, or
 * -1 with ERR written; then LOADS has not changed.
 */
int router_route(struct router *router, const struct netemu_route *route, struct loads *loads,
		 struct routed *routed, struct err *err);

/* The same for all-to-all traffic, without a list of pairs where the form
 * allows it.
 */
int router_all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err);

/* Forget what was kept of a finished JOB (PFSim's caches). */
void router_forget(struct router *router, uint64_t job);

/* Number of destination hosts whose routes use each LINK (NUM-DLIDS), into
 * COUNT [links]; forms `to` and `split` only.  Returns 0, or -1 with ERR.
 */
int router_destinations(struct router *router, uint32_t *count, struct err *err);

#endif
