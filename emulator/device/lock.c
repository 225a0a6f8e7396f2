/* SPDX-License-Identifier: Apache-2.0 */
#include "device/lock.h"

#include "device/fabric.h"

#include <errno.h>
#include <time.h>

#define ORPHAN UINT32_MAX
#define SPINS  100     /* looks before the first sleep */
#define NAP    20000   /* ns */
#define SLEEP  1000000 /* ns */

static inline void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static bool take(struct shared_lock *lock, uint32_t from, uint32_t self)
{
	return atomic_compare_exchange_strong_explicit(&lock->owner, &from, self + 1,
						       memory_order_acquire, memory_order_relaxed);
}

/* OWNER (a word of a lock) will not drop it any more. */
static bool is_dead(struct fabric *fabric, uint32_t owner)
{
	return owner == ORPHAN || (owner && !fabric_alive(fabric, owner - 1));
}

bool lock_try(struct fabric *fabric, struct shared_lock *lock, bool *stolen)
{
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

	if (owner && !is_dead(fabric, owner))
		return false;
	if (!take(lock, owner, fabric->self))
		return false;
	*stolen = owner != 0;
	return true;
}

bool lock_wait(struct fabric *fabric, struct shared_lock *lock)
{
	int saved = errno;
	bool stolen = false;

	for (uint32_t i = 0; !lock_try(fabric, lock, &stolen); i++) {
		/* never only spinning: the holder may wait for this very CPU */
		struct timespec nap = { .tv_nsec = i < 2 * SPINS ? NAP : SLEEP };

		if (i < SPINS)
			pause_cpu();
		else
			nanosleep(&nap, NULL);
	}
	errno = saved;
	return stolen;
}

void lock_orphan(struct shared_lock *lock, uint32_t process)
{
	uint32_t owner = process + 1;

	atomic_compare_exchange_strong(&lock->owner, &owner, ORPHAN);
}
