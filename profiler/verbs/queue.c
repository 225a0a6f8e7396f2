/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - completion channels, completion queues, shared receive queues */
#include "control.h"
#include "datapath.h"

/* --- channels and events --- */

PTR_CALL(CREATE_COMP_CHANNEL, struct ibv_comp_channel, ibv_create_comp_channel,
	 (struct ibv_context * context), (context), context,
	 call->number = result ? (uint32_t)result->fd : 0;)

INT_CALL(DESTROY_COMP_CHANNEL, ibv_destroy_comp_channel, (struct ibv_comp_channel * channel),
	 (channel), channel->context, call->object = (uintptr_t)channel;
	 call->number = (uint32_t)channel->fd;)

/* Which queue it was is known afterwards. */
EXPORT int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **cq_context)
{
	__typeof__(&ibv_get_cq_event) next = NEXT(ibv_get_cq_event);
	struct control control;
	int rc, error;

	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	if (!session_records() || record_mode == RECORD_NOTHING)
		return next(channel, cq, cq_context);
	control_begin(&control, VCALL_GET_CQ_EVENT);
	rc = next(channel, cq, cq_context);
	error = errno;
	control_end(&control, rc ? error : 0);
	control.call.parent = (uintptr_t)channel;
	control.call.object = rc ? 0 : (uintptr_t)*cq;
	control_put(&control, channel->context);
	errno = error;
	return rc;
}

EXPORT void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int count)
{
	__typeof__(&ibv_ack_cq_events) next = NEXT(ibv_ack_cq_events);
	struct control control;

	if (!next)
		return;
	control_begin(&control, VCALL_ACK_CQ_EVENTS);
	control.call.object = (uintptr_t)cq;
	control.call.number = count;
	next(cq, count);
	control_end(&control, 0);
	if (session_records())
		control_put(&control, cq->context);
}

/* --- completion queues --- */

PTR_CALL(CREATE_CQ, struct ibv_cq, ibv_create_cq,
	 (struct ibv_context * context, int cqe, void *cq_context, struct ibv_comp_channel *channel,
	  int vector),
	 (context, cqe, cq_context, channel, vector), context, call->parent = (uintptr_t)channel;
	 call->number = result ? (uint32_t)result->cqe : (uint32_t)cqe; call->a = (uint64_t)vector;)

INT_CALL(RESIZE_CQ, ibv_resize_cq, (struct ibv_cq * cq, int cqe), (cq, cqe), cq->context,
	 call->object = (uintptr_t)cq;
	 call->number = (uint32_t)cqe;)

DESTROY_CALL(DESTROY_CQ, ibv_destroy_cq, (struct ibv_cq * cq), cq, cq->context,
	     call->object = (uintptr_t)cq;)

/* --- shared receive queues --- */

static uint32_t srq_number(struct ibv_srq *srq)
{
	uint32_t number = 0;

	/* only queues of XRC have one */
	return srq && ibv_get_srq_num(srq, &number) == 0 ? number : 0;
}

PTR_CALL(CREATE_SRQ, struct ibv_srq, ibv_create_srq,
	 (struct ibv_pd * pd, struct ibv_srq_init_attr *attr), (pd, attr), pd->context,
	 call->parent = (uintptr_t)pd;
	 call->number = srq_number(result); call->a = attr->attr.max_wr;
	 call->b = attr->attr.max_sge; call->c = attr->attr.srq_limit;)

INT_CALL(MODIFY_SRQ, ibv_modify_srq, (struct ibv_srq * srq, struct ibv_srq_attr *attr, int mask),
	 (srq, attr, mask), srq->context, call->object = (uintptr_t)srq;
	 call->number = (uint32_t)mask; call->a = attr->max_wr; call->c = attr->srq_limit;)

INT_CALL(DESTROY_SRQ, ibv_destroy_srq, (struct ibv_srq * srq), (srq), srq->context,
	 call->object = (uintptr_t)srq;)
