/* SPDX-License-Identifier: Apache-2.0 */
/* show.c - `netemu device show` and `stat` */
#include "config.h"

#include "commands.h"
#include "units.h"
#include "view.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

enum { KEY_FORMAT = 256, KEY_INTERVAL, KEY_COUNT };

struct options {
	struct target target; /* the first: see target.h */
	int format;
	const char *what; /* NULL: all */
	int64_t interval; /* ns; 0: once */
	long count;       /* 0: until a signal */
	bool stat;        /* the command is `stat` */
};

/* The tables by name. */
static json_t *fabric_of(const struct fabric *fabric, const struct target *target)
{
	(void)target;
	return view_fabric(fabric);
}

static json_t *links_of(const struct fabric *fabric, const struct target *target)
{
	(void)target;
	return view_links(fabric);
}

static const struct view {
	const char *name, *title;
	json_t *(*rows)(const struct fabric *fabric, const struct target *target);
	bool stat; /* of `stat` too */
} views[] = {
	{ "fabric", NULL, fabric_of, false },
	{ "ports", "\nPorts", view_ports, true },
	{ "links", "\nLinks", links_of, true },
	{ "processes", "\nProcesses", view_processes, false },
	{ "qps", "\nQueue pairs", view_queue_pairs, false },
	{ "lateness", "\nLateness", view_lateness, true },
};

#define NVIEWS (sizeof(views) / sizeof(*views))

static const struct argp_option show_table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default), tsv or json", 0 },
	{ 0 },
};

static const struct argp_option stat_table[] = {
	{ "format", KEY_FORMAT, "FORMAT", 0, "text (default), tsv or json", 0 },
	{ "interval", KEY_INTERVAL, "TIME", 0, "Again each TIME, as 1s", 0 },
	{ "count", KEY_COUNT, "N", 0, "So often", 0 },
	{ 0 },
};

/* The table that is named; `stat` has those alone that count. */
static void set_what(struct options *options, struct argp_state *state, const char *arg)
{
	if (options->what)
		argp_error(state, "'%s': one table at a time", arg);
	for (size_t i = 0; i < NVIEWS; i++)
		if (strcmp(views[i].name, arg) == 0 && (views[i].stat || !options->stat))
			options->what = arg;
	if (options->what != arg)
		argp_error(state, "'%s' is none of %s", arg,
			   options->stat ? "ports, links, lateness"
					 : "fabric, ports, links, processes, qps, lateness");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		break;
	case KEY_FORMAT:
		options->format = view_format(arg);
		if (options->format < 0)
			argp_error(state, "--format: '%s' is none of text, tsv, json", arg);
		break;
	case KEY_INTERVAL:
		if (units_duration(arg, &options->interval) < 0 || options->interval <= 0)
			argp_error(state, "--interval: '%s' is no duration", arg);
		break;
	case KEY_COUNT:
		options->count =
			target_number(state, "--count", arg, 10, 1, LONG_MAX, "no number from 1");
		break;
	case ARGP_KEY_ARG:
		set_what(options, state, arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp show_argp = {
	.options = show_table,
	.parser = parse,
	.args_doc = "[fabric|ports|links|processes|qps|lateness]",
	.doc = "Show what a fabric holds.\vAll tables, or the one that is named.  "
	       "See netemu-device(1).",
	.children = target_children,
};

static const struct argp stat_argp = {
	.options = stat_table,
	.parser = parse,
	.args_doc = "[ports|links|lateness]",
	.doc = "Show counters of ports and links.\vSee netemu-device(1).",
	.children = target_children,
};

static void show(const struct fabric *fabric, const struct options *options)
{
	json_t *all = json_object();

	for (size_t i = 0; i < NVIEWS; i++) {
		const struct view *view = &views[i];
		json_t *rows;

		if (options->what ? strcmp(options->what, view->name) != 0
				  : options->stat && !view->stat)
			continue;
		rows = view->rows(fabric, &options->target);
		if (options->format == VIEW_JSON && !options->what)
			json_object_set(all, view->name, rows);
		else
			view_print(stdout, options->what ? NULL : view->title, rows,
				   (enum view_format)options->format);
		json_decref(rows);
	}
	if (options->format == VIEW_JSON && !options->what)
		view_print(stdout, NULL, all, VIEW_JSON);
	json_decref(all);
}

static int finish(const char *program, struct fabric *fabric)
{
	fabric_leave(fabric);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "%s: unable to write standard output: %s\n", program, strerror(errno));
	return 1;
}

int command_show(int argc, char **argv)
{
	struct options options = { .target = target_default };
	struct fabric fabric;

	if (target_begin(&show_argp, argc, argv, &options, false, &fabric) != 0)
		return 1;
	show(&fabric, &options);
	return finish(argv[0], &fabric);
}

int command_stat(int argc, char **argv)
{
	struct options options = { .target = target_default, .stat = true };
	struct fabric fabric;

	if (target_begin(&stat_argp, argc, argv, &options, false, &fabric) != 0)
		return 1;
	for (long i = 1;; i++) {
		const struct timespec pause = { options.interval / 1000000000,
						options.interval % 1000000000 };

		show(&fabric, &options);
		if (!options.interval || i == options.count || fflush(stdout) != 0)
			break;
		nanosleep(&pause, NULL);
	}
	return finish(argv[0], &fabric);
}
