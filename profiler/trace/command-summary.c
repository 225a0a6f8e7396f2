/* SPDX-License-Identifier: Apache-2.0 */
/* command-summary.c - `netemu trace summary`: how much, how large, how fast, how even */
#include "config.h"

#include "outfile.h"
#include "plain.h"
#include "trace/commands.h"
#include "trace/summary.h"

#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define TOP 40 /* rows of a text, unless it is said */

enum { KEY_BY = 256, KEY_FORMAT, KEY_RANK, KEY_SORT, KEY_TOP };

enum format { FORMAT_TEXT, FORMAT_TSV, FORMAT_JSON, FORMATS };

static const char *const format_names[FORMATS] = { "text", "tsv", "json" };
static const char *const by_names[OVERVIEW_BYS] = { "run", "rank", "host", "peer", "qp" };

struct summary_options {
	const char *run, *output;
	enum overview_by by;
	enum format format;
	uint32_t rank;
	const struct summary_column *sort;
	size_t top;
	bool top_said;
};

static const struct argp_option table[] = {
	{ "by", KEY_BY, "WHAT", 0, "A row for each: run, rank, host, peer (default) or qp", 0 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default), tsv or json", 0 },
	{ "output", 'o', "FILE", 0, "Write to FILE", 0 },
	{ "rank", KEY_RANK, "RANK", 0, "This rank alone", 0 },
	{ "sort", KEY_SORT, "COLUMN", 0, "Rows by this column of --format=tsv, largest first", 0 },
	{ "top", KEY_TOP, "N", 0, "The first N rows alone, 0 = all (default: 40 in a text)", 0 },
	{ 0 },
};

static int choice(const char *const *names, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

static unsigned long number(const char *arg, const char *option, unsigned long most,
			    struct argp_state *state)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end || errno || value > most)
		argp_error(state, "--%s=%s: not a number", option, arg);
	return value;
}

static void set_choice(int *to, const char *const *names, int count, const char *option,
		       const char *arg, struct argp_state *state)
{
	*to = choice(names, count, arg);
	if (*to < 0)
		argp_error(state, "--%s=%s is not known; see --help", option, arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct summary_options *options = state->input;
	int chosen = 0;

	switch (key) {
	case KEY_BY:
		set_choice(&chosen, by_names, OVERVIEW_BYS, "by", arg, state);
		options->by = (enum overview_by)chosen;
		return 0;
	case KEY_FORMAT:
		set_choice(&chosen, format_names, FORMATS, "format", arg, state);
		options->format = (enum format)chosen;
		return 0;
	case KEY_RANK:
		options->rank = (uint32_t)number(arg, "rank", UINT32_MAX - 1, state);
		return 0;
	case KEY_SORT:
		options->sort = summary_column(arg);
		if (!options->sort)
			argp_error(state, "--sort=%s: no such column", arg);
		return 0;
	case KEY_TOP:
		options->top = number(arg, "top", SIZE_MAX, state);
		options->top_said = true;
		return 0;
	case 'o':
		options->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (options->run)
			argp_error(state, "one RUN is enough: '%s'", arg);
		options->run = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->run)
			argp_error(state, "RUN is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int write_out(const struct summary_options *options, const struct overview *overview,
		     const struct trace_run *run, struct err *err)
{
	size_t top = options->top_said || options->format != FORMAT_TEXT ? options->top : TOP;
	struct outfile file;

	if (outfile_open(&file, options->output, err) < 0)
		return -1;
	if (options->format == FORMAT_TEXT)
		summary_text(overview, run, top, file.stream);
	else if (options->format == FORMAT_TSV)
		summary_tsv(overview, top, file.stream);
	else if (summary_json(overview, run, top, file.stream) < 0 && !ferror(file.stream)) {
		outfile_abort(&file);
		return err_errno(err, "unable to write the summary");
	}
	return outfile_commit(&file, err);
}

static int summarize(const struct summary_options *options, struct err *err)
{
	struct overview overview;
	struct trace_run run;
	int rc;

	if (trace_run_open(&run, options->run, err) < 0)
		return -1;
	rc = overview_collect(&overview, &run, options->by, options->rank, err);
	if (rc == 0) {
		summary_sort(&overview, options->sort);
		rc = write_out(options, &overview, &run, err);
		overview_release(&overview);
	}
	trace_run_close(&run);
	return rc;
}

int command_summary(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "RUN",
		.doc = "How many messages, how large, how fast, over which queue pairs.",
	};
	struct summary_options options = { .by = OVERVIEW_PEER, .rank = OVERVIEW_NOBODY };
	struct err err = { "" };

	setlocale(LC_CTYPE, "");
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (summarize(&options, &err) == 0)
		return 0;
	fputs("netemu trace summary: ", stderr);
	plain_put(stderr, err.text);
	putc('\n', stderr);
	return 1;
}
