/* SPDX-License-Identifier: Apache-2.0 */
/* collect.c - `netemu sim collect`: gather what an array job has computed */
#include "config.h"

#include "commands.h"
#include "run/plot.h"
#include "run/table.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "netemu sim collect"

enum { KEY_PLOTS = 256, KEY_FORMAT };

static const struct argp_option table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default) or tsv", 0 },
	{ "plots", KEY_PLOTS, "svg|png|no", 0,
	  "How to draw the comparison (default as the scenario says)", 0 },
	{ 0 },
};

struct options {
	const char *plots, *dir;
	bool tsv;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_PLOTS:
		if (strcmp(arg, "svg") && strcmp(arg, "png") && strcmp(arg, "no"))
			argp_error(state, "--plots: '%s' is none of svg, png, no", arg);
		options->plots = arg;
		break;
	case KEY_FORMAT:
		if (strcmp(arg, "text") && strcmp(arg, "tsv"))
			argp_error(state, "--format: '%s' is neither text nor tsv", arg);
		options->tsv = strcmp(arg, "tsv") == 0;
		break;
	case ARGP_KEY_ARG:
		if (options->dir)
			argp_error(state, "one output folder is wanted");
		options->dir = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "the output folder of a sweep is wanted");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.args_doc = "DIR",
	.doc = "Bring the results of netemu sim run --slurm in DIR together to one table.\v"
	       "The exit status is 1 when results are missing.  See netemu-sim(1).",
};

/* Returns the exit status, or -1 with ERR written. */
static int collect(const struct options *options, struct err *err)
{
	struct table results;
	size_t missing, count;
	int rc;

	if (table_read(&results, options->dir, err) < 0)
		return -1;
	rc = table_write(options->dir, &results, err);
	if (rc == 0)
		rc = plot_sweep(&results, options->dir,
				options->plots ? options->plots : results.plots, err);
	if (rc == 0)
		(options->tsv ? table_tsv : table_text)(&results, stdout);
	missing = results.missing;
	count = results.cases * results.repeat;
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = err_errno(err, "unable to write standard output");
	if (rc == 0 && missing)
		rc = err_set(err, "%s: %zu of %zu sub-scenarios have no results, first '%s'",
			     options->dir, missing, count,
			     results.first_missing ? results.first_missing : "?");
	table_release(&results);
	return rc;
}

int command_collect(int argc, char **argv)
{
	struct options options = { 0 };
	struct err err = { "" };

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (collect(&options, &err) == 0)
		return 0;
	fprintf(stderr, PROGRAM ": %s\n", err.text);
	return 1;
}
