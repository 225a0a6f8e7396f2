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

#endif
