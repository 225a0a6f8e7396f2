/* SPDX-License-Identifier: Apache-2.0 */
/* flight.h - datagrams and messages of UC between two network adapters
 *
 * A request of UC or UD completes when it has left, and arrives later.  Its
 * sender may use its memory anew as soon as it has seen the completion, so what
 * it sends is copied when it has left.  The copy is a request whose data are
 * inline, in the segment: whoever makes progress on the queue pair delivers it.
 *
 * A queue pair has room for FLIGHTS of them and FLIGHT_BYTES; a request that finds
 * none completes when it arrives.
 */
#ifndef DEVICE_FLIGHT_H
#define DEVICE_FLIGHT_H

#include "device/pass.h"

/* The next that arrives, or NULL; the send lock is held. */
static inline struct shared_sqe *flight_first(const struct fabric *fabric,
					      const struct shared_qp *qp)
{
	const uint64_t *ring;
	uint32_t ended = atomic_load_explicit(&qp->flights_ended, memory_order_relaxed);

	if (ended == atomic_load_explicit(&qp->flights_begun, memory_order_relaxed))
		return NULL;
	ring = segment_at(&fabric->segment, qp->flights_at);
	return segment_at(&fabric->segment, ring[ended % FLIGHTS]);
}

/* SQE has left.  Returns true with *STATUS (enum wc_status) when it is on its way, or
 * at fault; false when there is no room, or its memory is out of reach.
 */
bool flight_begin(struct pass *p, struct shared_sqe *sqe, int *status);

/* The first has arrived. */
void flight_end(struct fabric *fabric, struct shared_qp *qp);

/* Let all arrive before QP, of this process, gets another path or goes; what is still
 * under way after FLIGHT_PATIENCE stays so.  No lock is held; not in a section.
 */
#define FLIGHT_PATIENCE 2000000000 /* ns */
void flight_settle(struct fabric *fabric, struct shared_qp *qp);
/* The same of all queue pairs that this process has on DEVICE. */
void flight_settle_all(struct fabric *fabric, uint32_t device);

/* All that is under way is lost, and its memory given back. */
void flight_drop(struct fabric *fabric, struct shared_qp *qp);

#endif
