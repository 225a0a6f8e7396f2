/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `netemu sim COMMAND ...` */
#include "commands.h"
#include "dispatch.h"

static const struct dispatch_command commands[] = {
	{ "topology", command_topology, "generate, describe and convert networks" },
	{ "load", command_load, "load the links of a network with a pattern" },
	{ "run", command_run, "run the jobs of a scenario, swept over algorithms" },
	{ "collect", command_collect, "gather what run --slurm has left" },
	{ "compare", command_compare, "show what differs between two results" },
	{ 0 },
};

static const struct dispatch dispatch = {
	.program = "netemu sim",
	.about = "Simulate jobs on a cluster and their traffic on its links.",
	.closing = "`netemu sim COMMAND --help' lists the options of a command; see netemu-sim(1).",
	.commands = commands,
};

int main(int argc, char **argv)
{
	return dispatch_run(&dispatch, argc, argv);
}
