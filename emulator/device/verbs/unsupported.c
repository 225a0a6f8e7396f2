/* SPDX-License-Identifier: Apache-2.0 */
/* All that is refused.  Two functions serve every table's slot, whatever its
 * parameters: who is called in C's usual way need not look at them.
 */
#include "device/verbs/front.h"

static int no(void)
{
	errno = EOPNOTSUPP;
	return EOPNOTSUPP;
}

static void *none(void)
{
	errno = EOPNOTSUPP;
	return NULL;
}

#define REFUSE(slot, function) ((slot) = (__typeof__(slot))(void (*)(void))(function))

/* Slots of old programs, which called through the table what are functions today. */
static void refuse_old(struct ibv_context_ops *ops)
{
	ops->_compat_alloc_pd = none;
	ops->_compat_dealloc_pd = none;
	ops->_compat_reg_mr = none;
	ops->_compat_rereg_mr = none;
	ops->_compat_dereg_mr = none;
	ops->_compat_create_cq = none;
	ops->_compat_cq_event = none;
	ops->_compat_resize_cq = none;
	ops->_compat_destroy_cq = none;
	ops->_compat_create_srq = none;
	ops->_compat_modify_srq = none;
	ops->_compat_query_srq = none;
	ops->_compat_destroy_srq = none;
	ops->_compat_create_qp = none;
	ops->_compat_query_qp = none;
	ops->_compat_modify_qp = none;
	ops->_compat_destroy_qp = none;
	ops->_compat_create_ah = none;
	ops->_compat_destroy_ah = none;
	ops->_compat_attach_mcast = none;
	ops->_compat_detach_mcast = none;
	ops->_compat_async_event = none;
}

void front_refuse(struct verbs_context *verbs)
{
	refuse_old(&verbs->context.ops);

	/* flows, and counters of them */
	REFUSE(verbs->ibv_create_flow, none);
	REFUSE(verbs->ibv_destroy_flow, no);
	REFUSE(verbs->create_flow_action_esp, none);
	REFUSE(verbs->modify_flow_action_esp, no);
	REFUSE(verbs->destroy_flow_action, no);
	REFUSE(verbs->create_counters, none);
	REFUSE(verbs->destroy_counters, no);
	REFUSE(verbs->attach_counters_point_flow, no);
	REFUSE(verbs->read_counters, no);

	/* work queues that are no queue pair's, tag matching, pacing */
	REFUSE(verbs->create_wq, none);
	REFUSE(verbs->modify_wq, no);
	REFUSE(verbs->destroy_wq, no);
	REFUSE(verbs->create_rwq_ind_table, none);
	REFUSE(verbs->destroy_rwq_ind_table, no);
	REFUSE(verbs->post_srq_ops, no);
	REFUSE(verbs->modify_qp_rate_limit, no);
}

/* There is no memory but the program's and the device's own. */
EXPORT struct ibv_mr *ibv_reg_dmabuf_mr(struct ibv_pd *pd, uint64_t offset, size_t length,
					uint64_t iova, int fd, int access)
{
	if (!front_owns(pd->context))
		return REAL(ibv_reg_dmabuf_mr)(pd, offset, length, iova, fd, access);
	return none();
}

/* --- newer functions than the headers may know --- */

/* NAME of a later rdma-core; its C name here is front_NAME, as a header may have it too. */
#define LATER(type, name, parameters)                       \
	type front_##name parameters __asm__("ibv_" #name); \
	EXPORT type front_##name parameters

#define PASS(name, refusal, ...)                                                 \
	({                                                                       \
		__typeof__(&front_##name) next = front_real("ibv_" #name, NULL); \
		next ? next(__VA_ARGS__) : refusal();                            \
	})

LATER(struct ibv_mr *, reg_mr_ex, (struct ibv_pd * pd, void *init))
{
	return front_owns(pd->context) ? none() : PASS(reg_mr_ex, none, pd, init);
}

LATER(void *, alloc_dmah, (struct ibv_context * context, void *init))
{
	return front_owns(context) ? none() : PASS(alloc_dmah, none, context, init);
}

LATER(int, dealloc_dmah, (void *dmah))
{
	return PASS(dealloc_dmah, no, dmah); /* never one of ours */
}

LATER(void *, create_comp_cntr, (struct ibv_context * context, void *init))
{
	return front_owns(context) ? none() : PASS(create_comp_cntr, none, context, init);
}

LATER(int, query_comp_cntr_caps, (struct ibv_context * context, void *caps))
{
	return front_owns(context) ? no() : PASS(query_comp_cntr_caps, no, context, caps);
}

LATER(int, qp_attach_comp_cntr, (struct ibv_qp * qp, void *counter, void *attr))
{
	return front_owns(qp->context) ? no() : PASS(qp_attach_comp_cntr, no, qp, counter, attr);
}
