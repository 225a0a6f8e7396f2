/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "table.h"
#include "plain.h"
#include "report.h"
#include "sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOAD "Maximum Congestion"

const struct table_measure table_measures[] = {
	{ "jobs_done", { "jobs", "done" }, "jobs done" },
	{ "makespan", { "makespan" }, "makespan (s)" },
	{ "utilisation", { "utilisation" }, "utilisation of hosts" },
	{ "wait_mean", { "wait", "mean" }, "mean wait (s)" },
	{ "wait_max", { "wait", "max" }, "longest wait (s)" },
	{ "response_mean", { "response", "mean" }, "mean response (s)" },
	{ "slowdown_mean", { "bounded_slowdown", "mean" }, "mean bounded slowdown" },
	{ "load_max", { "series", LOAD, "max" }, "maximum link load" },
	{ "load_mean", { "series", LOAD, "mean" }, "maximum link load, mean over time" },
	{ "load_stddev", { "series", "Congestion StdDev", "mean" }, "deviation of link loads" },
	{ "flows_max", { "series", "Maximum Number of Flows", "max" }, "most flows on a link" },
	{ "unroutable", { "unroutable_pairs" }, "unroutable pairs" },
	{ "recorded", { "jobs", "share_recorded" }, "host time with recorded traffic" },
};

const size_t table_nmeasures = sizeof(table_measures) / sizeof(*table_measures);

static json_t *load_json(const char *path, struct err *err)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);

	if (!root)
		err_set(err, "%s:%d: %s", path, error.line < 0 ? 1 : error.line, error.text);
	else if (!json_is_object(root)) {
		err_set(err, "%s:1: is no object", path);
		json_decref(root);
		return NULL;
	}
	return root;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static int read_axis(struct table *table, const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const json_t *values = json_object_get(json, "values");
	struct table_axis *axis = &table->axes[table->naxes];

	if (!name || !json_array_size(values))
		return -1;
	axis->values = calloc(json_array_size(values), sizeof(*axis->values));
	axis->name = strdup(last_part(name));
	table->naxes++;
	if (!axis->values || !axis->name)
		return -1;
	for (size_t i = 0; i < json_array_size(values); i++) {
		const char *text = json_string_value(json_array_get(values, i));

		axis->values[i] = strdup(text ? text : "?");
		if (!axis->values[i])
			return -1;
		axis->count++;
	}
	return 0;
}

static int read_description(struct table *table, const json_t *root)
{
	const json_t *axes = json_object_get(root, "axes");
	json_int_t cases = json_integer_value(json_object_get(root, "cases"));
	json_int_t repeat = json_integer_value(json_object_get(root, "repeat"));
	const char *scenario = json_string_value(json_object_get(root, "scenario"));
	const char *plots = json_string_value(json_object_get(root, "plots"));
	size_t product = 1;

	snprintf(table->plots, sizeof(table->plots), "%s",
		 plots && (!strcmp(plots, "no") || !strcmp(plots, "png")) ? plots : "svg");
	if (!scenario || cases < 1 || cases > SCENARIO_CASES || repeat < 1 ||
	    repeat > SCENARIO_CASES / cases)
		return -1;
	table->cases = (size_t)cases;
	table->repeat = (uint32_t)repeat;
	table->scenario = strdup(scenario);
	table->axes = calloc(json_array_size(axes) + 1, sizeof(*table->axes));
	table->cells = calloc(table->cases * table_nmeasures, sizeof(*table->cells));
	if (!table->scenario || !table->axes || !table->cells)
		return -1;
	for (size_t i = 0; i < json_array_size(axes); i++) {
		if (read_axis(table, json_array_get(axes, i)) < 0)
			return -1;
		product *= table->axes[i].count;
		if (product > table->cases)
			return -1;
	}
	return product == table->cases ? 0 : -1;
}

static double find_number(const json_t *json, const char *const path[])
{
	for (; *path; path++)
		json = json_object_get(json, *path);
	return json_is_number(json) ? json_number_value(json) : NAN;
}

/* Summary of repetition R of sub-scenario ID, NULL when there is none. */
static json_t *load_summary(const struct table *table, const char *output, size_t id, uint32_t r,
			    char **folder)
{
	char *path;
	json_t *root;

	if ((table->repeat == 1 ? asprintf(folder, "%zu", id)
				: asprintf(folder, "%zu/%" PRIu32, id, r)) < 0) {
		*folder = NULL;
		return NULL;
	}
	if (asprintf(&path, "%s/%s/" REPORT_SUMMARY, output, *folder) < 0)
		return NULL;
	root = load_json(path, NULL);
	free(path);
	return root;
}

static void miss(struct table *table, char *folder)
{
	if (table->missing++)
		free(folder);
	else
		table->first_missing = folder;
}

static void read_case(struct table *table, const char *output, size_t id)
{
	struct stats stats[sizeof(table_measures) / sizeof(*table_measures)];

	for (size_t m = 0; m < table_nmeasures; m++)
		stats_init(&stats[m]);
	for (uint32_t r = 0; r < table->repeat; r++) {
		char *folder;
		json_t *root = load_summary(table, output, id, r, &folder);

		if (!root) {
			miss(table, folder);
			continue;
		}
		free(folder);
		for (size_t m = 0; m < table_nmeasures; m++) {
			double value = find_number(root, table_measures[m].path);

			if (!isnan(value))
				stats_add(&stats[m], value);
		}
		json_decref(root);
	}
	for (size_t m = 0; m < table_nmeasures; m++)
		table->cells[id * table_nmeasures + m] = (struct table_cell){
			.count = (uint32_t)stats[m].count,
			.mean = stats[m].mean,
			.half = stats_confidence(stats[m].count, stats_variance(&stats[m])),
		};
}

int table_read(struct table *table, const char *output, struct err *err)
{
	char *path;
	json_t *root;

	memset(table, 0, sizeof(*table));
	if (asprintf(&path, "%s/" SWEEP_FILE, output) < 0)
		return err_errno(err, "%s", output);
	root = load_json(path, err);
	if (!root) {
		free(path);
		return -1;
	}
	if (read_description(table, root) < 0) {
		err_set(err, "%s: describes no sweep of netemu sim", path);
		json_decref(root);
		free(path);
		table_release(table);
		return -1;
	}
	json_decref(root);
	free(path);
	for (size_t id = 0; id < table->cases; id++)
		read_case(table, output, id);
	return 0;
}

void table_release(struct table *table)
{
	for (size_t i = 0; i < table->naxes; i++) {
		for (size_t k = 0; k < table->axes[i].count; k++)
			free(table->axes[i].values[k]);
		free(table->axes[i].values);
		free(table->axes[i].name);
	}
	free(table->axes);
	free(table->cells);
	free(table->scenario);
	free(table->first_missing);
	memset(table, 0, sizeof(*table));
}

const char *table_value(const struct table *table, size_t axis, size_t id)
{
	for (size_t i = table->naxes; --i > axis;)
		id /= table->axes[i].count;
	return table->axes[axis].values[id % table->axes[axis].count];
}

/* A whole number as one, else the shortest text that reads back equal. */
static char *number_text(char *buf, size_t size, double value)
{
	if (value == floor(value) && fabs(value) < 9007199254740992.0)
		snprintf(buf, size, "%.0f", value);
	else
		stats_repr(buf, size, value);
	return buf;
}

void table_tsv(const struct table *table, FILE *out)
{
	char text[32];

	fputs("id", out);
	for (size_t i = 0; i < table->naxes; i++)
		fprintf(out, "\t%s", table->axes[i].name);
	for (size_t m = 0; m < table_nmeasures; m++)
		fprintf(out, table->repeat > 1 ? "\t%s\t%s_ci95" : "\t%s", table_measures[m].name,
			table_measures[m].name);
	if (table->repeat > 1)
		fputs("\trepetitions", out);
	putc('\n', out);
	for (size_t id = 0; id < table->cases; id++) {
		const struct table_cell *cell = &table->cells[id * table_nmeasures];

		fprintf(out, "%zu", id);
		for (size_t i = 0; i < table->naxes; i++) {
			putc('\t', out);
			plain_put_cell(out, table_value(table, i, id));
		}
		for (size_t m = 0; m < table_nmeasures; m++) {
			fprintf(out, "\t%s",
				cell[m].count ? number_text(text, sizeof(text), cell[m].mean)
					      : "-");
			if (table->repeat > 1)
				fprintf(out, "\t%s",
					cell[m].count
						? number_text(text, sizeof(text), cell[m].half)
						: "-");
		}
		if (table->repeat > 1)
			fprintf(out, "\t%" PRIu32, cell->count);
		putc('\n', out);
	}
}

/* Six digits, as %g, but large whole numbers in full. */
static void put_short(char *buf, size_t size, const struct table_cell *cell, bool repeated)
{
	int length;

	if (!cell->count) {
		snprintf(buf, size, "-");
		return;
	}
	length = snprintf(buf, size,
			  cell->mean == floor(cell->mean) && fabs(cell->mean) < 1e15 ? "%.0f"
										     : "%.6g",
			  cell->mean);
	if (repeated)
		snprintf(buf + length, size - (size_t)length, " +-%.3g", cell->half);
}

static bool is_shown(const struct table *table, size_t measure)
{
	for (size_t id = 0; id < table->cases; id++)
		if (table->cells[id * table_nmeasures + measure].count)
			return true;
	return false;
}

static size_t axis_width(const struct table_axis *axis)
{
	size_t width = strlen(axis->name);

	for (size_t k = 0; k < axis->count; k++)
		if ((size_t)plain_put(NULL, axis->values[k]) > width)
			width = (size_t)plain_put(NULL, axis->values[k]);
	return width;
}

static size_t measure_width(const struct table *table, size_t measure)
{
	size_t width = strlen(table_measures[measure].name);
	char buf[64];

	for (size_t id = 0; id < table->cases; id++) {
		put_short(buf, sizeof(buf), &table->cells[id * table_nmeasures + measure],
			  table->repeat > 1);
		if (strlen(buf) > width)
			width = strlen(buf);
	}
	return width;
}

struct widths {
	int *axis;                                                     /* [axes] */
	int measure[sizeof(table_measures) / sizeof(*table_measures)]; /* 0: not shown */
};

static void put_head(const struct table *table, const struct widths *widths, FILE *out)
{
	fprintf(out, "%5s", "id");
	for (size_t i = 0; i < table->naxes; i++)
		fprintf(out, "  %-*s", widths->axis[i], table->axes[i].name);
	for (size_t m = 0; m < table_nmeasures; m++)
		if (widths->measure[m])
			fprintf(out, "  %*s", widths->measure[m], table_measures[m].name);
	putc('\n', out);
}

static void put_row(const struct table *table, const struct widths *widths, size_t id, FILE *out)
{
	char buf[64];

	fprintf(out, "%5zu", id);
	for (size_t i = 0; i < table->naxes; i++) {
		fputs("  ", out);
		plain_put_padded(out, table_value(table, i, id), widths->axis[i]);
	}
	for (size_t m = 0; m < table_nmeasures; m++) {
		if (!widths->measure[m])
			continue;
		put_short(buf, sizeof(buf), &table->cells[id * table_nmeasures + m],
			  table->repeat > 1);
		fprintf(out, "  %*s", widths->measure[m], buf);
	}
	putc('\n', out);
}

void table_text(const struct table *table, FILE *out)
{
	struct widths widths = { .axis = calloc(table->naxes + 1, sizeof(int)) };

	if (!widths.axis)
		return;
	for (size_t i = 0; i < table->naxes; i++)
		widths.axis[i] = (int)axis_width(&table->axes[i]);
	for (size_t m = 0; m < table_nmeasures; m++)
		widths.measure[m] = is_shown(table, m) ? (int)measure_width(table, m) : 0;
	put_head(table, &widths, out);
	for (size_t id = 0; id < table->cases; id++)
		put_row(table, &widths, id, out);
	free(widths.axis);
}

int table_write(const char *output, struct table *table, struct err *err)
{
	struct outfile file;
	char *path;
	int rc;

	if (asprintf(&path, "%s/table.tsv", output) < 0)
		return err_errno(err, "%s", output);
	rc = outfile_open(&file, path, err);
	free(path);
	if (rc < 0)
		return -1;
	table_tsv(table, file.stream);
	return outfile_commit(&file, err);
}
