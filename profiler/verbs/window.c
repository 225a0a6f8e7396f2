/* SPDX-License-Identifier: Apache-2.0 */
/* window.c - memory windows, by a context's operations */
#include "control.h"
#include "datapath.h"
#include "latency.h"

static struct ibv_mw *alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type)
{
	struct traced_context *traced = traced_context(pd->context);
	struct control control;
	struct ibv_mw *mw;
	int error;

	control_begin(&control, VCALL_ALLOC_MW);
	mw = traced->ops.alloc_mw(pd, type);
	error = errno;
	control_end(&control, mw ? 0 : error);
	if (session_records()) {
		control.call.object = (uintptr_t)mw;
		control.call.parent = (uintptr_t)pd;
		control.call.number = mw ? mw->rkey : 0;
		control.call.a = type;
		control_put(&control, pd->context);
	}
	errno = error;
	return mw;
}

static int bind_mw(struct ibv_qp *qp, struct ibv_mw *mw, struct ibv_mw_bind *bind)
{
	struct traced_context *traced = traced_context(qp->context);
	struct latency_pair *pair = latency_find((uint8_t)traced->number, qp->qp_num);
	bool signaled = bind->send_flags & IBV_SEND_SIGNALED;
	struct control control;
	int rc;

	control_begin(&control, VCALL_BIND_MW);
	if (pair)
		latency_post(pair, bind->wr_id, signaled, control.call.time);
	rc = traced->ops.bind_mw(qp, mw, bind);
	control_end(&control, rc);
	if (rc && pair)
		latency_refuse(pair, bind->wr_id, signaled, control.call.time);
	if (!session_records())
		return rc;
	control.call.object = (uintptr_t)mw;
	control.call.parent = (uintptr_t)bind->bind_info.mr;
	control.call.number = qp->qp_num;
	control.call.a = bind->bind_info.addr;
	control.call.b = bind->bind_info.length;
	control.call.c = mw->rkey;
	control_put(&control, qp->context);
	return rc;
}

static int dealloc_mw(struct ibv_mw *mw)
{
	const struct ibv_context *context = mw->context;
	struct traced_context *traced = traced_context(context);
	struct control control;
	int rc;

	control_begin(&control, VCALL_DEALLOC_MW);
	control.call.object = (uintptr_t)mw;
	control.call.number = mw->rkey;
	rc = traced->ops.dealloc_mw(mw);
	control_end(&control, rc);
	if (session_records())
		control_put(&control, context);
	return rc;
}

/* What the provider lacks stays missing: programs look. */
void window_install(struct ibv_context_ops *ops)
{
	if (ops->alloc_mw)
		ops->alloc_mw = alloc_mw;
	if (ops->bind_mw)
		ops->bind_mw = bind_mw;
	if (ops->dealloc_mw)
		ops->dealloc_mw = dealloc_mw;
}
