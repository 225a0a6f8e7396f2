/* SPDX-License-Identifier: Apache-2.0 */
/* graph-parts.h - inside graph_load() */
#ifndef CHAKRA_GRAPH_PARTS_H
#define CHAKRA_GRAPH_PARTS_H

#include "chakra/etread.h"
#include "chakra/graph.h"

/* Names, each once: a hash of their numbers by text. */
struct graph_texts {
	uint32_t *slots; /* number + 1; owned */
	size_t nslots;
	uint64_t text_room;
	uint32_t names_room;
};

/* The number of TEXT among the names of GRAPH, which is added when it is not there; GRAPH_NONE
 * with errno.
 */
uint32_t graph_text(struct graph *graph, struct graph_texts *texts, const char *text);
void graph_texts_release(struct graph_texts *texts);

/* The process groups that VALUES of a METADATA node describe.  What is none is passed over.
 * Returns 0, or -1 with errno.
 */
int graph_add_groups(struct graph *graph, struct graph_texts *texts, const char *values);

/* Lists of node indices, ascending, each as few bytes: the first as the difference to OWN, zigzag.
 * PUT returns the bytes written (10 + 5 for each at most).
 */
static inline uint8_t *graph_put(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static inline uint64_t graph_first(uint32_t own, uint32_t index)
{
	int64_t difference = (int64_t)index - own;

	return ((uint64_t)difference << 1) ^ (uint64_t)(difference >> 63);
}

/* Edges by child, then by parent. */
struct graph_lists {
	uint8_t *bytes; /* owned */
	uint64_t size, room;
	uint64_t *begin; /* [count + 1]; owned */
};

void graph_walk_list(const struct graph_lists *lists, uint32_t own, struct graph_walk *walk);

/* Turn the lists of PARENTS around into graph->edges and nodes[].edges.  0, or -1 with errno. */
int graph_transpose(struct graph *graph, const struct graph_lists *parents);

/* Can all nodes be reached?  Returns 0, or -1 with ERR naming a cycle by its ids. */
int graph_check_cycles(const struct graph *graph, const struct graph_lists *parents,
		       struct err *err);

#endif
