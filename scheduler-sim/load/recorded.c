/* SPDX-License-Identifier: Apache-2.0 */
#include "recorded.h"

#include "jobs/rundata.h"
#include "rundir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* DIR has a file of this name. */
static bool has(const char *dir, const char *name)
{
	char *path;
	bool there;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return false;
	there = access(path, F_OK) == 0;
	free(path);
	return there;
}

/* A run directory of netemu, not just any folder of rank files. */
static bool is_run(const char *dir)
{
	return has(dir, RUNDIR_RUN) || has(dir, "node-0.json");
}

/* The hosts of RUN's ranks, by a workload of that one job. */
static int find_hosts(struct recorded *recorded, struct rundata *run,
		      const struct topology *topology, struct hostmap *map, struct err *err)
{
	struct hostmap none;
	struct hostmap_report report;
	struct workload workload;
	struct workload_job *job;
	char text[512];
	int rc;

	hostmap_init(&none);
	workload_init(&workload);
	job = workload_add(&workload);
	if (job) {
		job->job.ranks = run->traffic->ranks;
		job->node_list = rundata_node_list(run);
		job->placement = run->placement;
		run->placement = NULL;
	}
	rc = job ? hostmap_apply(map ? map : &none, &workload, topology, &report, err)
		 : err_errno(err, "%s", run->path);
	if (rc == 0 && job->job.given && job->placement) {
		for (uint32_t rank = 0; rank < job->job.ranks; rank++)
			job->placement[rank] = job->job.given[job->placement[rank]];
		recorded->placement = job->placement;
		job->placement = NULL;
	}
	if (rc == 0 && *hostmap_warning(&report, text, sizeof(text)))
		recorded->warning = strdup(text);
	workload_release(&workload);
	hostmap_release(&none);
	return rc;
}

static int open_run(struct recorded *recorded, const char *path, const char *from, bool where,
		    const struct topology *topology, struct hostmap *map, struct err *err)
{
	struct rundata run;
	int rc = 0;

	if (rundata_read(&run, path, from, err) < 0)
		return -1;
	if (where && run.placement && run.nnodes)
		rc = find_hosts(recorded, &run, topology, map, err);
	recorded->traffic = traffic_share(run.traffic);
	rundata_release(&run);
	return rc;
}

int recorded_open(struct recorded *recorded, const char *text, const char *from, bool where,
		  const struct topology *topology, struct hostmap *map, struct err *err)
{
	char **paths = NULL;
	int count = rundir_find(text, &paths, NULL), rc;

	memset(recorded, 0, sizeof(*recorded));
	if (count > 1)
		rc = err_set(err, "'%s' has %d runs, name one: '%s'", text, count, paths[0]);
	else if (count == 1 && is_run(paths[0]))
		rc = open_run(recorded, paths[0], from, where, topology, map, err);
	else
		rc = traffic_read_from(&recorded->traffic, text, from, err);
	if (count > 0)
		rundir_free_paths(paths);
	if (rc < 0)
		recorded_release(recorded);
	return rc;
}

void recorded_release(struct recorded *recorded)
{
	traffic_drop(recorded->traffic);
	free(recorded->placement);
	free(recorded->warning);
	memset(recorded, 0, sizeof(*recorded));
}
