/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <stdlib.h>

#define COMP_MASK                                                                 \
	(IBV_SRQ_INIT_ATTR_TYPE | IBV_SRQ_INIT_ATTR_PD | IBV_SRQ_INIT_ATTR_XRCD | \
	 IBV_SRQ_INIT_ATTR_CQ | IBV_SRQ_INIT_ATTR_TM)
#define XRC_NEEDS (IBV_SRQ_INIT_ATTR_XRCD | IBV_SRQ_INIT_ATTR_CQ)

/* INIT is the engine's without a handle; ATTR gets what the queue has. */
static struct ibv_srq *create(struct ibv_pd *pd, struct srq_init *init, struct ibv_srq_attr *attr,
			      void *srq_context)
{
	struct front_srq *own = calloc(1, sizeof(*own));

	if (!own)
		return NULL;
	init->pd = front_engine_pd(pd);
	init->max_wr = attr->max_wr;
	init->max_sge = attr->max_sge;
	init->handle = (uintptr_t)own;
	if (srq_create(&own->engine, front_engine(pd->context), init)) {
		free(own);
		return NULL;
	}
	own->srq.context = pd->context;
	own->srq.srq_context = srq_context;
	own->srq.pd = pd;
	own->srq.handle = own->engine.number;
	pthread_mutex_init(&own->srq.mutex, NULL);
	pthread_cond_init(&own->srq.cond, NULL);
	own->pd = (struct front_pd *)pd;
	front_use_domain(own->pd, 1);
	own->xrc = !!init->xrcd;
	attr->max_wr = init->max_wr;
	attr->max_sge = init->max_sge;
	return &own->srq;
}

EXPORT struct ibv_srq *ibv_create_srq(struct ibv_pd *pd, struct ibv_srq_init_attr *attr)
{
	struct srq_init init = { 0 };

	if (!front_owns(pd->context))
		return REAL(ibv_create_srq)(pd, attr);
	return create(pd, &init, &attr->attr, attr->srq_context);
}

/* Returns 0 or an error number. */
static int check_init_ex(const struct ibv_srq_init_attr_ex *init, bool xrc)
{
	if (init->comp_mask & ~(uint32_t)COMP_MASK)
		return EOPNOTSUPP;
	if (init->comp_mask & IBV_SRQ_INIT_ATTR_TYPE && init->srq_type == IBV_SRQT_TM)
		return EOPNOTSUPP;
	if (!(init->comp_mask & IBV_SRQ_INIT_ATTR_PD) || !init->pd)
		return EINVAL;
	if (init->comp_mask & IBV_SRQ_INIT_ATTR_TYPE && init->srq_type > IBV_SRQT_TM)
		return EINVAL;
	if (xrc && ((init->comp_mask & XRC_NEEDS) != XRC_NEEDS || !init->xrcd || !init->cq))
		return EINVAL;
	return 0;
}

struct ibv_srq *front_create_srq_ex(struct ibv_context *context, struct ibv_srq_init_attr_ex *attr)
{
	bool xrc = attr->comp_mask & IBV_SRQ_INIT_ATTR_TYPE && attr->srq_type == IBV_SRQT_XRC;
	struct srq_init init = { 0 };

	(void)context;
	errno = check_init_ex(attr, xrc);
	if (errno)
		return NULL;
	if (xrc) {
		init.xrcd = &((struct front_xrcd *)attr->xrcd)->engine;
		init.cq = &((struct front_cq *)attr->cq)->engine;
	}
	return create(attr->pd, &init, &attr->attr, attr->srq_context);
}

int front_get_srq_num(struct ibv_srq *srq, uint32_t *number)
{
	struct front_srq *own = (struct front_srq *)srq;

	if (!own->xrc)
		return EOPNOTSUPP;
	*number = own->engine.number;
	return 0;
}

EXPORT int ibv_modify_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr, int mask)
{
	struct srq *engine = &((struct front_srq *)srq)->engine;

	if (!front_owns(srq->context))
		return REAL(ibv_modify_srq)(srq, attr, mask);
	if (mask & ~(IBV_SRQ_MAX_WR | IBV_SRQ_LIMIT))
		return EINVAL;
	if (mask & IBV_SRQ_MAX_WR && srq_resize(engine, attr->max_wr))
		return errno;
	if (mask & IBV_SRQ_LIMIT && srq_set_limit(engine, attr->srq_limit))
		return errno;
	return 0;
}

EXPORT int ibv_query_srq(struct ibv_srq *srq, struct ibv_srq_attr *attr)
{
	const struct shared_rq *rq = &((struct front_srq *)srq)->engine.shared->rq;

	if (!front_owns(srq->context))
		return REAL(ibv_query_srq)(srq, attr);
	attr->max_wr = rq->capacity;
	attr->max_sge = rq->max_sge;
	attr->srq_limit = atomic_load(&rq->limit);
	return 0;
}

EXPORT int ibv_destroy_srq(struct ibv_srq *srq)
{
	struct front_srq *own = (struct front_srq *)srq;
	uint32_t async;

	if (!front_owns(srq->context))
		return REAL(ibv_destroy_srq)(srq);
	if (srq_destroy(&own->engine, &async))
		return errno;
	front_wait_acks(&srq->mutex, &srq->cond, &srq->events_completed, async);
	front_use_domain(own->pd, -1);
	pthread_cond_destroy(&srq->cond);
	pthread_mutex_destroy(&srq->mutex);
	free(own);
	return 0;
}

int front_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct srq *engine = &((struct front_srq *)srq)->engine;

	for (; wr; wr = wr->next) {
		/* struct ibv_sge is laid out as the engine's (front.h) */
		if (srq_post(engine, wr->wr_id, (const struct shared_sge *)wr->sg_list,
			     wr->num_sge)) {
			*bad = wr;
			return errno;
		}
	}
	return 0;
}
