/* SPDX-License-Identifier: Apache-2.0 */
/* datapath.c - posting and polling by a context's operations */
#include "datapath.h"
#include "counts.h"
#include "filter.h"
#include "record.h"
#include "traced.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* --- send requests --- */

#define SGES_MAX 255 /* what a record can tell of; devices take some 30 */

/* Elements that can be looked at: what is refused may say of itself what it likes. */
static int elements(int count, int error)
{
	if (error || count < 0)
		return 0;
	return count < SGES_MAX ? count : SGES_MAX;
}

static uint32_t total(const struct ibv_sge *sge, int count)
{
	uint32_t bytes = 0;

	for (int i = 0; i < count; i++)
		bytes += sge[i].length;
	return bytes;
}

/* Records of further elements, four in each. */
static uint32_t sge_records(int sges)
{
	return sges > 1 ? ((uint32_t)sges - 1 + 3) / 4 : 0;
}

void datapath_sges(struct vring_record *to, const struct ibv_sge *sge, int count)
{
	struct vring_sges *more = (struct vring_sges *)to;

	for (int i = 1; i < count; i++) {
		struct vring_sges *here = &more[(i - 1) / 4];

		if ((i - 1) % 4 == 0)
			memset(here, 0, sizeof(*here));
		here->sge[(i - 1) % 4].address = sge[i].addr;
		here->sge[(i - 1) % 4].length = sge[i].length;
		here->sge[(i - 1) % 4].lkey = sge[i].lkey;
	}
}

static bool has_more(const struct ibv_qp *qp, const struct ibv_send_wr *wr)
{
	return qp->qp_type == IBV_QPT_UD || qp->qp_type == IBV_QPT_XRC_SEND ||
	       wr->opcode == IBV_WR_ATOMIC_CMP_AND_SWP || wr->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD;
}

static void fill_more(struct vring_more *more, const struct ibv_qp *qp,
		      const struct ibv_send_wr *wr)
{
	*more = (struct vring_more){ 0 };
	if (qp->qp_type == IBV_QPT_UD) {
		more->ah = (uintptr_t)wr->wr.ud.ah;
		more->remote_qpn = wr->wr.ud.remote_qpn;
		more->remote_qkey = wr->wr.ud.remote_qkey;
		return;
	}
	if (qp->qp_type == IBV_QPT_XRC_SEND)
		more->srqn = wr->qp_type.xrc.remote_srqn;
	if (wr->opcode == IBV_WR_ATOMIC_CMP_AND_SWP || wr->opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		more->compare_add = wr->wr.atomic.compare_add;
		more->swap = wr->wr.atomic.swap;
	}
}

static void fill_remote(struct vring_send *send, const struct ibv_send_wr *wr)
{
	switch (wr->opcode) {
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		send->imm = ntohl(wr->imm_data);
		/* fall through */
	case IBV_WR_RDMA_WRITE:
	case IBV_WR_RDMA_READ:
		send->remote_address = wr->wr.rdma.remote_addr;
		send->rkey = wr->wr.rdma.rkey;
		break;
	case IBV_WR_ATOMIC_CMP_AND_SWP:
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		send->remote_address = wr->wr.atomic.remote_addr;
		send->rkey = wr->wr.atomic.rkey;
		break;
	case IBV_WR_SEND_WITH_IMM:
		send->imm = ntohl(wr->imm_data);
		break;
	case IBV_WR_SEND_WITH_INV:
	case IBV_WR_LOCAL_INV:
		send->imm = wr->invalidate_rkey;
		break;
	default:
		break;
	}
}

/* One request with all that belongs to it.  Of those after a refused one nothing is
 * known: they were not looked at.
 */
static void record_send(const struct traced_context *traced, const struct ibv_qp *qp,
			const struct ibv_send_wr *wr, uint64_t begin, uint64_t end, int error)
{
	int count = elements(wr->num_sge, error);
	uint32_t sges = sge_records(count), more = sges + (has_more(qp, wr) ? 1 : 0);
	uint32_t bytes = total(wr->sg_list, count);
	struct vring_send *send;

	if (record_mode == RECORD_SOME && !filter_request(VCALL_POST_SEND, qp->qp_num, bytes)) {
		counts_send(begin, (uint8_t)traced->number, qp->qp_num, (uint8_t)wr->opcode, bytes,
			    error);
		return;
	}
	send = (struct vring_send *)record_room(1 + more);
	if (!send)
		return;
	*send = (struct vring_send){
		.time = begin,
		.duration = ticks_between(begin, end),
		.call = VCALL_POST_SEND,
		.context = (uint8_t)traced->number,
		.more = (uint8_t)more,
		.qpn = qp->qp_num,
		.opcode = (uint8_t)wr->opcode,
		.flags = (uint8_t)wr->send_flags,
		.sges = (uint8_t)count,
		.error = (uint8_t)error,
		.bytes = bytes,
		.wr_id = wr->wr_id,
	};
	if (count > 0) {
		send->address = wr->sg_list[0].addr;
		send->lkey = wr->sg_list[0].lkey;
	}
	fill_remote(send, wr);
	datapath_sges((struct vring_record *)(send + 1), wr->sg_list, count);
	if (more > sges)
		fill_more((struct vring_more *)(send + 1 + sges), qp, wr);
	record_keep(1 + more);
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct traced_context *traced = traced_context(qp->context);
	uint64_t begin, end;
	int rc;

	if (!traced)
		return ENOSYS;
	if (record_mode == RECORD_NOTHING)
		return traced->ops.post_send(qp, wr, bad);
	begin = ticks_now();
	rc = traced->ops.post_send(qp, wr, bad);
	end = ticks_now();
	for (; wr; wr = wr->next) {
		bool refused = rc && bad && wr == *bad;

		record_send(traced, qp, wr, begin, end, refused ? rc : 0);
		if (refused)
			break;
	}
	return rc;
}

/* --- receive requests --- */

static void record_receive(const struct vring_receive *head, const struct ibv_recv_wr *wr,
			   int error)
{
	int count = elements(wr->num_sge, error);
	uint32_t more = sge_records(count), bytes = total(wr->sg_list, count);
	struct vring_receive *receive;

	if (record_mode == RECORD_SOME && !filter_request(head->call, head->qpn, bytes)) {
		counts_receive(head->time, head->context, head->qpn, head->srq, bytes, error);
		return;
	}
	receive = (struct vring_receive *)record_room(1 + more);
	if (!receive)
		return;
	*receive = *head;
	receive->more = (uint8_t)more;
	receive->sges = (uint8_t)count;
	receive->error = (uint8_t)error;
	receive->bytes = bytes;
	receive->wr_id = wr->wr_id;
	if (count > 0) {
		receive->address = wr->sg_list[0].addr;
		receive->lkey = wr->sg_list[0].lkey;
	}
	datapath_sges((struct vring_record *)(receive + 1), wr->sg_list, count);
	record_keep(1 + more);
}

static void record_receives(const struct vring_receive *head, const struct ibv_recv_wr *wr,
			    const struct ibv_recv_wr *bad, int rc)
{
	for (; wr; wr = wr->next) {
		bool refused = rc && wr == bad;

		record_receive(head, wr, refused ? rc : 0);
		if (refused)
			return;
	}
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct traced_context *traced = traced_context(qp->context);
	struct vring_receive head = { .call = VCALL_POST_RECV };
	int rc;

	if (!traced)
		return ENOSYS;
	if (record_mode == RECORD_NOTHING)
		return traced->ops.post_recv(qp, wr, bad);
	head.time = ticks_now();
	rc = traced->ops.post_recv(qp, wr, bad);
	head.duration = ticks_between(head.time, ticks_now());
	head.context = (uint8_t)traced->number;
	head.qpn = qp->qp_num;
	record_receives(&head, wr, bad ? *bad : NULL, rc);
	return rc;
}

static int post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct traced_context *traced = traced_context(srq->context);
	struct vring_receive head = { .call = VCALL_POST_SRQ_RECV, .srq = (uintptr_t)srq };
	int rc;

	if (!traced)
		return ENOSYS;
	if (record_mode == RECORD_NOTHING)
		return traced->ops.post_srq_recv(srq, wr, bad);
	head.time = ticks_now();
	rc = traced->ops.post_srq_recv(srq, wr, bad);
	head.duration = ticks_between(head.time, ticks_now());
	head.context = (uint8_t)traced->number;
	record_receives(&head, wr, bad ? *bad : NULL, rc);
	return rc;
}

/* --- completions --- */

static uint8_t wc_opcode(const struct ibv_wc *wc)
{
	if (wc->status != IBV_WC_SUCCESS)
		return 255; /* not valid */
	return (uint8_t)((wc->opcode & 127) | (wc->opcode & IBV_WC_RECV ? 128 : 0));
}

static void record_wc(const struct traced_context *traced, const struct ibv_wc *wc, int index,
		      uint64_t time)
{
	uint8_t opcode = wc_opcode(wc);
	struct vring_wc *record;

	if (record_mode == RECORD_SOME &&
	    !filter_wc(VCALL_POLL_CQ, wc->qp_num, opcode & 128, wc->status, wc->byte_len)) {
		counts_wc(time, (uint8_t)traced->number, wc->qp_num, (uint8_t)wc->status, opcode,
			  wc->byte_len);
		return;
	}
	record = (struct vring_wc *)record_room(1);
	if (!record)
		return;
	*record = (struct vring_wc){
		.time = time,
		.call = VCALL_POLL_CQ,
		.context = (uint8_t)traced->number,
		.qpn = wc->qp_num,
		.status = (uint8_t)wc->status,
		.opcode = opcode,
		.flags = (uint16_t)wc->wc_flags,
		.bytes = wc->byte_len,
		.imm = wc->wc_flags & IBV_WC_WITH_INV ? wc->invalidated_rkey : ntohl(wc->imm_data),
		.wr_id = wc->wr_id,
		.src_qp = wc->src_qp,
		.vendor_error = wc->vendor_err,
		.empty = record_empties(),
		.slid = wc->slid,
		.sl = wc->sl,
		.batch = (uint8_t)(index < 255 ? index : 255),
	};
	record_keep(1);
}

/* A poll that finds nothing is the most frequent call of all: it is only counted. */
static int poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
	struct traced_context *traced = traced_context(cq->context);
	uint64_t time;
	int got;

	if (__builtin_expect(!traced, 0))
		return -ENOSYS;
	got = traced->ops.poll_cq(cq, count, wc);
	if (record_mode == RECORD_NOTHING)
		return got;
	if (__builtin_expect(got <= 0, 1)) {
		record_empty();
		return got;
	}
	/* when the completions are in the program's hands; the clock costs more than the poll */
	time = ticks_now();
	for (int i = 0; i < got; i++)
		record_wc(traced, &wc[i], i, time);
	return got;
}

static int req_notify_cq(struct ibv_cq *cq, int solicited_only)
{
	struct traced_context *traced = traced_context(cq->context);
	struct vring_call *call;
	uint64_t begin;
	int rc;

	if (!traced)
		return ENOSYS;
	if (record_mode == RECORD_NOTHING || !filter_call(VCALL_REQ_NOTIFY_CQ))
		return traced->ops.req_notify_cq(cq, solicited_only);
	begin = ticks_now();
	rc = traced->ops.req_notify_cq(cq, solicited_only);
	call = (struct vring_call *)record_room(1);
	if (call) {
		*call = (struct vring_call){
			.time = begin,
			.duration = ticks_between(begin, ticks_now()),
			.call = VCALL_REQ_NOTIFY_CQ,
			.context = (uint8_t)traced->number,
			.object = (uintptr_t)cq,
			.number = (uint32_t)solicited_only,
			.result = rc,
		};
		record_keep(1);
	}
	return rc;
}

void datapath_install(struct ibv_context_ops *ops)
{
	ops->post_send = post_send;
	ops->post_recv = post_recv;
	ops->post_srq_recv = post_srq_recv;
	ops->poll_cq = poll_cq;
	ops->req_notify_cq = req_notify_cq;
}
