/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `netemu device COMMAND ...` */
#include "commands.h"
#include "dispatch.h"

#include <argp.h>

static const struct dispatch_command commands[] = {
	{ "run", command_run, "run a program with an emulated RDMA device" },
	{ "list", command_list, "list the fabrics of this user" },
	{ "show", command_show, "show ports, links, processes and queue pairs" },
	{ "stat", command_stat, "show counters of ports and links as they grow" },
	{ "set", command_set, "change a network, or break something, in use" },
	{ "rendezvous", command_rendezvous, "let programs find each other" },
	{ "helper", command_helper, NULL },
	{ 0 },
};

static const struct dispatch dispatch = {
	.program = "netemu device",
	.about = "An RDMA device for nodes that have none.",
	.closing = "`netemu device COMMAND --help' lists the options of a command; "
		   "see netemu-device(1).",
	.commands = commands,
};

int main(int argc, char **argv)
{
	argp_err_exit_status = 2;
	return dispatch_run(&dispatch, argc, argv);
}
