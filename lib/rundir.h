/* SPDX-License-Identifier: Apache-2.0 */
/* rundir.h - where a run leaves its files, and how it is found again
 *
 * netemu-run(5) documents the directory.  Uses libc only.
 */
#ifndef NETEMU_RUNDIR_H
#define NETEMU_RUNDIR_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

#define RUNDIR_VERSION 1
#define RUNDIR_PREFIX  "netemu."
#define RUNDIR_RUN     "run.json"
#define RUNDIR_NODE    "node-%u.json"
#define RUNDIR_WORLD   ".world" /* which MPI world made a mpirun<k> directory */
#define RUNDIR_MPI     "mpi"
#define RUNDIR_RANK    "rank-%u.json"
#define RUNDIR_LIVE    ".rank-%u.live"
#define RUNDIR_LOG     "log"
#define RUNDIR_VERBS   "verbs"
#define RUNDIR_RING    "ring-%u.bin"

/* Expand %j (JOB), %s (STEP), %u (USER) and %% in TEMPLATE into BUF.  Returns
 * 0, or -1 with ERR written: "'%x' in dir=...: unknown conversion (%j, %s, %u
 * and %% are known)", or a result that does not fit.
 */
int rundir_expand(char *buf, size_t size, const char *template, const char *job, const char *step,
		  const char *user, struct err *err);

/* Make PARENT (with its own missing parents, mode 777 less umask) and in it
 * netemu.JOB.STEP/ with mpi/ and log/.  Writes the path of the run directory
 * into BUF.  An existing one is taken when it is a directory of this user.
 * JOB may be "" (no Slurm): then netemu.STEP.  Returns 0, or -1 with ERR
 * written.
 */
int rundir_make(char *buf, size_t size, const char *parent, const char *job, const char *step,
		struct err *err);

/* The same for one MPI world under mpirun: netemu.JOB.mpirun<k>, with the k
 * of the directory whose .world holds WORLD, else the smallest free one.
 * Processes on any number of nodes that share PARENT agree on k without locks
 * (the directory appears by rename).  Writes "mpirun<k>" into STEP (of at
 * least 32 bytes).
 */
int rundir_make_world(char *buf, size_t size, char *step, size_t step_size, const char *parent,
		      const char *job, const char *world, struct err *err);

/* Keep other helpers out of the run directory DIR, as long as a file in it is read and
 * written anew, so that each keeps what the other has written.  Waits a few seconds at
 * most, and not at all where directories cannot be locked.  Returns a descriptor for
 * rundir_unlock(), or -1, which is fine there.
 */
int rundir_lock(const char *dir);
void rundir_unlock(int lock);

/* Append "LINE\n" (cut to one write of at most 1024 bytes) to DIR/log/NAME.log,
 * with the time before it.  Silent on failure: there is nowhere to say it.
 */
void rundir_log(const char *dir, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Find the run directories that NAME means: a path as it is; `JOBID` or
 * `JOBID.STEP` in the working directory, then in $NETPROF's dir= when that
 * has no conversions left, then in the working directory of that job as
 * Slurm's environment knows it.  JOBID alone gives all its steps, sorted by
 * name.  *PATHS gets a NULL-terminated array (one malloc each, and the array).
 * Returns their number, or -1 with ERR written when there is none.
 */
int rundir_find(const char *name, char ***paths, struct err *err);

void rundir_free_paths(char **paths);

#endif
