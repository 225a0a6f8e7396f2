/* SPDX-License-Identifier: Apache-2.0 */
#include "dor.h"

#include "treeparts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX (ROUTED_HOPS - 3) /* links between switches that are told apart */

/* One line of points in the dimension at hand. */
struct dor_line {
	uint64_t *enter, *leave;     /* [k] ranks */
	uint64_t *entered, *left;    /* [2k + 1] sums of those before, twice round */
	uint64_t *plus, *minus;      /* [k] flows on the link to the next point, back from it */
	uint32_t *in, *out, *behind; /* [k][depth], [k][depth], [depth], see spread() */
};

struct dor_sum {
	const struct dor *dor;
	const struct fabric *fabric;
	const struct all_to_all *traffic;
	struct weights weights;
	uint32_t points, used; /* switches; those with ranks */
	uint32_t most;         /* the longest dimension */
	uint32_t depth;        /* distances that are counted: less than this */
	uint32_t *node;        /* [points] the switch there, dimension 0 first to change */
	uint64_t *flows;       /* [links]; destinations when they are counted */
	bool count;
	uint64_t *enter; /* [points] of all lines: ranks by (s, coordinates behind) */
	uint64_t *leave; /* [points] by (coordinates before, t) */
	uint32_t *far;   /* [points][depth] hosts with ranks by their distance */
	struct dor_line line;
};

static void release(struct dor_sum *sum)
{
	struct dor_line *line = &sum->line;

	weights_release(&sum->weights);
	free(sum->node);
	free(sum->flows);
	free(sum->enter);
	free(sum->leave);
	free(sum->far);
	free(line->enter);
	free(line->leave);
	free(line->entered);
	free(line->left);
	free(line->plus);
	free(line->minus);
	free(line->in);
	free(line->out);
	free(line->behind);
}

static bool make_line(struct dor_line *line, size_t k, size_t depth)
{
	line->enter = calloc(k, sizeof(*line->enter));
	line->leave = calloc(k, sizeof(*line->leave));
	line->entered = calloc(2 * k + 1, sizeof(*line->entered));
	line->left = calloc(2 * k + 1, sizeof(*line->left));
	line->plus = calloc(k, sizeof(*line->plus));
	line->minus = calloc(k, sizeof(*line->minus));
	line->in = calloc(k, depth * sizeof(*line->in));
	line->out = calloc(k, depth * sizeof(*line->out));
	line->behind = calloc(depth, sizeof(*line->behind));
	return line->enter && line->leave && line->entered && line->left && line->plus &&
	       line->minus && line->in && line->out && line->behind;
}

static int init(struct dor_sum *sum, const struct tree *tree)
{
	const struct dor *dor = sum->dor;
	uint64_t diameter = dor_diameter(dor);

	sum->points = dor->points;
	sum->depth = diameter + 1 < DEPTH_MAX ? (uint32_t)diameter + 1 : DEPTH_MAX;
	sum->node = calloc(sum->points, sizeof(*sum->node));
	if (!sum->node)
		return -1;
	for (uint32_t d = 0; d < dor->n; d++) {
		if (dor->topology->dim[d] > sum->most)
			sum->most = dor->topology->dim[d];
	}
	for (uint32_t n = 0; n < tree->fabric.net->nodes; n++) {
		if (dor->point[n] == NETEMU_NONE)
			continue;
		sum->node[dor->point[n]] = n;
		sum->used += sum->weights.hosts[n] > 0;
	}
	return 0;
}

static int make_room(struct dor_sum *sum)
{
	sum->flows = calloc((size_t)sum->dor->topology->net.links + 1, sizeof(*sum->flows));
	sum->enter = calloc(sum->points, sizeof(*sum->enter));
	sum->leave = calloc(sum->points, sizeof(*sum->leave));
	sum->far = calloc(sum->points, sum->depth * sizeof(*sum->far));
	if (sum->flows && sum->enter && sum->leave && sum->far &&
	    make_line(&sum->line, sum->most, sum->depth))
		return 0;
	return -1;
}

static void add_up(const uint64_t *amount, uint32_t k, uint64_t *sums)
{
	for (uint32_t i = 0; i < 2 * k; i++)
		sums[i + 1] = sums[i] + amount[i < k ? i : i - k];
}

/* The sum of COUNT <= k amounts from point FIRST < k on. */
static uint64_t window(const uint64_t *sums, uint32_t first, uint32_t count)
{
	return sums[first + count] - sums[first];
}

/* What goes from each point to the next one on a ring of K > LIMIT, when all ways
 * of up to LIMIT links go that way round: from step to step those that begin at the
 * point come in, those that end there drop out.
 */
static void go_round(const uint64_t *from, const uint64_t *froms, const uint64_t *to,
		     const uint64_t *tos, uint32_t k, uint32_t limit, uint64_t *flows)
{
	uint64_t flow = 0;

	for (uint32_t i = 0; i < limit; i++)
		flow += from[i ? k - i : 0] * window(tos, 1, limit - i);
	flows[0] = flow;
	for (uint32_t c = 1; c < k; c++) {
		uint32_t after = c + 1 < k ? c + 1 : 0, before = c >= limit ? c : c + k;

		flow += from[c] * window(tos, after, limit);
		flow -= to[c] * window(froms, before - limit, limit);
		flows[c] = flow;
	}
}

/* Hosts to which someone goes over the links of the line, of K points: those where
 * it can leave the line when it enters at the link.
 */
static void count_leaving(const struct dor_sum *sum, uint32_t k)
{
	const struct dor_line *line = &sum->line;
	uint32_t plus = k / 2, minus = (k - 1) / 2;

	for (uint32_t c = 0; c + 1 < k || (sum->dor->wraps && c < k); c++) {
		uint32_t next = c + 1 < k ? c + 1 : 0, last = c + 1 >= minus ? c + 1 : c + 1 + k;

		if (sum->dor->wraps) {
			line->plus[c] = window(line->left, next, plus);
			line->minus[c] = window(line->left, last - minus, minus);
		} else {
			line->plus[c] = line->left[k] - line->left[next];
			line->minus[c] = line->left[next];
		}
	}
}

/* The flows of the line at hand, of K points. */
static void cross(const struct dor_sum *sum, uint32_t k)
{
	const struct dor_line *line = &sum->line;

	add_up(line->enter, k, line->entered);
	add_up(line->leave, k, line->left);
	if (sum->count) {
		count_leaving(sum, k);
		return;
	}
	if (sum->dor->wraps) {
		go_round(line->enter, line->entered, line->leave, line->left, k, k / 2, line->plus);
		/* seen from their ends, those towards - go towards + */
		go_round(line->leave, line->left, line->enter, line->entered, k, (k - 1) / 2,
			 line->minus);
		return;
	}
	for (uint32_t c = 0; c + 1 < k; c++) {
		line->plus[c] = line->entered[c + 1] * (line->left[k] - line->left[c + 1]);
		line->minus[c] = line->left[c + 1] * (line->entered[k] - line->entered[c + 1]);
	}
}

/* Put the line's flows on the links of the points FIRST, FIRST + STRIDE .. */
static void put_line(struct dor_sum *sum, uint32_t d, uint32_t first, uint32_t stride)
{
	const struct dor *dor = sum->dor;
	uint32_t k = dor->topology->dim[d], cables = sum->dor->wraps ? k : k - 1;

	for (uint32_t c = 0; c < cables; c++) {
		uint32_t next = c + 1 < k ? c + 1 : 0;
		size_t here = first + c * stride, there = first + next * stride;

		sum->flows[dor->link[(here * dor->n + d) * 2]] = sum->line.plus[c];
		sum->flows[dor->link[(there * dor->n + d) * 2 + 1]] = sum->line.minus[c];
	}
}

/* All lines of dimension D, whose points are STRIDE apart. */
static void add_dimension(struct dor_sum *sum, uint32_t d, uint32_t stride)
{
	uint32_t k = sum->dor->topology->dim[d], block = stride * k;

	memset(sum->enter, 0, sum->points * sizeof(*sum->enter));
	memset(sum->leave, 0, sum->points * sizeof(*sum->leave));
	for (uint32_t p = 0; p < sum->points; p++) {
		uint64_t ranks = sum->weights.home[sum->node[p]];

		sum->enter[p / stride] += ranks;
		sum->leave[p % block] += ranks;
	}
	for (uint32_t base = 0; base < sum->points; base += block) {
		memcpy(sum->line.enter, sum->enter + base / stride, k * sizeof(*sum->enter));
		for (uint32_t i = 0; i < stride; i++) {
			for (uint32_t t = 0; t < k; t++)
				sum->line.leave[t] = sum->leave[i + t * stride];
			cross(sum, k);
			put_line(sum, d, base + i, stride);
		}
	}
}

static void add_cables(struct dor_sum *sum)
{
	const struct fabric *fabric = sum->fabric;

	for (uint32_t h = 0; h < fabric->net->hosts; h++) {
		uint64_t weight = weight_of(sum->traffic, h);
		uint64_t flows = weight * (sum->weights.total - weight);

		sum->flows[fabric_cable(fabric, h)] = flows;
		sum->flows[fabric->net->link[fabric_cable(fabric, h)].reverse] = flows;
	}
}

/* --- how far hosts are from each other --- */

/* Add the hosts in FROM, seen from BY links farther away, to TO. */
static void add_far(uint32_t *to, const uint32_t *from, uint32_t by, uint32_t depth)
{
	for (uint32_t i = by; i < depth; i++)
		to[i] += from[i - by];
}

static void take_far(uint32_t *to, const uint32_t *from, uint32_t by, uint32_t depth)
{
	for (uint32_t i = by; i < depth; i++)
		to[i] -= from[i - by];
}

/* Add to what each of the line's K points sees what the LIMIT points behind it have:
 * it sees what the one behind saw and had, one link farther, less the farthest.
 * BACK: the points are counted from the other end.
 */
static void spread(const struct dor_sum *sum, uint32_t k, uint32_t limit, bool back)
{
	const struct dor_line *line = &sum->line;
	uint32_t depth = sum->depth, *behind = line->behind;

	memset(behind, 0, depth * sizeof(*behind));
	for (uint32_t i = 1; sum->dor->wraps && i <= limit && i < depth; i++)
		add_far(behind, line->in + (size_t)(back ? i - 1 : k - i) * depth, i, depth);
	for (uint32_t c = 0; c < k; c++) {
		uint32_t at = back ? k - 1 - c : c;
		uint32_t last = c >= limit ? c - limit : c + k - limit;

		add_far(line->out + (size_t)at * depth, behind, 0, depth);
		add_far(behind, line->in + (size_t)at * depth, 0, depth);
		memmove(behind + 1, behind, (depth - 1) * sizeof(*behind));
		behind[0] = 0;
		if (sum->dor->wraps)
			take_far(behind, line->in + (size_t)(back ? k - 1 - last : last) * depth,
				 limit + 1, depth);
	}
}

static void spread_dimension(struct dor_sum *sum, uint32_t k, uint32_t stride)
{
	size_t depth = sum->depth, bytes = depth * sizeof(*sum->far);

	for (uint32_t p = 0; p < sum->points; p++) {
		if (p / stride % k)
			continue;
		for (uint32_t c = 0; c < k; c++)
			memcpy(sum->line.in + c * depth, sum->far + (p + c * stride) * depth,
			       bytes);
		memcpy(sum->line.out, sum->line.in, k * bytes);
		spread(sum, k, sum->dor->wraps ? k / 2 : k - 1, false);
		spread(sum, k, sum->dor->wraps ? (k - 1) / 2 : k - 1, true);
		for (uint32_t c = 0; c < k; c++)
			memcpy(sum->far + (p + c * stride) * depth, sum->line.out + c * depth,
			       bytes);
	}
}

/* Pairs by distance: a host at distance i is a term of z^i, dimensions multiply. */
static void count_pairs(struct dor_sum *sum, struct routed *routed)
{
	const uint32_t *dim = sum->dor->topology->dim;
	uint64_t ranked = 0, seen = 0, pairs[DEPTH_MAX] = { 0 };

	for (uint32_t p = 0; p < sum->points; p++) {
		sum->far[(size_t)p * sum->depth] = sum->weights.hosts[sum->node[p]];
		ranked += sum->weights.hosts[sum->node[p]];
	}
	for (uint32_t d = 0, stride = 1; d < sum->dor->n; stride *= dim[d++])
		spread_dimension(sum, dim[d], stride);
	for (uint32_t p = 0; p < sum->points; p++) {
		uint64_t hosts = sum->weights.hosts[sum->node[p]];

		for (uint32_t i = 0; hosts && i < sum->depth; i++)
			pairs[i] += hosts * sum->far[(size_t)p * sum->depth + i];
	}
	pairs[0] -= ranked; /* each host with itself */
	for (uint32_t i = 0; i < sum->depth; i++) {
		routed_count(routed, i + 2, pairs[i]);
		seen += pairs[i];
	}
	routed_count(routed, ROUTED_HOPS, ranked * ranked - ranked - seen);
}

/* Whether a pass over the switches for each that has ranks takes longer. */
static bool is_worth(const struct dor_sum *sum)
{
	return 4 * (uint64_t)sum->used > (uint64_t)sum->depth * sum->dor->n;
}

static int no_memory(const struct dor_sum *sum, struct err *err)
{
	errno = ENOMEM;
	return err_errno(err, "unable to route between %u hosts", sum->fabric->net->hosts);
}

static int add_lines(struct dor_sum *sum, struct err *err)
{
	const struct dor *dor = sum->dor;

	if (make_room(sum))
		return no_memory(sum, err);
	for (uint32_t d = 0; d < dor->n; d++) {
		if (dor->topology->dim[d] > 1)
			add_dimension(sum, d, dor->stride[d]);
	}
	return 0;
}

static int add_all(struct dor_sum *sum, struct loads *loads, struct routed *routed, struct err *err)
{
	if (add_lines(sum, err))
		return -1;
	add_cables(sum);
	if (fabric_add(sum->fabric, sum->flows, sum->traffic, false, loads, err))
		return -1;
	count_pairs(sum, routed);
	return 0;
}

/* Sets SUM->fabric and ->weights. */
static int begin(struct dor_sum *sum, struct router *router, struct err *err)
{
	struct tree *tree = tree_get(router, err);

	if (!tree)
		return -1;
	sum->dor = router->state;
	sum->fabric = &tree->fabric;
	if (weights_init(&sum->weights, sum->fabric, sum->traffic, err))
		return -1;
	if (!init(sum, tree))
		return 0;
	release(sum);
	return no_memory(sum, err);
}

int dor_all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		   struct routed *routed, struct err *err)
{
	struct dor_sum sum = { .traffic = traffic };
	int rc;

	if (begin(&sum, router, err))
		return -1;
	rc = is_worth(&sum) ? add_all(&sum, loads, routed, err)
			    : tree_all_to_all(router, traffic, loads, routed, err);
	release(&sum);
	return rc;
}

/* All switches of a lattice have hosts. */
int dor_destinations(struct router *router, uint32_t *count, struct err *err)
{
	const struct all_to_all traffic = { 0 };
	struct dor_sum sum = { .traffic = &traffic, .count = true };
	const struct netemu_net *net = &router->topology->net;

	if (begin(&sum, router, err))
		return -1;
	if (add_lines(&sum, err)) {
		release(&sum);
		return -1;
	}
	for (uint32_t h = 0; h < net->hosts; h++) {
		sum.flows[sum.dor->end[h].out] = net->hosts - 1;
		sum.flows[sum.dor->end[h].in] = net->hosts > 1;
	}
	for (uint32_t l = 0; l < net->links; l++)
		count[l] = (uint32_t)sum.flows[l];
	release(&sum);
	return 0;
}
