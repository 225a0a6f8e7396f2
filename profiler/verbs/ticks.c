/* SPDX-License-Identifier: Apache-2.0 */
#include "ticks.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum vring_clock ticks_clock = VRING_MONOTONIC;

#define LOOKS 8
#define SOON  1000 /* ticks: nobody has interrupted us */

#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static void choose(void)
{
#if defined(__aarch64__)
	ticks_clock = VRING_TSC;
#elif defined(__x86_64__)
	char name[16] = "";
	int fd = open(CLOCKSOURCE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* kvm-clock and hyperv are the counter with corrections by the host: not the same
	 * on all processors by itself
	 */
	if (read(fd, name, sizeof(name) - 1) > 0 && strncmp(name, "tsc", 3) == 0)
		ticks_clock = VRING_TSC;
	close(fd);
#endif
}

void ticks_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, choose);
}

uint64_t ticks_monotonic(void)
{
	return (uint64_t)clock_ns(CLOCK_MONOTONIC);
}

/* By the one of several looks at both in which the fewest ticks went by; see clock_ahead(). */
struct vring_anchor ticks_anchor(void)
{
	struct vring_anchor anchor = { 0 };
	uint64_t least = UINT64_MAX;

	for (int look = 0; look < LOOKS && least > SOON; look++) {
		uint64_t before = ticks_now();
		int64_t monotonic = clock_ns(CLOCK_MONOTONIC);
		uint64_t between = ticks_now() - before;

		if (between >= least)
			continue;
		least = between;
		anchor.ticks = before + between / 2;
		anchor.monotonic = monotonic;
	}
	anchor.realtime = anchor.monotonic + clock_ahead();
	return anchor;
}

/* --- times that others have measured --- */

#define LEARN_MIN 10000000 /* ns: what is between two moments before they are a measure */

/* The newest is read while the other one is written. */
static struct {
	struct vring_anchor anchor;
	double per_ns;
} known[2];
static int newest = -1;

void ticks_learn(const struct vring_anchor *anchor)
{
	static struct vring_anchor first;
	int at = newest == 0;
	int64_t between = anchor->monotonic - first.monotonic;

	if (!first.ticks)
		first = *anchor;
	if (between < LEARN_MIN || !first.ticks || anchor->ticks <= first.ticks)
		return;
	known[at].anchor = *anchor;
	known[at].per_ns = (double)(anchor->ticks - first.ticks) / (double)between;
	__atomic_store_n(&newest, at, __ATOMIC_RELEASE);
}

uint64_t ticks_of(int64_t time)
{
	int at = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
	double since;

	if (at < 0)
		return 0;
	since = (double)(time - known[at].anchor.monotonic) * known[at].per_ns;
	return known[at].anchor.ticks + (uint64_t)(int64_t)since;
}
