/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c - sweep.json: what was swept, for who gathers the results */
#include "config.h"

#include "outfile.h"
#include "sweep.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Sub-scenario at which AXIS has its value INDEX and all others their first. */
static size_t case_at(const struct scenario *scenario, size_t axis, size_t index)
{
	for (size_t i = axis + 1; i < scenario->axes.count; i++)
		index *= scenario->axes.axis[i].values.count;
	return index;
}

static json_t *axis_json(const struct scenario *scenario, size_t axis)
{
	const struct schema_axis *what = &scenario->axes.axis[axis];
	json_t *values = json_array();

	for (size_t i = 0; i < what->values.count; i++) {
		char *text = scenario_axis_text(scenario, axis, case_at(scenario, axis, i));
		json_t *value = text ? json_string(text) : NULL;

		json_array_append_new(values, value ? value : json_string("?"));
		free(text);
	}
	return json_pack("{s:s, s:o}", "name", what->name, "values", values);
}

static json_t *describe(const struct scenario *scenario)
{
	const char *slash = strrchr(scenario->path, '/');
	json_t *axes = json_array();

	/* What does not vary is no column. */
	for (size_t i = 0; i < scenario->axes.count; i++)
		if (scenario->axes.axis[i].values.count > 1)
			json_array_append_new(axes, axis_json(scenario, i));
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:o}", "version", "netemu " PACKAGE_VERSION,
			 "scenario", slash ? slash + 1 : scenario->path, "plots",
			 schema_text(&scenario->root, "plots", "svg"), "cases",
			 (json_int_t)scenario->cases, "repeat", (json_int_t)scenario->repeat,
			 "axes", axes);
}

int sweep_describe(const struct scenario *scenario, struct err *err)
{
	struct outfile file;
	json_t *root;
	char *path;
	int rc;

	if (sweep_make_folder(scenario->output, err) < 0)
		return -1;
	if (asprintf(&path, "%s/" SWEEP_FILE, scenario->output) < 0)
		return err_errno(err, "%s", scenario->output);
	rc = outfile_open(&file, path, err);
	free(path);
	if (rc < 0)
		return -1;
	root = describe(scenario);
	if (!root) {
		outfile_abort(&file);
		return err_set(err, "%s: a name in it is not UTF-8", scenario->path);
	}
	json_dumpf(root, file.stream, JSON_INDENT(1));
	putc('\n', file.stream);
	json_decref(root);
	return outfile_commit(&file, err);
}
