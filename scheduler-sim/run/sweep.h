/* SPDX-License-Identifier: Apache-2.0 */
/* sweep.h - all sub-scenarios of a scenario, in parallel
 *
 * Worker processes take the next number that nobody has; what one of them
 * computes depends on the number only, so the files are the same for any count
 * of workers.  A sub-scenario that fails, or brings its worker down, is
 * reported and the others go on.
 */
#ifndef NETEMU_SIM_SWEEP_H
#define NETEMU_SIM_SWEEP_H

#include "scenario.h"

#define SWEEP_FILE "sweep.json" /* in the output folder: what was swept */

struct sweep_options {
	unsigned int workers;
	size_t first, last; /* numbers to run, last included */
	bool resume;        /* leave alone what is there and still holds */
	bool verbose;       /* a line for each on standard error */
};

struct sweep_result {
	size_t done, skipped, failed, missing; /* skipped: by resume */
	int signal;                            /* that ended it, or 0 */
};

/* Run them.  Failures are told on standard error, a sentence each, with PROGRAM
 * before it; progress too when that is a terminal.  Returns 0 (also with
 * failures), or -1 with ERR written when nothing could be run.
 */
int sweep_run(struct scenario *scenario, const struct sweep_options *options, const char *program,
	      struct sweep_result *result, struct err *err);

/* Write SWEEP_FILE into the output folder, which is made. */
int sweep_describe(const struct scenario *scenario, struct err *err);

/* Make the folder PATH and those above it.  Returns 0, or -1 with ERR written. */
int sweep_make_folder(const char *path, struct err *err);

#endif
