/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h - ranks and what each two of them exchange, both ways together
 *
 * Without loops; a vertex stands for one rank or, in graphs made coarser, for several.
 */
#ifndef NETEMU_PLACE_GRAPH_H
#define NETEMU_PLACE_GRAPH_H

#include "random.h"

#include <stddef.h>
#include <stdint.h>

struct rank_edge {
	uint32_t to;
	double bytes;
};

struct rank_graph {
	uint32_t count;
	size_t *first;          /* [count + 1] into edge; owned */
	struct rank_edge *edge; /* ascending by `to` in graphs of a matrix; owned */
	uint32_t *ranks;        /* [count] that each vertex stands for; owned */
};

struct netemu_place;

/* Each of these returns 0, or -1 with errno ENOMEM and nothing to release. */
int graph_of_matrix(struct rank_graph *graph, const struct netemu_place *place);

/* What is between the COUNT vertices V[] of OF.  NUMBER [of->count] is scratch. */
int graph_part(struct rank_graph *graph, const struct rank_graph *of, const uint32_t *v,
	       uint32_t count, uint32_t *number);

/* Vertices v with the same INTO[v] < COUNT become one. */
int graph_merge(struct rank_graph *graph, const struct rank_graph *of, const uint32_t *into,
		uint32_t count);

void graph_release(struct rank_graph *graph);

/* SIDE [count] 0 or 1 of each vertex of GRAPH, whose vertices are single ranks,
 * such that LEFT of them have 0 and little is exchanged between the sides:
 * multilevel bisection (Karypis and Kumar, SIAM J. Sci. Comput. 1998) with heavy
 * edge matching, refined by Fiduccia and Mattheyses (DAC 1982), several times, as
 * long as WORK (edges looked at) has not gone up by LIMIT; the best of them.
 */
int graph_bisect(const struct rank_graph *graph, uint32_t left, struct random *random,
		 uint64_t limit, uint64_t *work, uint8_t *side);

/* Improve SIDE, to LEFT ranks on side 0 exactly (SLACK 0), or as many give or take
 * SLACK; see fm.c.
 */
int graph_refine(const struct rank_graph *graph, uint32_t left, uint32_t slack, uint64_t *work,
		 uint8_t *side);

/* Bytes between the sides. */
double graph_cut(const struct rank_graph *graph, const uint8_t *side);

#endif
