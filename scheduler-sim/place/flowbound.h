/* SPDX-License-Identifier: Apache-2.0 */
/* flowbound.h - how much parts of a graph of ranks exchange at least */
#ifndef NETEMU_PLACE_FLOWBOUND_H
#define NETEMU_PLACE_FLOWBOUND_H

#include "graph.h"

/* Lower bounds of the bytes between different parts when the ranks of GRAPH are
 * parted in any way with at most MOST[i] ranks in each, into BOUND[i], COUNT of them;
 * see flowbound.c.  Returns 0, or -1 with errno ENOMEM.
 */
int flow_bounds(const struct rank_graph *graph, const uint64_t *most, double *bound,
		uint32_t count);

#endif
