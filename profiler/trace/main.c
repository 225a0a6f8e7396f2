/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `netemu trace COMMAND ...` */
#include "trace/commands.h"
#include "dispatch.h"

#include <argp.h>

static const struct dispatch_command commands[] = {
	{ "export", command_export, "Write raw JSON, a timeline or a table" },
	{ "summary", command_summary, "Say how much was sent, how large, how fast, how evenly" },
	{ "check", command_check, "Say what a program does wrong with verbs" },
	{ "matrix", command_matrix, "Say which rank moved how much to which" },
	{ "diff", command_diff, "Say what differs between two runs" },
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
