/* SPDX-License-Identifier: Apache-2.0 */
/* pass.h - one look at a send queue (requester.c, ask.c)
 *
 * It reads the clock only when it comes to something that has a time.
 */
#ifndef DEVICE_PASS_H
#define DEVICE_PASS_H

#include "clock.h"
#include "devhook.h"
#include "device/qp.h"

struct pass {
	struct fabric *fabric;
	struct shared_qp *qp;
	struct shared_device *device; /* the requester's */
	int64_t now;                  /* 0: nobody has asked yet */
	int64_t due;                  /* when to look again */
	bool ideal;
};

static inline int64_t now_of(struct pass *p)
{
	if (!p->now)
		p->now = clock_ns(CLOCK_MONOTONIC);
	return p->now;
}

static inline void look_again(struct pass *p, int64_t time)
{
	if (time < p->due)
		p->due = time;
}

/* Whether TIME has come; 0 always has, and needs no clock. */
static inline bool is_time(struct pass *p, int64_t time)
{
	if (!time || time <= now_of(p))
		return true;
	look_again(p, time);
	return false;
}

static inline struct shared_sqe *sqe_at(const struct pass *p, uint64_t position)
{
	const struct shared_qp *qp = p->qp;

	return segment_at(&p->fabric->segment,
			  qp->sq_at + (position & (qp->sq_capacity - 1)) * qp->sq_stride);
}

/* Counters that only the holder of the send lock changes. */
static inline uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline void set(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_release);
}

static inline void count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static inline bool is_read(const struct shared_sqe *sqe)
{
	return sqe->opcode == WR_RDMA_READ;
}

static inline bool is_atomic(const struct shared_sqe *sqe)
{
	return sqe->opcode == WR_ATOMIC_CMP_AND_SWP || sqe->opcode == WR_ATOMIC_FETCH_AND_ADD;
}

static inline bool is_local(const struct shared_sqe *sqe)
{
	return sqe->opcode == WR_LOCAL_INV || sqe->opcode == WR_BIND_MW;
}

static inline bool reliable(const struct shared_qp *qp)
{
	return qp->type == QP_RC || qp->type == QP_XRC_SEND;
}

static inline const struct shared_path *path_of(const struct shared_qp *qp,
						const struct shared_sqe *sqe)
{
	return qp->type == QP_UD ? &sqe->path : &qp->path;
}

static inline uint32_t mtu_of(const struct pass *p)
{
	if (p->qp->type == QP_UD || !p->qp->path_mtu)
		return atomic_load_explicit(&p->device->mtu, memory_order_relaxed);
	return p->qp->path_mtu;
}

/* What each type of queue pair can do: bits of enum wr_opcode. */
extern const uint16_t pass_opcodes[QP_XRC_RECV + 1];

/* Tell a tracer, which has to be there, what has become of SQE (lib/devhook.h); TIME 0: now. */
void pass_tell_hook(struct pass *p, const struct shared_sqe *sqe, enum devhook_what what,
		    int64_t time, int64_t until, uint32_t resent);

/* Whether operations of P's device reach PROCESS by mail. */
bool pass_by_mail(const struct pass *p, uint32_t process);

/* Have the request SQE, which is number NUMBER of its queue, carried out.  Returns
 * whether it has come to its end, with *STATUS (enum wc_status); if not, it is on its
 * way, or goes back to the first step.
 */
bool pass_ask(struct pass *p, struct shared_sqe *sqe, uint64_t number, int *status);

/* The last look at SQE before it is sent, and its payload.  Returns an enum wc_status. */
int pass_prepare(struct pass *p, struct shared_sqe *sqe, struct payload *payload);

/* The payload of SQE, checked.  Returns an enum wc_status. */
int pass_gather(const struct pass *p, struct shared_sqe *sqe, struct payload *payload);

#endif
