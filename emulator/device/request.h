/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - an operation at its responder, and the receive request it meets
 *
 * Inside the engine: respond.c says whether and how an operation is carried out,
 * request.c what becomes of the receive request.
 */
#ifndef DEVICE_REQUEST_H
#define DEVICE_REQUEST_H

#include "device/op.h"
#include "device/qp.h"

/* A part of an operation, and who carries it out. */
struct request {
	struct fabric *fabric;
	const struct op *op;
	struct answer *answer;
	struct shared_device *device; /* the responder's */
	struct shared_qp *qp;
	struct shared_srq *srq; /* or NULL */
	struct shared_rq *rq;
	uint64_t cq_at;     /* where receives complete */
	uint32_t pd, owner; /* whose keys count */
	uint64_t bytes;     /* of this part */
};

/* The receive request that a message has been matched with. */
struct match {
	struct shared_rqe *rqe;
	bool kept; /* a copy; it is out of its queue already */
};

static inline bool request_reliable(const struct request *r)
{
	return r->op->type == QP_RC || r->op->type == QP_XRC_SEND;
}

static inline bool request_whole(const struct op *op)
{
	return op->last && !op->offset;
}

static inline void request_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* The requester learns of STATUS and this side fails with EVENT; transports that
 * answer nothing lose the message, and go on.
 */
void request_refuse(struct request *r, int status, enum event_type event);

/* The receive request of this message.  Returns false when there is none; with
 * true, request_match_end() comes later.
 */
bool request_match(struct request *r, struct match *m);
void request_match_end(struct request *r, struct match *m);

/* It completes with STATUS; between the two. */
void request_complete(struct request *r, struct match *m, int status);

/* The receive request itself is at fault, or too small: it completes with STATUS, and
 * that says all, so there is no event.  The requester learns of REMOTE.
 */
void request_fail_receive(struct request *r, struct match *m, int status, int remote);

/* UC and UD lose a message, as a whole: a receive request may come before its next
 * part.
 */
void request_lose(struct request *r);

/* There is no receive request. */
void request_not_ready(struct request *r);

/* A message that never became whole is flushed with its queue pair. */
void request_flush_kept(struct request *r);

#endif
