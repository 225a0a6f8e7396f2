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

static int check_bind(const struct ibv_qp *qp, const struct ibv_mw *mw,
		      const struct ibv_mw_bind_info *info)
{
	if (qp->pd != mw->pd)
		return EPERM;
	if (info->mw_access_flags & IBV_ACCESS_ZERO_BASED)
		return EINVAL;
	return info->length && !info->mr ? EINVAL : 0;
}

/* A window of kind 1 is bound by a work request too; its key changes each time. */
int front_bind_mw(struct ibv_qp *qp, struct ibv_mw *mw, struct ibv_mw_bind *bind)
{
	struct ibv_send_wr wr = {
		.wr_id = bind->wr_id,
		.opcode = IBV_WR_BIND_MW,
		.send_flags = bind->send_flags,
		.bind_mw = {
			.mw = mw,
			.rkey = ibv_inc_rkey(mw->rkey),
			.bind_info = bind->bind_info,
		},
	};
	struct ibv_send_wr *bad;
	int rc = check_bind(qp, mw, &bind->bind_info);

	if (!rc)
		rc = front_post_send(qp, &wr, &bad);
	if (!rc)
		mw->rkey = wr.bind_mw.rkey;
	return rc;
}
