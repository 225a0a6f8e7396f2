/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.h - a replay as a Chrome trace, with names and tracks as Genie's
 *
 * One file of events, in the order in which they are known, of one rank or of all ranks of a
 * model.  Written as it goes, so that a long run needs no memory; the file appears when the
 * replay is through, or has failed.  Times are of the loop, whose zero all ranks have in common:
 * nodes begin and end as modelled; messages, polls and timers take the time that this process was
 * at work on them, on a model none.
 */
#ifndef RESULT_TIMELINE_H
#define RESULT_TIMELINE_H

#include "chakra/graph.h"
#include "exec/exec.h"
#include "outfile.h"

enum timeline_level { TIMELINE_OFF, TIMELINE_WORKLOAD, TIMELINE_EVENT };

#define TIMELINE_RECORDS (UINT64_C(1) << 21) /* as many as Genie keeps */

struct timeline {
	enum timeline_level level; /* off: all below does nothing */
	struct outfile file;
	uint64_t records, most;
	bool merged, begun, any; /* any: something is written */
	int64_t sends, receives; /* under way; of one rank in the file */
	uint32_t idle;           /* polls that found nothing */
};

/* A node that runs, or has run, ns. */
struct timeline_slice {
	uint32_t node; /* index */
	enum lane lane;
	int64_t start, end;
};

/* What CHROMETRACE says, off when it is not set.  Returns 0, or -1 with ERR. */
int timeline_environment(enum timeline_level *level, struct err *err);

/* Begin PATH, bounded by CHROMETRACE_SIZE.  MERGED: computation and communication of the GPU are
 * one track.  Returns 0, or -1 with ERR.
 */
int timeline_open(struct timeline *timeline, enum timeline_level level, bool merged,
		  const char *path, struct err *err);
/* Loop zero is START of CLOCK_REALTIME, 0 for virtual time; RANK: the only one in the file, or -1.
 * Comes before all that follows.
 */
void timeline_begin(struct timeline *timeline, int64_t start, int64_t rank);
/* Name RANK and its tracks. */
void timeline_rank(struct timeline *timeline, uint32_t rank);

/* A node that has ended, and one that was under way when the run failed. */
void timeline_node(struct timeline *timeline, uint32_t rank, const struct graph *graph,
		   const struct timeline_slice *slice);
void timeline_unfinished(struct timeline *timeline, uint32_t rank, const struct graph *graph,
			 const struct timeline_slice *slice);
/* Show what NET is told of, from now on, at level event; TIMELINE stays where it is. */
void timeline_watch(struct timeline *timeline, struct net *net);

/* The file is whole.  Returns 0, or -1 with ERR. */
int timeline_close(struct timeline *timeline, struct err *err);
/* The run has failed: the file is what there was until now, and none when nothing had begun.
 * Does nothing after timeline_close().
 */
void timeline_leave(struct timeline *timeline);

#endif
