/* SPDX-License-Identifier: Apache-2.0 */
/* factwaits.c - facts of who waits: for completion events, and for shared receive requests */
#include "trace/factlib.h"

#include <stdlib.h>

/* --- completion events --- */

enum wait {
	WAIT_NONE,
	WAIT_ARMED, /* while requests were outstanding; nothing was taken since */
	WAIT_TAKEN, /* and then an event was waited for */
};

static void arm(struct facts *facts, struct cq_facts *cq, const struct reader_event *event)
{
	const struct vring_call *call = (const struct vring_call *)event->record;

	cq->armed++;
	cq->armed_solicited += call->number != 0;
	cq->wait = cq->ready && cq->outstanding ? WAIT_ARMED : WAIT_NONE;
	cq->wait_thread = event->thread;
	cq->wait_completions = facts->completions;
}

static void take_event(const struct facts *facts, struct cq_facts *cq,
		       const struct reader_event *event)
{
	bool polled = facts->completions != cq->wait_completions;

	if (cq->wait != WAIT_ARMED || polled || event->thread != cq->wait_thread) {
		cq->wait = WAIT_NONE;
		return;
	}
	cq->wait = WAIT_TAKEN;
	cq->wait_time = event->time;
}

void facts_wait_call(struct facts *facts, struct cq_facts *cq, const struct reader_event *event)
{
	if (event->record->call == VCALL_REQ_NOTIFY_CQ)
		arm(facts, cq, event);
	else if (event->record->call == VCALL_GET_CQ_EVENT)
		take_event(facts, cq, event);
}

/* Polls that find nothing are counted, not recorded: there was none between both calls when
 * its thread had none at all since the completion that it took before.
 */
void facts_wait_ends(struct facts *facts, struct cq_facts *cq, uint32_t thread)
{
	bool first = facts->completions == cq->wait_completions + 1;

	if (cq->wait == WAIT_TAKEN && first && thread == cq->wait_thread && !facts->latest_empty &&
	    facts->file->whole)
		fact_happened(&cq->late, cq->wait_time, VCALL_GET_CQ_EVENT);
	cq->wait = WAIT_NONE;
}

/* --- shared receive queues --- */

static struct srq_facts *srq_of(struct facts *facts, uint64_t object)
{
	struct srq_facts *srq = facts->srqs;

	while (srq && srq->object != object)
		srq = srq->next;
	if (srq)
		return srq;
	srq = calloc(1, sizeof(*srq));
	if (!srq)
		return NULL;
	srq->object = object;
	srq->next = facts->srqs;
	return facts->srqs = srq;
}

int facts_srq_posted(struct facts *facts, const struct work *work, uint32_t outstanding)
{
	struct srq_facts *srq = srq_of(facts, work->srq);
	int64_t since = srq ? srq->empty_since : 0;

	if (!srq)
		return -1;
	srq->empty_since = 0;
	if (!since || outstanding != 1 || !facts->file->whole)
		return 0;
	fact_happened(&srq->dry, since, VCALL_POST_SRQ_RECV);
	if (work->post_time - since > srq->longest)
		srq->longest = work->post_time - since;
	return 0;
}

/* The program may know of it later than a message that comes: at least since now. */
int facts_srq_ended(struct facts *facts, const struct work *work, uint32_t outstanding)
{
	struct srq_facts *srq = srq_of(facts, work->srq);

	if (!srq)
		return -1;
	srq->empty_since = outstanding || work->status ? 0 : work->end_time;
	return 0;
}

void facts_srq_gone(struct facts *facts, uint64_t object)
{
	for (struct srq_facts *srq = facts->srqs; srq; srq = srq->next)
		if (srq->object == object)
			srq->empty_since = 0;
}
