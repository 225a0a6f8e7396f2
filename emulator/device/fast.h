/* SPDX-License-Identifier: Apache-2.0 */
/* fast.h - the usual case of a send queue, in a straight line
 *
 * A connected queue pair with nothing under way, no network to be emulated, and a peer
 * whose memory can be reached: what is posted then goes through all three steps
 * (progress.h) at once.  Neighbours are copied by one call of the kernel, and the
 * peer's lock is taken once for all.  The results are those of the general path
 * (requester.c, ask.c, respond.c): what is not wholly as usual, in the request or at
 * the peer, is left to that before anything of it has changed.
 */
#ifndef DEVICE_FAST_H
#define DEVICE_FAST_H

#include "device/qp.h"

/* Requests FROM .. END - 1 of QP, of this process, have just been posted; its send lock is
 * held.  As many of them as can be are carried out and completed.  Returns the first
 * that is not, for progress_qp().
 */
uint64_t fast_send(struct fabric *fabric, struct shared_qp *qp, uint64_t from, uint64_t end);

#endif
