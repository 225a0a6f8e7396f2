/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "options.h"
#include "ranksource.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *argp_program_version = "netemu-matrix " PACKAGE_VERSION;

enum {
	KEY_WHAT = 256,
	KEY_BY,
	KEY_OP,
	KEY_PHASE,
	KEY_WINDOW,
	KEY_FORMAT,
	KEY_PLOT,
	KEY_DIFF,
	KEY_FAIL,
	KEY_STRICT,
	KEY_FROM,
};

static const struct argp_option table[] = {
	{ "what", KEY_WHAT, "WHAT", 0, "bytes (default), messages or sizes", 1 },
	{ "by", KEY_BY, "UNIT", 0, "rank (default) or node", 1 },
	{ "op", KEY_OP, "NAME", 0, "Only this operation: p2p, bcast, allreduce, ...", 2 },
	{ "phase", KEY_PHASE, "N", 0, "Only what was sent while MPI_Pcontrol(N) was in force", 2 },
	{ "window", KEY_WINDOW, "I", OPTION_ARG_OPTIONAL,
	  "Only the I-th window of time; without I, list the windows", 2 },
	{ "from", KEY_FROM, "SOURCE", 0, "Whose matrix: mpi (default), verbs or replay", 2 },
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default), tsv, json or pfsim", 3 },
	{ "output", 'o', "FILE", 0, "Write to FILE instead of standard output", 3 },
	{ "plot", KEY_PLOT, "FILE", 0,
	  "Also draw a heat map to FILE (.svg, .png or .pdf) and a histogram of the sizes to "
	  "FILE with -sizes in its name",
	  3 },
	{ "diff", KEY_DIFF, NULL, 0, "Compare two runs, A and B", 4 },
	{ "fail", KEY_FAIL, "PERCENT", 0,
	  "With --diff: exit with 1 when they differ by more than that", 4 },
	{ "strict", KEY_STRICT, NULL, 0,
	  "Fail where there would be a warning: unfinished ranks, sent and received not the same",
	  4 },
	{ 0 },
};

/* Index of TEXT in NAMES; what is not there ends the program. */
static int choose(struct argp_state *state, const char *option, const char *text,
		  const char *const names[], int count)
{
	char list[512] = "";
	size_t used = 0;

	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], text))
			return i;
	for (int i = 0; i < count && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 !i               ? ""
					 : i == count - 1 ? " or "
							  : ", ",
					 names[i]);
	argp_error(state, "--%s: '%s' is not %s", option, text, list);
	return 0;
}

static long long whole(struct argp_state *state, const char *option, const char *text,
		       long long least, long long most)
{
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || end == text || *end || number < least || number > most)
		argp_error(state, "--%s: '%s' is not a whole number from %lld to %lld", option,
			   text, least, most);
	return number;
}

static double percentage(struct argp_state *state, const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || (*end && strcmp(end, "%")) || !(number >= 0) || isinf(number))
		argp_error(state, "--fail: '%s' is not a percentage", text);
	return number / 100;
}

static void parse_phase(struct options *options, struct argp_state *state, const char *text)
{
	struct selection *sel = &options->selection;

	sel->other = !strcmp(text, "other");
	if (!sel->other)
		sel->phase = (int32_t)whole(state, "phase", text, INT32_MIN, INT32_MAX);
	sel->by_phase = sel->other || sel->phase != 0; /* 0 is the whole run */
}

static void parse_window(struct options *options, struct argp_state *state, const char *text)
{
	options->list_windows = !text;
	options->selection.window = text ? whole(state, "window", text, 0, INT32_MAX) : -1;
}

/* What does not go together. */
static void check(const struct options *options, struct argp_state *state)
{
	const struct selection *sel = &options->selection;
	bool part = sel->op >= 0 || sel->by_phase;

	if (!options->nruns)
		argp_error(state,
			   "name a run: a job id, a run directory, rank files or an archive");
	if (options->diff && options->nruns != 2)
		argp_error(state, "--diff takes two runs, not %d", options->nruns);
	if (options->fail >= 0 && !options->diff)
		argp_error(state, "--fail goes with --diff only");
	if (options->diff && (options->plot || options->format == FORMAT_PFSIM ||
			      options->what == WHAT_SIZES || options->list_windows))
		argp_error(state, "--diff compares matrices, as text, tsv or json");
	if (part && (sel->window >= 0 || options->list_windows))
		argp_error(state, "windows are not counted by operation or phase");
	if (options->what == WHAT_SIZES && selection_any(sel))
		argp_error(state, "sizes are counted for the whole run only");
	if (options->format == FORMAT_PFSIM && options->by == BY_NODE)
		argp_error(state, "--format=pfsim is by rank");
	if (options->plot && !report_plot_suffix(options->plot))
		argp_error(state, "--plot: the suffix of '%s' is none of .svg .png .pdf",
			   options->plot);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const whats[] = { "bytes", "messages", "sizes" };
	static const char *const bys[] = { "rank", "node" };
	static const char *const formats[] = { "text", "tsv", "json", "pfsim" };
	static const char *const froms[] = {
#define X(name) name,
		RANKSOURCE_FROM_LIST(X)
#undef X
	};
	struct options *options = state->input;

	switch (key) {
	case KEY_WHAT:
		options->what = (enum what)choose(state, "what", arg, whats, 3);
		break;
	case KEY_BY:
		options->by = (enum by)choose(state, "by", arg, bys, 2);
		break;
	case KEY_OP:
		options->selection.op = choose(state, "op", arg, rankop_names, RANKOP_COUNT);
		break;
	case KEY_PHASE:
		parse_phase(options, state, arg);
		break;
	case KEY_WINDOW:
		parse_window(options, state, arg);
		break;
	case KEY_FROM:
		options->from = froms[choose(state, "from", arg, froms, 3)];
		break;
	case KEY_FORMAT:
		options->format = (enum format)choose(state, "format", arg, formats, 4);
		options->format_name = formats[options->format];
		break;
	case 'o':
		options->output = strcmp(arg, "-") ? arg : NULL;
		break;
	case KEY_PLOT:
		options->plot = arg;
		break;
	case KEY_DIFF:
		options->diff = true;
		break;
	case KEY_FAIL:
		options->fail = percentage(state, arg);
		break;
	case KEY_STRICT:
		options->strict = true;
		break;
	case ARGP_KEY_ARGS:
		options->runs = state->argv + state->next;
		options->nruns = state->argc - state->next;
		break;
	case ARGP_KEY_SUCCESS:
		check(options, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse,
		.args_doc = "RUN...\n--diff A B",
		.doc = "Show who sent how much to whom.\v"
		       "RUN is a job id, JOBID.STEP, a run directory (or several parts of one), rank "
		       "files, or a tar archive of rank files.  See netemu-matrix(1).",
	};

	*options = (struct options){
		.selection = SELECTION_ALL,
		.format_name = "text",
		.from = "mpi",
		.fail = -1,
	};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
