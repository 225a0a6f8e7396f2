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

/* How far CLOCK_REALTIME is ahead of CLOCK_MONOTONIC, in ns: by the one of several looks at both
 * in which the least time went by, since whoever looks may be interrupted.
 */
static inline int64_t clock_ahead(void)
{
	int64_t least = INT64_MAX, ahead = 0;

	for (int look = 0; look < 8 && least > 200; look++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC), real = clock_ns(CLOCK_REALTIME);
		int64_t between = clock_ns(CLOCK_MONOTONIC) - before;

		if (between >= least)
			continue;
		least = between;
		ahead = real - before - between / 2;
	}
	return ahead;
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
