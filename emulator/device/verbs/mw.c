/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <stdlib.h>

struct ibv_mw *front_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type)
{
	struct front_mw *front;

	if (type != IBV_MW_TYPE_1 && type != IBV_MW_TYPE_2) {
		errno = EINVAL;
		return NULL;
	}
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	if (mw_create(&front->engine, front_engine(pd->context), front_engine_pd(pd),
		      type == IBV_MW_TYPE_1 ? MR_WINDOW1 : MR_WINDOW2) < 0) {
		free(front);
		return NULL;
	}
	front->mw = (struct ibv_mw){
		.context = pd->context,
		.pd = pd,
		.rkey = front->engine.key,
		.handle = front->engine.key,
		.type = type,
	};
	return &front->mw;
}

int front_dealloc_mw(struct ibv_mw *mw)
{
	struct front_mw *front = (struct front_mw *)mw;

	if (mw_destroy(&front->engine) < 0)
		return errno;
	free(front);
	return 0;
}

#define SEND_FLAGS (SEND_FENCE | SEND_SIGNALED)

static int check_bind(struct ibv_qp *qp, struct ibv_mw *mw, const struct ibv_mw_bind_info *info)
{
	if (front_engine_pd(qp->pd) != front_engine_pd(mw->pd))
		return EPERM;
	if (mw->type != IBV_MW_TYPE_1 || info->mw_access_flags & IBV_ACCESS_ZERO_BASED ||
	    (info->length && !info->mr))
		return EINVAL;
	return qp->qp_type == IBV_QPT_RC || qp->qp_type == IBV_QPT_UC ? 0 : EINVAL;
}

static int post_bind(struct qp *qp, const struct ibv_mw *mw, const struct ibv_mw_bind *bind,
		     uint32_t key)
{
	const struct ibv_mw_bind_info *info = &bind->bind_info;
	struct shared_sqe *sqe = qp_send_next(qp, 0, 0);

	if (!sqe)
		return errno;
	sqe->wr_id = bind->wr_id;
	sqe->opcode = WR_BIND_MW;
	sqe->flags = bind->send_flags & SEND_FLAGS;
	sqe->window = mw->rkey;
	sqe->window_key = key;
	sqe->region_key = info->length ? info->mr->lkey : 0;
	sqe->window_access = info->mw_access_flags;
	sqe->window_addr = info->addr;
	sqe->window_length = info->length;
	qp_send_add(qp, sqe);
	return 0;
}

/* A window of kind 1 is bound by a request as one of kind 2 is, but not by
 * ibv_post_send(); its key is another one each time.
 */
int front_bind_mw(struct ibv_qp *qp, struct ibv_mw *mw, struct ibv_mw_bind *bind)
{
	struct qp *engine = &((struct front_qp *)qp)->engine;
	int rc = check_bind(qp, mw, &bind->bind_info);
	uint32_t key = ibv_inc_rkey(mw->rkey);

	if (rc)
		return rc;
	qp_send_begin(engine);
	rc = post_bind(engine, mw, bind, key);
	if (!rc)
		mw->rkey = key;
	qp_send_ring(engine);
	return rc;
}
