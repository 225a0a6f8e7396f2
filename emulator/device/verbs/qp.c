/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <stdlib.h>
#include <string.h>

#define CREATE_MASK                                                                    \
	(IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_XRCD | IBV_QP_INIT_ATTR_CREATE_FLAGS | \
	 IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
#define OPEN_NEEDS  (IBV_QP_OPEN_ATTR_NUM | IBV_QP_OPEN_ATTR_XRCD | IBV_QP_OPEN_ATTR_TYPE)
#define MODIFY_MASK ((IBV_QP_DEST_QPN << 1) - 1)

/* Options of an enhanced connection: there are none to agree on. */
#define ECE_VENDOR  FRONT_VENDOR_ID
#define ECE_OPTIONS 0

/* What may be allowed in ibv_wr_*, by type. */
#define OPS_DATAGRAM (IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM)
#define OPS_UNRELIABLE                                                                   \
	(OPS_DATAGRAM | IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM | \
	 IBV_QP_EX_WITH_SEND_WITH_INV | IBV_QP_EX_WITH_LOCAL_INV | IBV_QP_EX_WITH_BIND_MW)
#define OPS_RELIABLE                                                                     \
	(OPS_UNRELIABLE | IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP | \
	 IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD)

static uint64_t ops_of_type(enum ibv_qp_type type)
{
	switch (type) {
	case IBV_QPT_RC:
	case IBV_QPT_XRC_SEND:
		return OPS_RELIABLE;
	case IBV_QPT_UC:
		return OPS_UNRELIABLE;
	case IBV_QPT_UD:
		return OPS_DATAGRAM;
	default:
		return 0;
	}
}

/* Returns 0 or an error number. */
static int check_init(const struct ibv_qp_init_attr_ex *init)
{
	uint32_t mask = init->comp_mask;

	switch ((int)init->qp_type) {
	case IBV_QPT_RC:
	case IBV_QPT_UC:
	case IBV_QPT_UD:
	case IBV_QPT_XRC_SEND:
	case IBV_QPT_XRC_RECV:
		break;
	default:
		return EOPNOTSUPP;
	}
	if (mask & ~(uint32_t)CREATE_MASK)
		return EOPNOTSUPP;
	if (mask & IBV_QP_INIT_ATTR_CREATE_FLAGS && init->create_flags)
		return EOPNOTSUPP;
	if (mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS &&
	    init->send_ops_flags & ~ops_of_type(init->qp_type))
		return EOPNOTSUPP;
	if (init->qp_type == IBV_QPT_XRC_RECV)
		return mask & IBV_QP_INIT_ATTR_XRCD && init->xrcd ? 0 : EINVAL;
	return mask & IBV_QP_INIT_ATTR_PD && init->pd ? 0 : EINVAL;
}

static struct cq *engine_cq(struct ibv_cq *cq)
{
	return cq ? &((struct front_cq *)cq)->engine : NULL;
}

static void to_engine(struct qp_init *to, const struct ibv_qp_init_attr_ex *init)
{
	bool receives_only = init->qp_type == IBV_QPT_XRC_RECV;

	*to = (struct qp_init){
		.type = (enum qp_type)init->qp_type,
		.pd = receives_only ? NULL : front_engine_pd(init->pd),
		.send_cq = receives_only ? NULL : engine_cq(init->send_cq),
		.recv_cq = receives_only ? NULL : engine_cq(init->recv_cq),
		.srq = init->srq && !receives_only ? &((struct front_srq *)init->srq)->engine
						   : NULL,
		.xrcd = receives_only ? &((struct front_xrcd *)init->xrcd)->engine : NULL,
		.sq_sig_all = !!init->sq_sig_all,
		.max_send_wr = init->cap.max_send_wr,
		.max_recv_wr = init->cap.max_recv_wr,
		.max_send_sge = init->cap.max_send_sge,
		.max_recv_sge = init->cap.max_recv_sge,
		.max_inline = init->cap.max_inline_data,
	};
}

static void set_caps(struct ibv_qp_cap *cap, const struct qp_init *has)
{
	*cap = (struct ibv_qp_cap){
		.max_send_wr = has->max_send_wr,
		.max_recv_wr = has->max_recv_wr,
		.max_send_sge = has->max_send_sge,
		.max_recv_sge = has->max_recv_sge,
		.max_inline_data = has->max_inline,
	};
}

/* The public part; of INIT only what both kinds of attributes have. */
static void set_public(struct front_qp *own, struct ibv_context *context,
		       const struct ibv_qp_init_attr *init)
{
	struct ibv_qp *qp = &own->qp;

	qp->context = context;
	qp->qp_context = init->qp_context;
	qp->send_cq = init->send_cq;
	qp->recv_cq = init->recv_cq;
	qp->srq = init->srq;
	qp->handle = own->engine.number;
	qp->qp_num = own->engine.number;
	qp->state = IBV_QPS_RESET;
	qp->qp_type = init->qp_type;
	pthread_mutex_init(&qp->mutex, NULL);
	pthread_cond_init(&qp->cond, NULL);
	own->init = *init;
	own->ece = (struct ibv_ece){ .vendor_id = ECE_VENDOR, .options = ECE_OPTIONS };
}

struct ibv_qp *front_create_qp_ex(struct ibv_context *context, struct ibv_qp_init_attr_ex *init)
{
	struct qp_init engine;
	struct front_qp *own;

	errno = check_init(init);
	if (errno)
		return NULL;
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	to_engine(&engine, init);
	engine.handle = (uintptr_t)own;
	if (qp_create(&own->engine, front_engine(context), &engine)) {
		free(own);
		return NULL;
	}
	set_caps(&init->cap, &engine);
	/* the plain attributes are the first part of the extended ones */
	set_public(own, context, (const struct ibv_qp_init_attr *)init);
	if (engine.pd) {
		own->pd = (struct front_pd *)init->pd;
		own->qp.pd = init->pd;
		front_use_domain(own->pd, 1);
	}
	if (init->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS) {
		own->is_ex = true;
		own->send_ops = init->send_ops_flags;
		front_wr_init(own);
	}
	return &own->qp;
}

EXPORT struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *init)
{
	struct ibv_qp_init_attr_ex ex = { 0 };
	struct ibv_qp *qp;

	if (!front_owns(pd->context))
		return REAL(ibv_create_qp)(pd, init);
	memcpy(&ex, init, sizeof(*init));
	/* after that: the padding of the one lies over this of the other */
	ex.comp_mask = IBV_QP_INIT_ATTR_PD;
	ex.pd = pd;
	qp = front_create_qp_ex(pd->context, &ex);
	if (qp)
		init->cap = ex.cap;
	return qp;
}

struct ibv_qp *front_open_qp(struct ibv_context *context, struct ibv_qp_open_attr *attr)
{
	struct ibv_qp_init_attr init = { .qp_type = attr->qp_type };
	struct front_qp *own;

	if (attr->comp_mask & ~(uint32_t)(OPEN_NEEDS | IBV_QP_OPEN_ATTR_CONTEXT)) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	if ((attr->comp_mask & OPEN_NEEDS) != OPEN_NEEDS || !attr->xrcd ||
	    attr->qp_type != IBV_QPT_XRC_RECV) {
		errno = EINVAL;
		return NULL;
	}
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	if (qp_open(&own->engine, front_engine(context), &((struct front_xrcd *)attr->xrcd)->engine,
		    attr->qp_num, (uintptr_t)own)) {
		free(own);
		return NULL;
	}
	if (attr->comp_mask & IBV_QP_OPEN_ATTR_CONTEXT)
		init.qp_context = attr->qp_context;
	set_public(own, context, &init);
	return &own->qp;
}

EXPORT struct ibv_qp_ex *ibv_qp_to_qp_ex(struct ibv_qp *qp)
{
	struct front_qp *own = (struct front_qp *)qp;

	if (!front_owns(qp->context))
		return REAL(ibv_qp_to_qp_ex)(qp);
	return own->is_ex ? &own->ex : NULL;
}

EXPORT int ibv_destroy_qp(struct ibv_qp *qp)
{
	struct front_qp *own = (struct front_qp *)qp;
	uint32_t async;

	if (!front_owns(qp->context))
		return REAL(ibv_destroy_qp)(qp);
	if (qp_destroy(&own->engine, &async))
		return errno;
	front_wait_acks(&qp->mutex, &qp->cond, &qp->events_completed, async);
	front_use_domain(own->pd, -1);
	pthread_cond_destroy(&qp->cond);
	pthread_mutex_destroy(&qp->mutex);
	free(own);
	return 0;
}

/* --- attributes --- */

/* enum ibv_mtu and bytes. */
static uint32_t mtu_bytes(enum ibv_mtu mtu)
{
	return mtu >= IBV_MTU_256 && mtu <= IBV_MTU_4096 ? 128u << mtu : 0;
}

static enum ibv_mtu mtu_code(uint32_t bytes)
{
	enum ibv_mtu mtu = IBV_MTU_256;

	while (mtu < IBV_MTU_4096 && mtu_bytes(mtu) < bytes)
		mtu++;
	return mtu;
}

/* Returns 0 or an error number; fields that MASK does not name do not matter. */
static int attr_to_engine(struct context *context, struct qp_attr *to,
			  const struct ibv_qp_attr *attr, int mask)
{
	*to = (struct qp_attr){
		.state = attr->qp_state,
		.cur_state = attr->cur_qp_state,
		.access = attr->qp_access_flags,
		.pkey_index = attr->pkey_index,
		.port = attr->port_num,
		.qkey = attr->qkey,
		.path_mtu = mtu_bytes(attr->path_mtu),
		.timeout = attr->timeout,
		.retry_count = attr->retry_cnt,
		.rnr_retry = attr->rnr_retry,
		.rq_psn = attr->rq_psn,
		.sq_psn = attr->sq_psn,
		.dest_qpn = attr->dest_qp_num,
		.max_rd_atomic = attr->max_rd_atomic,
		.max_dest_rd_atomic = attr->max_dest_rd_atomic,
		.min_rnr_timer = attr->min_rnr_timer,
		.en_sqd_async_notify = attr->en_sqd_async_notify,
	};
	if (mask & IBV_QP_PATH_MTU && !to->path_mtu)
		return EINVAL;
	if (mask & IBV_QP_AV && front_path(context, &attr->ah_attr, &to->path))
		return errno;
	return 0;
}

/* The device cannot migrate to another path (IBV_DEVICE_AUTO_PATH_MIG is not set): it
 * takes one as such devices do, but is never armed with it.
 */
static int check_alternate(const struct ibv_qp_attr *attr, int mask)
{
	if (mask & IBV_QP_ALT_PATH &&
	    (attr->alt_port_num != 1 || attr->alt_pkey_index || attr->alt_timeout > 31))
		return EINVAL;
	if (mask & IBV_QP_PATH_MIG_STATE && attr->path_mig_state != IBV_MIG_MIGRATED)
		return attr->path_mig_state > IBV_MIG_ARMED ? EINVAL : EOPNOTSUPP;
	return 0;
}

/* What the engine has no use for is kept for ibv_query_qp(). */
static void keep_attr(struct front_qp *own, const struct ibv_qp_attr *attr, int mask)
{
	if (mask & IBV_QP_PATH_MIG_STATE)
		own->attr.path_mig_state = attr->path_mig_state;
	if (mask & IBV_QP_ALT_PATH) {
		own->attr.alt_ah_attr = attr->alt_ah_attr;
		own->attr.alt_pkey_index = attr->alt_pkey_index;
		own->attr.alt_port_num = attr->alt_port_num;
		own->attr.alt_timeout = attr->alt_timeout;
	}
}

/* Half of a connection leaves out what belongs to the other half: the kernel does not
 * mind when that is given, and programs give it.
 */
static int mask_of_type(enum ibv_qp_type type, int mask)
{
	if (type == IBV_QPT_XRC_SEND)
		return mask & ~(IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
	if (type == IBV_QPT_XRC_RECV)
		return mask & ~(IBV_QP_MAX_QP_RD_ATOMIC | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY);
	return mask;
}

EXPORT int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	struct front_qp *own = (struct front_qp *)qp;
	struct qp_attr engine;
	int rc;

	if (!front_owns(qp->context))
		return REAL(ibv_modify_qp)(qp, attr, mask);
	if (mask & ~MODIFY_MASK)
		return EOPNOTSUPP;
	mask = mask_of_type(qp->qp_type, mask);
	rc = check_alternate(attr, mask);
	if (!rc)
		rc = attr_to_engine(front_engine(qp->context), &engine, attr, mask);
	if (!rc)
		rc = front_rc(qp_modify(&own->engine, &engine, mask));
	if (rc)
		return rc;
	keep_attr(own, attr, mask);
	if (mask & IBV_QP_STATE)
		qp->state = attr->qp_state;
	return 0;
}

EXPORT int ibv_query_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
			struct ibv_qp_init_attr *init)
{
	struct front_qp *own = (struct front_qp *)qp;
	struct qp_attr engine;

	if (!front_owns(qp->context))
		return REAL(ibv_query_qp)(qp, attr, mask, init);
	qp_query(&own->engine, &engine);
	*attr = own->attr;
	attr->qp_state = (enum ibv_qp_state)engine.state;
	attr->cur_qp_state = (enum ibv_qp_state)engine.cur_state;
	attr->path_mtu = mtu_code(engine.path_mtu);
	attr->qkey = engine.qkey;
	attr->rq_psn = engine.rq_psn;
	attr->sq_psn = engine.sq_psn;
	attr->dest_qp_num = engine.dest_qpn;
	attr->qp_access_flags = engine.access;
	attr->cap = own->init.cap;
	front_path_attr(&engine.path, &attr->ah_attr);
	attr->pkey_index = engine.pkey_index;
	attr->en_sqd_async_notify = engine.en_sqd_async_notify;
	attr->sq_draining = engine.sq_draining;
	attr->max_rd_atomic = engine.max_rd_atomic;
	attr->max_dest_rd_atomic = engine.max_dest_rd_atomic;
	attr->min_rnr_timer = engine.min_rnr_timer;
	attr->port_num = engine.port;
	attr->timeout = engine.timeout;
	attr->retry_cnt = engine.retry_count;
	attr->rnr_retry = engine.rnr_retry;
	if (init)
		*init = own->init;
	if (mask & IBV_QP_STATE)
		qp->state = attr->qp_state;
	return 0;
}

/* --- small ones --- */

EXPORT int ibv_query_ece(struct ibv_qp *qp, struct ibv_ece *ece)
{
	if (!front_owns(qp->context))
		return REAL(ibv_query_ece)(qp, ece);
	*ece = ((struct front_qp *)qp)->ece;
	return 0;
}

/* Asked for before the connection is made; of the options asked for those remain
 * that are known.
 */
EXPORT int ibv_set_ece(struct ibv_qp *qp, struct ibv_ece *ece)
{
	struct front_qp *own = (struct front_qp *)qp;

	if (!front_owns(qp->context))
		return REAL(ibv_set_ece)(qp, ece);
	if (!ece->vendor_id)
		return EOPNOTSUPP;
	if (ece->comp_mask || ece->vendor_id != ECE_VENDOR ||
	    atomic_load(&own->engine.shared->state) > QP_INIT)
		return EINVAL;
	own->ece.options = ece->options & ECE_OPTIONS;
	return 0;
}

/* Bytes of a message are copied in any order. */
EXPORT int ibv_query_qp_data_in_order(struct ibv_qp *qp, enum ibv_wr_opcode opcode, uint32_t flags)
{
	if (!front_owns(qp->context))
		return REAL(ibv_query_qp_data_in_order)(qp, opcode, flags);
	return 0;
}
