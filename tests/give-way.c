/* SPDX-License-Identifier: Apache-2.0 */
/* give-way.c - sched_yield() that sleeps for a moment
 *
 * Preloaded into many MPI ranks on few processors that yield while they wait.  Linux
 * 6.18 counts a yield as time used, so that they stand still for minutes when
 * anything else computes.
 */
#include "clock.h"

int sched_yield(void);

int sched_yield(void)
{
	clock_rest(1);
	return 0;
}
