/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.h - a Chrome trace that another program has made, on tracks of ours
 *
 * Its "otherData" has to come before its "traceEvents" and to say in "start_ns" (ns
 * since the epoch, as text) when its time 0 was.  Or it is an array of events of several
 * ranks, whose "pid" is the rank, as ASTRA-sim's replayers write it: that does not say when
 * it began, which is laid to the beginning of the run.  One event at a time is in memory.
 */
#ifndef TRACE_TIMELINE_H
#define TRACE_TIMELINE_H

#include "trace/tracks.h"

/* Put the events of the file at PATH, when there is one, for the process of RANK.  What is
 * wrong with it is said on standard error.
 */
void timeline_put(struct tracks *tracks, uint32_t rank, const char *path);

#endif
