/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c - `netemu replay plot`: pictures of what came of runs */
#include "cmd/commands.h"
#include "outfile.h"
#include "result/plot.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>

struct arguments {
	const char *output;
	char **paths; /* of argv */
	size_t count;
};

static const struct argp_option table[] = {
	{ "output", 'o', "FILE.svg", 0, "Where to (standard output)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'o':
		arguments->output = arg;
		return 0;
	case ARGP_KEY_ARGS:
		arguments->paths = state->argv + state->next;
		arguments->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which summary?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.args_doc = "SUMMARY.json|RUN...",
	.doc = "Draw time and bandwidth as SVG, from what --summary wrote or from run directories; "
	       "several summaries into one picture.",
};

static int draw(const struct arguments *arguments, const struct summary *summaries, struct err *err)
{
	struct outfile file;

	if (outfile_open(&file, arguments->output, err) < 0)
		return -1;
	if (plot_summaries(summaries, arguments->count, file.stream, err) < 0) {
		outfile_abort(&file);
		return -1;
	}
	return outfile_commit(&file, err);
}

int command_plot(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct summary *summaries;
	struct err err = { "" };
	size_t read = 0;
	int rc = 0;

	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		return 2;
	summaries = calloc(arguments.count, sizeof(*summaries));
	if (!summaries)
		rc = err_errno(&err, "no room for summaries");
	while (rc == 0 && read < arguments.count) {
		rc = summary_read(&summaries[read], arguments.paths[read], &err);
		read += rc == 0;
	}
	if (rc == 0)
		rc = draw(&arguments, summaries, &err);
	while (read)
		summary_release(&summaries[--read]);
	free(summaries);
	if (rc < 0)
		fprintf(stderr, "netemu replay plot: %s\n", err.text);
	return rc < 0;
}
