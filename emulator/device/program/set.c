/* SPDX-License-Identifier: Apache-2.0 */
/* set.c - `netemu device set` */
#include "config.h"

#include "commands.h"
#include "control.h"

#include <stdio.h>

enum { KEY_DEVICE = 'd', KEY_LINK = 'l', KEY_QP = 'q' };

struct options {
	struct target target; /* the first: see target.h */
	char **lists;
	int count;
};

static const struct argp_option table[] = {
	{ "device", KEY_DEVICE, "NAME", 0, "The device, as netemu0 (default all)", 0 },
	{ "link", KEY_LINK, "NAME", 0, "The link, as netemu device show links names it", 0 },
	{ "qp", KEY_QP, "QPN", 0, "The queue pair", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		break;
	case KEY_DEVICE:
		options->target.device = arg;
		break;
	case KEY_LINK:
		options->target.link = arg;
		break;
	case KEY_QP:
		options->target.qpn = target_number(state, "--qp", arg, 0, 0, 0xffffff,
						    "no number of a queue pair");
		break;
	case ARGP_KEY_ARGS:
		options->lists = state->argv + state->next;
		options->count = state->argc - state->next;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "KEY=VALUE is wanted");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.args_doc = "KEY=VALUE[,...]...",
	.doc = "Change a network, or break something, while programs use it.\v"
	       "latency=TIME, jitter=TIME; rate=RATE, loss=P of --link or of the devices' links; "
	       "state=up|down of --link or of ports; state=error, complete=WR_ID:STATUS of --qp.  "
	       "See netemu-device(1).",
	.children = target_children,
};

int command_set(int argc, char **argv)
{
	struct options options = { .target = target_default };
	struct err err = { "" };
	struct fabric fabric;
	int rc = 0;

	if (target_begin(&argp, argc, argv, &options, true, &fabric) != 0)
		return 1;
	for (int i = 0; rc == 0 && i < options.count; i++)
		rc = control_list(&fabric, &options.target, options.lists[i], &err);
	fabric_leave(&fabric);
	if (rc == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", argv[0], err.text);
	return 1;
}
