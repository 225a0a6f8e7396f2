/* SPDX-License-Identifier: Apache-2.0 */
#include "device/pass.h"

#include "devhook.h"
#include "device/event.h"
#include "device/flight.h"
#include "device/mailbox.h"
#include "device/net.h"
#include "device/progress.h"
#include "device/respond.h"
#include "device/section.h"

#include <errno.h>
#include <string.h>

#define NEVER INT64_MAX

void pass_tell_hook(struct pass *p, const struct shared_sqe *sqe, enum devhook_what what,
		    int64_t time, int64_t until, uint32_t resent)
{
	const struct shared_qp *qp = p->qp;
	struct devhook_event event = {
		.version = DEVHOOK_VERSION,
		.what = what,
		.time = time ? time : now_of(p),
		.until = until || what == DEVHOOK_QUEUED || !devhook_every() ? until : now_of(p),
		.device = qp->device,
		.qpn = atomic_load_explicit(&qp->head.number, memory_order_relaxed),
		.remote_device = path_of(qp, sqe)->device,
		.remote_qpn = qp->type == QP_UD ? sqe->remote_qpn : qp->dest_qpn,
		.wr_id = sqe->wr_id,
		.bytes = sqe->bytes,
		.opcode = sqe->opcode,
		.status = sqe->status,
		.resent = resent,
	};

	netemu_trace_hook(&event);
}

static inline void tell(struct pass *p, const struct shared_sqe *sqe, enum devhook_what what,
			int64_t time, int64_t until)
{
	if (__builtin_expect(netemu_trace_hook != NULL, 0))
		pass_tell_hook(p, sqe, what, time, until, 0);
}

/* --- first step: its times --- */

/* Of an atomic it has been 8 so far, whatever room there is for its result. */
static void set_bytes(struct shared_sqe *sqe)
{
	sqe->bytes = 0;
	for (uint32_t i = 0; i < sqe->sges; i++)
		sqe->bytes += sqe->sge[i].length;
}

/* What volume 1 allows to be on its way: a bound on reads and atomics, none of them
 * before a fence.
 */
static bool may_send(const struct pass *p, const struct shared_sqe *sqe)
{
	uint32_t reads = atomic_load_explicit(&p->qp->outstanding_reads, memory_order_relaxed);

	if (!reads)
		return true;
	if (sqe->flags & SEND_FENCE)
		return false;
	return !(is_read(sqe) || is_atomic(sqe)) || reads < p->qp->max_rd_atomic;
}

static void count_times(struct pass *p, struct shared_sqe *sqe, const struct net_times *times)
{
	sqe->packets = times->packets;
	if (times->resent)
		count(&p->qp->resent, times->resent);
	if (times->timeouts)
		count(&p->qp->timeouts, times->timeouts);
}

/* Help from the process that waits for the message. */
static void ask_for_help(struct pass *p, const struct shared_sqe *sqe)
{
	const struct shared_path *path = path_of(p->qp, sqe);
	uint32_t qpn = p->qp->type == QP_UD ? sqe->remote_qpn : p->qp->dest_qpn;
	struct shared_qp *to;

	if (path->device == UINT32_MAX || path->multicast)
		return;
	to = qp_find(p->fabric, path->device, qpn);
	if (to && to->head.owner != p->qp->head.owner && !pass_by_mail(p, to->head.owner))
		progress_hint(p->fabric, p->qp, to->head.owner, sqe->deliver_at);
}

static inline struct net_message message_of(const struct pass *p, const struct shared_sqe *sqe)
{
	const struct shared_qp *qp = p->qp;
	const struct shared_path *path = path_of(qp, sqe);

	return (struct net_message){
		.from = qp->device,
		.to = path->multicast ? qp->device : path->device,
		.type = qp->type,
		.response = is_read(sqe) || is_atomic(sqe),
		.bytes = is_atomic(sqe) ? 8 : sqe->bytes,
		.mtu = mtu_of(p),
		.timeout = qp->timeout,
		.retry_count = qp->retry_count,
	};
}

/* A request may be carried out and its answer never come.  Of a read the answer is all
 * there is.
 */
static enum sqe_lost lost_of(const struct shared_sqe *sqe, const struct net_times *times)
{
	if (!times->delivered || (times->failed && is_read(sqe)))
		return SQE_LOST;
	return times->failed ? SQE_UNHEARD : SQE_ARRIVES;
}

/* Returns false when there is no room on the links now. */
static bool plan(struct pass *p, struct shared_sqe *sqe)
{
	struct shared_qp *qp = p->qp;
	struct net_message message = message_of(p, sqe);
	struct net_times times = { .delivered = true };
	int64_t again = NEVER;

	/* cleared here, not for every request that is posted: most need no network */
	if (!sqe->posted_at && !sqe->retry_since)
		sqe->net = (struct net_state){ .stage = 0 };
	if (!sqe->posted_at)
		sqe->posted_at = now_of(p);
	if (!net_send(p->fabric, &qp->stream, sqe, &message, now_of(p), &times, &again)) {
		look_again(p, again);
		return false;
	}
	sqe->sent_at = times.sent;
	sqe->deliver_at = times.deliver;
	sqe->ack_at = reliable(qp) ? times.ack : times.sent;
	sqe->lost = lost_of(sqe, &times);
	if (sqe->lost == SQE_LOST)
		sqe->deliver_at = sqe->ack_at;
	count_times(p, sqe, &times);
	if (__builtin_expect(netemu_trace_hook != NULL, 0))
		pass_tell_hook(p, sqe, DEVHOOK_WIRE, times.sent, times.deliver, times.resent);
	if (sqe->lost != SQE_LOST)
		ask_for_help(p, sqe);
	return true;
}

static bool uses_links(const struct shared_qp *qp, const struct shared_sqe *sqe)
{
	const struct shared_path *path = path_of(qp, sqe);

	return !is_local(sqe) && (path->device != UINT32_MAX || path->multicast);
}

static bool send_one(struct pass *p)
{
	struct shared_qp *qp = p->qp;
	uint64_t sent = get(&qp->sq_sent);
	struct shared_sqe *sqe;

	if (sent == get(&qp->sq_posted))
		return false;
	sqe = sqe_at(p, sent);
	/* a queue that drains sends again only what it has sent before */
	if (atomic_load_explicit(&qp->state, memory_order_relaxed) != QP_RTS && !sqe->retry_since)
		return false;
	/* until it is sent, deliver_at says when it may be */
	if (!is_time(p, sqe->deliver_at) || !may_send(p, sqe))
		return false;
	if (is_atomic(sqe))
		set_bytes(sqe);
	if (!sqe->retry_since && !sqe->posted_at)
		tell(p, sqe, DEVHOOK_QUEUED, sqe->posted_at, 0);
	if (p->ideal || !uses_links(qp, sqe))
		sqe->sent_at = sqe->deliver_at = sqe->ack_at = 0;
	else if (!plan(p, sqe))
		return false;
	if (p->ideal && devhook_every() && uses_links(qp, sqe))
		pass_tell_hook(p, sqe, DEVHOOK_WIRE, 0, 0, 0);
	if (is_read(sqe) || is_atomic(sqe))
		atomic_fetch_add_explicit(&qp->outstanding_reads, 1, memory_order_relaxed);
	sqe->state = SQE_SENT;
	set(&qp->sq_sent, sent + 1);
	return true;
}

/* --- second step: the responder --- */

static int run_local(struct pass *p, const struct shared_sqe *sqe)
{
	if (sqe->opcode == WR_BIND_MW)
		return window_bind(p->fabric, p->qp, sqe);
	return window_invalidate(p->fabric, p->qp, sqe->imm);
}

static bool forced(struct pass *p, const struct shared_sqe *sqe, int *status)
{
	struct shared_qp *qp = p->qp;
	uint32_t force = atomic_load_explicit(&qp->force_status, memory_order_relaxed);

	if (__builtin_expect(!force, 1) || atomic_load(&qp->force_wr_id) != sqe->wr_id)
		return false;
	atomic_store(&qp->force_status, 0);
	*status = (int)force;
	return true;
}

static void count_out(struct pass *p, const struct shared_sqe *sqe)
{
	struct net_message message = message_of(p, sqe);

	if (!sqe->deliver_at && message.to != UINT32_MAX)
		net_count(p->fabric, &p->qp->stream, &message); /* net_send() has not */
	if (!is_read(sqe))
		set(&p->qp->tx_bytes, get(&p->qp->tx_bytes) + message.bytes);
	set(&p->qp->tx_messages, get(&p->qp->tx_messages) + 1);
}

static void note_lateness(struct pass *p, int64_t deliver_at)
{
	int64_t late;
	uint32_t bucket;

	if (!deliver_at)
		return;
	late = now_of(p) - deliver_at;
	bucket = late > 0 ? 64 - (uint32_t)__builtin_clzll((uint64_t)late) : 0;
	count(&p->device->lateness[bucket < LATENESS_BUCKETS ? bucket : LATENESS_BUCKETS - 1], 1);
}

/* One that has failed is the last to be delivered. */
static bool has_failed(const struct pass *p, uint64_t delivered)
{
	return delivered != get(&p->qp->sq_acked) && sqe_at(p, delivered - 1)->status != WC_SUCCESS;
}

static inline bool in_flight(const struct pass *p)
{
	return flight_first(p->fabric, p->qp) != NULL;
}

/* The next that has left arrives (flight.h). */
static bool arrive_one(struct pass *p)
{
	struct shared_sqe *sqe = flight_first(p->fabric, p->qp);
	int status;

	if (!sqe || !is_time(p, sqe->deliver_at) || !pass_ask(p, sqe, 0, &status))
		return false;
	note_lateness(p, sqe->deliver_at);
	tell(p, sqe, DEVHOOK_DELIVERED, 0, sqe->deliver_at);
	flight_end(p->fabric, p->qp);
	return true;
}

/* Whether SQE goes the way of a flight when it has left. */
static bool flies(const struct pass *p, const struct shared_sqe *sqe)
{
	return !reliable(p->qp) && !is_local(sqe) && sqe->lost != SQE_LOST;
}

/* SQE leaves.  Returns as carry_out(). */
static bool depart(struct pass *p, struct shared_sqe *sqe, int *status)
{
	return is_time(p, sqe->sent_at) && (forced(p, sqe, status) || flight_begin(p, sqe, status));
}

/* Returns whether SQE, number AT, has come as far as this queue is concerned, with
 * *STATUS.
 */
static bool carry_out(struct pass *p, struct shared_sqe *sqe, uint64_t at, int *status)
{
	struct shared_qp *qp = p->qp;
	/* A read is one copy, from the responder's memory straight to the requester's,
	 * so it is done when its data are due there.  What comes behind it waits for
	 * that, or a later write would change what is still to be read.
	 */
	int64_t time = is_read(sqe) ? sqe->ack_at : sqe->deliver_at;

	if (flies(p, sqe) && flight_first(p->fabric, qp))
		return depart(p, sqe, status);
	if (!is_time(p, time))
		return flies(p, sqe) && depart(p, sqe, status);
	if (forced(p, sqe, status))
		;
	else if (is_local(sqe))
		*status = pass_opcodes[qp->type] & 1 << sqe->opcode ? run_local(p, sqe)
								    : WC_LOC_QP_OP_ERR;
	else if (sqe->lost == SQE_LOST)
		*status = reliable(qp) ? WC_RETRY_EXC_ERR : WC_SUCCESS;
	else if (!pass_ask(p, sqe, at, status))
		return false;
	else if (sqe->lost == SQE_UNHEARD)
		*status = WC_RETRY_EXC_ERR; /* whatever was answered */
	note_lateness(p, time);
	tell(p, sqe, DEVHOOK_DELIVERED, 0, time);
	return true;
}

static bool deliver_one(struct pass *p)
{
	struct shared_qp *qp = p->qp;
	uint64_t at = get(&qp->sq_delivered);
	struct shared_sqe *sqe;
	int status = WC_SUCCESS;

	if (at == get(&qp->sq_sent) || has_failed(p, at))
		return false;
	sqe = sqe_at(p, at);
	if (!carry_out(p, sqe, at, &status))
		return false;
	if (status == WC_SUCCESS && !is_local(sqe))
		count_out(p, sqe);
	sqe->status = (uint32_t)status;
	sqe->state = SQE_DELIVERED;
	set(&qp->sq_delivered, at + 1);
	return true;
}

/* --- third step: the completion --- */

static void complete(struct pass *p, struct shared_sqe *sqe, uint64_t at)
{
	static const uint8_t opcodes[] = {
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
	struct shared_qp *qp = p->qp;
	struct segment *segment = &p->fabric->segment;
	struct shared_cqe entry = {
		.wr_id = sqe->wr_id,
		.qp_at = segment_offset(segment, qp),
		.position = at + 1,
		.time = p->now,
		.qpn = atomic_load_explicit(&qp->head.number, memory_order_relaxed),
		.byte_len = (uint32_t)(is_atomic(sqe) ? 8 : sqe->bytes),
		.status = (uint8_t)sqe->status,
		.opcode = sqe->opcode < sizeof(opcodes) ? opcodes[sqe->opcode] : 0,
	};

	if (!sqe->status && !qp->sq_sig_all && !(sqe->flags & SEND_SIGNALED))
		set(&qp->sq_acked, at + 1);
	else
		cq_push_commit(p->fabric, qp->send_cq_at, &entry, sqe->status != WC_SUCCESS,
			       segment_offset(segment, &qp->sq_acked), at + 1);
	tell(p, sqe, DEVHOOK_COMPLETED, 0, sqe->ack_at);
}

/* All that has not completed does so as flushed, in order. */
static void flush(struct pass *p)
{
	struct shared_qp *qp = p->qp;
	uint64_t end = get(&qp->sq_posted);

	set(&qp->sq_sent, end);
	set(&qp->sq_delivered, end);
	for (uint64_t at = get(&qp->sq_acked); at < end; at++) {
		struct shared_sqe *sqe = sqe_at(p, at);

		sqe->status = WC_WR_FLUSH_ERR;
		mailbox_forget(p->fabric, p->qp->head.owner, sqe);
		complete(p, sqe, at);
	}
	atomic_store(&qp->outstanding_reads, 0);
	atomic_store(&qp->flush, 0);
}

/* A request has completed in error (volume 1, 10.3.1): RC fails as a whole, the send
 * queue of UC and UD alone.
 */
static void fail(struct pass *p)
{
	struct shared_qp *qp = p->qp;
	uint32_t rts = QP_RTS;

	qp_lock_receive(p->fabric, qp);
	if (reliable(qp))
		qp_fail(p->fabric, qp, EVENT_NONE);
	else
		atomic_compare_exchange_strong(&qp->state, &rts, QP_SQE);
	lock_drop(&qp->receive_lock);
}

static void force_failure(struct pass *p)
{
	struct shared_qp *qp = p->qp;

	atomic_store(&qp->force_error, 0);
	qp_lock_receive(p->fabric, qp);
	qp_fail(p->fabric, qp, EVENT_QP_FATAL);
	lock_drop(&qp->receive_lock);
}

/* What an atomic has found goes to where the requester wants it. */
static void store_result(struct pass *p, struct shared_sqe *sqe)
{
	struct payload to, from;

	payload_one(&from, &sqe->result, sizeof(sqe->result));
	if (pass_gather(p, sqe, &to) ||
	    memory_copy(p->fabric, &to, 0, &from, 0, sizeof(sqe->result)) < 0)
		sqe->status = WC_LOC_PROT_ERR;
}

static bool ack_one(struct pass *p)
{
	struct shared_qp *qp = p->qp;
	uint64_t at = get(&qp->sq_acked);
	struct shared_sqe *sqe;

	if (at == get(&qp->sq_delivered))
		return false;
	sqe = sqe_at(p, at);
	if (!is_time(p, sqe->ack_at))
		return false;
	if (is_atomic(sqe) && !sqe->status)
		store_result(p, sqe);
	if (is_read(sqe) || is_atomic(sqe))
		atomic_fetch_sub_explicit(&qp->outstanding_reads, 1, memory_order_relaxed);
	complete(p, sqe, at);
	if (sqe->status) {
		count(&p->device->counters.remote_errors,
		      sqe->status >= WC_REM_INV_REQ_ERR && sqe->status <= WC_REM_OP_ERR);
		fail(p);
		flush(p);
		return false;
	}
	return true;
}

/* --- a queue pair --- */

static void drain(struct pass *p)
{
	struct shared_qp *qp = p->qp;

	uint64_t sent = get(&qp->sq_sent);

	if (get(&qp->sq_acked) != sent ||
	    (sent != get(&qp->sq_posted) && sqe_at(p, sent)->retry_since))
		return;
	qp->drained = 1;
	if (qp->async_at)
		channel_async(p->fabric, segment_at(&p->fabric->segment, qp->async_at),
			      EVENT_SQ_DRAINED, qp->handle, &qp->async_events);
}

static void take_steps(struct pass *p)
{
	bool moved;

	do {
		moved = false;
		while (send_one(p))
			moved = true;
		while (in_flight(p) && arrive_one(p))
			moved = true;
		while (deliver_one(p))
			moved = true;
		while (ack_one(p))
			moved = true;
	} while (moved && get(&p->qp->sq_acked) != get(&p->qp->sq_posted));
}

void progress_qp(struct fabric *fabric, struct shared_qp *qp, int64_t now)
{
	struct pass p = {
		.fabric = fabric,
		.qp = qp,
		.device = fabric_device(fabric, qp->device),
		.now = now,
		.due = NEVER,
		.ideal = net_ideal(fabric),
	};
	_Atomic uint64_t *place = section_enter(fabric);
	uint32_t state;

	if (__builtin_expect(atomic_load_explicit(&qp->force_error, memory_order_relaxed), 0))
		force_failure(&p);
	state = atomic_load(&qp->state);
	if (state == QP_RTS || state == QP_SQD)
		take_steps(&p);
	state = atomic_load(&qp->state);
	if (state == QP_ERR || state == QP_SQE) {
		flush(&p);
		p.due = NEVER;
	} else if (state == QP_SQD && !qp->drained) {
		drain(&p);
	}
	/* whatever becomes of the queue, what has left it arrives */
	while (in_flight(&p) && arrive_one(&p))
		;
	/* as a rule it has been NEVER, and a store that others must see is slow */
	if (p.due != NEVER || atomic_load_explicit(&qp->due, memory_order_relaxed) != NEVER)
		atomic_store(&qp->due, p.due);
	section_leave(place);
	if (p.due != NEVER && qp->head.owner == fabric->self)
		progress_watch(fabric, qp, p.due);
}
