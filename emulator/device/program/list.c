/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - `netemu device list` */
#include "config.h"

#include "commands.h"
#include "view.h"

#include <argp.h>

#define PROGRAM "netemu device list"

static const struct argp_option table[] = {
	{ "format", 'F', "FORMAT", 0, "text (default), tsv or json", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	int *format = state->input;

	if (key != 'F')
		return ARGP_ERR_UNKNOWN;
	*format = view_format(arg);
	if (*format < 0)
		argp_error(state, "--format: '%s' is none of text, tsv, json", arg);
	return 0;
}

static const struct argp argp = {
	.options = table,
	.parser = parse,
	.doc = "List the fabrics of this user on this node.\vSee netemu-device(1).",
};

static int add_fabric(void *arg, const char *path)
{
	struct fabric fabric;
	json_t *row;

	if (fabric_join(&fabric, path, 0, false, NULL) < 0)
		return 0; /* it has just gone */
	row = view_fabric(&fabric);
	json_array_extend(arg, row);
	json_decref(row);
	fabric_leave(&fabric);
	return 0;
}

int command_list(int argc, char **argv)
{
	json_t *rows = json_array();
	int format = VIEW_TEXT;

	argp_parse(&argp, argc, argv, 0, NULL, &format);
	fabric_each(add_fabric, rows);
	view_print(stdout, NULL, rows, (enum view_format)format);
	json_decref(rows);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, PROGRAM ": unable to write standard output\n");
	return 1;
}
