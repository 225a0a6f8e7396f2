/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/rundata.h"
#include "rundir.h"

#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODES_MAX 1000000

void rundata_release(struct rundata *data)
{
	for (uint32_t i = 0; i < data->nnodes; i++)
		free(data->nodes[i]);
	free(data->nodes);
	free(data->placement);
	free(data->path);
	free(data->cluster);
	free(data->name);
	traffic_drop(data->traffic);
	*data = (struct rundata){ 0 };
}

static json_t *load(const char *path, struct err *err)
{
	json_error_t error;
	json_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (json_is_object(json))
		return json;
	if (json)
		err_set(err, "%s: not an object", path);
	else if (error.line > 0)
		err_set(err, "%s:%d: %s", path, error.line, error.text);
	else
		err_set(err, "%s", error.text);
	json_decref(json);
	return NULL;
}

/* Seconds since the epoch as ns. */
static int64_t when(const json_t *json, const char *key)
{
	double seconds = json_number_value(json_object_get(json, key));

	return seconds > 0 && seconds < 7258118400.0 ? llround(seconds * 1e9) : NETEMU_NEVER;
}

static uint64_t id(const json_t *json, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(json, key));

	return number > 0 ? (uint64_t)number : 0;
}

static int text(const json_t *json, const char *key, char **copy)
{
	const char *value = json_string_value(json_object_get(json, key));

	*copy = value && *value ? strdup(value) : NULL;
	return value && *value && !*copy ? -1 : 0;
}

/* The node NAME, entered when it is not there; -1 with errno. */
static int64_t node_of(struct rundata *data, const char *name)
{
	char **nodes;

	for (uint32_t i = 0; i < data->nnodes; i++)
		if (!strcmp(data->nodes[i], name))
			return i;
	if (data->nnodes >= NODES_MAX) {
		errno = EINVAL;
		return -1;
	}
	nodes = realloc(data->nodes, (data->nnodes + 1) * sizeof(*nodes));
	if (!nodes)
		return -1;
	data->nodes = nodes;
	nodes[data->nnodes] = strdup(name);
	return nodes[data->nnodes] ? (int64_t)data->nnodes++ : -1;
}

static int read_nodes(struct rundata *data, const json_t *array)
{
	const json_t *node;
	size_t i;

	json_array_foreach(array, i, node)
	{
		const char *name = json_string_value(json_object_get(node, "name"));

		if (name && *name && node_of(data, name) < 0)
			return -1;
	}
	return 0;
}

static int read_run(struct rundata *data, struct err *err)
{
	const json_t *task;
	char path[PATH_MAX];
	json_t *json;
	int rc;

	if (snprintf(path, sizeof(path), "%s/" RUNDIR_RUN, data->path) >= (int)sizeof(path))
		return err_set(err, "'%s': the path is too long", data->path);
	if (access(path, F_OK) < 0)
		return 0; /* there was no Slurm */
	json = load(path, err);
	if (!json)
		return -1;
	data->job = id(json, "job");
	data->array_job = id(json, "array_job");
	task = json_object_get(json, "array_task");
	if (data->array_job && json_is_integer(task) && json_integer_value(task) >= 0 &&
	    json_integer_value(task) < NETEMU_NONE)
		data->array_task = (uint32_t)json_integer_value(task);
	data->submit = when(json, "submit");
	data->start = when(json, "start");
	data->end = when(json, "end");
	rc = text(json, "cluster", &data->cluster);
	if (rc == 0)
		rc = text(json, "name", &data->name);
	if (rc == 0)
		rc = read_nodes(data, json_object_get(json, "nodes"));
	json_decref(json);
	return rc < 0 ? err_errno(err, "%s", path) : 0;
}

static int read_ranks(struct rundata *data, const json_t *json, const char *path, struct err *err)
{
	const char *name = json_string_value(json_object_get(json, "node"));
	const json_t *rank;
	int64_t node;
	size_t i;

	if (!name || !*name)
		return err_set(err, "%s: no name of a node", path);
	node = node_of(data, name);
	if (node < 0)
		return err_errno(err, "%s", path);
	json_array_foreach(json_object_get(json, "ranks"), i, rank)
	{
		const json_t *number = json_object_get(rank, "rank");

		if (!json_is_integer(number))
			continue; /* it never said which one it was */
		if (json_integer_value(number) < 0 ||
		    json_integer_value(number) >= (json_int_t)data->traffic->ranks)
			return err_set(err, "%s: rank %lld of a run of %u ranks", path,
				       (long long)json_integer_value(number), data->traffic->ranks);
		data->placement[json_integer_value(number)] = (uint32_t)node;
	}
	return 0;
}

static int read_node_files(struct rundata *data, struct err *err)
{
	char pattern[PATH_MAX];
	glob_t files;
	int rc = 0;

	/* The folder's own name may have brackets in it. */
	if (snprintf(pattern, sizeof(pattern), "%s/node-[0-9]*.json", data->path) >=
	    (int)sizeof(pattern))
		return err_set(err, "'%s': the path is too long", data->path);
	if (glob(pattern, 0, NULL, &files) != 0)
		return 0;
	for (size_t i = 0; rc == 0 && i < files.gl_pathc; i++) {
		json_t *json = load(files.gl_pathv[i], err);

		rc = json ? read_ranks(data, json, files.gl_pathv[i], err) : -1;
		json_decref(json);
	}
	globfree(&files);
	return rc;
}

/* Forget the nodes without ranks; forget the placement unless all ranks have one. */
static int settle_nodes(struct rundata *data)
{
	uint32_t *renumber = calloc((size_t)data->nnodes + 1, sizeof(*renumber));
	uint32_t kept = 0;
	bool whole = data->nnodes > 0;

	if (!renumber)
		return -1;
	for (uint32_t rank = 0; rank < data->traffic->ranks; rank++) {
		if (data->placement[rank] == NETEMU_NONE)
			whole = false;
		else
			renumber[data->placement[rank]] = 1;
	}
	if (!whole) {
		free(renumber);
		free(data->placement);
		data->placement = NULL;
		return 0;
	}
	for (uint32_t node = 0; node < data->nnodes; node++) {
		if (!renumber[node]) {
			free(data->nodes[node]);
			continue;
		}
		renumber[node] = kept;
		data->nodes[kept++] = data->nodes[node];
	}
	data->nnodes = kept;
	for (uint32_t rank = 0; rank < data->traffic->ranks; rank++)
		data->placement[rank] = renumber[data->placement[rank]];
	free(renumber);
	return 0;
}

static int read_placement(struct rundata *data, struct err *err)
{
	data->placement = malloc(data->traffic->ranks * sizeof(*data->placement));
	if (!data->placement)
		return err_errno(err, "%s", data->path);
	for (uint32_t rank = 0; rank < data->traffic->ranks; rank++)
		data->placement[rank] = NETEMU_NONE;
	if (read_node_files(data, err) < 0)
		return -1;
	return settle_nodes(data) < 0 ? err_errno(err, "%s", data->path) : 0;
}

/* run.json may have no times, or whole seconds: what was sent is within them. */
static void settle_times(struct rundata *data)
{
	int64_t end;

	if (data->start == NETEMU_NEVER && data->traffic->began)
		data->start = data->traffic->began;
	if (data->start == NETEMU_NEVER || !data->traffic->duration)
		return;
	end = data->start + data->traffic->duration;
	if (data->end == NETEMU_NEVER || (data->end >= data->start && data->end < end))
		data->end = end;
}

int rundata_read(struct rundata *data, const char *path, const char *from, struct err *err)
{
	*data = (struct rundata){
		.path = strdup(path),
		.array_task = NETEMU_NONE,
		.submit = NETEMU_NEVER,
		.start = NETEMU_NEVER,
		.end = NETEMU_NEVER,
	};
	if (!data->path)
		return err_errno(err, "%s", path);
	if (read_run(data, err) < 0 || traffic_read_from(&data->traffic, path, from, err) < 0 ||
	    read_placement(data, err) < 0) {
		rundata_release(data);
		return -1;
	}
	settle_times(data);
	return 0;
}

char *rundata_node_list(const struct rundata *data)
{
	size_t size = 1, used = 0;
	char *list;

	if (!data->nnodes) {
		errno = 0;
		return NULL;
	}
	for (uint32_t i = 0; i < data->nnodes; i++)
		size += strlen(data->nodes[i]) + 1;
	list = malloc(size);
	for (uint32_t i = 0; list && i < data->nnodes; i++)
		used += (size_t)sprintf(list + used, "%s%s", i ? "," : "", data->nodes[i]);
	return list;
}
