/* SPDX-License-Identifier: Apache-2.0 */
/* fakehost.h - a stand-in for srun, sbatch and slurmstepd
 *
 * A SPANK plugin takes spank_* and slurm_* from the program that loads it.
 * This module has them, over plain data that a test fills in, so that a unit
 * test can drive a plugin through the callbacks of any context without a
 * daemon (and under valgrind).  What a real Slurm does is tested on a real
 * one; this is for what it does not do on demand: hostile environments, odd
 * spellings, failures in every phase.  Link with -rdynamic.
 */
#ifndef NETEMU_FAKEHOST_H
#define NETEMU_FAKEHOST_H

#include <stdint.h>
#include <sys/types.h>
#include <slurm/spank.h>

#define FAKEHOST_OPTIONS 8

/* What the items of the job and the current task are. */
struct fakehost_job {
	uid_t uid;
	gid_t gid;
	uint32_t job, step, nnodes, nodeid, local_tasks, total_tasks;
	int argc;
	char **argv;
	int task; /* local id, -1 = not in a task's callback */
	uint32_t task_global;
	pid_t task_pid;
	int task_status;
};

extern struct fakehost_job fakehost_job;

/* All that slurm_error() and slurm_info() were told, one a line with
 * "error: " or "info: " before it.
 */
extern char fakehost_messages[16384];

/* Load PLUGIN into a new CONTEXT: no options, no messages, an empty
 * environment of the job.  Returns 0, or -1 with dlerror() in the messages.
 */
int fakehost_load(const char *plugin, enum spank_context context);

/* Unload it: its variables are new the next time. */
void fakehost_unload(void);

/* Call "slurm_spank_<NAME>" with ARGS, the NULL-terminated arguments of the
 * plugstack line.  Returns what it returns; 0 when the plugin has none.
 */
int fakehost_call(const char *name, char *const *args);

/* Call the callback of option NAME as Slurm does.  Returns what it returns,
 * -2 when the plugin has no such option.
 */
int fakehost_option(const char *name, const char *optarg, int remote);

/* The environment of the job (remote contexts only). */
const char *fakehost_getenv(const char *name);
void fakehost_setenv(const char *name, const char *value);
/* How many variables there are. */
size_t fakehost_environ_count(void);

#endif
