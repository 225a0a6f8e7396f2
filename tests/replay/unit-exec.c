/* SPDX-License-Identifier: Apache-2.0 */
/* Single nodes, and whole traces of one rank. */
#include "exec-trial.h"
#include "shared-data.h"

/* A trace of one node on one rank: its time, or -1 with trial->world.err. */
static int64_t alone(struct trial *trial, const struct made *node)
{
	load(trial, 0, node, 1);
	return trial_run(trial) < 0 ? -1 : finish_of(trial, 0);
}

/* What a node has beside its type and time. */
#define ROOFLINE(o, t) .has = ET_HAS_OPS | ET_HAS_TENSOR, .ops = (o), .tensor = (t)
#define TENSOR(t)      .has = ET_HAS_TENSOR, .tensor = (t)
#define COLL(c, s)     .has = ET_HAS_COMM | ET_HAS_SIZE, .comm = (c), .size = (s)

static const struct {
	struct made node;
	int64_t time;
	double scale;
	bool roofline, replay_only, compat;
} times_rows[] = {
	{ { .type = ET_COMP, .us = 7 }, .time = 7000 },
	{ { .type = ET_COMP, .us = 0 }, .time = 1 },
	{ { .type = ET_COMP, .us = 7 }, .time = 3500, .scale = 0.5 },
	{ { .type = ET_COMP, .us = 7, .cpu = true }, .time = 7000 },
	{ { .type = ET_COMP, .us = 7, ROOFLINE(1000000000, 1000000) },
	  .time = 1111,
	  .roofline = true },
	/* bound by memory: 16e6 / 1600 */
	{ { .type = ET_COMP, .us = 7, ROOFLINE(1000, 16000000) }, .time = 10000, .roofline = true },
	{ { .type = ET_COMP, .us = 7, ROOFLINE(1000, 0) }, .time = 0, .roofline = true },
	{ { .type = ET_COMP, .us = 7, .cpu = true }, .time = 7000, .roofline = true },
	{ { .type = ET_MEM_LOAD, .us = 7, TENSOR(8007) }, .time = 1100 },
	{ { .type = ET_METADATA, .us = 7 }, .time = 0 },
	{ { .type = ET_INVALID, .us = 7 }, .time = 0 },
	{ { .type = 10, .us = 7 }, .time = 0 },
	{ { .type = ET_METADATA, .us = 7 }, .time = 7000, .replay_only = true },
	{ { .type = ET_COMM_SEND, .us = 7 }, .time = 7000, .replay_only = true },
	{ { .type = ET_COMM_COLL, .us = 0 }, .time = 1, .replay_only = true },
	/* the CPU's side of a collective */
	{ { .type = ET_COMM_COLL, .us = 7, .cpu = true }, .time = 7000 },
	{ { .type = ET_COMM_COLL, .us = 7, COLL(ET_BROADCAST, 8) }, .time = 7000, .compat = true },
};

static void nodes_take_their_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times_rows) / sizeof(*times_rows); i++) {
		struct trial trial;
		int64_t time;

		trial_init(&trial, 1, NULL);
		trial.world.system.roofline = times_rows[i].roofline;
		trial.world.settings.replay_only = times_rows[i].replay_only;
		trial.world.settings.compat = times_rows[i].compat;
		if (times_rows[i].scale > 0)
			trial.world.settings.compute_scale = times_rows[i].scale;
		time = alone(&trial, &times_rows[i].node);
		if (time != times_rows[i].time)
			fail_msg("row %zu: %lld, not %lld (%s)", i, (long long)time,
				 (long long)times_rows[i].time,
				 time < 0 ? trial.world.err.text : "");
		trial_release(&trial);
	}
}

static const struct {
	struct made node;
	const char *what;
	bool compat;
} wrong_rows[] = {
	{ { .type = ET_COMP, .us = UINT64_MAX }, .what = "it lasts too long" },
	{ { .type = ET_COMM_SEND, COLL(5, 8) },
	  .what = "node 0 'made' (COMM_SEND): comm_dst is missing" },
	{ { .type = ET_COMM_RECV, COLL(6, 8) },
	  .what = "node 0 'made' (COMM_RECV): comm_src is missing" },
	{ { .type = ET_COMM_SEND, .has = ET_HAS_SIZE | ET_HAS_TARGET, .size = 8, .target = 1 },
	  .what = "there is no such rank" },
	{ { .type = ET_COMM_COLL }, .what = "comm_type is missing" },
	{ { .type = ET_COMM_COLL, COLL(77, 8) }, .what = "of a type that is not known" },
	{ { .type = ET_COMM_COLL, .has = ET_HAS_COMM, .comm = ET_ALL_REDUCE },
	  .what = "comm_size is missing" },
	{ { .type = ET_COMM_COLL, COLL(ET_REDUCE, 8) },
	  .what = "ASTRA-sim has no such collective",
	  .compat = true },
};

static void what_cannot_be_done_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(*wrong_rows); i++) {
		struct trial trial;

		trial_init(&trial, 1, NULL);
		trial.world.settings.compat = wrong_rows[i].compat;
		assert_int_equal(alone(&trial, &wrong_rows[i].node), -1);
		if (!strstr(trial.world.err.text, wrong_rows[i].what))
			fail_msg("'%s' is not in '%s'", wrong_rows[i].what, trial.world.err.text);
		trial_release(&trial);
	}
}

static void memory_nodes_need_a_memory(void **state)
{
	static const struct made load_node = { .id = 5, .type = ET_MEM_LOAD };
	struct trial trial;

	(void)state;
	for (int none = 0; none < 2; none++) {
		trial_init(&trial, 1, NULL);
		trial.remote.kind = REMOTE_NONE;
		if (none)
			trial.world.settings.remote = NULL;
		assert_int_equal(alone(&trial, &load_node), -1);
		assert_non_null(strstr(trial.world.err.text, "node 5 'made' (MEM_LOAD): it needs a "
							     "remote memory"));
		trial_release(&trial);
	}
}

/* --- long and real traces --- */

static void a_long_chain_of_nothing_needs_no_stack(void **state)
{
	struct bytes trace;
	struct trial trial;
	struct exec_result result;

	(void)state;
	trial_init(&trial, 1, NULL);
	made_begin(&trace);
	for (uint64_t i = 0; i < 1000000; i++) {
		uint64_t parent = i - 1;
		struct made node = {
			.id = i, .type = ET_METADATA, .parents = i > 0, .parent = &parent
		};

		made_add(&trace, &node);
	}
	assert_int_equal(made_load(&trace, &trial.graphs[0], &trial.world.err), 0);
	run(&trial);
	result = result_of(&trial, 0);
	assert_int_equal(result.nodes, 1000000);
	assert_int_equal(result.finish, 0);
	assert_true(result.resident <= 16 * 1000000);
	trial_release(&trial);
}

static void an_empty_trace_ends_at_once(void **state)
{
	struct trial trial;

	(void)state;
	trial_init(&trial, 1, NULL);
	load(&trial, 0, NULL, 0);
	run(&trial);
	assert_int_equal(finish_of(&trial, 0), 0);
	trial_release(&trial);
}

static void need_sample(char *path, size_t size)
{
	if (!shared_data(path, size, "chakra/pytorch_ddp.0.et"))
		skip();
}

static void load_sample(struct trial *trial, const char *path)
{
	static const struct graph_options options = { .deps = GRAPH_DATA };

	if (graph_load(&trial->graphs[0], path, &options, &trial->world.err) < 0)
		fail_msg("%s", trial->world.err.text);
}

static void the_sample_takes_its_known_time(void **state)
{
	struct slow slow = { .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };
	char path[4096];
	struct trial trial;

	(void)state;
	need_sample(path, sizeof(path));
	for (int late = 0; late < 2; late++) {
		trial_init(&trial, 1, late ? &clock : NULL);
		load_sample(&trial, path);
		trial.world.settings.replay_only = true;
		run(&trial);
		assert_int_equal(finish_of(&trial, 0), 297046000);
		trial_release(&trial);
	}
}

static void the_sample_begins_with_its_known_nodes(void **state)
{
	static const uint64_t ids[] = { 216, 432, 541, 619, 1634 };
	char path[4096];
	struct trial trial;
	uint32_t list[8];

	(void)state;
	need_sample(path, sizeof(path));
	trial_init(&trial, 1, NULL);
	load_sample(&trial, path);
	assert_int_equal(exec_first(&trial.graphs[0], list, 8), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(trial.graphs[0].nodes[list[i]].id, ids[i]);
	assert_int_equal(exec_first(&trial.graphs[0], list, 0), 5);
	trial_release(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_take_their_time),
		cmocka_unit_test(what_cannot_be_done_is_said),
		cmocka_unit_test(memory_nodes_need_a_memory),
		cmocka_unit_test(a_long_chain_of_nothing_needs_no_stack),
		cmocka_unit_test(an_empty_trace_ends_at_once),
		cmocka_unit_test(the_sample_takes_its_known_time),
		cmocka_unit_test(the_sample_begins_with_its_known_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
