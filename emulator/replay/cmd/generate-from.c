/* SPDX-License-Identifier: Apache-2.0 */
/* generate-from.c - a trace out of what netprof or nettrace recorded of a run
 *
 * A rank file says of each pair how many bytes in how many messages, and when the first and
 * the last went.  Messages are as equal as the bytes allow, spread evenly between these times;
 * what is between two of a rank is a gap.  Both sides take the sizes in the same order.
 */
#include "cmd/generate.h"
#include "ranksource.h"
#include "result/waymark.h"

#include <inttypes.h>
#include <stdlib.h>

struct pair {
	uint32_t from, to;
	uint64_t bytes, messages;
	int64_t first, last; /* ns, -1: not known */
};

struct recorded {
	struct pair *pairs;           /* owned; in the end by sender */
	const struct pair **arriving; /* owned; the same by receiver */
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

static int by_sender(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static int by_receiver(const void *a, const void *b)
{
	const struct pair *const *x = a, *const *y = b;

	if ((*x)->to != (*y)->to)
		return (*x)->to < (*y)->to ? -1 : 1;
	return by_sender(*x, *y);
}

static int sort(struct recorded *recorded, struct err *err)
{
	recorded->arriving = reallocarray(NULL, recorded->count + 1, sizeof(*recorded->arriving));
	if (!recorded->arriving)
		return err_errno(err, "no room for %zu pairs", recorded->count);
	if (recorded->count)
		qsort(recorded->pairs, recorded->count, sizeof(*recorded->pairs), by_sender);
	for (size_t i = 0; i < recorded->count; i++)
		recorded->arriving[i] = &recorded->pairs[i];
	qsort(recorded->arriving, recorded->count, sizeof(*recorded->arriving), by_receiver);
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

/* Those of the COUNT pairs of one sender. */
static void put_sends(struct trace *trace, const struct pair *pairs, size_t count)
{
	struct departure *list;
	size_t messages = 0, put = 0;

	for (size_t i = 0; i < count; i++)
		messages += pairs[i].messages;
	list = reallocarray(NULL, messages + 1, sizeof(*list));
	if (!list) {
		trace->rc = err_errno(trace->err, "no room for %zu messages of rank %" PRIu32,
				      messages, pairs->from);
		return;
	}
	for (size_t i = 0; i < count; i++)
		for (uint64_t k = 0; k < pairs[i].messages; k++)
			list[put++] = (struct departure){ time_of(&pairs[i], k), k, &pairs[i] };
	qsort(list, put, sizeof(*list), earlier);
	put_departures(trace, list, put);
	free(list);
}

/* The messages of a pair, one behind the other. */
static void put_receives(struct trace *trace, const struct pair *pair)
{
	uint64_t last = TRACE_NONE;

	for (uint64_t k = 0; k < pair->messages; k++)
		last = trace_receive(trace, pair->from, 0, size_of(pair, k), last);
}

/* How far the pairs of all ranks before are behind. */
struct place {
	size_t sent, received;
};

static int make_rank(const struct generate_options *options, const struct recorded *recorded,
		     uint32_t rank, struct place *place, struct err *err)
{
	size_t first = place->sent;
	struct trace trace;

	if (trace_create(&trace, options->prefix, rank, err) < 0)
		return -1;
	while (place->sent < recorded->count && recorded->pairs[place->sent].from == rank)
		place->sent++;
	if (place->sent > first)
		put_sends(&trace, &recorded->pairs[first], place->sent - first);
	for (; place->received < recorded->count; place->received++) {
		if (recorded->arriving[place->received]->to != rank)
			break;
		put_receives(&trace, recorded->arriving[place->received]);
	}
	return trace_finish(&trace);
}

int generate_from(const struct generate_options *options, uint32_t *ranks, struct err *err)
{
	char *const names[] = { (char *)options->run };
	struct recorded recorded = { 0 };
	struct place place = { 0, 0 };
	struct waymark mark = { 0 };
	int rc = ranksource_read(names, 1, options->instrument, take, &recorded, err);

	if (rc == 0 && recorded.seen != recorded.ranks)
		rc = err_set(err, "'%s': of %" PRIu32 " ranks only %" PRIu32 " were recorded",
			     options->run, recorded.ranks, recorded.seen);
	if (rc == 0)
		rc = sort(&recorded, err);
	for (uint32_t rank = 0; rc == 0 && rank < recorded.ranks; rank++) {
		rc = make_rank(options, &recorded, rank, &place, err);
		waymark_show(&mark, "traces written", rank + 1, recorded.ranks);
	}
	waymark_end(&mark);
	*ranks = recorded.ranks;
	free(recorded.arriving);
	free(recorded.pairs);
	return rc;
}
