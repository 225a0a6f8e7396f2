/* SPDX-License-Identifier: Apache-2.0 */
/* run.c - the events of a PFSim run */
#include "config.h"

#include "pfsim/world.h"

#include "stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum event { STARTED, SUBMITTED, JOB_STARTED, JOB_FINISHED };

static int out_of_memory(struct err *err)
{
	return err_set(err, "out of memory");
}

static int push(struct pfsim_world *world, double time, enum event kind, uint32_t job,
		struct err *err)
{
	/* PFSim takes a time of 0 for "now". */
	if (time == 0)
		time = world->now;
	return pfsim_heap_push(&world->heap, time, kind, job) < 0 ? out_of_memory(err) : 0;
}

static int make_room(struct pfsim_world *world)
{
	uint32_t room = world->room ? 2 * world->room : 256;
	struct pfsim_job *jobs;
	uint32_t *queue;

	if (world->njobs < world->room)
		return 0;
	jobs = reallocarray(world->jobs, room, sizeof(*jobs));
	if (!jobs)
		return -1;
	world->jobs = jobs;
	queue = reallocarray(world->queue, room, sizeof(*queue));
	if (!queue)
		return -1;
	world->queue = queue;
	world->room = room;
	return 0;
}

/* Draw the next job of GENERATOR and when it comes. */
static int generate(struct pfsim_world *world, uint32_t generator, struct err *err)
{
	const struct pfsim_jobs *jobs = &world->scenario->jobs[generator];
	struct pfsim_job *job;
	double time = jobs->submit;

	if (make_room(world) < 0)
		return out_of_memory(err);
	job = &world->jobs[world->njobs];
	*job = (struct pfsim_job){ .generator = generator, .duration = jobs->duration };
	if (!jobs->once) {
		job->duration = mt19937_expovariate(&world->mt, jobs->duration_lambd);
		time = world->now + mt19937_expovariate(&world->mt, jobs->submit_lambd);
	}
	return push(world, time, SUBMITTED, world->njobs++, err);
}

static int run_job(struct pfsim_world *world, uint32_t index, struct err *err)
{
	struct pfsim_job *job = &world->jobs[index];

	world->running++;
	if (pfsim_select(world, job) < 0 || pfsim_place(world, job) < 0)
		return out_of_memory(err);
	if (push(world, world->now, JOB_STARTED, index, err) < 0)
		return -1;
	return push(world, world->now + job->duration, JOB_FINISHED, index, err);
}

static int submitted(struct pfsim_world *world, uint32_t index, struct err *err)
{
	if (world->head < world->tail || !pfsim_fits(world, &world->jobs[index]))
		world->queue[world->tail++] = index;
	else if (run_job(world, index, err) < 0)
		return -1;
	world->jobs[index].created = world->now;
	if (world->scenario->jobs[world->jobs[index].generator].once)
		return 0;
	return generate(world, world->jobs[index].generator, err);
}

static int started(struct pfsim_world *world, uint32_t index, struct err *err)
{
	world->jobs[index].started = world->now;
	return pfsim_load(world, index, err);
}

/* At most one job of the queue takes the place of one that ends. */
static int finished(struct pfsim_world *world, uint32_t index, struct err *err)
{
	struct pfsim_job *job = &world->jobs[index];

	world->running--;
	world->finished++;
	for (uint32_t i = 0; i < job->nhosts; i++)
		world->allocated[job->hosts[i]] = false;
	if (world->head < world->tail &&
	    pfsim_fits(world, &world->jobs[world->queue[world->head]]) &&
	    run_job(world, world->queue[world->head++], err) < 0)
		return -1;
	pfsim_unload(world, index);
	world->jobs[index].finished = world->now;
	return 0;
}

/* --- what is collected --- */

static int sample(struct pfsim_world *world, enum pfsim_metric metric, double value)
{
	return pfsim_series_add(&world->series[metric], world->now, value);
}

static int collect(struct pfsim_world *world, enum event kind, uint32_t index)
{
	const struct pfsim_job *job = &world->jobs[index];
	uint32_t waiting = world->tail - world->head;

	if (kind != SUBMITTED && pfsim_sample_links(world) < 0)
		return -1;
	if (sample(world, PFSIM_WAITING, waiting) < 0 ||
	    sample(world, PFSIM_IN_SYSTEM, waiting + world->running) < 0 ||
	    sample(world, PFSIM_RUNNING, world->running) < 0 ||
	    sample(world, PFSIM_FINISHED, world->finished) < 0)
		return -1;
	if (kind != JOB_FINISHED)
		return 0;
	if (sample(world, PFSIM_WAIT_TIME, job->started - job->created) < 0)
		return -1;
	return sample(world, PFSIM_RESPONSE_TIME, job->finished - job->created);
}

/* A line of events.csv. */
static void record(struct pfsim_world *world, enum event kind, uint32_t index)
{
	static const char *const name[] = {
		[SUBMITTED] = "submitted",
		[JOB_STARTED] = "started",
		[JOB_FINISHED] = "finished",
	};
	const struct pfsim_job *job = &world->jobs[index];
	const struct netemu_net *net = &world->topology->net;
	FILE *out = world->events.stream;
	char time[32], duration[32];

	fprintf(out, "%s,job.%s,%s-%u,%s,", stats_repr(time, sizeof(time), world->now), name[kind],
		world->scenario->jobs[job->generator].trace, index,
		stats_repr(duration, sizeof(duration), job->duration));
	for (uint32_t i = 0; kind == JOB_STARTED && i < job->nhosts; i++)
		fprintf(out, "%s%s", i > 0 ? " " : "", net->name[net->host_node[job->hosts[i]]]);
	fputc('\n', out);
}

static int handle(struct pfsim_world *world, const struct pfsim_event *event, struct err *err)
{
	int rc = 0;

	world->now = pfsim_event_time(event);
	switch (event->kind) {
	case STARTED:
		for (uint32_t i = 0; rc == 0 && i < world->scenario->njobs; i++)
			rc = generate(world, i, err);
		return rc;
	case SUBMITTED:
		rc = submitted(world, event->job, err);
		break;
	case JOB_STARTED:
		rc = started(world, event->job, err);
		break;
	default:
		rc = finished(world, event->job, err);
		break;
	}
	if (rc < 0)
		return -1;
	record(world, event->kind, event->job);
	return collect(world, event->kind, event->job) < 0 ? out_of_memory(err) : 0;
}

/* --- set up and end --- */

static const struct {
	const char *name;
	bool timed, integer;
} metrics[PFSIM_METRICS] = {
	[PFSIM_MAX_CONGESTION] = { "Maximum Congestion", true, false },
	[PFSIM_CONGESTION_DEVIATION] = { "Congestion StdDev", true, false },
	[PFSIM_MAX_FLOWS] = { "Maximum Number of Flows", true, true },
	[PFSIM_WAITING] = { "Number of Waiting Jobs", true, true },
	[PFSIM_IN_SYSTEM] = { "Number of Jobs in System", true, true },
	[PFSIM_RUNNING] = { "Number of Running Jobs", true, true },
	[PFSIM_FINISHED] = { "Number of Finished Jobs", true, true },
	[PFSIM_WAIT_TIME] = { "Job Wait Time", false, false },
	[PFSIM_RESPONSE_TIME] = { "Job Response Time", false, false },
};

static bool named(const char *name, const char *ours, const char *theirs)
{
	return strcmp(name, ours) == 0 || strcmp(name, theirs) == 0;
}

static int set_policies(struct pfsim_world *world, struct err *err)
{
	const struct pfsim_scenario *s = world->scenario;

	if (named(s->host_selector, "random", "pfsim.host_selector.RandomHostSelector"))
		world->random_hosts = true;
	else if (!named(s->host_selector, "linear", "pfsim.host_selector.LinearHostSelector"))
		return err_set(err, "node selection '%s' is not one of PFSim's (linear, random)",
			       s->host_selector);
	if (named(s->process_mapper, "cyclic", "pfsim.process_mapper.CyclicProcessMapper"))
		world->mapper = PFSIM_CYCLIC;
	else if (named(s->process_mapper, "random", "pfsim.process_mapper.RandomProcessMapper"))
		world->mapper = PFSIM_SHUFFLE;
	else if (!named(s->process_mapper, "block", "pfsim.process_mapper.LinearProcessMapper"))
		return err_set(err, "placement '%s' is not one of PFSim's (block, cyclic, random)",
			       s->process_mapper);
	return pfsim_router_create(&world->router, s->router, world->topology, &world->mt, err);
}

/* PFSim would wait for ever for hosts that are not there. */
static int check_jobs(const struct pfsim_world *world, struct err *err)
{
	const struct netemu_net *net = &world->topology->net;
	uint64_t slots = 0;

	for (uint32_t h = 0; h < net->hosts; h++)
		slots += net->slots[h];
	for (size_t i = 0; i < world->scenario->njobs; i++) {
		const struct pfsim_jobs *jobs = &world->scenario->jobs[i];

		if (jobs->traffic->uniform)
			return err_set(err, "'%s': PFSim has no patterns, only traces",
				       jobs->trace);
		if (jobs->traffic->ranks > slots)
			return err_set(err, "'%s' has %u ranks, '%s' has slots for %llu",
				       jobs->trace, jobs->traffic->ranks, world->topology->source,
				       (unsigned long long)slots);
	}
	return 0;
}

static int allocate(struct pfsim_world *world)
{
	const struct netemu_net *net = &world->topology->net;

	world->allocated = calloc(net->hosts, sizeof(*world->allocated));
	world->traffic = calloc(net->links + 1, sizeof(*world->traffic));
	world->flows = calloc(net->links + 1, sizeof(*world->flows));
	world->isl = calloc(net->links + 1, sizeof(*world->isl));
	if (!world->allocated || !world->traffic || !world->flows || !world->isl)
		return -1;
	for (uint32_t i = 0; i < net->links; i++)
		if (topology_is_isl(world->topology, i))
			world->isl[world->nisl++] = i;
	return 0;
}

static int set_up(struct pfsim_world *world, const char *dir, struct err *err)
{
	char path[4096];

	mt19937_init(&world->mt, world->scenario->seed);
	for (int i = 0; i < PFSIM_METRICS; i++)
		pfsim_series_init(&world->series[i], metrics[i].name, metrics[i].timed,
				  metrics[i].integer, true);
	if (allocate(world) < 0)
		return out_of_memory(err);
	if (set_policies(world, err) < 0 || check_jobs(world, err) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/events.csv", dir);
	if (outfile_open(&world->events, path, err) < 0)
		return -1;
	fputs("time,event,job,duration,hosts\n", world->events.stream);
	return pfsim_heap_push(&world->heap, 0, STARTED, 0) < 0 ? out_of_memory(err) : 0;
}

static void clear(struct pfsim_world *world)
{
	outfile_abort(&world->events);
	pfsim_router_destroy(world->router);
	pfsim_heap_release(&world->heap);
	for (uint32_t i = 0; i < world->njobs; i++) {
		free(world->jobs[i].hosts);
		free(world->jobs[i].place);
		free(world->jobs[i].uses);
	}
	for (int i = 0; i < PFSIM_METRICS; i++)
		pfsim_series_release(&world->series[i]);
	free(world->jobs);
	free(world->queue);
	free(world->allocated);
	free(world->traffic);
	free(world->flows);
	free(world->isl);
}

static int run_until(struct pfsim_world *world, double duration, struct err *err)
{
	while (world->heap.count && pfsim_event_time(&world->heap.events[0]) <= duration) {
		struct pfsim_event event = pfsim_heap_pop(&world->heap);

		if (handle(world, &event, err) < 0)
			return -1;
	}
	return 0;
}

int pfsim_run(const struct pfsim_scenario *scenario, const char *dir, struct err *err)
{
	struct pfsim_world world = { .scenario = scenario, .topology = scenario->topology };
	int rc = set_up(&world, dir, err);

	if (rc == 0)
		rc = run_until(&world, scenario->duration, err);
	if (rc == 0)
		rc = outfile_commit(&world.events, err);
	if (rc == 0)
		rc = pfsim_write(&world, dir, err);
	clear(&world);
	return rc;
}
