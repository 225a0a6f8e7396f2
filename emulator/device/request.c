/* SPDX-License-Identifier: Apache-2.0 */
#include "device/request.h"

#include "device/cq.h"
#include "device/datagram.h"
#include "device/progress.h"

#include <string.h>

void request_refuse(struct request *r, int status, enum event_type event)
{
	r->answer->status = status;
	if (!request_reliable(r)) {
		request_count(&r->device->counters.drops, 1);
		return;
	}
	qp_fail(r->fabric, r->qp, event);
	progress_later(r->fabric, r->qp);
}

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

bool request_match(struct request *r, struct match *m)
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
	if (!r->srq || request_whole(r->op) || r->op->opcode == WR_RDMA_WRITE_WITH_IMM)
		return true;
	copy = keep(r, m->rqe);
	rq_done(r->rq);
	m->rqe = copy;
	m->kept = true;
	return copy != NULL;
}

void request_match_end(struct request *r, struct match *m)
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

void request_complete(struct request *r, struct match *m, int status)
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

	if (status == WC_SUCCESS && r->answer->early)
		r->answer->early(r->answer);
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

void request_fail_receive(struct request *r, struct match *m, int status, int remote)
{
	request_complete(r, m, status);
	request_match_end(r, m);
	request_refuse(r, remote, EVENT_NONE);
	if (!request_reliable(r)) {
		qp_fail(r->fabric, r->qp, EVENT_NONE);
		progress_later(r->fabric, r->qp);
	}
}

void request_lose(struct request *r)
{
	r->qp->in_attempt = 0;
	request_count(&r->device->counters.drops, 1);
}

void request_not_ready(struct request *r)
{
	r->answer->status = request_reliable(r) ? RESPOND_RNR : WC_SUCCESS;
	r->answer->rnr_timer = r->qp->min_rnr_timer;
	if (!request_reliable(r))
		request_lose(r);
}

void request_flush_kept(struct request *r)
{
	struct match m = { .kept = true };

	if (!r->qp->in_rqe_taken || atomic_load(&r->qp->state) != QP_ERR)
		return;
	m.rqe = segment_at(&r->fabric->segment, r->qp->in_rqe_at);
	request_complete(r, &m, WC_WR_FLUSH_ERR);
}
