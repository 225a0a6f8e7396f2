/* SPDX-License-Identifier: Apache-2.0 */
/* generate-from.c - a trace out of what netprof or nettrace recorded of a run
 *
 * A rank file says of each pair how many bytes in how many messages, and when the first and
 * the last went.  Messages are as equal as the bytes allow, spread evenly between these times;
 * what is between two of a rank is a gap.  Both sides take the sizes in the same order.
 */
#include "cmd/generate.h"
#include "ranksource.h"

#include <inttypes.h>
#include <stdlib.h>

struct pair {
	uint32_t from, to;
	uint64_t bytes, messages;
	int64_t first, last; /* ns, -1: not known */
};

struct recorded {
	struct pair *pairs; /* owned */
	size_t count, room;
	uint32_t ranks, seen;
};

/* ---- reading ---- */

static int add_pair(struct recorded *recorded, const struct pair *pair)
{
	if (recorded->count == recorded->room) {
		size_t room = recorded->room ? 2 * recorded->room : 256;
		struct pair *pairs = reallocarray(recorded->pairs, room, sizeof(*pairs));

		if (!pairs)
			return -1;
		recorded->pairs = pairs;
		recorded->room = room;
	}
	recorded->pairs[recorded->count++] = *pair;
	return 0;
}

static int take(const struct rankfile *rank, const char *origin, bool live, void *arg,
		struct err *err)
{
	struct recorded *recorded = arg;

	(void)live;
	recorded->ranks = rank->ranks;
	recorded->seen++;
	for (size_t i = 0; i < rank->peers.count; i++) {
		const struct rankpeer *peer = &rank->peers.rows[i];
		struct pair pair = { rank->rank,        peer->peer,  peer->tx_bytes,
				     peer->tx_messages, peer->first, peer->last };

		if (pair.messages && add_pair(recorded, &pair) < 0)
			return err_errno(err, "%s", origin);
	}
	return 0;
}

/* ---- one rank ---- */

/* Message K of PAIR: the first ones have what is left over. */
static uint64_t size_of(const struct pair *pair, uint64_t k)
{
	return pair->bytes / pair->messages + (k < pair->bytes % pair->messages);
}

static int64_t time_of(const struct pair *pair, uint64_t k)
{
	if (pair->first < 0 || pair->last <= pair->first || pair->messages < 2)
		return pair->first < 0 ? 0 : pair->first;
	return pair->first + (int64_t)((double)(pair->last - pair->first) * (double)k /
				       (double)(pair->messages - 1));
}

struct departure {
	int64_t time;
	uint64_t k;
	const struct pair *pair;
};

static int earlier(const void *a, const void *b)
{
	const struct departure *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->pair != y->pair)
		return x->pair < y->pair ? -1 : 1;
	return x->k < y->k ? -1 : x->k > y->k;
}

static void put_departures(struct trace *trace, const struct departure *list, size_t count)
{
	uint64_t gap = TRACE_NONE, now_us = 0;

	for (size_t i = 0; i < count; i++) {
		const struct pair *pair = list[i].pair;
		uint64_t us = (uint64_t)list[i].time / 1000;
		struct et_node node = { .name = "gap", .type = ET_COMP, .is_cpu = true };

		if (us > now_us) {
			node.duration_us = us - now_us;
			gap = trace_add(trace, &node, &gap, 1);
			now_us = us;
		}
		trace_send(trace, pair->to, 0, size_of(pair, list[i].k), gap);
	}
}

static void put_sends(struct trace *trace, const struct recorded *recorded, uint32_t rank)
{
	struct departure *list;
	size_t count = 0;

	for (size_t i = 0; i < recorded->count; i++)
		if (recorded->pairs[i].from == rank)
			count += recorded->pairs[i].messages;
	list = reallocarray(NULL, count + 1, sizeof(*list));
	if (!list) {
		trace->rc = err_errno(trace->err, "no room for %zu messages of rank %" PRIu32,
				      count, rank);
		return;
	}
	count = 0;
	for (size_t i = 0; i < recorded->count; i++)
		for (uint64_t k = 0;
		     recorded->pairs[i].from == rank && k < recorded->pairs[i].messages; k++)
			list[count++] = (struct departure){ time_of(&recorded->pairs[i], k), k,
							    &recorded->pairs[i] };
	qsort(list, count, sizeof(*list), earlier);
	put_departures(trace, list, count);
	free(list);
}

/* The messages of a pair, one behind the other. */
static void put_receives(struct trace *trace, const struct pair *pair)
{
	uint64_t last = TRACE_NONE;

	for (uint64_t k = 0; k < pair->messages; k++)
		last = trace_receive(trace, pair->from, 0, size_of(pair, k), last);
}

static int make_rank(const struct generate_options *options, const struct recorded *recorded,
		     uint32_t rank, struct err *err)
{
	struct trace trace;

	if (trace_create(&trace, options->prefix, rank, err) < 0)
		return -1;
	put_sends(&trace, recorded, rank);
	for (size_t i = 0; i < recorded->count; i++)
		if (recorded->pairs[i].to == rank)
			put_receives(&trace, &recorded->pairs[i]);
	return trace_finish(&trace);
}

int generate_from(const struct generate_options *options, uint32_t *ranks, struct err *err)
{
	char *const names[] = { (char *)options->run };
	struct recorded recorded = { 0 };
	int rc = ranksource_read(names, 1, options->instrument, take, &recorded, err);

	if (rc == 0 && recorded.seen != recorded.ranks)
		rc = err_set(err, "'%s': of %" PRIu32 " ranks only %" PRIu32 " were recorded",
			     options->run, recorded.ranks, recorded.seen);
	for (uint32_t rank = 0; rc == 0 && rank < recorded.ranks; rank++)
		rc = make_rank(options, &recorded, rank, err);
	*ranks = recorded.ranks;
	free(recorded.pairs);
	return rc;
}
