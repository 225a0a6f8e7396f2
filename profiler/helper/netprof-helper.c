/* SPDX-License-Identifier: Apache-2.0 */
/* netprof-helper.c - the program beside the tasks of a step, one per node */
#include "closing.h"
#include "serve.h"

#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"Usage: netprof-helper --closing RUNDIR...\n"
	"       netprof-helper              (as started by the SPANK plugin netprof)\n"
	"\n"
	"Finishes what the MPI ranks of one node leave behind when they are killed; see\n"
	"netprof(8).\n"
	"\n"
	"      --closing  print one line with the totals of each run directory\n"
	"  -h, --help     print this\n"
	"  -V, --version  print the version\n";

static const struct option options[] = {
	{ "closing", no_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int print_closing(char **rundirs)
{
	struct err err;
	int status = 0;

	for (; *rundirs; rundirs++) {
		if (closing_print(*rundirs, stdout, &err) == 0)
			continue;
		fprintf(stderr, "netprof-helper: %s\n", err.text);
		status = 1;
	}
	return fflush(stdout) == 0 ? status : 1;
}

static int usage_error(const char *text)
{
	fprintf(stderr, "netprof-helper: %s; try --help\n", text);
	return 2;
}

int main(int argc, char **argv)
{
	bool closing = false;
	struct err err;
	int option;

	while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		if (option == 'h')
			return fputs(usage, stdout) < 0 || fflush(stdout);
		if (option == 'V')
			return printf("netprof-helper (%s) %s\n", PACKAGE, VERSION) < 0;
		if (option != 'c')
			return 2;
		closing = true;
	}
	if (closing)
		return optind < argc ? print_closing(argv + optind)
				     : usage_error("--closing takes run directories");
	if (optind < argc)
		return usage_error("no argument is taken");
	if (serve(&err) == 0)
		return 0;
	fprintf(stderr, "netprof-helper: %s\n", err.text);
	return 1;
}
