/* SPDX-License-Identifier: Apache-2.0 */
/* poll.c - completions taken by ibv_start_poll() and ibv_next_poll() */
#include "counts.h"
#include "extended.h"
#include "filter.h"
#include "record.h"

#include <arpa/inet.h>
#include <string.h>

static bool has(const struct traced_cq *traced, enum ibv_create_cq_wc_flags flag)
{
	return traced->wc_flags & flag;
}

/* What a queue was not made to tell stays 0. */
static void read_success(const struct traced_cq *traced, struct ibv_cq_ex *cq, struct vring_wc *wc)
{
	uint32_t opcode = cq->read_opcode(cq);

	wc->opcode = (uint8_t)((opcode & 127) | (opcode & IBV_WC_RECV ? 128 : 0));
	wc->flags = (uint16_t)cq->read_wc_flags(cq);
	if (has(traced, IBV_WC_EX_WITH_BYTE_LEN))
		wc->bytes = cq->read_byte_len(cq);
	if (wc->flags & (IBV_WC_WITH_IMM | IBV_WC_WITH_INV) && has(traced, IBV_WC_EX_WITH_IMM))
		wc->imm = wc->flags & IBV_WC_WITH_INV ? cq->read_imm_data(cq)
						      : ntohl(cq->read_imm_data(cq));
	if (has(traced, IBV_WC_EX_WITH_SRC_QP))
		wc->src_qp = cq->read_src_qp(cq);
	if (has(traced, IBV_WC_EX_WITH_SLID))
		wc->slid = (uint16_t)cq->read_slid(cq);
	if (has(traced, IBV_WC_EX_WITH_SL))
		wc->sl = cq->read_sl(cq);
	if (has(traced, IBV_WC_EX_WITH_COMPLETION_TIMESTAMP))
		wc->timestamp = cq->read_completion_ts(cq);
}

static void read_wc(const struct traced_cq *traced, struct ibv_cq_ex *cq, struct vring_wc *wc)
{
	const struct traced_context *context = traced_context(cq->context);

	*wc = (struct vring_wc){
		.context = (uint8_t)(context ? context->number : VRING_CONTEXT_LAST),
		.wr_id = cq->wr_id,
		.status = (uint8_t)cq->status,
		.opcode = 255,
		.qpn = has(traced, IBV_WC_EX_WITH_QP_NUM) ? cq->read_qp_num(cq) : 0,
	};
	if (cq->status == IBV_WC_SUCCESS)
		read_success(traced, cq, wc);
	else
		wc->vendor_error = cq->read_vendor_err(cq);
}

/* The current completion. */
static void put(struct traced_cq *traced, struct ibv_cq_ex *cq, enum vcall call)
{
	struct vring_wc wc;
	struct vring_record *room;

	read_wc(traced, cq, &wc);
	if (record_mode == RECORD_SOME &&
	    !filter_wc((uint16_t)call, wc.qpn, wc.opcode & 128, wc.status, wc.bytes)) {
		counts_wc(ticks_now(), &wc);
		return;
	}
	wc.time = ticks_now();
	wc.call = (uint16_t)call;
	wc.batch = (uint8_t)(traced->batch < 255 ? traced->batch : 255);
	room = record_room(1);
	if (!room)
		return;
	wc.empty = record_empties();
	memcpy(room, &wc, sizeof(wc));
	record_keep(1);
}

/* A queue is one thread's from ibv_start_poll() to ibv_end_poll(). */
static int start_poll(struct ibv_cq_ex *cq, struct ibv_poll_cq_attr *attr)
{
	struct traced_cq *traced = traced_cq_find(cq);
	int rc = traced->real.start_poll(cq, attr);

	if (record_mode == RECORD_NOTHING)
		return rc;
	if (rc) {
		record_empty();
		return rc;
	}
	traced->batch = 0;
	put(traced, cq, VCALL_START_POLL);
	return rc;
}

static int next_poll(struct ibv_cq_ex *cq)
{
	struct traced_cq *traced = traced_cq_find(cq);
	int rc = traced->real.next_poll(cq);

	if (rc == 0 && record_mode) {
		traced->batch++;
		put(traced, cq, VCALL_NEXT_POLL);
	}
	return rc;
}

void extended_cq_install(struct ibv_cq_ex *cq, uint64_t wc_flags)
{
	struct traced_cq *traced;

	if (!cq->start_poll || cq->start_poll == start_poll)
		return;
	traced = traced_cq_add(cq);
	if (!traced)
		return;
	traced->wc_flags = wc_flags;
	traced->real.start_poll = cq->start_poll;
	traced->real.next_poll = cq->next_poll;
	cq->start_poll = start_poll;
	cq->next_poll = next_poll;
}
