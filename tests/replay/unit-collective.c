/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

static const struct dims shapes[] = {
	{ 1, { 1 } },    { 1, { 5 } },       { 1, { 8 } },       { 2, { 4, 2 } },
	{ 2, { 2, 3 } }, { 3, { 2, 3, 2 } }, { 3, { 4, 1, 3 } }, { 4, { 2, 2, 2, 2 } },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

/* --- tests --- */

static const struct job usual[] = {
	{ .coll = COLL_ALL_REDUCE, .size = 10007 },
	{ .coll = COLL_ALL_GATHER, .size = 1009 },
	{ .coll = COLL_REDUCE_SCATTER, .size = 10007 },
	{ .coll = COLL_ALL_TO_ALL, .size = 10007 },
	{ .coll = COLL_BROADCAST, .size = 5003 },
	{ .coll = COLL_REDUCE, .size = 5003 },
	{ .coll = COLL_GATHER, .size = 503 },
	{ .coll = COLL_SCATTER, .size = 5003 },
	{ .coll = COLL_BARRIER },
	{ .coll = COLL_ALL_REDUCE, .size = 3 },
	{ .coll = COLL_ALL_REDUCE, .size = 0 },
};
#define USUAL (sizeof(usual) / sizeof(usual[0]))

static void all_collectives_on_all_shapes(void **state)
{
	static const char *const algorithms[][2] = {
		{ "ring", "ring" },       { "direct", "direct" },
		{ "direct2", "direct1" }, { "halvingDoubling", "direct" },
		{ "oneRing", "oneRing" }, { "oneHalvingDoubling", "oneDirect" },
	};
	uint32_t i, s, baseline, queues;

	(void)state;
	for (i = 0; i < 6; i++)
		for (s = 0; s < SHAPES; s++)
			for (baseline = 0; baseline < 2; baseline++)
				for (queues = 1; queues < 4; queues++) {
					struct trial *trial = calloc(1, sizeof(*trial));

					set_algorithms(&trial->system, algorithms[i][0],
						       algorithms[i][1]);
					trial->system.splits = 1 + i % 4;
					trial->system.local_bw_aware = !baseline;
					trial->system.active_chunks = queues;
					trial->settings.queues_per_dim = queues;
					trial->settings.verify = true;
					trial_init(trial, shapes[s], i * 100 + s, 1);
					all_do(trial, usual, USUAL);
					trial_release(trial);
					free(trial);
				}
}

static void trees_on_one_dimension(void **state)
{
	uint32_t n, splits;

	(void)state;
	for (n = 1; n <= 17; n++)
		for (splits = 1; splits < 4; splits++) {
			struct trial *trial = calloc(1, sizeof(*trial));

			set_algorithms(&trial->system, "doubleBinaryTree", "ring");
			trial->system.splits = splits;
			trial->settings.verify = true;
			trial_init(trial, (struct dims){ 1, { n } }, n, 3000);
			give(trial, 0, usual, 1);
			all_do(trial, usual, 1);
			trial_release(trial);
			free(trial);
		}
}

/* A total of SIZE for each rank but its own share, of a ring. */
static void no_byte_is_lost_or_added(void **state)
{
	static const struct job job = { .coll = COLL_ALL_REDUCE, .size = 1000003 };
	uint32_t splits, i;

	(void)state;
	for (splits = 1; splits <= 4; splits += 3) {
		struct trial *trial = calloc(1, sizeof(*trial));
		uint64_t sent = 0;

		set_algorithms(&trial->system, "ring", "ring");
		trial->system.splits = splits;
		trial->settings.verify = true;
		trial_init(trial, (struct dims){ 1, { 5 } }, 1, 100);
		all_do(trial, &job, 1);
		for (i = 0; i < 5; i++)
			sent += trial->ranks[i].sent;
		assert_int_equal(sent, 2 * 4 * 1000003);
		trial_release(trial);
		free(trial);
	}
}

static void shards_and_totals(void **state)
{
	static const struct job job = { .coll = COLL_ALL_GATHER, .size = 1003 };
	uint32_t i, total;

	(void)state;
	for (total = 0; total < 2; total++) {
		struct trial *trial = calloc(1, sizeof(*trial));
		uint64_t sent = 0;

		set_algorithms(&trial->system, "ring", "ring");
		trial->system.splits = 3;
		trial->settings.verify = true;
		trial->settings.allgather = total ? ALLGATHER_TOTAL : ALLGATHER_SHARD;
		trial_init(trial, (struct dims){ 2, { 3, 2 } }, 1, 100);
		all_do(trial, &job, 1);
		for (i = 0; i < 6; i++)
			sent += trial->ranks[i].sent;
		assert_int_equal(sent, (total ? 1 : 6) * 5 * 1003);
		assert_int_equal(trial->ranks[0].collective.total, (total ? 1 : 6) * 1003);
		trial_release(trial);
		free(trial);
	}
}

/* Messages take between 1 and 100,000 ns; more chunks than slots, three dimensions. */
static void skew_does_not_block(void **state)
{
	static const char *const algorithms[] = { "ring", "direct", "halvingDoubling", "direct1" };
	static const struct job jobs[] = { { .coll = COLL_ALL_REDUCE, .size = 4099 },
					   { .coll = COLL_ALL_TO_ALL, .size = 4099 },
					   { .coll = COLL_ALL_GATHER, .size = 401 },
					   { .coll = COLL_REDUCE_SCATTER, .size = 4099 } };
	uint32_t i, seed, active;

	(void)state;
	for (i = 0; i < 4; i++)
		for (active = 1; active < 4; active++)
			for (seed = 0; seed < 10; seed++) {
				struct trial *trial = calloc(1, sizeof(*trial));

				set_algorithms(&trial->system, algorithms[i], "ring");
				trial->system.splits = 7;
				trial->system.active_chunks = active;
				trial->settings.verify = true;
				trial->settings.queues_per_dim = 1 + seed % 3;
				trial_init(trial, (struct dims){ 3, { 2, 3, 2 } }, seed, 100000);
				all_do(trial, jobs, 4);
				trial_release(trial);
				free(trial);
			}
}

static int64_t finish(bool compat, uint32_t splits, uint32_t active)
{
	static const struct job job = { .coll = COLL_ALL_REDUCE, .size = 1 << 18 };
	struct trial *trial = calloc(1, sizeof(*trial));
	int64_t time = 0;
	uint32_t i;

	set_algorithms(&trial->system, "ring", "ring");
	trial->system.splits = splits;
	trial->system.active_chunks = active;
	trial->settings.compat = compat;
	trial_init(trial, (struct dims){ 3, { 4, 2, 4 } }, 1, 1);
	all_do(trial, &job, 1);
	for (i = 0; i < trial->wires.size; i++)
		if (trial->ranks[i].finished > time)
			time = trial->ranks[i].finished;
	trial_release(trial);
	free(trial);
	return time;
}

/* The order that cannot block takes no longer than what comes first where nothing is late. */
static void order_of_chunks_costs_nothing(void **state)
{
	uint32_t splits, active;

	(void)state;
	for (splits = 1; splits <= 16; splits *= 2)
		for (active = 1; active <= 8; active *= 2)
			assert_true(finish(false, splits, active) <= finish(true, splits, active));
}

/* As ASTRA-sim's, but on a clock that is not virtual: contents of each message are checked. */
static void compat_with_skew_on_a_real_clock(void **state)
{
	static const struct loop_clock clock = { tick_now, tick_rest, NULL };
	static const struct job jobs[] = { { .coll = COLL_ALL_REDUCE, .size = 4099 },
					   { .coll = COLL_ALL_GATHER, .size = 401 },
					   { .coll = COLL_ALL_TO_ALL, .size = 4099 } };
	uint32_t seed;

	(void)state;
	for (seed = 0; seed < 5; seed++) {
		struct trial *trial = calloc(1, sizeof(*trial));

		set_algorithms(&trial->system, "ring", "direct");
		trial->system.splits = 7;
		trial->settings.verify = trial->settings.compat = true;
		trial_init(trial, (struct dims){ 3, { 2, 3, 2 } }, seed, 100000);
		collectives_of(trial, &clock);
		all_do(trial, jobs, 3);
		trial_release(trial);
		free(trial);
	}
}

static struct loop *counted;
static uint32_t left;

static void count_down(struct collective *collective, int64_t time)
{
	assert_int_equal(collective->ended, time);
	if (--left == 0)
		loop_stop(counted);
}

/* Two all-reduces of four chunks that begin together: does the second end first? */
static bool second_is_first(enum policy policy, int32_t first, int32_t second)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	struct collective both[4][2];
	struct err err = { "" };
	bool overtakes;

	set_algorithms(&trial->system, "ring", "ring");
	trial->system.policy = policy;
	trial->system.splits = 4;
	trial->settings.compat = true;
	trial_init(trial, (struct dims){ 1, { 4 } }, 1, 1);
	counted = &trial->wires.loop;
	left = 8;
	for (uint32_t i = 0; i < 8; i++) {
		both[i / 2][i % 2] = (struct collective){ .coll = COLL_ALL_REDUCE,
							  .size = 4096,
							  .dims = UINT64_MAX,
							  .priority = i % 2 ? second : first,
							  .done = count_down };
		assert_int_equal(collectives_start(trial->ranks[i / 2].collectives,
						   &both[i / 2][i % 2], 0, &err),
				 0);
	}
	assert_int_equal(loop_run(counted, &err), 0);
	overtakes = both[0][1].ended < both[0][0].ended;
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(both[i][1].ended < both[i][0].ended, overtakes);
	trial_release(trial);
	free(trial);
	return overtakes;
}

static void policies_order_collectives(void **state)
{
	(void)state;
	assert_true(second_is_first(POLICY_LIFO, 5, 0));
	assert_false(second_is_first(POLICY_FIFO, 0, 5));
	assert_true(second_is_first(POLICY_EXPLICIT, 1, 2));
	assert_false(second_is_first(POLICY_EXPLICIT, 2, 1));
	assert_false(second_is_first(POLICY_EXPLICIT, -7, -7));
}

/* Sizes and times that no counter can hold are refused, whatever they are multiplied by. */
static void what_is_too_large(void **state)
{
	static const struct {
		enum coll coll;
		uint64_t size;
		double scale, injection, memory_bw;
		const char *why;
	} rows[] = {
		{ COLL_ALL_REDUCE, UINT64_C(1) << 62, .why = "4611686018427387904 bytes are too" },
		{ COLL_ALL_GATHER, UINT64_C(1) << 61, .why = "bytes are too many for 4 ranks" },
		{ COLL_ALL_REDUCE, 1 << 20, 1e17, .why = "bytes are too many for 4 ranks" },
		{ COLL_ALL_REDUCE, 1 << 20, 0, 1e12,
		  .why = "an endpoint-delay of 10000000000000 ns" },
		{ COLL_REDUCE_SCATTER, 1 << 20, .memory_bw = 1e-9,
		  .why = "local-mem-bw is too small for 1048576 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct trial *trial = calloc(1, sizeof(*trial));
		struct collective collective = { .coll = rows[i].coll,
						 .size = rows[i].size,
						 .dims = UINT64_MAX };
		struct collectives *none = NULL;
		struct err err = { "" };

		set_algorithms(&trial->system, "ring", "ring");
		trial_init(trial, (struct dims){ 1, { 4 } }, 1, 1);
		trial->settings.size_scale = rows[i].scale;
		trial->settings.injection_scale = rows[i].injection;
		if (rows[i].memory_bw > 0)
			trial->system.memory_bw = rows[i].memory_bw;
		if (collectives_create(&none, &trial->wires.ends[0].net, &trial->settings, &err) ==
		    0)
			assert_int_equal(collectives_start(none, &collective, 0, &err), -1);
		if (!strstr(err.text, rows[i].why))
			fail_msg("'%s' is not in '%s'", rows[i].why, err.text);
		collectives_destroy(none);
		trial_release(trial);
		free(trial);
	}
}

/* Bytes beyond those asked for, as ASTRA-sim sends them. */
static void compat_chunks(void **state)
{
	static const struct {
		uint32_t splits;
		uint64_t size, sent, total;
	} rows[] = {
		{ 1, 1000003, 8 * 200000, 1000003 },
		{ 4, 1000003, 5 * 8 * 50000, 1000003 },
		{ 1, 3, 8 * 1, 5 },
		{ 4, 10, 4 * 8 * 1, 20 },
	};
	uint32_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job job = { .coll = COLL_ALL_REDUCE, .size = rows[i].size };
		struct trial *trial = calloc(1, sizeof(*trial));

		set_algorithms(&trial->system, "ring", "ring");
		trial->system.splits = rows[i].splits;
		trial->settings.compat = true;
		trial_init(trial, (struct dims){ 1, { 5 } }, 1, 1);
		all_do(trial, &job, 1);
		assert_int_equal(trial->ranks[2].sent, rows[i].sent);
		assert_int_equal(trial->ranks[2].collective.total, rows[i].total);
		trial_release(trial);
		free(trial);
	}
}

static void groups_with_programs_of_their_own(void **state)
{
	static uint32_t low[] = { 0, 1, 2, 3 }, high[] = { 7, 4, 6, 5 }, across[] = { 1, 6 };
	static const struct group groups[] = { { 1, low, 4 },
					       { 2, high, 4 },
					       { 3000000000, across, 2 } };
	static const struct job of_low[] = {
		{ .coll = COLL_ALL_REDUCE, .size = 1003, .group = &groups[0] },
		{ .coll = COLL_BROADCAST, .size = 77, .group = &groups[0], .root = 2 },
		{ .coll = COLL_ALL_REDUCE, .size = 2003 }
	};
	static const struct job of_high[] = {
		{ .coll = COLL_ALL_TO_ALL, .size = 999, .group = &groups[1] },
		{ .coll = COLL_ALL_REDUCE, .size = 2003 }
	};
	static const struct job of_across[2][5] = {
		{ { .coll = COLL_ALL_GATHER, .size = 55, .group = &groups[2] },
		  { .coll = COLL_ALL_REDUCE, .size = 1003, .group = &groups[0] },
		  { .coll = COLL_BROADCAST, .size = 77, .group = &groups[0], .root = 2 },
		  { .coll = COLL_ALL_REDUCE, .size = 31, .group = &groups[2] },
		  { .coll = COLL_ALL_REDUCE, .size = 2003 } },
		{ { .coll = COLL_ALL_GATHER, .size = 55, .group = &groups[2] },
		  { .coll = COLL_ALL_TO_ALL, .size = 999, .group = &groups[1] },
		  { .coll = COLL_ALL_REDUCE, .size = 31, .group = &groups[2] },
		  { .coll = COLL_ALL_REDUCE, .size = 2003 } },
	};
	struct trial *trial = calloc(1, sizeof(*trial));
	uint32_t i;

	(void)state;
	set_algorithms(&trial->system, "ring", "direct");
	trial->system.splits = 3;
	trial->settings.verify = true;
	trial_init(trial, (struct dims){ 2, { 4, 2 } }, 9, 5000);
	for (i = 0; i < 8; i++)
		give(trial, i, i < 4 ? of_low : of_high, i < 4 ? 3 : 2);
	give(trial, 1, of_across[0], 5);
	give(trial, 6, of_across[1], 4);
	trial_run(trial);
	trial_release(trial);
	free(trial);
}

static void only_the_dimensions_involved(void **state)
{
	static const struct job jobs[] = {
		{ .coll = COLL_ALL_REDUCE, .size = 1200, .dims = 2 },
		{ .coll = COLL_ALL_TO_ALL, .size = 1200, .dims = 5 },
		{ .coll = COLL_BROADCAST, .size = 1200, .dims = 5, .root = 3 },
		{ .coll = COLL_REDUCE, .size = 1200, .dims = 4, .root = 11 }
	};
	struct trial *trial = calloc(1, sizeof(*trial));

	(void)state;
	set_algorithms(&trial->system, "ring", "ring");
	trial->settings.verify = true;
	trial_init(trial, (struct dims){ 3, { 2, 3, 2 } }, 3, 500);
	all_do(trial, jobs, 1);
	/* 2 * (3 - 1) / 3 * 1200, with places in the second dimension only. */
	assert_int_equal(trial->ranks[0].sent, 1600);
	assert_int_equal(trial->wires.ends[0].net.counts[2].tx_bytes, 1600);
	trial_release(trial);
	trial_init(trial, (struct dims){ 3, { 2, 3, 2 } }, 3, 500);
	all_do(trial, jobs, 4);
	assert_int_equal(trial->wires.ends[0].net.counts[2].tx_bytes, 1600);
	trial_release(trial);
	free(trial);
}

static void all_to_all_with_own_sizes(void **state)
{
	enum { N = 6 };
	int64_t sizes[N][N];
	struct job jobs[N];
	struct trial *trial = calloc(1, sizeof(*trial));
	uint32_t i, j;

	(void)state;
	set_algorithms(&trial->system, "ring", "ring");
	trial->system.splits = 2;
	trial->settings.verify = true;
	trial_init(trial, (struct dims){ 2, { 3, 2 } }, 3, 500);
	for (i = 0; i < N; i++) {
		for (j = 0; j < N; j++)
			sizes[i][j] = (i * 31 + j * 17) % 5 * 111 + (i == j);
		jobs[i] = (struct job){ .coll = COLL_ALL_TO_ALL, .sizes = sizes[i] };
		give(trial, i, &jobs[i], 1);
	}
	trial_run(trial);
	for (i = 0; i < N; i++)
		for (j = 0; j < N; j++)
			if (i != j)
				assert_int_equal(trial->wires.ends[i].net.counts[j].tx_bytes,
						 sizes[i][j]);
	trial_release(trial);
	free(trial);
}

/* One byte that changes on its way is seen, by somebody at least. */
static void damage_is_seen(void **state)
{
	static const struct job jobs[] = {
		{ .coll = COLL_ALL_REDUCE, .size = 1007 },
		{ .coll = COLL_ALL_GATHER, .size = 101 },
		{ .coll = COLL_REDUCE_SCATTER, .size = 1007 },
		{ .coll = COLL_ALL_TO_ALL, .size = 1007 },
		{ .coll = COLL_BROADCAST, .size = 503 },
		{ .coll = COLL_REDUCE, .size = 503 },
		{ .coll = COLL_GATHER, .size = 50 },
		{ .coll = COLL_SCATTER, .size = 503 },
	};
	uint32_t j, i, compat;
	struct err err;

	(void)state;
	for (compat = 0; compat < 2; compat++)
		for (j = 0; j < (compat ? 4 : 8); j++) {
			struct trial *trial = calloc(1, sizeof(*trial));
			uint64_t wrong = 0;

			set_algorithms(&trial->system, "ring", "ring");
			trial->settings.verify = true;
			trial->settings.compat = compat;
			trial_init(trial, (struct dims){ 1, { 5 } }, 1, 10);
			trial->wires.damaged = 3;
			for (i = 0; i < 5; i++) {
				give(trial, i, &jobs[j], 1);
				trial->busy++;
				next_job(&trial->ranks[i], 0);
			}
			assert_int_equal(loop_run(&trial->wires.loop, &err), 0);
			for (i = 0; i < 5; i++)
				wrong += collectives_wrong(trial->ranks[i].collectives, &err);
			assert_true(wrong > 0);
			assert_non_null(strstr(err.text, coll_name(jobs[j].coll)));
			trial_release(trial);
			free(trial);
		}
}

/* --- errors --- */

static void what_cannot_be(void **state)
{
	static const struct job wrong = { .coll = COLL_ALL_TO_ALL, .size = 100 };
	static uint32_t ranks[] = { 1, 2 };
	static const struct group others = { 5, ranks, 2 };
	struct trial *trial = calloc(1, sizeof(*trial));
	struct collectives *none;
	struct err err;

	(void)state;
	set_algorithms(&trial->system, "ring", "halvingDoubling");
	trial_init(trial, (struct dims){ 1, { 4 } }, 1, 10);
	trial->ranks[0].collective.size = wrong.size;
	trial->ranks[0].collective.coll = wrong.coll;
	trial->ranks[0].collective.dims = UINT64_MAX;
	assert_int_equal(collectives_start(trial->ranks[0].collectives, &trial->ranks[0].collective,
					   0, &err),
			 -1);
	assert_string_equal(err.text, "halvingDoubling cannot do all-to-all");
	trial->ranks[0].collective.group = &others;
	assert_int_equal(collectives_start(trial->ranks[0].collectives, &trial->ranks[0].collective,
					   0, &err),
			 -1);
	assert_string_equal(err.text, "rank 0 is not in group 5");
	trial->dims.size[0] = 5;
	assert_int_equal(
		collectives_create(&none, &trial->wires.ends[0].net, &trial->settings, &err), -1);
	assert_string_equal(err.text, "the logical topology is of 5 ranks, but there are 4");
	trial->dims.size[0] = 4;
	trial->system.splits = 0;
	assert_int_equal(
		collectives_create(&none, &trial->wires.ends[0].net, &trial->settings, &err), -1);
	trial_release(trial);
	free(trial);
}

/* The message from one rank to another that nobody received. */
static void take_back(struct wires *wires, uint32_t from, uint32_t to)
{
	struct net_message receive = { .peer = from, .size = NET_ANY };
	struct match_arrival *arrival;
	struct err err;

	assert_int_equal(match_receive(&wires->ends[to].match, &receive, &arrival, to, &err), 0);
	assert_non_null(arrival);
	free(arrival);
}

/* Chunks that are left behind are freed. */
static void may_be_destroyed_while_it_runs(void **state)
{
	struct trial *trial = calloc(1, sizeof(*trial));
	struct err err;
	char why[256];

	(void)state;
	set_algorithms(&trial->system, "ring", "ring");
	trial->settings.verify = true;
	trial->system.splits = 4;
	trial_init(trial, (struct dims){ 1, { 2 } }, 1, 10);
	give(trial, 0, usual, 1);
	next_job(&trial->ranks[0], 0);
	assert_int_equal(loop_run(&trial->wires.loop, &err), 0);
	assert_non_null(trial->ranks[0].collective.work);
	/* A quarter of 10007 bytes, half of it comes first. */
	collective_describe(&trial->ranks[0].collective, why, sizeof(why));
	assert_string_equal(why,
			    "chunk 1 of 4 in phase 1 of 1 waits for rank 1, tag 0, 1250 bytes");
	collectives_destroy(trial->ranks[0].collectives);
	collectives_destroy(trial->ranks[1].collectives);
	take_back(&trial->wires, 0, 1);
	match_release(&trial->wires.ends[0].match); /* with receives that wait */
	match_init(&trial->wires.ends[0].match);
	wires_release(&trial->wires);
	free(trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_collectives_on_all_shapes),
		cmocka_unit_test(trees_on_one_dimension),
		cmocka_unit_test(no_byte_is_lost_or_added),
		cmocka_unit_test(shards_and_totals),
		cmocka_unit_test(skew_does_not_block),
		cmocka_unit_test(order_of_chunks_costs_nothing),
		cmocka_unit_test(compat_with_skew_on_a_real_clock),
		cmocka_unit_test(policies_order_collectives),
		cmocka_unit_test(what_is_too_large),
		cmocka_unit_test(compat_chunks),
		cmocka_unit_test(groups_with_programs_of_their_own),
		cmocka_unit_test(only_the_dimensions_involved),
		cmocka_unit_test(all_to_all_with_own_sizes),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(what_cannot_be),
		cmocka_unit_test(may_be_destroyed_while_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
