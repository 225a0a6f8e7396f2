/* SPDX-License-Identifier: Apache-2.0 */
/* lock.h - locks in shared memory that survive their holder
 *
 * A word that names the process that holds it.  Who waits looks from time to
 * time whether that process is still alive (fabric_alive()), and takes the lock
 * from the dead; then it sleeps for a while, so that a waiter with a real-time
 * priority lets the holder run.  Not for recursion; threads of one process
 * exclude each other as any.
 */
#ifndef DEVICE_LOCK_H
#define DEVICE_LOCK_H

#include "device/layout.h"

#include <stdbool.h>

struct fabric;

/* What lock_take() does when the lock is held. */
bool lock_wait(struct fabric *fabric, struct shared_lock *lock);

/* Take LOCK.  Returns whether it was taken from the dead: what it guards may be
 * half done, and the caller puts that right.
 */
static inline bool lock_take(struct fabric *fabric, struct shared_lock *lock, uint32_t self)
{
	uint32_t free = 0;

	if (__builtin_expect(atomic_compare_exchange_strong_explicit(&lock->owner, &free, self + 1,
								     memory_order_acquire,
								     memory_order_relaxed),
			     1))
		return false;
	return lock_wait(fabric, lock);
}

/* Take LOCK if nobody holds it, or a dead process (*STOLEN).  Returns whether. */
bool lock_try(struct fabric *fabric, struct shared_lock *lock, bool *stolen);

/* PROCESS is dead: if it holds LOCK, say so in it, as its number will be another's. */
void lock_orphan(struct shared_lock *lock, uint32_t process);

static inline void lock_drop(struct shared_lock *lock)
{
	atomic_store_explicit(&lock->owner, 0, memory_order_release);
}

#endif
