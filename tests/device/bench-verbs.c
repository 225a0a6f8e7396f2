/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <errno.h>

#define DEPTH 64
#define POLLS 100000

static struct {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	struct ibv_mr *mr;
	char *memory;
	struct address peer;
} end;

static void move(struct ibv_qp *qp, const struct address *peer)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags =
			IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC,
	};

	need(!ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS),
	     "INIT");
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_4096,
		.dest_qp_num = peer->qpn,
		.max_dest_rd_atomic = 16,
		.min_rnr_timer = 1,
		.ah_attr = { .dlid = (uint16_t)peer->lid, .port_num = 1 },
	};
	need(!ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				    IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				    IBV_QP_MIN_RNR_TIMER),
	     "RTR");
	attr = (struct ibv_qp_attr){
		.qp_state = IBV_QPS_RTS,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 16,
	};
	need(!ibv_modify_qp(qp, &attr,
			    IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				    IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC),
	     "RTS");
}

struct ibv_qp *verbs_queue_pair(uint32_t depth)
{
	struct ibv_qp_init_attr init = {
		.send_cq = end.cq,
		.recv_cq = end.cq,
		.qp_type = IBV_QPT_RC,
		.cap = { depth, depth, 1, 1, 64 },
	};
	struct ibv_qp *qp = ibv_create_qp(end.pd, &init);

	need(qp != NULL, "ibv_create_qp");
	return qp;
}

void verbs_open(char *memory)
{
	struct ibv_device **list = ibv_get_device_list(NULL);

	need(list && list[0], "no device");
	end.context = ibv_open_device(list[0]);
	need(end.context != NULL, "ibv_open_device");
	ibv_free_device_list(list);
	end.memory = memory;
	end.pd = ibv_alloc_pd(end.context);
	end.channel = ibv_create_comp_channel(end.context);
	end.cq = ibv_create_cq(end.context, 1024, NULL, end.channel, 0);
	end.mr = ibv_reg_mr(end.pd, memory, 2 * LARGE,
			    IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				    IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC);
	need(end.pd && end.channel && end.cq && end.mr, "objects");
	end.qp = verbs_queue_pair(512);
}

void verbs_connect(void)
{
	struct ibv_port_attr port;

	need(!ibv_query_port(end.context, 1, &port), "ibv_query_port");
	stage->address[side].qpn = end.qp->qp_num;
	stage->address[side].rkey = end.mr->rkey;
	stage->address[side].lid = port.lid;
	stage->address[side].memory = (uintptr_t)end.memory;
	meet();
	end.peer = stage->address[!side];
	move(end.qp, &end.peer);
	meet();
}

static void post(enum ibv_wr_opcode opcode, uint32_t length, unsigned int flags)
{
	struct ibv_sge sge = { (uintptr_t)end.memory, length, end.mr->lkey };
	struct ibv_send_wr *bad, wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = flags,
		.wr.rdma = { end.peer.memory + LARGE, end.peer.rkey },
	};

	need(!ibv_post_send(end.qp, &wr, &bad), "ibv_post_send");
}

static void post_receive(void)
{
	struct ibv_sge sge = { (uintptr_t)end.memory + LARGE, 64, end.mr->lkey };
	struct ibv_recv_wr *bad, wr = { .sg_list = &sge, .num_sge = 1 };

	need(!ibv_post_recv(end.qp, &wr, &bad), "ibv_post_recv");
}

/* Poll until COUNT completions have come. */
static void reap(int count)
{
	struct ibv_wc wc[16];

	while (count > 0) {
		int got = ibv_poll_cq(end.cq, count < 16 ? count : 16, wc);

		need(got >= 0, "ibv_poll_cq");
		for (int i = 0; i < got; i++)
			need(wc[i].status == IBV_WC_SUCCESS, ibv_wc_status_str(wc[i].status));
		count -= got;
	}
}

/* As meet(), but in the library: over the queue it is there that the other's requests
 * are carried out.
 */
static void meet_polling(void)
{
	struct ibv_wc wc;

	while (side && atomic_load(&stage->ready[0]) == atomic_load(&stage->ready[1]))
		ibv_poll_cq(end.cq, 1, &wc);
	meet();
}

double write_latency(void)
{
	static double times[ROUNDS];
	volatile uint64_t *in = (volatile uint64_t *)(end.memory + LARGE);

	*in = 0;
	meet();
	for (int i = 1; i <= ROUNDS; i++) {
		double start = now();

		while (side && *in != (uint64_t)i)
			;
		*(uint64_t *)end.memory = (uint64_t)i;
		post(IBV_WR_RDMA_WRITE, 8, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
		reap(1);
		while (!side && *in != (uint64_t)i)
			;
		times[i - 1] = now() - start;
	}
	return median(times, ROUNDS) / 2 * 1e6;
}

double send_latency(void)
{
	static double times[ROUNDS];

	post_receive();
	meet();
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();

		if (side)
			reap(1);
		if (i + 1 < ROUNDS || !side)
			post_receive();
		post(IBV_WR_SEND, 8, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
		reap(side ? 1 : 2);
		times[i] = now() - start;
	}
	meet();
	return median(times, ROUNDS) / 2 * 1e6;
}

double read_latency(void)
{
	static double times[ROUNDS];

	meet();
	for (int i = 0; !side && i < ROUNDS; i++) {
		double start = now();

		post(IBV_WR_RDMA_READ, 8, IBV_SEND_SIGNALED);
		reap(1);
		times[i] = now() - start;
	}
	meet_polling();
	return side ? 0 : median(times, ROUNDS) * 1e6;
}

/* Seconds for COUNT writes of SIZE bytes. */
static double write_many(uint32_t size, int count)
{
	double start;

	meet();
	start = now();
	for (int i = 0; !side && i < count; i += DEPTH) {
		for (int k = 0; k < DEPTH; k++)
			post(IBV_WR_RDMA_WRITE, size,
			     IBV_SEND_SIGNALED | (size <= 64 ? IBV_SEND_INLINE : 0));
		reap(DEPTH);
	}
	start = now() - start;
	meet_polling();
	return start;
}

double write_rate(void)
{
	return CALLS / write_many(8, CALLS) / 1e6;
}

double write_copy(void)
{
	return COPIES * (double)LARGE / write_many(LARGE, COPIES) / 1e9;
}

static void wait_event(void)
{
	struct ibv_cq *cq;
	void *context;

	need(!ibv_get_cq_event(end.channel, &cq, &context), "ibv_get_cq_event");
	ibv_ack_cq_events(cq, 1);
	need(!ibv_req_notify_cq(end.cq, 0), "ibv_req_notify_cq");
}

/* A receive that is slept for. */
static void sleep_for_one(void)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(end.cq, 1, &wc) == 0)
		wait_event();
}

double wake_latency(void)
{
	static double times[ROUNDS];

	for (int i = 0; i < 4; i++)
		post_receive();
	need(!ibv_req_notify_cq(end.cq, 0), "ibv_req_notify_cq");
	meet();
	for (int i = 0; i < ROUNDS; i++) {
		double start = now();

		if (side)
			sleep_for_one();
		post_receive();
		post(IBV_WR_SEND, 8, IBV_SEND_INLINE);
		if (!side)
			sleep_for_one();
		times[i] = now() - start;
		if (i % 100 == 99) { /* slots of the send queue come back */
			post(IBV_WR_RDMA_WRITE, 8, IBV_SEND_SIGNALED);
			reap(1);
		}
	}
	meet();
	return median(times, ROUNDS) / 2 * 1e6;
}

/* --- one process --- */

double self_loop(void)
{
	struct address own = stage->address[side];
	struct ibv_qp *qp = verbs_queue_pair(64), *kept = end.qp;
	struct address peer = end.peer;
	double start;

	own.qpn = qp->qp_num;
	move(qp, &own);
	end.qp = qp;
	end.peer = own;
	start = now();
	for (int i = 0; i < POLLS; i++) {
		post(IBV_WR_RDMA_WRITE, 8, IBV_SEND_SIGNALED | IBV_SEND_INLINE);
		reap(1);
	}
	start = (now() - start) / POLLS * 1e9;
	need(!ibv_destroy_qp(qp), "ibv_destroy_qp");
	end.qp = kept;
	end.peer = peer;
	return start;
}

double empty_poll(void)
{
	double start = now();
	struct ibv_wc wc;

	for (int i = 0; i < POLLS; i++)
		ibv_poll_cq(end.cq, 1, &wc);
	return (now() - start) / POLLS * 1e9;
}
