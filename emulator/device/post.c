/* SPDX-License-Identifier: Apache-2.0 */
#include "device/qp.h"

#include "device/fast.h"
#include "device/progress.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static int fail(int error)
{
	errno = error;
	return -1;
}

/* --- sending --- */

/* Requests wait in SQD, and complete as flushed at once in SQE and ERR. */
static bool may_send(uint32_t state)
{
	return state == QP_RTS || state == QP_SQD || state == QP_SQE || state == QP_ERR;
}

void qp_send_begin(struct qp *qp)
{
	qp_lock_send(qp->context->fabric, qp->shared);
	qp->batch = 0;
}

static struct shared_sqe *slot(const struct qp *qp, uint64_t position)
{
	const struct shared_qp *shared = qp->shared;

	return segment_at(&qp->context->fabric->segment,
			  shared->sq_at +
				  (position & (shared->sq_capacity - 1)) * shared->sq_stride);
}

/* Called, for a compiler makes a string instruction of it, and what is read of that soon
 * afterwards has to wait.
 */
static void *(*const volatile clear)(void *, int, size_t) = memset;

/* What the request after this one writes, so that no lock has to wait for it. */
static inline void prefetch(const struct shared_sqe *sqe)
{
	__builtin_prefetch(sqe, 1);
	__builtin_prefetch((const char *)sqe + 64, 1);
	__builtin_prefetch(sqe->sge, 1);
	__builtin_prefetch((const char *)sqe->sge + 63, 1);
}

struct shared_sqe *qp_send_next(struct qp *qp, uint32_t sges, uint32_t inline_length)
{
	const struct shared_qp *shared = qp->shared;
	uint64_t position =
		atomic_load_explicit(&shared->sq_posted, memory_order_relaxed) + qp->batch;
	struct shared_sqe *sqe;

	if (!may_send(atomic_load_explicit(&shared->state, memory_order_relaxed)) ||
	    context_took(&shared->head, qp->number) || !shared->send_cq_at ||
	    sges > shared->sq_max_sge || inline_length > shared->sq_max_inline) {
		errno = EINVAL;
		return NULL;
	}
	if (position - atomic_load_explicit(&shared->sq_freed, memory_order_acquire) >=
	    shared->sq_capacity) {
		errno = ENOMEM;
		return NULL;
	}
	sqe = slot(qp, position);
	clear(sqe, 0,
	      shared->type == QP_RC ? offsetof(struct shared_sqe, compare_add)
				    : offsetof(struct shared_sqe, net));
	sqe->sges = sges;
	sqe->inline_length = inline_length;
	prefetch(slot(qp, position + 1));
	return sqe;
}

static bool is_atomic(const struct shared_sqe *sqe)
{
	return sqe->opcode == WR_ATOMIC_CMP_AND_SWP || sqe->opcode == WR_ATOMIC_FETCH_AND_ADD;
}

static uint64_t count_bytes(const struct shared_sqe *sqe)
{
	uint64_t bytes = sqe->inline_length;

	if (is_atomic(sqe))
		return sizeof(uint64_t);
	for (uint32_t i = 0; i < sqe->sges; i++)
		bytes += sqe->sge[i].length;
	return bytes;
}

void qp_send_add(struct qp *qp, struct shared_sqe *sqe)
{
	struct context *context = qp->context;

	sqe->bytes = count_bytes(sqe);
	if (context->device->strict)
		strict_posted(context->fabric, qp->shared, sqe);
	qp->batch++;
}

void qp_send_ring(struct qp *qp)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_qp *shared = qp->shared;
	uint64_t posted = atomic_load_explicit(&shared->sq_posted, memory_order_relaxed);
	uint64_t end = posted + qp->batch;

	atomic_store_explicit(&shared->sq_posted, end, memory_order_release);
	qp->batch = 0;
	if (posted == end || fast_send(fabric, shared, posted, end) != end)
		progress_qp(fabric, shared, 0);
	lock_drop(&shared->send_lock);
	progress_todo(fabric);
}

void qp_send_abort(struct qp *qp)
{
	qp->batch = 0;
	lock_drop(&qp->shared->send_lock);
}

/* --- receiving --- */

int qp_post_receive(struct qp *qp, uint64_t wr_id, const struct shared_sge *sge, uint32_t sges)
{
	struct context *context = qp->context;
	struct fabric *fabric = context->fabric;
	struct shared_qp *shared = qp->shared;

	if (atomic_load_explicit(&shared->state, memory_order_relaxed) == QP_RESET ||
	    context_took(&shared->head, qp->number) || !shared->recv_cq_at || shared->srq_at)
		return fail(EINVAL);
	if (context->device->strict && rq_has_room(fabric, &shared->rq, sges))
		strict_fill(fabric, context->number, sge, sges, shared->pd);
	if (rq_post(fabric, &shared->rq, wr_id, sge, sges))
		return -1;
	/* it may have failed since, and all that waited been flushed */
	if (__builtin_expect(atomic_load(&shared->state) == QP_ERR, 0)) {
		qp_lock_receive(fabric, shared);
		rq_flush(fabric, shared);
		lock_drop(&shared->receive_lock);
	}
	return 0;
}
