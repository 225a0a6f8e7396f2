/* SPDX-License-Identifier: Apache-2.0 */
/* bisect.c - two parts of a graph of ranks with little between them
 *
 * The graph is made smaller by merging each vertex with the neighbour that it
 * exchanges most with, until few are left; those are grown into two parts, which
 * are refined on each graph on the way back.
 */
#include "graph.h"

#include "policy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COARSEST   32
#define LEVELS     40
#define STARTS     4 /* of the coarsest graph */
#define MOST_TRIES 24

static void shuffle(struct random *random, uint32_t *order, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count; i > 1; i--) {
		uint32_t k = (uint32_t)random_below(random, i), kept = order[i - 1];

		order[i - 1] = order[k];
		order[k] = kept;
	}
}

/* The free neighbour of V that it exchanges most with, for its size; V: none. */
static uint32_t partner_of(const struct rank_graph *graph, uint32_t v, const uint32_t *into,
			   uint32_t largest)
{
	uint32_t best = v;
	double most = 0;

	for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++) {
		uint32_t to = graph->edge[k].to;
		double worth = graph->edge[k].bytes / graph->ranks[to];

		if (into[to] != NETEMU_NONE || graph->ranks[v] + graph->ranks[to] > largest ||
		    worth <= most)
			continue;
		best = to;
		most = worth;
	}
	return best;
}

/* Merge vertices that found no partner two by two, whatever they exchange. */
static uint32_t match_rest(const struct rank_graph *graph, uint32_t largest, uint32_t count,
			   uint32_t *order, uint32_t *into)
{
	uint32_t *members = order, waiting = NETEMU_NONE, made = 0;

	memset(members, 0, graph->count * sizeof(*members));
	for (uint32_t v = 0; v < graph->count; v++)
		members[into[v]]++;
	for (uint32_t v = 0; v < graph->count; v++) {
		if (members[into[v]] != 1)
			continue;
		if (waiting == NETEMU_NONE || graph->ranks[v] + graph->ranks[waiting] > largest) {
			waiting = v;
			continue;
		}
		into[v] = into[waiting];
		waiting = NETEMU_NONE;
	}
	/* numbers without gaps */
	memset(order, 0xff, count * sizeof(*order));
	for (uint32_t v = 0; v < graph->count; v++) {
		if (order[into[v]] == NETEMU_NONE)
			order[into[v]] = made++;
		into[v] = order[into[v]];
	}
	return made;
}

/* Heavy edge matching: INTO [count], returns how many vertices that makes. */
static uint32_t match(const struct rank_graph *graph, uint32_t largest, struct random *random,
		      uint32_t *order, uint32_t *into)
{
	uint32_t count = 0;

	shuffle(random, order, graph->count);
	memset(into, 0xff, graph->count * sizeof(*into));
	for (uint32_t i = 0; i < graph->count; i++) {
		uint32_t v = order[i];

		if (into[v] != NETEMU_NONE)
			continue;
		into[partner_of(graph, v, into, largest)] = count;
		into[v] = count++;
	}
	if (count > graph->count - graph->count / 5)
		return match_rest(graph, largest, count, order, into);
	return count;
}

/* Grow side 0 from vertex START to LEFT ranks. */
static void grow(const struct rank_graph *graph, uint32_t start, uint32_t left, double *pull,
		 uint8_t *side)
{
	uint32_t have = 0, next = start;

	memset(side, 1, graph->count);
	memset(pull, 0, graph->count * sizeof(*pull));
	while (next != NETEMU_NONE && have < left) {
		side[next] = 0;
		have += graph->ranks[next];
		for (size_t k = graph->first[next]; k < graph->first[next + 1]; k++)
			pull[graph->edge[k].to] += graph->edge[k].bytes;
		next = NETEMU_NONE;
		for (uint32_t v = 0; v < graph->count; v++)
			if (side[v] && (next == NETEMU_NONE || pull[v] > pull[next]))
				next = v;
	}
}

static uint32_t slack_of(const struct rank_graph *graph, uint32_t ranks)
{
	uint32_t largest = 0;

	for (uint32_t v = 0; v < graph->count; v++)
		largest = graph->ranks[v] > largest ? graph->ranks[v] : largest;
	return graph->count == ranks ? 0 : largest;
}

/* The best of several, of a small GRAPH of RANKS. */
static int start(const struct rank_graph *graph, uint32_t ranks, uint32_t left,
		 struct random *random, uint64_t *work, uint8_t *side)
{
	uint8_t *next = malloc((size_t)graph->count + 1);
	double *pull = malloc(((size_t)graph->count + 1) * sizeof(*pull)), best = INFINITY;
	int rc = next && pull ? 0 : -1;

	for (int i = 0; rc == 0 && i < STARTS; i++) {
		double cut;

		grow(graph, (uint32_t)random_below(random, graph->count), left, pull, next);
		*work += (uint64_t)graph->count * (graph->count < 1000 ? graph->count : 1000);
		rc = graph_refine(graph, left, slack_of(graph, ranks), work, next);
		cut = graph_cut(graph, next);
		if (cut < best) {
			best = cut;
			memcpy(side, next, graph->count);
		}
	}
	free(next);
	free(pull);
	return rc;
}

struct ladder {
	struct rank_graph graph[LEVELS]; /* from the second on owned */
	uint32_t *into[LEVELS];          /* of each graph into the next one */
	int levels;
};

static int climb(struct ladder *ladder, uint32_t ranks, struct random *random, uint32_t *order,
		 uint64_t *work)
{
	uint32_t largest = ranks / 16 + 1;

	while (ladder->levels < LEVELS) {
		struct rank_graph *graph = &ladder->graph[ladder->levels - 1];
		uint32_t *into, count;

		if (graph->count <= COARSEST)
			return 0;
		into = malloc(graph->count * sizeof(*into));
		if (!into)
			return -1;
		count = match(graph, largest, random, order, into);
		*work += 4 * graph->first[graph->count] + graph->count;
		ladder->into[ladder->levels - 1] = into;
		if (count > graph->count - graph->count / 20)
			return 0;
		if (graph_merge(graph + 1, graph, into, count) < 0)
			return -1;
		ladder->levels++;
	}
	return 0;
}

static int descend(const struct ladder *ladder, uint32_t ranks, uint32_t left, uint64_t *work,
		   uint8_t *side)
{
	for (int level = ladder->levels - 2; level >= 0; level--) {
		const struct rank_graph *graph = &ladder->graph[level];
		uint8_t *coarse = malloc((size_t)ladder->graph[level + 1].count + 1);

		if (!coarse)
			return -1;
		memcpy(coarse, side, ladder->graph[level + 1].count);
		for (uint32_t v = 0; v < graph->count; v++)
			side[v] = coarse[ladder->into[level][v]];
		free(coarse);
		if (graph_refine(graph, left, slack_of(graph, ranks), work, side) < 0)
			return -1;
	}
	return 0;
}

static int try_once(const struct rank_graph *graph, uint32_t left, struct random *random,
		    uint64_t *work, uint8_t *side)
{
	uint32_t *order = malloc(((size_t)graph->count + 1) * sizeof(*order));
	struct ladder ladder = { .graph = { *graph }, .levels = 1 };
	int rc = order ? climb(&ladder, graph->count, random, order, work) : -1;

	if (rc == 0)
		rc = start(&ladder.graph[ladder.levels - 1], graph->count, left, random, work,
			   side);
	if (rc == 0)
		rc = descend(&ladder, graph->count, left, work, side);
	for (int i = 0; i < LEVELS; i++) {
		free(ladder.into[i]);
		if (i)
			graph_release(&ladder.graph[i]);
	}
	free(order);
	return rc;
}

int graph_bisect(const struct rank_graph *graph, uint32_t left, struct random *random,
		 uint64_t limit, uint64_t *work, uint8_t *side)
{
	uint8_t *next = malloc((size_t)graph->count + 1);
	uint64_t begin = *work;
	double best = INFINITY;
	int rc = next ? 0 : -1;

	memset(side, 1, graph->count);
	for (uint32_t v = 0; v < left; v++)
		side[v] = 0;
	if (left == 0 || left >= graph->count) {
		free(next);
		return 0;
	}
	for (int i = 0; rc == 0 && i < MOST_TRIES && best > 0 && (i == 0 || *work - begin < limit);
	     i++) {
		uint32_t have = 0;
		double cut;

		rc = try_once(graph, left, random, work, next);
		for (uint32_t v = 0; rc == 0 && v < graph->count; v++)
			have += next[v] == 0;
		cut = rc == 0 && have == left ? graph_cut(graph, next) : INFINITY;
		if (cut < best) {
			best = cut;
			memcpy(side, next, graph->count);
		}
	}
	free(next);
	if (rc < 0)
		errno = ENOMEM;
	return rc;
}
