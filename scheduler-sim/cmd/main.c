/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `netemu sim COMMAND ...` */
#include "config.h"

#include "commands.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name; /* for argv[0] of the command */
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "netemu sim topology", command_topology, "generate, describe and convert networks" },
	{ "netemu sim load", command_load, "load the links of a network with a pattern" },
	{ "netemu sim run", command_run, "run the jobs of a scenario, swept over algorithms" },
	{ "netemu sim collect", command_collect, "gather what run --slurm has left" },
	{ "netemu sim compare", command_compare, "show what differs between two results" },
};

#define NAME_OFFSET (sizeof("netemu sim ") - 1)
#define NCOMMANDS   (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fputs("Usage: netemu sim COMMAND [OPTION...]\n"
	      "Simulate jobs on a cluster and their traffic on its links.\n\n",
	      out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (commands[i].run)
			fprintf(out, "  %-10s %s\n", commands[i].name + NAME_OFFSET,
				commands[i].help);
	fputs("\n`netemu sim COMMAND --help' lists the options of a command; "
	      "see netemu-sim(1).\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (commands[i].run && strcmp(commands[i].name + NAME_OFFSET, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("netemu sim " PACKAGE_VERSION);
		return 0;
	}
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "netemu sim: '%s': unknown command (see netemu sim --help)\n",
			argv[1]);
		return 2;
	}
	argv[1] = (char *)command->name;
	return command->run(argc - 1, argv + 1);
}
