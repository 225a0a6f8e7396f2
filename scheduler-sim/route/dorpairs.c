/* SPDX-License-Identifier: Apache-2.0 */
#include "dor.h"
#include "large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 32 /* pairs whose places in memory are fetched together */

/* Where a pair changes what the links of its line in a dimension carry, by place in
 * `changes`: from `enter` on more, from `leave` on as before; when it goes over the
 * end of the line, from `begin` on more, too.  No link at all: it enters where it
 * leaves.
 */
struct dor_mark {
	uint32_t enter, leave, begin;
	bool over;
};

struct dor_marks {
	struct dor_mark mark[TOPOLOGY_DIMS];
	uint32_t length;
};

static void fetch_ends(const struct dor *dor, const struct netemu_pair *pair)
{
	__builtin_prefetch(&dor->end[pair->from]);
	__builtin_prefetch(&dor->end[pair->to]);
}

/* The way in dimension D from coordinate AT to TO on the line that begins at BASE.
 * Links towards - count from their ends: they are those of the way back.  Nothing
 * here is a jump that nobody could foresee.
 */
static uint32_t find_mark(const struct dor *dor, uint32_t d, uint32_t base, uint32_t at,
			  uint32_t to, struct dor_mark *mark)
{
	bool minus = dor_is_minus(dor, d, at, to);
	uint32_t from = minus ? to : at, end = minus ? at : to;
	uint32_t place = d * 2 + minus, step = dor->n * 2;

	mark->enter = (base + from * dor->stride[d]) * step + place;
	mark->leave = (base + end * dor->stride[d]) * step + place;
	mark->begin = base * step + place;
	mark->over = end < from;
	__builtin_prefetch(&dor->changes[mark->enter], 1);
	__builtin_prefetch(&dor->changes[mark->leave], 1);
	__builtin_prefetch(&dor->changes[mark->begin], 1);
	return end - from + (mark->over ? dor->topology->dim[d] : 0);
}

/* Note PAIR's lines and fetch what they change. */
static void find_marks(const struct dor *dor, const struct netemu_pair *pair,
		       const struct loads *loads, struct dor_marks *marks)
{
	const struct dor_end *from = &dor->end[pair->from], *to = &dor->end[pair->to];
	const uint32_t *at = &dor->coord[(size_t)from->point * dor->n];
	const uint32_t *there = &dor->coord[(size_t)to->point * dor->n];
	uint32_t point = from->point;

	__builtin_prefetch(&loads->link[from->out], 1);
	__builtin_prefetch(&loads->link[to->in], 1);
	marks->length = 2;
	for (uint32_t d = 0; d < dor->n; d++) {
		uint32_t base = point - at[d] * dor->stride[d];

		marks->length += find_mark(dor, d, base, at[d], there[d], &marks->mark[d]);
		point = base + there[d] * dor->stride[d];
	}
}

static void add(struct load *load, const struct load *what)
{
	load->bytes += what->bytes;
	load->flows += what->flows;
}

/* Amounts wrap around below 0, and back when they are added up. */
static void put(struct dor *dor, const struct netemu_pair *pair, const struct dor_marks *marks,
		struct loads *loads)
{
	const struct load more = { load_whole(pair->bytes), load_whole(pair->flows) };
	const struct load less = { -more.bytes, -more.flows };

	add(loads_at(loads, dor->end[pair->from].out), &more);
	add(loads_at(loads, dor->end[pair->to].in), &more);
	for (uint32_t d = 0; d < dor->n; d++) {
		const struct dor_mark *mark = &marks->mark[d];
		load_amount mask = -(load_amount)mark->over;
		const struct load over = { more.bytes & mask, more.flows & mask };

		add(&dor->changes[mark->enter], &more);
		add(&dor->changes[mark->leave], &less);
		add(&dor->changes[mark->begin], &over);
	}
}

/* Point P of dimension D, whose neighbour at + is NEXT: CARRIED [2] is what the links
 * to it and back from it carry, of those before P at first.
 */
static void pass(struct dor *dor, uint32_t d, uint32_t p, uint32_t next, struct load *carried,
		 struct loads *loads)
{
	struct load *change = &dor->changes[((size_t)p * dor->n + d) * 2];

	add(&carried[0], &change[0]);
	add(&carried[1], &change[1]);
	change[0] = change[1] = (struct load){ 0 };
	if (carried[0].flows || carried[0].bytes)
		add(loads_at(loads, dor->link[((size_t)p * dor->n + d) * 2]), &carried[0]);
	if (carried[1].flows || carried[1].bytes)
		add(loads_at(loads, dor->link[((size_t)next * dor->n + d) * 2 + 1]), &carried[1]);
}

/* Add up what the links of dimension D carry, lines side by side; CARRIED is room
 * for [stride][2].
 */
static void sweep(struct dor *dor, uint32_t d, struct load *carried, struct loads *loads)
{
	uint32_t k = dor->topology->dim[d], stride = dor->stride[d];

	for (uint32_t base = 0; base < dor->points; base += k * stride) {
		memset(carried, 0, 2 * (size_t)stride * sizeof(*carried));
		for (uint32_t c = 0; c < k; c++) {
			uint32_t at = base + c * stride, next = c + 1 < k ? at + stride : base;

			for (uint32_t i = 0; i < stride; i++)
				pass(dor, d, at + i, next + i, &carried[2 * i], loads);
		}
	}
}

static void note_pairs(struct dor *dor, const struct netemu_pair *pairs, size_t npairs,
		       struct loads *loads, struct routed *routed)
{
	struct dor_marks marks[BATCH];

	for (size_t first = 0; first < npairs; first += BATCH) {
		uint32_t count = npairs - first < BATCH ? (uint32_t)(npairs - first) : BATCH;

		for (uint32_t i = 0; i < count; i++)
			find_marks(dor, &pairs[first + i], loads, &marks[i]);
		for (size_t i = first + count; i < npairs && i < first + count + BATCH; i++)
			fetch_ends(dor, &pairs[i]);
		for (uint32_t i = 0; i < count; i++) {
			put(dor, &pairs[first + i], &marks[i], loads);
			routed_count(routed, marks[i].length, 1);
		}
	}
}

int dor_add_pairs(struct dor *dor, const struct netemu_pair *pairs, size_t npairs,
		  struct loads *loads, struct routed *routed, struct err *err)
{
	size_t widest = dor->n ? dor->stride[dor->n - 1] : 1;
	struct load *carried = calloc(2 * widest, sizeof(*carried));

	if (!dor->changes)
		dor->changes =
			large_calloc((size_t)dor->points * dor->n * 2, sizeof(*dor->changes));
	if (!carried || !dor->changes) {
		free(carried);
		errno = ENOMEM;
		return err_errno(err, "unable to route %zu pairs", npairs);
	}
	note_pairs(dor, pairs, npairs, loads, routed);
	for (uint32_t d = 0; d < dor->n; d++) {
		if (dor->topology->dim[d] > 1)
			sweep(dor, d, carried, loads);
	}
	free(carried);
	return 0;
}
