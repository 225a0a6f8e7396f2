/* SPDX-License-Identifier: Apache-2.0 */
/* flowbound.c - what parts exchange, by a flow that must cross between them
 *
 * Cuts and flows bound each other (Leighton and Rao, FOCS 1988): let each rank send
 * one unit to each rank at most R steps away, split evenly over all shortest paths
 * in the graph of ranks that exchange something.  A part holds at most MOST ranks,
 * so of the B[r] units of rank r at least B[r] - (MOST - 1) end in another part, and each
 * of them uses an edge between parts.  The edges between parts together thus carry
 * at least F = the sum of that over all ranks.  What bytes such edges have at least
 * is a fractional knapsack: those with the most flow for each byte come first, until they
 * carry F.
 *
 * Any R gives a valid bound; the best of R = 1, 2, ... is taken.  On a square
 * grid, R where B is about 3 * MOST gives 0.8 of what square tiles exchange.
 */
#include "flowbound.h"

#include "policy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORK   80000000 /* edges looked at */
#define MOST_RADIUS 256
#define BEYOND      16         /* times MOST: balls larger than that bound no better */
#define SAFE        (1 - 1e-9) /* sums are rounded */

struct flow {
	const struct rank_graph *graph;
	double *on;              /* [edges] flow on each edge in its direction */
	uint32_t *order, *far;   /* [count] of one rank: those reached, and in how many steps */
	double *paths, *through; /* [count] of it: shortest paths, and what goes on to others */
	size_t *sorted;          /* [edges] scratch */
	uint64_t work;
};

static void flow_release(struct flow *flow)
{
	free(flow->on);
	free(flow->order);
	free(flow->far);
	free(flow->paths);
	free(flow->through);
	free(flow->sorted);
}

static int flow_init(struct flow *flow, const struct rank_graph *graph)
{
	size_t count = (size_t)graph->count + 1, edges = graph->first[graph->count] + 1;

	*flow = (struct flow){
		.graph = graph,
		.on = malloc(edges * sizeof(double)),
		.order = malloc(count * sizeof(uint32_t)),
		.far = malloc(count * sizeof(uint32_t)),
		.paths = malloc(count * sizeof(double)),
		.through = malloc(count * sizeof(double)),
		.sorted = malloc(edges * sizeof(size_t)),
	};
	if (!flow->on || !flow->order || !flow->far || !flow->paths || !flow->through ||
	    !flow->sorted)
		return -1;
	memset(flow->far, 0xff, count * sizeof(uint32_t));
	return 0;
}

/* Those at most RADIUS steps from RANK.  Returns how many, RANK itself as well. */
static uint32_t reach(struct flow *flow, uint32_t rank, uint32_t radius)
{
	const struct rank_graph *graph = flow->graph;
	uint32_t count = 1;

	flow->order[0] = rank;
	flow->far[rank] = 0;
	flow->paths[rank] = 1;
	flow->through[rank] = 0;
	for (uint32_t i = 0; i < count && flow->far[flow->order[i]] < radius; i++) {
		uint32_t v = flow->order[i];

		flow->work += graph->first[v + 1] - graph->first[v];
		for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++) {
			uint32_t to = graph->edge[k].to;

			if (flow->far[to] == NETEMU_NONE) {
				flow->far[to] = flow->far[v] + 1;
				flow->paths[to] = flow->through[to] = 0;
				flow->order[count++] = to;
			}
			if (flow->far[to] == flow->far[v] + 1)
				flow->paths[to] += flow->paths[v];
		}
	}
	return count;
}

/* One unit from RANK to each of the COUNT - 1 others that it reaches (the dependencies
 * of Brandes, J. Math. Sociology 2001).
 */
static void send(struct flow *flow, uint32_t count)
{
	const struct rank_graph *graph = flow->graph;

	for (uint32_t i = count; i-- > 1;) {
		uint32_t v = flow->order[i];
		double units = (1 + flow->through[v]) / flow->paths[v];

		flow->work += graph->first[v + 1] - graph->first[v];
		for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++) {
			uint32_t to = graph->edge[k].to;

			if (flow->far[to] + 1 != flow->far[v])
				continue;
			flow->on[k] += units * flow->paths[to];
			flow->through[to] += units * flow->paths[to];
		}
	}
	for (uint32_t i = 0; i < count; i++)
		flow->far[flow->order[i]] = NETEMU_NONE;
}

/* Both directions of each edge in the one to the lower rank, 0 in the other. */
static void fold(struct flow *flow)
{
	const struct rank_graph *graph = flow->graph;

	for (uint32_t v = 0; v < graph->count; v++) {
		for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++) {
			size_t low, high;
			uint32_t to = graph->edge[k].to;

			if (to > v)
				continue;
			low = graph->first[to];
			high = graph->first[to + 1];
			while (high - low > 1) {
				size_t middle = low + (high - low) / 2;

				if (graph->edge[middle].to <= v)
					low = middle;
				else
					high = middle;
			}
			flow->on[k] += flow->on[low];
			flow->on[low] = 0;
		}
	}
}

static int by_share(const void *a, const void *b, void *arg)
{
	const struct flow *flow = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	double p = flow->on[x] / flow->graph->edge[x].bytes;
	double q = flow->on[y] / flow->graph->edge[y].bytes;

	if (p != q)
		return p > q ? -1 : 1;
	return (x > y) - (x < y);
}

/* Those that carry anything, the ones with most for each byte first; how many. */
static size_t sort_edges(struct flow *flow)
{
	size_t count = 0;

	for (size_t k = 0; k < flow->graph->first[flow->graph->count]; k++)
		if (flow->on[k] > 0)
			flow->sorted[count++] = k;
	qsort_r(flow->sorted, count, sizeof(*flow->sorted), by_share, flow);
	return count;
}

/* Bytes of edges that carry WANTED at least; COUNT of them are sorted. */
static double knapsack(const struct flow *flow, size_t count, double wanted)
{
	double bytes = 0;

	for (size_t i = 0; i < count && wanted > 0; i++) {
		double on = flow->on[flow->sorted[i]], part = wanted < on ? wanted / on : 1;

		bytes += part * flow->graph->edge[flow->sorted[i]].bytes;
		wanted -= on;
	}
	return bytes;
}

/* Make BOUND better with one radius.  Returns the size of the largest ball. */
static uint32_t bound_with(struct flow *flow, uint32_t radius, const uint64_t *most, double *bound,
			   double *wanted, uint32_t count)
{
	const struct rank_graph *graph = flow->graph;
	uint32_t largest = 0;
	size_t edges;

	memset(wanted, 0, count * sizeof(*wanted));
	memset(flow->on, 0, graph->first[graph->count] * sizeof(*flow->on));
	for (uint32_t r = 0; r < graph->count && flow->work < MOST_WORK; r++) {
		uint32_t ball = reach(flow, r, radius);

		largest = ball > largest ? ball : largest;
		for (uint32_t i = 0; i < count; i++)
			wanted[i] += ball > most[i] ? (double)(ball - most[i]) : 0;
		send(flow, ball);
	}
	fold(flow);
	edges = sort_edges(flow);
	for (uint32_t i = 0; i < count; i++)
		bound[i] = fmax(bound[i], knapsack(flow, edges, wanted[i]) * SAFE);
	return largest;
}

int flow_bounds(const struct rank_graph *graph, const uint64_t *most, double *bound, uint32_t count)
{
	double *wanted = malloc((count + (size_t)1) * sizeof(*wanted));
	uint32_t largest = 1, before = 0;
	uint64_t enough = 0;
	struct flow flow;
	int rc = flow_init(&flow, graph);

	memset(bound, 0, count * sizeof(*bound));
	for (uint32_t i = 0; i < count; i++)
		enough = most[i] * BEYOND > enough ? most[i] * BEYOND : enough;
	for (uint32_t radius = 1; wanted && rc == 0 && largest > before && largest < enough &&
				  radius <= MOST_RADIUS && flow.work < MOST_WORK;
	     radius += 1 + radius / 6) {
		before = largest;
		largest = bound_with(&flow, radius, most, bound, wanted, count);
	}
	rc = wanted && rc == 0 ? 0 : -1;
	free(wanted);
	flow_release(&flow);
	if (rc < 0)
		errno = ENOMEM;
	return rc;
}
