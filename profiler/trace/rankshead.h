/* SPDX-License-Identifier: Apache-2.0 */
/* rankshead.h - inside ranks.c: rank files with all but their traffic */
#ifndef TRACE_RANKSHEAD_H
#define TRACE_RANKSHEAD_H

#include "trace/ranks.h"

#define RANKS_MAX (1U << 20) /* more are not believed: errno E2BIG */

/* One of each rank, with what the heads of its files in RUN say.  Returns 0, or -1 with
 * errno: then RANKS has to be released, too.
 */
int ranks_make(struct ranks *ranks, const struct trace_run *run);

/* Traffic of RANK went past what is counted, by NAME; each name once. */
int ranks_bypass(struct rankfile *rank, const char *name);

#endif
