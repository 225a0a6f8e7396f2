/* SPDX-License-Identifier: Apache-2.0 */
/* runclock.h - how far nodes' clocks are from each other, as run.json says */
#ifndef TRACE_RUNCLOCK_H
#define TRACE_RUNCLOCK_H

#include <stdint.h>

struct run_clock; /* NULL: nothing is known */

/* Of the run directory at PATH; NULL where its run.json says nothing of clocks. */
struct run_clock *run_clock_read(const char *path);
void run_clock_free(struct run_clock *clock);

/* ns that CLOCK_REALTIME of NODE was ahead of that of the first node between BEGIN and END
 * (ns since the epoch), in the middle; *UNCERTAINTY: how far from that it can have been, -1
 * where nothing is known.
 */
int64_t run_clock_offset(const struct run_clock *clock, const char *node, int64_t begin,
			 int64_t end, int64_t *uncertainty);

#endif
