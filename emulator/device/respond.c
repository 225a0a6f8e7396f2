/* SPDX-License-Identifier: Apache-2.0 */
#include "device/respond.h"
#include "device/datagram.h"
#include "device/event.h"
#include "device/lock.h"
#include "device/progress.h"

#include <errno.h>
#include <string.h>

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

static bool reliable(const struct request *r)
{
	return r->op->type == QP_RC || r->op->type == QP_XRC_SEND;
}

static bool whole(const struct op *op)
{
	return op->last && !op->offset;
}

static void count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

/* What only holders of the record's lock write. */
static void count_own(_Atomic uint64_t *counter, uint64_t by)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + by, memory_order_relaxed);
}

/* The requester learns of STATUS and this side fails with EVENT; transports that
 * answer nothing lose the message, and go on.
 */
static void refuse(struct request *r, int status, enum event_type event)
{
	r->answer->status = status;
	if (!reliable(r)) {
		count(&r->device->counters.drops, 1);
		return;
	}
	qp_fail(r->fabric, r->qp, event);
	progress_later(r->fabric, r->qp);
}

/* A copy has failed.  Memory of the requester that is gone is its own fault; returns
 * whether the responder's is.
 */
static __attribute__((noinline)) bool copy_failed(struct request *r)
{
	int error = errno;
	uint64_t at, step;
	char scratch[4096];
	struct payload here;

	if (error == EPERM || error == ESRCH) {
		r->answer->status = error == EPERM ? RESPOND_QUEUE : RESPOND_NOTHING;
		return false;
	}
	if (r->op->opcode == WR_RDMA_READ || !r->op->payload)
		return true;
	payload_one(&here, scratch, sizeof(scratch));
	for (at = 0; at < r->bytes; at += step) {
		step = r->bytes - at < sizeof(scratch) ? r->bytes - at : sizeof(scratch);
		if (memory_copy(r->fabric, &here, 0, r->op->payload, at, step) < 0) {
			r->answer->status = WC_LOC_PROT_ERR;
			return false;
		}
	}
	return true;
}

/* --- receive requests --- */

/* Others take from a shared queue before the last part has come, so the request is
 * copied and taken out with the first.
 */
static struct shared_rqe *keep(struct request *r, const struct shared_rqe *rqe)
{
	struct segment *segment = &r->fabric->segment;
	struct shared_qp *qp = r->qp;
	uint32_t size = r->rq->stride;

	if (qp->in_rqe_size < size) {
		segment_free(segment, qp->in_rqe_at, qp->in_rqe_size);
		qp->in_rqe_size = 0;
		qp->in_rqe_at = segment_alloc(segment, size);
		if (!qp->in_rqe_at)
			return NULL;
		qp->in_rqe_size = size;
	}
	memcpy(segment_at(segment, qp->in_rqe_at), rqe,
	       sizeof(*rqe) + rqe->sges * sizeof(rqe->sge[0]));
	qp->in_rqe_taken = 1;
	rq_take(r->fabric, r->rq);
	return segment_at(segment, qp->in_rqe_at);
}

/* The receive request of this message.  Returns false when there is none; with
 * true, match_end() comes later.
 */
static bool match(struct request *r, struct match *m)
{
	struct shared_rqe *copy;

	if (r->qp->in_rqe_taken) {
		m->kept = true;
		m->rqe = segment_at(&r->fabric->segment, r->qp->in_rqe_at);
		return true;
	}
	m->kept = false;
	m->rqe = rq_first(r->fabric, r->rq);
	if (!m->rqe) {
		rq_done(r->rq);
		return false;
	}
	if (!r->srq || whole(r->op) || r->op->opcode == WR_RDMA_WRITE_WITH_IMM)
		return true;
	copy = keep(r, m->rqe);
	rq_done(r->rq);
	m->rqe = copy;
	m->kept = true;
	return copy != NULL;
}

static void match_end(struct request *r, struct match *m)
{
	if (!m->kept)
		rq_done(r->rq);
}

static void fill_address(const struct request *r, struct shared_cqe *entry)
{
	const struct op *op = r->op;

	entry->src_qpn = op->from_qpn;
	if (op->type != QP_UD)
		return;
	entry->slid = (uint16_t)atomic_load_explicit(&fabric_device(r->fabric, op->from)->lid,
						     memory_order_relaxed);
	entry->sl = op->path.sl;
	entry->pkey_index = (uint16_t)r->qp->pkey_index;
	if (op->path.global)
		entry->flags |= WC_GRH;
}

static void complete(struct request *r, struct match *m, int status)
{
	const struct op *op = r->op;
	bool solicited = (op->flags & SEND_SOLICITED) || status;
	struct shared_cqe entry = {
		.wr_id = m->rqe->wr_id,
		.qp_at = segment_offset(&r->fabric->segment, r->qp),
		.qpn = atomic_load_explicit(&r->qp->head.number, memory_order_relaxed),
		.byte_len = (uint32_t)(op->length + (op->type == QP_UD ? GRH_SIZE : 0)),
		.status = (uint8_t)status,
		.opcode = WC_RECV,
		.receive = 1,
	};

	fill_address(r, &entry);
	if (op->opcode == WR_RDMA_WRITE_WITH_IMM)
		entry.opcode = WC_RECV_RDMA_WITH_IMM;
	if (op->opcode == WR_SEND_WITH_INV)
		entry.flags |= WC_WITH_INV;
	else if (op->opcode != WR_SEND)
		entry.flags |= WC_WITH_IMM;
	if (entry.flags & (WC_WITH_INV | WC_WITH_IMM))
		entry.imm = op->imm;
	if (m->kept) {
		r->qp->in_rqe_taken = 0;
		cq_push(r->fabric, r->cq_at, &entry, solicited);
		return;
	}
	rq_complete(r->fabric, r->rq, r->cq_at, &entry, solicited);
}

/* The receive request itself is at fault, or too small: it completes with STATUS, and
 * that says all, so there is no event.
 */
static void fail_receive(struct request *r, struct match *m, int status, int remote)
{
	complete(r, m, status);
	match_end(r, m);
	refuse(r, remote, EVENT_NONE);
	if (!reliable(r)) {
		qp_fail(r->fabric, r->qp, EVENT_NONE);
		progress_later(r->fabric, r->qp);
	}
}

/* UC and UD lose a message, as a whole: a receive request may come before its next
 * part.
 */
static void lose(struct request *r)
{
	r->qp->in_attempt = 0;
	count(&r->device->counters.drops, 1);
}

static void not_ready(struct request *r)
{
	r->answer->status = reliable(r) ? RESPOND_RNR : WC_SUCCESS;
	r->answer->rnr_timer = r->qp->min_rnr_timer;
	if (!reliable(r))
		lose(r);
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
		fail_receive(r, m, WC_LOC_PROT_ERR, WC_REM_OP_ERR);
		return -1;
	}
	if (header ? !datagram_copy(r->fabric, r->op, r->bytes, &to)
		   : !r->bytes || !memory_copy(r->fabric, &to, r->op->offset, r->op->payload, 0,
					       r->bytes))
		return 0;
	if (copy_failed(r))
		fail_receive(r, m, WC_LOC_PROT_ERR, WC_REM_OP_ERR);
	else
		match_end(r, m);
	return -1;
}

static void do_send(struct request *r)
{
	const struct op *op = r->op;
	struct match m;

	if (!match(r, &m)) {
		not_ready(r);
		return;
	}
	if (room_of(m.rqe) < op->length + (op->type == QP_UD ? GRH_SIZE : 0)) {
		/* UC and UD use the receive request for the next message (9.9.3) */
		if (reliable(r)) {
			fail_receive(r, &m, WC_LOC_LEN_ERR, WC_REM_INV_REQ_ERR);
			return;
		}
		match_end(r, &m);
		lose(r);
		return;
	}
	if (fill_receive(r, &m) < 0)
		return;
	if (op->last && op->opcode == WR_SEND_WITH_INV &&
	    window_invalidate(r->fabric, r->qp, op->imm)) {
		fail_receive(r, &m, WC_REM_ACCESS_ERR, WC_REM_ACCESS_ERR);
		return;
	}
	if (op->last)
		complete(r, &m, WC_SUCCESS);
	match_end(r, &m);
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
		refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
		return -1;
	}
	if (!length)
		return 0;
	if (!memory_find(r->fabric, op->to, op->rkey, op->remote_addr, length, access, r->pd,
			 r->owner, qpn, where))
		return 0;
	refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
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
		refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
	return -1;
}

static void do_write(struct request *r)
{
	write_remote(r);
}

static void do_write_imm(struct request *r)
{
	struct match m;

	if (!match(r, &m)) {
		not_ready(r);
		return;
	}
	/* refuse() takes locks that come before that of the receive queue */
	match_end(r, &m);
	if (write_remote(r) < 0 || !r->op->last)
		return;
	if (!match(r, &m)) {
		not_ready(r);
		return;
	}
	complete(r, &m, WC_SUCCESS);
	match_end(r, &m);
}

static void do_read(struct request *r)
{
	struct payload from;

	if (!r->qp->max_dest_rd_atomic) {
		refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
		return;
	}
	if (open_remote(r, ACCESS_REMOTE_READ, r->op->length, &from) < 0)
		return;
	if (!r->bytes || !memory_copy(r->fabric, r->op->payload, 0, &from, r->op->offset, r->bytes))
		return;
	if (copy_failed(r))
		refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
}

static void do_atomic(struct request *r)
{
	const struct op *op = r->op;
	struct payload where;

	if (op->remote_addr % 8 || !r->qp->max_dest_rd_atomic) {
		refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
		return;
	}
	if (open_remote(r, ACCESS_REMOTE_ATOMIC, 8, &where) < 0)
		return;
	if (!memory_atomic(r->fabric, op->to, &where, op->opcode, op->compare_add, op->swap,
			   &r->answer->original))
		return;
	r->bytes = 0;
	if (copy_failed(r))
		refuse(r, WC_REM_ACCESS_ERR, EVENT_QP_ACCESS_ERR);
}

static const struct {
	void (*carry_out)(struct request *r);
	bool uc, ud; /* what the transports beside RC and XRC can do */
} operations[] = {
	[WR_RDMA_WRITE] = { do_write, .uc = true },
	[WR_RDMA_WRITE_WITH_IMM] = { do_write_imm, .uc = true },
	[WR_SEND] = { do_send, .uc = true, .ud = true },
	[WR_SEND_WITH_IMM] = { do_send, .uc = true, .ud = true },
	[WR_RDMA_READ] = { do_read },
	[WR_ATOMIC_CMP_AND_SWP] = { do_atomic },
	[WR_ATOMIC_FETCH_AND_ADD] = { do_atomic },
	[WR_SEND_WITH_INV] = { do_send },
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

	if (!reliable(r) || r->op->number >= qp->expected || r->op->opcode == WR_RDMA_READ)
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

/* A message that never became whole is flushed with its queue pair. */
static void flush_kept(struct request *r)
{
	struct match m = { .kept = true };

	if (!r->qp->in_rqe_taken || atomic_load(&r->qp->state) != QP_ERR)
		return;
	m.rqe = segment_at(&r->fabric->segment, r->qp->in_rqe_at);
	complete(r, &m, WC_WR_FLUSH_ERR);
}

static void count_in(struct request *r)
{
	if (r->op->path.multicast)
		count(&r->device->counters.multicast_rcv, 1);
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
			flush_kept(r);
		count(&r->device->counters.drops, 1);
		return;
	}
	if (__builtin_expect(!r->qp->established, 0))
		establish(r);
	if (repeated(r) || !in_order(r))
		return;
	r->answer->status = WC_SUCCESS;
	if (!known(r->op) || !find_queues(r))
		refuse(r, WC_REM_INV_REQ_ERR, EVENT_QP_REQ_ERR);
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
		count(&r->device->counters.drops, 1);
		return;
	}
	qp_lock_receive(fabric, r->qp);
	respond_qp(r);
	lock_drop(&r->qp->receive_lock);
}

void respond(struct fabric *fabric, const struct op *op, struct answer *answer)
{
	struct request r = {
		.fabric = fabric,
		.op = op,
		.answer = answer,
		.device = fabric_device(fabric, op->to),
	};

	*answer = (struct answer){ .status = WC_SUCCESS };
	r.bytes = whole(op) || !op->payload ? op->length : payload_length(op->payload);
	respond_to(&r);
}

void respond_forget(struct fabric *fabric, struct shared_qp *qp)
{
	segment_free(&fabric->segment, qp->in_rqe_at, qp->in_rqe_size);
	qp->in_rqe_at = 0;
	qp->in_rqe_size = qp->in_rqe_taken = 0;
	qp->in_attempt = qp->in_bytes = 0;
}
