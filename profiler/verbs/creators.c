/* SPDX-License-Identifier: Apache-2.0 */
/* creators.c - what a context's own table makes: newer kinds of objects */
#include "control.h"
#include "extended.h"
#include "latency.h"
#include "pair.h"

/* The name of the function that ours stands for is in the list of calls. */
#define AROUND_PTR(constant, type, function, parameters, arguments, context_, ...) \
	static type *function parameters                                           \
	{                                                                          \
		struct traced_context *traced = traced_context(context_);          \
		struct control control;                                            \
		struct vring_call *call = &control.call;                           \
		type *result;                                                      \
		int error;                                                         \
                                                                                   \
		control_begin(&control, VCALL_##constant);                         \
		result = traced->function arguments;                               \
		error = errno;                                                     \
		control_end(&control, result ? 0 : error);                         \
		call->object = (uintptr_t)result;                                  \
		__VA_ARGS__                                                        \
		if (session_records())                                             \
			control_put(&control, context_);                           \
		errno = error;                                                     \
		return result;                                                     \
	}

#define AROUND_INT(constant, function, parameters, arguments, context_, ...) \
	static int function parameters                                       \
	{                                                                    \
		const struct ibv_context *of = (context_);                   \
		struct traced_context *traced = traced_context(of);          \
		struct control control;                                      \
		struct vring_call *call = &control.call;                     \
		int result;                                                  \
                                                                             \
		control_begin(&control, VCALL_##constant);                   \
		__VA_ARGS__                                                  \
		result = traced->function arguments;                         \
		control_end(&control, result);                               \
		if (session_records())                                       \
			control_put(&control, of);                           \
		return result;                                               \
	}

/* --- queues --- */

/* What is recorded of a completion beyond what the program asked for. */
#define WANTED (IBV_WC_EX_WITH_QP_NUM | IBV_WC_EX_WITH_BYTE_LEN | IBV_WC_EX_WITH_IMM)

static struct ibv_cq_ex *create_cq_ex(struct ibv_context *context, struct ibv_cq_init_attr_ex *attr)
{
	struct traced_context *traced = traced_context(context);
	struct ibv_cq_init_attr_ex more = *attr;
	struct control control;
	struct ibv_cq_ex *cq;
	int error;

	more.wc_flags |= WANTED;
	control_begin(&control, VCALL_CREATE_CQ_EX);
	cq = record_mode ? traced->create_cq_ex(context, &more) : NULL;
	if (!cq) {
		more.wc_flags = attr->wc_flags;
		cq = traced->create_cq_ex(context, attr);
	}
	error = errno;
	control_end(&control, cq ? 0 : error);
	if (cq && record_mode)
		extended_cq_install(cq, more.wc_flags);
	if (session_records()) {
		control.call.object = (uintptr_t)cq;
		control.call.parent = (uintptr_t)attr->channel;
		control.call.number = cq ? (uint32_t)cq->cqe : attr->cqe;
		control.call.a = attr->comp_vector;
		control.call.b = attr->wc_flags;
		control.call.c = attr->comp_mask & IBV_CQ_INIT_ATTR_MASK_FLAGS ? attr->flags : 0;
		control_put(&control, context);
	}
	errno = error;
	return cq;
}

AROUND_PTR(CREATE_SRQ_EX, struct ibv_srq, create_srq_ex,
	   (struct ibv_context * context, struct ibv_srq_init_attr_ex *attr), (context, attr),
	   context, uint32_t number = 0;
	   if (result && ibv_get_srq_num(result, &number) == 0) call->number = number;
	   call->parent = attr->comp_mask & IBV_SRQ_INIT_ATTR_PD ? (uintptr_t)attr->pd : 0;
	   call->a = attr->attr.max_wr; call->b = attr->attr.max_sge;
	   call->c = attr->attr.srq_limit;)

/* --- queue pairs --- */

/* The attributes begin as the plain ones do. */
void pair_describe_ex(struct control *control, const struct ibv_qp *qp,
		      const struct ibv_qp_init_attr_ex *attr)
{
	const struct ibv_pd *pd = attr->comp_mask & IBV_QP_INIT_ATTR_PD ? attr->pd : NULL;
	const struct ibv_qp_init_attr plain = {
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.srq = attr->srq,
		.cap = attr->cap,
		.qp_type = attr->qp_type,
		.sq_sig_all = attr->sq_sig_all,
	};

	pair_describe(control, pd, qp, &plain);
	if (attr->comp_mask & IBV_QP_INIT_ATTR_SEND_OPS_FLAGS)
		control->more[0].qp_init.send_ops = attr->send_ops_flags;
	if (attr->comp_mask & IBV_QP_INIT_ATTR_XRCD)
		control->more[0].qp_init.xrcd = (uintptr_t)attr->xrcd;
}

AROUND_PTR(CREATE_QP_EX, struct ibv_qp, create_qp_ex,
	   (struct ibv_context * context, struct ibv_qp_init_attr_ex *attr), (context, attr),
	   context, pair_describe_ex(&control, result, attr);
	   if (result) latency_made(result, attr->sq_sig_all, attr->cap.max_send_wr);)

AROUND_PTR(OPEN_QP, struct ibv_qp, open_qp,
	   (struct ibv_context * context, struct ibv_qp_open_attr *attr), (context, attr), context,
	   call->number = attr->qp_num;
	   call->parent = (uintptr_t)attr->xrcd;)

/* --- domains --- */

AROUND_PTR(OPEN_XRCD, struct ibv_xrcd, open_xrcd,
	   (struct ibv_context * context, struct ibv_xrcd_init_attr *attr), (context, attr),
	   context, (void)call;)

AROUND_INT(CLOSE_XRCD, close_xrcd, (struct ibv_xrcd * xrcd), (xrcd), xrcd->context,
	   call->object = (uintptr_t)xrcd;)

AROUND_PTR(ALLOC_PARENT_DOMAIN, struct ibv_pd, alloc_parent_domain,
	   (struct ibv_context * context, struct ibv_parent_domain_init_attr *attr),
	   (context, attr), context, call->parent = (uintptr_t)attr->pd;)

/* --- memory --- */

AROUND_PTR(ALLOC_DM, struct ibv_dm, alloc_dm,
	   (struct ibv_context * context, struct ibv_alloc_dm_attr *attr), (context, attr), context,
	   call->a = attr->length;)

AROUND_INT(FREE_DM, free_dm, (struct ibv_dm * dm), (dm), dm->context, call->object = (uintptr_t)dm;)

AROUND_PTR(REG_DM_MR, struct ibv_mr, reg_dm_mr,
	   (struct ibv_pd * pd, struct ibv_dm *dm, uint64_t offset, size_t length,
	    unsigned int access),
	   (pd, dm, offset, length, access), pd->context, call->parent = (uintptr_t)pd;
	   call->number = result ? result->lkey : 0; call->a = offset; call->b = length;
	   call->c = (uint64_t)access << 32 | (result ? result->rkey : 0);)

AROUND_INT(ADVISE_MR, advise_mr,
	   (struct ibv_pd * pd, enum ibv_advise_mr_advice advice, uint32_t flags,
	    struct ibv_sge *sges, uint32_t count),
	   (pd, advice, flags, sges, count), pd->context, call->parent = (uintptr_t)pd;
	   call->number = advice; call->a = flags; call->b = count;)

/* What the provider lacks stays missing: programs look. */
void extended_install(struct ibv_context *context, struct traced_context *traced)
{
	struct verbs_context *verbs;

#define INSTALL(name)                            \
	verbs = verbs_get_ctx_op(context, name); \
	if (verbs) {                             \
		traced->name = verbs->name;      \
		verbs->name = name;              \
	}
	TRACED_VERBS(INSTALL)
#undef INSTALL
}
