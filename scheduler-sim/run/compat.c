/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "compat.h"
#include "compat_xgft.h"
#include "keys.h"
#include "pfsim/pfsim.h"
#include "policy/names.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE 4096 /* of result.txt */

/* What PFSim's jobs are made of. */
struct compat_jobs {
	struct pfsim_jobs *jobs;  /* [count]; owned */
	struct traffic **traffic; /* [count]; owned */
	size_t count;
};

static int fail(const struct scenario *scenario, const struct yaml_node *node, const char *what,
		struct err *err)
{
	return err_set(err, "%s:%u: %s", scenario->path, node->line, what);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static struct pfsim_jobs *add_jobs(struct compat_jobs *all)
{
	struct pfsim_jobs *jobs = realloc(all->jobs, (all->count + 1) * sizeof(*jobs));
	struct traffic **traffic;

	if (!jobs)
		return NULL;
	all->jobs = jobs;
	traffic = realloc(all->traffic, (all->count + 1) * sizeof(*traffic));
	if (!traffic)
		return NULL;
	all->traffic = traffic;
	memset(&jobs[all->count], 0, sizeof(*jobs));
	traffic[all->count] = NULL;
	return &jobs[all->count++];
}

/* What ENTRY of a list of jobs sends; a trace that an earlier one has is shared. */
static int read_traffic(struct compat_jobs *all, const struct scenario *scenario,
			const struct yaml_node *entry, struct err *err)
{
	struct pfsim_jobs *jobs = &all->jobs[all->count - 1];
	const char *trace = schema_text(entry, "trace", NULL);
	char *path;
	int rc;

	if (!trace) {
		jobs->trace = schema_text(entry, "pattern", "none");
		rc = traffic_pattern(&all->traffic[all->count - 1], jobs->trace,
				     (uint32_t)schema_count(entry, "ranks", 1),
				     schema_size(entry, "bytes", 1), err);
	} else {
		jobs->trace = base_of(trace);
		path = scenario_path(scenario, trace);
		if (!path)
			return err_errno(err, "%s", trace);
		rc = traffic_read(&all->traffic[all->count - 1], path, err);
		free(path);
	}
	jobs->traffic = all->traffic[all->count - 1];
	return rc;
}

/* The rate of an exponential distribution, 0 when NODE is another one. */
static double lambd_of(const struct yaml_node *node)
{
	const struct schema_variant *variant;

	if (!node || node->kind != YAML_MAP)
		return 0;
	variant = schema_variant(keys_distributions, schema_text(node, "distribution", ""));
	return strcmp(variant->name, "exponential") == 0
		       ? schema_number(yaml_find(node, "params"), "lambd", 0)
		       : 0;
}

static int add_generator(struct compat_jobs *all, const struct scenario *scenario,
			 const struct yaml_node *entry, struct err *err)
{
	struct pfsim_jobs *jobs = add_jobs(all);

	if (!jobs)
		return err_errno(err, "%s", scenario->path);
	jobs->submit_lambd = lambd_of(yaml_find(entry, "submit"));
	jobs->duration_lambd = lambd_of(yaml_find(entry, "duration"));
	if (jobs->submit_lambd <= 0 || jobs->duration_lambd <= 0)
		return fail(scenario, entry,
			    "jobs: PFSim has exponential distributions with 'lambd' only", err);
	return read_traffic(all, scenario, entry, err);
}

static double seconds_of(const struct yaml_node *map, const char *key)
{
	const char *text = schema_text(map, key, "0");
	double number;

	if (schema_parse_number(text, &number) == 0)
		return number;
	return (double)schema_time(map, key, 0) / 1e9;
}

static int add_single(struct compat_jobs *all, const struct scenario *scenario,
		      const struct yaml_node *entry, struct err *err)
{
	struct pfsim_jobs *jobs = add_jobs(all);

	if (!jobs)
		return err_errno(err, "%s", scenario->path);
	jobs->once = true;
	jobs->submit = seconds_of(entry, "submit");
	jobs->duration = seconds_of(entry, "duration");
	return read_traffic(all, scenario, entry, err);
}

static int read_jobs(struct compat_jobs *all, const struct scenario *scenario,
		     const struct scenario_case *sub, struct err *err)
{
	for (size_t i = 0; i < sub->jobs->count; i++) {
		const struct yaml_node *entry = &sub->jobs->items[i];
		const struct yaml_node *list = yaml_find(entry, "list");

		if (!list && !yaml_find(entry, "submit"))
			return fail(scenario, entry, "jobs: PFSim reads no such source", err);
		if (!list && add_generator(all, scenario, entry, err) < 0)
			return -1;
		for (size_t k = 0; list && k < list->count; k++)
			if (add_single(all, scenario, &list->items[k], err) < 0)
				return -1;
	}
	return 0;
}

static void release_jobs(struct compat_jobs *all)
{
	for (size_t i = 0; i < all->count; i++)
		traffic_drop(all->traffic[i]);
	free(all->traffic);
	free(all->jobs);
}

/* Its tree is not the one that the name means, so it is built here. */
static int open_topology(struct topology *topology, const struct scenario *scenario,
			 const struct scenario_case *sub, struct err *err)
{
	const char *kind = schema_text(sub->topology_node, "kind", "");
	const struct schema_variant *variant = schema_variant(keys_topologies, kind);

	if (variant && strcmp(variant->name, "xgft") == 0)
		return compat_xgft(topology, yaml_find(sub->topology_node, "params"), sub->topology,
				   err);
	if (strcmp(kind, "pfsim.topology.NDTorusTopology") == 0)
		return fail(
			scenario, sub->topology_node,
			"topology: PFSim's NDTorusTopology ends with an error there, so there is "
			"nothing to reproduce; leave out --compat",
			err);
	return topology_open(topology, sub->topology,
			     strcmp(scenario->base, ".") ? scenario->base : NULL, err);
}

/* "| KEY | VALUE |" of LINE; false: it is no such row. */
static bool read_row(char *line, char **key, char **value)
{
	char *bar;

	if (strncmp(line, "| ", 2))
		return false;
	*key = line + 2;
	bar = strchr(*key, '|');
	if (!bar)
		return false;
	*value = bar + 1 + strspn(bar + 1, " ");
	while (bar > *key && bar[-1] == ' ')
		bar--;
	*bar = '\0';
	bar = strchr(*value, '|');
	if (!bar)
		return false;
	while (bar > *value && bar[-1] == ' ')
		bar--;
	*bar = '\0';
	return true;
}

static const struct statistic {
	const char *name, *key;
} statistics[] = {
	{ "Max", "max" },     { "Min", "min" },           { "Mean", "mean" },
	{ "Count", "count" }, { "Variance", "variance" },
};

static void keep_statistic(json_t *block, const char *name, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	for (size_t i = 0; end != text && i < sizeof(statistics) / sizeof(*statistics); i++)
		if (strcmp(statistics[i].name, name) == 0)
			json_object_set_new(block, statistics[i].key, json_real(value));
}

/* Blocks of result.txt that have statistics: {"Maximum Congestion": {...}}. */
static json_t *read_result(const char *dir)
{
	char *path, line[LINE_MAX_SIZE], *key, *value;
	json_t *blocks = json_object(), *block = NULL;
	FILE *in = NULL;

	if (asprintf(&path, "%s/result.txt", dir) >= 0) {
		in = fopen(path, "re");
		free(path);
	}
	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line != '+' && *line != '|') {
			block = json_object();
			json_object_set_new(blocks, line, block);
		} else if (block && read_row(line, &key, &value)) {
			keep_statistic(block, key, value);
		}
	}
	if (in)
		fclose(in);
	return blocks;
}

/* Where the same measure stands in our own summaries. */
static void put_measures(json_t *root, json_t *blocks)
{
	json_t *finished = json_object_get(blocks, "Number of Finished Jobs");
	json_t *done = json_object_get(finished, "max");

	json_object_set(root, "wait", json_object_get(blocks, "Job Wait Time"));
	json_object_set(root, "response", json_object_get(blocks, "Job Response Time"));
	if (json_is_number(done))
		json_object_set_new(
			root, "jobs",
			json_pack("{s:I}", "done", (json_int_t)json_number_value(done)));
}

static json_t *inputs_json(const struct inputs *inputs)
{
	json_t *list = json_array();

	for (size_t i = 0; i < inputs->count; i++)
		json_array_append_new(list, json_pack("{s:s*, s:s}", "path", inputs->file[i].path,
						      "sha256", inputs->file[i].sum));
	return list;
}

static int write_summary(const struct scenario *scenario, const struct scenario_case *sub,
			 const struct inputs *inputs, const char *digest, const char *dir,
			 struct err *err)
{
	json_t *blocks = read_result(dir), *root;
	struct outfile file;

	root = json_pack("{s:s, s:s, s:s*, s:I, s:I, s:I, s:s, s:o, s:{s:s*, s:s*, s:s*, s:s*}}",
			 "version", "netemu " PACKAGE_VERSION, "compat", "pfsim", "scenario",
			 base_of(scenario->path), "id", (json_int_t)sub->id, "repetition",
			 (json_int_t)sub->repetition, "seed", (json_int_t)sub->seed, "digest",
			 digest, "inputs", inputs_json(inputs), "algorithms", "scheduler",
			 policy_own_name(NETEMU_SCHEDULING, sub->scheduler), "host_selector",
			 policy_own_name(NETEMU_SELECTION, sub->selection), "process_mapper",
			 policy_own_name(NETEMU_PLACEMENT, sub->placement), "router",
			 policy_own_name(NETEMU_ROUTING, sub->routing));
	put_measures(root, blocks);
	json_object_set_new(root, "series", blocks);
	if (report_open(dir, &file, REPORT_SUMMARY, err) < 0) {
		json_decref(root);
		return -1;
	}
	json_dumpf(root, file.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	putc('\n', file.stream);
	json_decref(root);
	return outfile_commit(&file, err);
}

static int run(const struct scenario *scenario, const struct scenario_case *sub,
	       const struct topology *topology, const struct compat_jobs *jobs, const char *dir,
	       struct err *err)
{
	struct pfsim_scenario pfsim = {
		.topology = topology,
		.duration = seconds_of(&scenario->root, "duration"),
		.duration_is_float = sub->duration[strcspn(sub->duration, ".eE")] != '\0',
		.topology_text = keys_topology_python(sub->topology_node),
		.host_selector = sub->selection,
		.process_mapper = sub->placement,
		.router = sub->routing,
		.jobs = jobs->jobs,
		.njobs = jobs->count,
		.seed = sub->seed,
	};
	int rc = pfsim.topology_text ? pfsim_run(&pfsim, dir, err) : err_errno(err, "%s", dir);

	free((char *)pfsim.topology_text);
	return rc;
}

int compat_run(const struct scenario *scenario, const struct scenario_case *sub,
	       const struct inputs *inputs, const char *digest, const char *dir, struct err *err)
{
	struct compat_jobs jobs = { 0 };
	struct topology topology;
	int rc;

	if (!sub->duration)
		return err_set(err, "%s:1: PFSim wants a 'duration'", scenario->path);
	if (strcmp(sub->scheduler, "fcfs") &&
	    strcmp(sub->scheduler, "pfsim.scheduler.FCFSScheduler"))
		return err_set(err, "%s: scheduler '%s' is not PFSim's (fcfs)", scenario->path,
			       sub->scheduler);
	if (open_topology(&topology, scenario, sub, err) < 0)
		return -1;
	rc = read_jobs(&jobs, scenario, sub, err);
	if (rc == 0)
		rc = run(scenario, sub, &topology, &jobs, dir, err);
	if (rc == 0)
		rc = write_summary(scenario, sub, inputs, digest, dir, err);
	release_jobs(&jobs);
	topology_release(&topology);
	return rc;
}
