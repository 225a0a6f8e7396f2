/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What all generated networks take; npe and bw are PFSim's names. */
#define GENERATED                                                                         \
	{ .name = "npe", .type = SCHEMA_NATURAL }, { .name = "bw", .type = SCHEMA_RATE }, \
		{ .name = "slots", .type = SCHEMA_NATURAL },                              \
	{                                                                                 \
		.name = "rate", .type = SCHEMA_RATE                                       \
	}

static const struct schema_key file_params[] = {
	{ .name = "path", .type = SCHEMA_TEXT, .required = true },
	{ .name = "slots", .type = SCHEMA_NATURAL },
	{ .name = "rate", .type = SCHEMA_RATE },
	{ 0 },
};

static const struct schema_key fabric_params[] = {
	{ .name = "path", .type = SCHEMA_TEXT, .required = true },
	{ .name = "lfts", .type = SCHEMA_TEXT },
	{ .name = "slots", .type = SCHEMA_NATURAL },
	{ .name = "rate", .type = SCHEMA_RATE },
	{ 0 },
};

static const struct schema_key xgft_params[] = {
	{ .name = "h", .type = SCHEMA_NATURAL },
	{ .name = "m", .type = SCHEMA_COUNTS, .required = true },
	{ .name = "w", .type = SCHEMA_COUNTS, .required = true },
	{ .name = "cables", .type = SCHEMA_COUNTS },
	GENERATED,
	{ 0 },
};

static const struct schema_key grid_params[] = {
	{ .name = "n", .type = SCHEMA_NATURAL },
	{ .name = "dims", .type = SCHEMA_COUNTS, .required = true },
	GENERATED,
	{ 0 },
};

static const struct schema_key kary_params[] = {
	{ .name = "k", .type = SCHEMA_NATURAL, .required = true },
	{ .name = "n", .type = SCHEMA_NATURAL, .required = true },
	GENERATED,
	{ 0 },
};

static const struct schema_key dragonfly_params[] = {
	{ .name = "p", .type = SCHEMA_NATURAL, .required = true },
	{ .name = "a", .type = SCHEMA_NATURAL, .required = true },
	{ .name = "h", .type = SCHEMA_NATURAL, .required = true },
	GENERATED,
	{ 0 },
};

const struct schema_variant keys_topologies[] = {
	{ "file", "pfsim.topology.FileTopology", file_params },
	{ "xgft", "pfsim.topology.XGFTTopology", xgft_params },
	{ "torus", "pfsim.topology.NDTorusTopology", grid_params },
	{ "mesh", NULL, grid_params },
	{ "kary", NULL, kary_params },
	{ "dragonfly", NULL, dragonfly_params },
	{ "ib", NULL, fabric_params },
	{ "slurm", NULL, file_params },
	{ 0 },
};

static const struct schema_key exponential_params[] = {
	{ .name = "lambd", .type = SCHEMA_RATIO },
	{ .name = "mean", .type = SCHEMA_TIME },
	{ 0 },
};

static const struct schema_key uniform_params[] = {
	{ .name = "min", .type = SCHEMA_TIME, .required = true },
	{ .name = "max", .type = SCHEMA_TIME, .required = true },
	{ 0 },
};

static const struct schema_key constant_params[] = {
	{ .name = "value", .type = SCHEMA_TIME, .required = true },
	{ 0 },
};

static const struct schema_key trace_params[] = {
	{ .name = "path", .type = SCHEMA_TEXT, .required = true },
	{ 0 },
};

const struct schema_variant keys_distributions[] = {
	{ "exponential", "pfsim.math.ExponentialDistribution", exponential_params },
	{ "uniform", NULL, uniform_params },
	{ "constant", NULL, constant_params },
	{ "trace", NULL, trace_params },
	{ 0 },
};

static const struct schema_key algorithm_keys[] = {
	{ .name = "scheduler", .type = SCHEMA_TEXT },
	{ .name = "host_selector", .type = SCHEMA_TEXT },
	{ .name = "process_mapper", .type = SCHEMA_TEXT },
	{ .name = "router", .type = SCHEMA_TEXT },
	{ 0 },
};

/* What a job wants and sends. */
#define WANTED                                                                                     \
	{ .name = "nodes", .type = SCHEMA_NATURAL }, { .name = "ranks", .type = SCHEMA_NATURAL },  \
		{ .name = "limit", .type = SCHEMA_TIME },                                          \
		{ .name = "compute", .type = SCHEMA_TIME },                                        \
		{ .name = "trace", .type = SCHEMA_TEXT },                                          \
		{ .name = "pattern", .type = SCHEMA_TEXT },                                        \
		{ .name = "bytes", .type = SCHEMA_SIZE }, { .name = "name", .type = SCHEMA_TEXT }, \
		{ .name = "priority", .type = SCHEMA_COUNT },                                      \
		{ .name = "cores", .type = SCHEMA_COUNT },                                         \
		{ .name = "gpus", .type = SCHEMA_COUNT },                                          \
		{ .name = "memory", .type = SCHEMA_SIZE },                                         \
		{ .name = "licences", .type = SCHEMA_COUNT },                                      \
	{                                                                                          \
		.name = "shares", .type = SCHEMA_FLAG                                              \
	}

static const struct schema_key list_keys[] = {
	{ .name = "submit", .type = SCHEMA_TIME, .required = true },
	{ .name = "duration", .type = SCHEMA_TIME, .required = true },
	{ .name = "id", .type = SCHEMA_COUNT },
	{ .name = "hosts", .type = SCHEMA_TEXT },
	WANTED,
	{ 0 },
};

static const struct schema_key job_keys[] = {
	{ .name = "submit",
	  .type = SCHEMA_VARIANT,
	  .names = "distribution",
	  .variants = keys_distributions,
	  .shorthand = SCHEMA_TIME },
	{ .name = "duration",
	  .type = SCHEMA_VARIANT,
	  .names = "distribution",
	  .variants = keys_distributions,
	  .shorthand = SCHEMA_TIME },
	{ .name = "count", .type = SCHEMA_COUNT },
	{ .name = "list", .type = SCHEMA_SET, .keys = list_keys },
	{ .name = "swf", .type = SCHEMA_TEXT },
	{ .name = "sacct", .type = SCHEMA_TEXT },
	{ .name = "jobcomp", .type = SCHEMA_TEXT },
	{ .name = "run", .type = SCHEMA_TEXT },
	{ .name = "runs", .type = SCHEMA_TEXT },
	{ .name = "ranks_per_node", .type = SCHEMA_NATURAL },
	{ .name = "resources", .type = SCHEMA_FLAG },
	WANTED,
	{ 0 },
};

const char *const keys_sources[] = { "submit",  "list", "swf",  "sacct",
				     "jobcomp", "run",  "runs", NULL };

static const struct schema_key resource_keys[] = {
	{ .name = "cores", .type = SCHEMA_COUNT },
	{ .name = "gpus", .type = SCHEMA_COUNT },
	{ .name = "memory", .type = SCHEMA_SIZE },
	{ .name = "licences", .type = SCHEMA_COUNT },
	{ 0 },
};

const struct schema_key keys_scenario[] = {
	{ .name = "duration", .type = SCHEMA_TIME },
	{ .name = "topology",
	  .type = SCHEMA_VARIANT,
	  .required = true,
	  .names = "kind",
	  .variants = keys_topologies,
	  .shorthand = SCHEMA_TEXT },
	{ .name = "output", .type = SCHEMA_TEXT, .single = true },
	{ .name = "algorithms", .type = SCHEMA_MAP, .single = true, .keys = algorithm_keys },
	{ .name = "jobs", .type = SCHEMA_SET, .required = true, .keys = job_keys },
	{ .name = "seed", .type = SCHEMA_COUNT },
	{ .name = "repeat", .type = SCHEMA_NATURAL, .single = true },
	{ .name = "compat", .type = SCHEMA_CHOICE, .single = true, .names = "pfsim" },
	{ .name = "traffic", .type = SCHEMA_CHOICE, .names = "total|windows" },
	{ .name = "stretch", .type = SCHEMA_FLAG },
	{ .name = "network", .type = SCHEMA_FLAG },
	{ .name = "link_rate", .type = SCHEMA_RATE },
	{ .name = "hosts", .type = SCHEMA_NAMES, .single = true },
	{ .name = "resources", .type = SCHEMA_MAP, .single = true, .keys = resource_keys },
	{ .name = "snapshots", .type = SCHEMA_TIMES, .single = true },
	{ .name = "plots", .type = SCHEMA_CHOICE, .single = true, .names = "no|svg|png" },
	{ 0 },
};

/* "4x4x3" of the list KEY; ":" before it. */
static void put_counts(FILE *out, const struct yaml_node *params, const char *key)
{
	const struct yaml_node *list = yaml_find(params, key);

	for (size_t i = 0; list && i < list->count; i++)
		fprintf(out, "%c%s", i ? 'x' : ':', list->items[i].text);
}

static void put_texts(FILE *out, const struct yaml_node *params, const char *const keys[])
{
	for (; *keys; keys++)
		if (schema_text(params, *keys, NULL))
			fprintf(out, ":%s", schema_text(params, *keys, NULL));
}

/* What stands before '@'. */
static void put_shape(FILE *out, const char *kind, const struct yaml_node *params)
{
	if (strcmp(kind, "file") == 0) {
		fputs(schema_text(params, "path", ""), out);
		return;
	}
	fputs(kind, out);
	put_texts(out, params, (const char *const[]){ "path", "lfts", "k", NULL });
	if (strcmp(kind, "kary") == 0)
		put_texts(out, params, (const char *const[]){ "n", NULL });
	if (strcmp(kind, "dragonfly") == 0)
		put_texts(out, params, (const char *const[]){ "p", "a", "h", NULL });
	put_counts(out, params, "m");
	put_counts(out, params, "w");
	put_counts(out, params, "cables");
	put_counts(out, params, "dims");
}

static void put_qualities(FILE *out, const struct yaml_node *params)
{
	const char *slots = schema_text(params, "slots", schema_text(params, "npe", NULL));
	const char *rate = schema_text(params, "rate", schema_text(params, "bw", NULL));
	double number;

	if (slots)
		fprintf(out, "@slots=%s", slots);
	if (rate) /* PFSim's bw is a number without a unit */
		fprintf(out, "@%s=%s", schema_parse_number(rate, &number) < 0 ? "rate" : "capacity",
			rate);
}

static size_t length_of(const struct yaml_node *params, const char *key)
{
	const struct yaml_node *list = yaml_find(params, key);

	return list ? list->count : 0;
}

/* That the lists are as long as PFSim's redundant `h` and `n` say. */
static int check_lengths(const struct yaml_node *node, const char *kind,
			 const struct yaml_node *params, const char *file, struct err *err)
{
	bool tree = strcmp(kind, "xgft") == 0;
	size_t length = length_of(params, tree ? "m" : "dims");

	if (!length)
		return 0;
	if (schema_count(params, tree ? "h" : "n", length) != length)
		return err_set(err, "%s:%u: topology: '%s' is %s, but '%s' has %zu numbers", file,
			       node->line, tree ? "h" : "n",
			       schema_text(params, tree ? "h" : "n", ""), tree ? "m" : "dims",
			       length);
	if (tree && length_of(params, "w") != length)
		return err_set(err, "%s:%u: topology: 'm' has %zu numbers, but 'w' has %zu", file,
			       node->line, length, length_of(params, "w"));
	return 0;
}

int keys_topology(const struct yaml_node *node, const char *file, char **spec, struct err *err)
{
	const struct yaml_node *params;
	const char *kind;
	char *text = NULL;
	size_t size;
	FILE *out;

	if (node->kind == YAML_SCALAR) {
		*spec = strdup(node->text);
		return *spec ? 0 : err_errno(err, "%s", file);
	}
	params = yaml_find(node, "params");
	kind = schema_variant(keys_topologies, schema_text(node, "kind", ""))->name;
	if (check_lengths(node, kind, params, file, err) < 0)
		return -1;
	out = open_memstream(&text, &size);
	if (!out)
		return err_errno(err, "%s", file);
	put_shape(out, kind, params);
	put_qualities(out, params);
	if (fclose(out) != 0) {
		free(text);
		return err_errno(err, "%s", file);
	}
	*spec = text;
	return 0;
}

/* As Python's repr() shows what a YAML reader makes of the value. */
static void put_python(FILE *out, const struct yaml_node *node)
{
	double number;

	if (node->kind == YAML_SCALAR) {
		bool bare = node->plain && schema_parse_number(node->text, &number) == 0;

		fprintf(out, bare ? "%s" : "'%s'", node->text);
		return;
	}
	putc(node->kind == YAML_LIST ? '[' : '{', out);
	for (size_t i = 0; i < node->count; i++) {
		fputs(i ? ", " : "", out);
		if (node->items[i].key)
			fprintf(out, "'%s': ", node->items[i].key);
		put_python(out, &node->items[i]);
	}
	putc(node->kind == YAML_LIST ? ']' : '}', out);
}

char *keys_topology_python(const struct yaml_node *node)
{
	static const struct yaml_node none = { .kind = YAML_MAP };
	const struct yaml_node *params = yaml_find(node, "params");
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "%s ", schema_text(node, "kind", node->text ? node->text : ""));
	put_python(out, params ? params : &none);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
