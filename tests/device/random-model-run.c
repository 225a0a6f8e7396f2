/* SPDX-License-Identifier: Apache-2.0 */
/* Requests are carried out: the responder, the requester. */
#include "random-model.h"

#include <arpa/inet.h>
#include <string.h>

#define GRH 40

/* What a responder says, beside the status of the requester. */
enum {
	SILENT = 1000,
	NOT_READY,
};

static bool is_atomic(uint32_t opcode)
{
	return opcode == WR_ATOMIC_CMP_AND_SWP || opcode == WR_ATOMIC_FETCH_AND_ADD;
}

static bool is_read(uint32_t opcode)
{
	return opcode == WR_RDMA_READ || is_atomic(opcode);
}

static uint64_t room_of(const struct work *work)
{
	uint64_t room = 0;

	for (uint32_t i = 0; i < work->sges; i++)
		room += work->sge[i].length;
	return room;
}

static uint64_t length_of(const struct work *work)
{
	return work->flags & SEND_INLINE ? work->inline_length : room_of(work);
}

/* --- the responder --- */

struct message {
	struct model *m;
	uint32_t from, to; /* processes */
	struct model_qp *sender, *qp;
	const struct work *work;
	uint64_t length;
	uint8_t *data; /* behind room for a header when it is a datagram */
	/* of the responder */
	struct model_rq *rq;
	uint32_t pd, cq;
};

static int refuse(struct message *g, int status)
{
	if (!model_reliable(g->qp))
		return WC_SUCCESS;
	model_fail(g->m, g->to, g->qp,
		   status == WC_REM_ACCESS_ERR ? EVENT_QP_ACCESS_ERR : EVENT_QP_REQ_ERR);
	return status;
}

/* The first receive request is taken and completes with STATUS. */
static void complete_receive(struct message *g, uint32_t status)
{
	const struct work *work = g->work;
	bool ud = g->qp->type == QP_UD;
	struct expected e = {
		.qpn = g->qp->number,
		.receive = true,
		.xrc = g->qp->type == QP_XRC_RECV,
		.status = status,
		.solicited = work->flags & SEND_SOLICITED,
		.opcode = work->opcode == WR_RDMA_WRITE_WITH_IMM ? WC_RECV_RDMA_WITH_IMM : WC_RECV,
		.byte_len = (uint32_t)g->length + (ud ? GRH : 0),
		.imm = work->imm,
		.src_qpn = ud ? g->sender->number : 0,
		.wr_id = model_take(g->m, g->to, g->rq).wr_id,
	};

	if (ud && work->global)
		e.flags |= WC_GRH;
	if (work->opcode == WR_SEND_WITH_INV)
		e.flags |= WC_WITH_INV;
	else if (work->opcode != WR_SEND)
		e.flags |= WC_WITH_IMM;
	model_complete(g->m, g->to, g->cq, e);
}

static int fail_receive(struct message *g, uint32_t status, int remote)
{
	complete_receive(g, status);
	model_fail(g->m, g->to, g->qp, EVENT_NONE);
	return model_reliable(g->qp) ? remote : WC_SUCCESS;
}

static bool invalidate(struct model_process *p, uint32_t key, uint32_t qpn)
{
	struct model_window *window = model_window(p, key);

	if (!window || !window->bound || window->type1 || window->qpn != qpn)
		return false;
	window->bound = false;
	return true;
}

/* Volume 1, 8.3: version, class, flow label; bytes from here to the invariant CRC
 * (BTH, DETH, immediate data, payload and its padding); a BTH is next; hop limit.
 */
static void put_header(const struct message *g)
{
	const struct work *work = g->work;
	uint32_t first = htonl(6u << 28 | (uint32_t)work->traffic_class << 20 | work->flow_label);
	uint64_t bytes = 12 + 8 + (g->length + 3) / 4 * 4 + 4;
	uint16_t length = htons((uint16_t)(bytes + (work->opcode == WR_SEND_WITH_IMM ? 4 : 0)));

	memcpy(g->data, &first, 4);
	memcpy(g->data + 4, &length, 2);
	g->data[6] = 0x1b;
	g->data[7] = 1;
	memcpy(g->data + 8, g->m->process[g->from].gid, 16);
	if (work->group)
		model_gid(work->group, g->data + 24);
	else
		memcpy(g->data + 24, g->m->process[g->to].gid, 16);
}

static int do_send(struct message *g)
{
	bool ud = g->qp->type == QP_UD;
	uint64_t length = g->length + (ud ? GRH : 0);
	struct model_process *p = &g->m->process[g->to];
	struct work *receive = &g->rq->work[0];

	if (!g->rq->count)
		return model_reliable(g->qp) ? NOT_READY : WC_SUCCESS;
	/* UC and UD use the receive request for the next message (9.9.3) */
	if (room_of(receive) < length)
		return model_reliable(g->qp) ? fail_receive(g, WC_LOC_LEN_ERR, WC_REM_INV_REQ_ERR)
					     : WC_SUCCESS;
	if (!model_open_local(g->m, p, receive, length, ACCESS_LOCAL_WRITE, g->pd))
		return fail_receive(g, WC_LOC_PROT_ERR, WC_REM_OP_ERR);
	if (ud)
		put_header(g);
	model_scatter(g->m, p, receive, g->pd, g->data, length, ud && !g->work->global ? GRH : 0);
	if (g->work->opcode == WR_SEND_WITH_INV && !invalidate(p, g->work->imm, g->qp->number))
		return fail_receive(g, WC_REM_ACCESS_ERR, WC_REM_ACCESS_ERR);
	complete_receive(g, WC_SUCCESS);
	return WC_SUCCESS;
}

/* Returns where, or -1 with *STATUS. */
static int64_t open_remote(struct message *g, uint32_t access, int *status)
{
	const struct work *work = g->work;
	int64_t at = 0;

	if (!(g->qp->access & access)) {
		*status = refuse(g, WC_REM_INV_REQ_ERR);
		return -1;
	}
	if (g->length)
		at = model_open(g->m, &g->m->process[g->to], work->rkey, work->remote_addr,
				g->length, access, g->pd, g->qp->number);
	if (at < 0)
		*status = refuse(g, WC_REM_ACCESS_ERR);
	return at;
}

static int do_write(struct message *g)
{
	bool imm = g->work->opcode == WR_RDMA_WRITE_WITH_IMM;
	uint64_t forgotten = g->m->fault == FAULT_BYTE && g->length;
	int status = WC_SUCCESS;
	int64_t at;

	if (imm && !g->rq->count)
		return model_reliable(g->qp) ? NOT_READY : WC_SUCCESS;
	at = open_remote(g, ACCESS_REMOTE_WRITE, &status);
	if (at < 0)
		return status;
	memcpy(g->m->process[g->to].memory + at, g->data, g->length - forgotten);
	if (imm)
		complete_receive(g, WC_SUCCESS);
	return WC_SUCCESS;
}

static int do_read(struct message *g)
{
	int status = WC_SUCCESS;
	int64_t at = open_remote(g, ACCESS_REMOTE_READ, &status);

	if (at < 0)
		return status;
	model_scatter(g->m, &g->m->process[g->from], g->work, g->sender->pd,
		      g->m->process[g->to].memory + at, g->length, 0);
	return WC_SUCCESS;
}

static int do_atomic(struct message *g)
{
	const struct work *work = g->work;
	uint8_t *memory = g->m->process[g->to].memory;
	int status = WC_SUCCESS;
	uint64_t was, becomes;
	int64_t at;

	if (work->remote_addr % 8)
		return refuse(g, WC_REM_INV_REQ_ERR);
	g->length = 8;
	at = open_remote(g, ACCESS_REMOTE_ATOMIC, &status);
	if (at < 0)
		return status;
	memcpy(&was, memory + at, 8);
	becomes = was + work->compare_add;
	if (work->opcode == WR_ATOMIC_CMP_AND_SWP)
		becomes = was == work->compare_add ? work->swap : was;
	memcpy(memory + at, &becomes, 8);
	memory[at + 8] ^= g->m->fault == FAULT_GUARD;
	model_scatter(g->m, &g->m->process[g->from], work, g->sender->pd, (const uint8_t *)&was, 8,
		      0);
	return WC_SUCCESS;
}

static int (*const operations[])(struct message *g) = {
	[WR_RDMA_WRITE] = do_write,
	[WR_RDMA_WRITE_WITH_IMM] = do_write,
	[WR_SEND] = do_send,
	[WR_SEND_WITH_IMM] = do_send,
	[WR_RDMA_READ] = do_read,
	[WR_ATOMIC_CMP_AND_SWP] = do_atomic,
	[WR_ATOMIC_FETCH_AND_ADD] = do_atomic,
	[WR_SEND_WITH_INV] = do_send,
};

/* Whether it is for this queue pair, and now. */
static bool takes(const struct message *g)
{
	static const uint32_t other[] = {
		[QP_RC] = QP_RC, [QP_UC] = QP_UC, [QP_UD] = QP_UD, [QP_XRC_SEND] = QP_XRC_RECV
	};
	const struct model_qp *sender = g->sender;
	const struct work *work = g->work;
	bool ud = sender->type == QP_UD;

	if (g->qp->type != other[sender->type] || g->qp->state < QP_RTR || g->qp->state == QP_ERR)
		return false;
	if (ud) /* a Q_Key with its highest bit stands for the sender's own */
		return (work->qkey & 0x80000000 ? sender->qkey : work->qkey) == g->qp->qkey;
	return g->qp->to_device == g->m->process[g->from].device && g->qp->to_qpn == sender->number;
}

/* Who gets the message, if it takes it. */
static bool find_responder(struct message *g)
{
	const struct model_qp *sender = g->sender;
	bool ud = sender->type == QP_UD;

	g->qp = model_find(g->m, ud ? g->work->to_device : sender->to_device,
			   ud ? g->work->to_qpn : sender->to_qpn, &g->to);
	return g->qp && takes(g);
}

static bool find_queues(struct message *g)
{
	struct model_process *p = &g->m->process[g->to];
	struct model_srq *srq = g->qp->srq < 0 ? NULL : &p->srq[g->qp->srq];

	if (g->qp->type == QP_XRC_RECV) {
		srq = &p->srq[SRQ_OF_XRC];
		if (!srq->used || srq->number != g->work->srqn)
			return false;
	}
	g->rq = srq ? &srq->rq : &g->qp->rq;
	g->pd = g->qp->type == QP_XRC_RECV ? srq->pd : g->qp->pd;
	g->cq = g->qp->type == QP_XRC_RECV ? srq->cq : g->qp->recv_cq;
	return true;
}

static void to_group(struct message *g)
{
	struct model *m = g->m;

	for (g->to = 0; g->to < m->processes; g->to++)
		for (uint32_t i = 0; i < QPS && m->process[g->to].alive; i++) {
			g->qp = &m->process[g->to].qp[i];
			if (g->qp->used && g->qp->group[g->work->group] && takes(g) &&
			    find_queues(g) && m->fault != FAULT_GROUP)
				do_send(g);
		}
}

/* --- the requester --- */

static const uint32_t able[] = {
	[QP_RC] = 0x3ff,
	[QP_XRC_SEND] = 0x3ff,
	[QP_UC] = 1 << WR_RDMA_WRITE | 1 << WR_RDMA_WRITE_WITH_IMM | 1 << WR_SEND |
		  1 << WR_SEND_WITH_IMM | 1 << WR_LOCAL_INV | 1 << WR_BIND_MW,
	[QP_UD] = 1 << WR_SEND | 1 << WR_SEND_WITH_IMM,
};

static bool may_bind(const struct model_qp *qp, const struct model_window *window,
		     const struct model_region *region, const struct work *work)
{
	bool writes = work->window_access & (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_ATOMIC);

	if (!window || window->pd != qp->pd)
		return false;
	if (window->type1 && work->window_access & ACCESS_ZERO_BASED)
		return false;
	if (window->type1 && !work->window_length)
		return true;
	if (!window->type1 && (window->bound || !work->window_length))
		return false;
	if (!region || region->store || region->pd != qp->pd ||
	    !(region->access & ACCESS_MW_BIND) ||
	    (writes && !(region->access & ACCESS_LOCAL_WRITE)))
		return false;
	return model_covers(work->window_addr, work->window_length, region->addr, region->length);
}

/* The window itself, whatever its key has become since. */
static struct model_window *window_of(struct model_process *p, const struct work *work)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
		if (p->window[i].used && p->window[i].key >> 8 == work->window >> 8)
			return &p->window[i];
	return NULL;
}

static int bind_window(struct model_process *p, const struct model_qp *qp, const struct work *work)
{
	struct model_window *window = window_of(p, work);

	if (!may_bind(qp, window, model_region(p, work->region_key), work))
		return WC_MW_BIND_ERR;
	window->bound = work->window_length;
	window->key = (window->key & ~0xffu) | (work->window_key & 0xff);
	window->access = work->window_access;
	window->qpn = qp->number;
	window->region_key = work->region_key;
	window->addr = work->window_addr;
	window->iova = work->window_access & ACCESS_ZERO_BASED ? 0 : work->window_addr;
	window->length = work->window_length;
	return WC_SUCCESS;
}

static int run_local(struct model_process *p, const struct model_qp *qp, const struct work *work)
{
	if (work->opcode == WR_BIND_MW)
		return bind_window(p, qp, work);
	return invalidate(p, work->imm, qp->number) ? WC_SUCCESS : WC_MW_BIND_ERR;
}

/* What is wrong with the request itself. */
static int check(const struct message *g)
{
	const struct work *work = g->work;
	bool reads = is_read(work->opcode);

	if ((is_atomic(work->opcode) && g->length < 8) ||
	    (g->sender->type == QP_UD && g->length > MTU))
		return WC_LOC_LEN_ERR;
	if (work->flags & SEND_INLINE)
		return WC_SUCCESS;
	return model_open_local(g->m, &g->m->process[g->from], work, UINT64_MAX,
				reads ? ACCESS_LOCAL_WRITE : 0, g->sender->pd)
		       ? WC_SUCCESS
		       : WC_LOC_PROT_ERR;
}

/* A status, or SILENT, or NOT_READY. */
static int carry_out(struct model *m, uint32_t process, struct model_qp *qp, struct work *work)
{
	static uint8_t data[GRH + ARENA];
	struct model_process *p = &m->process[process];
	struct message g = {
		.m = m,
		.from = process,
		.sender = qp,
		.work = work,
		.length = length_of(work),
		.data = data,
	};
	int status;

	if (!(able[qp->type] & 1u << work->opcode))
		return WC_LOC_QP_OP_ERR;
	if (work->opcode == WR_BIND_MW || work->opcode == WR_LOCAL_INV)
		return run_local(p, qp, work);
	status = check(&g);
	if (status)
		return status;
	model_look(m, p, work, qp->pd);
	if (qp->type == QP_UD && work->group) {
		model_gather(m, p, work, qp->pd, data + GRH);
		to_group(&g);
		return WC_SUCCESS;
	}
	if (!find_responder(&g))
		return model_reliable(qp) ? SILENT : WC_SUCCESS;
	if (!find_queues(&g))
		return refuse(&g, WC_REM_INV_REQ_ERR);
	if (!is_read(work->opcode))
		model_gather(m, p, work, qp->pd, data + (qp->type == QP_UD ? GRH : 0));
	return operations[work->opcode](&g);
}

static void flush(struct model *m, uint32_t process, struct model_qp *qp)
{
	for (; qp->acked < qp->posted; qp->acked++)
		model_complete(m, process, qp->send_cq,
			       (struct expected){ .qpn = qp->number,
						  .wr_id = qp->work[qp->acked % DEPTH].wr_id,
						  .status = WC_WR_FLUSH_ERR });
}

static void complete_send(struct model *m, uint32_t process, struct model_qp *qp, int status)
{
	static const uint32_t opcodes[] = {
		[WR_RDMA_WRITE] = WC_RDMA_WRITE,
		[WR_RDMA_WRITE_WITH_IMM] = WC_RDMA_WRITE,
		[WR_SEND] = WC_SEND,
		[WR_SEND_WITH_IMM] = WC_SEND,
		[WR_RDMA_READ] = WC_RDMA_READ,
		[WR_ATOMIC_CMP_AND_SWP] = WC_COMP_SWAP,
		[WR_ATOMIC_FETCH_AND_ADD] = WC_FETCH_ADD,
		[WR_LOCAL_INV] = WC_LOCAL_INV,
		[WR_BIND_MW] = WC_BIND_MW,
		[WR_SEND_WITH_INV] = WC_SEND,
	};
	const struct work *work = &qp->work[qp->acked % DEPTH];
	uint32_t bytes = is_atomic(work->opcode) ? 8 : (uint32_t)length_of(work);
	/* It has made itself fail: the answer finds a queue pair that is flushed, or not yet. */
	bool itself = status && qp->state == QP_ERR;

	qp->acked++;
	if (status || qp->sig_all || work->flags & SEND_SIGNALED)
		model_complete(m, process, qp->send_cq,
			       (struct expected){
				       .qpn = qp->number,
				       .wr_id = work->wr_id,
				       .status = (uint32_t)status,
				       .or_flushed = itself,
				       .opcode = opcodes[work->opcode],
				       .byte_len = is_read(work->opcode) ? bytes : UINT32_MAX,
			       });
	if (status && model_reliable(qp))
		model_fail(m, process, qp, EVENT_NONE);
	else if (status && qp->state == QP_RTS)
		qp->state = QP_SQE;
}

/* Returns whether something has moved. */
static bool step(struct model *m, uint32_t process, struct model_qp *qp)
{
	int status;

	if (qp->acked == qp->posted)
		return false;
	if (qp->state == QP_ERR || qp->state == QP_SQE) {
		flush(m, process, qp);
		return true;
	}
	if (qp->state != QP_RTS)
		return false;
	status = carry_out(m, process, qp, &qp->work[qp->acked % DEPTH]);
	if (status == NOT_READY && qp->rnr_retry == 7)
		return false;
	if (status == NOT_READY)
		status = WC_RNR_RETRY_EXC_ERR;
	if (status == SILENT) {
		m->silent = true;
		status = WC_RETRY_EXC_ERR;
	}
	complete_send(m, process, qp, status);
	return true;
}

void model_run(struct model *m)
{
	bool moved;

	do {
		moved = false;
		for (uint32_t p = 0; p < m->processes; p++)
			for (uint32_t i = 0; i < QPS && m->process[p].alive; i++)
				while (m->process[p].qp[i].used && step(m, p, &m->process[p].qp[i]))
					moved = true;
	} while (moved);
}
