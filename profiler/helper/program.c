/* SPDX-License-Identifier: Apache-2.0 */
/* program.c - the program beside the tasks of a step, one per node and instrument */
#include "instrument.h"
#include "serve.h"

#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"Usage: %1$s-helper --closing RUNDIR...\n"
	"       %1$s-helper              (as started by the SPANK plugin %1$s)\n"
	"\n"
	"Finishes what the tasks of one node leave behind, also when they are killed; see\n"
	"%1$s(8).\n"
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
		if (instrument.closing(*rundirs, stdout, &err) == 0)
			continue;
		fprintf(stderr, "%s-helper: %s\n", instrument.name, err.text);
		status = 1;
	}
	return fflush(stdout) == 0 ? status : 1;
}

static int usage_error(const char *text)
{
	fprintf(stderr, "%s-helper: %s; try --help\n", instrument.name, text);
	return 2;
}

int main(int argc, char **argv)
{
	bool closing = false;
	struct err err;
	int option;

	while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		if (option == 'h')
			return printf(usage, instrument.name) < 0 || fflush(stdout);
		if (option == 'V')
			return printf("%s-helper (%s) %s\n", instrument.name, PACKAGE, VERSION) < 0;
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
	fprintf(stderr, "%s-helper: %s\n", instrument.name, err.text);
	return 1;
}
