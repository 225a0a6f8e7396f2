/* SPDX-License-Identifier: Apache-2.0 */
/* timeline.h - a Chrome trace that another program has made, on tracks of ours
 *
 * Its "otherData" has to come before its "traceEvents" and to say in "start_ns" (ns
 * since the epoch, as text) when its time 0 was.  One event at a time is in memory.
 */
#ifndef TRACE_TIMELINE_H
#define TRACE_TIMELINE_H

#include "trace/tracks.h"

/* Put the events of the file at PATH, when there is one.  What is wrong with it is said on
 * standard error.
 */
void timeline_put(struct tracks *tracks, const char *path);

#endif
