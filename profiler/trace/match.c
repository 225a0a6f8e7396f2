/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/match.h"
#include "trace/hash.h"
#include "trace/waiting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_RC = 2,
	QPT_UD = 4,
	QPT_XRC_SEND = 9,
	QPT_XRC_RECV = 10,
	QPS_RESET = 0,
	MASK_STATE = 1 << 0,
	SEND_SIGNALED = 1 << 1,
	WR_RDMA_WRITE_WITH_IMM = 1,
	WR_SEND = 2,
	WR_SEND_WITH_IMM = 3,
	WR_RDMA_READ = 4,
	WR_CMP_AND_SWP = 5,
	WR_FETCH_AND_ADD = 6,
	WR_SEND_WITH_INV = 9,
	WR_BIND_MW = 8,
	WC_BIND_MW = 5,
	WC_RECV = 128,
	WC_UNKNOWN = 255,
};

struct match_pair {
	struct trace_qp *qp;
	struct waiting_queue send, receive;
};

struct shared { /* receive queue */
	uint64_t address;
	uint8_t context;
	bool destroyed;
	struct waiting_queue receive;
};

struct match {
	struct objects *objects;
	struct match_handler handler;
	bool whole;
	uint64_t posts;
	struct waiting_list waiting;
	struct hash shared_by;  /* (address, 0): struct shared */
	struct shared **shared; /* in the order in which they were met */
	uint32_t shareds, shared_room;
	uint64_t queues; /* numbers given */
};

struct match *match_create(struct objects *objects, const struct match_handler *handler, bool whole)
{
	struct match *match = calloc(1, sizeof(*match));

	if (!match)
		return NULL;
	match->objects = objects;
	match->handler = *handler;
	match->whole = whole;
	return match;
}

void match_free(struct match *match)
{
	if (!match)
		return;
	for (uint32_t i = 0; i < match->objects->qps; i++) {
		struct match_pair *pair = match->objects->qp[i]->match;

		if (!pair)
			continue;
		waiting_free(pair->send.first);
		waiting_free(pair->receive.first);
		free(pair);
		match->objects->qp[i]->match = NULL;
	}
	for (uint32_t i = 0; i < match->shareds; i++) {
		waiting_free(match->shared[i]->receive.first);
		free(match->shared[i]);
	}
	free(match->shared);
	waiting_release(&match->waiting);
	hash_release(&match->shared_by);
	free(match);
}

/* --- queues --- */

static struct match_pair *pair_of(struct match *match, struct trace_qp *qp)
{
	if (qp->match)
		return qp->match;
	qp->match = calloc(1, sizeof(*qp->match));
	if (!qp->match)
		return NULL;
	qp->match->qp = qp;
	qp->match->send.number = ++match->queues;
	qp->match->receive.number = ++match->queues;
	return qp->match;
}

static struct shared *shared_of(struct match *match, uint64_t address, uint8_t context)
{
	struct shared *shared = hash_get(&match->shared_by, address, 0), **grown;
	uint32_t room = match->shared_room ? 2 * match->shared_room : 8;

	if (shared)
		return shared;
	if (match->shareds == match->shared_room) {
		grown = reallocarray(match->shared, room, sizeof(struct shared *));
		if (!grown)
			return NULL;
		match->shared = grown;
		match->shared_room = room;
	}
	shared = calloc(1, sizeof(*shared));
	if (!shared)
		return NULL;
	*shared = (struct shared){ .address = address, .context = context };
	shared->receive.number = ++match->queues;
	match->shared[match->shareds++] = shared;
	return hash_put(&match->shared_by, address, 0, shared) < 0 ? NULL : shared;
}

/* --- ends --- */

static int tell(const struct match *match,
		int (*fn)(void *arg, const struct work *work, const struct match_depth *depth),
		const struct work *work, const struct waiting_queue *queue)
{
	const struct match_depth depth = { .outstanding = queue->count };

	return fn ? fn(match->handler.arg, work, &depth) : 0;
}

static int end_work(struct match *match, struct waiting *waiting)
{
	struct work work = waiting->work;
	struct waiting_queue *queue = waiting->queue;

	waiting_remove(&match->waiting, waiting);
	work.completed = true;
	return tell(match, match->handler.ended, &work, queue);
}

static int leave_all(struct match *match, struct waiting_queue *queue, bool unsure)
{
	while (queue->first) {
		struct work work = queue->first->work;

		work.unsure = unsure;
		waiting_remove(&match->waiting, queue->first);
		if (match->handler.left && match->handler.left(match->handler.arg, &work) < 0)
			return -1;
	}
	return 0;
}

/* --- posts --- */

/* Messages that take a receive request of the peer. */
static bool is_message(uint8_t opcode)
{
	return opcode == WR_SEND || opcode == WR_SEND_WITH_IMM || opcode == WR_SEND_WITH_INV ||
	       opcode == WR_RDMA_WRITE_WITH_IMM;
}

/* Only what was recorded from the beginning has the same numbers on both sides. */
static bool is_numbered(const struct trace_qp *qp)
{
	return qp->known && !qp->opened &&
	       (qp->type == QPT_RC || qp->type == QPT_XRC_SEND || qp->type == QPT_XRC_RECV);
}

static void set_message(const struct match *match, struct work *work, struct waiting_queue *queue)
{
	work->message = queue->messages++;
	work->has_message = match->whole && is_numbered(work->qp);
}

/* What a request has beyond its elements stands last. */
static const struct vring_more *more_of(const struct reader_event *event, const struct trace_qp *qp,
					const struct vring_send *send)
{
	uint32_t elements = send->sges > 1 ? (send->sges + 2U) / 4 : 0;
	bool has = qp->type == QPT_UD || qp->type == QPT_XRC_SEND ||
		   send->opcode == WR_CMP_AND_SWP || send->opcode == WR_FETCH_AND_ADD ||
		   send->more == elements + 1;

	return has && send->more ? (const struct vring_more *)(event->record + send->more) : NULL;
}

static void set_target(const struct match *match, struct work *work, const struct vring_more *more)
{
	work->to = work->qp->peer;
	work->to_qpn = work->qp->peer_qpn;
	if (!more || !more->ah)
		return;
	work->to = (struct trace_address){ 0 };
	work->to_qpn = more->remote_qpn;
	objects_ah(match->objects, more->ah, &work->to);
}

static struct work posted_work(const struct reader_event *event)
{
	return (struct work){
		.posted = true,
		.post_thread = event->thread,
		.post_time = event->time,
		.post_duration = event->duration,
	};
}

static int post(struct match *match, struct waiting_queue *queue, struct work *work, bool named)
{
	work->number = ++match->posts;
	work->refused = work->error;
	if (!work->refused && waiting_add(&match->waiting, queue, work, !named) < 0)
		return -1;
	return tell(match, match->handler.posted, work, queue);
}

static int take_send(struct match *match, const struct reader_event *event)
{
	const struct vring_send *send = (const struct vring_send *)event->record;
	struct trace_qp *qp = objects_qp(match->objects, send->context, send->qpn);
	struct match_pair *pair = qp ? pair_of(match, qp) : NULL;
	struct work work = posted_work(event);

	if (!pair)
		return -1;
	work.qp = qp;
	work.opcode = send->opcode;
	work.flags = send->flags;
	work.sges = send->sges;
	work.error = send->error;
	work.bytes = send->bytes;
	work.imm = send->imm;
	work.wr_id = send->wr_id;
	work.address = send->address;
	work.remote_address = send->remote_address;
	work.lkey = send->lkey;
	work.rkey = send->rkey;
	set_target(match, &work, more_of(event, qp, send));
	if (!work.error && is_message(work.opcode))
		set_message(match, &work, &pair->send);
	return post(match, &pair->send, &work, true);
}

/* A window that is bound by a call of its own is a send request, of which wr_id and flags
 * are not recorded.
 */
static int take_bind(struct match *match, const struct reader_event *event)
{
	const struct vring_call *call = (const struct vring_call *)event->record;
	struct trace_qp *qp = objects_qp(match->objects, call->context, call->number);
	struct match_pair *pair = qp ? pair_of(match, qp) : NULL;
	struct work work = posted_work(event);

	if (!pair)
		return -1;
	work.qp = qp;
	work.opcode = WR_BIND_MW;
	work.error = (uint8_t)call->result;
	work.address = call->a;
	work.bytes = call->b;
	work.rkey = (uint32_t)call->c;
	set_target(match, &work, NULL);
	return post(match, &pair->send, &work, false);
}

static int take_receive(struct match *match, const struct reader_event *event)
{
	const struct vring_receive *receive = (const struct vring_receive *)event->record;
	struct work work = posted_work(event);
	struct match_pair *pair;
	struct shared *shared;

	work.receive = true;
	work.opcode = WC_RECV;
	work.sges = receive->sges;
	work.error = receive->error;
	work.bytes = receive->bytes;
	work.wr_id = receive->wr_id;
	work.address = receive->address;
	work.lkey = receive->lkey;
	if (receive->call == VCALL_POST_SRQ_RECV) {
		work.srq = receive->srq;
		shared = shared_of(match, receive->srq, receive->context);
		return shared ? post(match, &shared->receive, &work, true) : -1;
	}
	work.qp = objects_qp(match->objects, receive->context, receive->qpn);
	pair = work.qp ? pair_of(match, work.qp) : NULL;
	return pair ? post(match, &pair->receive, &work, true) : -1;
}

/* --- completions --- */

static bool is_signaled(const struct work *work)
{
	return work->flags & SEND_SIGNALED || work->qp->sig_all;
}

/* The request of a send queue that a completion with WR_ID ends, or NULL. */
static struct waiting *find_send(const struct match *match, const struct match_pair *pair,
				 const struct vring_wc *wc)
{
	struct waiting *first = waiting_first(&match->waiting, &pair->send, wc->wr_id),
		       *waiting = first;

	/* an error makes a completion of any request */
	if (wc->status)
		return first;
	if (wc->opcode == WC_BIND_MW && (!first || first->work.opcode != WR_BIND_MW))
		return waiting_nameless(&match->waiting, &pair->send);
	while (waiting && !is_signaled(&waiting->work))
		waiting = waiting->same_next;
	return waiting ? waiting : first;
}

/* Shared queues that QP does not say it takes requests from: of XRC, or its creation was
 * not recorded.
 */
static struct waiting *find_shared(const struct match *match, const struct trace_qp *qp,
				   uint64_t wr_id)
{
	struct waiting *found;

	for (uint32_t i = 0; i < match->shareds; i++) {
		const struct shared *shared = match->shared[i];

		if (shared->destroyed || shared->context != qp->context)
			continue;
		found = waiting_first(&match->waiting, &shared->receive, wr_id);
		if (found)
			return found;
	}
	return NULL;
}

static struct waiting *find_receive(const struct match *match, const struct match_pair *pair,
				    uint64_t wr_id)
{
	const struct trace_qp *qp = pair->qp;
	const struct shared *shared = hash_get(&match->shared_by, qp->srq, 0);
	struct waiting *found = NULL;

	if (qp->srq)
		return shared ? waiting_first(&match->waiting, &shared->receive, wr_id) : NULL;
	found = waiting_first(&match->waiting, &pair->receive, wr_id);
	if (!found && (!qp->known || qp->type == QPT_XRC_RECV))
		found = find_shared(match, qp, wr_id);
	return found;
}

static uint8_t request_of(uint8_t wc_opcode)
{
	static const uint8_t opcodes[] = {
		WR_SEND, 0, WR_RDMA_READ, WR_CMP_AND_SWP, WR_FETCH_AND_ADD, 8, 7, 10, 14, 15
	};

	return wc_opcode < sizeof(opcodes) ? opcodes[wc_opcode] : WC_UNKNOWN;
}

/* What a completion says of the request that it ends. */
static void set_end(struct work *work, const struct reader_event *event)
{
	const struct vring_wc *wc = (const struct vring_wc *)event->record;

	work->completed = true;
	work->wr_id = wc->wr_id;
	work->status = wc->status;
	work->wc_flags = wc->flags;
	work->end_thread = event->thread;
	work->end_time = event->time;
}

static void set_received(const struct match *match, struct work *work, struct match_pair *pair,
			 const struct vring_wc *wc)
{
	work->qp = pair->qp;
	work->to = pair->qp->peer;
	work->to_qpn = pair->qp->peer_qpn;
	if (wc->status)
		return;
	work->opcode = wc->opcode;
	work->bytes = wc->bytes;
	work->imm = wc->imm;
	work->src_qpn = wc->src_qp;
	set_message(match, work, &pair->receive);
}

/* Unsignaled requests before WAITING have ended with it. */
static int end_before(struct match *match, const struct waiting *waiting,
		      const struct reader_event *event)
{
	struct waiting *at = waiting->queue->first, *next;

	for (; at != waiting; at = next) {
		next = at->next;
		if (is_signaled(&at->work))
			continue;
		at->work.inferred = true;
		at->work.end_thread = event->thread;
		at->work.end_time = event->time;
		if (end_work(match, at) < 0)
			return -1;
	}
	return 0;
}

static int end_send(struct match *match, struct waiting *waiting, const struct reader_event *event)
{
	if (end_before(match, waiting, event) < 0)
		return -1;
	set_end(&waiting->work, event);
	waiting->queue->answered = true;
	return end_work(match, waiting);
}

static int end_receive(struct match *match, struct match_pair *pair, struct waiting *waiting,
		       const struct reader_event *event)
{
	set_end(&waiting->work, event);
	set_received(match, &waiting->work, pair, (const struct vring_wc *)event->record);
	waiting->queue->answered = true;
	return end_work(match, waiting);
}

/* Its post is not there: it was overwritten, or filtered, or nobody saw it. */
static int end_unposted(struct match *match, struct match_pair *pair,
			const struct reader_event *event)
{
	const struct vring_wc *wc = (const struct vring_wc *)event->record;
	bool receive = !wc->status && wc->opcode & WC_RECV;
	struct work work = {
		.qp = pair->qp,
		.receive = receive,
		.opcode = wc->status ? WC_UNKNOWN : request_of(wc->opcode),
		.wr_id = wc->wr_id,
		.to = pair->qp->peer,
		.to_qpn = pair->qp->peer_qpn,
	};

	set_end(&work, event);
	if (receive)
		set_received(match, &work, pair, wc);
	else if (work.opcode == WR_RDMA_READ)
		work.bytes = wc->bytes;
	if (receive)
		work.srq = pair->qp->srq;
	return tell(match, match->handler.ended, &work, receive ? &pair->receive : &pair->send);
}

static int take_wc(struct match *match, const struct reader_event *event)
{
	const struct vring_wc *wc = (const struct vring_wc *)event->record;
	struct trace_qp *qp = objects_qp(match->objects, wc->context, wc->qpn);
	struct match_pair *pair = qp ? pair_of(match, qp) : NULL;
	struct waiting *found = NULL;
	bool receive = wc->opcode & WC_RECV;

	if (!pair)
		return -1;
	*(receive ? &pair->receive.answered : &pair->send.answered) = true;
	/* an error does not say what it was */
	if (wc->status || !receive)
		found = find_send(match, pair, wc);
	if (found)
		return end_send(match, found, event);
	if (wc->status || receive)
		found = find_receive(match, pair, wc->wr_id);
	return found ? end_receive(match, pair, found, event) : end_unposted(match, pair, event);
}

/* --- ends of queues --- */

static int leave_pair(struct match *match, struct match_pair *pair)
{
	if (leave_all(match, &pair->send, false) < 0 || leave_all(match, &pair->receive, false) < 0)
		return -1;
	return 0;
}

static int take_destroyed(struct match *match, const struct reader_event *event)
{
	struct trace_qp *qp = match->objects->changed;

	(void)event;
	if (!qp || !qp->match || !qp->destroyed)
		return 0;
	if (leave_pair(match, qp->match) < 0)
		return -1;
	free(qp->match);
	qp->match = NULL;
	return 0;
}

static void begin_again(struct waiting_queue *queue)
{
	if (queue->messages & UINT32_MAX)
		queue->messages = ((queue->messages >> 32) + 1) << 32;
}

/* A reset forgets what is outstanding, and its peer has to be reset, too. */
static int take_modified(struct match *match, const struct reader_event *event)
{
	const struct vring_call *call = (const struct vring_call *)event->record;
	struct trace_qp *qp = match->objects->changed;
	struct match_pair *pair = qp ? qp->match : NULL;

	if (!pair || !(call->a & MASK_STATE) || qp->state != QPS_RESET)
		return 0;
	if (leave_pair(match, pair) < 0)
		return -1;
	begin_again(&pair->send);
	begin_again(&pair->receive);
	return 0;
}

static int take_destroyed_srq(struct match *match, const struct reader_event *event)
{
	const struct vring_call *call = (const struct vring_call *)event->record;
	struct shared *shared =
		call->result ? NULL : hash_remove(&match->shared_by, call->object, 0);

	if (!shared)
		return 0;
	shared->destroyed = true;
	return leave_all(match, &shared->receive, false);
}

/* --- rings that begin in the middle --- */

/* Threads' records may begin at different times.  A queue that only posts were met of until
 * another thread's begin may have had its completions there: with them, the wrong ones would
 * be matched for ever after.
 */
static int leave_unanswered(struct match *match, struct waiting_queue *queue)
{
	return queue->answered ? 0 : leave_all(match, queue, true);
}

static int take_gap(struct match *match)
{
	for (uint32_t i = 0; i < match->objects->qps; i++) {
		struct match_pair *pair = match->objects->qp[i]->match;

		if (pair && (leave_unanswered(match, &pair->send) < 0 ||
			     leave_unanswered(match, &pair->receive) < 0))
			return -1;
	}
	for (uint32_t i = 0; i < match->shareds; i++)
		if (leave_unanswered(match, &match->shared[i]->receive) < 0)
			return -1;
	return 0;
}

/* --- all of it --- */

typedef int take_fn(struct match *match, const struct reader_event *event);

int match_take(struct match *match, const struct reader_event *event)
{
	static take_fn *const takers[VCALL_COUNT] = {
		[VCALL_POST_SEND] = take_send,
		[VCALL_WR] = take_send,
		[VCALL_BIND_MW] = take_bind,
		[VCALL_POST_RECV] = take_receive,
		[VCALL_POST_SRQ_RECV] = take_receive,
		[VCALL_POLL_CQ] = take_wc,
		[VCALL_START_POLL] = take_wc,
		[VCALL_NEXT_POLL] = take_wc,
		[VCALL_MODIFY_QP] = take_modified,
		[VCALL_DESTROY_QP] = take_destroyed,
		[VCALL_DESTROY_SRQ] = take_destroyed_srq,
	};
	uint16_t call = event->record->call;

	if (event->gap && call != VCALL_DEVICE && take_gap(match) < 0)
		return -1;
	return call < VCALL_COUNT && takers[call] ? takers[call](match, event) : 0;
}

int match_finish(struct match *match)
{
	for (uint32_t i = 0; i < match->objects->qps; i++) {
		struct match_pair *pair = match->objects->qp[i]->match;

		if (pair && leave_pair(match, pair) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < match->shareds; i++)
		if (leave_all(match, &match->shared[i]->receive, false) < 0)
			return -1;
	return 0;
}
