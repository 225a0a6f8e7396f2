/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"
#include "clock.h"

#include <stdlib.h>

/* Completions that are taken from the engine at once. */
#define POLL_BATCH 16

struct front_cq *front_cq_create(struct ibv_context *context, uint32_t cqe, void *cq_context,
				 struct ibv_comp_channel *channel, uint32_t vector)
{
	struct comp_channel *engine = channel ? &((struct front_channel *)channel)->engine : NULL;
	struct front_cq *own;

	if (cqe < 1 || cqe > INT32_MAX || vector >= (uint32_t)context->num_comp_vectors) {
		errno = EINVAL;
		return NULL;
	}
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	if (cq_create(&own->engine, front_engine(context), cqe, engine, (uintptr_t)own)) {
		free(own);
		return NULL;
	}
	own->cq.context = context;
	own->cq.channel = channel;
	own->cq.cq_context = cq_context;
	own->cq.handle = own->engine.shared->head.number;
	own->cq.cqe = own->engine.shared->capacity;
	own->wallclock = clock_ahead();
	pthread_mutex_init(&own->cq.mutex, NULL);
	pthread_cond_init(&own->cq.cond, NULL);
	pthread_mutex_init(&own->polling, NULL);
	if (channel) {
		pthread_mutex_lock(&context->mutex);
		channel->refcnt++;
		pthread_mutex_unlock(&context->mutex);
	}
	return own;
}

EXPORT struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
				    struct ibv_comp_channel *channel, int vector)
{
	struct front_cq *own;

	if (!front_owns(context))
		return REAL(ibv_create_cq)(context, cqe, cq_context, channel, vector);
	own = front_cq_create(context, cqe, cq_context, channel, vector);
	return own ? &own->cq : NULL;
}

EXPORT int ibv_resize_cq(struct ibv_cq *cq, int cqe)
{
	struct cq *engine = &((struct front_cq *)cq)->engine;

	if (!front_owns(cq->context))
		return REAL(ibv_resize_cq)(cq, cqe);
	if (cqe < 1)
		return EINVAL;
	if (cq_resize(engine, cqe))
		return errno;
	cq->cqe = engine->shared->capacity;
	return 0;
}

static void cq_release(struct front_cq *own)
{
	struct ibv_comp_channel *channel = own->cq.channel;

	if (channel) {
		pthread_mutex_lock(&own->cq.context->mutex);
		channel->refcnt--;
		pthread_mutex_unlock(&own->cq.context->mutex);
	}
	front_use_domain(own->domain, -1);
	pthread_mutex_destroy(&own->polling);
	pthread_cond_destroy(&own->cq.cond);
	pthread_mutex_destroy(&own->cq.mutex);
	free(own);
}

EXPORT int ibv_destroy_cq(struct ibv_cq *cq)
{
	struct front_cq *own = (struct front_cq *)cq;
	uint32_t events, async;

	if (!front_owns(cq->context))
		return REAL(ibv_destroy_cq)(cq);
	if (cq_destroy(&own->engine, &events, &async))
		return errno;
	front_wait_acks(&cq->mutex, &cq->cond, &cq->comp_events_completed, events);
	front_wait_acks(&cq->mutex, &cq->cond, &cq->async_events_completed, async);
	cq_release(own);
	return 0;
}

/* --- the table of a context --- */

static void wc_fill(struct ibv_wc *wc, const struct shared_cqe *entry)
{
	*wc = (struct ibv_wc){
		.wr_id = entry->wr_id,
		.status = (enum ibv_wc_status)entry->status,
		.opcode = (enum ibv_wc_opcode)entry->opcode,
		.vendor_err = entry->vendor_err,
		.byte_len = entry->byte_len,
		.imm_data = entry->imm,
		.qp_num = entry->qpn,
		.src_qp = entry->src_qpn,
		.wc_flags = entry->flags,
		.pkey_index = entry->pkey_index,
		.slid = entry->slid,
		.sl = entry->sl,
		.dlid_path_bits = entry->dlid_path_bits,
	};
}

int front_poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
	struct cq *engine = &((struct front_cq *)cq)->engine;
	struct shared_cqe entries[POLL_BATCH];
	int taken = 0, want, got;

	do {
		want = count - taken < POLL_BATCH ? count - taken : POLL_BATCH;
		got = cq_poll(engine, entries, want);
		if (got < 0)
			return taken ? taken : -1;
		for (int i = 0; i < got; i++)
			wc_fill(wc + taken++, entries + i);
	} while (got == want && taken < count);
	return taken;
}

int front_req_notify_cq(struct ibv_cq *cq, int solicited_only)
{
	cq_arm(&((struct front_cq *)cq)->engine, solicited_only);
	return 0;
}
