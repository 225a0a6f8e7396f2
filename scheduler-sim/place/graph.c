/* SPDX-License-Identifier: Apache-2.0 */
#include "graph.h"

#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void graph_release(struct rank_graph *graph)
{
	free(graph->first);
	free(graph->edge);
	free(graph->ranks);
	*graph = (struct rank_graph){ 0 };
}

static int allocate(struct rank_graph *graph, uint32_t count, size_t edges)
{
	*graph = (struct rank_graph){
		.count = count,
		.first = calloc((size_t)count + 2, sizeof(*graph->first)),
		.edge = malloc((edges + 1) * sizeof(*graph->edge)),
		.ranks = calloc((size_t)count + 1, sizeof(*graph->ranks)),
	};
	if (graph->first && graph->edge && graph->ranks)
		return 0;
	graph_release(graph);
	errno = ENOMEM;
	return -1;
}

static int by_to(const void *a, const void *b)
{
	const struct rank_edge *x = a, *y = b;

	return (x->to > y->to) - (x->to < y->to);
}

/* Edges to the same vertex become one. */
static void merge_edges(struct rank_graph *graph)
{
	size_t used = 0, start = 0;

	for (uint32_t v = 0; v < graph->count; v++) {
		size_t end = graph->first[v + 1], begin = used;

		qsort(graph->edge + start, end - start, sizeof(*graph->edge), by_to);
		for (size_t i = start; i < end; i++) {
			if (used > begin && graph->edge[used - 1].to == graph->edge[i].to)
				graph->edge[used - 1].bytes += graph->edge[i].bytes;
			else
				graph->edge[used++] = graph->edge[i];
		}
		graph->first[v] = begin;
		start = end;
	}
	graph->first[graph->count] = used;
}

/* first[v + 1] edges of each v become where those of v + 1 start. */
static void add_up(struct rank_graph *graph)
{
	for (uint32_t v = 0; v < graph->count; v++)
		graph->first[v + 1] += graph->first[v];
}

int graph_of_matrix(struct rank_graph *graph, const struct netemu_place *place)
{
	size_t *fill = malloc(((size_t)place->ranks + 1) * sizeof(*fill));

	if (!fill || allocate(graph, place->ranks, 2 * place->npairs) < 0) {
		free(fill);
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < place->npairs; i++) {
		const struct netemu_rank_pair *pair = &place->matrix[i];

		if (pair->from == pair->to || pair->bytes == 0)
			continue;
		graph->first[pair->from + 1]++;
		graph->first[pair->to + 1]++;
	}
	add_up(graph);
	memcpy(fill, graph->first, place->ranks * sizeof(*fill));
	for (size_t i = 0; i < place->npairs; i++) {
		const struct netemu_rank_pair *pair = &place->matrix[i];
		double bytes = (double)pair->bytes;

		if (pair->from == pair->to || pair->bytes == 0)
			continue;
		graph->edge[fill[pair->from]++] = (struct rank_edge){ pair->to, bytes };
		graph->edge[fill[pair->to]++] = (struct rank_edge){ pair->from, bytes };
	}
	free(fill);
	merge_edges(graph);
	for (uint32_t v = 0; v < graph->count; v++)
		graph->ranks[v] = 1;
	return 0;
}

int graph_part(struct rank_graph *graph, const struct rank_graph *of, const uint32_t *v,
	       uint32_t count, uint32_t *number)
{
	size_t edges = 0, used = 0;

	memset(number, 0xff, of->count * sizeof(*number));
	for (uint32_t i = 0; i < count; i++) {
		number[v[i]] = i;
		edges += of->first[v[i] + 1] - of->first[v[i]];
	}
	if (allocate(graph, count, edges) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		graph->ranks[i] = of->ranks[v[i]];
		for (size_t k = of->first[v[i]]; k < of->first[v[i] + 1]; k++)
			if (number[of->edge[k].to] != NETEMU_NONE)
				graph->edge[used++] = (struct rank_edge){ number[of->edge[k].to],
									  of->edge[k].bytes };
		graph->first[i + 1] = used;
	}
	return 0;
}

int graph_merge(struct rank_graph *graph, const struct rank_graph *of, const uint32_t *into,
		uint32_t count)
{
	size_t *fill = malloc(((size_t)count + 1) * sizeof(*fill));

	if (!fill || allocate(graph, count, of->first[of->count]) < 0) {
		free(fill);
		errno = ENOMEM;
		return -1;
	}
	for (uint32_t v = 0; v < of->count; v++) {
		graph->ranks[into[v]] += of->ranks[v];
		for (size_t k = of->first[v]; k < of->first[v + 1]; k++)
			graph->first[into[v] + 1] += into[of->edge[k].to] != into[v];
	}
	add_up(graph);
	memcpy(fill, graph->first, count * sizeof(*fill));
	for (uint32_t v = 0; v < of->count; v++)
		for (size_t k = of->first[v]; k < of->first[v + 1]; k++)
			if (into[of->edge[k].to] != into[v])
				graph->edge[fill[into[v]]++] =
					(struct rank_edge){ into[of->edge[k].to],
							    of->edge[k].bytes };
	free(fill);
	merge_edges(graph);
	return 0;
}

double graph_cut(const struct rank_graph *graph, const uint8_t *side)
{
	double cut = 0;

	for (uint32_t v = 0; v < graph->count; v++)
		for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++)
			if (side[v] == 0 && side[graph->edge[k].to] == 1)
				cut += graph->edge[k].bytes;
	return cut;
}
