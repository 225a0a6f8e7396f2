/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/runs.h"
#include "jobs/rundata.h"
#include "rundir.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct runs {
	struct rundata *list; /* owned */
	size_t count;
	size_t broken;
	struct err first; /* why the first one that is broken is */
};

static void runs_release(struct runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		rundata_release(&runs->list[i]);
	free(runs->list);
}

static bool has(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       stat(path, &st) == 0;
}

static int add(struct runs *runs, const char *path, struct err *err)
{
	struct err why = { "" };
	struct rundata *list;

	if (!(runs->count & (runs->count - 1))) {
		list = realloc(runs->list, (runs->count ? 2 * runs->count : 1) * sizeof(*list));
		if (!list)
			return err_errno(err, "%s", path);
		runs->list = list;
	}
	if (rundata_read(&runs->list[runs->count], path, NULL, &why) == 0)
		runs->count++;
	else if (!runs->broken++)
		runs->first = why;
	return 0;
}

/* A run directory, or a folder of them. */
static int add_path(struct runs *runs, const char *path, struct err *err)
{
	char pattern[PATH_MAX];
	glob_t found;
	int rc = 0;

	if (has(path, RUNDIR_RUN) || has(path, RUNDIR_MPI) || !has(path, "."))
		return add(runs, path, err);
	if (snprintf(pattern, sizeof(pattern), "%s/" RUNDIR_PREFIX "*", path) >=
	    (int)sizeof(pattern))
		return err_set(err, "'%s': the path is too long", path);
	if (glob(pattern, 0, NULL, &found) != 0)
		return add(runs, path, err); /* a folder of rank files, or nothing */
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		if (has(found.gl_pathv[i], RUNDIR_MPI))
			rc = add(runs, found.gl_pathv[i], err);
	globfree(&found);
	return rc;
}

static int add_job(struct runs *runs, const char *name, struct err *err)
{
	char **paths;
	int count = rundir_find(name, &paths, err);
	int rc = 0;

	if (count < 0)
		return -1;
	for (int i = 0; rc == 0 && i < count; i++)
		rc = add_path(runs, paths[i], err);
	rundir_free_paths(paths);
	return rc;
}

static int run_compare(const void *a, const void *b)
{
	const struct rundata *left = a;
	const struct rundata *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return strverscmp(left->path, right->path);
}

/* All runs that PATTERN means, in the order in which they began. */
static int find(struct runs *runs, const char *pattern, struct err *err)
{
	glob_t found;
	int rc = 0;

	if (glob(pattern, 0, NULL, &found) != 0) {
		if (strpbrk(pattern, "*?[/"))
			return err_set(err, "'%s': no run directories there", pattern);
		rc = add_job(runs, pattern, err);
	} else {
		for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
			rc = add_path(runs, found.gl_pathv[i], err);
		globfree(&found);
	}
	if (rc < 0)
		return -1;
	if (!runs->count)
		return runs->broken ? err_set(err, "%s", runs->first.text)
				    : err_set(err, "'%s': no run directories there", pattern);
	qsort(runs->list, runs->count, sizeof(*runs->list), run_compare);
	return 0;
}

static bool same_cluster(const char *a, const char *b)
{
	return !a || !b || !strcmp(a, b);
}

/* Whether an earlier run is of the same Slurm job. */
static bool is_later(const struct runs *runs, size_t at)
{
	const struct rundata *run = &runs->list[at];

	for (size_t i = at; run->job && i-- > 0;)
		if (runs->list[i].job == run->job &&
		    same_cluster(runs->list[i].cluster, run->cluster))
			return true;
	return false;
}

/* The matrix of RUN, and when WHERE, on which nodes its ranks were. */
static int take_run(struct workload_job *job, struct rundata *run, bool where)
{
	char *list;

	traffic_drop(job->traffic);
	job->traffic = traffic_share(run->traffic);
	job->recorded = true;
	job->job.ranks = run->traffic->ranks;
	if (!where || !run->nnodes)
		return 0;
	list = rundata_node_list(run);
	if (!list)
		return -1;
	free(job->node_list);
	free(job->placement);
	job->node_list = list;
	job->placement = run->placement;
	run->placement = NULL;
	job->job.nodes = run->nnodes;
	return 0;
}

static int add_run(struct workload *workload, struct runs *runs, size_t at,
		   const struct workload_ask *ask)
{
	struct rundata *run = &runs->list[at];
	struct workload_job *job;

	if (run->start == NETEMU_NEVER || run->end == NETEMU_NEVER || run->end < run->start) {
		workload_skip(workload, WORKLOAD_TIMES);
		return 0;
	}
	job = workload_add(workload);
	if (!job)
		return -1;
	job->clock = true;
	job->real_start = run->start;
	job->duration = run->end - run->start;
	job->job.id = run->job ? run->job : at;
	job->array_task = run->array_task;
	job->job.submit = run->submit;
	if (run->submit == NETEMU_NEVER || run->submit > run->start || is_later(runs, at))
		job->job.submit = run->start;
	job->submit_s = (double)job->job.submit / 1e9;
	job->duration_s = (double)job->duration / 1e9;
	job->job.limit = ask->limit > job->duration ? ask->limit : job->duration;
	job->job.shares = ask->shares;
	job->name = run->name;
	job->cluster = run->cluster;
	run->name = run->cluster = NULL;
	/* is_later() still needs the clusters of those before */
	if (job->cluster && !(run->cluster = strdup(job->cluster)))
		return -1;
	return take_run(job, run, true);
}

int runs_read(struct workload *workload, const char *pattern, const struct workload_ask *ask,
	      struct err *err)
{
	struct runs runs = { 0 };
	int rc = find(&runs, pattern, err);

	workload->sources++;
	for (size_t i = 0; rc == 0 && i < runs.count; i++)
		if (add_run(workload, &runs, i, ask) < 0)
			rc = err_errno(err, "%s", pattern);
	for (size_t i = 0; rc == 0 && i < runs.broken; i++)
		workload_skip(workload, WORKLOAD_BROKEN);
	runs_release(&runs);
	return rc;
}

/* --- joining --- */

/* What job a run is of; those of one job stand together, the longest first. */
static int job_compare(const void *a, const void *b)
{
	const struct rundata *left = *(const struct rundata *const *)a;
	const struct rundata *right = *(const struct rundata *const *)b;
	int64_t left_ran, right_ran;

	if (left->job != right->job)
		return left->job < right->job ? -1 : 1;
	left_ran = left->end != NETEMU_NEVER ? left->end - left->start : 0;
	right_ran = right->end != NETEMU_NEVER ? right->end - right->start : 0;
	if (left_ran != right_ran)
		return left_ran > right_ran ? -1 : 1;
	return run_compare(left, right);
}

/* The same runs by array and task. */
static int array_compare(const void *a, const void *b)
{
	const struct rundata *left = *(const struct rundata *const *)a;
	const struct rundata *right = *(const struct rundata *const *)b;

	if (left->array_job != right->array_job)
		return left->array_job < right->array_job ? -1 : 1;
	if (left->array_task != right->array_task)
		return left->array_task < right->array_task ? -1 : 1;
	return job_compare(a, b);
}

struct join {
	struct rundata **by_job, **by_array; /* [count]; owned */
	size_t count;
	bool *used; /* by index in by_job's runs; owned */
	const struct rundata *first;
};

/* The index of the first one in LIST not before KEY. */
static size_t lower(struct rundata *const *list, size_t count, uint64_t job, bool array,
		    uint32_t task)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rundata *run = list[middle];
		bool before = array ? run->array_job < job ||
					      (run->array_job == job && run->array_task < task)
				    : run->job < job;

		if (before)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A run may have begun or ended some seconds off what accounting says, but not
 * in another run of a requeued job.
 */
static bool overlaps(const struct workload_job *job, const struct rundata *run)
{
	const int64_t slack = INT64_C(60000000000);

	if (job->real_start == NETEMU_NEVER || run->start == NETEMU_NEVER)
		return true;
	return run->start >= job->real_start - slack &&
	       run->start <= job->real_start + job->duration + slack;
}

/* The run that stands for JOB, or NULL; all runs of it are marked as used. */
static struct rundata *match(struct join *join, const struct workload_job *job)
{
	struct rundata *best = NULL;

	for (size_t i = lower(join->by_job, join->count, job->job.id, false, 0);
	     i < join->count && join->by_job[i]->job == job->job.id; i++) {
		struct rundata *run = join->by_job[i];

		if (!run->job || !same_cluster(job->cluster, run->cluster) || !overlaps(job, run))
			continue;
		/* without JobIDRaw the id of a task is its array's, as one task's is */
		if (job->array_task != NETEMU_NONE && run->array_task != job->array_task)
			continue;
		join->used[run - join->first] = true;
		best = best ? best : run;
	}
	if (best || job->array_task == NETEMU_NONE)
		return best;
	for (size_t i = lower(join->by_array, join->count, job->job.id, true, job->array_task);
	     i < join->count && join->by_array[i]->array_job == job->job.id &&
	     join->by_array[i]->array_task == job->array_task;
	     i++) {
		struct rundata *run = join->by_array[i];

		if (!same_cluster(job->cluster, run->cluster) || !overlaps(job, run))
			continue;
		join->used[run - join->first] = true;
		best = best ? best : run;
	}
	return best;
}

static int join_init(struct join *join, const struct runs *runs)
{
	*join = (struct join){ .count = runs->count, .first = runs->list };
	join->by_job = malloc(runs->count * sizeof(struct rundata *));
	join->by_array = malloc(runs->count * sizeof(struct rundata *));
	join->used = calloc(runs->count, sizeof(*join->used));
	if (!join->by_job || !join->by_array || !join->used)
		return -1;
	for (size_t i = 0; i < runs->count; i++)
		join->by_job[i] = join->by_array[i] = &runs->list[i];
	qsort(join->by_job, runs->count, sizeof(struct rundata *), job_compare);
	qsort(join->by_array, runs->count, sizeof(struct rundata *), array_compare);
	return 0;
}

static void join_release(struct join *join)
{
	free(join->by_job);
	free(join->by_array);
	free(join->used);
}

static int join_all(struct join *join, struct workload *workload, unsigned int source,
		    struct runs_report *report)
{
	for (size_t i = 0; i < workload->count; i++) {
		struct workload_job *job = &workload->jobs[i];
		struct rundata *run = job->source == source ? match(join, job) : NULL;

		if (!run)
			continue;
		if (take_run(job, run, !job->job.nodes || run->nnodes == job->job.nodes) < 0)
			return -1;
		report->joined++;
	}
	for (size_t i = 0; i < join->count; i++)
		report->strange += !join->used[i];
	return 0;
}

int runs_join(struct workload *workload, unsigned int source, const char *pattern,
	      struct runs_report *report, struct err *err)
{
	struct runs runs = { 0 };
	struct join join = { 0 };
	int rc = find(&runs, pattern, err);

	*report = (struct runs_report){ .runs = runs.count, .broken = runs.broken };
	snprintf(report->reason, sizeof(report->reason), "%.255s", runs.first.text);
	if (rc == 0 &&
	    (join_init(&join, &runs) < 0 || join_all(&join, workload, source, report) < 0))
		rc = err_errno(err, "%s", pattern);
	join_release(&join);
	runs_release(&runs);
	return rc;
}
