/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - one path for each pair of places in a topology, and how fast its links are
 *
 * What an emulated device and the model of a replay make of a SPEC (netemu-topology(5)):
 * both have the same links and the same routes.
 */
#ifndef NETEMU_PATHS_H
#define NETEMU_PATHS_H

#include "topology/topology.h"

struct paths_settings {
	const char *spec, *base; /* SPEC, and where its files are relative to (NULL: here) */
	/* NULL: lft where there are tables, else dor, minimal or dmodk by the shape */
	const char *routing;
	uint64_t seed;
	double unit; /* byte/s of a capacity of 1 where SPEC has no rates; 0: no limit */
};

struct paths {
	struct topology topology;
	double *rate;    /* [topology.net.links] byte/s, 0: no limit */
	uint32_t places; /* of paths_route() */
	/* From place I to place J: path[start[p]] .. path[start[p + 1] - 1], links,
	 * p = I * places + J; none between places on one host.
	 */
	uint32_t *path;
	uint64_t *start;
};

/* Open the topology, without paths.  Returns 0, or -1 with ERR and nothing to release. */
int paths_open(struct paths *paths, const struct paths_settings *settings, struct err *err);

/* Route all ordered pairs of COUNT places, place k on host HOST[k], in their order, as
 * `netemu sim load` would.  Once.  Returns 0, or -1 with ERR: an unknown routing, a pair
 * without a path, a routing with several.
 */
int paths_route(struct paths *paths, const struct paths_settings *settings, const uint32_t *host,
		uint32_t count, struct err *err);

void paths_release(struct paths *paths); /* zeroed: nothing happens */

#endif
