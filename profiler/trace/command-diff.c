/* SPDX-License-Identifier: Apache-2.0 */
/* command-diff.c - `netemu trace diff': is it still the same traffic? */
#include "config.h"

#include "outfile.h"
#include "plain.h"
#include "trace/commands.h"
#include "trace/compare.h"
#include "trace/json.h"
#include "units.h"

#include <argp.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIFF_VERSION 1

enum { KEY_FORMAT = 256, KEY_FAIL };

struct diff_options {
	const char *run[2], *output;
	const struct diff_format *format;
	double fail; /* percent; negative: never */
};

/* What is shown: both runs, and how they differ. */
struct diff {
	struct trace_run run[2];
	struct overview overview[2];
	struct compare compare;
};

struct diff_format {
	const char *name;
	int (*write)(const struct diff *diff, FILE *out); /* 0, or -1 with errno */
};

/* --- formats --- */

static const char *percent(char buf[32], const struct compare_row *row)
{
	double value = compare_percent(row);

	if (isinf(value))
		return "new";
	snprintf(buf, 32, "%+.2f %%", value);
	return buf;
}

static const char *difference(char buf[40], const struct compare_row *row)
{
	double value = row->value[1] - row->value[0];

	*buf = value > 0 ? '+' : '-';
	units_grouped(buf + 1, 39, (uint64_t)fabs(value));
	return value != 0 ? buf : "0";
}

static void text_run(const struct diff *diff, int side, FILE *out)
{
	const struct overview *overview = &diff->overview[side];

	fprintf(out, "%c: ", 'A' + side);
	plain_put(out, diff->run[side].path);
	fprintf(out, ", %" PRIu32 " rank%s", overview->ranks, overview->ranks == 1 ? "" : "s");
	if (overview->dropped || overview->lost)
		fprintf(out, "; incomplete, %" PRIu64 " records are missing",
			overview->dropped + overview->lost);
	if (diff->run[side].missing)
		fprintf(out, "; incomplete, of %" PRIu32 " ranks there is no file",
			diff->run[side].missing);
	putc('\n', out);
}

static int write_text(const struct diff *diff, FILE *out)
{
	const char *group = "";
	size_t same = 0;
	char a[32], b[32], by[40], change[32], what[96];

	text_run(diff, 0, out);
	text_run(diff, 1, out);
	for (size_t i = 0; i < diff->compare.rows; i++) {
		const struct compare_row *row = &diff->compare.row[i];

		if (row->value[0] == row->value[1]) {
			same++;
			continue;
		}
		if (row->group != group)
			fprintf(out, "\n%-29s %13s %13s %12s %9s\n", row->group, "A", "B",
				"difference", "");
		group = row->group;
		snprintf(what, sizeof(what), "%s, %s", row->what, row->unit);
		fprintf(out, "%-29s %13s %13s %12s %9s\n", what,
			units_grouped(a, sizeof(a), (uint64_t)row->value[0]),
			units_grouped(b, sizeof(b), (uint64_t)row->value[1]), difference(by, row),
			percent(change, row));
	}
	fprintf(out, "\n%zu of %zu numbers are the same in both.\n", same, diff->compare.rows);
	return 0;
}

static int write_tsv(const struct diff *diff, FILE *out)
{
	fputs("group\twhat\tunit\ta\tb\tdifference\tpercent\n", out);
	for (size_t i = 0; i < diff->compare.rows; i++) {
		const struct compare_row *row = &diff->compare.row[i];

		fprintf(out, "%s\t", row->group);
		plain_put_cell(out, row->what);
		fprintf(out, "\t%s\t%.0f\t%.0f\t%.0f\t%.3f\n", row->unit, row->value[0],
			row->value[1], row->value[1] - row->value[0], compare_percent(row));
	}
	return 0;
}

static void json_row(struct json *json, const struct compare_row *row)
{
	double change = compare_percent(row);
	char text[64];

	JSON_PUT(json, "\n{\"group\":");
	json_text(json, row->group);
	JSON_PUT(json, ",\"what\":");
	json_text(json, row->what);
	JSON_PUT(json, ",\"unit\":");
	json_text(json, row->unit);
	JSON_PUT(json, ",\"a\":");
	json_id(json, (uint64_t)row->value[0]);
	JSON_PUT(json, ",\"b\":");
	json_id(json, (uint64_t)row->value[1]);
	JSON_PUT(json, ",\"percent\":");
	snprintf(text, sizeof(text), isinf(change) ? "null" : "%.3f", change);
	json_put(json, text, strlen(text));
	JSON_PUT(json, "}");
}

static int write_json(const struct diff *diff, FILE *out)
{
	struct json json;
	int rc;

	if (json_init(&json, out, 64 * 1024) < 0)
		return -1;
	JSON_PUT(&json, "{\"netemu_trace_diff\":");
	json_u64(&json, DIFF_VERSION);
	JSON_PUT(&json, ",\"a\":");
	json_text(&json, diff->run[0].path);
	JSON_PUT(&json, ",\"b\":");
	json_text(&json, diff->run[1].path);
	JSON_PUT(&json, ",\"rows\":[");
	for (size_t i = 0; i < diff->compare.rows; i++) {
		if (i)
			JSON_PUT(&json, ",");
		json_row(&json, &diff->compare.row[i]);
	}
	JSON_PUT(&json, "]}\n");
	rc = json_flush(&json);
	json_release(&json);
	return rc;
}

static const struct diff_format formats[] = {
	{ "text", write_text },
	{ "tsv", write_tsv },
	{ "json", write_json },
};

/* --- options --- */

static const struct argp_option table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default), tsv or json", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE", 0 },
	{ "fail", KEY_FAIL, "PERCENT", 0,
	  "Exit with 1 when a count differs by more than that; latencies are not judged", 0 },
	{ 0 },
};

static const struct diff_format *format_of(const char *name, struct argp_state *state)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	argp_error(state, "--format=%s is not known; see --help", name);
	return NULL;
}

static double percent_of(const char *arg, struct argp_state *state)
{
	char *end;
	double value = strtod(arg, &end);

	if (end == arg || (*end && strcmp(end, "%") != 0) || !(value >= 0) || isinf(value))
		argp_error(state, "--fail=%s: not a percentage", arg);
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct diff_options *options = state->input;

	switch (key) {
	case KEY_FORMAT:
		options->format = format_of(arg, state);
		return 0;
	case KEY_FAIL:
		options->fail = percent_of(arg, state);
		return 0;
	case 'o':
		options->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "two runs are enough: '%s'", arg);
		options->run[state->arg_num] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->run[1])
			argp_error(state, "two runs are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- work --- */

static int write_out(const struct diff_options *options, const struct diff *diff, struct err *err)
{
	struct outfile file;

	if (outfile_open(&file, options->output, err) < 0)
		return -1;
	if (options->format->write(diff, file.stream) < 0 && !ferror(file.stream)) {
		outfile_abort(&file);
		return err_errno(err, "unable to write the differences");
	}
	return outfile_commit(&file, err);
}

static int read_run(struct diff *diff, int side, const char *name, struct err *err)
{
	if (trace_run_open(&diff->run[side], name, err) < 0)
		return -1;
	return overview_collect(&diff->overview[side], &diff->run[side], OVERVIEW_PEER,
				OVERVIEW_NOBODY, err);
}

static int collect(struct diff *diff, const struct diff_options *options, struct err *err)
{
	for (int side = 0; side < 2; side++)
		if (read_run(diff, side, options->run[side], err) < 0)
			return -1;
	if (diff->run[0].ranks != diff->run[1].ranks)
		return err_set(
			err,
			"only runs of as many ranks can be laid side by side: '%s' has %" PRIu32
			", '%s' %" PRIu32,
			diff->run[0].path, diff->run[0].ranks, diff->run[1].path,
			diff->run[1].ranks);
	if (compare_runs(&diff->compare, &diff->overview[0], &diff->overview[1]) < 0)
		return err_errno(err, "unable to compare");
	return 0;
}

int command_diff(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "A B",
		.doc = "What is different between two runs.",
	};
	struct diff_options options = { .format = &formats[0], .fail = -1 };
	struct diff diff = { 0 };
	struct err err = { "" };
	int rc;

	setlocale(LC_CTYPE, "");
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	rc = collect(&diff, &options, &err);
	if (rc == 0)
		rc = write_out(&options, &diff, &err);
	if (rc < 0) {
		fputs("netemu trace diff: ", stderr);
		plain_put(stderr, err.text);
		putc('\n', stderr);
	} else if (options.fail >= 0 && compare_worst(&diff.compare) > options.fail) {
		rc = 1;
	}
	compare_release(&diff.compare);
	for (int side = 0; side < 2; side++) {
		overview_release(&diff.overview[side]);
		trace_run_close(&diff.run[side]);
	}
	return rc ? 1 : 0;
}
