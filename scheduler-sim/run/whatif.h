/* SPDX-License-Identifier: Apache-2.0 */
/* whatif.h - a scenario for recorded runs, written from the command line */
#ifndef NETEMU_SIM_WHATIF_H
#define NETEMU_SIM_WHATIF_H

#include "err.h"

#define WHATIF_TOPOLOGIES 64

struct whatif {
	const char *topologies[WHATIF_TOPOLOGIES];
	int ntopologies;
	/* Lists of names, commas between; NULL: the default. */
	const char *routing, *placement, *selection, *scheduler;
	/* Accounting instead of runs: a file, run directories with matrices of its jobs
	 * (a glob), and what the others send; or NULL.
	 */
	const char *sacct, *runs, *pattern, *bytes;
	const char *output; /* folder; NULL: whatif_write() makes one up */
	char *made;         /* that one; owned */
};

/* Write the scenario that replays RUNS (run directories or job ids), or the
 * accounting, into the
 * output folder, as scenario.yml.  Returns its path, to be freed, or NULL with
 * ERR written.
 */
char *whatif_write(struct whatif *whatif, char *const runs[], int nruns, struct err *err);
void whatif_release(struct whatif *whatif);

#endif
