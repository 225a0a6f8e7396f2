/* SPDX-License-Identifier: Apache-2.0 */
#include "result/ledger.h"
#include "result/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static uint32_t members[4] = { 0, 1, 2, 3 };
static const struct group four = { .id = 0, .ranks = members, .count = 4 };

static void add(struct report *report, enum coll coll, uint64_t bytes, int64_t time)
{
	const struct collective one = {
		.coll = coll,
		.group = &four,
		.total = bytes,
		.started = 100,
		.ended = 100 + time,
	};

	report_collective(report, &one);
}

static void two_parts(struct report *joined)
{
	struct err err;

	report_init(joined);
	for (uint32_t rank = 0; rank < 2; rank++) {
		struct report part;
		char *text;

		report_init(&part);
		/* rank 1 first */
		report_rank(&part, &(struct report_rank){ .rank = 1 - rank,
							  .finish = 1000 + rank,
							  .busy = { 5, 300, 700 },
							  .nodes = 9 });
		add(&part, COLL_ALL_REDUCE, 8000, 1000 * (rank + 1));
		add(&part, COLL_ALL_REDUCE, 8000, 4000);
		add(&part, COLL_BROADCAST, 10, 7);
		text = report_pack(&part);
		assert_non_null(text);
		assert_int_equal(report_unpack(joined, text, &err), 0);
		free(text);
		report_release(&part);
	}
	report_sort(joined);
}

static void parts_become_one(void **state)
{
	struct report report;

	(void)state;
	two_parts(&report);
	assert_int_equal(report.nranks, 2);
	assert_int_equal(report.ranks[0].rank, 0);
	assert_int_equal(report.ranks[0].finish, 1001);
	assert_int_equal(report.ranks[1].finish, 1000);
	assert_int_equal(report.ranks[1].busy[LANE_COMM], 700);
	assert_int_equal(report.ncollectives, 2);
	assert_int_equal(report.collectives[0].times.count, 4);
	assert_int_equal(report.collectives[1].times.count, 2);
	assert_true(times_percentile(&report.collectives[0].times, 0) == 1000);
	assert_true(times_percentile(&report.collectives[0].times, 50) == 3000);
	assert_true(times_percentile(&report.collectives[0].times, 100) == 4000);
	report_release(&report);
}

static int ascending_times(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* COUNT times in parts of three ranks: as exact as is said, in little memory. */
static void check_times(size_t count, double wrong)
{
	int64_t *all = calloc(count, sizeof(*all));
	struct times joined = { 0 }, part[3] = { { 0 } };
	double sum = 0;

	assert_non_null(all);
	for (size_t i = 0; i < count; i++) {
		all[i] = (int64_t)(i * 2654435761u % 1000003) * 1000;
		sum += (double)all[i];
		assert_int_equal(times_add(&part[i % 3], all[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		json_t *packed = times_pack(&part[i]);

		assert_int_equal(times_unpack(&joined, packed), 0);
		json_decref(packed);
		times_release(&part[i]);
	}
	times_sort(&joined);
	qsort(all, count, sizeof(*all), ascending_times);
	assert_int_equal(joined.count, count);
	assert_true(joined.room <= TIMES_FEW);
	assert_true(times_mean(&joined) == sum / (double)count);
	for (int percent = 1; percent < 100; percent++) {
		size_t below = (size_t)percent * (count - 1) / 100;
		double got = times_percentile(&joined, percent);

		assert_true(got >= (double)all[below] * (1 - wrong));
		assert_true(got <= (double)all[below + (count > 1)] * (1 + wrong));
	}
	times_release(&joined);
	free(all);
}

static void times_are_exact_while_they_are_few(void **state)
{
	(void)state;
	check_times(1, 0);
	check_times(100, 0);
	check_times(TIMES_FEW, 0);
	check_times(TIMES_FEW + 1, 1 / 256.0);
	check_times(3 * TIMES_FEW, 1 / 256.0);
	check_times(3 * TIMES_FEW + 3, 1 / 256.0);
	check_times(200000, 1 / 256.0);
}

static char *printed(void (*write)(const struct report *, FILE *), const struct report *report)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	write(report, out);
	fclose(out);
	return text;
}

static void ranks_are_printed_as_genie_does(void **state)
{
	struct report report;
	char *text;

	(void)state;
	report_init(&report);
	report_rank(&report, &(struct report_rank){ .finish = 43000, .busy = { 0, 3000, 0 } });
	/* as upstream: computation that is longer than the run wraps around */
	report_rank(&report, &(struct report_rank){ .rank = 1, .finish = 1, .busy = { 0, 2, 0 } });
	text = printed(report_write_ranks, &report);
	assert_string_equal(text, "sys[0] finished, 43000 cycles, exposed communication 40000 "
				  "cycles.\nsys[1] finished, 1 cycles, exposed communication "
				  "18446744073709551615 cycles.\n");
	free(text);
	report_release(&report);
}

/* nccl-tests' definitions by hand: 8000 bytes in 2750 ns among 4 are 2.9091 GB/s, and an
 * all-reduce moves 2 * 3 / 4 of that over the bus.
 */
static void bandwidths_are_those_of_nccl_tests(void **state)
{
	struct report report;
	char *text;

	(void)state;
	two_parts(&report);
	text = printed(report_write_table, &report);
	assert_non_null(strstr(text, "2.750        3.000        4.000      2.9091      4.3636\n"));
	free(text);
	report_release(&report);
}

static void broken_parts_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"{\"r\":[[1]]}",
		"{\"r\":[],\"p\":[[1,2,3]]}",
		"{\"r\":[],\"p\":[],\"c\":[[0,4,5]]}",
		"{\"r\":[],\"p\":[],\"c\":[],\"a\":[[],[]]}",
		"{\"r\":[],\"p\":[],\"c\":[],\"a\":[[[1,0.5,0.5,[[-1,1]]],0,0,0],[]]}",
	};
	struct report report;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		report_init(&report);
		assert_int_equal(report_unpack(&report, bad[i], &err), -1);
		report_release(&report);
	}
}

/* ---- against the trace ---- */

#define NODES 100000
#define WORST 25

static struct report_node nodes[NODES];
static double errors[NODES];

static uint64_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static int worse_first(const void *a, const void *b)
{
	const struct report_node *x = a, *y = b;
	int64_t left = llabs(x->replayed - x->recorded), right = llabs(y->replayed - y->recorded);

	if (left != right)
		return left > right ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void make_nodes(void)
{
	uint64_t seed = 7;

	for (uint32_t i = 0; i < NODES; i++) {
		int64_t recorded = (int64_t)(draw(&seed) % 1000) * 1000;

		nodes[i] = (struct report_node){
			.rank = i % 3,
			.lane = (enum lane)(draw(&seed) % 4),
			.id = i,
			.recorded = recorded,
			.replayed = recorded + (int64_t)(draw(&seed) % 100000) - 50000,
		};
	}
}

/* Three ranks' parts, as they travel. */
static void join_nodes(struct report *joined)
{
	struct err err;

	report_init(joined);
	joined->worst = WORST;
	for (uint32_t rank = 0; rank < 3; rank++) {
		struct report part;
		char *text;

		report_init(&part);
		part.worst = WORST;
		for (uint32_t i = rank; i < NODES; i += 3)
			report_node(&part, &nodes[i]);
		assert_in_range(part.rnodes, 1, 2 * WORST);
		text = report_pack(&part);
		assert_non_null(text);
		/* some KiB of a histogram, whatever there was */
		assert_in_range(strlen(text), 1, 400000);
		assert_int_equal(report_unpack(joined, text, &err), 0);
		free(text);
		report_release(&part);
	}
	report_sort(joined);
}

static double number(json_t *lane, const char *key)
{
	return json_number_value(json_object_get(lane, key));
}

static void check_lane(json_t *root, int lane)
{
	double recorded = 0, replayed = 0;
	size_t count = 0, timed = 0;

	for (uint32_t i = 0; i < NODES; i++) {
		if (lane < 4 && nodes[i].lane != (enum lane)lane)
			continue;
		count++;
		recorded += (double)nodes[i].recorded;
		replayed += (double)nodes[i].replayed;
		if (nodes[i].recorded)
			errors[timed++] = (double)llabs(nodes[i].replayed - nodes[i].recorded) /
					  (double)nodes[i].recorded;
	}
	qsort(errors, timed, sizeof(*errors), ascending);
	assert_int_equal(number(root, "nodes"), count);
	assert_true(number(root, "recorded_ns") == recorded);
	assert_true(number(root, "replayed_ns") == replayed);
	for (int i = 0; i < 3; i++) {
		static const int percents[] = { 50, 90, 99 };
		double exact = errors[(size_t)percents[i] * timed / 100], got;
		char key[16];

		snprintf(key, sizeof(key), "error_p%d", percents[i]);
		got = number(root, key);
		assert_true(got > exact * 0.99 && got < exact * 1.01);
	}
}

/* Against all of them, sorted. */
static void times_against_the_trace_take_little_memory(void **state)
{
	struct report report;
	json_t *root, *list;

	(void)state;
	make_nodes();
	join_nodes(&report);
	assert_int_equal(report.nnodes, WORST);
	root = report_against_json(&report);
	list = json_object_get(root, "lanes");
	assert_int_equal(json_array_size(list), 5);
	for (int lane = 0; lane < 5; lane++)
		check_lane(json_array_get(list, (size_t)lane), lane);
	qsort(nodes, NODES, sizeof(*nodes), worse_first);
	list = json_object_get(root, "nodes");
	assert_int_equal(json_array_size(list), WORST);
	for (size_t i = 0; i < WORST; i++) {
		const struct report_node *node = &report.nodes[i];

		assert_int_equal(llabs(node->replayed - node->recorded),
				 llabs(nodes[i].replayed - nodes[i].recorded));
		assert_int_equal(number(json_array_get(list, i), "id"), node->id);
	}
	json_decref(root);
	report_release(&report);
}

static void without_nodes_there_is_nothing_against_the_trace(void **state)
{
	struct report report;

	(void)state;
	two_parts(&report);
	assert_null(report_against_json(&report));
	report_release(&report);
}

/* ---- the ledger ---- */

static int nowhere(struct net *net, struct net_message *message, struct err *err)
{
	(void)net;
	(void)message;
	(void)err;
	return 0;
}

static void the_ledger_adds_up_and_is_read_back(void **state)
{
	static const struct net_ops ops = { .send = nowhere, .recv = nowhere };
	struct net_count counts[3] = { 0 };
	struct loop loop = { .open = 0 };
	struct net net = { .ops = &ops, .loop = &loop, .rank = 1, .size = 3, .counts = counts };
	struct net_message message = { .size = 100 };
	char directory[] = "/tmp/unit-report.XXXXXX", path[64], data[16384];
	struct rankfile file, read;
	struct ledger ledger;
	struct err err;
	FILE *stream;
	size_t size;

	(void)state;
	ledger_init(&ledger);
	ledger_follow(&ledger, &net);
	for (uint32_t i = 0; i < 30; i++) {
		message.peer = 2 - i % 3;
		message.op = i % 2 ? RANKOP_P2P : RANKOP_ALLREDUCE;
		message.size = 100 + i;
		assert_int_equal(net_send(&net, &message, &err), 0);
		if (i % 5 == 0)
			net_received(&net, &message);
	}
	assert_int_equal(loop.open, 30); /* none of them has ended */
	assert_int_equal(ledger_file(&ledger, 1, 3, 0.5, &file), 0);
	assert_non_null(mkdtemp(directory));
	assert_int_equal(rankfile_save(&file, directory, &err), 0);
	snprintf(path, sizeof(path), "%s/rank-1.json", directory);
	stream = fopen(path, "r");
	assert_non_null(stream);
	size = fread(data, 1, sizeof(data), stream);
	fclose(stream);
	unlink(path);
	rmdir(directory);
	/* the reader checks that the operations add up to the totals */
	if (rankfile_read(&read, data, size, path, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(read.peers.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(read.peers.rows[i].tx_messages, 10);
		assert_int_equal(read.peers.rows[i].tx_bytes, counts[i].tx_bytes);
		assert_int_equal(read.peers.rows[i].rx_bytes, counts[i].rx_bytes);
	}
	assert_int_equal(read.ops[RANKOP_P2P].count, 3);
	assert_int_equal(read.ops[RANKOP_ALLREDUCE].count, 3);
	assert_true(read.complete);
	rankfile_release(&read);
	rankfile_release(&file);
	ledger_release(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_become_one),
		cmocka_unit_test(times_are_exact_while_they_are_few),
		cmocka_unit_test(ranks_are_printed_as_genie_does),
		cmocka_unit_test(bandwidths_are_those_of_nccl_tests),
		cmocka_unit_test(broken_parts_are_refused),
		cmocka_unit_test(times_against_the_trace_take_little_memory),
		cmocka_unit_test(without_nodes_there_is_nothing_against_the_trace),
		cmocka_unit_test(the_ledger_adds_up_and_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
