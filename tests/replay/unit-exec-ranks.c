/* SPDX-License-Identifier: Apache-2.0 */
/* Several ranks together. */
#include "exec-trial.h"

static void a_pipeline_takes_what_astra_sim_says(void **state)
{
	static const int64_t finish[] = { 25031, 50062, 75093, 80093 };
	static const uint64_t one[] = { 1 }, two[] = { 2 };
	struct trial trial;

	(void)state;
	trial_init(&trial, 4, NULL);
	for (uint32_t r = 0; r < 4; r++) {
		struct made nodes[3];
		size_t count = 0;

		if (r > 0)
			nodes[count++] =
				(struct made){ .id = 1,
					       .type = ET_COMM_RECV,
					       .has = ET_HAS_SIZE | ET_HAS_SOURCE | ET_HAS_TAG,
					       .size = 1 << 20,
					       .source = r - 1,
					       .tag = r - 1 };
		nodes[count++] = (struct made){
			.id = 2, .type = ET_COMP, .us = 5, .parents = r > 0, .parent = one
		};
		if (r < 3)
			nodes[count++] =
				(struct made){ .id = 3,
					       .type = ET_COMM_SEND,
					       .has = ET_HAS_SIZE | ET_HAS_TARGET | ET_HAS_TAG,
					       .size = 1 << 20,
					       .target = r + 1,
					       .tag = r,
					       .parents = 1,
					       .parent = two };
		load(&trial, r, nodes, count);
	}
	run(&trial);
	for (uint32_t r = 0; r < 4; r++)
		assert_int_equal(finish_of(&trial, r), finish[r]);
	trial_release(&trial);
}

/* A computation of 3 us, then two all-reduces and another computation beside them. */
static void load_overlap(struct trial *trial)
{
	static const uint64_t zero[] = { 0 };
	static const struct made nodes[] = {
		{ .id = 0, .type = ET_COMP, .us = 3 },
		{ .id = 1,
		  .type = ET_COMM_COLL,
		  .has = ET_HAS_COMM | ET_HAS_SIZE,
		  .comm = ET_ALL_REDUCE,
		  .size = 1 << 20,
		  .parents = 1,
		  .parent = zero },
		{ .id = 2,
		  .type = ET_COMM_COLL,
		  .has = ET_HAS_COMM | ET_HAS_SIZE,
		  .comm = ET_ALL_REDUCE,
		  .size = 1 << 20,
		  .parents = 1,
		  .parent = zero },
		{ .id = 3, .type = ET_COMP, .us = 20, .parents = 1, .parent = zero },
	};

	for (uint32_t r = 0; r < trial->world.size; r++)
		load(trial, r, nodes, 4);
}

static void computation_and_collectives_overlap(void **state)
{
	struct exec_result result;
	struct trial trial;

	(void)state;
	for (int merged = 0; merged < 2; merged++) {
		trial_init(&trial, 4, NULL);
		load_overlap(&trial);
		trial.world.settings.merged_lanes = merged;
		run(&trial);
		for (uint32_t r = 0; r < 4; r++) {
			result = result_of(&trial, r);
			assert_int_equal(result.finish, merged ? 90658 : 70658);
			assert_int_equal(result.nodes, 4);
			assert_int_equal(result.busy[LANE_COMP], merged ? 90658 : 23000);
			assert_int_equal(result.busy[LANE_COMM], merged ? 0 : 67658);
		}
		trial_release(&trial);
	}
}

static void iterations_follow_each_other_and_warm_up_does_not_count(void **state)
{
	struct exec_result result;
	struct trial trial;

	(void)state;
	trial_init(&trial, 4, NULL);
	load_overlap(&trial);
	trial.world.settings.iterations = 3;
	trial.world.settings.warmup = 2;
	run(&trial);
	for (uint32_t r = 0; r < 4; r++) {
		result = result_of(&trial, r);
		assert_int_equal(result.finish, 3 * 70658);
		assert_int_equal(result.nodes, 12);
		assert_int_equal(result.busy[LANE_COMP], 3 * 23000);
	}
	assert_int_equal(loop_now(&trial.world.loop), 5 * 70658);
	trial_release(&trial);
}

/* Ranks 0 and 2 in one group, 1 and 3 in the other, as the trace itself says; it also names
 * one of ranks that are not there.
 */
static void groups_of_the_trace_are_used(void **state)
{
	static const uint64_t zero[] = { 0 };
	static const char *const used[] = { "2", "red", "9" };
	struct trial trial;

	(void)state;
	for (int beyond = 0; beyond < 2; beyond++) {
		trial_init(&trial, 4, NULL);
		for (uint32_t r = 0; r < 4; r++) {
			const struct made nodes[] = {
				{ .id = 0,
				  .type = ET_METADATA,
				  .values = "['[{\"pg_name\": \"2\", \"ranks\": [0, 2]}, "
					    "{\"pg_name\": \"red\", \"ranks\": [1, 3]}, "
					    "{\"pg_name\": \"9\", \"ranks\": [0, 99]}]']" },
				{ .id = 1,
				  .type = ET_COMM_COLL,
				  .has = ET_HAS_COMM | ET_HAS_SIZE,
				  .comm = ET_ALL_REDUCE,
				  .size = 1000,
				  .group = used[beyond ? 2 : r % 2],
				  .parents = 1,
				  .parent = zero },
			};

			load(&trial, r, nodes, 2);
		}
		if (beyond) {
			assert_int_equal(trial_run(&trial), -1);
			assert_non_null(strstr(trial.world.err.text,
					       "node 1 'made' (COMM_COLL): its "
					       "group is not known or has ranks "
					       "that are not there"));
		} else {
			run(&trial);
			for (uint32_t r = 0; r < 4; r++)
				for (uint32_t peer = 0; peer < 4; peer++)
					assert_int_equal(model_net(trial.world.model, r)
								 ->counts[peer]
								 .tx_bytes,
							 peer == (r ^ 2) ? 1000 : 0);
		}
		trial_release(&trial);
	}
}

static void ranks_that_share_a_memory_take_turns(void **state)
{
	static const struct made node = {
		.id = 5, .type = ET_MEM_STORE, .has = ET_HAS_TENSOR, .tensor = 800
	};
	struct trial trial;

	(void)state;
	trial_init(&trial, 3, NULL);
	trial.remote.kind = REMOTE_POOL;
	for (uint32_t r = 0; r < 3; r++)
		load(&trial, r, &node, 1);
	run(&trial);
	for (uint32_t r = 0; r < 3; r++)
		assert_int_equal(finish_of(&trial, r), 200 * (r + 1));
	trial_release(&trial);
}

static void who_waits_is_described(void **state)
{
	static const struct made receive = { .id = 9,
					     .type = ET_COMM_RECV,
					     .has = ET_HAS_SIZE | ET_HAS_SOURCE | ET_HAS_TAG,
					     .size = 64,
					     .source = 1,
					     .tag = 3 };
	static const struct made nothing = { .id = 1, .type = ET_METADATA };
	struct trial trial;
	char text[512];

	(void)state;
	trial_init(&trial, 2, NULL);
	load(&trial, 0, &receive, 1);
	load(&trial, 1, &nothing, 1);
	assert_int_equal(trial_run(&trial), 0);
	assert_int_equal(trial.world.done, 1);
	exec_waiting(trial.world.execs[0], text, sizeof(text));
	assert_string_equal(text, "node 9 'made' (COMM_RECV, of rank 1, tag 3, 64 bytes)");
	exec_waiting(trial.world.execs[1], text, sizeof(text));
	assert_string_equal(text, "");
	trial_release(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipeline_takes_what_astra_sim_says),
		cmocka_unit_test(computation_and_collectives_overlap),
		cmocka_unit_test(iterations_follow_each_other_and_warm_up_does_not_count),
		cmocka_unit_test(groups_of_the_trace_are_used),
		cmocka_unit_test(ranks_that_share_a_memory_take_turns),
		cmocka_unit_test(who_waits_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
