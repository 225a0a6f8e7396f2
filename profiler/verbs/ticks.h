/* SPDX-License-Identifier: Apache-2.0 */
/* ticks.h - the clock of records: cheap to read, the same on all processors
 *
 * The processor's counter where the kernel itself trusts it as its clock, else
 * CLOCK_MONOTONIC.  What it means in time is said by anchors (lib/vring.h).
 */
#ifndef NETTRACE_TICKS_H
#define NETTRACE_TICKS_H

#include "clock.h"
#include "vring.h"

#include <stdbool.h>

extern enum vring_clock ticks_clock __attribute__((visibility("hidden")));

/* Choose the clock, before ticks_now(); once. */
void ticks_init(void);

/* Ticks and time of one moment, to within the time of three readings. */
struct vring_anchor ticks_anchor(void);

/* Let ticks_of() know another moment, some time after the first one that it was told. */
void ticks_learn(const struct vring_anchor *anchor);

/* Ticks of TIME, ns of CLOCK_MONOTONIC, about now; 0: not known yet. */
uint64_t ticks_of(int64_t time);

/* As ticks_now() where there is no counter. */
__attribute__((cold, visibility("hidden"))) uint64_t ticks_monotonic(void);

static inline uint64_t ticks_now(void)
{
#if defined(__x86_64__)
	if (__builtin_expect(ticks_clock == VRING_TSC, 1))
		return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	if (__builtin_expect(ticks_clock == VRING_TSC, 1)) {
		uint64_t ticks;

		__asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
		return ticks;
	}
#endif
	return ticks_monotonic();
}

/* Whether ticks_now() is one instruction: then nothing has to be kept over a call. */
static inline bool ticks_cheap(void)
{
	return __builtin_expect(ticks_clock == VRING_TSC, 1);
}

/* From BEGIN to END, as records have it; never VRING_UNTIMED. */
static inline uint32_t ticks_between(uint64_t begin, uint64_t end)
{
	uint64_t between = end - begin;

	if (__builtin_expect(between - 1 < UINT32_MAX, 1))
		return (uint32_t)between;
	return (int64_t)between <= 0 ? 1 : UINT32_MAX;
}

#endif
