/* SPDX-License-Identifier: Apache-2.0 */
/* unit-compare.c - what `netemu trace diff' says of two runs whose numbers are made up */
#include "trace/compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { WRITE = 0, SEND = 2, RETRY_EXC_ERR = 12 };

static struct overview a, b;
static struct compare compare;

static int set_up(void **state)
{
	(void)state;
	a = b = (struct overview){ .by = OVERVIEW_PEER };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	overview_release(&a);
	overview_release(&b);
	compare_release(&compare);
	return 0;
}

/* MESSAGES of BYTES each from rank FROM to rank TO. */
static void send(struct overview *overview, uint32_t from, uint32_t to, uint64_t messages,
		 uint64_t bytes)
{
	struct account_count count = { messages, messages * bytes };
	struct overview_row *row = calloc(1, sizeof(*row));
	struct account *total = &overview->total;

	assert_non_null(row);
	overview->row = realloc(overview->row, (overview->rows + 1) * sizeof(*overview->row));
	assert_non_null(overview->row);
	overview->row[overview->rows++] = row;
	row->rank = from;
	row->peer = to;
	row->node = row->peer_node = "";
	row->account.posted[SEND] = count;
	total->posted[SEND].messages += count.messages;
	total->posted[SEND].bytes += count.bytes;
	total->size[total->sizes].bytes = bytes;
	total->size[total->sizes++].messages = messages;
}

static const struct compare_row *find(const char *group, const char *what, const char *unit)
{
	for (size_t i = 0; i < compare.rows; i++) {
		const struct compare_row *row = &compare.row[i];

		if (!strcmp(row->group, group) && !strcmp(row->what, what) &&
		    !strcmp(row->unit, unit))
			return row;
	}
	return NULL;
}

/* GROUP has WHAT with ONE in A and OTHER in B. */
static void has(const char *group, const char *what, const char *unit, double one, double other)
{
	const struct compare_row *row = find(group, what, unit);

	if (!row)
		fail_msg("no %s %s (%s)", group, what, unit);
	assert_true(row->value[0] == one);
	assert_true(row->value[1] == other);
}

static void finds_nothing_between_a_run_and_itself(void **state)
{
	(void)state;
	send(&a, 0, 1, 10, 64);
	a.total.status[RETRY_EXC_ERR] = 2;
	assert_int_equal(histogram_add(&a.total.latency, 700), 0);
	assert_int_equal(compare_runs(&compare, &a, &a), 0);
	assert_true(compare.rows > 0);
	for (size_t i = 0; i < compare.rows; i++)
		assert_true(compare_percent(&compare.row[i]) == 0);
	assert_true(compare_worst(&compare) == 0);
}

static void tells_opcodes_pairs_sizes_and_errors_apart(void **state)
{
	(void)state;
	send(&a, 0, 1, 10, 64);
	send(&b, 0, 1, 12, 64);
	a.total.posted[WRITE] = (struct account_count){ 4, 4096 };
	a.total.received = (struct account_count){ 9, 576 };
	b.total.received = (struct account_count){ 12, 768 };
	b.total.status[RETRY_EXC_ERR] = 3;
	b.total.refused = 5;
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	has("opcode", "SEND", "messages", 10, 12);
	has("opcode", "SEND", "bytes", 640, 768);
	has("opcode", "RDMA_WRITE", "messages", 4, 0);
	has("opcode", "RECV", "bytes", 576, 768);
	has("pair", "0 -> 1", "messages", 10, 12);
	has("size", "64 bytes", "messages", 10, 12);
	has("error", "RETRY_EXC_ERR", "completions", 0, 3);
	has("error", "refused", "requests", 0, 5);
	assert_null(find("opcode", "RDMA_READ", "messages")); /* neither has any */
}

static void names_every_opcode_and_every_status(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < ACCOUNT_OPCODES; i++)
		b.total.posted[i] = (struct account_count){ 100 + i, 4096 };
	for (uint64_t i = 0; i < ACCOUNT_STATUSES; i++)
		b.total.status[i] = 200 + i;
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	has("opcode", "RDMA_WRITE", "messages", 0, 100);
	has("opcode", "DRIVER1", "messages", 0, 111);
	has("opcode", "OPCODE 12", "messages", 0, 112);
	has("opcode", "OPCODE 13", "messages", 0, 113);
	has("opcode", "ATOMIC_WRITE", "messages", 0, 115);
	has("opcode", "OPCODE 16", "messages", 0, 116); /* and all above */
	has("error", "TM_RNDV_INCOMPLETE", "completions", 0, 223);
	has("error", "STATUS 24", "completions", 0, 224);
	for (size_t i = 0; i < compare.rows; i++)
		assert_null(strchr(compare.row[i].what, '?'));
}

static void has_pairs_and_sizes_that_one_run_alone_has(void **state)
{
	(void)state;
	send(&a, 0, 1, 10, 64);
	send(&b, 1, 0, 3, 100);
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	has("pair", "0 -> 1", "messages", 10, 0);
	has("pair", "1 -> 0", "messages", 0, 3);
	has("pair", "1 -> 0", "bytes", 0, 300);
	has("size", "64 bytes", "messages", 10, 0);
	has("size", "100 bytes", "messages", 0, 3);
}

static void tells_sizes_by_powers_where_one_run_has_too_many(void **state)
{
	(void)state;
	send(&a, 0, 1, 10, 64);
	a.total.power[7] = 10;
	b.total.sizes = ACCOUNT_SIZES + 1;
	b.total.power[7] = 40;
	b.total.power[0] = 1;
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	has("size", "64 to 127 bytes", "messages", 10, 40);
	has("size", "0 to 0 bytes", "messages", 0, 1);
	assert_null(find("size", "64 bytes", "messages"));
}

static void does_not_judge_latencies(void **state)
{
	(void)state;
	assert_int_equal(histogram_add(&a.total.latency, 100), 0);
	assert_int_equal(histogram_add(&b.total.latency, 900), 0);
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	has("latency", "max", "ns", 100, 900);
	assert_false(find("latency", "p50", "ns")->judged);
	assert_true(compare_worst(&compare) == 0);
}

static void leaves_latencies_out_that_one_run_does_not_have(void **state)
{
	(void)state;
	assert_int_equal(histogram_add(&a.total.latency, 100), 0);
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	assert_int_equal(compare.rows, 0);
}

static void says_how_much_in_percent_of_the_first(void **state)
{
	(void)state;
	send(&a, 0, 1, 200, 64);
	send(&b, 0, 1, 150, 64);
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	assert_true(compare_percent(find("pair", "0 -> 1", "messages")) == -25);
	assert_true(compare_worst(&compare) == 25);
	b.total.refused = 1;
	compare_release(&compare);
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	assert_true(isinf(compare_percent(find("error", "refused", "requests"))));
	assert_true(isinf(compare_worst(&compare)));
}

/* By group, messages before bytes, what differs most first. */
static void orders_what_differs_most_first(void **state)
{
	static const struct {
		const char *group, *what, *unit;
	} order[] = {
		{ "opcode", "SEND", "messages" },  { "opcode", "SEND", "bytes" },
		{ "pair", "2 -> 0", "messages" },  { "pair", "0 -> 1", "messages" },
		{ "pair", "0 -> 1", "bytes" },     { "pair", "2 -> 0", "bytes" },
		{ "size", "1 bytes", "messages" }, { "size", "64 bytes", "messages" },
	};

	(void)state;
	send(&a, 0, 1, 10, 64);
	send(&a, 2, 0, 10, 1);
	send(&b, 0, 1, 11, 64);
	send(&b, 2, 0, 15, 1);
	assert_int_equal(compare_runs(&compare, &a, &b), 0);
	assert_int_equal(compare.rows, sizeof(order) / sizeof(*order));
	for (size_t i = 0; i < compare.rows; i++) {
		assert_string_equal(compare.row[i].group, order[i].group);
		assert_string_equal(compare.row[i].what, order[i].what);
		assert_string_equal(compare.row[i].unit, order[i].unit);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_nothing_between_a_run_and_itself),
		TEST(tells_opcodes_pairs_sizes_and_errors_apart),
		TEST(names_every_opcode_and_every_status),
		TEST(has_pairs_and_sizes_that_one_run_alone_has),
		TEST(tells_sizes_by_powers_where_one_run_has_too_many),
		TEST(does_not_judge_latencies),
		TEST(leaves_latencies_out_that_one_run_does_not_have),
		TEST(says_how_much_in_percent_of_the_first),
		TEST(orders_what_differs_most_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
