/* SPDX-License-Identifier: Apache-2.0 */
/* Posting, completions and events through the verbs' own interface, as a program
 * of libibverbs sees them.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define SIZE   4096
#define DEPTH  16
#define SGES   2
#define INLINE 64
#define GRH    40
#define QKEY   0x1234

enum api {
	PLAIN,
	EXTENDED,
};

/* Two queue pairs of this process that are connected with each other: A sends to B. */
struct two {
	enum ibv_qp_type type;
	enum api api;
	struct ibv_comp_channel *channel;
	struct ibv_cq *send_cq, *recv_cq; /* of both */
	struct ibv_qp *a, *b;
	struct ibv_ah *ah; /* datagrams: to B */
};

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_mr *mr;
static char from[SIZE], *to, memory[2 * SIZE] __attribute__((aligned(4096)));

static int open_all(void **state)
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

static int close_all(void **state)
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

static struct ibv_qp *create_qp(const struct two *t, struct ibv_srq *srq)
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

static void connect_to(struct ibv_qp *qp, uint32_t peer)
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

static void two_create(struct two *t, enum ibv_qp_type type, enum api api)
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

static void two_destroy(struct two *t)
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

static int post(struct two *t, struct ibv_send_wr *wr)
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

static void post_receive(struct ibv_qp *qp, uint64_t wr_id, uint32_t length)
{
	struct ibv_sge sge = { .addr = (uintptr_t)to, .length = length, .lkey = mr->lkey };
	struct ibv_recv_wr wr = { .wr_id = wr_id, .sg_list = &sge, .num_sge = 1 }, *bad;

	assert_int_equal(ibv_post_recv(qp, &wr, &bad), 0);
}

/* One completion, if there is one. */
static int poll_once(const struct two *t, struct ibv_cq *cq, struct ibv_wc *wc)
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

static int64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* One completion; what has to be waited for is waited for, but not for ever. */
static void poll_one(const struct two *t, struct ibv_cq *cq, struct ibv_wc *wc)
{
	int64_t until = clock_of(CLOCK_MONOTONIC) + 20000000000;

	while (poll_once(t, cq, wc) == 0)
		assert_true(clock_of(CLOCK_MONOTONIC) < until);
}

/* --- what a request does, by both interfaces --- */

#define RC  (1 << IBV_QPT_RC)
#define UC  (1 << IBV_QPT_UC)
#define UD  (1 << IBV_QPT_UD)
#define IMM 0x01020304

static const struct {
	const char *name;
	enum ibv_wr_opcode opcode;
	int types;
	bool inlined;
	uint32_t length[SGES];
	int sges;
	enum ibv_wc_opcode completes;
	int receives; /* opcode of the receiver's completion, -1: none */
} requests[] = {
	{ "send", IBV_WR_SEND, RC | UC | UD, false, { 100 }, 1, IBV_WC_SEND, IBV_WC_RECV },
	{ "send two", IBV_WR_SEND, RC | UC | UD, false, { 100, 30 }, 2, IBV_WC_SEND, IBV_WC_RECV },
	{ "send nothing", IBV_WR_SEND, RC | UC | UD, false, { 0 }, 0, IBV_WC_SEND, IBV_WC_RECV },
	{ "send 0 bytes", IBV_WR_SEND, RC | UC | UD, false, { 0 }, 1, IBV_WC_SEND, IBV_WC_RECV },
	{ "send inline", IBV_WR_SEND, RC | UC | UD, true, { 33, 31 }, 2, IBV_WC_SEND, IBV_WC_RECV },
	{ "send imm",
	  IBV_WR_SEND_WITH_IMM,
	  RC | UC | UD,
	  false,
	  { 9 },
	  1,
	  IBV_WC_SEND,
	  IBV_WC_RECV },
	{ "send imm inline",
	  IBV_WR_SEND_WITH_IMM,
	  RC | UC | UD,
	  true,
	  { 64 },
	  1,
	  IBV_WC_SEND,
	  IBV_WC_RECV },
	{ "write", IBV_WR_RDMA_WRITE, RC | UC, false, { 3000, 1 }, 2, IBV_WC_RDMA_WRITE, -1 },
	{ "write nothing", IBV_WR_RDMA_WRITE, RC | UC, false, { 0 }, 0, IBV_WC_RDMA_WRITE, -1 },
	{ "write inline", IBV_WR_RDMA_WRITE, RC | UC, true, { 64 }, 1, IBV_WC_RDMA_WRITE, -1 },
	{ "write imm",
	  IBV_WR_RDMA_WRITE_WITH_IMM,
	  RC | UC,
	  false,
	  { 2500 },
	  1,
	  IBV_WC_RDMA_WRITE,
	  IBV_WC_RECV_RDMA_WITH_IMM },
	{ "write imm nothing",
	  IBV_WR_RDMA_WRITE_WITH_IMM,
	  RC | UC,
	  false,
	  { 0 },
	  0,
	  IBV_WC_RDMA_WRITE,
	  IBV_WC_RECV_RDMA_WITH_IMM },
	{ "read", IBV_WR_RDMA_READ, RC, false, { 2000, 500 }, 2, IBV_WC_RDMA_READ, -1 },
	{ "read nothing", IBV_WR_RDMA_READ, RC, false, { 0 }, 0, IBV_WC_RDMA_READ, -1 },
	{ "add", IBV_WR_ATOMIC_FETCH_AND_ADD, RC, false, { 8 }, 1, IBV_WC_FETCH_ADD, -1 },
	{ "swap", IBV_WR_ATOMIC_CMP_AND_SWP, RC, false, { 8 }, 1, IBV_WC_COMP_SWAP, -1 },
};

static bool has_imm(enum ibv_wr_opcode opcode)
{
	return opcode == IBV_WR_SEND_WITH_IMM || opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
}

/* Where the bytes are after request I: those of `from`, from 0 to TOTAL. */
static void check_memory(const struct two *t, size_t i, uint32_t total)
{
	uint64_t was, is;

	switch ((int)requests[i].opcode) {
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		memcpy(&was, memory, 8);
		memcpy(&is, to, 8);
		assert_int_equal(was, 40);
		assert_int_equal(is, requests[i].opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ? 42 : 5);
		break;
	case IBV_WR_RDMA_READ: /* in pieces, one behind the other */
		assert_memory_equal(memory, to, total);
		break;
	default:
		assert_memory_equal(to + (t->type == IBV_QPT_UD ? GRH : 0), from, total);
	}
}

static void check_receive(const struct two *t, size_t i, uint32_t total)
{
	struct ibv_wc wc;

	poll_one(t, t->recv_cq, &wc);
	assert_int_equal(wc.wr_id, 77);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, requests[i].receives);
	assert_int_equal(wc.byte_len, total + (t->type == IBV_QPT_UD ? GRH : 0));
	assert_int_equal(wc.qp_num, t->b->qp_num);
	assert_int_equal(!!(wc.wc_flags & IBV_WC_WITH_IMM), has_imm(requests[i].opcode));
	if (has_imm(requests[i].opcode))
		assert_int_equal(wc.imm_data, htobe32(IMM));
	if (t->type == IBV_QPT_UD)
		assert_int_equal(wc.src_qp, t->a->qp_num);
	assert_int_equal(poll_once(t, t->recv_cq, &wc), 0);
}

static void run_request(struct two *t, size_t i)
{
	bool atomic = requests[i].completes == IBV_WC_FETCH_ADD ||
		      requests[i].completes == IBV_WC_COMP_SWAP;
	struct ibv_sge sge[SGES];
	struct ibv_send_wr wr = {
		.wr_id = 1000 + i,
		.sg_list = sge,
		.num_sge = requests[i].sges,
		.opcode = requests[i].opcode,
		.send_flags = IBV_SEND_SIGNALED | (requests[i].inlined ? IBV_SEND_INLINE : 0),
		.imm_data = htobe32(IMM),
	};
	uint32_t total = 0;
	struct ibv_wc wc;

	for (int k = 0; k < requests[i].sges; k++) {
		sge[k] = (struct ibv_sge){
			.addr = (uintptr_t)memory + total,
			.length = requests[i].length[k],
			.lkey = mr->lkey,
		};
		if (requests[i].inlined) /* not registered at all */
			sge[k] = (struct ibv_sge){
				.addr = (uintptr_t)from + total,
				.length = requests[i].length[k],
			};
		total += requests[i].length[k];
	}
	if (atomic) {
		memcpy(to, &(uint64_t){ 40 }, 8);
		wr.wr.atomic.remote_addr = (uintptr_t)to;
		wr.wr.atomic.rkey = mr->rkey;
		wr.wr.atomic.compare_add = wr.opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ? 2 : 40;
		wr.wr.atomic.swap = 5;
	} else if (t->type != IBV_QPT_UD) {
		wr.wr.rdma.remote_addr = (uintptr_t)to;
		wr.wr.rdma.rkey = mr->rkey;
	}
	if (requests[i].receives >= 0)
		post_receive(t->b, 77, SIZE);
	assert_int_equal(post(t, &wr), 0);
	poll_one(t, t->send_cq, &wc);
	assert_int_equal(wc.wr_id, 1000 + i);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, requests[i].completes);
	assert_int_equal(wc.qp_num, t->a->qp_num);
	if (requests[i].receives >= 0)
		check_receive(t, i, total);
	check_memory(t, i, total);
	assert_int_equal(poll_once(t, t->send_cq, &wc), 0);
}

static void both_interfaces_do_the_same(void **state)
{
	static const enum ibv_qp_type types[] = { IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD };

	(void)state;
	for (size_t k = 0; k < COUNT(types); k++)
		for (size_t i = 0; i < COUNT(requests); i++)
			for (enum api api = PLAIN; api <= EXTENDED; api++) {
				struct two t;

				if (!(requests[i].types & 1 << types[k]))
					continue;
				two_create(&t, types[k], api);
				print_message("# %s, type %d, interface %d\n", requests[i].name,
					      types[k], api);
				run_request(&t, i);
				two_destroy(&t);
			}
}

/* --- slots --- */

static int write_some(struct two *t, uint64_t wr_id, int flags)
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

static int fill(struct two *t, int flags)
{
	int posted = 0, rc;

	while ((rc = write_some(t, posted, flags)) == 0)
		assert_true(++posted <= 4 * DEPTH);
	assert_int_equal(rc, ENOMEM);
	return posted;
}

static uint32_t send_slots(struct ibv_qp *qp)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	assert_int_equal(ibv_query_qp(qp, &attr, IBV_QP_CAP, &init), 0);
	assert_int_equal(attr.cap.max_send_wr, init.cap.max_send_wr);
	return init.cap.max_send_wr;
}

static void slots_are_taken_until_their_completion_is_polled(void **state)
{
	(void)state;
	for (enum api api = PLAIN; api <= EXTENDED; api++) {
		struct ibv_wc wc;
		struct two t;
		int slots;

		two_create(&t, IBV_QPT_RC, api);
		slots = send_slots(t.a);
		assert_int_equal(fill(&t, IBV_SEND_SIGNALED), slots);
		for (int i = 0; i < 3; i++) {
			poll_one(&t, t.send_cq, &wc);
			assert_int_equal(wc.wr_id, i);
		}
		assert_int_equal(fill(&t, IBV_SEND_SIGNALED), 3);
		for (int i = 0; i < slots; i++)
			poll_one(&t, t.send_cq, &wc);
		/* one that is signalled covers those before it */
		for (int i = 1; i < slots; i++)
			assert_int_equal(write_some(&t, i, 0), 0);
		assert_int_equal(write_some(&t, 99, IBV_SEND_SIGNALED), 0);
		assert_int_equal(write_some(&t, 100, IBV_SEND_SIGNALED), ENOMEM);
		poll_one(&t, t.send_cq, &wc);
		assert_int_equal(wc.wr_id, 99);
		assert_int_equal(fill(&t, 0), slots);
		two_destroy(&t);
	}
}

static void receive_slots_are_taken_until_their_message_comes(void **state)
{
	struct ibv_recv_wr wr = { 0 }, *bad;
	struct ibv_wc wc;
	struct two t;
	int rc, posted = 0;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	while ((rc = ibv_post_recv(t.b, &wr, &bad)) == 0)
		assert_true(++posted <= 4 * DEPTH);
	assert_int_equal(rc, ENOMEM);
	assert_ptr_equal(bad, &wr);
	assert_true(posted >= DEPTH);
	assert_int_equal(post(&t, &(struct ibv_send_wr){ .opcode = IBV_WR_SEND }), 0);
	poll_one(&t, t.recv_cq, &wc);
	assert_int_equal(ibv_post_recv(t.b, &wr, &bad), 0);
	assert_int_equal(ibv_post_recv(t.b, &wr, &bad), ENOMEM);
	two_destroy(&t);
}

/* --- what is refused --- */

/* Each as the third of four: those before it are sent, and it is named. */
static void the_bad_one_of_a_list_is_named(void **state)
{
	struct ibv_sge sge[SGES + 1] = { { .length = 0 } };
	struct ibv_sge longer = { .addr = (uintptr_t)from, .length = SIZE };
	struct ibv_sge good = { .addr = (uintptr_t)memory, .length = 8, .lkey = mr->lkey };
	const struct ibv_send_wr wrongs[] = {
		{ .opcode = (enum ibv_wr_opcode)11 },
		{ .opcode = (enum ibv_wr_opcode)99 },
		{ .opcode = IBV_WR_TSO },
		{ .opcode = IBV_WR_SEND, .sg_list = sge, .num_sge = 1000 },
		{ .opcode = IBV_WR_SEND, .sg_list = sge, .num_sge = -1 },
		{ .opcode = IBV_WR_SEND,
		  .sg_list = &longer,
		  .num_sge = 1,
		  .send_flags = IBV_SEND_INLINE },
		{ .opcode = IBV_WR_RDMA_READ,
		  .sg_list = sge,
		  .num_sge = 1,
		  .send_flags = IBV_SEND_INLINE },
		{ .opcode = IBV_WR_BIND_MW },
	};
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		struct ibv_send_wr wr[4], *bad = NULL;
		struct ibv_wc wc;

		for (int k = 0; k < 4; k++) {
			wr[k] = (struct ibv_send_wr){
				.wr_id = k,
				.sg_list = &good,
				.num_sge = 1,
				.opcode = IBV_WR_RDMA_WRITE,
				.send_flags = IBV_SEND_SIGNALED,
				.wr.rdma = { .remote_addr = (uintptr_t)to, .rkey = mr->rkey },
			};
			if (k == 2)
				wr[k] = wrongs[i];
			wr[k].next = k < 3 ? wr + k + 1 : NULL;
		}
		assert_int_not_equal(ibv_post_send(t.a, wr, &bad), 0);
		assert_ptr_equal(bad, wr + 2);
		for (int k = 0; k < 2; k++) {
			poll_one(&t, t.send_cq, &wc);
			assert_int_equal(wc.wr_id, k);
			assert_int_equal(wc.status, IBV_WC_SUCCESS);
		}
		assert_int_equal(poll_once(&t, t.send_cq, &wc), 0);
	}
	two_destroy(&t);
}

static void what_the_type_does_not_know_is_refused(void **state)
{
	struct ibv_send_wr read = { .opcode = IBV_WR_RDMA_READ }, *bad;
	struct ibv_send_wr write = { .opcode = IBV_WR_RDMA_WRITE };
	struct ibv_send_wr nowhere = { .opcode = IBV_WR_SEND };
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_UC, PLAIN);
	assert_int_equal(ibv_post_send(t.a, &read, &bad), EINVAL);
	two_destroy(&t);
	two_create(&t, IBV_QPT_UD, PLAIN);
	assert_int_equal(ibv_post_send(t.a, &write, &bad), EINVAL);
	assert_int_equal(ibv_post_send(t.a, &nowhere, &bad), EINVAL);
	two_destroy(&t);
}

static void a_batch_is_sent_whole_or_not_at_all(void **state)
{
	struct ibv_qp_ex *qp;
	struct ibv_wc wc;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, EXTENDED);
	qp = ibv_qp_to_qp_ex(t.a);
	qp->wr_flags = IBV_SEND_SIGNALED;
	for (int i = 0; i < 3; i++) { /* aborted, inline too long, not allowed */
		ibv_wr_start(qp);
		ibv_wr_rdma_write(qp, mr->rkey, (uintptr_t)to);
		ibv_wr_set_sge(qp, mr->lkey, (uintptr_t)memory, 8);
		if (i == 1) {
			ibv_wr_rdma_write(qp, mr->rkey, (uintptr_t)to);
			ibv_wr_set_inline_data(qp, from, SIZE);
		} else if (i == 2) {
			ibv_wr_local_inv(qp, 1);
		}
		if (i == 0)
			ibv_wr_abort(qp);
		else
			assert_int_not_equal(ibv_wr_complete(qp), 0);
		assert_int_equal(poll_once(&t, t.send_cq, &wc), 0);
	}
	assert_memory_not_equal(to, memory, 8);
	/* and no slot is lost */
	assert_int_equal(fill(&t, IBV_SEND_SIGNALED), send_slots(t.a));
	two_destroy(&t);
}

static void creation_refuses_what_it_does_not_know(void **state)
{
	struct ibv_qp_init_attr_ex init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1 },
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
	};
	struct ibv_cq_init_attr_ex cq_init = { .cqe = 4 };
	struct ibv_cq *cq = ibv_create_cq(context, 4, NULL, NULL, 0);
	static const struct {
		enum ibv_qp_type type;
		uint32_t mask;
		uint64_t ops;
		int error;
	} wrong[] = {
		{ IBV_QPT_RC, 0, IBV_QP_EX_WITH_TSO, EOPNOTSUPP },
		{ IBV_QPT_RC, 0, IBV_QP_EX_WITH_ATOMIC_WRITE, EOPNOTSUPP },
		{ IBV_QPT_RC, 0, 1ull << 40, EOPNOTSUPP },
		{ IBV_QPT_UD, 0, IBV_QP_EX_WITH_RDMA_WRITE, EOPNOTSUPP },
		{ IBV_QPT_UC, 0, IBV_QP_EX_WITH_RDMA_READ, EOPNOTSUPP },
		{ IBV_QPT_RC, IBV_QP_INIT_ATTR_RX_HASH, 0, EOPNOTSUPP },
		{ IBV_QPT_RC, 1u << 20, 0, EOPNOTSUPP },
		{ IBV_QPT_RAW_PACKET, 0, 0, EOPNOTSUPP },
		{ IBV_QPT_XRC_RECV, 0, 0, EINVAL },
	};

	(void)state;
	assert_non_null(cq);
	init.send_cq = init.recv_cq = cq;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct ibv_qp_init_attr_ex one = init;

		one.qp_type = wrong[i].type;
		one.comp_mask |= wrong[i].mask;
		one.send_ops_flags = wrong[i].ops;
		errno = 0;
		assert_null(ibv_create_qp_ex(context, &one));
		assert_int_equal(errno, wrong[i].error);
	}
	assert_null(ibv_create_cq(context, 4, NULL, NULL, context->num_comp_vectors));
	assert_int_equal(errno, EINVAL);
	assert_null(ibv_create_cq(context, 0, NULL, NULL, 0));
	assert_int_equal(errno, EINVAL);
	cq_init.wc_flags = IBV_WC_EX_WITH_TM_INFO;
	assert_null(ibv_create_cq_ex(context, &cq_init));
	assert_int_equal(errno, EOPNOTSUPP);
	cq_init = (struct ibv_cq_init_attr_ex){ .cqe = 4, .comp_mask = 1 << 9 };
	assert_null(ibv_create_cq_ex(context, &cq_init));
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(ibv_destroy_cq(cq), 0);
}

/* --- events --- */

static void send_empty(struct two *t, int flags)
{
	struct ibv_wc wc;

	post_receive(t->b, 1, 0);
	assert_int_equal(post(t, &(struct ibv_send_wr){ .opcode = IBV_WR_SEND,
							.send_flags = flags | IBV_SEND_SIGNALED }),
			 0);
	poll_one(t, t->send_cq, &wc);
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

static void an_event_comes_once_for_each_time_it_is_asked_for(void **state)
{
	struct ibv_cq *cq;
	struct two t;
	void *cq_context;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	send_empty(&t, 0);
	assert_false(is_readable(t.channel->fd));
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 0), 0);
	assert_false(is_readable(t.channel->fd));
	send_empty(&t, 0);
	send_empty(&t, 0);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), 0);
	assert_ptr_equal(cq, t.recv_cq);
	assert_false(is_readable(t.channel->fd));
	/* solicited only */
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 1), 0);
	send_empty(&t, 0);
	assert_false(is_readable(t.channel->fd));
	send_empty(&t, IBV_SEND_SOLICITED);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), 0);
	ibv_ack_cq_events(cq, 2);
	/* and nothing blocks a program that asked not to be blocked */
	assert_int_equal(fcntl(t.channel->fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ibv_destroy_comp_channel(t.channel), EBUSY);
	two_destroy(&t);
}

static _Atomic bool acknowledged;

static void *destroy_cq(void *cq)
{
	int rc = ibv_destroy_cq(cq);

	return (void *)(intptr_t)(rc ? rc : acknowledged ? 0 : -1);
}

static void destruction_waits_for_acknowledgement(void **state)
{
	pthread_t thread;
	struct ibv_cq *cq;
	void *cq_context, *rc;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 0), 0);
	send_empty(&t, 0);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), 0);
	/* one that nobody has read goes away with its queue */
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 0), 0);
	send_empty(&t, 0);
	assert_true(is_readable(t.channel->fd));
	assert_int_equal(ibv_destroy_cq(t.recv_cq), EBUSY);
	assert_int_equal(ibv_destroy_qp(t.a), 0);
	assert_int_equal(ibv_destroy_qp(t.b), 0);
	acknowledged = false;
	assert_int_equal(pthread_create(&thread, NULL, destroy_cq, t.recv_cq), 0);
	while (is_readable(t.channel->fd))
		sched_yield();
	acknowledged = true;
	ibv_ack_cq_events(t.recv_cq, 1);
	assert_int_equal(pthread_join(thread, &rc), 0);
	assert_int_equal((intptr_t)rc, 0);
	assert_int_equal(ibv_destroy_cq(t.send_cq), 0);
	assert_int_equal(ibv_destroy_comp_channel(t.channel), 0);
}

static void a_shared_queue_tells_once_that_it_runs_low(void **state)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = DEPTH, .max_sge = 1 } };
	struct ibv_srq_attr attr = { .srq_limit = 3 };
	struct ibv_srq *srq = ibv_create_srq(pd, &init);
	struct ibv_recv_wr wr = { 0 }, *bad;
	struct ibv_async_event event;
	struct ibv_wc wc;
	struct two t;

	(void)state;
	assert_non_null(srq);
	two_create(&t, IBV_QPT_RC, PLAIN);
	assert_int_equal(ibv_destroy_qp(t.b), 0);
	t.b = create_qp(&t, srq);
	assert_int_equal(ibv_destroy_qp(t.a), 0);
	t.a = create_qp(&t, NULL);
	connect_to(t.a, t.b->qp_num);
	connect_to(t.b, t.a->qp_num);
	assert_int_not_equal(ibv_post_recv(t.b, &wr, &bad), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ibv_post_srq_recv(srq, &wr, &bad), 0);
	assert_int_equal(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), 0);
	assert_int_equal(ibv_query_srq(srq, &attr), 0);
	assert_int_equal(attr.srq_limit, 3);
	assert_true(attr.max_wr >= DEPTH);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(post(&t, &(struct ibv_send_wr){ .opcode = IBV_WR_SEND }), 0);
		poll_one(&t, t.recv_cq, &wc);
		assert_int_equal(is_readable(context->async_fd), i >= 1);
	}
	assert_int_equal(ibv_get_async_event(context, &event), 0);
	assert_int_equal(event.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	assert_ptr_equal(event.element.srq, srq);
	assert_false(is_readable(context->async_fd));
	ibv_ack_async_event(&event);
	assert_int_equal(ibv_query_srq(srq, &attr), 0);
	assert_int_equal(attr.srq_limit, 0);
	two_destroy(&t);
	assert_int_equal(ibv_destroy_srq(srq), 0);
}

/* --- errors --- */

static void what_is_posted_is_flushed_in_order(void **state)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct ibv_wc wc;
	struct two t;

	(void)state;
	for (enum api api = PLAIN; api <= EXTENDED; api++) {
		two_create(&t, IBV_QPT_RC, api);
		for (int i = 0; i < 5; i++)
			post_receive(t.a, 50 + i, 8);
		assert_int_equal(ibv_modify_qp(t.a, &attr, IBV_QP_STATE), 0);
		assert_int_equal(t.a->state, IBV_QPS_ERR);
		for (int i = 0; i < 5; i++) {
			poll_one(&t, t.recv_cq, &wc);
			assert_int_equal(wc.wr_id, 50 + i);
			assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
			assert_int_equal(wc.qp_num, t.a->qp_num);
		}
		/* and what is posted from now on */
		post_receive(t.a, 60, 8);
		poll_one(&t, t.recv_cq, &wc);
		assert_int_equal(wc.wr_id, 60);
		assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
		assert_int_equal(write_some(&t, 61, 0), 0);
		poll_one(&t, t.send_cq, &wc);
		assert_int_equal(wc.wr_id, 61);
		assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
		two_destroy(&t);
	}
}

/* --- small ones --- */

static void an_enhanced_connection_has_no_options(void **state)
{
	struct ibv_ece ece, other = { .vendor_id = 1 };
	struct two t;
	struct ibv_qp *qp;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	qp = create_qp(&t, NULL);
	assert_int_equal(ibv_query_ece(qp, &ece), 0);
	assert_int_not_equal(ece.vendor_id, 0);
	assert_int_equal(ibv_set_ece(qp, &other), EINVAL);
	ece.options = UINT32_MAX;
	assert_int_equal(ibv_set_ece(qp, &ece), 0);
	assert_int_equal(ibv_query_ece(qp, &ece), 0);
	assert_int_equal(ece.options, 0);
	ece.comp_mask = 1;
	assert_int_equal(ibv_set_ece(qp, &ece), EINVAL);
	ece = (struct ibv_ece){ 0 };
	assert_int_equal(ibv_set_ece(qp, &ece), EOPNOTSUPP);
	assert_int_equal(ibv_query_qp_data_in_order(qp, IBV_WR_RDMA_WRITE, 0), 0);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	two_destroy(&t);
}

static void completions_say_when_they_were(void **state)
{
	struct ibv_poll_cq_attr attr = { 0 };
	struct ibv_values_ex values = { .comp_mask = IBV_VALUES_MASK_RAW_CLOCK };
	int64_t wall, last = 0, lastwall = 0;
	struct ibv_cq_ex *cq;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, EXTENDED);
	cq = (struct ibv_cq_ex *)t.send_cq;
	assert_int_equal(ibv_query_rt_values_ex(context, &values), 0);
	last = (int64_t)values.raw_clock.tv_sec * 1000000000 + values.raw_clock.tv_nsec;
	lastwall = clock_of(CLOCK_REALTIME) - 1000000;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(write_some(&t, i, IBV_SEND_SIGNALED), 0);
		while (ibv_start_poll(cq, &attr))
			;
		assert_true((int64_t)ibv_wc_read_completion_ts(cq) >= last);
		last = (int64_t)ibv_wc_read_completion_ts(cq);
		wall = (int64_t)ibv_wc_read_completion_wallclock_ns(cq);
		assert_true(wall >= lastwall && wall < clock_of(CLOCK_REALTIME) + 1000000);
		lastwall = wall;
		/* not asked for */
		assert_int_equal(ibv_wc_read_flow_tag(cq), 0);
		assert_int_equal(ibv_next_poll(cq), ENOENT);
		ibv_end_poll(cq);
	}
	two_destroy(&t);
}

static void completions_are_kept_when_their_queue_is_resized(void **state)
{
	struct ibv_wc wc;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	for (int i = 0; i < DEPTH; i++)
		assert_int_equal(write_some(&t, i, IBV_SEND_SIGNALED), 0);
	assert_int_equal(ibv_resize_cq(t.send_cq, DEPTH / 2), EINVAL);
	assert_int_equal(ibv_resize_cq(t.send_cq, 1000), 0);
	assert_true(t.send_cq->cqe >= 1000);
	for (int i = 0; i < DEPTH; i++) {
		poll_one(&t, t.send_cq, &wc);
		assert_int_equal(wc.wr_id, i);
	}
	two_destroy(&t);
}

/* --- threads --- */

#define THREADS 4
#define EACH    2000

static struct two shared;
static _Atomic uint32_t polled;

/* Post, and poll whosever completions there are. */
static void *post_and_poll(void *arg)
{
	int posted = 0;
	struct ibv_wc wc;

	while (polled < THREADS * EACH) {
		if (posted < EACH) {
			int rc = write_some(&shared, (uintptr_t)arg, IBV_SEND_SIGNALED);

			if (rc && rc != ENOMEM)
				return (void *)1;
			posted += !rc;
		}
		if (poll_once(&shared, shared.send_cq, &wc)) {
			if (wc.status)
				return (void *)2;
			polled++;
		}
	}
	return NULL;
}

static void threads_share_a_queue_pair(void **state)
{
	(void)state;
	for (enum api api = PLAIN; api <= EXTENDED; api++) {
		pthread_t thread[THREADS];
		struct ibv_wc wc;

		two_create(&shared, IBV_QPT_RC, api);
		polled = 0;
		for (uintptr_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(thread + i, NULL, post_and_poll, (void *)i),
					 0);
		for (int i = 0; i < THREADS; i++) {
			void *rc;

			assert_int_equal(pthread_join(thread[i], &rc), 0);
			assert_null(rc);
		}
		assert_int_equal(polled, THREADS * EACH);
		assert_int_equal(poll_once(&shared, shared.send_cq, &wc), 0);
		two_destroy(&shared);
	}
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_interfaces_do_the_same),
		cmocka_unit_test(slots_are_taken_until_their_completion_is_polled),
		cmocka_unit_test(receive_slots_are_taken_until_their_message_comes),
		cmocka_unit_test(the_bad_one_of_a_list_is_named),
		cmocka_unit_test(what_the_type_does_not_know_is_refused),
		cmocka_unit_test(a_batch_is_sent_whole_or_not_at_all),
		cmocka_unit_test(creation_refuses_what_it_does_not_know),
		cmocka_unit_test(an_event_comes_once_for_each_time_it_is_asked_for),
		cmocka_unit_test(destruction_waits_for_acknowledgement),
		cmocka_unit_test(a_shared_queue_tells_once_that_it_runs_low),
		cmocka_unit_test(what_is_posted_is_flushed_in_order),
		cmocka_unit_test(an_enhanced_connection_has_no_options),
		cmocka_unit_test(completions_say_when_they_were),
		cmocka_unit_test(completions_are_kept_when_their_queue_is_resized),
		cmocka_unit_test(threads_share_a_queue_pair),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st, (void)kind, (void)where;
	return remove(path);
}

/* The library comes in front of all others in another run of this program; its parent
 * removes what lies in shared memory however that ends.
 */
static int run_preloaded(char **argv)
{
	char dir[] = "/dev/shm/nt.XXXXXX";
	int status;
	pid_t pid;

	if (!mkdtemp(dir))
		return 99;
	unsetenv("NETEMU_FABRIC");
	unsetenv("NETEMU_NODE");
	unsetenv("SYSFS_PATH");
	setenv("NETEMU_SHM", dir, 1);
	setenv("NETEMU", "device=emulated,link_layer=ib", 1);
	setenv("LD_PRELOAD", LIBNETEMU, 1);
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", argv[0], "preloaded", (char *)NULL);
		_exit(99);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	nftw(dir, drop, 16, FTW_DEPTH | FTW_PHYS);
	return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

int main(int argc, char **argv)
{
	return argc == 1 ? run_preloaded(argv) : run();
}
