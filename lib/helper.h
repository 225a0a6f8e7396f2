/* SPDX-License-Identifier: Apache-2.0 */
/* helper.h - how tasks, slurmstepd and the per-node helper talk
 *
 * A plugin starts one helper (netprof-helper, nettrace-helper) per node and step,
 * as the user.  It outlives the tasks by a moment and finishes what they left.
 *
 * Ranks -> helper: the helper holds a memfd open as descriptor HELPER_FD_LIST
 * and the tasks' environment has NETPROF_HELPER (NETTRACE_HELPER) = /proc/<pid>/fd/<n>.  A rank
 * appends one line when it starts to count, one more for each further live
 * file, and one when it has finished its rank file by itself:
 *
 *   live RANK RANKS PID PROCID<TAB>RUNDIR<TAB>LIVEFILE
 *   done RANK RANKS PID PROCID<TAB>RUNDIR<TAB>RANKFILE
 *
 * PROCID is SLURM_PROCID or -1.  There is no file to clean up and nothing
 * predictable in a shared directory.
 *
 * slurmstepd -> helper: the pipe HELPER_FD_LIFE carries lines `KEY VALUE`
 * (helper_keys below), then `exit PROCID PID STATUS` for each task (STATUS as
 * from wait(2)); its end of file means: finish and go.
 *
 * helper -> slurmstepd: `ready PID\n` on HELPER_FD_ACK as soon as the list can
 * be appended to; its end of file means: all is flushed, or what is left to do
 * is to wait for processes that slurmstepd has yet to kill.
 */
#ifndef NETEMU_HELPER_H
#define NETEMU_HELPER_H

#include <stdint.h>

#define HELPER_FD_LIFE 3
#define HELPER_FD_ACK  4
#define HELPER_FD_LIST 5

/* Keys on the life pipe, each at most once, before the first `exit`. */
#define HELPER_KEY_LIST(X)                                                                \
	X(job)      /* SLURM_JOB_ID */                                                    \
	X(step)     /* step id, or "batch", "interactive" */                              \
	X(node)     /* SLURMD_NODENAME */                                                 \
	X(index)    /* of this node in the job's node list, from 0 */                     \
	X(nodelist) /* of the job, SLURM_JOB_NODELIST */                                  \
	X(tasks)    /* on this node */                                                    \
	X(settings) /* effective ones, as netprof_settings_format() or its like writes */ \
	X(keep)     /* ns, as plugstack keep=; only together with store */                \
	X(store)    /* the directory keep= bounds: plugstack dir=, expanded */            \
	X(gather)   /* HOST:PORT:COOKIE of the collector in srun; see gather.h */         \
	X(libslurm) /* path of the library that slurmstepd has slurm_load_job from */     \
	X(command)  /* argv of the step, JSON array of strings */                         \
	X(submit)   /* submit directory */                                                \
	X(exporter) /* path of the program that makes JSON of records */

/* Append a line for this process to the list of the helper that the environment
 * variable VARIABLE names.  WHAT is "live" or "done".  Returns 0, or -1 with errno:
 * ENOENT when there is no helper, ENAMETOOLONG, or that of open/write.
 */
int helper_tell(const char *variable, const char *what, uint32_t rank, uint32_t ranks,
		const char *rundir, const char *file);

#endif
