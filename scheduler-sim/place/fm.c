/* SPDX-License-Identifier: Apache-2.0 */
/* fm.c - move vertices from side to side as long as less is cut
 *
 * Fiduccia and Mattheyses, "A linear-time heuristic for improving network
 * partitions" (DAC 1982): in a pass each vertex moves at most once, always the one
 * that lowers the cut most (or raises it least) of those that keep the balance, and
 * of all states passed through the best is kept.  Bytes are no small numbers, so
 * the vertices of a side stand in a heap rather than in buckets.
 */
#include "graph.h"

#include "policy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PASSES 12
#define IDLE_MOVES  100 /* and a quarter of the vertices: without a better state */

struct fm {
	const struct rank_graph *graph;
	uint8_t *side;
	double *gain;      /* what moving the vertex takes off the cut */
	uint32_t *heap[2]; /* vertices of a side that may move, the largest gain first */
	uint32_t size[2];
	uint32_t *at;    /* place of each vertex in its heap, NETEMU_NONE: moved */
	uint32_t *moves; /* of this pass */
	uint32_t left;   /* ranks on side 0 */
	uint32_t wanted, slack, roam;
	double cut;
	uint64_t *work;
};

static bool before(const struct fm *fm, uint32_t a, uint32_t b)
{
	if (fm->gain[a] != fm->gain[b])
		return fm->gain[a] > fm->gain[b];
	return a < b;
}

static void put(struct fm *fm, int side, uint32_t place, uint32_t v)
{
	fm->heap[side][place] = v;
	fm->at[v] = place;
}

static void sift(struct fm *fm, int side, uint32_t place)
{
	uint32_t *heap = fm->heap[side], v = heap[place], next;

	while (place && before(fm, v, heap[(place - 1) / 2])) {
		put(fm, side, place, heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	while ((next = 2 * place + 1) < fm->size[side]) {
		if (next + 1 < fm->size[side] && before(fm, heap[next + 1], heap[next]))
			next++;
		if (!before(fm, heap[next], v))
			break;
		put(fm, side, place, heap[next]);
		place = next;
	}
	put(fm, side, place, v);
}

static void take_out(struct fm *fm, int side, uint32_t v)
{
	uint32_t place = fm->at[v], last = fm->heap[side][--fm->size[side]];

	fm->at[v] = NETEMU_NONE;
	if (last == v)
		return;
	put(fm, side, place, last);
	sift(fm, side, place);
}

static void begin_pass(struct fm *fm)
{
	const struct rank_graph *graph = fm->graph;

	fm->size[0] = fm->size[1] = fm->left = 0;
	for (uint32_t v = 0; v < graph->count; v++) {
		int side = fm->side[v];

		fm->gain[v] = 0;
		for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++)
			fm->gain[v] += fm->side[graph->edge[k].to] != side ? graph->edge[k].bytes
									   : -graph->edge[k].bytes;
		put(fm, side, fm->size[side]++, v);
		fm->left += side == 0 ? graph->ranks[v] : 0;
	}
	for (int side = 0; side < 2; side++)
		for (uint32_t i = fm->size[side] / 2; i-- > 0;)
			sift(fm, side, i);
	*fm->work += graph->first[graph->count] + graph->count;
}

/* How far LEFT is from what is wanted, beyond SLACK. */
static uint32_t off(const struct fm *fm, uint32_t left, uint32_t slack)
{
	uint32_t far = left > fm->wanted ? left - fm->wanted : fm->wanted - left;

	return far > slack ? far - slack : 0;
}

/* From which side to move the first of the heap; -1: from none. */
static int choose(const struct fm *fm)
{
	bool may[2] = { false, false };
	uint32_t now = off(fm, fm->left, 0);

	for (int side = 0; side < 2; side++) {
		uint32_t ranks, left;

		if (!fm->size[side])
			continue;
		ranks = fm->graph->ranks[fm->heap[side][0]];
		left = side == 0 ? fm->left - ranks : fm->left + ranks;
		may[side] = off(fm, left, fm->roam) == 0 || off(fm, left, 0) < now;
	}
	if (may[0] && may[1])
		return fm->gain[fm->heap[1][0]] > fm->gain[fm->heap[0][0]];
	return may[0] ? 0 : may[1] ? 1 : -1;
}

static void move(struct fm *fm, int side, uint32_t v)
{
	const struct rank_graph *graph = fm->graph;

	take_out(fm, side, v);
	fm->cut -= fm->gain[v];
	fm->side[v] = (uint8_t)!side;
	fm->left += side == 0 ? -graph->ranks[v] : graph->ranks[v];
	for (size_t k = graph->first[v]; k < graph->first[v + 1]; k++) {
		uint32_t to = graph->edge[k].to;

		if (fm->at[to] == NETEMU_NONE)
			continue;
		fm->gain[to] += (fm->side[to] == side ? 2 : -2) * graph->edge[k].bytes;
		sift(fm, fm->side[to], fm->at[to]);
	}
	*fm->work += 4 * (graph->first[v + 1] - graph->first[v]) + 8;
}

/* Returns whether that made it better. */
static bool pass(struct fm *fm)
{
	double first = fm->cut, best;
	uint32_t count = 0, kept = 0, best_off, first_off, idle = 0;
	int side;

	begin_pass(fm);
	best = fm->cut;
	best_off = first_off = off(fm, fm->left, fm->slack);
	while ((side = choose(fm)) >= 0 && idle++ < IDLE_MOVES + fm->graph->count / 4) {
		uint32_t v = fm->heap[side][0], far;

		move(fm, side, v);
		fm->moves[count++] = v;
		far = off(fm, fm->left, fm->slack);
		if (far > best_off || (far == best_off && fm->cut >= best))
			continue;
		best = fm->cut;
		best_off = far;
		kept = count;
		idle = 0;
	}
	while (count > kept) {
		count--;
		fm->side[fm->moves[count]] ^= 1;
	}
	fm->cut = best;
	return best_off < first_off || best < first;
}

int graph_refine(const struct rank_graph *graph, uint32_t left, uint32_t slack, uint64_t *work,
		 uint8_t *side)
{
	size_t count = (size_t)graph->count + 1;
	uint32_t *scratch = malloc(4 * count * sizeof(*scratch)), largest = 1;
	struct fm fm = {
		.graph = graph,
		.side = side,
		.gain = malloc(count * sizeof(double)),
		.wanted = left,
		.slack = slack,
		.cut = graph_cut(graph, side),
		.work = work,
	};
	int rc = scratch && fm.gain ? 0 : -1;

	for (uint32_t v = 0; v < graph->count; v++)
		largest = graph->ranks[v] > largest ? graph->ranks[v] : largest;
	fm.roam = largest > slack ? largest : slack;
	if (rc == 0) {
		fm.heap[0] = scratch;
		fm.heap[1] = scratch + count;
		fm.at = scratch + 2 * count;
		fm.moves = scratch + 3 * count;
		for (int i = 0; i < MOST_PASSES && pass(&fm); i++)
			;
	}
	free(scratch);
	free(fm.gain);
	if (rc < 0)
		errno = ENOMEM;
	return rc;
}
