/* SPDX-License-Identifier: Apache-2.0 */
/* pair.c - queue pairs */
#include "control.h"
#include "device.h"
#include "extended.h"
#include "latency.h"
#include "pair.h"

#include <string.h>

void pair_describe(struct control *control, const struct ibv_pd *pd, const struct ibv_qp *qp,
		   const struct ibv_qp_init_attr *attr)
{
	struct vring_call *call = &control->call;

	call->parent = (uintptr_t)pd;
	call->number = qp ? qp->qp_num : 0;
	call->a = (uintptr_t)attr->send_cq;
	call->b = (uintptr_t)attr->recv_cq;
	call->c = (uintptr_t)attr->srq;
	call->more = 1;
	control->more[0].qp_init = (struct vring_qp_init){
		.type = attr->qp_type,
		.max_send_wr = attr->cap.max_send_wr,
		.max_recv_wr = attr->cap.max_recv_wr,
		.max_send_sge = attr->cap.max_send_sge,
		.max_recv_sge = attr->cap.max_recv_sge,
		.max_inline = attr->cap.max_inline_data,
		.sig_all = (uint32_t)attr->sq_sig_all,
	};
}

PTR_RECORDED(static, create_qp, CREATE_QP, struct ibv_qp, ibv_create_qp,
	     (struct ibv_pd * pd, struct ibv_qp_init_attr *attr), (pd, attr), pd->context,
	     pair_describe(&control, pd, result, attr);)

EXPORT struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct ibv_qp *qp = create_qp(pd, attr);

	if (qp)
		latency_made(qp, attr->sq_sig_all, attr->cap.max_send_wr);
	return qp;
}

/* Also an extended one can be made of one that was not made so. */
EXPORT struct ibv_qp_ex *ibv_qp_to_qp_ex(struct ibv_qp *qp)
{
	__typeof__(&ibv_qp_to_qp_ex) next = NEXT(ibv_qp_to_qp_ex);
	struct ibv_qp_ex *ex = next ? next(qp) : NULL;

	if (ex && record_mode)
		extended_qp_install(ex);
	return ex;
}

static void describe_path(struct vring_qp_attr *to, const struct ibv_ah_attr *path)
{
	to->dlid = path->dlid;
	to->sl = path->sl;
	to->static_rate = path->static_rate;
	to->is_global = path->is_global;
	to->port = path->port_num;
	if (!path->is_global)
		return;
	to->sgid_index = path->grh.sgid_index;
	to->traffic_class = path->grh.traffic_class;
	to->hop_limit = path->grh.hop_limit;
	memcpy(to->dgid, path->grh.dgid.raw, sizeof(to->dgid));
}

/* Only what the mask names is set by the program, and may be looked at. */
static void describe_attr(struct control *control, const struct ibv_qp *qp,
			  const struct ibv_qp_attr *attr, int mask)
{
	struct vring_call *call = &control->call;
	struct vring_qp_attr *to = &control->more[0].qp_attr;

	call->object = (uintptr_t)qp;
	call->number = qp->qp_num;
	call->a = (uint32_t)mask;
	call->b = mask & IBV_QP_STATE ? attr->qp_state : qp->state;
	call->more = 1;
	*to = (struct vring_qp_attr){
		.dest_qpn = mask & IBV_QP_DEST_QPN ? attr->dest_qp_num : 0,
		.rq_psn = mask & IBV_QP_RQ_PSN ? attr->rq_psn : 0,
		.sq_psn = mask & IBV_QP_SQ_PSN ? attr->sq_psn : 0,
		.qkey = mask & IBV_QP_QKEY ? attr->qkey : 0,
		.path_mtu = mask & IBV_QP_PATH_MTU ? (uint8_t)attr->path_mtu : 0,
		.port = mask & IBV_QP_PORT ? attr->port_num : 0,
		.timeout = mask & IBV_QP_TIMEOUT ? attr->timeout : 0,
		.retry_count = mask & IBV_QP_RETRY_CNT ? attr->retry_cnt : 0,
		.rnr_retry = mask & IBV_QP_RNR_RETRY ? attr->rnr_retry : 0,
		.min_rnr_timer = mask & IBV_QP_MIN_RNR_TIMER ? attr->min_rnr_timer : 0,
		.max_rd_atomic = mask & IBV_QP_MAX_QP_RD_ATOMIC ? attr->max_rd_atomic : 0,
		.max_dest_rd_atomic =
			mask & IBV_QP_MAX_DEST_RD_ATOMIC ? attr->max_dest_rd_atomic : 0,
		.access = mask & IBV_QP_ACCESS_FLAGS ? attr->qp_access_flags : 0,
	};
	if (!(mask & IBV_QP_AV))
		return;
	describe_path(to, &attr->ah_attr);
	if (attr->ah_attr.is_global)
		device_gid(qp->context, attr->ah_attr.port_num, attr->ah_attr.grh.sgid_index);
}

RECORDED(static, modify_qp, MODIFY_QP, ibv_modify_qp,
	 (struct ibv_qp * qp, struct ibv_qp_attr *attr, int mask), (qp, attr, mask), qp->context,
	 describe_attr(&control, qp, attr, mask);)

EXPORT int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	int rc = modify_qp(qp, attr, mask);

	if (rc == 0 && mask & IBV_QP_STATE && attr->qp_state == IBV_QPS_RESET)
		latency_reset(qp);
	return rc;
}

RECORDED(static, destroy_qp, DESTROY_QP, ibv_destroy_qp, (struct ibv_qp * qp), (qp), qp->context,
	 call->object = (uintptr_t)qp;
	 call->number = qp->qp_num;)

EXPORT int ibv_destroy_qp(struct ibv_qp *qp)
{
	struct latency_mark latency = latency_mark(qp);
	uint64_t mark = traced_mark(qp);
	int rc = destroy_qp(qp);

	if (rc)
		return rc;
	traced_forget(qp, mark);
	latency_forget(latency);
	return 0;
}

static void describe_group(struct vring_call *call, const struct ibv_qp *qp,
			   const union ibv_gid *gid, uint16_t lid)
{
	call->object = (uintptr_t)qp;
	call->number = qp->qp_num;
	call->a = lid;
	memcpy(&call->b, gid->raw, 8);
	memcpy(&call->c, gid->raw + 8, 8);
}

INT_CALL(ATTACH_MCAST, ibv_attach_mcast,
	 (struct ibv_qp * qp, const union ibv_gid *gid, uint16_t lid), (qp, gid, lid), qp->context,
	 describe_group(call, qp, gid, lid);)

INT_CALL(DETACH_MCAST, ibv_detach_mcast,
	 (struct ibv_qp * qp, const union ibv_gid *gid, uint16_t lid), (qp, gid, lid), qp->context,
	 describe_group(call, qp, gid, lid);)
