/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/compare.h"
#include "trace/names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which they are shown. */
static const char *const groups[] = { "opcode", "pair", "size", "error", "latency" };

enum { OPCODE, PAIR, SIZE, ERROR, LATENCY };

static struct compare_row *add(struct compare *compare, int group, const char *unit, double a,
			       double b)
{
	struct compare_row *row;

	if (compare->rows == compare->room) {
		size_t room = compare->room ? 2 * compare->room : 64;

		row = reallocarray(compare->row, room, sizeof(*row));
		if (!row)
			return NULL;
		compare->row = row;
		compare->room = room;
	}
	row = &compare->row[compare->rows++];
	*row = (struct compare_row){
		.group = groups[group], .unit = unit, .value = { a, b }, .judged = group != LATENCY
	};
	return row;
}

/* A count of both, when there is any; WHAT is written as printf() does. */
static int add_count(struct compare *compare, int group, const char *what, const char *unit,
		     uint64_t a, uint64_t b)
{
	struct compare_row *row;

	if (!a && !b)
		return 0;
	row = add(compare, group, unit, (double)a, (double)b);
	if (!row)
		return -1;
	snprintf(row->what, sizeof(row->what), "%s", what);
	return 0;
}

static int add_traffic(struct compare *compare, int group, const char *what, struct account_count a,
		       struct account_count b)
{
	if (add_count(compare, group, what, "messages", a.messages, b.messages) < 0)
		return -1;
	return add_count(compare, group, what, "bytes", a.bytes, b.bytes);
}

static int add_opcodes(struct compare *compare, const struct account *a, const struct account *b)
{
	char name[NAME_SIZE];

	for (uint32_t i = 0; i < ACCOUNT_OPCODES; i++)
		if (add_traffic(compare, OPCODE,
				name_or_number(name, name_wr_opcode(i), "OPCODE", i), a->posted[i],
				b->posted[i]) < 0)
			return -1;
	return add_traffic(compare, OPCODE, "RECV", a->received, b->received);
}

static int add_errors(struct compare *compare, const struct account *a, const struct account *b)
{
	char name[NAME_SIZE];

	for (uint32_t i = 1; i < ACCOUNT_STATUSES; i++)
		if (add_count(compare, ERROR, name_or_number(name, name_wc_status(i), "STATUS", i),
			      "completions", a->status[i], b->status[i]) < 0)
			return -1;
	return add_count(compare, ERROR, "refused", "requests", a->refused, b->refused);
}

/* --- sizes --- */

static uint64_t messages_of(const struct account *account, uint64_t bytes)
{
	for (uint32_t i = 0; i < account->sizes; i++)
		if (account->size[i].bytes == bytes)
			return account->size[i].messages;
	return 0;
}

static int add_size(struct compare *compare, uint64_t bytes, uint64_t a, uint64_t b)
{
	char what[48];

	snprintf(what, sizeof(what), "%" PRIu64 " bytes", bytes);
	return add_count(compare, SIZE, what, "messages", a, b);
}

static int add_exact_sizes(struct compare *compare, const struct account *a,
			   const struct account *b)
{
	for (uint32_t i = 0; i < a->sizes; i++)
		if (add_size(compare, a->size[i].bytes, a->size[i].messages,
			     messages_of(b, a->size[i].bytes)) < 0)
			return -1;
	for (uint32_t i = 0; i < b->sizes; i++)
		if (!messages_of(a, b->size[i].bytes) &&
		    add_size(compare, b->size[i].bytes, 0, b->size[i].messages) < 0)
			return -1;
	return 0;
}

/* Where one of them has too many sizes both are told apart by powers of two alone. */
static int add_sizes(struct compare *compare, const struct account *a, const struct account *b)
{
	char what[64];

	if (a->sizes <= ACCOUNT_SIZES && b->sizes <= ACCOUNT_SIZES)
		return add_exact_sizes(compare, a, b);
	for (uint32_t i = 0; i < ACCOUNT_POWERS; i++) {
		uint64_t from = i ? UINT64_C(1) << (i - 1) : 0;

		snprintf(what, sizeof(what), "%" PRIu64 " to %" PRIu64 " bytes", from,
			 i ? 2 * from - 1 : 0);
		if (add_count(compare, SIZE, what, "messages", a->power[i], b->power[i]) < 0)
			return -1;
	}
	return 0;
}

static int add_latencies(struct compare *compare, const struct account *a, const struct account *b)
{
	static const struct {
		const char *name;
		double percent;
	} points[] = {
		{ "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 }, { "max", 100 }
	};

	if (!a->latency.count || !b->latency.count)
		return 0;
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++)
		if (add_count(compare, LATENCY, points[i].name, "ns",
			      histogram_percentile(&a->latency, points[i].percent),
			      histogram_percentile(&b->latency, points[i].percent)) < 0)
			return -1;
	return 0;
}

/* --- pairs of ranks --- */

static int add_pairs(struct compare *compare, const struct overview *a, const struct overview *b)
{
	const struct account_count none = { 0 };
	const struct overview_row *other;
	char label[600];

	for (size_t i = 0; i < a->rows; i++) {
		other = overview_same(b, a->row[i]);
		if (add_traffic(compare, PAIR, overview_label(a, a->row[i], label, sizeof(label)),
				account_posts(&a->row[i]->account),
				other ? account_posts(&other->account) : none) < 0)
			return -1;
	}
	for (size_t i = 0; i < b->rows; i++)
		if (!overview_same(a, b->row[i]) &&
		    add_traffic(compare, PAIR, overview_label(b, b->row[i], label, sizeof(label)),
				none, account_posts(&b->row[i]->account)) < 0)
			return -1;
	return 0;
}

/* --- all of it --- */

static int place_of(const char *group)
{
	int i = 0;

	while (groups[i] != group)
		i++;
	return i;
}

/* Within a group what differs most is first, in absolute numbers: 100 % of two messages is
 * less than 1 % of a million.
 */
static int compare_rows(const void *left, const void *right)
{
	const struct compare_row *a = left, *b = right;
	double one = fabs(a->value[1] - a->value[0]), other = fabs(b->value[1] - b->value[0]);

	if (a->group != b->group)
		return place_of(a->group) - place_of(b->group);
	if (strcmp(a->unit, b->unit) != 0)
		return -strcmp(a->unit, b->unit);
	if (one != other)
		return one > other ? -1 : 1;
	return strcmp(a->what, b->what);
}

int compare_runs(struct compare *compare, const struct overview *a, const struct overview *b)
{
	*compare = (struct compare){ 0 };
	if (add_opcodes(compare, &a->total, &b->total) < 0 || add_pairs(compare, a, b) < 0 ||
	    add_sizes(compare, &a->total, &b->total) < 0 ||
	    add_errors(compare, &a->total, &b->total) < 0 ||
	    add_latencies(compare, &a->total, &b->total) < 0) {
		compare_release(compare);
		return -1;
	}
	if (compare->rows)
		qsort(compare->row, compare->rows, sizeof(*compare->row), compare_rows);
	return 0;
}

void compare_release(struct compare *compare)
{
	free(compare->row);
	*compare = (struct compare){ 0 };
}

double compare_percent(const struct compare_row *row)
{
	if (row->value[0] == row->value[1])
		return 0;
	return row->value[0] > 0 ? 100 * (row->value[1] - row->value[0]) / row->value[0] : INFINITY;
}

double compare_worst(const struct compare *compare)
{
	double worst = 0;

	for (size_t i = 0; i < compare->rows; i++)
		if (compare->row[i].judged)
			worst = fmax(worst, fabs(compare_percent(&compare->row[i])));
	return worst;
}
