/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "scenario.h"
#include "keys.h"
#include "policy/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PFSim's nesting; all else is inside. */
static const char *const outer_axes[] = {
	"topology",
	"algorithms.scheduler",
	"algorithms.host_selector",
	"algorithms.process_mapper",
	"algorithms.router",
};

#define OUTER (sizeof(outer_axes) / sizeof(*outer_axes))

static size_t depth_of(const struct schema_axis *axis)
{
	size_t depth = 0;

	while (depth < OUTER && strcmp(outer_axes[depth], axis->name))
		depth++;
	return depth;
}

/* Insertion keeps the order of appearance. */
static void nest(struct schema_axes *axes)
{
	for (size_t i = 1; i < axes->count; i++) {
		struct schema_axis axis = axes->axis[i];
		size_t j = i;

		for (; j && depth_of(&axes->axis[j - 1]) > depth_of(&axis); j--)
			axes->axis[j] = axes->axis[j - 1];
		axes->axis[j] = axis;
	}
}

static int count_cases(struct scenario *scenario, struct err *err)
{
	size_t cases = 1;

	for (size_t i = 0; i < scenario->axes.count; i++)
		if (__builtin_mul_overflow(cases, scenario->axes.axis[i].values.count, &cases) ||
		    cases > SCENARIO_CASES / scenario->repeat)
			return err_set(err, "%s:%u: %s: the sweep has more than %d sub-scenarios",
				       scenario->path, scenario->axes.axis[i].node->line,
				       scenario->axes.axis[i].name, SCENARIO_CASES);
	scenario->cases = cases;
	return 0;
}

static const struct yaml_node *source_of(const struct yaml_node *entry, const char **second)
{
	const struct yaml_node *source = NULL;

	*second = NULL;
	for (size_t i = 0; keys_sources[i]; i++) {
		const struct yaml_node *node = yaml_find(entry, keys_sources[i]);

		if (!node)
			continue;
		/* Accounting, with the matrices of runs. */
		if (source && strcmp(source->key, "sacct") == 0 && !strcmp(node->key, "runs"))
			continue;
		if (source)
			*second = node->key;
		else
			source = node;
	}
	return source;
}

static int check_generator(const struct scenario *scenario, const struct yaml_node *entry,
			   struct err *err)
{
	const char *path = scenario->path;
	bool trace = yaml_find(entry, "trace"), ranks = yaml_find(entry, "ranks");

	if (!yaml_find(entry, "duration"))
		return err_set(err, "%s:%u: jobs: 'duration' is missing beside 'submit'", path,
			       entry->line);
	if (!trace && !ranks && !yaml_find(entry, "nodes"))
		return err_set(err, "%s:%u: jobs: one of 'trace', 'ranks' and 'nodes' is wanted",
			       path, entry->line);
	if (trace && yaml_find(entry, "pattern"))
		return err_set(err, "%s:%u: jobs: 'trace' and 'pattern' exclude each other", path,
			       entry->line);
	if (!yaml_find(entry, "count") && !yaml_find(&scenario->root, "duration"))
		return err_set(err,
			       "%s:%u: jobs: these jobs never end: 'count' or the scenario's "
			       "'duration' is wanted",
			       path, entry->line);
	return 0;
}

static int check_jobs(const struct scenario *scenario, struct err *err)
{
	const struct yaml_node *jobs = yaml_find(&scenario->root, "jobs");

	if (!jobs->count)
		return err_set(err, "%s:%u: jobs: the list is empty", scenario->path, jobs->line);
	for (size_t i = 0; i < jobs->count; i++) {
		const struct yaml_node *entry = &jobs->items[i];
		const char *second;
		const struct yaml_node *source = source_of(entry, &second);

		if (!source)
			return err_set(
				err,
				"%s:%u: jobs[%zu]: one of submit, list, swf, sacct, jobcomp, "
				"run and runs is wanted",
				scenario->path, entry->line, i);
		if (second)
			return err_set(err, "%s:%u: jobs[%zu]: '%s' and '%s' exclude each other",
				       scenario->path, entry->line, i, source->key, second);
		if (strcmp(source->key, "submit") == 0 && check_generator(scenario, entry, err) < 0)
			return -1;
	}
	return 0;
}

/* PATH, relative to FOLDER. */
static char *join(const char *folder, const char *path)
{
	char *joined;

	if (*path == '/' || strcmp(folder, ".") == 0)
		return strdup(path);
	return asprintf(&joined, "%s/%s", folder, path) < 0 ? NULL : joined;
}

char *scenario_path(const struct scenario *scenario, const char *path)
{
	return join(scenario->base, path);
}

static int set_paths(struct scenario *scenario, struct err *err)
{
	const char *output = schema_text(&scenario->root, "output", NULL);

	if (scenario->options.output)
		scenario->output = strdup(scenario->options.output);
	else if (output)
		scenario->output = join(scenario->base, output);
	else
		return err_set(err, "%s: there is neither 'output' in it nor --output",
			       scenario->path);
	return scenario->output ? 0 : err_errno(err, "%s", scenario->path);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static int set_up(struct scenario *scenario, struct err *err)
{
	uint64_t seed;

	if (scenario->options.seed && schema_parse_count(scenario->options.seed, &seed) < 0)
		return err_set(err, "--seed: '%s' is no integer >= 0", scenario->options.seed);
	if (schema_check(&scenario->root, keys_scenario, scenario->path, &scenario->axes, err) < 0)
		return -1;
	nest(&scenario->axes);
	scenario->repeat = (uint32_t)schema_count(&scenario->root, "repeat", 1);
	if (count_cases(scenario, err) < 0 || check_jobs(scenario, err) < 0)
		return -1;
	return set_paths(scenario, err);
}

static int begin(struct scenario *scenario, const char *path,
		 const struct scenario_options *options, struct err *err)
{
	memset(scenario, 0, sizeof(*scenario));
	scenario->options = *options;
	scenario->path = strdup(path);
	scenario->base = folder_of(path);
	if (scenario->path && scenario->base)
		return 0;
	err_errno(err, "%s", path);
	scenario_release(scenario);
	return -1;
}

static int finish(struct scenario *scenario, int rc, struct err *err)
{
	if (rc == 0)
		rc = set_up(scenario, err);
	if (rc < 0)
		scenario_release(scenario);
	return rc;
}

int scenario_open(struct scenario *scenario, const char *path,
		  const struct scenario_options *options, struct err *err)
{
	if (begin(scenario, path, options, err) < 0)
		return -1;
	return finish(scenario, yaml_read(&scenario->root, path, err), err);
}

int scenario_parse(struct scenario *scenario, const char *text, size_t size, const char *path,
		   const struct scenario_options *options, struct err *err)
{
	if (begin(scenario, path, options, err) < 0)
		return -1;
	return finish(scenario, yaml_parse(&scenario->root, text, size, path, err), err);
}

void scenario_release(struct scenario *scenario)
{
	schema_release(&scenario->axes);
	yaml_release(&scenario->root);
	free(scenario->path);
	free(scenario->base);
	free(scenario->output);
	memset(scenario, 0, sizeof(*scenario));
}

size_t scenario_count(const struct scenario *scenario)
{
	return scenario->cases * scenario->repeat;
}

size_t scenario_axis_index(const struct scenario *scenario, size_t axis, size_t id)
{
	for (size_t i = scenario->axes.count; --i > axis;)
		id /= scenario->axes.axis[i].values.count;
	return id % scenario->axes.axis[axis].values.count;
}

static void read_algorithms(struct scenario_case *sub, const struct yaml_node *root)
{
	const struct yaml_node *algorithms = yaml_find(root, "algorithms");

	sub->scheduler = schema_text(algorithms, "scheduler", "fcfs");
	sub->selection = schema_text(algorithms, "host_selector", "linear");
	sub->placement = schema_text(algorithms, "process_mapper", "block");
	sub->routing = schema_text(algorithms, "router", "dmodk");
}

static uint64_t seed_of(const struct scenario *scenario)
{
	uint64_t seed;

	if (scenario->options.seed && schema_parse_count(scenario->options.seed, &seed) == 0)
		return seed;
	return schema_count(&scenario->root, "seed", 1);
}

int scenario_case(struct scenario *scenario, size_t number, struct scenario_case *sub,
		  struct err *err)
{
	const struct yaml_node *root = &scenario->root;
	size_t id = number / scenario->repeat;

	for (size_t i = 0; i < scenario->axes.count; i++)
		schema_choose(&scenario->axes.axis[i], scenario_axis_index(scenario, i, id));
	*sub = (struct scenario_case){
		.id = id,
		.repetition = (uint32_t)(number % scenario->repeat),
		.topology_node = yaml_find(root, "topology"),
		.duration = schema_text(root, "duration", NULL),
		.until = schema_time(root, "duration", NETEMU_NEVER),
		.pfsim = scenario->options.pfsim || schema_text(root, "compat", NULL),
		.stretch = schema_flag(root, "stretch", false),
		.windows = strcmp(schema_text(root, "traffic", "total"), "windows") == 0,
		.network = schema_flag(root, "network", true),
		.link_rate = scenario->options.link_rate ? scenario->options.link_rate
							 : schema_text(root, "link_rate", NULL),
		.jobs = yaml_find(root, "jobs"),
		.hosts = yaml_find(root, "hosts"),
		.resources = yaml_find(root, "resources"),
		.snapshots = yaml_find(root, "snapshots"),
		.plots = schema_text(root, "plots", "svg"),
	};
	sub->seed = seed_of(scenario) + sub->repetition;
	read_algorithms(sub, root);
	return keys_topology(sub->topology_node, scenario->path, &sub->topology, err);
}

void scenario_case_release(struct scenario_case *sub)
{
	free(sub->topology);
	sub->topology = NULL;
}

char *scenario_folder(const struct scenario *scenario, size_t number, char *buf, size_t size)
{
	if (scenario->repeat == 1)
		snprintf(buf, size, "%zu", number);
	else
		snprintf(buf, size, "%zu/%zu", number / scenario->repeat,
			 number % scenario->repeat);
	return buf;
}

static void put_flow(FILE *out, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR) {
		fputs(node->text, out);
		return;
	}
	putc(node->kind == YAML_LIST ? '[' : '{', out);
	for (size_t i = 0; i < node->count; i++) {
		fputs(i ? ", " : "", out);
		if (node->items[i].key)
			fprintf(out, "%s: ", node->items[i].key);
		put_flow(out, &node->items[i]);
	}
	putc(node->kind == YAML_LIST ? ']' : '}', out);
}

char *scenario_node_text(const struct yaml_node *node)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_flow(out, node);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *scenario_case_text(const struct scenario *scenario, const struct scenario_case *sub)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fputs(sub->pfsim ? "as PFSim: " : "", out);
	if (scenario->options.link_rate)
		fprintf(out, "links of %s: ", scenario->options.link_rate);
	for (size_t i = 0; i < scenario->root.count; i++) {
		const struct yaml_node *item = &scenario->root.items[i];

		if (strcmp(item->key, "output") == 0 || strcmp(item->key, "repeat") == 0 ||
		    strcmp(item->key, "seed") == 0)
			continue;
		fprintf(out, "%s: ", item->key);
		put_flow(out, item);
		fputs("; ", out);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* The algorithm that TEXT, the value of AXIS, names, by our name; owns TEXT. */
static char *own_name(const char *axis, char *text)
{
	static const enum netemu_policy_kind kinds[OUTER] = {
		0, NETEMU_SCHEDULING, NETEMU_SELECTION, NETEMU_PLACEMENT, NETEMU_ROUTING,
	};
	const char *name;
	char *own;

	for (size_t i = 1; text && i < OUTER; i++) {
		if (strcmp(axis, outer_axes[i]))
			continue;
		name = policy_own_name(kinds[i], text);
		if (name == text)
			break;
		own = strdup(name);
		free(text);
		return own;
	}
	return text;
}

char *scenario_axis_text(const struct scenario *scenario, size_t axis, size_t id)
{
	const struct schema_axis *which = &scenario->axes.axis[axis];
	const struct yaml_node *node =
		&which->values.items[scenario_axis_index(scenario, axis, id)];
	char *text;

	/* A network by its short name, whatever it was written as. */
	if (node->kind == YAML_MAP && strcmp(which->name, "topology") == 0)
		return keys_topology(node, scenario->path, &text, NULL) < 0 ? NULL : text;
	return own_name(which->name, scenario_node_text(node));
}
