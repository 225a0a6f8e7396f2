/* SPDX-License-Identifier: Apache-2.0 */
/* jobdump.c - what a source of jobs is read as
 *
 *	jobdump swf|sacct|jobcomp|runs FILE [RUNS]
 *
 * A line for each job in order of submission: id, array task, times after the
 * first submission and limit (s), nodes, ranks, host list, bytes sent, name.  What
 * was left out goes to standard error.
 */
#include "jobs/jobcomp.h"
#include "jobs/runs.h"
#include "jobs/sacct.h"
#include "jobs/swf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void put_seconds(int64_t ns)
{
	if (ns == NETEMU_NEVER)
		printf("\t-");
	else
		printf("\t%g", (double)ns / 1e9);
}

static void put(const struct workload_job *job)
{
	uint64_t bytes = 0;

	for (size_t i = 0; job->traffic && i < job->traffic->npairs; i++)
		bytes += job->traffic->pairs[i].bytes;
	printf("%" PRIu64, job->job.id);
	if (job->array_task == NETEMU_NONE)
		printf("\t-");
	else
		printf("\t%u", job->array_task);
	put_seconds(job->job.submit);
	put_seconds(job->real_start);
	put_seconds(job->duration);
	put_seconds(job->job.limit);
	printf("\t%u\t%u\t%s\t%" PRIu64 "\t%s\n", job->job.nodes, job->job.ranks,
	       job->node_list ? job->node_list : "-", bytes, job->name ? job->name : "-");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*read)(struct workload *workload, const char *path,
			    const struct workload_ask *ask, struct err *err);
	} sources[] = {
		{ "swf", swf_read },
		{ "sacct", sacct_read },
		{ "jobcomp", jobcomp_read },
		{ "runs", runs_read },
	};
	const struct workload_ask ask = { 0 };
	struct runs_report report;
	struct workload workload;
	struct err err = { "" };
	char text[512];
	int rc = -1;

	if (argc < 3)
		return 2;
	workload_init(&workload);
	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		if (!strcmp(argv[1], sources[i].name))
			rc = sources[i].read(&workload, argv[2], &ask, &err);
	if (rc == 0 && argc > 3)
		rc = runs_join(&workload, 0, argv[3], &report, &err);
	if (rc < 0) {
		fprintf(stderr, "jobdump: %s\n", err.text);
		workload_release(&workload);
		return 1;
	}
	workload_settle(&workload);
	for (size_t i = 0; i < workload.count; i++)
		put(&workload.jobs[i]);
	fprintf(stderr, "%s\n", workload_skip_text(&workload, text, sizeof(text)));
	workload_release(&workload);
	return 0;
}
