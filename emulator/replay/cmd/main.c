/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"
#include "chakra/graph.h"
#include "dispatch.h"
#include "outfile.h"
#include "plain.h"

#include <string.h>

VALUES_WORDS(replay_deps, unsigned, "neither data nor data+ctrl", { "data", GRAPH_DATA },
	     { "data+ctrl", GRAPH_DATA | GRAPH_CTRL })

int command_failed(const char *command, const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "netemu replay%s%s: ", command ? " " : "", command ? command : "");
	plain_put(stderr, err->text);
	putc('\n', stderr);
	return 1;
}

static const struct dispatch_command commands[] = {
	{ "run", command_run, "replay traces; also meant without any command" },
	{ "info", command_info, "say what is in traces" },
	{ "convert", command_convert, "write a trace in another form" },
	{ "generate", command_generate, "make traces" },
	{ "plot", command_plot, "draw time and bandwidth of runs" },
	{ 0 },
};

static const struct dispatch dispatch = {
	.program = "netemu replay",
	.about = "Traces of AI training, replayed as traffic.",
	.closing =
		"`netemu replay --workload PREFIX ...` is `netemu replay run ...`.  netemu-replay(1) "
		"says more.",
	.commands = commands,
};

/* Genie's way: options and no command. */
int main(int argc, char **argv)
{
	outfile_guard(NULL);
	if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--help") && strcmp(argv[1], "-h") &&
	    strcmp(argv[1], "--version")) {
		argv[0] = (char *)dispatch.program;
		return command_run(argc, argv);
	}
	return dispatch_run(&dispatch, argc, argv);
}
