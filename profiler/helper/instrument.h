/* SPDX-License-Identifier: Apache-2.0 */
/* instrument.h - what the helpers of netprof and nettrace do differently
 *
 * Each program has one: netprof-helper.c and nettrace-helper.c say which.
 */
#ifndef NETPROF_INSTRUMENT_H
#define NETPROF_INSTRUMENT_H

#include "err.h"
#include "inbox.h"
#include "roster.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Who a live file says it is of. */
struct instrument_owner {
	uint32_t rank, ranks;
	int pid, procid; /* SLURM_PROCID, -1 = none */
	int64_t begun;   /* ns since the epoch: no later than the process began to write; 0 = not
			    known */
	char node[256];
};

struct instrument {
	const char *name;            /* of its option; the program is NAME-helper */
	const char *directory;       /* in the run directory: "mpi" */
	const char *prefix, *suffix; /* of a rank's file there: "rank-", ".json" */
	const char *whole; /* in node-<k>.json: whether the file has all that the rank did */
	/* Whether FILE, an absolute path, can be a live file of RANK. */
	bool (*is_live)(const char *file, uint32_t rank);
	/* Whose it is.  Returns 0, or -1 when it is no live file. */
	int (*peek)(const char *file, struct instrument_owner *owner);
	/* Make the file of a RANK that has not said `done`, from its live files; what goes
	 * wrong goes to log NAME.
	 */
	void (*finish)(struct roster_world *world, struct roster_rank *rank, const char *name);
	/* The line srun says at the end of a step; see closing.h. */
	int (*closing)(const char *rundir, FILE *out, struct err *err);
	/* Make what is made of the finished files on this node, within LIMIT ms; NULL =
	 * nothing is.  RELAX is called as soon as nobody should wait any longer.
	 */
	void (*derive)(const struct inbox *inbox, struct roster_world *world, int64_t limit,
		       void (*relax)(void), const char *name);
	/* Whether FILE, in its directory, is one of those made so. */
	bool (*is_derived)(const char *file);
};

extern const struct instrument instrument;

/* RUNDIR/directory/file of RANK; RUNDIR "" = relative to it.  Returns 0, or -1 when it is
 * too long.
 */
int instrument_path(char path[PATH_MAX], const char *rundir, uint32_t rank);

#endif
