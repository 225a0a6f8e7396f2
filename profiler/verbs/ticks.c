/* SPDX-License-Identifier: Apache-2.0 */
#include "ticks.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum vring_clock ticks_clock = VRING_MONOTONIC;

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

struct vring_anchor ticks_anchor(void)
{
	struct vring_anchor anchor;
	uint64_t before = ticks_now(), after;

	anchor.monotonic = clock_ns(CLOCK_MONOTONIC);
	anchor.realtime = clock_ns(CLOCK_REALTIME);
	after = ticks_now();
	anchor.ticks = before + (after - before) / 2;
	return anchor;
}
