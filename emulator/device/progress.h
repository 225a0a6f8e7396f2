/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - what is due is done
 *
 * A send request goes through three steps: it gets its times (net.h), it is
 * delivered when its time has come (respond.h), it completes when the answer is
 * back.  progress_qp() takes all steps that are due for one queue pair, by
 * whichever process calls it: the owner when it posts or polls, the receiver
 * when it polls (hints in its shared_process), the watchdog of the owner when
 * the program has been away.
 *
 * The watchdog is a thread that exists from the first moment something has to
 * wait.  While something does it looks every 100 us; when nothing has for a
 * while it sleeps until it is woken.  It takes a lock only if nobody holds it,
 * blocks all signals, and has a small stack.
 */
#ifndef DEVICE_PROGRESS_H
#define DEVICE_PROGRESS_H

#include "device/qp.h"

#define WATCHDOG_TICK 100000 /* ns */

int progress_start(struct fabric *fabric);
void progress_stop(struct fabric *fabric);

/* True while this process has requests that wait, or others' for it. */
extern _Atomic uint32_t progress_pending;

/* All that is due in this process; cheap while nothing is pending. */
void progress_all(struct fabric *fabric);

/* What is due of QP; its send lock is held.  NOW as clock_ns(), 0: look. */
void progress_qp(struct fabric *fabric, struct shared_qp *qp, int64_t now);

/* QP has requests that wait until `due`: this process looks after it. */
void progress_watch(struct fabric *fabric, struct shared_qp *qp);
void progress_forget(struct fabric *fabric, struct shared_qp *qp);

/* QP has failed while its send lock could not be taken: it is flushed when all
 * locks of this thread are released (progress_todo()).
 */
void progress_later(struct fabric *fabric, struct shared_qp *qp);
void progress_todo(struct fabric *fabric);

/* 4.096 us * 2^timeout, and the time of an RNR timer's code (table 45), in ns. */
int64_t progress_timeout(uint32_t timeout);
int64_t progress_rnr_timer(uint32_t code);

#endif
