/* SPDX-License-Identifier: Apache-2.0 */
#include "device/fabric.h"

#include "clock.h"

#include <fcntl.h>

#define LOOK_EVERY 1000000 /* ns */

/* Does another process hold BYTE of the file of locks?  When that cannot be told
 * it does: who is taken for dead loses all it has.
 */
static bool byte_held(int fd, off_t byte)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1,
	};

	return fcntl(fd, F_GETLK, &lock) || lock.l_type != F_UNLCK;
}

bool fabric_alive(struct fabric *fabric, uint32_t process)
{
	int64_t now;

	if (process >= FABRIC_PROCESSES)
		return false;
	if (process == fabric->self)
		return true;
	now = clock_ns(CLOCK_MONOTONIC);
	if (now - atomic_load_explicit(&fabric->seen[process], memory_order_relaxed) < LOOK_EVERY)
		return true;
	if (!byte_held(fabric->lock_fd, (off_t)process))
		return false;
	atomic_store_explicit(&fabric->seen[process], now, memory_order_relaxed);
	return true;
}
