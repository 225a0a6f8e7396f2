/* SPDX-License-Identifier: Apache-2.0 */
#include "device/respond.h"
#include "device/datagram.h"
#include "device/event.h"
#include "device/lock.h"
#include "device/request.h"

#include <errno.h>

/* What only holders of the record's lock write. */
static void count_own(_Atomic uint64_t *counter, uint64_t by)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + by, memory_order_relaxed);
}

/* A copy has failed.  Memory of the requester that is gone is its own fault; returns
 * whether the responder's is.
 */
static bool copy_failed(struct request *r)
{
	int error = errno;

	if (error == EPERM || error == ESRCH) {
		r->answer->status = error == EPERM ? RESPOND_QUEUE : RESPOND_NOTHING;
		return false;
	}
	if (r->op->opcode == WR_RDMA_READ || !r->op->payload ||
	    memory_readable(r->fabric, r->op->payload))
		return true;
	r->answer->status = WC_LOC_PROT_ERR;
	return false;
}

/* --- operations --- */

static uint64_t room_of(const struct shared_rqe *rqe)
{
	uint64_t room = 0;

	for (uint32_t i = 0; i < rqe->sges; i++)
		room += rqe->sge[i].length;
	return room;
}

/* How many SGEs the first BYTES lie in: the others are not looked at. */
static uint32_t sges_for(const struct shared_rqe *rqe, uint64_t bytes)
{
	uint64_t room = 0;
	uint32_t i;

	for (i = 0; i < rqe->sges && room < bytes; i++)
		room += rqe->sge[i].length;
	return i;
}

/* Returns 0, or -1 when a status has been answered. */
static int fill_receive(struct request *r, struct match *m)
{
	uint64_t header = r->op->type == QP_UD ? GRH_SIZE : 0;
	uint64_t end = header + r->op->offset + r->bytes;
	struct payload to;

	if (end == 0)
		return 0;
	if (memory_gather(r->fabric, r->op->to, m->rqe->sge, sges_for(m->rqe, end), true, r->pd,
			  r->owner, &to)) {
		request_fail_receive(r, m, WC_LOC_PROT_ERR, WC_REM_OP_ERR);
		return -1;
	}
	if (header ? !datagram_copy(r->fabric, r->op, r->bytes, &to)
		   : !r->bytes || !memory_copy(r->fabric, &to, r->op->offset, r->op->payload, 0,
					       r->bytes))
		return 0;
	if (copy_failed(r))
		request_fail_receive(r, m, WC_LOC_PROT_ERR, WC_REM_OP_ERR);
	else
		request_match_end(r, m);
	return -1;
}

static void do_send(struct request *r)
{
	const struct op *op = r->op;
	struct match m;

	if (!request_match(r, &m)) {
		request_not_ready(r);
		return;
	}
	if (room_of(m.rqe) < op->length + (op->type == QP_UD ? GRH_SIZE : 0)) {
		/* UC and UD use the receive request for the next message (9.9.3) */
		if (request_reliable(r)) {
			request_fail_receive(r, &m, WC_LOC_LEN_ERR, WC_REM_INV_REQ_ERR);
			return;
		}
		request_match_end(r, &m);
		request_lose(r);
		return;
	}
	if (fill_receive(r, &m) < 0)
		return;
	if (op->last && op->opcode == WR_SEND_WITH_INV &&
	    window_invalidate(r->fabric, r->qp, op->imm)) {
		request_fail_receive(r, &m, WC_REM_ACCESS_ERR, WC_REM_ACCESS_ERR);
		return;
	}
	if (op->last)
		request_complete(r, &m, WC_SUCCESS);
	request_match_end(r, &m);
}

/* What a remote key opens, for all of the message.  Returns 0, or -1 when it has been
 * refused.
 */
static int open_remote(struct request *r, uint32_t access, uint64_t length, struct payload *where)
{
	const struct op *op = r->op;
	uint32_t qpn = atomic_load_explicit(&r->qp->head.number, memory_order_relaxed);

	where->parts = 0;
	if (!(r->qp->access & access)) {
		request_refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
		return -1;
	}
	if (!length)
		return 0;
	if (!memory_find(r->fabric, op->to, op->rkey, op->remote_addr, length, access, r->pd,
			 r->owner, qpn, where))
		return 0;
	request_refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
	return -1;
}

/* Returns 0, or -1 when a status has been answered. */
static int write_remote(struct request *r)
{
	struct payload to;

	if (open_remote(r, ACCESS_REMOTE_WRITE, r->op->length, &to) < 0)
		return -1;
	if (!r->bytes || !memory_copy(r->fabric, &to, r->op->offset, r->op->payload, 0, r->bytes))
		return 0;
	if (copy_failed(r))
		request_refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
	return -1;
}

static void do_write(struct request *r)
{
	write_remote(r);
}

static void do_write_imm(struct request *r)
{
	struct match m;

	if (!request_match(r, &m)) {
		request_not_ready(r);
		return;
	}
	/* request_refuse() takes locks that come before that of the receive queue */
	request_match_end(r, &m);
	if (write_remote(r) < 0 || !r->op->last)
		return;
	if (!request_match(r, &m)) {
		request_not_ready(r);
		return;
	}
	request_complete(r, &m, WC_SUCCESS);
	request_match_end(r, &m);
}

static void do_read(struct request *r)
{
	struct payload from;

	if (!r->qp->max_dest_rd_atomic) {
		request_refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
		return;
	}
	if (open_remote(r, ACCESS_REMOTE_READ, r->op->length, &from) < 0)
		return;
	if (!r->bytes || !memory_copy(r->fabric, r->op->payload, 0, &from, r->op->offset, r->bytes))
		return;
	if (copy_failed(r))
		request_refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
}

static void do_atomic(struct request *r)
{
	const struct op *op = r->op;
	struct payload where;

	if (op->remote_addr % 8 || !r->qp->max_dest_rd_atomic) {
		request_refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
		return;
	}
	if (open_remote(r, ACCESS_REMOTE_ATOMIC, 8, &where) < 0)
		return;
	if (!memory_atomic(r->fabric, op->to, &where, op->opcode, op->compare_add, op->swap,
			   &r->answer->original))
		return;
	r->bytes = 0;
	if (copy_failed(r))
		request_refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
}

static const struct {
	void (*carry_out)(struct request *r);
	bool uc, ud; /* what the transports beside RC and XRC can do */
} operations[] = {
	[WR_RDMA_WRITE] = { .carry_out = do_write, .uc = true },
	[WR_RDMA_WRITE_WITH_IMM] = { .carry_out = do_write_imm, .uc = true },
	[WR_SEND] = { .carry_out = do_send, .uc = true, .ud = true },
	[WR_SEND_WITH_IMM] = { .carry_out = do_send, .uc = true, .ud = true },
	[WR_RDMA_READ] = { .carry_out = do_read },
	[WR_ATOMIC_CMP_AND_SWP] = { .carry_out = do_atomic },
	[WR_ATOMIC_FETCH_AND_ADD] = { .carry_out = do_atomic },
	[WR_SEND_WITH_INV] = { .carry_out = do_send },
};

static bool known(const struct op *op)
{
	if (op->opcode >= sizeof(operations) / sizeof(operations[0]) ||
	    !operations[op->opcode].carry_out)
		return false;
	return (op->type != QP_UC || operations[op->opcode].uc) &&
	       (op->type != QP_UD || operations[op->opcode].ud);
}

/* --- whether a message is for this queue pair, and now --- */

static bool takes_packets(struct request *r)
{
	static const uint8_t types[] = {
		[QP_RC] = QP_RC, [QP_UC] = QP_UC, [QP_UD] = QP_UD, [QP_XRC_SEND] = QP_XRC_RECV
	};
	uint32_t state = atomic_load(&r->qp->state);
	const struct op *op = r->op;

	if (op->type > QP_XRC_SEND || types[op->type] != r->qp->type)
		return false;
	if (state != QP_RTR && state != QP_RTS && state != QP_SQD && state != QP_SQE)
		return false;
	if (op->type == QP_UD)
		return op->qkey == r->qp->qkey && op->pkey_index == r->qp->pkey_index;
	return op->from_qpn == r->qp->dest_qpn && op->from == r->qp->path.device;
}

static struct shared_srq *srq_of(struct request *r)
{
	struct shared_srq *srq;

	if (r->op->type != QP_XRC_SEND)
		return r->qp->srq_at ? segment_at(&r->fabric->segment, r->qp->srq_at) : NULL;
	srq = (struct shared_srq *)table_find(&r->fabric->segment, &r->device->srq, r->op->srqn);
	return srq && srq->xrc && srq->xrcd == r->qp->xrcd ? srq : NULL;
}

/* Which queues and whose keys: those of the queue pair, or of XRC's shared receive
 * queue, which every request names.  Returns false when there is none.
 */
static bool find_queues(struct request *r)
{
	r->srq = srq_of(r);
	r->rq = r->srq ? &r->srq->rq : &r->qp->rq;
	if (r->op->type != QP_XRC_SEND) {
		r->cq_at = r->qp->recv_cq_at;
		r->pd = r->qp->pd;
		r->owner = r->qp->head.owner;
		return true;
	}
	if (!r->srq)
		return false;
	r->cq_at = r->srq->cq_at;
	r->pd = r->srq->pd;
	r->owner = r->srq->head.owner;
	return true;
}

/* Parts come in order; those behind one that was not taken are of no use. */
static bool in_order(const struct request *r)
{
	const struct op *op = r->op;
	struct shared_qp *qp = r->qp;

	if (!op->offset) {
		qp->in_attempt = op->attempt;
		qp->in_bytes = 0;
		return true;
	}
	return qp->in_attempt == op->attempt && qp->in_bytes == op->offset;
}

/* A request that has been answered before: the answer again (9.7.5.1.4); what was
 * read is read again.
 */
static bool repeated(const struct request *r)
{
	const struct shared_qp *qp = r->qp;

	if (!request_reliable(r) || r->op->number >= qp->expected || r->op->opcode == WR_RDMA_READ)
		return false;
	r->answer->status = WC_SUCCESS;
	if (r->op->number + 1 == qp->expected) {
		r->answer->status = (int)qp->answer_status;
		r->answer->original = qp->answer_original;
	}
	return true;
}

static void remember(struct request *r)
{
	struct shared_qp *qp = r->qp;
	int status = r->answer->status;

	if (status == WC_SUCCESS && !r->op->last) {
		qp->in_bytes += r->bytes;
		return;
	}
	qp->in_attempt = 0;
	if (status >= RESPOND_RNR || r->op->number < qp->expected)
		return;
	qp->answer_status = (uint32_t)status;
	qp->answer_original = r->answer->original;
	qp->expected = r->op->number + 1;
}

static void count_in(struct request *r)
{
	if (r->op->path.multicast)
		request_count(&r->device->counters.multicast_rcv, 1);
	if (r->op->opcode != WR_RDMA_READ)
		count_own(&r->qp->rx_bytes, r->bytes);
	count_own(&r->qp->rx_messages, r->op->last);
}

/* A connection's first message may come before its program knows that the other side is
 * ready to send (volume 1, 11.6.3.2).
 */
static void establish(struct request *r)
{
	struct shared_qp *qp = r->qp;
	uint64_t async_at = atomic_load(&qp->async_at);

	if (qp->established || atomic_load(&qp->state) != QP_RTR || qp->type == QP_UD)
		return;
	qp->established = 1;
	if (async_at)
		channel_async(r->fabric, segment_at(&r->fabric->segment, async_at), EVENT_COMM_EST,
			      qp->handle, &qp->async_events);
}

/* Under the receive lock. */
static void respond_qp(struct request *r)
{
	r->answer->status = RESPOND_NOTHING;
	if (!takes_packets(r)) {
		if (find_queues(r))
			request_flush_kept(r);
		request_count(&r->device->counters.drops, 1);
		return;
	}
	if (__builtin_expect(!r->qp->established, 0))
		establish(r);
	if (repeated(r) || !in_order(r))
		return;
	r->answer->status = WC_SUCCESS;
	if (!known(r->op) || !find_queues(r))
		request_refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
	else
		operations[r->op->opcode].carry_out(r);
	if (r->answer->status == WC_SUCCESS)
		count_in(r);
	remember(r);
}

static void respond_to(struct request *r)
{
	struct fabric *fabric = r->fabric;

	r->answer->status = RESPOND_NOTHING;
	r->qp = qp_find(fabric, r->op->to, r->op->to_qpn);
	if (!r->qp ||
	    atomic_load_explicit(&r->device->port_state, memory_order_relaxed) != PORT_ACTIVE) {
		request_count(&r->device->counters.drops, 1);
		return;
	}
	qp_lock_receive(fabric, r->qp);
	respond_qp(r);
	lock_drop(&r->qp->receive_lock);
}

void respond_early(struct fabric *fabric, const struct op *op, struct answer *answer)
{
	struct request r = {
		.fabric = fabric,
		.op = op,
		.answer = answer,
		.device = fabric_device(fabric, op->to),
	};

	*answer = (struct answer){ .status = WC_SUCCESS, .early = answer->early };
	r.bytes = request_whole(op) || !op->payload ? op->length : payload_length(op->payload);
	respond_to(&r);
}

void respond(struct fabric *fabric, const struct op *op, struct answer *answer)
{
	answer->early = NULL;
	respond_early(fabric, op, answer);
}

void respond_forget(struct fabric *fabric, struct shared_qp *qp)
{
	segment_free(&fabric->segment, qp->in_rqe_at, qp->in_rqe_size);
	qp->in_rqe_at = 0;
	qp->in_rqe_size = qp->in_rqe_taken = 0;
	qp->in_attempt = qp->in_bytes = 0;
}
