/* SPDX-License-Identifier: Apache-2.0 */
#include "sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

void scene_init(struct scene *scene, const char *spec, const char *scheduler)
{
	struct err err;

	memset(scene, 0, sizeof(*scene));
	if (topology_open(&scene->topology, spec, NULL, &err) < 0)
		fail_msg("%s", err.text);
	scene->settings = (struct sim_settings){
		.topology = &scene->topology,
		.scheduler = scheduler,
		.selection = "linear",
		.placement = "block",
		.routing = "dmodk",
		.until = NETEMU_NEVER,
		.no_network = true,
		.seed = 1,
	};
}

void scene_release(struct scene *scene)
{
	sim_destroy(scene->sim);
	free(scene->workload.jobs);
	topology_release(&scene->topology);
}

struct workload_job *scene_add(struct scene *scene, struct scene_job job)
{
	struct workload *workload = &scene->workload;
	struct workload_job *new;

	if (workload->count == workload->room) {
		workload->room = 2 * workload->room + 16;
		workload->jobs = reallocarray(workload->jobs, workload->room, sizeof(*new));
		assert_non_null(workload->jobs);
	}
	new = &workload->jobs[workload->count++];
	*new = (struct workload_job){ .job.start = NETEMU_NEVER, .compute = NETEMU_NEVER };
	new->job.id = scene->workload.count;
	new->job.submit = job.submit *SECOND;
	new->job.nodes = job.nodes;
	new->job.limit = job.limit *SECOND;
	new->job.ranks = job.nodes;
	new->duration = (job.run ? job.run : job.limit) * SECOND;
	return new;
}

const struct sim_job *scene_run(struct scene *scene)
{
	struct err err;
	size_t count;

	if (sim_create(&scene->sim, &scene->settings, &scene->workload, &err) < 0 ||
	    sim_run(scene->sim, &err) < 0)
		fail_msg("%s", err.text);
	return sim_jobs(scene->sim, &count);
}

/* --- models --- */

#define MODEL_TIME 8192

enum kind { FCFS, EASY, EASY_COUNT, CONSERVATIVE };

struct model {
	const struct scene_job *jobs;
	int count, hosts;
	int64_t *start; /* -1: waits */
	int on[MODEL_JOBS][MODEL_HOSTS];
	bool over[MODEL_JOBS];

	bool exact;                   /* all run as long as their limits */
	int64_t promised[MODEL_JOBS]; /* the first shadow time of each; 0: none */

	/* easy: the reservation */
	int head;
	int64_t shadow;
	int extra;
	bool reserved[MODEL_HOSTS];

	/* conservative: who has which host in which second, and the plans */
	signed char table[MODEL_TIME][MODEL_HOSTS];
	int64_t plan[MODEL_JOBS]; /* -1: none */
};

static int64_t run_of(const struct model *model, int j)
{
	return model->jobs[j].run ? model->jobs[j].run : model->jobs[j].limit;
}

static bool runs(const struct model *model, int j)
{
	return model->start[j] >= 0 && !model->over[j];
}

static void idle_hosts(const struct model *model, bool *free)
{
	for (int h = 0; h < model->hosts; h++)
		free[h] = true;
	for (int j = 0; j < model->count; j++)
		for (int h = 0; h < model->hosts && runs(model, j); h++)
			free[h] = free[h] && !model->on[j][h];
}

static int count_of(const struct model *model, const bool *set)
{
	int n = 0;

	for (int h = 0; h < model->hosts; h++)
		n += set[h];
	return n;
}

/* Length of the block of FREE that begins at H, 0 when none does. */
static int block_at(const struct model *model, const bool *free, int h)
{
	int n = 0;

	if (!free[h] || (h > 0 && free[h - 1]))
		return 0;
	while (h + n < model->hosts && free[h + n])
		n++;
	return n;
}

/* PFSim's rule: the smallest block that fits, else from the largest on. */
static bool choose(const struct model *model, const bool *free, int need, int *chosen)
{
	memset(chosen, 0, MODEL_HOSTS * sizeof(*chosen));
	if (count_of(model, free) < need)
		return false;
	for (int size = need; size <= model->hosts; size++)
		for (int h = 0; h < model->hosts; h++)
			if (block_at(model, free, h) == size) {
				for (int i = 0; i < need; i++)
					chosen[h + i] = 1;
				return true;
			}
	for (int size = need; size > 0; size--)
		for (int h = 0; h < model->hosts; h++)
			for (int i = 0; block_at(model, free, h) == size && i < size && need > 0;
			     i++, need--)
				chosen[h + i] = 1;
	return true;
}

static bool start(struct model *model, int j, int64_t now, const bool *free)
{
	if (!choose(model, free, (int)model->jobs[j].nodes, model->on[j]))
		return false;
	model->start[j] = now;
	return true;
}

static int first_waiting(const struct model *model, int64_t now)
{
	for (int j = 0; j < model->count; j++)
		if (model->start[j] < 0 && model->jobs[j].submit <= now)
			return j;
	return -1;
}

static int start_in_order(struct model *model, int64_t now)
{
	bool free[MODEL_HOSTS];
	int j;

	for (;;) {
		j = first_waiting(model, now);
		idle_hosts(model, free);
		if (j < 0 || !start(model, j, now, free))
			return j;
		/* nothing that was let by has delayed it */
		if (model->exact && model->promised[j])
			assert_true(now <= model->promised[j]);
	}
}

/* Second by second, until the head job would have its hosts. */
static void reserve(struct model *model, int64_t now)
{
	int need = (int)model->jobs[model->head].nodes, chosen[MODEL_HOSTS];
	bool free[MODEL_HOSTS];

	for (int64_t t = now;; t++) {
		idle_hosts(model, free);
		for (int j = 0; j < model->count; j++)
			for (int h = 0; h < model->hosts && runs(model, j); h++)
				if (model->on[j][h] && model->start[j] + model->jobs[j].limit <= t)
					free[h] = true;
		if (!choose(model, free, need, chosen))
			continue;
		if (!model->promised[model->head])
			model->promised[model->head] = t;
		model->shadow = t;
		model->extra = count_of(model, free) - need;
		for (int h = 0; h < model->hosts; h++)
			model->reserved[h] = chosen[h];
		return;
	}
}

static void pass_easy(struct model *model, int64_t now, bool ended, bool by_count)
{
	int head = start_in_order(model, now);
	bool free[MODEL_HOSTS];

	if (head < 0)
		return;
	if (head != model->head || ended) {
		model->head = head;
		reserve(model, now);
	}
	for (int j = head + 1; j < model->count; j++) {
		bool before = now + model->jobs[j].limit <= model->shadow;

		if (model->start[j] >= 0 || model->jobs[j].submit > now)
			continue;
		idle_hosts(model, free);
		for (int h = 0; h < model->hosts && !before && !by_count; h++)
			free[h] = free[h] && !model->reserved[h];
		if (by_count && !before && (int)model->jobs[j].nodes > model->extra)
			continue;
		if (start(model, j, now, free) && !before)
			model->extra -= (int)model->jobs[j].nodes;
	}
}

/* Give up what J has in the table from FROM on. */
static void clear_table(struct model *model, int j, int64_t from)
{
	for (int64_t t = from; t < MODEL_TIME; t++)
		for (int h = 0; h < model->hosts; h++)
			if (model->table[t][h] == j + 1)
				model->table[t][h] = 0;
}

static void plan(struct model *model, int j, int64_t now)
{
	bool free[MODEL_HOSTS];

	for (int64_t t = now;; t++) {
		for (int h = 0; h < model->hosts; h++) {
			free[h] = true;
			for (int64_t u = t; u < t + model->jobs[j].limit; u++)
				free[h] = free[h] && !model->table[u][h];
		}
		if (!choose(model, free, (int)model->jobs[j].nodes, model->on[j]))
			continue;
		model->plan[j] = t;
		for (int64_t u = t; u < t + model->jobs[j].limit; u++)
			for (int h = 0; h < model->hosts; h++)
				if (model->on[j][h])
					model->table[u][h] = (signed char)(j + 1);
		return;
	}
}

static void pass_conservative(struct model *model, int64_t now, bool early)
{
	for (int j = 0; j < model->count && early; j++) {
		int64_t old = model->plan[j];

		if (old < 0 || model->start[j] >= 0)
			continue;
		clear_table(model, j, now);
		plan(model, j, now);
		assert_true(model->plan[j] <= old);
	}
	for (int j = 0; j < model->count; j++)
		if (model->plan[j] < 0 && model->jobs[j].submit <= now)
			plan(model, j, now);
	for (int j = 0; j < model->count; j++)
		if (model->start[j] < 0 && model->plan[j] == now)
			model->start[j] = now;
}

static void pass(struct model *model, enum kind kind, int64_t now, bool ended, bool early)
{
	if (kind == FCFS)
		start_in_order(model, now);
	else if (kind == CONSERVATIVE)
		pass_conservative(model, now, early);
	else
		pass_easy(model, now, ended, kind == EASY_COUNT);
}

static void model_run(enum kind kind, const struct scene_job *jobs, int count, int hosts,
		      int64_t *start)
{
	static struct model model;
	int left = count;

	memset(&model, 0, sizeof(model));
	model.jobs = jobs;
	model.count = count;
	model.hosts = hosts;
	model.start = start;
	model.head = -1;
	model.exact = true;
	for (int j = 0; j < count; j++) {
		start[j] = model.plan[j] = -1;
		model.exact = model.exact && run_of(&model, j) == jobs[j].limit;
	}
	for (int64_t now = 0; left > 0; now++) {
		bool ended = false, early = false, came = false;

		assert_true(now < MODEL_TIME / 2);

		for (int j = 0; j < count; j++) {
			came = came || jobs[j].submit == now;
			if (!runs(&model, j) || start[j] + run_of(&model, j) != now)
				continue;
			model.over[j] = ended = true;
			early = early || run_of(&model, j) < jobs[j].limit;
			clear_table(&model, j, now);
			left--;
		}
		if (ended || came || kind == CONSERVATIVE)
			pass(&model, kind, now, ended, early);
	}
}

void model_fcfs(const struct scene_job *jobs, int count, int hosts, int64_t *start)
{
	model_run(FCFS, jobs, count, hosts, start);
}

void model_easy(const struct scene_job *jobs, int count, int hosts, int64_t *start)
{
	model_run(EASY, jobs, count, hosts, start);
}

void model_easy_count(const struct scene_job *jobs, int count, int hosts, int64_t *start)
{
	model_run(EASY_COUNT, jobs, count, hosts, start);
}

void model_conservative(const struct scene_job *jobs, int count, int hosts, int64_t *start)
{
	model_run(CONSERVATIVE, jobs, count, hosts, start);
}
