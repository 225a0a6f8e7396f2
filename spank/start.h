/* SPDX-License-Identifier: Apache-2.0 */
/* start.h - the helper of this node, from slurmstepd
 *
 * A program that runs as the user beside the tasks of a step and outlives them
 * by a moment.  It has three descriptors (lib/helper.h): it is told on the
 * first, answers on the second, and tasks may append to the third.
 */
#ifndef NETEMU_SPANK_START_H
#define NETEMU_SPANK_START_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <slurm/spank.h>

struct start {
	char *const *argv; /* [0] is the program's absolute path */
	char *const *environ;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	int ngroups;
	mode_t umask;
};

/* Start it and wait (up to 5 s) until it is ready.  Writes the path of its
 * list into LIST.  Returns 0, or -1 with ERR written.
 */
int start_helper(const struct start *start, char *list, size_t size, struct err *err);

/* The same for the step of SP, as its user, with a small environment to which MORE
 * adds (name, value, ..., NULL; at most four; or NULL itself).
 */
int start_step(spank_t sp, char *const *argv, const char *const *more, char *list, size_t size,
	       struct err *err);

/* Of slurmstepd, else of the job: which one has it depends on the version. */
bool start_daemon_variable(spank_t sp, const char *name, char *value, size_t size);

/* Where this node stands in the job's node list; Slurm only tells where it
 * stands in the step's: OTHERWISE.
 */
uint32_t start_index_in_job(spank_t sp, uint32_t otherwise);

/* Tell it KEY (see helper.h).  Never blocks.  Values with control characters
 * and values that do not fit are left out.
 */
void start_tell(const char *key, const char *value);

/* Wait for its next line, DEADLINE ms at most, written into LINE without the newline.
 * Returns 0, or -1 when none came.
 */
int start_answer(char *line, size_t size, int deadline);

/* Let it finish and wait for that, up to 3 s.  Again is harmless. */
void start_finish(void);

#endif
