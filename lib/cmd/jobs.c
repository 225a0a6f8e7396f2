/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "jobs.h"
#include "netprof_settings.h"
#include "plain.h"
#include "rows.h"
#include "units.h"

#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 8192 /* of one cell */

enum { KEY_USER = 256, KEY_SINCE, KEY_NAME, KEY_FORMAT };

static const struct argp_option table[] = {
	{ "user", KEY_USER, "NAME", 0, "Only runs of this user", 0 },
	{ "since", KEY_SINCE, "WHEN", 0,
	  "Only runs that began then or later: YYYY-MM-DD, YYYY-MM-DDTHH:MM[:SS], or how long ago: "
	  "90m, 12h, 7d",
	  0 },
	{ "name", KEY_NAME, "PATTERN", 0, "Only jobs whose name matches (with * and ?)", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "table (default), tsv, json, or a list of columns: job,user,name,...", 0 },
	{ 0 },
};

enum format { FORMAT_TABLE, FORMAT_TSV, FORMAT_JSON };

struct options {
	const char *user, *name;
	time_t since;
	enum format format;
	enum column columns[COLUMN_COUNT * 2];
	int ncolumns;
	char **dirs;
	int ndirs;
};

static void default_columns(struct options *options)
{
	static const enum column columns[] = {
		COLUMN_job,   COLUMN_user,  COLUMN_name,    COLUMN_ranks,
		COLUMN_nodes, COLUMN_start, COLUMN_elapsed, COLUMN_path,
	};

	memcpy(options->columns, columns, sizeof(columns));
	options->ncolumns = sizeof(columns) / sizeof(*columns);
}

static void all_columns(struct options *options)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		options->columns[i] = (enum column)i;
	options->ncolumns = COLUMN_COUNT;
}

static int column_find(const char *name, size_t length)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (strlen(column_names[i]) == length && !strncmp(column_names[i], name, length))
			return i;
	return -1;
}

static void parse_columns(struct options *options, struct argp_state *state, const char *text)
{
	options->ncolumns = 0;
	for (const char *c = text;; c++) {
		size_t length = strcspn(c, ",");
		int column = column_find(c, length);

		if (column < 0)
			argp_error(
				state,
				"--format: '%.*s' is neither table, tsv, json nor a column; the "
				"columns are job user name partition account cluster ranks nodes "
				"nodelist cpus gres memory array submit start end elapsed "
				"instruments command path",
				(int)length, c);
		if (options->ncolumns == COLUMN_COUNT * 2)
			argp_error(state, "--format: too many columns");
		options->columns[options->ncolumns++] = (enum column)column;
		c += length;
		if (!*c)
			break;
	}
}

static void parse_format(struct options *options, struct argp_state *state, const char *text)
{
	options->format = FORMAT_TABLE;
	if (!strcmp(text, "table")) {
		default_columns(options);
	} else if (!strcmp(text, "tsv")) {
		options->format = FORMAT_TSV;
		all_columns(options);
	} else if (!strcmp(text, "json")) {
		options->format = FORMAT_JSON;
	} else {
		parse_columns(options, state, text);
	}
}

static void parse_since(struct options *options, struct argp_state *state, const char *text)
{
	static const char *const formats[] = { "%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S" };
	int64_t ago;

	if (units_duration(text, &ago) == 0) {
		options->since = time(NULL) - (time_t)(ago / 1000000000);
		return;
	}
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *end = strptime(text, formats[i], &tm);

		if (end && !*end) {
			options->since = mktime(&tm);
			return;
		}
	}
	argp_error(state, "--since: '%s' is neither a date (YYYY-MM-DD) nor a duration (7d)", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_USER:
		options->user = arg;
		break;
	case KEY_SINCE:
		parse_since(options, state, arg);
		break;
	case KEY_NAME:
		options->name = arg;
		break;
	case KEY_FORMAT:
		parse_format(options, state, arg);
		break;
	case ARGP_KEY_ARGS:
		options->dirs = state->argv + state->next;
		options->ndirs = state->argc - state->next;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool wanted(const struct row *row, const struct options *options)
{
	char text[TEXT_MAX];

	if (options->since && (!row->start || row->start < options->since))
		return false;
	if (options->user && strcmp(row_text(row, "user", text, sizeof(text)), options->user))
		return false;
	return !options->name ||
	       !fnmatch(options->name, row_text(row, "name", text, sizeof(text)), 0);
}

static void filter(struct rows *rows, const struct options *options)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (wanted(&rows->list[i], options)) {
			rows->list[kept++] = rows->list[i];
			continue;
		}
		free(rows->list[i].path);
		json_decref(rows->list[i].data);
	}
	rows->count = kept;
}

static void put_table(const struct rows *rows, const struct options *options)
{
	int widths[COLUMN_COUNT * 2];
	char text[TEXT_MAX];

	for (int c = 0; c < options->ncolumns; c++) {
		widths[c] = (int)strlen(column_headings[options->columns[c]]);
		for (size_t i = 0; i < rows->count; i++) {
			int width = plain_put(NULL, row_column(&rows->list[i], options->columns[c],
							       false, text, sizeof(text)));

			if (width > widths[c])
				widths[c] = width;
		}
	}
	for (size_t i = 0; i <= rows->count; i++)
		for (int c = 0; c < options->ncolumns; c++) {
			bool last = c == options->ncolumns - 1;

			plain_put_padded(stdout,
					 !i ? column_headings[options->columns[c]]
					    : row_column(&rows->list[i - 1], options->columns[c],
							 false, text, sizeof(text)),
					 last ? 0 : widths[c] + 2);
			if (last)
				putchar('\n');
		}
}

static void put_tsv(const struct rows *rows, const struct options *options)
{
	char text[TEXT_MAX];

	for (int c = 0; c < options->ncolumns; c++)
		printf("%s%s", c ? "\t" : "", column_names[options->columns[c]]);
	putchar('\n');
	for (size_t i = 0; i < rows->count; i++) {
		for (int c = 0; c < options->ncolumns; c++) {
			if (c)
				putchar('\t');
			plain_put_cell(stdout, row_column(&rows->list[i], options->columns[c], true,
							  text, sizeof(text)));
		}
		putchar('\n');
	}
}

/* An array of the run.json, each with its path. */
static void put_json(const struct rows *rows)
{
	json_t *array = json_array();

	for (size_t i = 0; i < rows->count; i++) {
		json_object_set_new(rows->list[i].data, "path", json_string(rows->list[i].path));
		json_array_append(array, rows->list[i].data);
	}
	json_dumpf(array, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(array);
}

/* The working directory, and where NETPROF says runs go, if that is one place. */
static int scan_default(struct rows *rows, int *bad, struct err *err)
{
	struct netprof_settings settings = NETPROF_SETTINGS_INIT;
	const char *text = getenv(NETPROF_ENV);

	if (rows_scan(rows, ".", bad, err) < 0)
		return -1;
	if (!text || netprof_settings_merge(&settings, NETPROF_USER, text, err) < 0 ||
	    !*settings.dir || strchr(settings.dir, '%'))
		return 0;
	return rows_scan(rows, settings.dir, bad, err);
}

static int scan(struct rows *rows, const struct options *options, int *bad, struct err *err)
{
	if (!options->ndirs)
		return scan_default(rows, bad, err);
	for (int i = 0; i < options->ndirs; i++)
		if (rows_scan(rows, options->dirs[i], bad, err) < 0)
			return -1;
	return 0;
}

static void put(const struct rows *rows, const struct options *options)
{
	switch (options->format) {
	case FORMAT_TABLE:
		put_table(rows, options);
		break;
	case FORMAT_TSV:
		put_tsv(rows, options);
		break;
	case FORMAT_JSON:
		put_json(rows);
		break;
	}
}

int cmd_jobs(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "[DIR...]",
		.doc = "List the runs that were collected.\vLooks into DIR or, without one, into "
		       "the working directory and where NETPROF says.  See netemu-jobs(1).",
	};
	struct options options = { 0 };
	struct rows rows = { 0 };
	struct err err = { "" };
	int bad = 0;
	int rc;

	setlocale(LC_CTYPE, "");
	default_columns(&options);
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = scan(&rows, &options, &bad, &err);
	if (rc == 0) {
		rows_sort(&rows);
		filter(&rows, &options);
		put(&rows, &options);
		if (ferror(stdout) || fflush(stdout))
			rc = err_errno(&err, "unable to write 'standard output'");
	}
	rows_release(&rows);
	if (rc < 0)
		fprintf(stderr, "netemu jobs: %s\n", err.text);
	return rc < 0 || bad;
}
