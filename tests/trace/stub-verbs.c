/* SPDX-License-Identifier: Apache-2.0 */
/* stub-verbs.c - a device that does nothing, in no time, and bears signal handlers
 *
 * Preloaded behind a tracer: what is measured is the tracer, and what goes wrong is
 * the tracer's.  A request is complete as soon as it is posted.
 */
#include <errno.h>
#include <infiniband/verbs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#undef ibv_query_port
#undef ibv_reg_mr

#define ENTRIES 4096 /* completions that are not taken yet, at most */

struct entry {
	_Atomic uint64_t turn; /* 1 + the number of the completion that is here */
	uint64_t wr_id;
	uint32_t qpn;
};

struct stub_cq {
	struct ibv_cq cq;
	_Atomic uint64_t posted, taken;
	struct entry entry[ENTRIES];
};

static struct ibv_device stub_device = { .node_type = IBV_NODE_CA, .name = "stub0" };

/* --- the data path --- */

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct stub_cq *cq = (struct stub_cq *)qp->send_cq;

	(void)bad;
	for (; wr; wr = wr->next) {
		uint64_t number = atomic_fetch_add_explicit(&cq->posted, 1, memory_order_relaxed);
		struct entry *entry = &cq->entry[number % ENTRIES];

		entry->wr_id = wr->wr_id;
		entry->qpn = qp->qp_num;
		atomic_store_explicit(&entry->turn, number + 1, memory_order_release);
	}
	return 0;
}

static int poll_cq(struct ibv_cq *of, int count, struct ibv_wc *wc)
{
	struct stub_cq *cq = (struct stub_cq *)of;
	uint64_t number = atomic_load_explicit(&cq->taken, memory_order_relaxed);
	const struct entry *entry = &cq->entry[number % ENTRIES];

	if (!count || atomic_load_explicit(&entry->turn, memory_order_acquire) != number + 1)
		return 0;
	*wc = (struct ibv_wc){ .wr_id = entry->wr_id, .qp_num = entry->qpn };
	return atomic_compare_exchange_strong(&cq->taken, &number, number + 1);
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	(void)qp;
	(void)wr;
	(void)bad;
	return 0;
}

static int req_notify_cq(struct ibv_cq *cq, int solicited_only)
{
	(void)cq;
	(void)solicited_only;
	return 0;
}

/* --- objects --- */

struct ibv_device **ibv_get_device_list(int *count)
{
	struct ibv_device **list = calloc(2, sizeof(struct ibv_device *));

	list[0] = &stub_device;
	if (count)
		*count = 1;
	return list;
}

void ibv_free_device_list(struct ibv_device **list)
{
	free(list);
}

const char *ibv_get_device_name(struct ibv_device *device)
{
	return device->name;
}

__be64 ibv_get_device_guid(struct ibv_device *device)
{
	(void)device;
	return 0x1122;
}

struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	struct verbs_context *verbs = calloc(1, sizeof(*verbs));

	verbs->sz = sizeof(*verbs);
	verbs->context.device = device;
	verbs->context.abi_compat = __VERBS_ABI_IS_EXTENDED;
	verbs->context.ops.post_send = post_send;
	verbs->context.ops.post_recv = post_recv;
	verbs->context.ops.poll_cq = poll_cq;
	verbs->context.ops.req_notify_cq = req_notify_cq;
	return &verbs->context;
}

int ibv_close_device(struct ibv_context *context)
{
	free(verbs_get_ctx(context));
	return 0;
}

int ibv_query_port(struct ibv_context *context, uint8_t port, struct _compat_ibv_port_attr *attr)
{
	(void)context;
	((struct ibv_port_attr *)attr)->lid = port;
	return port == 1 ? 0 : EINVAL;
}

int ibv_query_gid(struct ibv_context *context, uint8_t port, int index, union ibv_gid *gid)
{
	(void)context;
	(void)port;
	memset(gid, index, sizeof(*gid));
	return 0;
}

struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd = calloc(1, sizeof(*pd));

	pd->context = context;
	return pd;
}

int ibv_dealloc_pd(struct ibv_pd *pd)
{
	free(pd);
	return 0;
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *address, size_t length, int access)
{
	struct ibv_mr *mr = calloc(1, sizeof(*mr));

	(void)access;
	mr->context = pd->context;
	mr->pd = pd;
	mr->addr = address;
	mr->length = length;
	return mr;
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	free(mr);
	return 0;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
			     struct ibv_comp_channel *channel, int vector)
{
	struct stub_cq *cq = calloc(1, sizeof(*cq));

	(void)vector;
	cq->cq = (struct ibv_cq){
		.context = context,
		.channel = channel,
		.cq_context = cq_context,
		.cqe = cqe,
	};
	return &cq->cq;
}

int ibv_destroy_cq(struct ibv_cq *cq)
{
	free(cq);
	return 0;
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	static uint32_t numbers;
	struct ibv_qp *qp = calloc(1, sizeof(*qp));

	qp->context = pd->context;
	qp->pd = pd;
	qp->send_cq = attr->send_cq;
	qp->recv_cq = attr->recv_cq;
	qp->qp_type = attr->qp_type;
	qp->qp_num = ++numbers;
	return qp;
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	if (mask & IBV_QP_STATE)
		qp->state = attr->qp_state;
	return 0;
}

int ibv_destroy_qp(struct ibv_qp *qp)
{
	free(qp);
	return 0;
}
