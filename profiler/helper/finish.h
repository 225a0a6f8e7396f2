/* SPDX-License-Identifier: Apache-2.0 */
/* finish.h - files of ranks, brought to where they should be
 *
 * A rank that ended well has written its file, perhaps elsewhere; for the others
 * their instrument makes one of what they left.
 */
#ifndef NETPROF_FINISH_H
#define NETPROF_FINISH_H

#include "roster.h"

#include <stdbool.h>

/* Whether every rank of ROSTER has said `done` or its process is gone (or its
 * process id belongs to a younger process by now).
 */
bool finish_all_gone(const struct roster *roster);
bool finish_is_gone(const struct roster_rank *rank);

/* The file of RANK is whole: bring it from the private directory where it may lie. */
void finish_fetch(struct roster_world *world, struct roster_rank *rank, const char *name);

/* Have the files of all ranks on NODE in their run directories;
 * what goes wrong is written to log/NAME.log there.  Files of ranks that
 * found no room are fetched; what the run directory does not take goes into
 * the spare one (home.h), and the log says where.
 */
void finish_ranks(struct roster *roster, const char *node, const char *name);

#endif
