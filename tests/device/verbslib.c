/* SPDX-License-Identifier: Apache-2.0 */
#include "verbslib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct ibv_context *context;
struct ibv_pd *pd;
struct ibv_mr *mr;
char from[SIZE], *to, memory[2 * SIZE] __attribute__((aligned(4096)));

int open_all(void **state)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	(void)state;
	if (!list || !list[0])
		return -1;
	context = ibv_open_device(list[0]);
	ibv_free_device_list(list);
	pd = ibv_alloc_pd(context);
	to = memory + SIZE;
	mr = ibv_reg_mr(pd, memory, sizeof(memory),
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				IBV_ACCESS_REMOTE_ATOMIC);
	return mr ? 0 : -1;
}

int close_all(void **state)
{
	(void)state;
	return ibv_dereg_mr(mr) || ibv_dealloc_pd(pd) || ibv_close_device(context);
}

/* --- two queue pairs --- */

static struct ibv_cq *create_cq(const struct two *t, int cqe, struct ibv_comp_channel *channel)
{
	struct ibv_cq_init_attr_ex init = {
		.cqe = cqe,
		.channel = channel,
		.wc_flags = IBV_WC_STANDARD_FLAGS | IBV_WC_EX_WITH_COMPLETION_TIMESTAMP |
			    IBV_WC_EX_WITH_COMPLETION_TIMESTAMP_WALLCLOCK,
	};
	struct ibv_cq *cq = t->api == PLAIN ? ibv_create_cq(context, cqe, NULL, channel, 0)
					    : ibv_cq_ex_to_cq(ibv_create_cq_ex(context, &init));

	assert_non_null(cq);
	return cq;
}

static uint64_t ops_of(enum ibv_qp_type type)
{
	uint64_t ops = IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_SEND_WITH_IMM;

	if (type != IBV_QPT_UD)
		ops |= IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM;
	if (type == IBV_QPT_RC)
		ops |= IBV_QP_EX_WITH_RDMA_READ | IBV_QP_EX_WITH_ATOMIC_CMP_AND_SWP |
		       IBV_QP_EX_WITH_ATOMIC_FETCH_AND_ADD;
	return ops;
}

struct ibv_qp *create_qp(const struct two *t, struct ibv_srq *srq)
{
	struct ibv_qp_init_attr_ex init = {
		.send_cq = t->send_cq,
		.recv_cq = t->recv_cq,
		.srq = srq,
		.cap = {
			.max_send_wr = DEPTH,
			.max_recv_wr = DEPTH,
			.max_send_sge = SGES,
			.max_recv_sge = SGES,
			.max_inline_data = INLINE,
		},
		.qp_type = t->type,
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = pd,
	};
	struct ibv_qp *qp;

	if (t->api == EXTENDED) {
		init.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
		init.send_ops_flags = ops_of(t->type);
		qp = ibv_create_qp_ex(context, &init);
	} else { /* what lies behind the plain attributes does not count */
		init.comp_mask = UINT32_MAX;
		init.pd = NULL;
		qp = ibv_create_qp(pd, (struct ibv_qp_init_attr *)&init);
	}
	assert_non_null(qp);
	assert_true(init.cap.max_send_wr >= DEPTH);
	assert_true(init.cap.max_inline_data >= INLINE);
	return qp;
}

/* The address of the port itself. */
static struct ibv_ah_attr own_address(void)
{
	struct ibv_port_attr port;

	assert_int_equal(ibv_query_port(context, 1, &port), 0);
	return (struct ibv_ah_attr){ .dlid = port.lid, .port_num = 1 };
}

static int to_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qkey = QKEY,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	};

	if (qp->qp_type == IBV_QPT_UC)
		attr.qp_access_flags = IBV_ACCESS_REMOTE_WRITE;
	return ibv_modify_qp(
		qp, &attr,
		IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			(qp->qp_type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS));
}

void connect_to(struct ibv_qp *qp, uint32_t peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer,
		.max_dest_rd_atomic = 4,
		.max_rd_atomic = 4,
		.min_rnr_timer = 1,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.ah_attr = own_address(),
	};
	static const int rtr[] = {
		[IBV_QPT_RC] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			       IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
		[IBV_QPT_UC] = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN,
		[IBV_QPT_UD] = 0,
	};
	static const int rts[] = {
		[IBV_QPT_RC] = IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			       IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC,
		[IBV_QPT_UC] = IBV_QP_SQ_PSN,
		[IBV_QPT_UD] = IBV_QP_SQ_PSN,
	};

	assert_int_equal(to_init(qp), 0);
	assert_int_equal(ibv_modify_qp(qp, &attr, IBV_QP_STATE | rtr[qp->qp_type]), 0);
	attr.qp_state = IBV_QPS_RTS;
	assert_int_equal(ibv_modify_qp(qp, &attr, IBV_QP_STATE | rts[qp->qp_type]), 0);
	assert_int_equal(qp->state, IBV_QPS_RTS);
}

void two_create(struct two *t, enum ibv_qp_type type, enum api api)
{
	struct ibv_ah_attr attr = own_address();

	*t = (struct two){ .type = type, .api = api };
	t->channel = ibv_create_comp_channel(context);
	assert_non_null(t->channel);
	t->send_cq = create_cq(t, 4 * DEPTH, NULL);
	t->recv_cq = create_cq(t, 4 * DEPTH, t->channel);
	t->a = create_qp(t, NULL);
	t->b = create_qp(t, NULL);
	connect_to(t->a, t->b->qp_num);
	connect_to(t->b, t->a->qp_num);
	if (type == IBV_QPT_UD) {
		t->ah = ibv_create_ah(pd, &attr);
		assert_non_null(t->ah);
	}
	for (int i = 0; i < SIZE; i++)
		memory[i] = from[i] = (char)(i * 7 + 1);
	memset(to, 0, SIZE);
}

void two_destroy(struct two *t)
{
	if (t->ah)
		assert_int_equal(ibv_destroy_ah(t->ah), 0);
	assert_int_equal(ibv_destroy_qp(t->a), 0);
	assert_int_equal(ibv_destroy_qp(t->b), 0);
	assert_int_equal(ibv_destroy_cq(t->send_cq), 0);
	assert_int_equal(ibv_destroy_cq(t->recv_cq), 0);
	assert_int_equal(ibv_destroy_comp_channel(t->channel), 0);
}

/* --- one request by either interface --- */

static void wr_build(struct ibv_qp_ex *qp, const struct ibv_send_wr *wr)
{
	qp->wr_id = wr->wr_id;
	qp->wr_flags = wr->send_flags & ~IBV_SEND_INLINE;
	switch ((int)wr->opcode) {
	case IBV_WR_SEND:
		ibv_wr_send(qp);
		break;
	case IBV_WR_SEND_WITH_IMM:
		ibv_wr_send_imm(qp, wr->imm_data);
		break;
	case IBV_WR_RDMA_WRITE:
		ibv_wr_rdma_write(qp, wr->wr.rdma.rkey, wr->wr.rdma.remote_addr);
		break;
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		ibv_wr_rdma_write_imm(qp, wr->wr.rdma.rkey, wr->wr.rdma.remote_addr, wr->imm_data);
		break;
	case IBV_WR_RDMA_READ:
		ibv_wr_rdma_read(qp, wr->wr.rdma.rkey, wr->wr.rdma.remote_addr);
		break;
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		ibv_wr_atomic_cmp_swp(qp, wr->wr.atomic.rkey, wr->wr.atomic.remote_addr,
				      wr->wr.atomic.compare_add, wr->wr.atomic.swap);
		break;
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		ibv_wr_atomic_fetch_add(qp, wr->wr.atomic.rkey, wr->wr.atomic.remote_addr,
					wr->wr.atomic.compare_add);
		break;
	}
	if (qp->qp_base.qp_type == IBV_QPT_UD)
		ibv_wr_set_ud_addr(qp, wr->wr.ud.ah, wr->wr.ud.remote_qpn, wr->wr.ud.remote_qkey);
	if (wr->send_flags & IBV_SEND_INLINE) {
		struct ibv_data_buf buffers[SGES + 1];

		for (int i = 0; i < wr->num_sge; i++)
			buffers[i] = (struct ibv_data_buf){
				.addr = (void *)(uintptr_t)wr->sg_list[i].addr,
				.length = wr->sg_list[i].length,
			};
		ibv_wr_set_inline_data_list(qp, wr->num_sge, buffers);
	} else {
		ibv_wr_set_sge_list(qp, wr->num_sge, wr->sg_list);
	}
}

int post(struct two *t, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad = NULL;
	struct ibv_qp_ex *qp;

	if (t->type == IBV_QPT_UD) {
		wr->wr.ud.ah = t->ah;
		wr->wr.ud.remote_qpn = t->b->qp_num;
		wr->wr.ud.remote_qkey = QKEY;
	}
	if (t->api == PLAIN)
		return ibv_post_send(t->a, wr, &bad);
	qp = ibv_qp_to_qp_ex(t->a);
	assert_non_null(qp);
	ibv_wr_start(qp);
	wr_build(qp, wr);
	return ibv_wr_complete(qp);
}

void post_receive(struct ibv_qp *qp, uint64_t wr_id, uint32_t length)
{
	struct ibv_sge sge = { .addr = (uintptr_t)to, .length = length, .lkey = mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = wr_id, .sg_list = &sge, .num_sge = 1 }, *bad;

	assert_int_equal(ibv_post_recv(qp, &wr, &bad), 0);
}

int poll_once(const struct two *t, struct ibv_cq *cq, struct ibv_wc *wc)
{
	struct ibv_poll_cq_attr attr = { 0 };
	struct ibv_cq_ex *ex = (struct ibv_cq_ex *)cq;
	int rc;

	if (t->api == PLAIN)
		return ibv_poll_cq(cq, 1, wc);
	rc = ibv_start_poll(ex, &attr);
	if (rc) {
		assert_int_equal(rc, ENOENT);
		return 0;
	}
	*wc = (struct ibv_wc){
		.wr_id = ex->wr_id,
		.status = ex->status,
		.opcode = ibv_wc_read_opcode(ex),
		.vendor_err = ibv_wc_read_vendor_err(ex),
		.byte_len = ibv_wc_read_byte_len(ex),
		.imm_data = ibv_wc_read_imm_data(ex),
		.qp_num = ibv_wc_read_qp_num(ex),
		.src_qp = ibv_wc_read_src_qp(ex),
		.wc_flags = ibv_wc_read_wc_flags(ex),
		.slid = ibv_wc_read_slid(ex),
		.sl = ibv_wc_read_sl(ex),
		.dlid_path_bits = ibv_wc_read_dlid_path_bits(ex),
	};
	ibv_end_poll(ex);
	return 1;
}

int64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void poll_one(const struct two *t, struct ibv_cq *cq, struct ibv_wc *wc)
{
	int64_t until = clock_of(CLOCK_MONOTONIC) + 20000000000;

	while (poll_once(t, cq, wc) == 0)
		assert_true(clock_of(CLOCK_MONOTONIC) < until);
}

int write_some(struct two *t, uint64_t wr_id, int flags)
{
	struct ibv_sge sge = { .addr = (uintptr_t)memory, .length = 8, .lkey = mr->lkey };
	struct ibv_send_wr wr = {
		.wr_id = wr_id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = flags,
		.wr.rdma = { .remote_addr = (uintptr_t)to, .rkey = mr->rkey },
	};

	return post(t, &wr);
}
