/* SPDX-License-Identifier: Apache-2.0 */

/* Ranks on a modelled network that go through traces: for the tests of the executor, which
 * give each rank a trace of its own, and for its benchmark, where all have the same.
 */
#ifndef TEST_EXEC_WORLD_H
#define TEST_EXEC_WORLD_H

#include "exec/exec.h"
#include "net/model.h"

#include <stdlib.h>

struct world {
	uint32_t size;
	struct loop loop;
	struct model_settings model_settings;
	struct model *model;
	struct system system;
	struct dims dims;
	struct groups groups;
	struct collectives_settings collectives_settings;
	struct exec_settings settings;
	struct collectives **collectives; /* [size], owned */
	struct exec **execs;              /* [size], owned */
	uint32_t done;
	struct err err;
};

static inline void world_settings(struct world *world)
{
	system_init(&world->system);
	world->collectives_settings = (struct collectives_settings){
		.system = &world->system,
		.dims = &world->dims,
		.queues_per_dim = 1,
		.size_scale = 1,
		.injection_scale = 1,
	};
	world->settings = (struct exec_settings){
		.system = &world->system,
		.groups = &world->groups,
		.compute_scale = 1,
		.size_scale = 1,
	};
}

/* SIZE ranks on MODEL, in the time of CLOCK or, NULL, a virtual one.  Returns 0, or -1 with
 * world->err.
 */
static inline int world_create(struct world *world, const char *model, uint32_t size,
			       const struct loop_clock *clock)
{
	*world = (struct world){ .size = size, .dims = { 1, { size } } };
	loop_init(&world->loop, clock);
	world_settings(world);
	world->collectives = calloc(size, sizeof(*world->collectives));
	world->execs = calloc(size, sizeof(*world->execs));
	if (!world->collectives || !world->execs || groups_init(&world->groups, size) < 0)
		return err_set(&world->err, "no room for %u ranks", size);
	if (model_settings_parse(&world->model_settings, model, &size, 1, &world->err) < 0)
		return -1;
	return model_create(&world->model, &world->loop, &world->model_settings, size, &world->err);
}

/* RANK has GRAPH to go through.  Returns 0, or -1 with world->err. */
static inline int world_rank(struct world *world, uint32_t rank, const struct graph *graph)
{
	struct net *net = model_net(world->model, rank);

	if (collectives_create(&world->collectives[rank], net, &world->collectives_settings,
			       &world->err) < 0)
		return -1;
	return exec_create(&world->execs[rank], graph, &world->settings, net,
			   world->collectives[rank], &world->err);
}

static inline void world_count_done(void *arg)
{
	struct world *world = arg;

	if (++world->done == world->size)
		loop_stop(&world->loop);
}

/* From time 0 to the end.  Returns 0, or -1 with world->err. */
static inline int world_go(struct world *world)
{
	loop_start(&world->loop);
	for (uint32_t i = 0; i < world->size; i++)
		if (exec_start(world->execs[i], world_count_done, world, &world->err) < 0)
			return -1;
	return world->done == world->size ? 0 : loop_run(&world->loop, &world->err);
}

static inline void world_release(struct world *world)
{
	for (uint32_t i = 0; i < world->size; i++) {
		exec_destroy(world->execs[i]);
		collectives_destroy(world->collectives[i]);
	}
	free(world->execs);
	free(world->collectives);
	model_destroy(world->model);
	model_settings_release(&world->model_settings);
	groups_release(&world->groups);
	system_release(&world->system);
	loop_release(&world->loop);
}

#endif
