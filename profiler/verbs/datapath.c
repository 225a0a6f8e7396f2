/* SPDX-License-Identifier: Apache-2.0 */
/* datapath.c - posting and polling by a context's operations */
#include "datapath.h"
#include "counts.h"
#include "filter.h"
#include "latency.h"
#include "record.h"
#include "traced.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
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

/* What all requests of one call have in common. */
struct posting {
	const struct traced_context *traced;
	const struct ibv_qp *qp;
	uint64_t begin;
	uint32_t duration;
};

/* Of a post that has just returned, as its record has it. */
static inline uint32_t duration_since(uint64_t begin)
{
	return record_timed() ? ticks_between(begin, ticks_now()) : VRING_UNTIMED;
}

/* One request with all that belongs to it. */
static void record_send(const struct posting *posting, const struct ibv_send_wr *wr, int error)
{
	const struct ibv_qp *qp = posting->qp;
	uint8_t context = (uint8_t)posting->traced->number;
	int count = elements(wr->num_sge, error);
	uint32_t sges = sge_records(count), more = sges + (has_more(qp, wr) ? 1 : 0);
	uint32_t bytes = total(wr->sg_list, count);
	struct vring_send *send;

	if (record_mode == RECORD_SOME && !filter_request(VCALL_POST_SEND, qp->qp_num, bytes)) {
		counts_send(posting->begin, context, qp->qp_num, (uint8_t)wr->opcode, bytes, error);
		return;
	}
	send = (struct vring_send *)record_room(1 + more);
	if (!send)
		return;
	*send = (struct vring_send){
		.time = posting->begin,
		.duration = posting->duration,
		.call = VCALL_POST_SEND,
		.context = context,
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

/* Of those after a refused one nothing is known: they were not looked at. */
static void record_sends(const struct posting *posting, const struct ibv_send_wr *wr,
			 const struct ibv_send_wr *bad, int rc)
{
	for (; wr; wr = wr->next) {
		bool refused = rc && wr == bad;

		record_send(posting, wr, refused ? rc : 0);
		if (refused)
			return;
	}
}

/* What nearly all requests are: one, that was taken, of one element and one record.  It is
 * to cost little more than the clock, so its record is written in place, and in few stores.
 */
static inline bool is_plain(const struct ibv_qp *qp, const struct ibv_send_wr *wr, int rc)
{
	return !rc && wr && !wr->next && wr->num_sge == 1 && wr->opcode <= IBV_WR_RDMA_READ &&
	       qp->qp_type <= IBV_QPT_UC;
}

/* The beginning of the record at TO. */
static inline void put_head(void *to, uint64_t time, const struct traced_head *head)
{
	struct vring_record *record = to;

	record->time = time;
	memcpy((char *)record + sizeof(record->time), head, sizeof(*head));
}

/* Bytes that follow each other at TO. */
static inline void put_bytes(void *to, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	uint32_t word = a | (uint32_t)b << 8 | (uint32_t)c << 16 | (uint32_t)d << 24;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	word = __builtin_bswap32(word);
#endif
	memcpy(to, &word, sizeof(word));
}

static inline void fill_plain(struct vring_send *send, const struct ibv_qp *qp,
			      const struct ibv_send_wr *wr)
{
	const struct ibv_sge *sge = wr->sg_list;
	bool immediate =
		wr->opcode == IBV_WR_SEND_WITH_IMM || wr->opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
	bool remote = wr->opcode != IBV_WR_SEND && wr->opcode != IBV_WR_SEND_WITH_IMM;

	send->qpn = qp->qp_num;
	/* and flags, elements, error */
	put_bytes((char *)send + offsetof(struct vring_send, opcode), (uint8_t)wr->opcode,
		  (uint8_t)wr->send_flags, 1, 0);
	send->bytes = sge->length;
	send->imm = immediate ? ntohl(wr->imm_data) : 0;
	send->wr_id = wr->wr_id;
	send->address = sge->addr;
	send->remote_address = remote ? wr->wr.rdma.remote_addr : 0;
	send->lkey = sge->lkey;
	send->rkey = remote ? wr->wr.rdma.rkey : 0;
}

/* Apart from post_send(), which is to save few registers. */
static __attribute__((noinline)) int record_others(const struct traced_context *traced,
						   const struct ibv_qp *qp,
						   const struct ibv_send_wr *wr, uint64_t begin,
						   struct ibv_send_wr *const *bad, int rc)
{
	struct posting posting = {
		.traced = traced,
		.qp = qp,
		.begin = begin,
		.duration = duration_since(begin),
	};
	struct vring_send *send;

	if (record_mode == RECORD_SOME || !is_plain(qp, wr, rc)) {
		record_sends(&posting, wr, bad ? *bad : NULL, rc);
		return rc;
	}
	send = (struct vring_send *)record_room(1);
	if (!send)
		return rc;
	put_head(send, begin, &traced->send);
	send->duration = posting.duration;
	fill_plain(send, qp, wr);
	record_keep(1);
	return rc;
}

/* Where not all is recorded: when it was posted is kept before another thread can see it
 * complete.
 */
static int post_some(const struct traced_context *traced, struct ibv_qp *qp, struct ibv_send_wr *wr,
		     struct ibv_send_wr **bad)
{
	struct latency_pair *pair = latency_find((uint8_t)traced->number, qp->qp_num);
	uint64_t begin = ticks_now();
	int rc;

	latency_post_list(pair, wr, begin);
	rc = traced->ops.post_send(qp, wr, bad);
	if (rc && bad)
		latency_refuse_list(pair, *bad, begin);
	return record_others(traced, qp, wr, begin, bad, rc);
}

/* Anything else than all requests of a context that we know. */
static __attribute__((noinline)) int post_otherwise(struct ibv_qp *qp, struct ibv_send_wr *wr,
						    struct ibv_send_wr **bad)
{
	const struct traced_context *traced = traced_context(qp->context);

	if (!traced)
		return ENOSYS;
	if (record_mode == RECORD_NOTHING)
		return traced->ops.post_send(qp, wr, bad);
	return post_some(traced, qp, wr, bad);
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	const struct traced_context *traced = traced_context(qp->context);
	struct vring_send *send;
	uint64_t begin;
	int rc;

	if (__builtin_expect(!traced || record_mode != RECORD_ALL, 0))
		return post_otherwise(qp, wr, bad);
	begin = ticks_now();
	rc = traced->ops.post_send(qp, wr, bad);
	if (__builtin_expect(record_here.untimed <= 0 || !is_plain(qp, wr, rc), 0))
		return record_others(traced, qp, wr, begin, bad, rc);
	send = (struct vring_send *)record_easily(1);
	if (__builtin_expect(!send, 0))
		return record_others(traced, qp, wr, begin, bad, rc);
	record_here.untimed--;
	put_head(send, begin, &traced->send);
	fill_plain(send, qp, wr);
	record_keep(1);
	return 0;
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
	head.duration = duration_since(head.time);
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
	head.duration = duration_since(head.time);
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

static inline void fill_wc(struct vring_wc *record, const struct ibv_wc *wc, uint32_t index)
{
	record->qpn = wc->qp_num;
	record->status = (uint8_t)wc->status;
	record->opcode = wc_opcode(wc);
	record->flags = (uint16_t)wc->wc_flags;
	record->bytes = wc->byte_len;
	record->imm = wc->wc_flags & IBV_WC_WITH_INV ? wc->invalidated_rkey : ntohl(wc->imm_data);
	record->wr_id = wc->wr_id;
	record->src_qp = wc->src_qp;
	record->vendor_error = wc->vendor_err;
	record->timestamp = 0;
	record->empty = record_empties();
	record->slid = wc->slid;
	record->sl = wc->sl;
	record->batch = (uint8_t)(index < 255 ? index : 255);
}

/* Whether the one that WC is of is not recorded, but has been counted. */
static bool is_counted(const struct traced_context *traced, const struct ibv_wc *wc, uint64_t time)
{
	uint8_t opcode = wc_opcode(wc);

	if (record_mode != RECORD_SOME ||
	    filter_wc(VCALL_POLL_CQ, wc->qp_num, opcode & 128, wc->status, wc->byte_len))
		return false;
	counts_wc(time, &(struct vring_wc){
				.context = (uint8_t)traced->number,
				.wr_id = wc->wr_id,
				.qpn = wc->qp_num,
				.status = (uint8_t)wc->status,
				.opcode = opcode,
				.bytes = wc->byte_len,
			});
	return true;
}

static __attribute__((noinline)) int record_some_wcs(const struct traced_context *traced,
						     const struct ibv_wc *wc, int count)
{
	uint64_t time = ticks_now();
	struct vring_wc *record;

	for (int i = 0; i < count; i++) {
		if (is_counted(traced, &wc[i], time))
			continue;
		record = (struct vring_wc *)record_room(1);
		if (!record)
			continue;
		put_head(record, time, &traced->wc);
		fill_wc(record, &wc[i], (uint32_t)i);
		record_keep(1);
	}
	return count;
}

/* Apart from poll_cq(), for the sake of the polls that find nothing; and without a call to
 * anything, which would cost registers.  Returns COUNT.
 */
static __attribute__((noinline)) int record_wcs(const struct traced_context *traced,
						const struct ibv_wc *wc, int count)
{
	struct vring_wc *record;
	uint64_t time;

	if (__builtin_expect(record_mode != RECORD_ALL, 0) || !ticks_cheap())
		return record_some_wcs(traced, wc, count);
	/* when the completions are in the program's hands; the clock costs more than the poll */
	time = ticks_now();
	record = (struct vring_wc *)record_easily((uint32_t)count);
	if (__builtin_expect(!record, 0))
		return record_some_wcs(traced, wc, count);
	for (int i = 0; i < count; i++) {
		put_head(&record[i], time, &traced->wc);
		fill_wc(&record[i], &wc[i], (uint32_t)i);
	}
	record_keep((uint32_t)count);
	return count;
}

/* A poll that finds nothing is the most frequent call of all: it is only counted. */
static int poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
	const struct traced_context *traced = traced_context(cq->context);
	int got;

	if (__builtin_expect(!traced, 0))
		return -ENOSYS;
	got = traced->ops.poll_cq(cq, count, wc);
	if (__builtin_expect(record_mode == RECORD_NOTHING, 0))
		return got;
	if (got > 0)
		return record_wcs(traced, wc, got);
	record_empty();
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
