/* SPDX-License-Identifier: Apache-2.0 */
/* overlay.h - what other instruments of the run have left, on tracks of its timeline
 *
 * netprof's rank files (netprof-rank(5)) say when MPI began and ended and how long
 * phases were open, and what was sent in each window.  The replayer's timelines, and
 * any that have the form that netemu-trace(1) documents, are taken over event by event.
 */
#ifndef TRACE_OVERLAY_H
#define TRACE_OVERLAY_H

#include "trace/tracks.h"

/* Put what belongs to the rank of FILE on further tracks of its process, where there is
 * anything.  Files that cannot be understood are named on standard error, and left out.
 * Returns 0, or -1 with ERR written.
 */
int overlay_put(struct tracks *tracks, const struct trace_file *file, struct err *err);

#endif
