/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - what is due is done
 *
 * A send request goes through three steps: it gets its times (net.h), it is
 * delivered when its time has come (respond.h), it completes when the answer is
 * back.  progress_qp() takes all steps that are due for one queue pair, by
 * whichever process calls it: the owner when it posts or polls, the receiver
 * when it polls (hints in its shared_process), the watchdog of the owner when
 * the program has been away (watchdog.h).
 */
#ifndef DEVICE_PROGRESS_H
#define DEVICE_PROGRESS_H

#include "device/qp.h"

/* A process that has joined a fabric calls progress_start() once, and stop before
 * it leaves; in a child after fork() progress_forget_all() takes stop's place.
 * Returns 0, or -1 with errno.
 */
int progress_start(struct fabric *fabric);
void progress_stop(struct fabric *fabric);
void progress_forget_all(struct fabric *fabric);

/* How many send queues of this process wait, and of others it helps with. */
extern _Atomic uint32_t progress_pending;

/* What progress_all() does when there is something.  BY_WATCHDOG: only what is
 * overdue by a tick, without waiting for any lock.
 */
void progress_work(struct fabric *fabric, bool by_watchdog);

/* All that is due in this process.  No lock of the engine is held; not in a section. */
static inline void progress_all(struct fabric *fabric)
{
	if (__builtin_expect(
		    atomic_load_explicit(&progress_pending, memory_order_relaxed) |
			    atomic_load_explicit(&fabric->process->attention, memory_order_relaxed),
		    0))
		progress_work(fabric, false);
}

/* What is due of QP, of this process or another; its send lock is held.  NOW as
 * clock_ns(), 0: look when it is needed.  QPs that have failed on the way are
 * flushed by progress_todo(), which the caller calls when it has dropped the
 * lock.
 */
void progress_qp(struct fabric *fabric, struct shared_qp *qp, int64_t now);

/* QP, of this process, wants progress at DUE. */
void progress_watch(struct fabric *fabric, struct shared_qp *qp, int64_t due);

/* Ask PROCESS to make progress on QP, from DUE on; its send lock is held. */
void progress_hint(struct fabric *fabric, struct shared_qp *qp, uint32_t process, int64_t due);

/* QP, of this process, is destroyed or reset: look after it no more.  Nobody else
 * changes its send queue meanwhile.
 */
void progress_forget(struct fabric *fabric, struct shared_qp *qp);

/* QP has failed while its send lock could not be taken: it is flushed when all
 * locks of this thread are released (progress_todo()).
 */
void progress_later(struct fabric *fabric, struct shared_qp *qp);
void progress_todo(struct fabric *fabric);

/* PROCESS is dead: progress_todo() clears up behind it. */
void progress_dead(uint32_t process);

/* When something wants to be done next in this process: ns, INT64_MAX: nothing does. */
int64_t progress_next(struct fabric *fabric);

/* 4.096 us * 2^timeout, and the time of an RNR timer's code (table 45), in ns. */
int64_t progress_timeout(uint32_t timeout);
int64_t progress_rnr_timer(uint32_t code);

#endif
