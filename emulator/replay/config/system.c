/* SPDX-License-Identifier: Apache-2.0 */
#include "config/system.h"

#include "config/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* What a key is read by; all have the same arguments. */
typedef int read_fn(void *field, const char *path, const char *key, const json_t *value,
		    struct err *err);

static int read_policy(void *field, const char *path, const char *key, const json_t *value,
		       struct err *err)
{
	static const char *const names[] = { "LIFO", "FIFO", "EXPLICIT" };
	const char *text = json_string_value(value);

	for (unsigned i = 0; text && i < 3; i++) {
		if (!strcmp(text, names[i])) {
			*(enum policy *)field = (enum policy)i;
			return 0;
		}
	}
	return config_bad(path, key, "LIFO, FIFO or EXPLICIT is wanted", err);
}

static int read_optimization(void *field, const char *path, const char *key, const json_t *value,
			     struct err *err)
{
	const char *text = json_string_value(value);

	if (!text || (strcmp(text, "baseline") && strcmp(text, "localBWAware")))
		return config_bad(path, key, "baseline or localBWAware is wanted", err);
	*(bool *)field = !strcmp(text, "localBWAware");
	return 0;
}

static int read_flag(void *field, const char *path, const char *key, const json_t *value,
		     struct err *err)
{
	return config_flag(path, key, value, field, err);
}

static int read_time(void *field, const char *path, const char *key, const json_t *value,
		     struct err *err)
{
	uint64_t number;

	if (config_whole(path, key, value, UINT64_C(1000000000000000), &number, err) < 0)
		return -1;
	*(int64_t *)field = (int64_t)number;
	return 0;
}

static int read_count(void *field, const char *path, const char *key, const json_t *value,
		      struct err *err)
{
	uint64_t number;

	if (config_whole(path, key, value, 1000000, &number, err) < 0)
		return -1;
	if (!number)
		return config_bad(path, key, "at least 1 is wanted", err);
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static int read_splits(void *field, const char *path, const char *key, const json_t *value,
		       struct err *err)
{
	if (read_count(field, path, key, value, err) < 0)
		return -1;
	return *(uint32_t *)field <= SYSTEM_SPLITS
		       ? 0
		       : config_bad(path, key, "at most 65536 is wanted", err);
}

static int read_number(void *field, const char *path, const char *key, const json_t *value,
		       struct err *err)
{
	double number;

	if (config_number(path, key, value, &number, err) < 0)
		return -1;
	if (number < 0)
		return config_bad(path, key, "a number that is not negative is wanted", err);
	*(double *)field = number;
	return 0;
}

/* TFLOPS are 1e3 operations/ns. */
static int read_peak(void *field, const char *path, const char *key, const json_t *value,
		     struct err *err)
{
	if (read_number(field, path, key, value, err) < 0)
		return -1;
	*(double *)field *= 1000;
	return 0;
}

static const struct key {
	const char *name;
	read_fn *read;
	size_t offset;
} keys[] = {
	{ "scheduling-policy", read_policy, offsetof(struct system, policy) },
	{ "endpoint-delay", read_time, offsetof(struct system, endpoint_delay) },
	{ "active-chunks-per-dimension", read_count, offsetof(struct system, active_chunks) },
	{ "preferred-dataset-splits", read_splits, offsetof(struct system, splits) },
	{ "collective-optimization", read_optimization, offsetof(struct system, local_bw_aware) },
	{ "local-mem-bw", read_number, offsetof(struct system, memory_bw) },
	{ "peak-perf", read_peak, offsetof(struct system, peak) },
	{ "roofline-enabled", read_flag, offsetof(struct system, roofline) },
	{ "replay-only", read_flag, offsetof(struct system, replay_only) },
	{ "model-shared-bus", read_flag, offsetof(struct system, shared_bus) },
	{ "local-reduction-delay", read_time, offsetof(struct system, reduction_delay) },
	{ "L", read_number, offsetof(struct system, bus_L) },
	{ "o", read_number, offsetof(struct system, bus_o) },
	{ "g", read_number, offsetof(struct system, bus_g) },
	{ "G", read_number, offsetof(struct system, bus_G) },
};

/* Of others' keys those that change nothing here, and are no mistake. */
static const char *const known[] = { "boost-mode", "trace-enabled", "track-local-mem",
				     "local-mem-trace-filename" };

/* ---- algorithms ---- */

static const struct collective_key {
	const char *name;
	size_t list, count;
} collectives[] = {
#define COLLECTIVE(text, field)                                                              \
	{                                                                                    \
		text, offsetof(struct system, field), offsetof(struct system, field##_count) \
	}
	COLLECTIVE("all-reduce", all_reduce),
	COLLECTIVE("all-gather", all_gather),
	COLLECTIVE("reduce-scatter", reduce_scatter),
	COLLECTIVE("all-to-all", all_to_all),
};

/* A list, or a single one. */
static const json_t *item(const json_t *value, size_t i)
{
	if (json_is_array(value))
		return json_array_get(value, i);
	return i ? NULL : value;
}

static int read_algorithms(struct system *system, const struct collective_key *which,
			   const char *path, const char *key, const json_t *value, struct err *err)
{
	struct algorithm *list = (struct algorithm *)((char *)system + which->list);
	uint32_t *count = (uint32_t *)((char *)system + which->count);
	struct err why;
	const json_t *one;

	for (*count = 0; (one = item(value, *count)); ++*count) {
		if (!json_is_string(one))
			return config_bad(path, key, "a list of algorithms is wanted", err);
		if (*count == SYSTEM_DIMS)
			return config_bad(path, key, "at most 16 algorithms", err);
		if (algorithm_parse(&list[*count], json_string_value(one), &why) < 0)
			return config_bad(path, key, why.text, err);
	}
	return *count ? 0 : config_bad(path, key, "the list is empty", err);
}

static int read_custom(struct system *system, size_t which, const char *path, const char *key,
		       const json_t *value, struct err *err)
{
	const json_t *one = item(value, 0);

	if (!json_is_string(one) || item(value, 1))
		return config_bad(path, key, "a list of one prefix of traces is wanted", err);
	free(system->custom[which]);
	system->custom[which] = strdup(json_string_value(one));
	return system->custom[which] ? 0 : err_errno(err, "%s", path);
}

/* "all-reduce-implementation" and "-implementation-custom": 1 when KEY is one, else 0. */
static int read_implementation(struct system *system, const char *path, const char *key,
			       const json_t *value, struct err *err)
{
	for (size_t i = 0; i < 4; i++) {
		size_t length = strlen(collectives[i].name);

		if (strncmp(key, collectives[i].name, length))
			continue;
		if (!strcmp(key + length, "-implementation"))
			return read_algorithms(system, &collectives[i], path, key, value, err) < 0
				       ? -1
				       : 1;
		if (!strcmp(key + length, "-implementation-custom"))
			return read_custom(system, i, path, key, value, err) < 0 ? -1 : 1;
	}
	return 0;
}

/* ---- a trace for single nodes: a YAML map of node id to prefix ---- */

static int add_custom_node(struct system *system, const char *path, const char *id,
			   const char *prefix, struct err *err)
{
	struct custom_node *list;
	char *end;
	uint64_t number = strtoull(id, &end, 10);

	if (!*id || *end)
		return err_set(err, "%s: '%s' is no node id", path, id);
	list = reallocarray(system->custom_nodes, system->custom_nodes_count + 1, sizeof(*list));
	if (!list)
		return err_errno(err, "%s", path);
	system->custom_nodes = list;
	list[system->custom_nodes_count].id = number;
	list[system->custom_nodes_count].prefix = strdup(prefix);
	return list[system->custom_nodes_count++].prefix ? 0 : err_errno(err, "%s", path);
}

static int take_pairs(struct system *system, const char *path, yaml_document_t *document,
		      struct err *err)
{
	const yaml_node_t *root = yaml_document_get_root_node(document);

	if (!root)
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return err_set(err, "%s: a map of node ids to prefixes is wanted", path);
	for (yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	     pair < root->data.mapping.pairs.top; pair++) {
		const yaml_node_t *id = yaml_document_get_node(document, pair->key);
		const yaml_node_t *prefix = yaml_document_get_node(document, pair->value);

		if (id->type != YAML_SCALAR_NODE || prefix->type != YAML_SCALAR_NODE)
			return err_set(err, "%s:%zu: 'ID: PREFIX' is wanted", path,
				       id->start_mark.line + 1);
		if (add_custom_node(system, path, (const char *)id->data.scalar.value,
				    (const char *)prefix->data.scalar.value, err) < 0)
			return -1;
	}
	return 0;
}

static int read_custom_nodes(struct system *system, const char *path, struct err *err)
{
	yaml_document_t document;
	yaml_parser_t parser;
	FILE *file = fopen(path, "re");
	int rc;

	if (!file)
		return err_errno(err, "unable to open '%s'", path);
	if (!yaml_parser_initialize(&parser)) {
		fclose(file);
		return err_errno(err, "%s", path);
	}
	yaml_parser_set_input_file(&parser, file);
	if (yaml_parser_load(&parser, &document)) {
		rc = take_pairs(system, path, &document, err);
		yaml_document_delete(&document);
	} else {
		rc = err_set(err, "%s:%zu: %s", path, parser.problem_mark.line + 1,
			     parser.problem ? parser.problem : "not readable");
	}
	yaml_parser_delete(&parser);
	fclose(file);
	return rc;
}

/* ---- the file ---- */

static void note_ignored(struct system *system, const char *key)
{
	size_t length = strlen(system->ignored);

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(known[i], key))
			return;
	snprintf(system->ignored + length, sizeof(system->ignored) - length, "%s%s",
		 length ? ", " : "", key);
}

static int read_key(struct system *system, const char *path, const char *key, const json_t *value,
		    struct err *err)
{
	int rc;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strcmp(keys[i].name, key))
			return keys[i].read((char *)system + keys[i].offset, path, key, value, err);
	if (!strcmp(key, "per-node-custom-implementation")) {
		if (!json_is_string(value))
			return config_bad(path, key, "the name of a file is wanted", err);
		return read_custom_nodes(system, json_string_value(value), err);
	}
	rc = read_implementation(system, path, key, value, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	note_ignored(system, key);
	return 0;
}

void system_init(struct system *system)
{
	*system = (struct system){
		.endpoint_delay = 10,
		.active_chunks = 1,
		.splits = 1,
		.all_reduce_count = 1,
		.all_gather_count = 1,
		.reduce_scatter_count = 1,
		.all_to_all_count = 1,
	};
}

void system_release(struct system *system)
{
	for (size_t i = 0; i < 4; i++)
		free(system->custom[i]);
	for (size_t i = 0; i < system->custom_nodes_count; i++)
		free(system->custom_nodes[i].prefix);
	free(system->custom_nodes);
	*system = (struct system){ 0 };
}

int system_read(struct system *system, const char *path, struct err *err)
{
	json_t *root = config_load(path, err), *value;
	const char *key;
	int rc = 0;

	if (!root)
		return -1;
	json_object_foreach(root, key, value) if (rc == 0) rc =
		read_key(system, path, key, value, err);
	json_decref(root);
	return rc;
}
