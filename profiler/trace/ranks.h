/* SPDX-License-Identifier: Apache-2.0 */
/* ranks.h - what each rank of a run moved to whom, as rank files
 *
 * netprof-rank(5) says what is counted.  Every message is taken from the side that
 * knows of it: sends from their completions, receives from theirs, and what RDMA does
 * without the other side's knowledge is filled in there.  So all files of the run are
 * gone through before there is a result; memory is proportional to the pairs of ranks
 * and to the queue pairs.
 */
#ifndef TRACE_RANKS_H
#define TRACE_RANKS_H

#include "rankfile.h"
#include "trace/run.h"

struct ranks {
	struct rankfile *rank; /* owned, as what is in them */
	uint32_t count;
	uint32_t unknown;  /* ranks of which nothing was recorded */
	uint64_t dropped;  /* records, of all */
	uint64_t unposted; /* requests that are not counted: their posts were dropped */
};

/* Go through RUN.  Returns 0, or -1 with ERR written; RANKS is set only then. */
int ranks_collect(struct ranks *ranks, const struct trace_run *run, struct err *err);
void ranks_release(struct ranks *ranks);

#endif
