/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/factlib.h"

#include <errno.h>
#include <stdlib.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_RC = 2,
	SEND_SIGNALED = 1 << 1,
	SEND_SOLICITED = 1 << 2,
	SEND_INLINE = 1 << 3,
	QPS_RESET = 0,
	QPS_RTS = 3,
	WR_RDMA_WRITE_WITH_IMM = 1,
	WR_SEND = 2,
	WR_SEND_WITH_INV = 9,
	WR_RDMA_WRITE = 0,
	WR_SEND_WITH_IMM = 3,
	WR_CMP_AND_SWP = 5,
	WR_FETCH_AND_ADD = 6,
	WC_WR_FLUSH_ERR = 5,
	ATOMIC_BYTES = 8,
};

struct fact *fact_happened(struct fact *fact, int64_t time, uint16_t call)
{
	if (fact->count++)
		return NULL;
	fact->time = time;
	fact->call = call;
	return fact;
}

/* --- queue pairs --- */

static struct qp_facts *qp_facts_of(struct facts_collector *collector, struct trace_qp *qp)
{
	struct qp_facts *facts = qp->user;

	if (facts)
		return facts;
	facts = calloc(1, sizeof(*facts));
	if (!facts)
		return NULL;
	facts->file = collector->facts.index;
	facts->id = qp->id;
	facts->qpn = qp->qpn;
	facts->type = qp->type;
	facts->qp = qp;
	facts->send_cq = facts_cq(collector, qp->send_cq);
	facts->recv_cq = facts_cq(collector, qp->recv_cq);
	facts->numbered = qp->type == QPT_RC && qp->known && !qp->srq;
	facts->least = UINT32_MAX;
	facts->next = collector->facts.qps;
	collector->facts.qps = facts;
	qp->user = facts;
	return facts;
}

static bool is_signaled(const struct work *work)
{
	return work->flags & SEND_SIGNALED || work->qp->sig_all;
}

static uint16_t call_of(const struct work *work)
{
	return work->receive ? VCALL_POST_RECV : VCALL_POST_SEND;
}

static struct fact *refused_of(struct qp_facts *qp, const struct work *work)
{
	if (work->error != ENOMEM)
		return &qp->refused;
	return work->receive ? &qp->full_receive : &qp->full_send;
}

static void note_refused(struct qp_facts *qp, const struct work *work, uint32_t outstanding)
{
	struct fact *fact = fact_happened(refused_of(qp, work), work->post_time, call_of(work));

	if (!fact)
		return;
	fact->error = work->error;
	fact->receive = work->receive;
	fact->opcode = work->opcode;
	fact->outstanding = outstanding;
	fact->wr_id = work->wr_id;
	fact->bytes = work->bytes;
}

/* DELTA requests more, of which QUEUE gets a completion. */
static void expect_completion(struct cq_facts *cq, const struct work *work, int delta)
{
	if (!cq || (delta < 0 && !cq->outstanding))
		return;
	cq->ready |= work->qp->connected != 0;
	cq->outstanding += (uint64_t)(int64_t)delta;
	if (cq->outstanding > cq->most)
		cq->most = cq->outstanding;
	if (delta > 0 && cq->outstanding > cq->cqe)
		fact_happened(&cq->overfull, work->post_time, call_of(work));
}

/* What the call did not refuse, though the queue pair was in no state for it. */
static void note_early(const struct facts *facts, struct qp_facts *qp, const struct work *work)
{
	bool early = work->receive ? qp->qp->state == QPS_RESET : qp->qp->state < QPS_RTS;
	struct fact *fact;

	if (!early || !qp->qp->known || qp->qp->opened || !facts->file->whole)
		return;
	fact = fact_happened(&qp->early, work->post_time, call_of(work));
	if (!fact)
		return;
	fact->receive = work->receive;
	fact->opcode = work->opcode;
	fact->wr_id = work->wr_id;
	fact->bytes = work->bytes;
}

static bool takes_receive(uint8_t opcode)
{
	return opcode == WR_RDMA_WRITE_WITH_IMM || opcode == WR_SEND ||
	       opcode == WR_SEND_WITH_IMM || opcode == WR_SEND_WITH_INV;
}

static void note_unaligned(struct qp_facts *qp, const struct work *work)
{
	struct fact *fact;

	if (work->opcode != WR_CMP_AND_SWP && work->opcode != WR_FETCH_AND_ADD)
		return;
	if (work->remote_address % ATOMIC_BYTES == 0)
		return;
	fact = fact_happened(&qp->unaligned, work->post_time, call_of(work));
	if (fact)
		fact->address = work->remote_address;
}

static void note_inline(struct facts *facts, const struct qp_facts *qp, const struct work *work)
{
	if (!qp->qp->max_inline || work->opcode > WR_SEND_WITH_IMM)
		return;
	facts->could_inline++;
	if (!(work->flags & SEND_INLINE) && work->bytes && work->bytes <= qp->qp->max_inline)
		fact_happened(&facts->not_inline, work->post_time, call_of(work));
}

static void send_posted(struct facts_collector *collector, struct qp_facts *qp,
			const struct work *work, uint32_t outstanding)
{
	struct fact *fact;

	qp->sends++;
	if (takes_receive(work->opcode)) {
		qp->messages++;
		qp->solicited += !!(work->flags & SEND_SOLICITED);
	}
	note_unaligned(qp, work);
	note_inline(&collector->facts, qp, work);
	if (is_signaled(work)) {
		qp->signaled++;
		qp->unsignaled_run = 0;
		expect_completion(qp->send_cq, work, 1);
		return;
	}
	qp->unsignaled_run++;
	if (!qp->qp->max_send_wr || outstanding < qp->qp->max_send_wr ||
	    qp->unsignaled_run < outstanding)
		return;
	fact = fact_happened(&qp->stuck, work->post_time, call_of(work));
	if (fact)
		fact->outstanding = outstanding;
}

static int add_dry(struct qp_facts *qp, uint64_t message, int64_t time)
{
	struct fact_dry *grown;

	if (qp->dries >= FACTS_DRY)
		return 0;
	if (!(qp->dries & (qp->dries - 1))) {
		grown = reallocarray(qp->dry, qp->dries ? 2 * qp->dries : 1, sizeof(*grown));
		if (!grown)
			return -1;
		qp->dry = grown;
	}
	qp->dry[qp->dries++] = (struct fact_dry){ message, time };
	return 0;
}

static int receive_posted(struct qp_facts *qp, const struct work *work, uint32_t outstanding)
{
	qp->receives++;
	qp->outstanding = outstanding;
	expect_completion(qp->recv_cq, work, 1);
	if (qp->numbered && outstanding == 1 && qp->qp->connected &&
	    work->post_time > qp->qp->connected)
		return add_dry(qp, qp->next_message, work->post_time);
	return 0;
}

static int posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct facts_collector *collector = arg;
	struct qp_facts *qp;

	if (work->srq && !work->refused)
		return facts_srq_posted(&collector->facts, work, depth->outstanding);
	if (!work->qp)
		return 0;
	qp = qp_facts_of(collector, work->qp);
	if (!qp)
		return -1;
	if (work->refused) {
		note_refused(qp, work, depth->outstanding);
		return 0;
	}
	note_early(&collector->facts, qp, work);
	if (facts_use_region(collector, qp, work, 1) < 0)
		return -1;
	if (work->receive)
		return receive_posted(qp, work, depth->outstanding);
	send_posted(collector, qp, work, depth->outstanding);
	return 0;
}

static void note_status(struct qp_facts *qp, const struct work *work)
{
	struct fact *fact;

	if (work->status == WC_WR_FLUSH_ERR) {
		qp->flushed++;
		return;
	}
	fact = fact_happened(&qp->failed, work->end_time, VCALL_POLL_CQ);
	if (!fact)
		return;
	fact->error = work->status;
	fact->receive = work->receive;
	fact->opcode = work->opcode;
	fact->bytes = work->bytes;
	fact->wr_id = work->wr_id;
}

/* WORK waits no longer. */
static int gone(struct facts_collector *collector, struct qp_facts *qp, const struct work *work)
{
	if (!work->posted || (work->receive && work->srq))
		return 0;
	if (work->receive)
		expect_completion(qp->recv_cq, work, -1);
	else if (is_signaled(work))
		expect_completion(qp->send_cq, work, -1);
	return facts_use_region(collector, qp, work, -1);
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct facts_collector *collector = arg;
	struct qp_facts *qp = qp_facts_of(collector, work->qp);
	struct cq_facts *cq;

	if (!qp)
		return -1;
	cq = work->receive ? qp->recv_cq : qp->send_cq;
	if (work->status)
		note_status(qp, work);
	if (cq && !work->inferred)
		facts_wait_ends(&collector->facts, cq, work->end_thread);
	if (work->receive && work->srq &&
	    facts_srq_ended(&collector->facts, work, depth->outstanding) < 0)
		return -1;
	if (work->receive && !work->srq) {
		qp->outstanding = depth->outstanding;
		if (depth->outstanding < qp->least)
			qp->least = depth->outstanding;
		if (work->has_message)
			qp->next_message = work->message + 1;
		else
			qp->numbered = false;
	}
	return gone(collector, qp, work);
}

static int left(void *arg, const struct work *work)
{
	struct qp_facts *qp = work->qp ? qp_facts_of(arg, work->qp) : NULL;

	if (!work->qp)
		return 0;
	return qp ? gone(arg, qp, work) : -1;
}

/* --- files --- */

static int begin(void *arg, const struct trace_file *file)
{
	struct facts_collector *collector = arg;

	collector->facts = (struct facts){
		.run = collector->run,
		.file = file,
		.index = (uint32_t)(file - collector->run->file),
	};
	return 0;
}

/* From the last one that was used to the first one that was made. */
static void reverse(struct facts *facts)
{
	struct qp_facts *first = NULL, *next;
	struct cq_facts *first_cq = NULL, *next_cq;

	for (struct qp_facts *qp = facts->qps; qp; qp = next) {
		next = qp->next;
		qp->next = first;
		first = qp;
	}
	for (struct cq_facts *cq = facts->cqs; cq; cq = next_cq) {
		next_cq = cq->next;
		cq->next = first_cq;
		first_cq = cq;
	}
	facts->qps = first;
	facts->cqs = first_cq;
}

/* What the second step needs of a queue pair when the file is not open any more. */
static int settle(struct facts_collector *collector, struct qp_facts *qp)
{
	const struct trace_end *peer =
		trace_run_peer(collector->run, collector->facts.index, qp->qp);

	qp->path_mtu = qp->qp->path_mtu;
	qp->solicited_only = qp->recv_cq && qp->recv_cq->armed &&
			     qp->recv_cq->armed == qp->recv_cq->armed_solicited;
	if (peer) {
		qp->has_peer = true;
		qp->peer_file = peer->file;
		qp->peer_id = peer->qp;
	}
	if (qp->numbered && !qp->outstanding && qp->qp->connected && qp->next_message)
		return add_dry(qp, qp->next_message, qp->qp->ended ? qp->qp->ended : INT64_MAX);
	return 0;
}

static void release_file(struct facts_collector *collector)
{
	struct facts *facts = &collector->facts;
	struct fact_call *call;
	struct srq_facts *srq;
	struct cq_facts *cq;

	while ((cq = facts->cqs)) {
		facts->cqs = cq->next;
		free(cq);
	}
	while ((srq = facts->srqs)) {
		facts->srqs = srq->next;
		free(srq);
	}
	while ((call = facts->calls)) {
		facts->calls = call->next;
		free(call);
	}
	facts_tables_release(&collector->tables);
}

/* They are of no file any more. */
static void keep_qps(struct facts_collector *collector)
{
	struct qp_facts *qp;

	while ((qp = collector->facts.qps)) {
		collector->facts.qps = qp->next;
		qp->qp = NULL;
		qp->send_cq = qp->recv_cq = NULL;
		qp->next = collector->qps;
		collector->qps = qp;
	}
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	struct facts_collector *collector = arg;

	(void)file;
	for (uint32_t i = 0; i < objects->qps; i++)
		if (!qp_facts_of(collector, objects->qp[i]))
			return -1;
	reverse(&collector->facts);
	for (struct qp_facts *qp = collector->facts.qps; qp; qp = qp->next)
		if (settle(collector, qp) < 0)
			return -1;
	facts_sum_leaks(collector);
	if (collector->handler->file(collector->handler->arg, &collector->facts) < 0)
		return -1;
	release_file(collector);
	keep_qps(collector);
	return 0;
}

static void release_qps(struct qp_facts *qps)
{
	struct qp_facts *next;

	for (; qps; qps = next) {
		next = qps->next;
		free(qps->dry);
		free(qps);
	}
}

int facts_collect(const struct trace_run *run, const struct facts_handler *handler, struct err *err)
{
	struct facts_collector collector = { .run = run, .handler = handler };
	const struct trace_handler walk = {
		.arg = &collector,
		.event = facts_event,
		.match = { .posted = posted, .ended = ended, .left = left },
		.begin = begin,
		.end = end,
	};
	int rc = trace_run_walk_all(run, &walk, err);

	release_file(&collector);
	keep_qps(&collector);
	if (rc == 0)
		rc = facts_second_step(&collector, err);
	release_qps(collector.qps);
	return rc;
}
