/* SPDX-License-Identifier: Apache-2.0 */
/* place.h - where the files of this rank go
 *
 * The run directory as it should be, and the one files are made in: the same,
 * unless it cannot be made or is full.  Then it is a private one in $TMPDIR,
 * from which the node's helper fetches them.
 */
#ifndef NETEMU_PLACE_H
#define NETEMU_PLACE_H

#include "err.h"
#include "rundir.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* Whose files they are. */
struct place_kind {
	const char *name;      /* of the option, the log, and before lines on stderr: "netprof" */
	const char *directory; /* in the run directory: "mpi" */
	const char *made[2];   /* a file FORMAT of these says: a program before this one was here */
	const char *helper;    /* environment variable that is set where a helper looks after us */
};

struct place {
	const struct place_kind *kind;
	uint32_t rank, ranks;
	char job[32], step[32];
	char node[256];
	char run[PATH_MAX];     /* the run directory that is meant */
	char base[PATH_MAX];    /* the one that is used: the same, or the other one */
	char other[PATH_MAX];   /* run directory in the private one, "" = none was made */
	char private[PATH_MAX]; /* in $TMPDIR, made by mkdtemp() */
};

/* Decide and make.  TEMPLATE is the setting dir=, "" = default.  Returns 0,
 * also when it is a private directory (which is logged), or -1 with ERR written.
 */
int place_find(struct place *place, const struct place_kind *kind, const char *template,
	       uint32_t rank, uint32_t ranks, struct err *err);

/* Make OTHER, where it is not there yet.  Returns 0, or -1 with ERR written. */
int place_other(struct place *place, struct err *err);

/* The file FORMAT (as RUNDIR_RANK) of the rank, and the directory it is in, below
 * DIRECTORY (BASE or OTHER).  Return 0, or -1 when the path is too long.
 */
int place_path(const struct place *place, const char *directory, const char *format,
	       char path[PATH_MAX]);
int place_directory(const struct place *place, const char *directory, char path[PATH_MAX]);

/* One line in log/<kind>.<node>.log, of both directories where there are two:
 * one of them may be full.
 */
void place_log(const struct place *place, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Remove the private directory where nothing was left in it. */
void place_tidy(const struct place *place);

/* The rank as launchers say in the environment; 0 when none does. */
uint32_t place_guess_rank(void);

#endif
