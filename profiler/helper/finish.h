/* SPDX-License-Identifier: Apache-2.0 */
/* finish.h - rank files of processes that could not write them
 *
 * What a rank counted lies in its live files.  When the process is gone they
 * are summed, written as its rank file and removed.
 */
#ifndef NETPROF_FINISH_H
#define NETPROF_FINISH_H

#include "roster.h"

#include <stdbool.h>

/* Whether every rank of ROSTER has said `done` or its process is gone (or its
 * process id belongs to a younger process by now).
 */
bool finish_all_gone(const struct roster *roster);

/* Write the rank files that are missing on NODE into mpi/ of their run directories;
 * what goes wrong is written to log/NAME.log there.  Files of ranks that
 * found no room are fetched; what the run directory does not take goes into
 * the spare one (home.h), and the log says where.
 */
void finish_ranks(struct roster *roster, const char *node, const char *name);

#endif
