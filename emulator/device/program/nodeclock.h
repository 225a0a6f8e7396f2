/* SPDX-License-Identifier: Apache-2.0 */
/* nodeclock.h - how far the clocks of a step's nodes are from each other
 *
 * The helpers of all its nodes measure together (lib/rendezvous.h), in a thread of
 * their own: at once, then after 10 s, 20 s, 40 s, and so on, and once more at the end,
 * for which who ends first waits a moment: they need not end together.  The last
 * measurement counts, and with the first one it tells the drift.
 */
#ifndef PROGRAM_NODECLOCK_H
#define PROGRAM_NODECLOCK_H

#include <stdint.h>

struct nodeclock;

/* Take part as RANK of the session at ADDRESS, as the node NAME.  Rank 0 writes what all
 * have found into the "clock" of the run.json in the run directory of JOB and STEP below
 * DIR, in which %j, %s and %u are expanded; what else the file says stays.  Returns NULL
 * when it cannot.
 */
struct nodeclock *nodeclock_start(const char *address, uint32_t rank, const char *name,
				  const char *dir, const char *job, const char *step);

/* Before the process ends: the last measurement, for a moment.  NULL is fine. */
void nodeclock_finish(struct nodeclock *clock);

#endif
