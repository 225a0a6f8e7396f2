/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "jobtables.h"

#include <inttypes.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

static const char *const outcomes[] = {
	[SIM_WAITING] = "waiting",
	[SIM_RUNNING] = "running",
	[SIM_DONE] = "done",
	[SIM_REJECTED] = "rejected",
};

static void put_time(FILE *out, int64_t time)
{
	if (time != NETEMU_NEVER)
		series_put_seconds(out, time);
}

static void put_difference(FILE *out, int64_t later, int64_t earlier)
{
	if (later != NETEMU_NEVER && earlier != NETEMU_NEVER)
		series_put_seconds(out, later - earlier);
}

/* As RFC 4180 quotes a field. */
static void put_field(FILE *out, const char *text)
{
	if (!text)
		return;
	if (!text[strcspn(text, ",\"\r\n")]) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

/* Names of hosts, blanks between; neighbours in the topology as "first..last". */
static void put_hosts(FILE *out, const struct netemu_net *net, const struct sim_job *job)
{
	for (uint32_t i = 0; i < job->nhosts;) {
		uint32_t end = i + 1;

		while (end < job->nhosts && job->hosts[end] == job->hosts[end - 1] + 1)
			end++;
		fprintf(out, "%s%s", i ? " " : "", net->name[net->host_node[job->hosts[i]]]);
		if (end - i > 1)
			fprintf(out, "..%s", net->name[net->host_node[job->hosts[end - 1]]]);
		i = end;
	}
}

static void put_job(FILE *out, const struct netemu_net *net, const struct sim_job *job)
{
	const struct netemu_job *what = &job->what->job;
	char text[32];

	fprintf(out, "%" PRIu64 ",", what->id);
	put_field(out, job->what->name);
	fprintf(out, ",%u,%s,", job->what->source, outcomes[job->outcome]);
	put_time(out, what->submit);
	putc(',', out);
	put_time(out, job->start);
	putc(',', out);
	put_time(out, job->end);
	putc(',', out);
	put_difference(out, job->start, what->submit);
	putc(',', out);
	put_difference(out, job->end, what->submit);
	putc(',', out);
	put_difference(out, job->end, job->start);
	putc(',', out);
	put_time(out, what->limit);
	fprintf(out, ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%" PRIu64 ",%s,",
		what->ranks, what->nodes ? what->nodes : job->nhosts, job->nhosts, job->restarts,
		job->unroutable, stats_repr(text, sizeof(text), job->max_load));
	put_hosts(out, net, job);
	putc(',', out);
	put_field(out, job->reason);
	putc('\n', out);
}

static int write_csv(const struct report *report, struct err *err)
{
	struct outfile file;
	size_t count;
	const struct sim_job *jobs = sim_jobs(report->sim, &count);

	if (report_open(report->dir, &file, "jobs.csv", err) < 0)
		return -1;
	fputs("id,name,source,outcome,submit,start,end,wait,response,run,limit,ranks,nodes,"
	      "hosts_used,restarts,unroutable,max_load,hosts,reason\n",
	      file.stream);
	for (size_t i = 0; i < count; i++)
		put_job(file.stream, &report->topology->net, &jobs[i]);
	return outfile_commit(&file, err);
}

/* Whole seconds, as the format wants it; -1: not known. */
static int64_t seconds(int64_t later, int64_t earlier)
{
	if (later == NETEMU_NEVER || earlier == NETEMU_NEVER)
		return -1;
	return (later - earlier + SECOND / 2) / SECOND;
}

/* Fields of the Standard Workload Format 2.2 (Feitelson). */
static void put_swf(FILE *out, const struct sim_job *job, size_t number)
{
	const struct netemu_job *what = &job->what->job;

	fprintf(out,
		"%zu %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " -1 -1 %" PRIu32 " %" PRId64
		" -1 %d -1 -1 -1 %u -1 -1 -1\n",
		number, seconds(what->submit, 0), seconds(job->start, what->submit),
		seconds(job->end, job->start), job->nhosts ? (int64_t)what->ranks : -1, what->ranks,
		seconds(what->limit, 0),
		job->outcome == SIM_DONE       ? 1
		: job->outcome == SIM_REJECTED ? 5
					       : -1,
		job->what->source + 1);
}

static int write_swf(const struct report *report, struct err *err)
{
	struct outfile file;
	size_t count;
	const struct sim_job *jobs = sim_jobs(report->sim, &count);

	if (report_open(report->dir, &file, "jobs.swf", err) < 0)
		return -1;
	fprintf(file.stream,
		"; Version: 2.2\n; Computer: %s\n; MaxJobs: %zu\n; MaxRecords: %zu\n"
		"; MaxNodes: %" PRIu32 "\n; UnixStartTime: 0\n"
		"; Note: as netemu sim ran them; queue: the source of the job, from 1\n",
		report->topology->name && *report->topology->name ? report->topology->name
								  : "netemu",
		count, count, report->topology->net.hosts);
	for (size_t i = 0; i < count; i++)
		put_swf(file.stream, &jobs[i], i + 1);
	return outfile_commit(&file, err);
}

int jobtables_write(const struct report *report, struct err *err)
{
	if (write_csv(report, err) < 0)
		return -1;
	return write_swf(report, err);
}
