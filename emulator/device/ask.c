/* SPDX-License-Identifier: Apache-2.0 */
#include "device/pass.h"

#include "device/mailbox.h"
#include "device/net.h"
#include "device/progress.h"
#include "device/respond.h"

#define MAX_MESSAGE (1ull << 31) /* bytes (volume 1, 9.7.7.1.1) */
#define NO_TIMER    14           /* a QP without one asks again this often, for ever */

/* --- once more --- */

/* Back to the first step for all that is not delivered, at TIME: what came behind a
 * message that was not taken is dropped by a responder, so it is sent again too.
 */
static void go_back(struct pass *p, int64_t time)
{
	struct shared_qp *qp = p->qp;
	uint64_t first = get(&qp->sq_delivered), end = get(&qp->sq_sent);

	set(&qp->sq_sent, first);
	for (uint64_t at = first; at < end; at++) {
		struct shared_sqe *sqe = sqe_at(p, at);

		if (is_read(sqe) || is_atomic(sqe))
			atomic_fetch_sub_explicit(&qp->outstanding_reads, 1, memory_order_relaxed);
		sqe->state = SQE_POSTED;
		net_again(sqe, time);
		sqe->lost = SQE_ARRIVES;
		sqe->retry_since = now_of(p);
		sqe->deliver_at = at == first ? time : 0;
	}
	count(&qp->resent, end - first);
	look_again(p, time);
}

/* Returns whether the request has come to its end. */
static bool not_ready(struct pass *p, struct shared_sqe *sqe, const struct answer *answer,
		      int *status)
{
	struct shared_qp *qp = p->qp;
	int64_t heard = sqe->ack_at > now_of(p) ? sqe->ack_at : now_of(p);

	count(&qp->rnr, 1);
	count(&p->device->counters.rnr_naks, 1);
	if (qp->rnr_retry != 7 && sqe->rnr_retries >= qp->rnr_retry) {
		*status = WC_RNR_RETRY_EXC_ERR;
		return true;
	}
	sqe->rnr_retries++;
	sqe->retries = 0;
	heard += progress_rnr_timer(answer->rnr_timer);
	if (__builtin_expect(netemu_trace_hook != NULL, 0))
		pass_tell_hook(p, sqe, DEVHOOK_NOT_READY, 0, heard, 0);
	go_back(p, heard);
	return false;
}

/* Nobody has answered: the timer runs out, retry_count + 1 times. */
static bool no_answer(struct pass *p, struct shared_sqe *sqe)
{
	struct shared_qp *qp = p->qp;
	int64_t timeout = progress_timeout(qp->timeout ? qp->timeout : NO_TIMER);
	int64_t end = (sqe->sent_at > now_of(p) ? sqe->sent_at : now_of(p)) + timeout;

	count(&qp->timeouts, 1);
	count(&p->device->counters.timeouts, 1);
	if (qp->timeout && sqe->retries >= qp->retry_count) {
		sqe->deliver_at = sqe->ack_at = end;
		sqe->lost = SQE_LOST;
		look_again(p, end);
		return false;
	}
	sqe->retries++;
	if (__builtin_expect(netemu_trace_hook != NULL, 0))
		pass_tell_hook(p, sqe, DEVHOOK_NO_ANSWER, 0, end, 0);
	go_back(p, end);
	return false;
}

const uint16_t pass_opcodes[] = {
	[QP_RC] = 0x3ff,
	[QP_UC] = 1 << WR_RDMA_WRITE | 1 << WR_RDMA_WRITE_WITH_IMM | 1 << WR_SEND |
		  1 << WR_SEND_WITH_IMM | 1 << WR_LOCAL_INV | 1 << WR_BIND_MW,
	[QP_UD] = 1 << WR_SEND | 1 << WR_SEND_WITH_IMM,
	[QP_XRC_SEND] = 0x3ff,
	[QP_XRC_RECV] = 0,
};

/* What is wrong with the request itself, or success. */
static int check(const struct pass *p, const struct shared_sqe *sqe)
{
	const struct shared_qp *qp = p->qp;

	if (sqe->opcode > WR_SEND_WITH_INV || !(pass_opcodes[qp->type] & 1 << sqe->opcode))
		return WC_LOC_QP_OP_ERR;
	if ((is_read(sqe) || is_atomic(sqe)) && !qp->max_rd_atomic)
		return WC_LOC_QP_OP_ERR;
	if (sqe->bytes > MAX_MESSAGE || (is_atomic(sqe) && sqe->bytes < 8) ||
	    (qp->type == QP_UD && sqe->bytes > mtu_of(p)))
		return WC_LOC_LEN_ERR;
	return WC_SUCCESS;
}

int pass_gather(const struct pass *p, struct shared_sqe *sqe, struct payload *payload)
{
	struct shared_qp *qp = p->qp;

	if (!(sqe->flags & SEND_INLINE))
		return memory_gather(p->fabric, qp->device, sqe->sge, sqe->sges,
				     is_read(sqe) || is_atomic(sqe), qp->pd, qp->head.owner,
				     payload);
	payload_one(payload, sqe_inline(qp, sqe), sqe->inline_length);
	return WC_SUCCESS;
}

/* Field by field: to clear all of it at once is slow, as what is read of that soon
 * afterwards has to wait.
 */
static void fill_op(struct op *op, const struct pass *p, const struct shared_sqe *sqe,
		    uint64_t number, struct payload *payload)
{
	const struct shared_qp *qp = p->qp;
	const struct shared_path *path = path_of(qp, sqe);
	bool ud = qp->type == QP_UD;

	op->from = qp->device;
	op->from_qpn = atomic_load_explicit(&qp->head.number, memory_order_relaxed);
	op->to = path->device;
	op->to_qpn = ud ? sqe->remote_qpn : qp->dest_qpn;
	op->type = qp->type;
	op->opcode = sqe->opcode;
	op->flags = sqe->flags;
	op->imm = sqe->imm;
	op->rkey = sqe->rkey;
	op->remote_addr = sqe->remote_addr;
	op->compare_add = sqe->compare_add;
	op->swap = sqe->swap;
	op->srqn = sqe->srqn;
	/* a Q_Key with its highest bit stands for the QP's own (10.2.5) */
	op->qkey = ud && sqe->qkey & 0x80000000 ? qp->qkey : sqe->qkey;
	op->pkey_index = qp->pkey_index;
	op->path = *path;
	op->length = is_atomic(sqe) ? 8 : sqe->bytes;
	op->offset = 0;
	op->number = number;
	op->attempt = 0;
	op->last = true;
	op->payload = payload;
}

/* How the process of the responder is reached: by itself the sender, or by mail. */
bool pass_by_mail(const struct pass *p, uint32_t process)
{
	if (p->device->transport == TRANSPORT_DIRECT || process == UINT16_MAX)
		return false;
	if (p->device->transport == TRANSPORT_QUEUE)
		return true;
	return process != p->fabric->self && fabric_reach(p->fabric, process) == REACH_QUEUE;
}

static bool nobody(struct answer *answer)
{
	*answer = (struct answer){ .status = RESPOND_NOTHING };
	return true;
}

/* Have OP carried out.  Returns false while it is on its way. */
static bool carry_out(struct pass *p, struct shared_sqe *sqe, struct op *op, struct answer *answer)
{
	struct fabric *fabric = p->fabric;
	struct shared_qp *to = qp_find(fabric, op->to, op->to_qpn);
	uint32_t process = to ? to->head.owner : UINT16_MAX;
	int64_t again = INT64_MAX;

	if (!sqe->mail_state && !pass_by_mail(p, process)) {
		/* what the dead leave behind could still say no, or take an empty message */
		if (to && !fabric_alive(fabric, process))
			return nobody(answer);
		respond(fabric, op, answer);
		if (answer->status != RESPOND_QUEUE)
			return true;
		fabric_unreach(fabric, process);
	}
	/* only its own process has a requester's memory at hand */
	if (p->qp->head.owner != fabric->self) {
		look_again(p, now_of(p) + 1000);
		return false;
	}
	if (mailbox_ask(fabric, p->qp, sqe, op, process, answer, &again))
		return true;
	look_again(p, again);
	return false;
}

/* To the members of the group on one device. */
static void to_members(struct pass *p, struct op *op)
{
	const struct shared_path *path = &op->path;
	struct shared_group *group = group_find(p->fabric, op->to, path->dgid, path->dlid);
	struct answer answer;

	for (uint32_t i = 0; group && i < GROUP_MEMBERS; i++) {
		struct shared_qp *to;

		op->to_qpn = atomic_load(&group->qpn[i]);
		to = op->to_qpn ? qp_find(p->fabric, op->to, op->to_qpn) : NULL;
		if (!to)
			continue;
		if (pass_by_mail(p, to->head.owner))
			mailbox_throw(p->fabric, op, to->head.owner);
		else
			respond(p->fabric, op, &answer);
	}
}

static void to_group(struct pass *p, struct op *op)
{
	uint32_t devices = p->fabric->segment.header->devices;

	for (op->to = 0; op->to < devices; op->to++)
		to_members(p, op);
	count(&p->device->counters.multicast_xmit, 1);
}

/* Whether the responder's process has died, and nobody has cleared up yet. */
static bool is_dead(struct pass *p, const struct op *op)
{
	struct shared_qp *to = NULL;

	if (op->to != UINT32_MAX)
		to = qp_find(p->fabric, op->to, op->to_qpn);
	if (!to || fabric_alive(p->fabric, to->head.owner))
		return false;
	progress_dead(to->head.owner);
	return true;
}

/* Returns whether the request has come to its end, with *STATUS. */
static bool ask(struct pass *p, struct shared_sqe *sqe, uint64_t number, struct payload *payload,
		int *status)
{
	struct answer answer;
	struct op op;

	fill_op(&op, p, sqe, number, payload);
	if (op.path.multicast && op.type == QP_UD) {
		to_group(p, &op);
		return true;
	}
	if (op.to == UINT32_MAX ||
	    atomic_load_explicit(&p->device->port_state, memory_order_relaxed) != PORT_ACTIVE)
		answer.status = RESPOND_NOTHING;
	else if (!carry_out(p, sqe, &op, &answer))
		return false;
	if (sqe->mail_state | sqe->mail_credit)
		mailbox_forget(p->fabric, p->qp->head.owner, sqe);
	if (!reliable(p->qp)) {
		/* nobody says how it went */
		*status = answer.status == WC_LOC_PROT_ERR ? WC_LOC_PROT_ERR : WC_SUCCESS;
		return true;
	}
	/* who clears up behind the dead takes their keys away first */
	if (answer.status != WC_SUCCESS && is_dead(p, &op))
		answer.status = RESPOND_NOTHING;
	if (answer.status == RESPOND_RNR)
		return not_ready(p, sqe, &answer, status);
	if (answer.status >= RESPOND_RNR)
		return no_answer(p, sqe);
	*status = answer.status;
	sqe->result = answer.original;
	return true;
}

int pass_prepare(struct pass *p, struct shared_sqe *sqe, struct payload *payload)
{
	int status = check(p, sqe);

	if (!status)
		status = pass_gather(p, sqe, payload);
	if (!status && p->device->strict)
		strict_sent(p->fabric, p->qp, sqe);
	return status;
}

bool pass_ask(struct pass *p, struct shared_sqe *sqe, uint64_t number, int *status)
{
	struct payload payload;

	*status = pass_prepare(p, sqe, &payload);
	return *status || ask(p, sqe, number, &payload, status);
}
