/* SPDX-License-Identifier: Apache-2.0 */
/* misuse.c - does everything wrong that `netemu trace check' knows of, each once
 *
 * misuse [clean]: with an argument the same things are done as they should be.
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER 4096

static struct ibv_context *context;
static struct ibv_pd *pd;
static struct ibv_mr *mr;
static _Alignas(4096) char buffer[BUFFER];
static union ibv_gid gid;
static uint16_t lid;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

#define NEED(condition)                  \
	do {                             \
		if (!(condition))        \
			die(#condition); \
	} while (0)

static struct ibv_cq *make_cq(int cqe, struct ibv_comp_channel *channel)
{
	struct ibv_cq *cq = ibv_create_cq(context, cqe, NULL, channel, 0);

	NEED(cq);
	return cq;
}

static struct ibv_qp *make_qp(struct ibv_cq *cq, uint32_t sends, uint32_t receives)
{
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.cap = { sends, receives, 1, 1, 16 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_qp *qp = ibv_create_qp(pd, &init);

	NEED(qp);
	return qp;
}

static uint32_t room(struct ibv_qp *qp, bool receives)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	NEED(ibv_query_qp(qp, &attr, IBV_QP_CAP, &init) == 0);
	return receives ? attr.cap.max_recv_wr : attr.cap.max_send_wr;
}

static void to_init(struct ibv_qp *qp)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	};

	NEED(ibv_modify_qp(qp, &attr,
			   IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) ==
	     0);
}

static void to_ready(struct ibv_qp *qp, uint32_t to, enum ibv_mtu mtu, uint8_t timeout)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = mtu,
		.dest_qp_num = to,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 1,
		.ah_attr = { .dlid = lid,
			     .port_num = 1,
			     .is_global = 1,
			     .grh = { .dgid = gid, .hop_limit = 1 } },
	};

	NEED(ibv_modify_qp(qp, &attr,
			   IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				   IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				   IBV_QP_MIN_RNR_TIMER) == 0);
	attr.qp_state = IBV_QPS_RTS;
	attr.timeout = timeout;
	attr.retry_cnt = 7;
	attr.rnr_retry = 7;
	attr.max_rd_atomic = 1;
	NEED(ibv_modify_qp(qp, &attr,
			   IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				   IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC) == 0);
}

/* A queue pair that is connected to itself. */
static struct ibv_qp *loop(struct ibv_cq *cq, uint32_t sends, uint32_t receives)
{
	struct ibv_qp *qp = make_qp(cq, sends, receives);

	to_init(qp);
	to_ready(qp, qp->qp_num, IBV_MTU_1024, 14);
	return qp;
}

static int put(struct ibv_qp *qp, enum ibv_wr_opcode opcode, uint32_t length, unsigned flags,
	       uint64_t remote, uint32_t rkey)
{
	struct ibv_sge sge = { (uintptr_t)buffer, length, mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = opcode,
				  .send_flags = flags },
			   *bad;

	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = remote;
		wr.wr.atomic.rkey = rkey;
	} else {
		wr.wr.rdma.remote_addr = remote;
		wr.wr.rdma.rkey = rkey;
	}
	return ibv_post_send(qp, &wr, &bad);
}

static int write_some(struct ibv_qp *qp, uint32_t length, unsigned flags)
{
	return put(qp, IBV_WR_RDMA_WRITE, length, flags, (uintptr_t)buffer, mr->rkey);
}

static int receive(struct ibv_qp *qp, struct ibv_mr *into)
{
	struct ibv_sge sge = { (uintptr_t)into->addr, 64, into->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

	return ibv_post_recv(qp, &wr, &bad);
}

/* COUNT completions; returns the status of the first bad one. */
static enum ibv_wc_status take(struct ibv_cq *cq, uint32_t count)
{
	enum ibv_wc_status first = IBV_WC_SUCCESS;
	struct ibv_wc wc;

	while (count) {
		int n = ibv_poll_cq(cq, 1, &wc);

		NEED(n >= 0);
		if (!n)
			continue;
		count--;
		if (!first)
			first = wc.status;
	}
	return first;
}

static void give_back(struct ibv_qp *qp, struct ibv_cq *cq)
{
	NEED(ibv_destroy_qp(qp) == 0);
	NEED(ibv_destroy_cq(cq) == 0);
}

static void fill_without_completions(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 4, 1);
	uint32_t most = room(qp, false);

	for (uint32_t i = 0; i < most; i++)
		NEED(write_some(qp, 64, clean && i == most - 1 ? IBV_SEND_SIGNALED : 0) == 0);
	if (clean)
		take(cq, 1);
	else
		NEED(write_some(qp, 64, 0) == ENOMEM);
	give_back(qp, cq);
}

static void fill_without_polling(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 4, 4);
	uint32_t most = room(qp, false);

	for (uint32_t i = 0; i < most; i++)
		NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	if (!clean)
		NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == ENOMEM);
	take(cq, most);
	most = room(qp, true);
	for (uint32_t i = 0; i < most; i++)
		NEED(receive(qp, mr) == 0);
	if (!clean)
		NEED(receive(qp, mr) == ENOMEM);
	give_back(qp, cq);
}

static void post_too_early(bool clean)
{
	struct ibv_cq *cq = make_cq(4, NULL);
	struct ibv_qp *qp = make_qp(cq, 1, 1);

	if (!clean)
		NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == EINVAL);
	give_back(qp, cq);
}

/* The queue pairs that are in error stay. */
static void fail(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 8, 1);
	enum ibv_wc_status status;

	NEED(put(qp, IBV_WR_RDMA_WRITE, 64, IBV_SEND_SIGNALED, (uintptr_t)buffer,
		 clean ? mr->rkey : mr->rkey + 77) == 0);
	NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	status = take(cq, 3);
	NEED(status == (clean ? IBV_WC_SUCCESS : IBV_WC_REM_ACCESS_ERR));
	if (clean)
		give_back(qp, cq);
}

static void add_unaligned(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 8, 1);

	NEED(put(qp, IBV_WR_ATOMIC_FETCH_AND_ADD, 8, IBV_SEND_SIGNALED,
		 (uintptr_t)buffer + (clean ? 8 : 4), mr->rkey) == 0);
	NEED(!take(cq, 1) == clean);
	give_back(qp, cq);
}

static void overflow(bool clean)
{
	struct ibv_cq *cq = make_cq(1, NULL);
	struct ibv_qp *qp = loop(cq, 64, 1);
	struct ibv_async_event event;
	int more = clean ? 0 : 1;

	for (int i = 0; i < cq->cqe + more; i++)
		NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	if (clean) {
		take(cq, (uint32_t)cq->cqe);
	} else {
		do { /* that of the queue pairs that are in error come, too */
			NEED(ibv_get_async_event(context, &event) == 0);
			ibv_ack_async_event(&event);
		} while (event.event_type != IBV_EVENT_CQ_ERR);
	}
	give_back(qp, cq);
}

static void send_first(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 8, 8);
	struct ibv_sge sge = { (uintptr_t)buffer, 32, mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge,
				  .num_sge = 1,
				  .opcode = IBV_WR_SEND,
				  .send_flags = IBV_SEND_SIGNALED },
			   *bad;

	if (clean)
		NEED(receive(qp, mr) == 0);
	NEED(ibv_post_send(qp, &wr, &bad) == 0);
	if (!clean)
		NEED(receive(qp, mr) == 0);
	take(cq, 2);
	/* whatever is sent now would find nothing, too: but nothing is */
	give_back(qp, cq);
}

static void connect_apart(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *one = make_qp(cq, 1, 1), *other = make_qp(cq, 1, 1);

	to_init(one);
	to_init(other);
	to_ready(one, other->qp_num, IBV_MTU_512, clean ? 14 : 0);
	to_ready(other, one->qp_num, clean ? IBV_MTU_512 : IBV_MTU_1024, 14);
	if (!clean)
		return; /* the one without a timeout has to be there at the end */
	NEED(ibv_destroy_qp(other) == 0);
	give_back(one, cq);
}

static void pull_memory(bool clean)
{
	static char other[4096];
	struct ibv_mr *region = ibv_reg_mr(pd, other, sizeof(other), IBV_ACCESS_LOCAL_WRITE);
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 1, 1);

	NEED(region);
	NEED(receive(qp, region) == 0);
	if (clean)
		NEED(ibv_destroy_qp(qp) == 0);
	NEED(ibv_dereg_mr(region) == 0);
	if (!clean)
		NEED(ibv_destroy_qp(qp) == 0);
	NEED(ibv_destroy_cq(cq) == 0);
}

static void never_connect(bool clean)
{
	struct ibv_cq *cq = make_cq(4, NULL);
	struct ibv_qp *qp = make_qp(cq, 1, 1);

	to_init(qp);
	if (clean)
		give_back(qp, cq);
}

static void take_event(bool clean)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(context);
	struct ibv_cq *cq = make_cq(4, channel), *of;
	struct ibv_qp *qp = loop(cq, 1, 1);
	void *user;

	NEED(ibv_req_notify_cq(cq, 0) == 0);
	NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	NEED(ibv_get_cq_event(channel, &of, &user) == 0);
	take(cq, 1);
	if (clean)
		ibv_ack_cq_events(of, 1);
	NEED(ibv_destroy_qp(qp) == 0);
	if (!clean)
		return;
	NEED(ibv_destroy_cq(cq) == 0);
	NEED(ibv_destroy_comp_channel(channel) == 0);
}

/* Whatever has completed before it is asked for makes no event: the second write does. */
static void arm_late(bool clean)
{
	struct ibv_comp_channel *channel = ibv_create_comp_channel(context);
	struct ibv_cq *cq = make_cq(4, channel), *of;
	struct ibv_qp *qp = loop(cq, 2, 1);
	void *user;

	NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	NEED(ibv_req_notify_cq(cq, 0) == 0);
	if (clean)
		take(cq, 1);
	NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	NEED(ibv_get_cq_event(channel, &of, &user) == 0);
	take(cq, clean ? 1 : 2);
	ibv_ack_cq_events(of, 1);
	give_back(qp, cq);
	NEED(ibv_destroy_comp_channel(channel) == 0);
}

static void never_solicit(bool clean)
{
	struct ibv_cq *cq = make_cq(4, NULL);
	struct ibv_qp *qp = loop(cq, 1, 1);

	NEED(ibv_req_notify_cq(cq, 1) == 0 && receive(qp, mr) == 0);
	NEED(put(qp, IBV_WR_SEND, 64, IBV_SEND_SIGNALED | (clean ? IBV_SEND_SOLICITED : 0), 0, 0) ==
	     0);
	take(cq, 2);
	give_back(qp, cq);
}

static void share(struct ibv_srq *srq)
{
	struct ibv_sge sge = { (uintptr_t)buffer, 64, mr->lkey };
	struct ibv_recv_wr wr = { .sg_list = &sge, .num_sge = 1 }, *bad;

	NEED(ibv_post_srq_recv(srq, &wr, &bad) == 0);
}

/* The shared receive queue has one request at a time, or two ahead. */
static void run_dry(bool clean)
{
	struct ibv_srq_init_attr shared = { .attr = { .max_wr = 4, .max_sge = 1 } };
	struct ibv_srq *srq = ibv_create_srq(pd, &shared);
	struct ibv_cq *cq = make_cq(8, NULL);
	struct ibv_qp_init_attr init = {
		.send_cq = cq,
		.recv_cq = cq,
		.srq = srq,
		.cap = { .max_send_wr = 4, .max_send_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_qp *qp = srq ? ibv_create_qp(pd, &init) : NULL;

	NEED(qp);
	to_init(qp);
	to_ready(qp, qp->qp_num, IBV_MTU_1024, 14);
	if (clean)
		share(srq);
	for (int i = 0; i < 2; i++) {
		if (!clean || !i)
			share(srq);
		NEED(put(qp, IBV_WR_SEND, 64, IBV_SEND_SIGNALED, 0, 0) == 0);
		take(cq, 2);
	}
	give_back(qp, cq);
	NEED(ibv_destroy_srq(srq) == 0);
}

static void ask_too_much(bool clean)
{
	struct ibv_pd *other = ibv_alloc_pd(context);
	struct ibv_mr *region = ibv_reg_mr(other, buffer, 64, IBV_ACCESS_LOCAL_WRITE);
	struct ibv_cq *cq;

	if (!clean) {
		NEED(ibv_dealloc_pd(other) != 0);
		cq = ibv_create_cq(context, 1 << 30, NULL, NULL, 0);
		NEED(!cq);
	}
	NEED(ibv_dereg_mr(region) == 0);
	NEED(ibv_dealloc_pd(other) == 0);
}

static void register_again(bool clean)
{
	static char again[8192];

	for (int i = 0; i < (clean ? 3 : 20); i++) {
		struct ibv_mr *region = ibv_reg_mr(pd, again, sizeof(again), 0);

		NEED(region);
		NEED(ibv_dereg_mr(region) == 0);
	}
}

static void send_small(bool clean)
{
	struct ibv_cq *cq = make_cq(64, NULL);
	struct ibv_qp *qp = loop(cq, 16, 1);
	struct ibv_wc wc;

	for (int i = 0; i < 1200; i++) {
		bool signaled = !clean || i % 8 == 7;

		NEED(write_some(qp, 8,
				(signaled ? IBV_SEND_SIGNALED : 0) |
					(clean ? IBV_SEND_INLINE : 0)) == 0);
		if (signaled)
			take(cq, 1);
	}
	for (int i = 0; i < (clean ? 10 : 300000); i++)
		NEED(ibv_poll_cq(cq, 1, &wc) == 0);
	NEED(write_some(qp, 64, IBV_SEND_SIGNALED) == 0);
	take(cq, 1);
	give_back(qp, cq);
}

static void open_first(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_port_attr port;

	NEED(list && *list);
	context = ibv_open_device(*list);
	ibv_free_device_list(list);
	NEED(context);
	NEED(ibv_query_port(context, 1, &port) == 0 && ibv_query_gid(context, 1, 0, &gid) == 0);
	lid = port.lid;
	pd = ibv_alloc_pd(context);
	NEED(pd);
	mr = ibv_reg_mr(pd, buffer, sizeof(buffer),
			IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ |
				IBV_ACCESS_REMOTE_ATOMIC);
	NEED(mr);
}

int main(int argc, char **argv)
{
	static void (*const deeds[])(bool clean) = {
		fill_without_completions,
		fill_without_polling,
		post_too_early,
		fail,
		add_unaligned,
		overflow,
		send_first,
		connect_apart,
		pull_memory,
		never_connect,
		take_event,
		arm_late,
		never_solicit,
		run_dry,
		ask_too_much,
		register_again,
		send_small,
	};
	bool clean = argc > 1;

	(void)argv;
	open_first();
	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++)
		deeds[i](clean);
	if (!clean)
		return 0;
	NEED(ibv_dereg_mr(mr) == 0 && ibv_dealloc_pd(pd) == 0 && ibv_close_device(context) == 0);
	return 0;
}
