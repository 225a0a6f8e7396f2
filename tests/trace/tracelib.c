/* SPDX-License-Identifier: Apache-2.0 */
#include "tracelib.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void need(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

struct ibv_context *device_open(int device)
{
	int count = 0;
	struct ibv_device **list = ibv_get_device_list(&count);
	struct ibv_context *context;

	need(list && device < count, "ibv_get_device_list");
	context = ibv_open_device(list[device]);
	ibv_free_device_list(list);
	need(context, "ibv_open_device");
	return context;
}

static struct ibv_qp *make_qp(struct ends *ends)
{
	struct ibv_qp_init_attr init = {
		.send_cq = ends->cq,
		.recv_cq = ends->cq,
		.cap = {
			.max_send_wr = ENDS_DEPTH,
			.max_recv_wr = ENDS_DEPTH,
			.max_send_sge = 4,
			.max_recv_sge = 4,
			.max_inline_data = 64,
		},
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE,
	};
	struct ibv_qp *qp = ibv_create_qp(ends->pd, &init);

	need(qp, "ibv_create_qp");
	errno = ibv_modify_qp(qp, &attr,
			      IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
	need(!errno, "ibv_modify_qp");
	return qp;
}

static void connect_qp(struct ibv_qp *qp, const struct ibv_qp *peer, uint16_t lid)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer->qp_num,
		.max_dest_rd_atomic = 1,
		.max_rd_atomic = 1,
		.min_rnr_timer = 12,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.ah_attr = { .dlid = lid, .port_num = 1 },
	};

	errno = ibv_modify_qp(qp, &attr,
			      IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				      IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
				      IBV_QP_MIN_RNR_TIMER);
	need(!errno, "to RTR");
	attr.qp_state = IBV_QPS_RTS;
	errno = ibv_modify_qp(qp, &attr,
			      IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				      IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
	need(!errno, "to RTS");
}

void ends_open_on(struct ends *ends, struct ibv_context *context, struct ibv_cq *cq)
{
	struct ibv_port_attr port;

	*ends = (struct ends){
		.context = context,
		.cq = cq,
		.memory = aligned_alloc(4096, ENDS_SIZE),
	};
	ends->pd = ibv_alloc_pd(context);
	need(ends->memory && ends->pd && ends->cq && !ibv_query_port(context, 1, &port), "objects");
	memset(ends->memory, 0, ENDS_SIZE);
	ends->mr = ibv_reg_mr(ends->pd, ends->memory, ENDS_SIZE,
			      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
	need(ends->mr, "ibv_reg_mr");
	ends->a = make_qp(ends);
	ends->b = make_qp(ends);
	connect_qp(ends->a, ends->b, port.lid);
	connect_qp(ends->b, ends->a, port.lid);
}

void ends_open(struct ends *ends, struct ibv_context *context)
{
	ends_open_on(ends, context, ibv_create_cq(context, 4 * ENDS_DEPTH, NULL, NULL, 0));
}

void ends_close(struct ends *ends)
{
	need(!ibv_destroy_qp(ends->a) && !ibv_destroy_qp(ends->b) && !ibv_dereg_mr(ends->mr) &&
		     !ibv_destroy_cq(ends->cq) && !ibv_dealloc_pd(ends->pd) &&
		     !ibv_close_device(ends->context),
	     "to close");
	free(ends->memory);
}

int ends_write(struct ends *ends, struct ibv_qp *qp, uint64_t wr_id, uint32_t bytes)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)ends->memory,
		.length = bytes,
		.lkey = ends->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.wr_id = wr_id,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = {
			.remote_addr = (uintptr_t)ends->memory + ENDS_SIZE / 2,
			.rkey = ends->mr->rkey,
		},
	};
	struct ibv_send_wr *bad;

	return ibv_post_send(qp, &wr, &bad);
}

void ends_poll(struct ends *ends, struct ibv_wc *wc)
{
	int got;

	while ((got = ibv_poll_cq(ends->cq, 1, wc)) == 0)
		continue;
	need(got == 1 && wc->status == IBV_WC_SUCCESS, "ibv_poll_cq");
}

void ends_writes(struct ends *ends, int count, uint32_t bytes)
{
	struct ibv_wc wc;

	for (int i = 0; i < count; i++) {
		errno = ends_write(ends, ends->a, (uint64_t)i, bytes);
		need(!errno, "ibv_post_send");
		ends_poll(ends, &wc);
	}
}
