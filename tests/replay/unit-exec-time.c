/* SPDX-License-Identifier: Apache-2.0 */
/* One rank against the plainest simulation of its rules, on time and always late. */
#include "exec-trial.h"

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

/* Nodes without traffic, parents before them in a random order of places. */
static uint32_t make_random(struct made *nodes, uint64_t parents[][TRIAL_NODES], uint64_t seed)
{
	static const uint32_t types[] = { ET_COMP,     ET_COMP,     ET_COMP,      ET_COMP,
					  ET_MEM_LOAD, ET_METADATA, ET_MEM_STORE, ET_COMM_COLL };
	uint32_t count = 1 + draw(&seed, TRIAL_NODES), order[TRIAL_NODES];

	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count; i > 1; i--) {
		uint32_t j = draw(&seed, i), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
	for (uint32_t k = 0; k < count; k++) {
		struct made *node = &nodes[order[k]];

		*node = (struct made){ .id = 10 + 3 * order[k],
				       .type = types[draw(&seed, 8)],
				       .us = draw(&seed, 4),
				       .cpu = draw(&seed, 2) };
		node->cpu |= node->type == ET_COMM_COLL;
		if (node->type == ET_MEM_LOAD || node->type == ET_MEM_STORE) {
			node->has = ET_HAS_TENSOR;
			node->tensor = draw(&seed, 40000);
		}
		node->parent = parents[order[k]];
		for (uint32_t p = k ? draw(&seed, 4) : 0; p; p--)
			parents[order[k]][node->parents++] = 10 + 3 * order[draw(&seed, k)];
	}
	return count;
}

/* The rules once more, as plainly as possible. */
struct plain {
	const struct made *nodes;
	uint32_t count;
	struct times times;
	enum { WAITS, RUNS, OVER } state[TRIAL_NODES];
	uint32_t begun[TRIAL_NODES], begins; /* order in which they began */
	bool merged;
};

static int plain_lane(const struct plain *plain, const struct made *node)
{
	if (node->type == ET_METADATA)
		return 3;
	if (node->type == ET_COMP || node->type == ET_COMM_COLL)
		return node->cpu ? 0 : 1;
	return plain->merged ? 1 : 2;
}

static int64_t plain_duration(const struct made *node)
{
	if (node->type == ET_METADATA)
		return 0;
	if (node->has & ET_HAS_TENSOR)
		return 100 + (int64_t)(node->tensor / 8);
	return node->us ? (int64_t)node->us * 1000 : 1;
}

static bool plain_may_run(const struct plain *plain, uint32_t i)
{
	if (plain->state[i] != WAITS)
		return false;
	for (uint32_t p = 0; p < plain->nodes[i].parents; p++)
		if (plain->state[(plain->nodes[i].parent[p] - 10) / 3] != OVER)
			return false;
	for (uint32_t j = 0; j < plain->count; j++)
		if (plain->state[j] == RUNS && plain_lane(plain, &plain->nodes[j]) < 3 &&
		    plain_lane(plain, &plain->nodes[j]) == plain_lane(plain, &plain->nodes[i]))
			return false;
	return true;
}

/* Begin what may, from the smallest id on, again after each that takes no time. */
static void plain_begin(struct plain *plain, int64_t now)
{
	for (uint32_t i = 0; i < plain->count; i++) {
		if (!plain_may_run(plain, i))
			continue;
		plain->times.start[i] = now;
		plain->times.end[i] = now + plain_duration(&plain->nodes[i]);
		plain->begun[i] = plain->begins++;
		plain->state[i] = plain->nodes[i].type == ET_METADATA ? OVER : RUNS;
		i = UINT32_MAX; /* from the first on */
	}
}

/* The one that ends next: of the same time that which began first. */
static int plain_next(const struct plain *plain)
{
	int next = -1;

	for (uint32_t i = 0; i < plain->count; i++) {
		if (plain->state[i] != RUNS)
			continue;
		if (next < 0 || plain->times.end[i] < plain->times.end[next] ||
		    (plain->times.end[i] == plain->times.end[next] &&
		     plain->begun[i] < plain->begun[next]))
			next = (int)i;
	}
	return next;
}

static void plain_run(struct plain *plain)
{
	int next;

	plain_begin(plain, 0);
	while ((next = plain_next(plain)) >= 0) {
		plain->state[next] = OVER;
		plain_begin(plain, plain->times.end[next]);
	}
}

static void compare_with_plain(uint64_t seed, bool merged, const struct loop_clock *clock)
{
	static struct made nodes[TRIAL_NODES];
	static uint64_t parents[TRIAL_NODES][TRIAL_NODES];
	static struct plain plain;
	static struct times times;
	struct trial trial;

	plain = (struct plain){ .nodes = nodes, .merged = merged };
	plain.count = make_random(nodes, parents, seed);
	plain_run(&plain);
	trial_init(&trial, 1, clock);
	load(&trial, 0, nodes, plain.count);
	times = (struct times){ .loop = &trial.world.loop };
	trial.world.settings.merged_lanes = merged;
	trial.world.settings.ended = note_times;
	trial.world.settings.arg = &times;
	run(&trial);
	assert_int_equal(times.ended, plain.count);
	for (uint32_t i = 0; i < plain.count; i++)
		if (times.start[i] != plain.times.start[i] || times.end[i] != plain.times.end[i])
			fail_msg("seed %llu node %u: %lld..%lld, not %lld..%lld",
				 (unsigned long long)seed, i, (long long)times.start[i],
				 (long long)times.end[i], (long long)plain.times.start[i],
				 (long long)plain.times.end[i]);
	trial_release(&trial);
}

static void does_what_a_plain_simulation_does(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		compare_with_plain(seed, seed % 3 == 0, NULL);
}

/* The same modelled times to the ns, though each timer goes off 100 us late. */
static void lateness_changes_no_modelled_time(void **state)
{
	struct slow slow = { .now = 777, .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++)
		compare_with_plain(seed, seed % 3 == 0, &clock);
}

static void lateness_does_not_add_up(void **state)
{
	struct slow slow = { .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };
	struct made nodes[100];
	uint64_t parents[100];
	struct trial trial;

	(void)state;
	trial_init(&trial, 1, &clock);
	for (uint64_t i = 0; i < 100; i++) {
		parents[i] = i;
		nodes[i] = (struct made){ .id = i + 1,
					  .type = ET_COMP,
					  .us = 1000,
					  .parents = i > 0,
					  .parent = &parents[i] };
	}
	load(&trial, 0, nodes, 100);
	run(&trial);
	assert_int_equal(finish_of(&trial, 0), 100000000);
	assert_true(loop_now(&trial.world.loop) >= 100000000);
	assert_true(loop_now(&trial.world.loop) < 100000000 + 2 * slow.late);
	assert_true(trial.world.loop.late.max >= 30000);
	trial_release(&trial);
}

/* Traffic ends when it came; what comes behind it counts from there, again without
 * lateness.
 */
static void behind_traffic_time_counts_from_when_it_came(void **state)
{
	static const uint64_t one[] = { 1 }, two[] = { 2 }, three[] = { 3 };
	static const struct made nodes[] = {
		{ .id = 1, .type = ET_COMP, .us = 1000 },
		{ .id = 2,
		  .type = ET_COMM_SEND,
		  .has = ET_HAS_SIZE | ET_HAS_TARGET,
		  .size = 1 << 20,
		  .target = 0,
		  .parents = 1,
		  .parent = one },
		{ .id = 3, .type = ET_COMP, .us = 1000, .parents = 1, .parent = two },
		{ .id = 4, .type = ET_COMP, .us = 1000, .parents = 1, .parent = three },
		{ .id = 5,
		  .type = ET_COMM_RECV,
		  .has = ET_HAS_SIZE | ET_HAS_SOURCE,
		  .size = 1 << 20,
		  .source = 0 },
	};
	struct slow slow = { .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };
	struct times times = { 0 };
	struct trial trial;

	(void)state;
	trial_init(&trial, 1, &clock);
	load(&trial, 0, nodes, 5);
	times.loop = &trial.world.loop;
	trial.world.settings.ended = note_times;
	trial.world.settings.arg = &times;
	run(&trial);
	assert_int_equal(times.end[0], 1000000);
	assert_true(times.end[1] > 1000000 + 30000); /* begun late */
	assert_int_equal(times.end[2], times.end[1] + 1000000);
	assert_int_equal(times.end[3], times.end[1] + 2000000);
	assert_true(times.end[4] >= times.end[1]);
	assert_true(times.end[4] <= times.end[1] + slow.late);
	trial_release(&trial);
}

/* A message that is noticed late, but before a timer that should have gone off meanwhile: what
 * waits for both counts from the message.
 */
static void the_last_of_those_waited_for_counts_not_the_last_noticed(void **state)
{
	static const uint64_t both[] = { 2, 3 };
	static const struct made send = { .id = 1,
					  .type = ET_COMM_SEND,
					  .has = ET_HAS_SIZE | ET_HAS_TARGET,
					  .size = 16 << 20,
					  .target = 1 };
	static const struct made nodes[] = {
		{ .id = 1, .type = ET_METADATA },
		{ .id = 2,
		  .type = ET_COMM_RECV,
		  .has = ET_HAS_SIZE | ET_HAS_SOURCE,
		  .size = 16 << 20,
		  .source = 0 },
		{ .id = 3, .type = ET_COMP, .cpu = true, .us = 330 },
		{ .id = 4, .type = ET_COMP, .us = 1000, .parents = 2, .parent = both },
	};
	struct slow slow = { .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };
	struct times times = { 0 };
	struct trial trial;

	(void)state;
	trial_init(&trial, 2, &clock);
	load(&trial, 0, &send, 1);
	load(&trial, 1, nodes, 4);
	times.loop = &trial.world.loop;
	trial.world.settings.ended = note_times;
	trial.world.settings.arg = &times;
	run(&trial);
	assert_int_equal(times.end[2], 330000);
	assert_true(times.end[1] > 330000); /* it was there after 313 us */
	assert_int_equal(times.start[3], times.end[1]);
	trial_release(&trial);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_a_plain_simulation_does),
		cmocka_unit_test(lateness_changes_no_modelled_time),
		cmocka_unit_test(lateness_does_not_add_up),
		cmocka_unit_test(behind_traffic_time_counts_from_when_it_came),
		cmocka_unit_test(the_last_of_those_waited_for_counts_not_the_last_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
