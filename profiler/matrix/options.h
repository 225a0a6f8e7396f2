/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the command line of netemu-matrix
 *
 * netemu-matrix(1) documents it; tests compare the two.
 */
#ifndef NETEMU_MATRIX_OPTIONS_H
#define NETEMU_MATRIX_OPTIONS_H

#include "report.h"

enum format { FORMAT_TEXT, FORMAT_TSV, FORMAT_JSON, FORMAT_PFSIM };

struct options {
	char **runs; /* of argv */
	int nruns;
	enum what what;
	enum by by;
	struct selection selection;
	bool list_windows;
	enum format format;
	const char *format_name;
	const char *output; /* NULL = standard output */
	const char *plot;   /* NULL = none */
	const char *from;
	bool diff;
	double fail; /* ratio, < 0 = not asked for */
	bool strict;
};

/* Fill OPTIONS; a wrong command line ends the program with status 2. */
void options_parse(struct options *options, int argc, char **argv);

#endif
