/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/graph-parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CYCLE_SHOWN 16 /* ids of a longer one */

void graph_release(struct graph *graph)
{
	free(graph->nodes);
	free(graph->edges);
	free(graph->extras);
	free(graph->sizes);
	free(graph->groups);
	free(graph->members);
	free(graph->text);
	free(graph->names);
	free(graph->path);
	*graph = (struct graph){ 0 };
}

uint32_t graph_find(const struct graph *graph, uint64_t id)
{
	uint32_t low = 0, high = graph->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (graph->nodes[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < graph->count && graph->nodes[low].id == id ? low : GRAPH_NONE;
}

const char *graph_name(const struct graph *graph, uint32_t name)
{
	return name < graph->names_count ? graph->text + graph->names[name] : "";
}

/* ---- lists ---- */

static uint64_t take(struct graph_walk *walk)
{
	uint64_t value = 0;

	for (unsigned shift = 0; walk->at < walk->end && shift < 64; shift += 7) {
		value |= (uint64_t)(*walk->at & 0x7f) << shift;
		if (!(*walk->at++ & 0x80))
			break;
	}
	return value;
}

uint32_t graph_next(struct graph_walk *walk)
{
	uint64_t value;

	if (walk->at == walk->end)
		return GRAPH_NONE;
	value = take(walk);
	if (walk->begun)
		walk->index += (uint32_t)value;
	else
		walk->index = (uint32_t)((int64_t)walk->index +
					 ((int64_t)(value >> 1) ^ -(int64_t)(value & 1)));
	walk->begun = true;
	return walk->index;
}

void graph_children(const struct graph *graph, uint32_t node, struct graph_walk *walk)
{
	uint64_t end = node + 1 < graph->count ? graph->nodes[node + 1].edges : graph->edges_size;

	*walk = (struct graph_walk){
		.at = graph->edges + graph->nodes[node].edges,
		.end = graph->edges + end,
		.index = node,
	};
}

void graph_walk_list(const struct graph_lists *lists, uint32_t own, struct graph_walk *walk)
{
	*walk = (struct graph_walk){
		.at = lists->bytes + lists->begin[own],
		.end = lists->bytes + lists->begin[own + 1],
		.index = own,
	};
}

/* ---- edges by parent ---- */

static unsigned length_of(uint64_t value)
{
	unsigned length = 1;

	for (; value >= 0x80; value >>= 7)
		length++;
	return length;
}

/* Bytes of a child in the list of its parent, behind LAST (GRAPH_NONE: it is the first). */
static uint64_t code_of(uint32_t parent, uint32_t child, uint32_t last)
{
	return last == GRAPH_NONE ? graph_first(parent, child) : child - last;
}

/* Where the list of each parent will begin; LAST [count] is scratch. */
static void measure(struct graph *graph, const struct graph_lists *parents, uint32_t *last)
{
	struct graph_walk walk;
	uint64_t begin = 0, length;
	uint32_t parent;

	memset(last, 0xff, graph->count * sizeof(*last));
	for (uint32_t child = 0; child < graph->count; child++) {
		graph_walk_list(parents, child, &walk);
		while ((parent = graph_next(&walk)) != GRAPH_NONE) {
			graph->nodes[parent].edges +=
				length_of(code_of(parent, child, last[parent]));
			last[parent] = child;
		}
	}
	for (uint32_t i = 0; i < graph->count; i++) {
		length = graph->nodes[i].edges;
		graph->nodes[i].edges = begin;
		begin += length;
	}
	graph->edges_size = begin;
}

/* Children come in ascending order, so each list only grows; nodes[].edges is where it goes on,
 * and in the end where the next one begins.
 */
static void fill(struct graph *graph, const struct graph_lists *parents, uint32_t *last)
{
	struct graph_walk walk;
	uint32_t parent;
	uint8_t *at;

	memset(last, 0xff, graph->count * sizeof(*last));
	for (uint32_t child = 0; child < graph->count; child++) {
		graph_walk_list(parents, child, &walk);
		while ((parent = graph_next(&walk)) != GRAPH_NONE) {
			at = graph->edges + graph->nodes[parent].edges;
			at = graph_put(at, code_of(parent, child, last[parent]));
			graph->nodes[parent].edges = (uint64_t)(at - graph->edges);
			last[parent] = child;
		}
	}
	for (uint32_t i = graph->count; i-- > 0;)
		graph->nodes[i].edges = i ? graph->nodes[i - 1].edges : 0;
}

int graph_transpose(struct graph *graph, const struct graph_lists *parents)
{
	uint32_t *last = malloc(graph->count * sizeof(*last) + 1);

	if (!last)
		return -1;
	measure(graph, parents, last);
	graph->edges = malloc(graph->edges_size + 1);
	if (graph->edges)
		fill(graph, parents, last);
	free(last);
	return graph->edges ? 0 : -1;
}

/* ---- cycles ---- */

/* A parent of NODE that cannot be reached either: there is one. */
static uint32_t unreached_parent(const struct graph_lists *parents, const uint32_t *left,
				 uint32_t node)
{
	struct graph_walk walk;
	uint32_t parent;

	graph_walk_list(parents, node, &walk);
	while ((parent = graph_next(&walk)) != GRAPH_NONE)
		if (left[parent])
			return parent;
	return GRAPH_NONE;
}

static void describe(const struct graph *graph, const uint32_t *path, uint32_t from, uint32_t to,
		     char *text, size_t size)
{
	size_t length = 0;
	uint32_t shown = 0;

	/* the path goes from child to parent: print it backwards, closed */
	for (uint32_t i = to; i-- > from && shown < CYCLE_SHOWN; shown++)
		length += (size_t)snprintf(text + length, size - length, "%llu -> ",
					   (unsigned long long)graph->nodes[path[i]].id);
	snprintf(text + length, size - length, "%s%llu", shown < to - from ? "... -> " : "",
		 (unsigned long long)graph->nodes[path[to - 1]].id);
}

/* Go from child to parent until one comes again; SEEN [count] is scratch, zero. */
static int name_cycle(const struct graph *graph, const struct graph_lists *parents,
		      const uint32_t *left, uint32_t *seen, uint32_t *path, struct err *err)
{
	char text[CYCLE_SHOWN * 28 + 64];
	uint32_t node = 0, length = 0, unreached = 0;

	for (uint32_t i = 0; i < graph->count; i++)
		unreached += left[i] != 0;
	while (!left[node])
		node++;
	while (!seen[node]) {
		path[length++] = node;
		seen[node] = length;
		node = unreached_parent(parents, left, node);
	}
	describe(graph, path, seen[node] - 1, length, text, sizeof(text));
	return err_set(err, "%s: nodes wait for each other: %s (%u of %u nodes can never run)",
		       graph->path, text, unreached, graph->count);
}

int graph_check_cycles(const struct graph *graph, const struct graph_lists *parents,
		       struct err *err)
{
	uint32_t *left = malloc(graph->count * sizeof(*left) + 1);
	uint32_t *queue = calloc(graph->count + 1, sizeof(*queue));
	uint32_t head = 0, tail = 0, child, rc = 0;
	uint32_t *seen;
	struct graph_walk walk;

	if (!left || !queue) {
		free(left);
		free(queue);
		return err_errno(err, "%s", graph->path);
	}
	for (uint32_t i = 0; i < graph->count; i++)
		if (!(left[i] = graph->nodes[i].parents))
			queue[tail++] = i;
	while (head < tail) {
		graph_children(graph, queue[head++], &walk);
		while ((child = graph_next(&walk)) != GRAPH_NONE)
			if (!--left[child])
				queue[tail++] = child;
	}
	if (tail < graph->count) {
		seen = calloc(graph->count, sizeof(*seen));
		rc = seen ? (uint32_t)name_cycle(graph, parents, left, seen, queue, err)
			  : (uint32_t)err_errno(err, "%s", graph->path);
		free(seen);
	}
	free(left);
	free(queue);
	return (int)rc;
}
