/* SPDX-License-Identifier: Apache-2.0 */
/* nodefile.h - node-<k>.json: the ranks of one node and how they ended
 *
 * netemu-run(5) has the format.  Several helpers may serve one run on one
 * node (that of the batch step and that of a step within): they merge.  Two
 * nodes that claim the same index (components of a het job) get two names.
 */
#ifndef NETPROF_NODEFILE_H
#define NETPROF_NODEFILE_H

#include "err.h"
#include "inbox.h"
#include "roster.h"

/* Write that of WORLD into DIR (its run directory, or where its parts lie).
 * NAME, of at least 32 bytes, gets the name of the file.  Returns 0, or -1
 * with ERR written.
 */
int nodefile_write(const struct inbox *inbox, const struct roster_world *world, const char *dir,
		   char name[32], struct err *err);

/* The step a run directory is of, as its name says: "0", "0.2", "mpirun1". */
const char *nodefile_step(const char *rundir);

#endif
