/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `netemu device COMMAND ...` */
#include "config.h"

#include "commands.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name; /* for argv[0] of the command */
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: not for people; the last */
} commands[] = {
	{ "netemu device run", command_run, "run a program with an emulated RDMA device" },
	{ "netemu device list", command_list, "list the fabrics of this user" },
	{ "netemu device show", command_show, "show ports, links, processes and queue pairs" },
	{ "netemu device stat", command_stat, "show counters of ports and links as they grow" },
	{ "netemu device set", command_set, "change a network, or break something, in use" },
	{ "netemu device rendezvous", command_rendezvous, "let programs find each other" },
	{ "netemu device helper", command_helper, NULL },
};

#define NAME_OFFSET (sizeof("netemu device ") - 1)
#define NCOMMANDS   (sizeof(commands) / sizeof(*commands))

static void usage(FILE *out)
{
	fputs("Usage: netemu device COMMAND [OPTION...]\n"
	      "An RDMA device for nodes that have none.\n\n",
	      out);
	for (size_t i = 0; i < NCOMMANDS && commands[i].help; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name + NAME_OFFSET, commands[i].help);
	fputs("\n`netemu device COMMAND --help' lists the options of a command; "
	      "see netemu-device(1).\n",
	      out);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name + NAME_OFFSET, name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct command *command;

	argp_err_exit_status = 2;
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
		puts("netemu device " PACKAGE_VERSION);
		return 0;
	}
	command = find_command(argv[1]);
	if (!command) {
		fprintf(stderr, "netemu device: '%s': unknown command (see netemu device --help)\n",
			argv[1]);
		return 2;
	}
	argv[1] = (char *)command->name;
	return command->run(argc - 1, argv + 1);
}
