/* SPDX-License-Identifier: Apache-2.0 */
/* post.c - ibv_send_wr to the engine's requests, in place */
#include "device/verbs/front.h"

#include <string.h>

#define SEND_FLAGS                                                                   \
	(IBV_SEND_FENCE | IBV_SEND_SIGNALED | IBV_SEND_SOLICITED | IBV_SEND_INLINE | \
	 IBV_SEND_IP_CSUM)

#define TYPE(t)   (1u << IBV_QPT_##t)
#define RELIABLE  (TYPE(RC) | TYPE(XRC_SEND))
#define CONNECTED (RELIABLE | TYPE(UC))

/* Which fields of the request count. */
enum kind {
	KIND_SEND,
	KIND_RDMA,
	KIND_ATOMIC,
	KIND_LOCAL,
	KIND_BIND,
};

/* Per opcode: on which types of queue pairs (0: unknown), and what belongs to it. */
static const struct {
	uint32_t types;
	enum kind kind;
	bool inlines;
} opcodes[] = {
	[IBV_WR_RDMA_WRITE] = { CONNECTED, KIND_RDMA, true },
	[IBV_WR_RDMA_WRITE_WITH_IMM] = { CONNECTED, KIND_RDMA, true },
	[IBV_WR_SEND] = { CONNECTED | TYPE(UD), KIND_SEND, true },
	[IBV_WR_SEND_WITH_IMM] = { CONNECTED | TYPE(UD), KIND_SEND, true },
	[IBV_WR_RDMA_READ] = { RELIABLE, KIND_RDMA, false },
	[IBV_WR_ATOMIC_CMP_AND_SWP] = { RELIABLE, KIND_ATOMIC, false },
	[IBV_WR_ATOMIC_FETCH_AND_ADD] = { RELIABLE, KIND_ATOMIC, false },
	[IBV_WR_LOCAL_INV] = { CONNECTED, KIND_LOCAL, false },
	[IBV_WR_BIND_MW] = { CONNECTED, KIND_BIND, false },
	[IBV_WR_SEND_WITH_INV] = { CONNECTED, KIND_SEND, true },
};

static inline bool is_allowed(const struct ibv_qp *qp, const struct ibv_send_wr *wr)
{
	size_t opcode = wr->opcode;

	return opcode < sizeof(opcodes) / sizeof(*opcodes) &&
	       opcodes[opcode].types & 1u << qp->qp_type;
}

/* Bytes of all elements; UINT32_MAX when that is too much for any queue pair. */
static uint32_t inline_length(const struct ibv_send_wr *wr)
{
	uint64_t length = 0;

	for (int i = 0; i < wr->num_sge; i++)
		length += wr->sg_list[i].length;
	return length < UINT32_MAX ? length : UINT32_MAX;
}

static void copy_inline(void *to, const struct ibv_send_wr *wr)
{
	for (int i = 0; i < wr->num_sge; i++) {
		const struct ibv_sge *sge = wr->sg_list + i;

		if (sge->length)
			memcpy(to, (const void *)(uintptr_t)sge->addr, sge->length);
		to = (char *)to + sge->length;
	}
}

/* Returns 0 or an error number. */
static int set_bind(struct shared_sqe *sqe, const struct ibv_send_wr *wr)
{
	const struct ibv_mw_bind_info *bind = &wr->bind_mw.bind_info;

	if (!wr->bind_mw.mw || wr->bind_mw.mw->type != IBV_MW_TYPE_2)
		return EINVAL;
	sqe->window = wr->bind_mw.mw->rkey;
	sqe->window_key = wr->bind_mw.rkey;
	sqe->region_key = bind->mr ? bind->mr->lkey : 0;
	sqe->window_access = bind->mw_access_flags;
	sqe->window_addr = bind->addr;
	sqe->window_length = bind->length;
	return 0;
}

/* The fields that opcode and type of the queue pair ask for.  Returns 0 or an
 * error number.
 */
static int set_fields(const struct ibv_qp *qp, struct shared_sqe *sqe, const struct ibv_send_wr *wr)
{
	switch (opcodes[wr->opcode].kind) {
	case KIND_RDMA:
		sqe->remote_addr = wr->wr.rdma.remote_addr;
		sqe->rkey = wr->wr.rdma.rkey;
		break;
	case KIND_ATOMIC:
		sqe->remote_addr = wr->wr.atomic.remote_addr;
		sqe->rkey = wr->wr.atomic.rkey;
		sqe->compare_add = wr->wr.atomic.compare_add;
		sqe->swap = wr->wr.atomic.swap;
		break;
	case KIND_BIND:
		return set_bind(sqe, wr);
	case KIND_SEND:
	case KIND_LOCAL:
		break;
	}
	if (qp->qp_type == IBV_QPT_XRC_SEND) {
		sqe->srqn = wr->qp_type.xrc.remote_srqn;
	} else if (qp->qp_type == IBV_QPT_UD) {
		if (!wr->wr.ud.ah)
			return EINVAL;
		sqe->path = ((struct front_ah *)wr->wr.ud.ah)->path;
		sqe->remote_qpn = wr->wr.ud.remote_qpn;
		sqe->qkey = wr->wr.ud.remote_qkey;
	}
	return 0;
}

/* Returns 0 or an error number. */
static int put(struct front_qp *own, const struct ibv_send_wr *wr)
{
	struct qp *engine = &own->engine;
	struct shared_sqe *sqe;
	uint32_t sges, length = 0;
	bool inlines;
	int rc;

	if (!is_allowed(&own->qp, wr) || wr->num_sge < 0)
		return EINVAL;
	inlines = wr->send_flags & IBV_SEND_INLINE && wr->num_sge;
	if (inlines) {
		if (!opcodes[wr->opcode].inlines)
			return EINVAL;
		length = inline_length(wr);
	}
	sges = inlines || opcodes[wr->opcode].kind >= KIND_LOCAL ? 0 : wr->num_sge;
	sqe = qp_send_next(engine, sges, length);
	if (!sqe)
		return errno;
	sqe->wr_id = wr->wr_id;
	sqe->opcode = wr->opcode;
	sqe->flags = wr->send_flags & SEND_FLAGS;
	sqe->imm = wr->imm_data;
	rc = set_fields(&own->qp, sqe, wr);
	if (rc)
		return rc;
	if (inlines)
		copy_inline(sqe_inline(engine->shared, sqe), wr);
	else if (sges) /* else there may be no list */
		memcpy(sqe->sge, wr->sg_list, sges * sizeof(*sqe->sge));
	qp_send_add(engine, sqe);
	return 0;
}

int front_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct front_qp *own = (struct front_qp *)qp;
	int rc = 0;

	qp_send_begin(&own->engine);
	for (; wr; wr = wr->next) {
		rc = put(own, wr);
		if (rc) {
			*bad = wr;
			break;
		}
	}
	qp_send_ring(&own->engine);
	return rc;
}

int front_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct qp *engine = &((struct front_qp *)qp)->engine;

	for (; wr; wr = wr->next) {
		/* fewer than no elements are more than fit */
		if (qp_post_receive(engine, wr->wr_id, (const struct shared_sge *)wr->sg_list,
				    wr->num_sge)) {
			*bad = wr;
			return errno;
		}
	}
	return 0;
}
