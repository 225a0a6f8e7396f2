/* SPDX-License-Identifier: Apache-2.0 */
/* stretch.c - run times that follow the network
 *
 * A job runs for its compute part, then its traffic drains: one flow for each
 * pair of hosts, over the path that it has.  What a job that is stopped had not
 * sent yet it sends after it goes on, each flow the same share of it.
 */
#include "engine.h"
#include "fluid.h"

#include <inttypes.h>
#include <stdlib.h>

struct stretch_job {
	struct fluid_transfer transfer; /* first */
	struct live *live;
	int64_t compute; /* ns, to go at the last start */
	double left;     /* share of the traffic, to go at the last start */
	bool drains;
};

struct stretch {
	struct fluid *fluid;
	struct evq_node tick; /* when the next flow ends */
};

/* --- flows --- */

static double sum_bytes(const struct fluid_flow *flows, uint32_t count)
{
	double sum = 0;

	for (uint32_t i = 0; i < count; i++)
		if (flows[i].nlinks)
			sum += flows[i].bytes;
	return sum;
}

/* The flows of LIVE with SHARE of its bytes, to be freed; NULL without memory. */
static struct fluid_flow *flows_of(const struct live *live, double share, uint32_t *count)
{
	const struct live_paths *paths = live->paths;
	struct fluid_flow *flows = calloc((paths ? paths->npairs : 0) + 1, sizeof(*flows));

	*count = flows && paths ? (uint32_t)paths->npairs : 0;
	for (uint32_t i = 0; i < *count; i++) {
		const size_t *start = &paths->routed.start[i];

		flows[i].path = paths->routed.path + start[0];
		flows[i].nlinks = (uint32_t)(start[1] - start[0]);
		flows[i].bytes = (double)paths->pairs[i].bytes * share;
	}
	return flows;
}

/* What is not sent yet, as a share of all. */
static double share_left(const struct stretch_job *job)
{
	double left = fluid_left(&job->transfer), all;
	uint32_t count;
	struct fluid_flow *flows = flows_of(job->live, 1, &count);

	all = flows ? sum_bytes(flows, count) : 0;
	free(flows);
	return all > 0 ? left / all : 0;
}

/* --- a job --- */

/* The next flow that ends may be another one now. */
static int set_tick(struct stretch *stretch, struct sim *sim)
{
	int64_t next = fluid_next(stretch->fluid);

	evq_remove(&sim->evq, &stretch->tick);
	if (next == NETEMU_NEVER)
		return 0;
	return evq_add(&sim->evq, &stretch->tick, next, CLASS_TICK);
}

/* Its first start: how its run time is made up. */
static int take_apart(struct live *live, const struct topology *topology)
{
	struct stretch_job *job = calloc(1, sizeof(*job));
	uint32_t count;
	struct fluid_flow *flows = flows_of(live, 1, &count);
	int64_t drain = job && flows ? fluid_alone(topology, flows, count) : -1;

	free(flows);
	if (drain < 0) {
		free(job);
		return -1;
	}
	job->live = live;
	job->left = 1;
	job->compute = live->what->compute;
	if (job->compute == NETEMU_NEVER)
		job->compute = live->what->duration - drain;
	if (job->compute < 0)
		job->compute = 0;
	live->result->drain = drain;
	live->stretch = job;
	return 0;
}

static int stretch_start(void *arg, struct sim *sim, struct live *live, struct err *err)
{
	(void)arg;
	if (live->paths && live->paths->split)
		return err_set(err,
			       "routing '%s' splits flows: run times that follow the network need "
			       "one path for each pair",
			       sim->settings->routing);
	if (!live->stretch && take_apart(live, sim->settings->topology) < 0)
		return err_set(err, "job %" PRIu64 ": no memory", live->job.id);
	live->stretch->drains = false;
	return sim_move_end(sim, live, sim_later(sim->cluster.now, live->stretch->compute));
}

/* The compute part is over. */
static int stretch_due(void *arg, struct sim *sim, struct live *live, bool *over, struct err *err)
{
	struct stretch *stretch = arg;
	struct stretch_job *job = live->stretch;
	uint32_t count;
	struct fluid_flow *flows = flows_of(live, job->left, &count);
	int rc = -1;

	job->drains = true;
	job->compute = 0;
	if (flows)
		rc = fluid_begin(stretch->fluid, &job->transfer, flows, count, sim->cluster.now);
	free(flows);
	if (rc < 0 || set_tick(stretch, sim) < 0)
		return err_set(err, "job %" PRIu64 ": no memory", live->job.id);
	*over = job->transfer.end != NETEMU_NEVER;
	return 0;
}

static int stretch_leave(void *arg, struct sim *sim, struct live *live, bool stopped,
			 struct err *err)
{
	struct stretch *stretch = arg;
	struct stretch_job *job = live->stretch;

	if (job->drains) {
		fluid_advance(stretch->fluid, sim->cluster.now);
		job->left = stopped ? share_left(job) : 0;
		fluid_cancel(stretch->fluid, &job->transfer, sim->cluster.now);
	} else {
		job->compute -= sim->cluster.now - live->job.start;
	}
	if (set_tick(stretch, sim) < 0)
		return err_set(err, "job %" PRIu64 ": no memory", live->job.id);
	if (!stopped) {
		live->stretch = NULL;
		free(job);
	}
	return 0;
}

static int stretch_tick(void *arg, struct sim *sim, struct err *err)
{
	struct stretch *stretch = arg;
	struct fluid_transfer *transfer;

	fluid_advance(stretch->fluid, sim->cluster.now);
	while ((transfer = fluid_ended(stretch->fluid)))
		if (cluster_end(sim, ((struct stretch_job *)transfer)->live, err) < 0)
			return -1;
	return set_tick(stretch, sim) < 0 ? err_set(err, "no memory") : 0;
}

static void stretch_destroy(void *arg)
{
	struct stretch *stretch = arg;

	fluid_destroy(stretch->fluid);
	free(stretch);
}

void stretch_drop(struct live *live)
{
	struct stretch_job *job = live->stretch;

	if (!job)
		return;
	fluid_transfer_release(&job->transfer);
	free(job);
	live->stretch = NULL;
}

int stretch_init(struct sim *sim, struct err *err)
{
	struct stretch *stretch = calloc(1, sizeof(*stretch));

	if (!stretch)
		return err_errno(err, "unable to simulate");
	if (fluid_create(&stretch->fluid, sim->settings->topology, err) < 0) {
		free(stretch);
		return -1;
	}
	sim->pace = (struct pace){
		.start = stretch_start,
		.due = stretch_due,
		.tick = stretch_tick,
		.leave = stretch_leave,
		.destroy = stretch_destroy,
		.arg = stretch,
	};
	return 0;
}
