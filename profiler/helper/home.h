/* SPDX-License-Identifier: Apache-2.0 */
/* home.h - where the files of a run go on this node
 *
 * The run directory the ranks meant, when it is there or can be made; and a
 * spare one below $TMPDIR for what does not go into it (it is full, read-only,
 * another user's).  A rank that found no room made a private directory of its
 * own in $TMPDIR, with a run directory in it: home_clear() empties that.
 */
#ifndef NETPROF_HOME_H
#define NETPROF_HOME_H

#include "roster.h"

/* Decide whether the run directory of WORLD can be used, making it if need be. */
void home_find(struct roster_world *world);

/* The run directory, or the spare one where that cannot be used; NULL when
 * there is neither.
 */
const char *home_of(struct roster_world *world);

/* The spare directory, made when there is none.  NULL when it cannot be made. */
const char *home_spare(struct roster_world *world);

/* One line in the log NAME of the run. */
void home_log(struct roster_world *world, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Copy the file FROM to TO under a temporary name and rename it.  Returns 0,
 * or -1 with errno and no TO: EFBIG where it is larger than what is sent (gather.h).
 */
int home_copy(const char *from, const char *to);

/* FILE lay in the private directory of a rank and is gone: bring the logs
 * beside it home and remove what is empty.
 */
void home_clear(struct roster_world *world, const char *file);

/* Remove the spare directory with what is in it. */
void home_drop(const struct roster_world *world);

#endif
