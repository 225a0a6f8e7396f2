/* SPDX-License-Identifier: Apache-2.0 */
/* traffic_read.c - traffic out of rank files
 *
 * One pass: the pairs of the whole and of each operation grow rank by rank, in
 * the order in which the ranks come; windows are kept as rows and brought
 * together at the end, because the ranks may have windows of different widths.
 */
#include "jobs/traffic.h"
#include "ranksource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pairs {
	struct netemu_rank_pair *list; /* owned */
	size_t count, room;
};

/* One row of a window of one rank. */
struct window_row {
	int64_t start;
	struct netemu_rank_pair pair;
};

struct reading {
	const char *path;
	uint32_t ranks, have;
	bool *seen; /* by rank; owned */
	struct pairs all, ops[RANKOP_COUNT];
	struct window_row *rows; /* owned */
	size_t nrows, rows_room;
	int64_t width;  /* the largest of all ranks */
	uint64_t bytes; /* of all pairs, that they do not overflow */
	uint64_t messages;
	int64_t began, duration; /* ns, see traffic.h */
};

static void reading_release(struct reading *reading)
{
	free(reading->seen);
	free(reading->all.list);
	for (int op = 0; op < RANKOP_COUNT; op++)
		free(reading->ops[op].list);
	free(reading->rows);
}

/* Room for one more of SIZE bytes behind COUNT at *LIST. */
static int grow(void *list, size_t count, size_t *room, size_t size)
{
	void **base = list;
	size_t more = *room ? 2 * *room : 256;
	void *grown;

	if (count < *room)
		return 0;
	grown = realloc(*base, more * size);
	if (!grown)
		return -1;
	*base = grown;
	*room = more;
	return 0;
}

static struct netemu_rank_pair pair_of(uint32_t from, const struct rankpeer *row)
{
	return (struct netemu_rank_pair){
		.from = from,
		.to = row->peer,
		.bytes = row->tx_bytes,
		.messages = row->tx_messages,
	};
}

static int add_peers(struct pairs *pairs, uint32_t rank, const struct rankpeers *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		if (!peers->rows[i].tx_messages)
			continue;
		if (grow(&pairs->list, pairs->count, &pairs->room, sizeof(*pairs->list)) < 0)
			return -1;
		pairs->list[pairs->count++] = pair_of(rank, &peers->rows[i]);
	}
	return 0;
}

static int add_windows(struct reading *reading, const struct rankfile *rank)
{
	if (rank->window_width > reading->width)
		reading->width = rank->window_width;
	for (size_t i = 0; i < rank->nwindows; i++) {
		const struct rankpeers *peers = &rank->windows[i].peers;

		for (size_t j = 0; j < peers->count; j++) {
			if (!peers->rows[j].tx_messages)
				continue;
			if (grow(&reading->rows, reading->nrows, &reading->rows_room,
				 sizeof(*reading->rows)) < 0)
				return -1;
			reading->rows[reading->nrows++] = (struct window_row){
				.start = rank->windows[i].start,
				.pair = pair_of(rank->rank, &peers->rows[j]),
			};
		}
	}
	return 0;
}

static int check(struct reading *reading, const struct rankfile *rank, const char *origin,
		 struct err *err)
{
	if (!reading->seen) {
		reading->ranks = rank->ranks;
		reading->seen = calloc(rank->ranks, sizeof(*reading->seen));
		if (!reading->seen)
			return err_errno(err, "%s", origin);
	}
	if (rank->ranks != reading->ranks)
		return err_set(err, "'%s' is of a run of %u ranks, others in '%s' are of one of %u",
			       origin, rank->ranks, reading->path, reading->ranks);
	if (reading->seen[rank->rank])
		return err_set(err, "'%s': rank %u is there twice", origin, rank->rank);
	reading->seen[rank->rank] = true;
	reading->have++;
	if (rank->init_realtime > 0 && (!reading->began || rank->init_realtime < reading->began))
		reading->began = rank->init_realtime;
	if (rank->duration * 1e9 > (double)reading->duration && rank->duration < 1e9)
		reading->duration = (int64_t)(rank->duration * 1e9);
	for (size_t i = 0; i < rank->peers.count; i++)
		if (__builtin_add_overflow(reading->bytes, rank->peers.rows[i].tx_bytes,
					   &reading->bytes) ||
		    __builtin_add_overflow(reading->messages, rank->peers.rows[i].tx_messages,
					   &reading->messages))
			return err_set(err, "'%s': all traffic together is more than 64 bits hold",
				       origin);
	return 0;
}

static int take(const struct rankfile *rank, const char *origin, bool live, void *arg,
		struct err *err)
{
	struct reading *reading = arg;
	int rc;

	(void)live;
	if (check(reading, rank, origin, err) < 0)
		return -1;
	rc = add_peers(&reading->all, rank->rank, &rank->peers);
	for (int op = 0; rc == 0 && op < RANKOP_COUNT; op++)
		if (!rank->foreign)
			rc = add_peers(&reading->ops[op], rank->rank, &rank->ops[op]);
	if (rc == 0)
		rc = add_windows(reading, rank);
	return rc < 0 ? err_errno(err, "%s", origin) : 0;
}

static int complete(const struct reading *reading, struct err *err)
{
	uint32_t first = 0;

	if (!reading->have)
		return err_set(err, "'%s': no rank files in it", reading->path);
	if (reading->have == reading->ranks)
		return 0;
	while (reading->seen[first])
		first++;
	return err_set(err, "'%s': %u of %u ranks have no file, the first is rank %u",
		       reading->path, reading->ranks - reading->have, reading->ranks, first);
}

/* The list as it is, no longer than needed. */
static int hand_over(struct pairs *pairs, struct netemu_rank_pair **list, size_t *count)
{
	*list = realloc(pairs->list, (pairs->count + 1) * sizeof(**list));
	if (!*list)
		return -1;
	*count = pairs->count;
	*pairs = (struct pairs){ 0 };
	return 0;
}

static int hand_over_ops(struct reading *reading, struct traffic *traffic)
{
	traffic->ops = calloc(RANKOP_COUNT, sizeof(*traffic->ops));
	if (!traffic->ops)
		return -1;
	for (int op = 0; op < RANKOP_COUNT; op++) {
		struct traffic_part *part = &traffic->ops[traffic->nops];

		if (!reading->ops[op].count)
			continue;
		traffic->nops++;
		part->name = strdup(rankop_names[op]);
		if (!part->name || hand_over(&reading->ops[op], &part->pairs, &part->npairs) < 0)
			return -1;
	}
	return 0;
}

static int row_compare(const void *a, const void *b)
{
	const struct window_row *left = a;
	const struct window_row *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (left->pair.from != right->pair.from)
		return left->pair.from < right->pair.from ? -1 : 1;
	return (left->pair.to > right->pair.to) - (left->pair.to < right->pair.to);
}

/* Rows of one window, COUNT of them sorted, as its pairs. */
static int make_window(struct traffic_part *part, const struct window_row *rows, size_t count,
		       int64_t width)
{
	part->start = rows->start;
	part->end = rows->start > INT64_MAX - width ? INT64_MAX : rows->start + width;
	part->pairs = malloc(count * sizeof(*part->pairs));
	if (!part->pairs)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct netemu_rank_pair *last =
			part->npairs ? &part->pairs[part->npairs - 1] : NULL;

		if (last && last->from == rows[i].pair.from && last->to == rows[i].pair.to) {
			last->bytes += rows[i].pair.bytes;
			last->messages += rows[i].pair.messages;
		} else {
			part->pairs[part->npairs++] = rows[i].pair;
		}
	}
	return 0;
}

/* Narrow windows of some ranks lie within one of the widest ones. */
static int make_windows(struct reading *reading, struct traffic *traffic)
{
	size_t count = 0, end;

	if (!reading->nrows || reading->width <= 0)
		return 0;
	for (size_t i = 0; i < reading->nrows; i++)
		reading->rows[i].start -= reading->rows[i].start % reading->width;
	qsort(reading->rows, reading->nrows, sizeof(*reading->rows), row_compare);
	for (size_t i = 0; i < reading->nrows; i++)
		count += !i || reading->rows[i].start != reading->rows[i - 1].start;
	traffic->windows = calloc(count, sizeof(*traffic->windows));
	if (!traffic->windows)
		return -1;
	for (size_t i = 0; i < reading->nrows; i = end) {
		for (end = i;
		     end < reading->nrows && reading->rows[end].start == reading->rows[i].start;
		     end++)
			;
		if (make_window(&traffic->windows[traffic->nwindows++], &reading->rows[i], end - i,
				reading->width) < 0)
			return -1;
	}
	return 0;
}

static int finish(struct reading *reading, struct traffic **traffic)
{
	struct traffic *made = calloc(1, sizeof(*made));

	if (!made)
		return -1;
	*made = (struct traffic){
		.name = strdup(reading->path),
		.ranks = reading->ranks,
		.began = reading->began,
		.duration = reading->duration,
		.users = 1,
	};
	if (!made->name || hand_over(&reading->all, &made->pairs, &made->npairs) < 0 ||
	    hand_over_ops(reading, made) < 0 || make_windows(reading, made) < 0) {
		traffic_drop(made);
		return -1;
	}
	*traffic = made;
	return 0;
}

int traffic_read(struct traffic **traffic, const char *path, struct err *err)
{
	return traffic_read_from(traffic, path, NULL, err);
}

int traffic_read_from(struct traffic **traffic, const char *path, const char *from, struct err *err)
{
	struct reading reading = { .path = path };
	char *names[] = { (char *)path };
	int rc = ranksource_read(names, 1, from, take, &reading, err);

	if (rc == 0)
		rc = complete(&reading, err);
	if (rc == 0 && finish(&reading, traffic) < 0)
		rc = err_errno(err, "%s", path);
	reading_release(&reading);
	return rc;
}
