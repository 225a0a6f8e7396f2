/* SPDX-License-Identifier: Apache-2.0 */
/* plot.c - `netemu replay plot`: pictures of what came of runs */
#include "cmd/commands.h"
#include "gnuplot.h"
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
	{ "output", 'o', "FILE", 0, "Where to: .svg, .png or .pdf (replay.svg)", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'o':
		if (!gnuplot_can_draw(arg))
			argp_error(state, "--output: '%s' ends in neither .svg, .png nor .pdf",
				   arg);
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
	.doc = "Draw time and bandwidth by gnuplot, from what --summary wrote or from run directories; "
	       "several summaries into one picture.",
};

int command_plot(int argc, char **argv)
{
	struct arguments arguments = { .output = "replay.svg" };
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
		rc = plot_draw(&(struct plot_files){ summaries, arguments.count }, arguments.output,
			       &err);
	while (read)
		summary_free(&summaries[--read]);
	free(summaries);
	if (rc < 0)
		fprintf(stderr, "netemu replay plot: %s\n", err.text);
	return rc < 0;
}
