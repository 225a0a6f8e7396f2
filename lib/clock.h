/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - clocks as numbers */
#ifndef NETEMU_CLOCK_H
#define NETEMU_CLOCK_H

#include <stdint.h>
#include <time.h>

/* What CLOCK says, in ns. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* CLOCK_MONOTONIC in ms, for deadlines. */
static inline int64_t clock_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

/* Let others run for NS, 1 for a moment, in place of sched_yield(): who yields again and
 * again gets no processor for minutes on Linux 6.18 while others compute, since it
 * counts a yield as time used.
 */
static inline void clock_rest(long ns)
{
	struct timespec time = { .tv_nsec = ns };

	nanosleep(&time, NULL);
}

#endif
