/* SPDX-License-Identifier: Apache-2.0 */
/* counted.h - rank files of netprof for processes that could not write them
 *
 * What a rank counted lies in its live files (lib/live.h).  When the process is gone
 * they are summed, written as its rank file and removed.
 */
#ifndef NETPROF_COUNTED_H
#define NETPROF_COUNTED_H

#include "instrument.h"

/* As instrument.h says. */
bool counted_is_live(const char *file, uint32_t rank);
int counted_peek(const char *file, struct instrument_owner *owner);
void counted_finish(struct roster_world *world, struct roster_rank *rank, const char *name);
int counted_closing(const char *rundir, FILE *out, struct err *err);

#endif
