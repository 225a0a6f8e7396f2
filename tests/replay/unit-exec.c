/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/exec.h"
#include "made-trace.h"
#include "net/model.h"
#include "shared-data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define RANKS 4

/* Ranks on a modelled network, each with a trace of its own. */
struct world {
	uint32_t size;
	struct loop loop;
	struct model_settings model_settings;
	struct model *model;
	struct system system;
	struct remote remote;
	int64_t remote_free;
	struct dims dims;
	struct groups groups;
	struct collectives_settings collectives_settings;
	struct exec_settings settings;
	struct graph graphs[RANKS];
	struct collectives *collectives[RANKS];
	struct exec *execs[RANKS];
	uint32_t done;
	struct err err;
};

static void world_init(struct world *world, uint32_t size, const struct loop_clock *clock)
{
	*world = (struct world){ .size = size, .dims = { 1, { size } } };
	loop_init(&world->loop, clock);
	world->loop.spin = 0;
	assert_int_equal(model_settings_parse(&world->model_settings,
					      "topology=Ring,bandwidth=50,latency=500", &size, 1,
					      &world->err),
			 0);
	assert_int_equal(model_create(&world->model, &world->loop, &world->model_settings, size,
				      &world->err),
			 0);
	system_init(&world->system);
	world->system.memory_bw = 1600;
	world->system.peak = 900000;
	world->remote = (struct remote){
		.kind = REMOTE_PER_NPU,
		.latency = 100,
		.bandwidth = 8,
		.free_at = &world->remote_free,
	};
	assert_int_equal(groups_init(&world->groups, size), 0);
	world->collectives_settings = (struct collectives_settings){
		.system = &world->system,
		.dims = &world->dims,
		.queues_per_dim = 1,
		.size_scale = 1,
		.injection_scale = 1,
	};
	world->settings = (struct exec_settings){
		.system = &world->system,
		.remote = &world->remote,
		.groups = &world->groups,
		.compute_scale = 1,
		.size_scale = 1,
	};
}

static void count_done(void *arg)
{
	struct world *world = arg;

	if (++world->done == world->size)
		loop_stop(&world->loop);
}

/* Of the graphs that are set, from time 0 to the end: 0, or -1 with world->err. */
static int world_run(struct world *world)
{
	for (uint32_t i = 0; i < world->size; i++) {
		struct net *net = model_net(world->model, i);

		if (collectives_create(&world->collectives[i], net, &world->collectives_settings,
				       &world->err) < 0 ||
		    exec_create(&world->execs[i], &world->graphs[i], &world->settings, net,
				world->collectives[i], &world->err) < 0)
			return -1;
	}
	loop_start(&world->loop);
	for (uint32_t i = 0; i < world->size; i++)
		if (exec_start(world->execs[i], count_done, world, &world->err) < 0)
			return -1;
	if (world->done == world->size)
		return 0;
	return loop_run(&world->loop, &world->err);
}

static void world_release(struct world *world)
{
	for (uint32_t i = 0; i < world->size; i++) {
		exec_destroy(world->execs[i]);
		collectives_destroy(world->collectives[i]);
		graph_release(&world->graphs[i]);
	}
	model_destroy(world->model);
	model_settings_release(&world->model_settings);
	groups_release(&world->groups);
	system_release(&world->system);
	loop_release(&world->loop);
}

static void run(struct world *world)
{
	if (world_run(world) < 0)
		fail_msg("%s", world->err.text);
	assert_int_equal(world->done, world->size);
}

static int64_t finish_of(const struct world *world, uint32_t rank)
{
	struct exec_result result;

	exec_result(world->execs[rank], &result);
	return result.finish;
}

static void load(struct world *world, uint32_t rank, const struct made *nodes, size_t count)
{
	struct bytes trace;

	made_begin(&trace);
	for (size_t i = 0; i < count; i++)
		made_add(&trace, &nodes[i]);
	if (made_load(&trace, &world->graphs[rank], &world->err) < 0)
		fail_msg("%s", world->err.text);
}

/* --- one rank against a plain simulation --- */

#define NODES 200

struct times {
	int64_t start[NODES], end[NODES];
	uint32_t ended;
	const struct loop *loop;
};

static void note_times(void *arg, uint32_t node, enum lane lane, int64_t start, int64_t end,
		       const struct collective *collective)
{
	struct times *times = arg;

	(void)lane;
	(void)collective;
	assert_true(end <= loop_now(times->loop)); /* never early */
	times->start[node] = start;
	times->end[node] = end;
	times->ended++;
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((*seed >> 33) % below);
}

/* Nodes without traffic, parents before them in a random order of places. */
static uint32_t make_random(struct made *nodes, uint64_t parents[][NODES], uint64_t seed)
{
	static const uint32_t types[] = { ET_COMP,     ET_COMP,     ET_COMP,      ET_COMP,
					  ET_MEM_LOAD, ET_METADATA, ET_MEM_STORE, ET_COMM_COLL };
	uint32_t count = 1 + draw(&seed, NODES), order[NODES];

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
	enum { WAITS, RUNS, OVER } state[NODES];
	uint32_t begun[NODES], begins; /* order in which they began */
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

/* A clock that goes on a little when it is looked at, and comes back late from a rest. */
struct slow {
	int64_t now, late;
};

static int64_t slow_now(void *arg)
{
	struct slow *slow = arg;

	return slow->now += 50;
}

static void slow_rest(void *arg, int64_t ns)
{
	struct slow *slow = arg;

	slow->now += ns + slow->late;
}

static void compare_with_plain(uint64_t seed, bool merged, const struct loop_clock *clock)
{
	static struct made nodes[NODES];
	static uint64_t parents[NODES][NODES];
	static struct plain plain;
	static struct times times;
	struct world world;

	plain = (struct plain){ .nodes = nodes, .merged = merged };
	plain.count = make_random(nodes, parents, seed);
	plain_run(&plain);
	world_init(&world, 1, clock);
	load(&world, 0, nodes, plain.count);
	times = (struct times){ .loop = &world.loop };
	world.settings.merged_lanes = merged;
	world.settings.ended = note_times;
	world.settings.arg = &times;
	run(&world);
	assert_int_equal(times.ended, plain.count);
	for (uint32_t i = 0; i < plain.count; i++)
		if (times.start[i] != plain.times.start[i] || times.end[i] != plain.times.end[i])
			fail_msg("seed %llu node %u: %lld..%lld, not %lld..%lld",
				 (unsigned long long)seed, i, (long long)times.start[i],
				 (long long)times.end[i], (long long)plain.times.start[i],
				 (long long)plain.times.end[i]);
	world_release(&world);
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
	struct world world;

	(void)state;
	world_init(&world, 1, &clock);
	for (uint64_t i = 0; i < 100; i++) {
		parents[i] = i;
		nodes[i] = (struct made){ .id = i + 1,
					  .type = ET_COMP,
					  .us = 1000,
					  .parents = i > 0,
					  .parent = &parents[i] };
	}
	load(&world, 0, nodes, 100);
	run(&world);
	assert_int_equal(finish_of(&world, 0), 100000000);
	assert_true(loop_now(&world.loop) >= 100000000);
	assert_true(loop_now(&world.loop) < 100000000 + 2 * slow.late);
	assert_true(world.loop.late.max >= 30000);
	world_release(&world);
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
	struct world world;

	(void)state;
	world_init(&world, 1, &clock);
	load(&world, 0, nodes, 5);
	times.loop = &world.loop;
	world.settings.ended = note_times;
	world.settings.arg = &times;
	run(&world);
	assert_int_equal(times.end[0], 1000000);
	assert_true(times.end[1] > 1000000 + 30000); /* begun late */
	assert_int_equal(times.end[2], times.end[1] + 1000000);
	assert_int_equal(times.end[3], times.end[1] + 2000000);
	assert_true(times.end[4] >= times.end[1]);
	assert_true(times.end[4] <= times.end[1] + slow.late);
	world_release(&world);
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
	struct world world;

	(void)state;
	world_init(&world, 2, &clock);
	load(&world, 0, &send, 1);
	load(&world, 1, nodes, 4);
	times.loop = &world.loop;
	world.settings.ended = note_times;
	world.settings.arg = &times;
	run(&world);
	assert_int_equal(times.end[2], 330000);
	assert_true(times.end[1] > 330000); /* it was there after 313 us */
	assert_int_equal(times.start[3], times.end[1]);
	world_release(&world);
}

/* --- several ranks --- */

static void a_pipeline_takes_what_astra_sim_says(void **state)
{
	static const int64_t finish[] = { 25031, 50062, 75093, 80093 };
	static const uint64_t one[] = { 1 }, two[] = { 2 };
	struct world world;

	(void)state;
	world_init(&world, 4, NULL);
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
		load(&world, r, nodes, count);
	}
	run(&world);
	for (uint32_t r = 0; r < 4; r++)
		assert_int_equal(finish_of(&world, r), finish[r]);
	world_release(&world);
}

/* A computation of 3 us, then two all-reduces and another computation beside them. */
static void load_overlap(struct world *world)
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

	for (uint32_t r = 0; r < world->size; r++)
		load(world, r, nodes, 4);
}

static void computation_and_collectives_overlap(void **state)
{
	struct exec_result result;
	struct world world;

	(void)state;
	for (int merged = 0; merged < 2; merged++) {
		world_init(&world, 4, NULL);
		load_overlap(&world);
		world.settings.merged_lanes = merged;
		run(&world);
		for (uint32_t r = 0; r < 4; r++) {
			exec_result(world.execs[r], &result);
			assert_int_equal(result.finish, merged ? 90658 : 70658);
			assert_int_equal(result.nodes, 4);
			assert_int_equal(result.busy[LANE_COMP], merged ? 90658 : 23000);
			assert_int_equal(result.busy[LANE_COMM], merged ? 0 : 67658);
		}
		world_release(&world);
	}
}

static void iterations_follow_each_other_and_warm_up_does_not_count(void **state)
{
	struct exec_result result;
	struct world world;

	(void)state;
	world_init(&world, 4, NULL);
	load_overlap(&world);
	world.settings.iterations = 3;
	world.settings.warmup = 2;
	run(&world);
	for (uint32_t r = 0; r < 4; r++) {
		exec_result(world.execs[r], &result);
		assert_int_equal(result.finish, 3 * 70658);
		assert_int_equal(result.nodes, 12);
		assert_int_equal(result.busy[LANE_COMP], 3 * 23000);
	}
	assert_int_equal(loop_now(&world.loop), 5 * 70658);
	world_release(&world);
}

/* Ranks 0 and 2 in one group, 1 and 3 in the other, as the trace itself says; it also names
 * one of ranks that are not there.
 */
static void groups_of_the_trace_are_used(void **state)
{
	static const uint64_t zero[] = { 0 };
	static const char *const used[] = { "2", "red", "9" };
	struct world world;

	(void)state;
	for (int beyond = 0; beyond < 2; beyond++) {
		world_init(&world, 4, NULL);
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

			load(&world, r, nodes, 2);
		}
		if (beyond) {
			assert_int_equal(world_run(&world), -1);
			assert_non_null(strstr(world.err.text, "node 1 'made' (COMM_COLL): its "
							       "group is not known or has ranks "
							       "that are not there"));
		} else {
			run(&world);
			for (uint32_t r = 0; r < 4; r++)
				for (uint32_t peer = 0; peer < 4; peer++)
					assert_int_equal(
						model_net(world.model, r)->counts[peer].tx_bytes,
						peer == (r ^ 2) ? 1000 : 0);
		}
		world_release(&world);
	}
}

/* --- single nodes --- */

/* A trace of one node on one rank: its time, or -1 with world->err. */
static int64_t alone(struct world *world, const struct made *node)
{
	load(world, 0, node, 1);
	return world_run(world) < 0 ? -1 : finish_of(world, 0);
}

static void nodes_take_their_time(void **state)
{
	static const struct {
		struct made node;
		bool roofline, replay_only, compat;
		double scale;
		int64_t time;
	} rows[] = {
		{ { .type = ET_COMP, .us = 7 }, .time = 7000 },
		{ { .type = ET_COMP, .us = 0 }, .time = 1 },
		{ { .type = ET_COMP, .us = 7 }, .scale = 0.5, .time = 3500 },
		{ { .type = ET_COMP, .us = 7, .cpu = true }, .time = 7000 },
		{ { .type = ET_COMP,
		    .has = ET_HAS_OPS | ET_HAS_TENSOR,
		    .us = 7,
		    .ops = 1000000000,
		    .tensor = 1000000 },
		  .roofline = true,
		  .time = 1111 },
		/* bound by memory: 16e6 / 1600 */
		{ { .type = ET_COMP,
		    .has = ET_HAS_OPS | ET_HAS_TENSOR,
		    .us = 7,
		    .ops = 1000,
		    .tensor = 16000000 },
		  .roofline = true,
		  .time = 10000 },
		{ { .type = ET_COMP,
		    .has = ET_HAS_OPS | ET_HAS_TENSOR,
		    .us = 7,
		    .ops = 1000,
		    .tensor = 0 },
		  .roofline = true,
		  .time = 0 },
		{ { .type = ET_COMP, .us = 7, .cpu = true }, .roofline = true, .time = 7000 },
		{ { .type = ET_MEM_LOAD, .has = ET_HAS_TENSOR, .us = 7, .tensor = 8007 },
		  .time = 1100 },
		{ { .type = ET_METADATA, .us = 7 }, .time = 0 },
		{ { .type = ET_INVALID, .us = 7 }, .time = 0 },
		{ { .type = 10, .us = 7 }, .time = 0 },
		{ { .type = ET_METADATA, .us = 7 }, .replay_only = true, .time = 7000 },
		{ { .type = ET_COMM_SEND, .us = 7 }, .replay_only = true, .time = 7000 },
		{ { .type = ET_COMM_COLL, .us = 0 }, .replay_only = true, .time = 1 },
		/* the CPU's side of a collective */
		{ { .type = ET_COMM_COLL, .us = 7, .cpu = true }, .time = 7000 },
		{ { .type = ET_COMM_COLL,
		    .has = ET_HAS_COMM | ET_HAS_SIZE,
		    .us = 7,
		    .comm = ET_BROADCAST,
		    .size = 8 },
		  .compat = true,
		  .time = 7000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world world;
		int64_t time;

		world_init(&world, 1, NULL);
		world.system.roofline = rows[i].roofline;
		world.settings.replay_only = rows[i].replay_only;
		world.settings.compat = rows[i].compat;
		if (rows[i].scale > 0)
			world.settings.compute_scale = rows[i].scale;
		time = alone(&world, &rows[i].node);
		if (time != rows[i].time)
			fail_msg("row %zu: %lld, not %lld (%s)", i, (long long)time,
				 (long long)rows[i].time, time < 0 ? world.err.text : "");
		world_release(&world);
	}
}

static void what_cannot_be_done_is_said(void **state)
{
	static const struct {
		struct made node;
		bool compat;
		const char *what;
	} rows[] = {
		{ { .id = 5, .type = ET_COMP, .us = UINT64_MAX }, .what = "it lasts too long" },
		{ { .id = 5,
		    .type = ET_COMM_SEND,
		    .has = ET_HAS_COMM | ET_HAS_SIZE,
		    .size = 8,
		    .comm = 5 },
		  .what = "node 5 'made' (COMM_SEND): comm_dst is missing" },
		{ { .id = 5,
		    .type = ET_COMM_RECV,
		    .has = ET_HAS_COMM | ET_HAS_SIZE,
		    .size = 8,
		    .comm = 6 },
		  .what = "node 5 'made' (COMM_RECV): comm_src is missing" },
		{ { .id = 5,
		    .type = ET_COMM_SEND,
		    .has = ET_HAS_SIZE | ET_HAS_TARGET,
		    .size = 8,
		    .target = 1 },
		  .what = "there is no such rank" },
		{ { .id = 5, .type = ET_COMM_COLL }, .what = "comm_type is missing" },
		{ { .id = 5,
		    .type = ET_COMM_COLL,
		    .has = ET_HAS_COMM | ET_HAS_SIZE,
		    .size = 8,
		    .comm = 77 },
		  .what = "of a type that is not known" },
		{ { .id = 5, .type = ET_COMM_COLL, .has = ET_HAS_COMM, .comm = ET_ALL_REDUCE },
		  .what = "comm_size is missing" },
		{ { .id = 5,
		    .type = ET_COMM_COLL,
		    .has = ET_HAS_COMM | ET_HAS_SIZE,
		    .size = 8,
		    .comm = ET_REDUCE },
		  .compat = true,
		  .what = "ASTRA-sim has no such collective" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world world;

		world_init(&world, 1, NULL);
		world.settings.compat = rows[i].compat;
		assert_int_equal(alone(&world, &rows[i].node), -1);
		if (!strstr(world.err.text, rows[i].what))
			fail_msg("'%s' is not in '%s'", rows[i].what, world.err.text);
		world_release(&world);
	}
}

static void memory_nodes_need_a_memory(void **state)
{
	static const struct made load_node = { .id = 5, .type = ET_MEM_LOAD };
	struct world world;

	(void)state;
	for (int none = 0; none < 2; none++) {
		world_init(&world, 1, NULL);
		world.remote.kind = REMOTE_NONE;
		if (none)
			world.settings.remote = NULL;
		assert_int_equal(alone(&world, &load_node), -1);
		assert_non_null(strstr(world.err.text, "node 5 'made' (MEM_LOAD): it needs a "
						       "remote memory"));
		world_release(&world);
	}
}

static void ranks_that_share_a_memory_take_turns(void **state)
{
	static const struct made node = {
		.id = 5, .type = ET_MEM_STORE, .has = ET_HAS_TENSOR, .tensor = 800
	};
	struct world world;

	(void)state;
	world_init(&world, 3, NULL);
	world.remote.kind = REMOTE_POOL;
	for (uint32_t r = 0; r < 3; r++)
		load(&world, r, &node, 1);
	run(&world);
	for (uint32_t r = 0; r < 3; r++)
		assert_int_equal(finish_of(&world, r), 200 * (r + 1));
	world_release(&world);
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
	struct world world;
	char text[512];

	(void)state;
	world_init(&world, 2, NULL);
	load(&world, 0, &receive, 1);
	load(&world, 1, &nothing, 1);
	assert_int_equal(world_run(&world), 0);
	assert_int_equal(world.done, 1);
	exec_waiting(world.execs[0], text, sizeof(text));
	assert_string_equal(text, "node 9 'made' (COMM_RECV, of rank 1, tag 3, 64 bytes)");
	exec_waiting(world.execs[1], text, sizeof(text));
	assert_string_equal(text, "");
	world_release(&world);
}

/* --- long and real traces --- */

static void a_long_chain_of_nothing_needs_no_stack(void **state)
{
	struct bytes trace;
	struct world world;
	struct exec_result result;

	(void)state;
	world_init(&world, 1, NULL);
	made_begin(&trace);
	for (uint64_t i = 0; i < 1000000; i++) {
		uint64_t parent = i - 1;
		struct made node = {
			.id = i, .type = ET_METADATA, .parents = i > 0, .parent = &parent
		};

		made_add(&trace, &node);
	}
	assert_int_equal(made_load(&trace, &world.graphs[0], &world.err), 0);
	run(&world);
	exec_result(world.execs[0], &result);
	assert_int_equal(result.nodes, 1000000);
	assert_int_equal(result.finish, 0);
	assert_true(result.resident <= 16 * 1000000);
	world_release(&world);
}

static void an_empty_trace_ends_at_once(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	load(&world, 0, NULL, 0);
	run(&world);
	assert_int_equal(finish_of(&world, 0), 0);
	world_release(&world);
}

static void need_sample(char *path, size_t size)
{
	if (!shared_data(path, size, "chakra/pytorch_ddp.0.et"))
		skip();
}

static void load_sample(struct world *world, const char *path)
{
	static const struct graph_options options = { .deps = GRAPH_DATA };

	if (graph_load(&world->graphs[0], path, &options, &world->err) < 0)
		fail_msg("%s", world->err.text);
}

static void the_sample_takes_its_known_time(void **state)
{
	struct slow slow = { .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };
	char path[4096];
	struct world world;

	(void)state;
	need_sample(path, sizeof(path));
	for (int late = 0; late < 2; late++) {
		world_init(&world, 1, late ? &clock : NULL);
		load_sample(&world, path);
		world.settings.replay_only = true;
		run(&world);
		assert_int_equal(finish_of(&world, 0), 297046000);
		world_release(&world);
	}
}

static void the_sample_begins_with_its_known_nodes(void **state)
{
	static const uint64_t ids[] = { 216, 432, 541, 619, 1634 };
	char path[4096];
	struct world world;
	uint32_t list[8];

	(void)state;
	need_sample(path, sizeof(path));
	world_init(&world, 1, NULL);
	load_sample(&world, path);
	assert_int_equal(exec_first(&world.graphs[0], list, 8), 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(world.graphs[0].nodes[list[i]].id, ids[i]);
	assert_int_equal(exec_first(&world.graphs[0], list, 0), 5);
	world_release(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_a_plain_simulation_does),
		cmocka_unit_test(lateness_changes_no_modelled_time),
		cmocka_unit_test(lateness_does_not_add_up),
		cmocka_unit_test(behind_traffic_time_counts_from_when_it_came),
		cmocka_unit_test(the_last_of_those_waited_for_counts_not_the_last_noticed),
		cmocka_unit_test(a_pipeline_takes_what_astra_sim_says),
		cmocka_unit_test(computation_and_collectives_overlap),
		cmocka_unit_test(iterations_follow_each_other_and_warm_up_does_not_count),
		cmocka_unit_test(groups_of_the_trace_are_used),
		cmocka_unit_test(nodes_take_their_time),
		cmocka_unit_test(what_cannot_be_done_is_said),
		cmocka_unit_test(memory_nodes_need_a_memory),
		cmocka_unit_test(ranks_that_share_a_memory_take_turns),
		cmocka_unit_test(who_waits_is_described),
		cmocka_unit_test(a_long_chain_of_nothing_needs_no_stack),
		cmocka_unit_test(an_empty_trace_ends_at_once),
		cmocka_unit_test(the_sample_takes_its_known_time),
		cmocka_unit_test(the_sample_begins_with_its_known_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
