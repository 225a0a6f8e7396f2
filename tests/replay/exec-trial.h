/* SPDX-License-Identifier: Apache-2.0 */

/* A few ranks with traces of their own, and what is asked of them afterwards; what cannot be
 * fails the test.
 */
#ifndef TEST_EXEC_TRIAL_H
#define TEST_EXEC_TRIAL_H

#include "exec-world.h"
#include "made-trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TRIAL_RANKS 4
#define TRIAL_NODES 200

struct trial {
	struct world world; /* first */
	struct remote remote;
	int64_t remote_free;
	struct graph graphs[TRIAL_RANKS];
};

static inline void trial_init(struct trial *trial, uint32_t size, const struct loop_clock *clock)
{
	struct world *world = &trial->world;

	*trial = (struct trial){ 0 };
	if (world_create(world, "topology=Ring,bandwidth=50,latency=500", size, clock) < 0)
		fail_msg("%s", world->err.text);
	world->loop.spin = 0;
	world->system.memory_bw = 1600;
	world->system.peak = 900000;
	trial->remote = (struct remote){
		.kind = REMOTE_PER_NPU,
		.latency = 100,
		.bandwidth = 8,
		.free_at = &trial->remote_free,
	};
	world->settings.remote = &trial->remote;
}

/* From time 0 to the end of the graphs that are set: 0, or -1 with err. */
static inline int trial_run(struct trial *trial)
{
	for (uint32_t i = 0; i < trial->world.size; i++)
		if (world_rank(&trial->world, i, &trial->graphs[i]) < 0)
			return -1;
	return world_go(&trial->world);
}

static inline void trial_release(struct trial *trial)
{
	uint32_t size = trial->world.size;

	world_release(&trial->world);
	for (uint32_t i = 0; i < size; i++)
		graph_release(&trial->graphs[i]);
}

static inline void run(struct trial *trial)
{
	if (trial_run(trial) < 0)
		fail_msg("%s", trial->world.err.text);
	assert_int_equal(trial->world.done, trial->world.size);
}

static inline struct exec_result result_of(const struct trial *trial, uint32_t rank)
{
	struct exec_result result;

	exec_result(trial->world.execs[rank], &result);
	return result;
}

static inline int64_t finish_of(const struct trial *trial, uint32_t rank)
{
	return result_of(trial, rank).finish;
}

static inline void load(struct trial *trial, uint32_t rank, const struct made *nodes, size_t count)
{
	struct bytes trace;

	made_begin(&trace);
	for (size_t i = 0; i < count; i++)
		made_add(&trace, &nodes[i]);
	if (made_load(&trace, &trial->graphs[rank], &trial->world.err) < 0)
		fail_msg("%s", trial->world.err.text);
}

/* --- when nodes began and ended --- */

struct times {
	int64_t start[TRIAL_NODES], end[TRIAL_NODES];
	uint32_t ended;
	struct loop *loop;
};

static inline void note_times(void *arg, uint32_t node, enum lane lane, int64_t start, int64_t end,
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

/* --- time that is late --- */

/* A clock that goes on a little when it is looked at, and comes back late from a rest. */
struct slow {
	int64_t now, late;
};

static inline int64_t slow_now(void *arg)
{
	struct slow *slow = arg;

	return slow->now += 50;
}

static inline void slow_rest(void *arg, int64_t ns)
{
	struct slow *slow = arg;

	slow->now += ns + slow->late;
}

#endif
