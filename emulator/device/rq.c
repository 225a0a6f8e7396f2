/* SPDX-License-Identifier: Apache-2.0 */
#include "device/qp.h"

#include "clock.h"

#include <errno.h>
#include <string.h>

static int fail(int error)
{
	errno = error;
	return -1;
}

/* --- making --- */

static uint64_t ring_bytes(const struct shared_rq *rq, uint32_t capacity)
{
	return (uint64_t)capacity * rq->stride;
}

static uint32_t round_up(uint32_t capacity)
{
	uint32_t power = 1;

	while (power < capacity)
		power *= 2;
	return capacity ? power : 0;
}

int rq_init(struct fabric *fabric, struct shared_rq *rq, uint32_t max_wr, uint32_t max_sge)
{
	uint32_t capacity = round_up(max_wr);

	rq->max_sge = max_sge;
	rq->stride = (uint32_t)(sizeof(struct shared_rqe) + max_sge * sizeof(struct shared_sge));
	if (!capacity)
		return 0;
	rq->ring_at = segment_alloc(&fabric->segment, ring_bytes(rq, capacity));
	if (!rq->ring_at)
		return fail(ENOMEM);
	rq->capacity = capacity;
	return 0;
}

void rq_release(struct fabric *fabric, struct shared_rq *rq)
{
	segment_free(&fabric->segment, rq->ring_at, ring_bytes(rq, rq->capacity));
	rq->ring_at = 0;
	rq->capacity = 0;
}

/* --- taking --- */

static struct shared_rqe *entry_at(struct fabric *fabric, const struct shared_rq *rq,
				   uint64_t position)
{
	return segment_at(&fabric->segment,
			  rq->ring_at + (position & (rq->capacity - 1)) * rq->stride);
}

static uint64_t waiting(const struct shared_rq *rq)
{
	return atomic_load_explicit(&rq->posted, memory_order_acquire) -
	       atomic_load_explicit(&rq->taken, memory_order_relaxed);
}

/* Only shared queues have a limit. */
static void check_limit(struct fabric *fabric, struct shared_rq *rq)
{
	struct shared_srq *srq =
		(struct shared_srq *)((char *)rq - offsetof(struct shared_srq, rq));
	uint32_t limit = atomic_load_explicit(&rq->limit, memory_order_relaxed);

	if (!limit || waiting(rq) >= limit || !atomic_exchange(&rq->limit, 0) || !srq->async_at)
		return;
	channel_async(fabric, segment_at(&fabric->segment, srq->async_at), EVENT_SRQ_LIMIT_REACHED,
		      srq->handle, &srq->async_events);
}

void rq_recover(struct fabric *fabric, struct shared_rq *rq)
{
	cq_recover(fabric, atomic_load(&rq->completing_cq_at));
	atomic_store(&rq->completing_cq_at, 0);
	check_limit(fabric, rq);
}

void rq_lock(struct fabric *fabric, struct shared_rq *rq)
{
	if (lock_take(fabric, &rq->lock, fabric->self))
		rq_recover(fabric, rq);
}

struct shared_rqe *rq_first(struct fabric *fabric, struct shared_rq *rq)
{
	rq_lock(fabric, rq);
	if (!waiting(rq))
		return NULL;
	return entry_at(fabric, rq, atomic_load_explicit(&rq->taken, memory_order_relaxed));
}

void rq_take(struct fabric *fabric, struct shared_rq *rq)
{
	atomic_fetch_add_explicit(&rq->taken, 1, memory_order_release);
	check_limit(fabric, rq);
}

void rq_complete(struct fabric *fabric, struct shared_rq *rq, uint64_t cq_at,
		 struct shared_cqe *entry, bool solicited)
{
	uint64_t taken = atomic_load_explicit(&rq->taken, memory_order_relaxed) + 1;

	entry->position = taken;
	atomic_store_explicit(&rq->completing_cq_at, cq_at, memory_order_seq_cst);
	cq_push_commit(fabric, cq_at, entry, solicited,
		       segment_offset(&fabric->segment, &rq->taken), taken);
	atomic_store_explicit(&rq->completing_cq_at, 0, memory_order_release);
	check_limit(fabric, rq);
}

/* --- posting --- */

bool rq_has_room(struct fabric *fabric, struct shared_rq *rq, uint32_t sges)
{
	bool room;

	rq_lock(fabric, rq);
	room = sges <= rq->max_sge && waiting(rq) < rq->capacity;
	rq_done(rq);
	return room;
}

int rq_post(struct fabric *fabric, struct shared_rq *rq, uint64_t wr_id,
	    const struct shared_sge *sge, uint32_t sges)
{
	struct shared_rqe *entry;
	uint64_t posted;

	if (sges > rq->max_sge)
		return fail(EINVAL);
	rq_lock(fabric, rq);
	if (waiting(rq) >= rq->capacity) {
		rq_done(rq);
		return fail(ENOMEM);
	}
	posted = atomic_load_explicit(&rq->posted, memory_order_relaxed);
	entry = entry_at(fabric, rq, posted);
	entry->wr_id = wr_id;
	entry->sges = sges;
	if (sges)
		memcpy(entry->sge, sge, sges * sizeof(*sge));
	atomic_store_explicit(&rq->posted, posted + 1, memory_order_release);
	rq_done(rq);
	return 0;
}

/* The owner is killed at the worst between two of these stores: what is left has no
 * capacity that is larger than the ring.
 */
static void exchange_ring(struct fabric *fabric, struct shared_rq *rq, uint64_t ring_at,
			  uint32_t capacity)
{
	uint32_t smaller = capacity < rq->capacity ? capacity : rq->capacity;
	uint64_t posted = atomic_load(&rq->posted);

	for (uint64_t i = atomic_load(&rq->taken); i != posted; i++)
		memcpy(segment_at(&fabric->segment, ring_at + (i & (capacity - 1)) * rq->stride),
		       entry_at(fabric, rq, i), rq->stride);
	rq->capacity = smaller;
	atomic_thread_fence(memory_order_seq_cst);
	rq->ring_at = ring_at;
	atomic_thread_fence(memory_order_seq_cst);
	rq->capacity = capacity;
}

int rq_resize(struct fabric *fabric, struct shared_rq *rq, uint32_t max_wr)
{
	uint32_t capacity = round_up(max_wr), old;
	uint64_t ring_at, old_at;
	bool fits;

	ring_at = segment_alloc(&fabric->segment, ring_bytes(rq, capacity));
	if (!ring_at)
		return fail(ENOMEM);
	rq_lock(fabric, rq);
	old = rq->capacity;
	old_at = rq->ring_at;
	fits = waiting(rq) <= capacity && atomic_load(&rq->limit) <= capacity;
	if (fits)
		exchange_ring(fabric, rq, ring_at, capacity);
	rq_done(rq);
	segment_free(&fabric->segment, fits ? old_at : ring_at,
		     ring_bytes(rq, fits ? old : capacity));
	return fits ? 0 : fail(EINVAL);
}

/* --- flushing --- */

/* A queue pair takes no more of a shared queue: said once. */
static void last_event(struct fabric *fabric, struct shared_qp *qp)
{
	uint64_t async_at = atomic_load(&qp->async_at);

	if (qp->last_event || (!qp->srq_at && qp->type != QP_XRC_RECV))
		return;
	qp->last_event = 1;
	if (async_at)
		channel_async(fabric, segment_at(&fabric->segment, async_at),
			      EVENT_QP_LAST_WQE_REACHED, qp->handle, &qp->async_events);
}

void rq_flush(struct fabric *fabric, struct shared_qp *qp)
{
	const struct shared_rqe *request;
	bool more = true;

	while (qp->rq.capacity && more) {
		request = rq_first(fabric, &qp->rq);
		more = request != NULL;
		if (more) {
			struct shared_cqe entry = {
				.wr_id = request->wr_id,
				.qp_at = segment_offset(&fabric->segment, qp),
				.qpn = qp->head.number,
				.time = clock_ns(CLOCK_MONOTONIC),
				.status = WC_WR_FLUSH_ERR,
				.opcode = WC_RECV,
				.receive = 1,
			};

			rq_complete(fabric, &qp->rq, qp->recv_cq_at, &entry, false);
		}
		rq_done(&qp->rq);
	}
	last_event(fabric, qp);
}
