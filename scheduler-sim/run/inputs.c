/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "inputs.h"
#include "keys.h"
#include "topology/topology.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Keys whose values are paths, anywhere below `jobs:`. */
static const char *const path_keys[] = { "trace", "swf", "sacct", "jobcomp", "run", "path" };

/* One walk through what a sub-scenario names. */
struct search {
	struct inputs *inputs;
	struct inputs_known *known;
	const struct scenario *scenario;
	struct err *err;
};

static int add(struct report_input **list, size_t *count, const char *path, const char *sum)
{
	struct report_input *more = realloc(*list, (*count + 1) * sizeof(*more));

	if (!more)
		return -1;
	*list = more;
	more += *count;
	more->path = strdup(path);
	if (!more->path)
		return -1;
	memcpy(more->sum, sum, sizeof(more->sum));
	(*count)++;
	return 0;
}

static const struct report_input *look_up(const struct report_input *list, size_t count,
					  const char *path)
{
	for (size_t i = count; i-- > 0;)
		if (strcmp(list[i].path, path) == 0)
			return &list[i];
	return NULL;
}

/* PATH as the scenario names it. */
static int add_path(struct search *search, const char *path)
{
	struct inputs *inputs = search->inputs;
	struct inputs_known *known = search->known;
	const struct report_input *file;
	char sum[SHA256_TEXT], *full;
	int rc;

	if (look_up(inputs->file, inputs->count, path))
		return 0;
	file = look_up(known->file, known->count, path);
	if (!file) {
		full = scenario_path(search->scenario, path);
		if (!full)
			return err_errno(search->err, "%s", path);
		rc = sha256_path(full, sum, search->err);
		free(full);
		if (rc < 0)
			return -1;
		if (add(&known->file, &known->count, path, sum) < 0)
			return err_errno(search->err, "%s", path);
		file = &known->file[known->count - 1];
	}
	if (add(&inputs->file, &inputs->count, path, file->sum) < 0)
		return err_errno(search->err, "%s", path);
	return 0;
}

static bool is_there(const struct search *search, const char *path)
{
	char *full = scenario_path(search->scenario, path);
	bool there = full && access(full, F_OK) == 0;

	free(full);
	return there;
}

/* A file of a SPEC; what is not there is told by who reads it. */
static int add_file(void *arg, const char *file)
{
	return is_there(arg, file) ? add_path(arg, file) : 0;
}

static int add_glob(struct search *search, const char *pattern)
{
	char *full = scenario_path(search->scenario, pattern);
	size_t skip;
	glob_t found;
	int rc = 0;

	if (!full)
		return err_errno(search->err, "%s", pattern);
	skip = strlen(full) - strlen(pattern);
	if (glob(full, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
			rc = add_path(search, found.gl_pathv[i] + skip);
		globfree(&found);
	}
	free(full);
	return rc;
}

static bool is_path_key(const char *key)
{
	for (size_t i = 0; i < sizeof(path_keys) / sizeof(*path_keys); i++)
		if (strcmp(path_keys[i], key) == 0)
			return true;
	return false;
}

/* The path that NODE is, with its line where it cannot be read. */
static int add_named(struct search *search, const struct yaml_node *node)
{
	struct err why;

	if (add_path(search, node->text) == 0)
		return 0;
	why = *search->err;
	return err_set(search->err, "%s:%u: %s: %s", search->scenario->path, node->line, node->key,
		       why.text);
}

static int add_node(struct search *search, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR && node->key && is_path_key(node->key))
		/* A run may be a job id, which is looked up elsewhere. */
		return strcmp(node->key, "run") || is_there(search, node->text)
			       ? add_named(search, node)
			       : 0;
	if (node->kind == YAML_SCALAR && node->key && strcmp(node->key, "runs") == 0)
		return add_glob(search, node->text);
	for (size_t i = 0; i < node->count; i++)
		if (add_node(search, &node->items[i]) < 0)
			return -1;
	return 0;
}

/* A shared object is one of the files that results follow from. */
static int add_algorithms(struct search *search, const struct scenario_case *sub)
{
	const char *names[] = { sub->scheduler, sub->selection, sub->placement, sub->routing };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path;
		int rc = 0;

		if (!strchr(names[i], '/'))
			continue;
		path = strndup(names[i], strcspn(names[i], ":"));
		if (!path)
			return err_errno(search->err, "%s", names[i]);
		if (is_there(search, path))
			rc = add_path(search, path);
		free(path);
		if (rc < 0)
			return -1;
	}
	return 0;
}

int inputs_find(struct inputs *inputs, const struct scenario *scenario,
		const struct scenario_case *sub, struct inputs_known *known, struct err *err)
{
	struct search search = {
		.inputs = inputs,
		.known = known,
		.scenario = scenario,
		.err = err,
	};

	memset(inputs, 0, sizeof(*inputs));
	if (topology_files(sub->topology, add_file, &search) == 0 &&
	    add_algorithms(&search, sub) == 0 && add_node(&search, sub->jobs) == 0)
		return 0;
	inputs_release(inputs);
	return -1;
}

static void release(struct report_input *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].path);
	free(list);
}

void inputs_release(struct inputs *inputs)
{
	release(inputs->file, inputs->count);
	memset(inputs, 0, sizeof(*inputs));
}

void inputs_forget(struct inputs_known *known)
{
	release(known->file, known->count);
	memset(known, 0, sizeof(*known));
}

int inputs_digest(const struct inputs *inputs, const struct scenario *scenario,
		  const struct scenario_case *sub, char digest[SHA256_TEXT], struct err *err)
{
	char *text = scenario_case_text(scenario, sub), head[128];
	struct sha256 sha;

	if (!text)
		return err_errno(err, "%s", scenario->path);
	snprintf(head, sizeof(head), "netemu " PACKAGE_VERSION " %" PRIu64 " ", sub->seed);
	sha256_init(&sha);
	sha256_add(&sha, head, strlen(head));
	sha256_add(&sha, text, strlen(text));
	for (size_t i = 0; i < inputs->count; i++)
		sha256_add(&sha, inputs->file[i].sum, SHA256_TEXT);
	sha256_text(&sha, digest);
	free(text);
	return 0;
}
