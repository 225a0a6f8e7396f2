/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "jobs.h"
#include "jobs/generate.h"
#include "jobs/hostmap.h"
#include "jobs/jobcomp.h"
#include "jobs/runs.h"
#include "jobs/sacct.h"
#include "jobs/swf.h"
#include "hostlist.h"
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One reading of `jobs:`. */
struct reading {
	struct workload *workload;
	const struct scenario *scenario;
	const struct scenario_case *sub;
	const struct topology *topology;
	struct err *warning, *err;
	uint64_t id; /* of the next job without its own */
	/* The traffic read last, shared by jobs that have the same. */
	char *traffic_key;
	struct traffic *traffic;
};

static int fail(const struct reading *reading, const struct yaml_node *node, const char *what)
{
	return err_set(reading->err, "%s:%u: %s", reading->scenario->path, node->line, what);
}

static int no_memory(const struct reading *reading)
{
	errno = ENOMEM;
	return err_errno(reading->err, "%s", reading->scenario->path);
}

static int read_trace(struct reading *reading, const char *trace)
{
	char *path = scenario_path(reading->scenario, trace);
	int rc;

	if (!path)
		return no_memory(reading);
	rc = traffic_read(&reading->traffic, path, reading->err);
	free(path);
	return rc;
}

static int read_pattern(struct reading *reading, const struct yaml_node *entry, uint32_t ranks)
{
	struct err err = { "" };

	if (traffic_pattern(&reading->traffic, schema_text(entry, "pattern", "none"), ranks,
			    schema_size(entry, "bytes", 1), &err) == 0)
		return 0;
	return fail(reading, entry, err.text);
}

/* What a job of ENTRY sends, kept in reading->traffic. */
static int need_traffic(struct reading *reading, const struct yaml_node *entry, uint32_t ranks)
{
	const char *trace = schema_text(entry, "trace", NULL);
	char *key;
	int rc;

	if (trace)
		rc = asprintf(&key, "trace %s", trace);
	else
		rc = asprintf(&key, "%s %s %u", schema_text(entry, "pattern", "none"),
			      schema_text(entry, "bytes", "1"), ranks);
	if (rc < 0)
		return no_memory(reading);
	if (reading->traffic_key && strcmp(reading->traffic_key, key) == 0) {
		free(key);
		return 0;
	}
	traffic_drop(reading->traffic);
	reading->traffic = NULL;
	free(reading->traffic_key);
	reading->traffic_key = NULL;
	if ((trace ? read_trace(reading, trace) : read_pattern(reading, entry, ranks)) < 0) {
		free(key);
		return -1;
	}
	reading->traffic_key = key;
	return 0;
}

/* Ranks of a job: as told, of its trace, or as its nodes have slots. */
static uint32_t ranks_of(const struct reading *reading, const struct yaml_node *entry)
{
	uint32_t nodes = (uint32_t)schema_count(entry, "nodes", 1);
	uint64_t slots = reading->topology->net.slots[0];
	uint64_t each = schema_count(entry, "ranks_per_node", slots);
	uint64_t ranks = schema_count(entry, "ranks", each * nodes);

	return ranks < UINT32_MAX ? (uint32_t)ranks : UINT32_MAX - 1;
}

static const char *name_of(const struct yaml_node *entry)
{
	const char *pattern = schema_text(entry, "pattern", "job");
	const char *name = schema_text(entry, "name", schema_text(entry, "trace", pattern));
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

/* What ENTRY wants, with reading->traffic known. */
static void set_wants(const struct reading *reading, struct netemu_job *job,
		      const struct yaml_node *entry)
{
	bool of_trace = yaml_find(entry, "trace") && !yaml_find(entry, "ranks");

	job->ranks = of_trace ? reading->traffic->ranks : ranks_of(reading, entry);
	job->nodes = (uint32_t)schema_count(entry, "nodes", 0);
	job->priority = (int64_t)(schema_count(entry, "priority", 0) & INT64_MAX);
	job->shares = schema_flag(entry, "shares", false);
	job->want[NETEMU_CORES] = schema_count(entry, "cores", 0);
	job->want[NETEMU_GPUS] = schema_count(entry, "gpus", 0);
	job->want[NETEMU_MEMORY] = schema_size(entry, "memory", 0);
	job->want[NETEMU_LICENCES] = schema_count(entry, "licences", 0);
}

static int set_hosts(const struct reading *reading, struct workload_job *job,
		     const struct yaml_node *entry)
{
	const char *text = schema_text(entry, "hosts", NULL);
	struct err err = { "" };
	char **hosts;
	size_t count;

	if (!text)
		return 0;
	if (hostlist_parse(text, reading->topology->net.hosts, &hosts, &count, &err) < 0)
		return fail(reading, yaml_find(entry, "hosts"), err.text);
	hostlist_free(hosts);
	job->node_list = strdup(text);
	return job->node_list ? 0 : no_memory(reading);
}

/* What ENTRY says about each of its jobs; times are the caller's. */
static struct workload_job *add_job(struct reading *reading, const struct yaml_node *entry)
{
	struct workload_job *job;

	if (need_traffic(reading, entry, ranks_of(reading, entry)) < 0)
		return NULL;
	job = workload_add(reading->workload);
	if (!job) {
		no_memory(reading);
		return NULL;
	}
	job->traffic = traffic_share(reading->traffic);
	job->recorded = yaml_find(entry, "trace");
	set_wants(reading, &job->job, entry);
	job->job.id = schema_count(entry, "id", reading->id);
	reading->id = job->job.id + 1;
	job->name = strdup(name_of(entry));
	if (!job->name)
		no_memory(reading);
	return job->name && set_hosts(reading, job, entry) == 0 ? job : NULL;
}

static void set_times(struct workload_job *job, const struct yaml_node *entry, int64_t submit,
		      int64_t duration)
{
	job->job.submit = submit;
	job->submit_s = (double)submit / 1e9;
	job->duration = duration;
	job->duration_s = (double)duration / 1e9;
	job->job.limit = schema_time(entry, "limit", duration);
	job->compute = schema_time(entry, "compute", NETEMU_NEVER);
}

static int read_list(struct reading *reading, const struct yaml_node *list)
{
	reading->workload->sources++;
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *entry = &list->items[i];
		struct workload_job *job = add_job(reading, entry);

		if (!job)
			return -1;
		set_times(job, entry, schema_time(entry, "submit", 0),
			  schema_time(entry, "duration", 0));
	}
	return 0;
}

static double seconds(const struct yaml_node *params, const char *key)
{
	const char *text = schema_text(params, key, "0");
	double number;

	if (schema_parse_number(text, &number) == 0)
		return number;
	return (double)schema_time(params, key, 0) / 1e9;
}

static int read_exponential(const struct reading *reading, const struct yaml_node *node,
			    const struct yaml_node *params,
			    struct generate_distribution *distribution)
{
	double mean = seconds(params, "mean");

	distribution->kind = GENERATE_EXPONENTIAL;
	if (params && yaml_find(params, "lambd") && !yaml_find(params, "mean"))
		distribution->a = schema_number(params, "lambd", 0);
	else if (mean > 0 && !yaml_find(params, "lambd"))
		distribution->a = 1 / mean;
	else
		return fail(reading, node, "exponential: one of 'lambd' and 'mean' > 0 is wanted");
	return 0;
}

static int read_uniform(const struct reading *reading, const struct yaml_node *params,
			struct generate_distribution *distribution)
{
	distribution->kind = GENERATE_UNIFORM;
	distribution->a = seconds(params, "min");
	distribution->b = seconds(params, "max");
	return distribution->a <= distribution->b
		       ? 0
		       : fail(reading, params, "uniform: 'min' is more than 'max'");
}

static int read_numbers(const struct reading *reading, const struct yaml_node *params,
			struct generate_distribution *distribution)
{
	char *path = scenario_path(reading->scenario, schema_text(params, "path", ""));
	int rc;

	if (!path)
		return no_memory(reading);
	distribution->kind = GENERATE_TRACE;
	rc = generate_numbers(distribution, path, reading->err);
	free(path);
	return rc;
}

/* KEY of ENTRY: a distribution, or a time that is always the same. */
static int read_distribution(const struct reading *reading, const struct yaml_node *entry,
			     const char *key, struct generate_distribution *distribution)
{
	const struct yaml_node *node = yaml_find(entry, key), *params;
	const char *name;

	memset(distribution, 0, sizeof(*distribution));
	distribution->kind = GENERATE_CONSTANT;
	if (node->kind == YAML_SCALAR) {
		distribution->a = seconds(entry, key);
		return 0;
	}
	params = yaml_find(node, "params");
	name = schema_variant(keys_distributions, schema_text(node, "distribution", ""))->name;
	if (strcmp(name, "exponential") == 0)
		return read_exponential(reading, node, params, distribution);
	if (strcmp(name, "uniform") == 0)
		return read_uniform(reading, params, distribution);
	if (strcmp(name, "trace") == 0)
		return read_numbers(reading, params, distribution);
	distribution->a = seconds(params, "value");
	return 0;
}

static int generate(struct reading *reading, const struct yaml_node *entry,
		    const struct generate_distribution *submit,
		    const struct generate_distribution *duration)
{
	struct generate generate = {
		.duration = duration,
		.interarrival = submit,
		.seed = reading->sub->seed,
	};
	struct netemu_job model = { .limit = schema_time(entry, "limit", 0) };
	size_t first = reading->workload->count;

	if (need_traffic(reading, entry, ranks_of(reading, entry)) < 0)
		return -1;
	set_wants(reading, &model, entry);
	if (generate_jobs(&generate, reading->workload, &model, reading->traffic, name_of(entry),
			  schema_count(entry, "count", 0), reading->sub->until, reading->err) < 0)
		return -1;
	/* Ids go on over all entries. */
	for (size_t i = first; i < reading->workload->count; i++) {
		struct workload_job *job = &reading->workload->jobs[i];

		job->job.id = reading->id++;
		job->compute = schema_time(entry, "compute", NETEMU_NEVER);
		job->recorded = yaml_find(entry, "trace");
	}
	return 0;
}

static int read_generator(struct reading *reading, const struct yaml_node *entry)
{
	struct generate_distribution submit, duration;
	int rc = -1;

	if (read_distribution(reading, entry, "submit", &submit) < 0) {
		generate_release(&submit);
		return -1;
	}
	if (read_distribution(reading, entry, "duration", &duration) == 0)
		rc = generate(reading, entry, &submit, &duration);
	generate_release(&submit);
	generate_release(&duration);
	return rc;
}

typedef int read_fn(struct workload *workload, const char *path, const struct workload_ask *ask,
		    struct err *err);

static const struct format {
	const char *key;
	read_fn *read;
} formats[] = {
	{ "swf", swf_read },
	{ "sacct", sacct_read },
	{ "jobcomp", jobcomp_read },
};

/* A pattern for the jobs of the latest source that have no matrix. */
static int give_pattern(struct reading *reading, const struct yaml_node *entry)
{
	struct err err = { "" };

	if (workload_traffic(reading->workload, reading->workload->sources - 1,
			     schema_text(entry, "pattern", "none"), schema_size(entry, "bytes", 1),
			     &err) == 0)
		return 0;
	return fail(reading, entry, err.text);
}

static void warn(const struct reading *reading, const char *text)
{
	size_t length = strlen(reading->warning->text);

	if (*text)
		snprintf(reading->warning->text + length, sizeof(reading->warning->text) - length,
			 "%s%s", length ? "; " : "", text);
}

static struct workload_ask ask_of(const struct yaml_node *entry)
{
	return (struct workload_ask){
		.ranks_per_node = (uint32_t)schema_count(entry, "ranks_per_node", 0),
		.limit = schema_time(entry, "limit", 0),
		.resources = schema_flag(entry, "resources", false),
		.shares = schema_flag(entry, "shares", false),
	};
}

/* A name of `run:` or `runs:`: a path from the scenario's folder, or a job id. */
static char *run_path(const struct reading *reading, const char *name)
{
	return name[strspn(name, "0123456789.")] ? scenario_path(reading->scenario, name)
						 : strdup(name);
}

/* What is odd about the runs that were joined, as warnings. */
static void tell_of_runs(const struct reading *reading, const struct runs_report *report)
{
	char text[400];

	if (!report->joined)
		warn(reading, "no job of the accounting has a run");
	if (report->strange) {
		snprintf(text, sizeof(text), "%zu of %zu runs are of no job in the accounting",
			 report->strange, report->runs);
		warn(reading, text);
	}
	if (report->broken) {
		snprintf(text, sizeof(text), "%zu of %zu runs cannot be read, first: %s",
			 report->broken, report->broken + report->runs, report->reason);
		warn(reading, text);
	}
}

/* Matrices for the jobs of accounting, which was read last. */
static int join_runs(struct reading *reading, const char *pattern)
{
	struct workload *workload = reading->workload;
	char *path = run_path(reading, pattern);
	struct runs_report report;
	int rc;

	if (!path)
		return no_memory(reading);
	rc = runs_join(workload, workload->sources - 1, path, &report, reading->err);
	free(path);
	if (rc < 0)
		return -1;
	workload->runs += report.runs;
	workload->joined += report.joined;
	workload->strange += report.strange;
	workload->broken += report.broken;
	tell_of_runs(reading, &report);
	return 0;
}

static int read_file(struct reading *reading, const struct yaml_node *entry,
		     const struct format *format)
{
	const struct workload_ask ask = ask_of(entry);
	const char *runs = schema_text(entry, "runs", NULL);
	char *path = scenario_path(reading->scenario, schema_text(entry, format->key, ""));
	int rc;

	if (!path)
		return no_memory(reading);
	rc = format->read(reading->workload, path, &ask, reading->err);
	free(path);
	if (rc < 0 || (runs && join_runs(reading, runs) < 0))
		return -1;
	return give_pattern(reading, entry);
}

static int read_runs(struct reading *reading, const struct yaml_node *entry)
{
	const struct workload_ask ask = ask_of(entry);
	char *path = run_path(reading, schema_text(entry, "run", schema_text(entry, "runs", "")));
	int rc;

	if (!path)
		return no_memory(reading);
	rc = runs_read(reading->workload, path, &ask, reading->err);
	free(path);
	return rc < 0 ? -1 : give_pattern(reading, entry);
}

/* Jobs of ENTRY, whatever its source. */
static int read_source(struct reading *reading, const struct yaml_node *entry)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (yaml_find(entry, formats[i].key))
			return read_file(reading, entry, &formats[i]);
	if (yaml_find(entry, "list"))
		return read_list(reading, yaml_find(entry, "list"));
	if (yaml_find(entry, "submit"))
		return read_generator(reading, entry);
	return read_runs(reading, entry);
}

/* The same; what is wrong is said with the line of ENTRY. */
static int read_entry(struct reading *reading, const struct yaml_node *entry)
{
	size_t length = strlen(reading->scenario->path);
	struct err why;

	if (read_source(reading, entry) == 0)
		return 0;
	why = *reading->err;
	if (strncmp(why.text, reading->scenario->path, length) || why.text[length] != ':')
		fail(reading, entry, why.text);
	return -1;
}

/* Which hosts the jobs of the real world had. */
static int find_hosts(struct reading *reading)
{
	char text[512];
	const struct yaml_node *hosts = reading->sub->hosts;
	struct hostmap_report report;
	struct err err = { "" };
	struct hostmap map;
	int rc = 0;

	hostmap_init(&map);
	for (size_t i = 0; hosts && rc == 0 && i < hosts->count; i++)
		if (hostmap_add(&map, hosts->items[i].key, hosts->items[i].text, &err) < 0)
			rc = fail(reading, &hosts->items[i], err.text);
	if (rc == 0)
		rc = hostmap_apply(&map, reading->workload, reading->topology, &report,
				   reading->err);
	if (rc == 0)
		warn(reading, hostmap_warning(&report, text, sizeof(text)));
	hostmap_release(&map);
	return rc;
}

int jobs_read(struct workload *workload, const struct scenario *scenario,
	      const struct scenario_case *sub, const struct topology *topology, struct err *warning,
	      struct err *err)
{
	struct reading reading = {
		.workload = workload,
		.scenario = scenario,
		.sub = sub,
		.topology = topology,
		.warning = warning,
		.err = err,
	};
	char text[512];
	int rc = 0;

	workload_init(workload);
	for (size_t i = 0; i < sub->jobs->count && rc == 0; i++)
		rc = read_entry(&reading, &sub->jobs->items[i]);
	if (rc == 0) {
		if (workload->skipped)
			warn(&reading, workload_skip_text(workload, text, sizeof(text)));
		workload_settle(workload);
		rc = find_hosts(&reading);
	}
	traffic_drop(reading.traffic);
	free(reading.traffic_key);
	if (rc < 0)
		workload_release(workload);
	return rc;
}
