/* SPDX-License-Identifier: Apache-2.0 */
/* qp-ex.c - ibv_wr_*: requests that are built where they are sent from
 *
 * From ibv_wr_start() to ibv_wr_complete() the send lock is held.  A request
 * is begun by its operation and ended by the next one, or by completing; the
 * first error spoils the batch, and ibv_wr_complete() tells.
 */
#include "device/verbs/front.h"

#include <string.h>

static inline struct front_qp *own_qp(struct ibv_qp_ex *qp)
{
	return (struct front_qp *)qp;
}

static void spoil(struct front_qp *own, int error)
{
	if (!own->build.error)
		own->build.error = error;
	own->build.sqe = NULL;
}

/* The request that is being built is complete. */
static void end_request(struct front_qp *own)
{
	struct shared_sqe *sqe = own->build.sqe;

	if (!sqe)
		return;
	if (own->qp.qp_type == IBV_QPT_UD && !own->build.addressed) {
		spoil(own, EINVAL);
		return;
	}
	qp_send_add(&own->engine, sqe);
	own->build.sqe = NULL;
}

/* Begin a request; NULL when the batch is spoilt. */
static struct shared_sqe *begin_request(struct ibv_qp_ex *qp, enum wr_opcode opcode)
{
	struct front_qp *own = own_qp(qp);
	struct shared_sqe *sqe;

	end_request(own);
	if (own->build.error)
		return NULL;
	sqe = qp_send_next(&own->engine, 0, 0);
	if (!sqe) {
		spoil(own, errno);
		return NULL;
	}
	sqe->wr_id = qp->wr_id;
	sqe->opcode = opcode;
	/* whether it is inline is said by what sets its data */
	sqe->flags = qp->wr_flags &
		     (IBV_SEND_FENCE | IBV_SEND_SIGNALED | IBV_SEND_SOLICITED | IBV_SEND_IP_CSUM);
	own->build.sqe = sqe;
	own->build.addressed = false;
	return sqe;
}

/* --- operations --- */

static void begin_remote(struct ibv_qp_ex *qp, enum wr_opcode opcode, uint32_t rkey,
			 uint64_t remote_addr, uint32_t imm)
{
	struct shared_sqe *sqe = begin_request(qp, opcode);

	if (!sqe)
		return;
	sqe->rkey = rkey;
	sqe->remote_addr = remote_addr;
	sqe->imm = imm;
}

static void begin_plain(struct ibv_qp_ex *qp, enum wr_opcode opcode, uint32_t imm)
{
	struct shared_sqe *sqe = begin_request(qp, opcode);

	if (sqe)
		sqe->imm = imm;
}

static void begin_atomic(struct ibv_qp_ex *qp, enum wr_opcode opcode, uint32_t rkey,
			 uint64_t remote_addr, uint64_t compare_add, uint64_t swap)
{
	struct shared_sqe *sqe = begin_request(qp, opcode);

	if (!sqe)
		return;
	sqe->rkey = rkey;
	sqe->remote_addr = remote_addr;
	sqe->compare_add = compare_add;
	sqe->swap = swap;
}

static void wr_atomic_cmp_swp(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr,
			      uint64_t compare, uint64_t swap)
{
	begin_atomic(qp, WR_ATOMIC_CMP_AND_SWP, rkey, remote_addr, compare, swap);
}

static void wr_atomic_fetch_add(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr,
				uint64_t add)
{
	begin_atomic(qp, WR_ATOMIC_FETCH_AND_ADD, rkey, remote_addr, add, 0);
}

static void wr_bind_mw(struct ibv_qp_ex *qp, struct ibv_mw *mw, uint32_t rkey,
		       const struct ibv_mw_bind_info *bind)
{
	struct shared_sqe *sqe = begin_request(qp, WR_BIND_MW);

	if (!sqe)
		return;
	if (!mw || mw->type != IBV_MW_TYPE_2) {
		spoil(own_qp(qp), EINVAL);
		return;
	}
	sqe->window = mw->rkey;
	sqe->window_key = rkey;
	sqe->region_key = bind->mr ? bind->mr->lkey : 0;
	sqe->window_access = bind->mw_access_flags;
	sqe->window_addr = bind->addr;
	sqe->window_length = bind->length;
}

static void wr_local_inv(struct ibv_qp_ex *qp, uint32_t rkey)
{
	begin_plain(qp, WR_LOCAL_INV, rkey);
}

static void wr_rdma_read(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr)
{
	begin_remote(qp, WR_RDMA_READ, rkey, remote_addr, 0);
}

static void wr_rdma_write(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr)
{
	begin_remote(qp, WR_RDMA_WRITE, rkey, remote_addr, 0);
}

static void wr_rdma_write_imm(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr, __be32 imm)
{
	begin_remote(qp, WR_RDMA_WRITE_WITH_IMM, rkey, remote_addr, imm);
}

static void wr_send(struct ibv_qp_ex *qp)
{
	begin_plain(qp, WR_SEND, 0);
}

static void wr_send_imm(struct ibv_qp_ex *qp, __be32 imm)
{
	begin_plain(qp, WR_SEND_WITH_IMM, imm);
}

static void wr_send_inv(struct ibv_qp_ex *qp, uint32_t rkey)
{
	begin_plain(qp, WR_SEND_WITH_INV, rkey);
}

/* --- what goes with them --- */

static void wr_set_ud_addr(struct ibv_qp_ex *qp, struct ibv_ah *ah, uint32_t remote_qpn,
			   uint32_t remote_qkey)
{
	struct front_qp *own = own_qp(qp);
	struct shared_sqe *sqe = own->build.sqe;

	if (!sqe)
		return;
	if (!ah || qp->qp_base.qp_type != IBV_QPT_UD) {
		spoil(own, EINVAL);
		return;
	}
	sqe->path = ((struct front_ah *)ah)->path;
	sqe->remote_qpn = remote_qpn;
	sqe->qkey = remote_qkey;
	own->build.addressed = true;
}

static void wr_set_xrc_srqn(struct ibv_qp_ex *qp, uint32_t remote_srqn)
{
	struct front_qp *own = own_qp(qp);

	if (!own->build.sqe)
		return;
	if (qp->qp_base.qp_type != IBV_QPT_XRC_SEND)
		spoil(own, EINVAL);
	else
		own->build.sqe->srqn = remote_srqn;
}

static bool takes_inline(uint32_t opcode)
{
	switch ((enum wr_opcode)opcode) {
	case WR_SEND:
	case WR_SEND_WITH_IMM:
	case WR_SEND_WITH_INV:
	case WR_RDMA_WRITE:
	case WR_RDMA_WRITE_WITH_IMM:
		return true;
	default:
		return false;
	}
}

static void wr_set_inline_data_list(struct ibv_qp_ex *qp, size_t count,
				    const struct ibv_data_buf *buffers)
{
	struct front_qp *own = own_qp(qp);
	struct shared_qp *shared = own->engine.shared;
	struct shared_sqe *sqe = own->build.sqe;
	size_t length = 0;

	if (!sqe)
		return;
	for (size_t i = 0; i < count; i++) {
		if (buffers[i].length > shared->sq_max_inline - length ||
		    !takes_inline(sqe->opcode)) {
			spoil(own, takes_inline(sqe->opcode) ? ENOMEM : EINVAL);
			return;
		}
		if (buffers[i].length)
			memcpy((char *)sqe_inline(shared, sqe) + length, buffers[i].addr,
			       buffers[i].length);
		length += buffers[i].length;
	}
	sqe->flags |= SEND_INLINE;
	sqe->sges = 0;
	sqe->inline_length = length;
}

static void wr_set_inline_data(struct ibv_qp_ex *qp, void *addr, size_t length)
{
	wr_set_inline_data_list(qp, 1, &(struct ibv_data_buf){ .addr = addr, .length = length });
}

static void wr_set_sge_list(struct ibv_qp_ex *qp, size_t count, const struct ibv_sge *list)
{
	struct front_qp *own = own_qp(qp);
	struct shared_sqe *sqe = own->build.sqe;

	if (!sqe)
		return;
	if (count > own->engine.shared->sq_max_sge) {
		spoil(own, ENOMEM);
		return;
	}
	if (count)
		memcpy(sqe->sge, list, count * sizeof(*list));
	sqe->sges = count;
}

static void wr_set_sge(struct ibv_qp_ex *qp, uint32_t lkey, uint64_t addr, uint32_t length)
{
	wr_set_sge_list(qp, 1, &(struct ibv_sge){ .addr = addr, .length = length, .lkey = lkey });
}

/* --- the batch --- */

static void wr_start(struct ibv_qp_ex *qp)
{
	struct front_qp *own = own_qp(qp);

	qp_send_begin(&own->engine);
	own->build.sqe = NULL;
	own->build.error = 0;
}

static void wr_abort(struct ibv_qp_ex *qp)
{
	own_qp(qp)->build.sqe = NULL;
	qp_send_abort(&own_qp(qp)->engine);
}

static int wr_complete(struct ibv_qp_ex *qp)
{
	struct front_qp *own = own_qp(qp);
	int error;

	end_request(own);
	error = own->build.error;
	if (error)
		qp_send_abort(&own->engine);
	else
		qp_send_ring(&own->engine);
	return error;
}

/* --- what was not allowed when the queue pair was created --- */

static void refuse(struct ibv_qp_ex *qp)
{
	end_request(own_qp(qp));
	spoil(own_qp(qp), EOPNOTSUPP);
}

static void no_atomic_cmp_swp(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr,
			      uint64_t compare, uint64_t swap)
{
	(void)rkey, (void)remote_addr, (void)compare, (void)swap;
	refuse(qp);
}

static void no_atomic_fetch_add(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr,
				uint64_t add)
{
	(void)rkey, (void)remote_addr, (void)add;
	refuse(qp);
}

static void no_bind_mw(struct ibv_qp_ex *qp, struct ibv_mw *mw, uint32_t rkey,
		       const struct ibv_mw_bind_info *bind)
{
	(void)mw, (void)rkey, (void)bind;
	refuse(qp);
}

static void no_u32(struct ibv_qp_ex *qp, uint32_t value)
{
	(void)value;
	refuse(qp);
}

static void no_rdma(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr)
{
	(void)rkey, (void)remote_addr;
	refuse(qp);
}

static void no_rdma_imm(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr, __be32 imm)
{
	(void)rkey, (void)remote_addr, (void)imm;
	refuse(qp);
}

static void no_tso(struct ibv_qp_ex *qp, void *header, uint16_t size, uint16_t mss)
{
	(void)header, (void)size, (void)mss;
	refuse(qp);
}

static void no_atomic_write(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t remote_addr,
			    const void *value)
{
	(void)rkey, (void)remote_addr, (void)value;
	refuse(qp);
}

void front_wr_init(struct front_qp *own)
{
	struct ibv_qp_ex *ex = &own->ex;

#define IF(flag, function, otherwise) (own->send_ops & IBV_QP_EX_WITH_##flag ? function : otherwise)
	ex->wr_atomic_cmp_swp = IF(ATOMIC_CMP_AND_SWP, wr_atomic_cmp_swp, no_atomic_cmp_swp);
	ex->wr_atomic_fetch_add =
		IF(ATOMIC_FETCH_AND_ADD, wr_atomic_fetch_add, no_atomic_fetch_add);
	ex->wr_bind_mw = IF(BIND_MW, wr_bind_mw, no_bind_mw);
	ex->wr_local_inv = IF(LOCAL_INV, wr_local_inv, no_u32);
	ex->wr_rdma_read = IF(RDMA_READ, wr_rdma_read, no_rdma);
	ex->wr_rdma_write = IF(RDMA_WRITE, wr_rdma_write, no_rdma);
	ex->wr_rdma_write_imm = IF(RDMA_WRITE_WITH_IMM, wr_rdma_write_imm, no_rdma_imm);
	ex->wr_send = IF(SEND, wr_send, refuse);
	ex->wr_send_imm = IF(SEND_WITH_IMM, wr_send_imm, no_u32);
	ex->wr_send_inv = IF(SEND_WITH_INV, wr_send_inv, no_u32);
#undef IF
	ex->wr_send_tso = no_tso;
	ex->wr_atomic_write = no_atomic_write;
	ex->wr_set_ud_addr = wr_set_ud_addr;
	ex->wr_set_xrc_srqn = wr_set_xrc_srqn;
	ex->wr_set_inline_data = wr_set_inline_data;
	ex->wr_set_inline_data_list = wr_set_inline_data_list;
	ex->wr_set_sge = wr_set_sge;
	ex->wr_set_sge_list = wr_set_sge_list;
	ex->wr_start = wr_start;
	ex->wr_complete = wr_complete;
	ex->wr_abort = wr_abort;
}
