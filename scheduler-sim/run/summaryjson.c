/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "summaryjson.h"
#include "hotjobs.h"
#include "linkgroups.h"
#include "policy/names.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECOND     1e9
#define HOTTEST    10
#define SLOW_FLOOR 10.0 /* s; shorter jobs count as this long in slowdowns */

static const double percents[] = { 50, 90, 95, 99 };

#define NPERCENTS (sizeof(percents) / sizeof(*percents))

/* Whole numbers as integers; what is none (no values) as null. */
static json_t *number(double value)
{
	if (!isfinite(value))
		return json_null();
	if (value == floor(value) && fabs(value) < 9e15)
		return json_integer((json_int_t)value);
	return json_real(value);
}

static json_t *statistics(const struct stats *stats, double variance)
{
	bool any = stats->count > 0;

	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)stats->count, "max",
			 number(any ? stats->max : NAN), "min", number(any ? stats->min : NAN),
			 "mean", number(any ? stats->mean : NAN), "variance",
			 number(any ? variance : NAN));
}

static void add_percentile(json_t *object, double percent, double value)
{
	char key[8];

	snprintf(key, sizeof(key), "p%.0f", percent);
	json_object_set_new(object, key, number(value));
}

static json_t *series_json(const struct recorder *recorder)
{
	json_t *all = json_object();

	for (int i = 0; i < RECORDER_SERIES; i++) {
		const struct series *series = &recorder->series[i];
		json_t *one = statistics(&series->stats, stats_variance_weighted(&series->stats));

		for (size_t k = 0; k < NPERCENTS; k++)
			add_percentile(one, percents[k], series_percentile(series, percents[k]));
		json_object_set_new(all, recorder_names[i], one);
	}
	return all;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Statistics of COUNT VALUES, which get sorted. */
static json_t *sample_json(double *values, size_t count)
{
	struct stats stats;
	json_t *json;

	stats_init(&stats);
	for (size_t i = 0; i < count; i++)
		stats_add(&stats, values[i]);
	json = statistics(&stats, stats_variance(&stats));
	qsort(values, count, sizeof(*values), by_value);
	for (size_t k = 0; k < NPERCENTS; k++)
		add_percentile(json, percents[k], stats_percentile(values, count, percents[k]));
	return json;
}

/* What one job says about a measure, NaN: nothing. */
typedef double measure_fn(const struct sim_job *job);

static double wait_of(const struct sim_job *job)
{
	return job->start == NETEMU_NEVER ? NAN
					  : (double)(job->start - job->what->job.submit) / SECOND;
}

static double response_of(const struct sim_job *job)
{
	return job->outcome != SIM_DONE ? NAN : (double)(job->end - job->what->job.submit) / SECOND;
}

static double run_of(const struct sim_job *job)
{
	return job->outcome != SIM_DONE ? NAN : (double)(job->end - job->start) / SECOND;
}

/* Bounded slowdown (Feitelson, JSSPP 2001). */
static double slowdown_of(const struct sim_job *job)
{
	return job->outcome != SIM_DONE ? NAN
					: fmax(1, response_of(job) / fmax(run_of(job), SLOW_FLOOR));
}

/* Largest load over what no placement is below, of the jobs of which that is known. */
static double excess_of(const struct sim_job *job)
{
	if (job->outcome == SIM_WAITING || job->outcome == SIM_REJECTED || job->unroutable ||
	    !(job->bound > 0))
		return NAN;
	return job->max_load / job->bound;
}

/* What minmax came to over its lower bound, of the jobs it has routed. */
static double gap_of(const struct sim_job *job)
{
	return job->routed_bound > 0 ? job->routed_most / job->routed_bound : NAN;
}

static const struct measure {
	const char *name;
	measure_fn *of;
} measures[] = {
	{ "wait", wait_of },
	{ "response", response_of },
	{ "run", run_of },
	{ "bounded_slowdown", slowdown_of },
	{ "load_over_placement_bound", excess_of },
	{ "load_over_routing_bound", gap_of },
};

static int add_measures(json_t *root, const struct sim_job *jobs, size_t count)
{
	double *values = malloc((count + 1) * sizeof(*values));

	if (!values)
		return -1;
	for (size_t k = 0; k < sizeof(measures) / sizeof(*measures); k++) {
		size_t used = 0;

		for (size_t i = 0; i < count; i++) {
			double value = measures[k].of(&jobs[i]);

			if (!isnan(value))
				values[used++] = value;
		}
		json_object_set_new(root, measures[k].name, sample_json(values, used));
	}
	free(values);
	return 0;
}

struct totals {
	size_t outcome[SIM_REJECTED + 1];
	uint64_t unroutable;
	int64_t first, end;      /* submission, end; first > end: there are none */
	double node_s, matrix_s; /* host seconds: of all jobs, of those with recorded traffic */
	const struct sim_job *rejected, *unrouted; /* the first such */
};

static void count_job(struct totals *totals, const struct sim_job *job)
{
	totals->outcome[job->outcome]++;
	totals->unroutable += job->unroutable;
	if (job->what->job.submit < totals->first)
		totals->first = job->what->job.submit;
	if (job->outcome == SIM_REJECTED && !totals->rejected)
		totals->rejected = job;
	if (job->unroutable && !totals->unrouted)
		totals->unrouted = job;
	if (job->outcome != SIM_DONE)
		return;
	if (job->end > totals->end)
		totals->end = job->end;
	totals->node_s += run_of(job) * job->nhosts;
	if (job->what->recorded)
		totals->matrix_s += run_of(job) * job->nhosts;
}

/* What became of the runs beside accounting, null where there are none. */
static json_t *joined_json(const struct workload *workload)
{
	if (!workload->runs && !workload->broken)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "runs", (json_int_t)workload->runs, "jobs",
			 (json_int_t)workload->joined, "runs_of_no_job",
			 (json_int_t)workload->strange, "unreadable", (json_int_t)workload->broken);
}

static json_t *jobs_json(const struct totals *totals, const struct report *report, size_t count)
{
	json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)count,
				 "done", (json_int_t)totals->outcome[SIM_DONE], "running",
				 (json_int_t)totals->outcome[SIM_RUNNING], "waiting",
				 (json_int_t)totals->outcome[SIM_WAITING], "rejected",
				 (json_int_t)totals->outcome[SIM_REJECTED], "skipped_of_sources",
				 (json_int_t)report->workload->skipped);

	if (totals->rejected)
		json_object_set_new(
			json, "first_rejected",
			json_pack("{s:I, s:s}", "id", (json_int_t)totals->rejected->what->job.id,
				  "reason",
				  totals->rejected->reason ? totals->rejected->reason : ""));
	if (totals->unrouted)
		json_object_set_new(json, "first_unrouted",
				    json_integer((json_int_t)totals->unrouted->what->job.id));
	json_object_set_new(json, "node_seconds", number(totals->node_s));
	json_object_set_new(json, "share_recorded",
			    number(totals->node_s > 0 ? totals->matrix_s / totals->node_s : NAN));
	json_object_set_new(json, "joined", joined_json(report->workload));
	return json;
}

static void add_time(json_t *root, const struct totals *totals, const struct report *report)
{
	const struct recorder *recorder = report->recorder;
	bool any = totals->first <= totals->end;
	double makespan = any ? (double)(totals->end - totals->first) / SECOND : 0;
	double hosts = report->topology->net.hosts;
	double watched = (double)(recorder->last - recorder->first) / SECOND;

	json_object_set_new(root, "makespan", number(any ? makespan : NAN));
	json_object_set_new(root, "utilisation",
			    number(recorder->last > recorder->first
					   ? recorder->busy_s / (hosts * watched)
					   : NAN));
}

static json_t *text(const char *value)
{
	json_t *json = json_string(value);

	return json ? json : json_string("?"); /* not UTF-8 */
}

static json_t *algorithms_json(const struct scenario_case *sub)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "scheduler",
			 text(policy_own_name(NETEMU_SCHEDULING, sub->scheduler)), "host_selector",
			 text(policy_own_name(NETEMU_SELECTION, sub->selection)), "process_mapper",
			 text(policy_own_name(NETEMU_PLACEMENT, sub->placement)), "router",
			 text(policy_own_name(NETEMU_ROUTING, sub->routing)));
}

static json_t *inputs_json(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->ninputs; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:s}", "path", text(report->inputs[i].path),
						"sha256", report->inputs[i].sum));
	return list;
}

static json_t *topology_json(const struct topology *topology, const char *spec)
{
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:s}", "spec", text(spec), "name",
			 text(topology->name ? topology->name : ""), "hosts",
			 (json_int_t)topology->net.hosts, "switches",
			 (json_int_t)topology->nswitches, "links", (json_int_t)topology->net.links,
			 "capacity_unit", topology->unit == TOPOLOGY_UNIT_BYTE ? "byte/s" : "none");
}

static json_t *amount(load_amount amount)
{
	double value = load_double(amount);

	return value == floor(value) && value < 9e18
		       ? json_integer((json_int_t)load_integer(amount))
		       : json_real(value);
}

static double peak_congestion(const struct report *report, uint32_t link)
{
	return load_double(report->recorder->link[link].peak_bytes) /
	       report->topology->net.link[link].capacity;
}

/* The links with the highest peaks, the first of equal ones first. */
static uint32_t find_hottest(const struct report *report, uint32_t hottest[HOTTEST])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < report->topology->net.links; i++) {
		uint32_t place = count;

		if (!report->recorder->link[i].peak_bytes)
			continue;
		while (place &&
		       peak_congestion(report, i) > peak_congestion(report, hottest[place - 1]))
			place--;
		if (place == HOTTEST)
			continue;
		if (count < HOTTEST)
			count++;
		memmove(hottest + place + 1, hottest + place,
			(count - place - 1) * sizeof(*hottest));
		hottest[place] = i;
	}
	return count;
}

static json_t *hottest_json(const struct report *report)
{
	const struct netemu_net *net = &report->topology->net;
	uint32_t hottest[HOTTEST], count = find_hottest(report, hottest);
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++) {
		const struct netemu_link *link = &net->link[hottest[i]];
		const struct recorder_link *seen = &report->recorder->link[hottest[i]];

		json_array_append_new(
			list,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "src",
				  text(net->name[link->from]), "dst", text(net->name[link->to]),
				  "src_port",
				  number(link->from_port == NETEMU_NONE ? NAN : link->from_port),
				  "dst_port",
				  number(link->to_port == NETEMU_NONE ? NAN : link->to_port),
				  "bytes", amount(seen->peak_bytes), "flows",
				  amount(seen->peak_flows), "mean_bytes",
				  number(recorder_mean_bytes(report->recorder, hottest[i]))));
	}
	return list;
}

static int add_link_groups(json_t *root, const struct report *report)
{
	json_t *peaks = linkgroups_json(report, true);
	json_t *means = linkgroups_json(report, false);

	if (!peaks || !means) {
		json_decref(peaks);
		json_decref(means);
		return -1;
	}
	json_object_set_new(root, "link_peaks", peaks);
	json_object_set_new(root, "link_means", means);
	return 0;
}

static json_t *summary(const struct report *report, const struct sim_job *jobs, size_t count)
{
	const struct scenario_case *sub = report->sub;
	struct totals totals = { .first = NETEMU_NEVER, .end = -1 };
	json_t *root = json_object();

	for (size_t i = 0; i < count; i++)
		count_job(&totals, &jobs[i]);
	json_object_set_new(root, "version", json_string("netemu " PACKAGE_VERSION));
	json_object_set_new(root, "scenario", text(report->scenario));
	json_object_set_new(root, "id", json_integer((json_int_t)sub->id));
	json_object_set_new(root, "repetition", json_integer((json_int_t)sub->repetition));
	json_object_set_new(root, "seed", json_integer((json_int_t)sub->seed));
	json_object_set_new(root, "digest", json_string(report->digest));
	json_object_set_new(root, "inputs", inputs_json(report));
	json_object_set_new(root, "topology", topology_json(report->topology, sub->topology));
	json_object_set_new(root, "algorithms", algorithms_json(sub));
	json_object_set_new(root, "traffic", json_string(sub->windows ? "windows" : "total"));
	json_object_set_new(root, "stretch", json_boolean(sub->stretch));
	json_object_set_new(root, "jobs", jobs_json(&totals, report, count));
	add_time(root, &totals, report);
	if (add_measures(root, jobs, count) < 0 || add_link_groups(root, report) < 0) {
		json_decref(root);
		return NULL;
	}
	json_object_set_new(root, "unroutable_pairs", json_integer((json_int_t)totals.unroutable));
	json_object_set_new(root, "series", series_json(report->recorder));
	json_object_set_new(root, "hottest_links", hottest_json(report));
	return root;
}

int summaryjson_write(const struct report *report, struct err *err)
{
	size_t count;
	const struct sim_job *jobs = sim_jobs(report->sim, &count);
	json_t *root, *hot;
	struct outfile file;

	if (hotjobs_json(report, &hot, err) < 0)
		return -1;
	root = summary(report, jobs, count);
	if (!root) {
		json_decref(hot);
		return err_errno(err, "%s", report->dir);
	}
	json_object_set_new(root, "hot_links_of_jobs", hot);
	if (report_open(report->dir, &file, REPORT_SUMMARY, err) < 0) {
		json_decref(root);
		return -1;
	}
	json_dumpf(root, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	putc('\n', file.stream);
	json_decref(root);
	return outfile_commit(&file, err);
}
