/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `netemu trace COMMAND ...` */
#include "trace/commands.h"
#include "dispatch.h"

#include <argp.h>

static const struct dispatch_command commands[] = {
	{ "export", command_export, "Write raw JSON, a timeline or a table" },
	{ "matrix", command_matrix,
	  "which rank moved how much to which, as rank files or a table" },
	{ 0 },
};

static const struct dispatch dispatch = {
	.program = "netemu trace",
	.about = "What verbs calls a program made, and when.",
	.closing = "`netemu trace COMMAND --help' lists the options of a command; "
		   "see netemu-trace(1).",
	.commands = commands,
};

int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	return dispatch_run(&dispatch, argc, argv);
}
