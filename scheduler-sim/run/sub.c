/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sub.h"
#include "compat.h"
#include "inputs.h"
#include "jobs.h"
#include "jobtables.h"
#include "linktables.h"
#include "plot.h"
#include "summaryjson.h"
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sub_cache {
	char *spec; /* of the topology; NULL: there is none */
	struct topology topology;
	char *jobs; /* what the workload follows from; NULL: there is none */
	struct workload workload;
	struct inputs_known known;
};

/* One sub-scenario on its way. */
struct job {
	struct scenario *scenario;
	struct scenario_case sub;
	struct sub_cache *cache;
	struct inputs inputs;
	char digest[SHA256_TEXT];
	char *dir;
	struct err *warning;
};

struct sub_cache *sub_cache_create(void)
{
	return calloc(1, sizeof(struct sub_cache));
}

static void forget_jobs(struct sub_cache *cache)
{
	if (cache->jobs)
		workload_release(&cache->workload);
	free(cache->jobs);
	cache->jobs = NULL;
}

static void forget_topology(struct sub_cache *cache)
{
	forget_jobs(cache);
	if (cache->spec)
		topology_release(&cache->topology);
	free(cache->spec);
	cache->spec = NULL;
}

void sub_cache_destroy(struct sub_cache *cache)
{
	if (!cache)
		return;
	forget_topology(cache);
	inputs_forget(&cache->known);
	free(cache);
}

/* The SPEC with the scenario's link_rate, which goes before what a file says. */
static char *full_spec(const struct scenario_case *sub)
{
	char *spec;

	if (!sub->link_rate || strstr(sub->topology, "@rate="))
		return strdup(sub->topology);
	return asprintf(&spec, "%s@rate=%s", sub->topology, sub->link_rate) < 0 ? NULL : spec;
}

/* Folder of relative paths, NULL: the working directory. */
static const char *base_of(const struct job *job)
{
	return strcmp(job->scenario->base, ".") ? job->scenario->base : NULL;
}

static int need_topology(struct job *job, struct err *err)
{
	struct sub_cache *cache = job->cache;
	char *spec = full_spec(&job->sub);
	struct err why = { "" };

	if (!spec)
		return err_errno(err, "%s", job->sub.topology);
	if (cache->spec && strcmp(cache->spec, spec) == 0) {
		free(spec);
		return 0;
	}
	forget_topology(cache);
	if (topology_open(&cache->topology, spec, base_of(job), &why) < 0) {
		free(spec);
		return err_set(err, "%s:%u: %s", job->scenario->path, job->sub.topology_node->line,
			       why.text);
	}
	cache->spec = spec;
	return 0;
}

/* What the jobs follow from, but for their files, which do not change. */
static char *jobs_key(const struct job *job)
{
	char *text = scenario_node_text(job->sub.jobs), *key;

	if (!text)
		return NULL;
	if (asprintf(&key, "%" PRIu64 " %" PRId64 " %s", job->sub.seed, job->sub.until, text) < 0)
		key = NULL;
	free(text);
	return key;
}

static int need_jobs(struct job *job, struct err *err)
{
	struct sub_cache *cache = job->cache;
	char *key = jobs_key(job);

	if (!key)
		return err_errno(err, "%s", job->scenario->path);
	if (cache->jobs && strcmp(cache->jobs, key) == 0) {
		free(key);
		return 0;
	}
	forget_jobs(cache);
	if (jobs_read(&cache->workload, job->scenario, &job->sub, &cache->topology, job->warning,
		      err) < 0) {
		free(key);
		return -1;
	}
	cache->jobs = key;
	return 0;
}

static struct sim_settings settings_of(const struct job *job)
{
	const struct scenario_case *sub = &job->sub;
	const struct yaml_node *have = sub->resources;

	return (struct sim_settings){
		.topology = &job->cache->topology,
		.scheduler = sub->scheduler,
		.selection = sub->selection,
		.placement = sub->placement,
		.routing = sub->routing,
		.seed = sub->seed,
		.until = sub->until,
		.no_network = !sub->network,
		.base = base_of(job),
		.have = {
			[NETEMU_CORES] = schema_count(have, "cores", 0),
			[NETEMU_GPUS] = schema_count(have, "gpus", 0),
			[NETEMU_MEMORY] = schema_size(have, "memory", 0),
			[NETEMU_LICENCES] = schema_count(have, "licences", 0),
		},
		.stretch = sub->stretch,
		.windows = sub->windows,
	};
}

/* Times of `snapshots:`, ascending; *TIMES is to be freed. */
static int snapshot_times(const struct yaml_node *node, int64_t **times, size_t *count,
			  int64_t *every)
{
	*times = NULL;
	*count = 0;
	*every = 0;
	if (!node)
		return 0;
	if (node->kind == YAML_MAP) {
		*every = schema_time(node, "every", 0);
		return 0;
	}
	*times = calloc(node->count + 1, sizeof(**times));
	if (!*times)
		return -1;
	if (node->kind == YAML_SCALAR)
		schema_parse_time(node->text, &(*times)[(*count)++]);
	for (size_t i = 0; i < node->count; i++) {
		int64_t time = 0;
		size_t j = *count;

		schema_parse_time(node->items[i].text, &time);
		for (; j && (*times)[j - 1] > time; j--)
			(*times)[j] = (*times)[j - 1];
		(*times)[j] = time;
		(*count)++;
	}
	return 0;
}

static int write_results(const struct job *job, const struct sim *sim,
			 const struct recorder *recorder, struct err *err)
{
	const char *slash = strrchr(job->scenario->path, '/');
	const struct report report = {
		.sub = &job->sub,
		.scenario = slash ? slash + 1 : job->scenario->path,
		.digest = job->digest,
		.inputs = job->inputs.file,
		.ninputs = job->inputs.count,
		.topology = &job->cache->topology,
		.workload = &job->cache->workload,
		.sim = sim,
		.recorder = recorder,
		.dir = job->dir,
		.base = base_of(job),
	};

	if (plot_results(&report, err) < 0)
		return -1;
	if (jobtables_write(&report, err) < 0 || linktables_write(&report, err) < 0)
		return -1;
	return summaryjson_write(&report, err);
}

/* WHY a simulation cannot begin, with the line of the algorithm that it names. */
static int blame(const struct job *job, const struct err *why, struct err *err)
{
	const struct yaml_node *list = yaml_find(&job->scenario->root, "algorithms");

	for (size_t i = 0; list && i < list->count; i++) {
		const struct yaml_node *node = &list->items[i];
		size_t length = strcspn(node->text, ":");
		char name[128];

		snprintf(name, sizeof(name), "%.*s", (int)(length < 120 ? length : 120),
			 node->text);
		if (strstr(why->text, name))
			return err_set(err, "%s:%u: algorithms.%s: %s", job->scenario->path,
				       node->line, node->key, why->text);
	}
	return err_set(err, "%s", why->text);
}

static void warn(const struct job *job, const char *text)
{
	size_t length = strlen(job->warning->text);

	snprintf(job->warning->text + length, sizeof(job->warning->text) - length, "%s%s",
		 length ? "; " : "", text);
}

/* No jobs, such that could never run, and pairs without a path. */
static void warn_of_jobs(const struct job *job, const struct sim *sim)
{
	const struct sim_job *jobs, *rejected = NULL, *unrouted = NULL;
	size_t count, rejections = 0;
	uint64_t pairs = 0;
	char text[400];

	jobs = sim_jobs(sim, &count);
	for (size_t i = 0; i < count; i++) {
		pairs += jobs[i].unroutable;
		if (jobs[i].unroutable && !unrouted)
			unrouted = &jobs[i];
		if (jobs[i].outcome == SIM_REJECTED && !rejections++)
			rejected = &jobs[i];
	}
	if (!count)
		warn(job, "there are no jobs");
	if (rejected) {
		snprintf(text, sizeof(text), "%zu jobs can never run, first %" PRIu64 ": %.200s",
			 rejections, rejected->what->job.id,
			 rejected->reason ? rejected->reason : "no reason known");
		warn(job, text);
	}
	if (unrouted) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " pairs of hosts of jobs have no path under %.64s, the first "
			 "are of job %" PRIu64,
			 pairs, job->sub.routing, unrouted->what->job.id);
		warn(job, text);
	}
}

static int simulate(const struct job *job, struct recorder *recorder, struct err *err)
{
	struct sim_settings settings = settings_of(job);
	struct err why = { "" };
	struct sim *sim;
	int rc;

	if (sim_create(&sim, &settings, &job->cache->workload, &why) < 0)
		return blame(job, &why, err);
	if (sim_watch(sim, &recorder->watcher) < 0)
		rc = err_errno(err, "%s", job->dir);
	else
		rc = sim_run(sim, err);
	if (rc == 0)
		rc = recorder_finish(recorder, err);
	if (rc == 0)
		rc = write_results(job, sim, recorder, err);
	if (rc == 0)
		warn_of_jobs(job, sim);
	sim_destroy(sim);
	return rc;
}

static int run_engine(const struct job *job, struct err *err)
{
	struct recorder_settings settings = {
		.topology = &job->cache->topology,
		.dir = job->dir,
	};
	struct recorder recorder;
	int64_t *times;
	int rc;

	if (snapshot_times(job->sub.snapshots, &times, &settings.nsnapshots, &settings.every) < 0)
		return err_errno(err, "%s", job->scenario->path);
	settings.snapshots = times;
	rc = recorder_init(&recorder, &settings, err);
	if (rc == 0) {
		rc = simulate(job, &recorder, err);
		recorder_release(&recorder);
	}
	free(times);
	return rc;
}

static bool is_up_to_date(const struct job *job)
{
	char *path;
	json_t *root;
	const char *digest;
	bool same;

	if (asprintf(&path, "%s/" REPORT_SUMMARY, job->dir) < 0)
		return false;
	root = json_load_file(path, 0, NULL);
	digest = json_string_value(json_object_get(root, "digest"));
	same = digest && strcmp(digest, job->digest) == 0;
	json_decref(root);
	free(path);
	return same;
}

/* Remove what said that there are results. */
static int drop_summary(const struct job *job, struct err *err)
{
	char *path;
	int rc = 0;

	if (asprintf(&path, "%s/" REPORT_SUMMARY, job->dir) < 0)
		return err_errno(err, "%s", job->dir);
	if (unlink(path) < 0 && errno != ENOENT)
		rc = err_errno(err, "unable to remove '%s'", path);
	free(path);
	return rc;
}

/* The folder, without a summary and half-written files of before. */
static int prepare_folder(const struct job *job, struct err *err)
{
	if (sweep_make_folder(job->dir, err) < 0)
		return -1;
	sub_clean(job->dir);
	return drop_summary(job, err);
}

static int run(struct job *job, bool resume, bool *skipped, struct err *err)
{
	if (inputs_find(&job->inputs, job->scenario, &job->sub, &job->cache->known, err) < 0 ||
	    inputs_digest(&job->inputs, job->scenario, &job->sub, job->digest, err) < 0) {
		drop_summary(job, NULL); /* of another scenario */
		return -1;
	}
	*skipped = resume && is_up_to_date(job);
	if (*skipped)
		return 0;
	if (prepare_folder(job, err) < 0)
		return -1;
	if (job->sub.pfsim)
		return compat_run(job->scenario, &job->sub, &job->inputs, job->digest, job->dir,
				  err);
	if (need_topology(job, err) < 0 || need_jobs(job, err) < 0)
		return -1;
	return run_engine(job, err);
}

int sub_run(struct scenario *scenario, size_t number, struct sub_cache *cache, bool resume,
	    bool *skipped, struct err *warning, struct err *err)
{
	struct job job = { .scenario = scenario, .cache = cache, .warning = warning };
	char folder[48];
	int rc;

	*skipped = false;
	if (scenario_case(scenario, number, &job.sub, err) < 0)
		return -1;
	scenario_folder(scenario, number, folder, sizeof(folder));
	if (asprintf(&job.dir, "%s/%s", scenario->output, folder) < 0) {
		job.dir = NULL;
		rc = err_errno(err, "%s", scenario->output);
	} else {
		rc = run(&job, resume, skipped, err);
	}
	free(job.dir);
	inputs_release(&job.inputs);
	scenario_case_release(&job.sub);
	return rc;
}

/* "NAME.XXXXXX" with a NAME that has a suffix of ours. */
static bool is_half_written(const char *name)
{
	static const char *const suffixes[] = { ".csv", ".tsv", ".swf",     ".json",   ".txt",
						".svg", ".png", ".graphml", ".gnuplot" };
	size_t length = strlen(name);

	if (length < 8 || name[length - 7] != '.')
		return false;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t size = strlen(suffixes[i]);

		if (length - 7 > size && strncmp(name + length - 7 - size, suffixes[i], size) == 0)
			return true;
	}
	return false;
}

void sub_clean(const char *dir)
{
	DIR *folder = opendir(dir);
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		if (is_half_written(entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
}
