/* SPDX-License-Identifier: Apache-2.0 */
/* rules-file.c - rules that look at a whole process */
#include "trace/rulelib.h"
#include "trace/names.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

#define AGAIN_MANY  16     /* registrations of one buffer */
#define SENDS_MANY  1000   /* below, nothing is advised about how to send */
#define POLLS_MANY  100000 /* empty ones */
#define POLLS_SHARE 0.99

static const struct {
	const char *one, *many, *freed;
} kinds[FACT_KINDS] = {
	[FACT_CONTEXT] = { "device", "devices", "closed" },
	[FACT_PD] = { "protection domain", "protection domains", "deallocated" },
	[FACT_XRCD] = { "XRC domain", "XRC domains", "closed" },
	[FACT_MR] = { "memory region", "memory regions", "deregistered" },
	[FACT_MW] = { "memory window", "memory windows", "deallocated" },
	[FACT_DM] = { "piece of device memory", "pieces of device memory", "freed" },
	[FACT_AH] = { "address handle", "address handles", "destroyed" },
	[FACT_CHANNEL] = { "completion channel", "completion channels", "destroyed" },
	[FACT_CQ] = { "completion queue", "completion queues", "destroyed" },
	[FACT_SRQ] = { "shared receive queue", "shared receive queues", "destroyed" },
};

static const char leak_advice[] = "give back what was made, in the reverse order";

static int leaked_kind(struct judge *judge, const struct fact_leak *leak, int kind)
{
	const struct fact fact = { .time = leak->time, .call = leak->call, .count = leak->count };
	char bytes[32], size[64] = "";

	if (!leak->count)
		return 0;
	if (leak->bytes)
		snprintf(size, sizeof(size), " (%s bytes)",
			 units_grouped(bytes, sizeof(bytes), leak->bytes));
	return found(judge, NULL, &fact, leak_advice, "%" PRIu64 " %s%s %s never %s", leak->count,
		     leak->count > 1 ? kinds[kind].many : kinds[kind].one, size,
		     leak->count > 1 ? "were" : "was", kinds[kind].freed);
}

static int leaked_qps(struct judge *judge, const struct facts *facts)
{
	const struct qp_facts *first = NULL;
	struct fact fact = { .call = VCALL_CREATE_QP };

	for (const struct qp_facts *qp = facts->qps; qp; qp = qp->next) {
		if (!qp->qp->known || qp->qp->destroyed || rules_is_broken(qp) ||
		    qp->qp->created <= facts->file->forked)
			continue;
		if (!fact.count++) {
			first = qp;
			fact.time = qp->qp->created;
		}
	}
	if (!first)
		return 0;
	return found(judge, first, &fact, leak_advice, "%" PRIu64 " queue pair%s never destroyed%s",
		     fact.count, fact.count > 1 ? "s were" : " was",
		     fact.count > 1 ? ", the first this one" : "");
}

int rule_leak(struct judge *judge, const struct facts *facts)
{
	if (!facts->file->header.clean)
		return 0;
	for (int kind = 0; kind < FACT_KINDS; kind++)
		if (leaked_kind(judge, &facts->leaks[kind], kind) < 0)
			return -1;
	return leaked_qps(judge, facts);
}

int rule_cq_overflow(struct judge *judge, const struct facts *facts)
{
	for (const struct cq_facts *cq = facts->cqs; cq; cq = cq->next)
		if (cq->overfull.count &&
		    found(judge, NULL, &cq->overfull,
			  "make the queue as large as all that may complete between two polls",
			  "up to %" PRIu64 " completions were due for a completion queue with room "
			  "for %" PRIu32,
			  cq->most, cq->cqe) < 0)
			return -1;
	return 0;
}

int rule_armed_late(struct judge *judge, const struct facts *facts)
{
	for (const struct cq_facts *cq = facts->cqs; cq; cq = cq->next)
		if (cq->late.count &&
		    found(judge, NULL, &cq->late,
			  "poll once more between ibv_req_notify_cq() and waiting: what is in the "
			  "queue already makes no event, and the program may wait for ever",
			  "%" PRIu64 " time%s an event was waited for without a poll since "
			  "ibv_req_notify_cq(), which came while requests were outstanding",
			  cq->late.count, cq->late.count > 1 ? "s" : "") < 0)
			return -1;
	return 0;
}

int rule_srq_dry(struct judge *judge, const struct facts *facts)
{
	for (const struct srq_facts *srq = facts->srqs; srq; srq = srq->next)
		if (srq->dry.count &&
		    found(judge, NULL, &srq->dry,
			  "post more, and earlier; an event says when a limit is reached "
			  "(ibv_modify_srq with IBV_SRQ_LIMIT)",
			  "a shared receive queue had no request left %" PRIu64
			  " time%s, for up to %.3f ms: a message that comes then has to wait (RNR)",
			  srq->dry.count, srq->dry.count > 1 ? "s" : "",
			  (double)srq->longest / 1e6) < 0)
			return -1;
	return 0;
}

int rule_unacknowledged(struct judge *judge, const struct facts *facts)
{
	const struct fact *async = &facts->async_taken;

	if (!facts->file->header.clean)
		return 0;
	for (const struct cq_facts *cq = facts->cqs; cq; cq = cq->next)
		if (cq->events.count > cq->acknowledged && !cq->destroyed &&
		    found(judge, NULL, &cq->events,
			  "acknowledge them (ibv_ack_cq_events): destroying the queue waits for it",
			  "%" PRIu64 " of %" PRIu64 " completion events never acknowledged",
			  cq->events.count - cq->acknowledged, cq->events.count) < 0)
			return -1;
	if (async->count <= facts->async_acknowledged)
		return 0;
	return found(judge, NULL, async,
		     "acknowledge them (ibv_ack_async_event): destroying what they are about waits "
		     "for it",
		     "%" PRIu64 " of %" PRIu64 " asynchronous events never acknowledged",
		     async->count - facts->async_acknowledged, async->count);
}

int rule_async_error(struct judge *judge, const struct facts *facts)
{
	static const struct {
		uint8_t type;
		const char *advice;
	} errors[] = {
		{ 0, "a completion queue has overflowed: make it larger, or poll more often" },
		{ 1, "a queue pair cannot go on: destroy it" },
		{ 2, "what the peer asked for is not possible" },
		{ 3, "what the peer asked for is not allowed" },
		{ 7, "the other path cannot be used" },
		{ 8, "the device has failed" },
		{ 14, "a shared receive queue cannot go on: destroy it" },
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		const struct fact *fact = &facts->async[errors[i].type];

		if (fact->count &&
		    found(judge, NULL, fact, errors[i].advice,
			  "the device said %s, %" PRIu64 " time%s", name_event_type(errors[i].type),
			  fact->count, fact->count > 1 ? "s" : "") < 0)
			return -1;
	}
	return 0;
}

/* Calls that fail only where something was done in the wrong order. */
static bool has_to_work(uint16_t call)
{
	static const bool calls[VCALL_COUNT] = {
		[VCALL_CLOSE_DEVICE] = true, [VCALL_DEALLOC_PD] = true,
		[VCALL_CLOSE_XRCD] = true,   [VCALL_DEREG_MR] = true,
		[VCALL_DEALLOC_MW] = true,   [VCALL_FREE_DM] = true,
		[VCALL_DESTROY_AH] = true,   [VCALL_DESTROY_COMP_CHANNEL] = true,
		[VCALL_DESTROY_CQ] = true,   [VCALL_DESTROY_SRQ] = true,
		[VCALL_MODIFY_QP] = true,    [VCALL_DESTROY_QP] = true,
	};

	return call < VCALL_COUNT && calls[call];
}

static int judge_calls(struct judge *judge, const struct facts *facts, bool wrong,
		       const char *advice)
{
	for (const struct fact_call *call = facts->calls; call; call = call->next) {
		const struct fact fact = { .time = call->time,
					   .call = call->call,
					   .count = call->count };

		if (has_to_work(call->call) == wrong &&
		    found(judge, NULL, &fact, advice, "%s failed with %s, %" PRIu64 " time%s",
			  reader_call_name(call->call), rules_error_name(call->result), call->count,
			  call->count > 1 ? "s" : "") < 0)
			return -1;
	}
	return 0;
}

int rule_call_failed(struct judge *judge, const struct facts *facts)
{
	return judge_calls(judge, facts, true,
			   "objects are given back after all that uses them (EBUSY); states of a "
			   "queue pair follow each other, each with its own attributes (EINVAL)");
}

int rule_call_refused(struct judge *judge, const struct facts *facts)
{
	return judge_calls(judge, facts, false,
			   "make sure that the program goes on without what it did not get");
}

int rule_registered_again(struct judge *judge, const struct facts *facts)
{
	const struct fact *fact = &facts->again;
	char bytes[32];

	if (fact->count < AGAIN_MANY)
		return 0;
	return found(judge, NULL, fact, "keep the region, or registrations in a cache",
		     "the same %s bytes at 0x%" PRIx64 " were registered %" PRIu64
		     " times, which took %.3f ms",
		     units_grouped(bytes, sizeof(bytes), fact->bytes), fact->address, fact->count,
		     (double)facts->again_duration / 1e6);
}

int rule_busy_polling(struct judge *judge, const struct facts *facts)
{
	const struct fact fact = { .call = VCALL_POLL_CQ, .count = facts->empty_polls };
	double share = (double)facts->empty_polls /
		       ((double)facts->empty_polls + (double)facts->completions + 1);
	char empty[32], completions[32];

	if (facts->empty_polls < POLLS_MANY || share < POLLS_SHARE)
		return 0;
	return found(judge, NULL, &fact,
		     "where others need the processor, wait for an event (ibv_req_notify_cq, "
		     "ibv_get_cq_event) after some polls",
		     "%s polls found nothing, for %s completion%s",
		     units_grouped(empty, sizeof(empty), facts->empty_polls),
		     units_grouped(completions, sizeof(completions), facts->completions),
		     facts->completions == 1 ? "" : "s");
}

int rule_not_inline(struct judge *judge, const struct facts *facts)
{
	const struct fact *fact = &facts->not_inline;

	if (fact->count < SENDS_MANY || fact->count * 2 < facts->could_inline)
		return 0;
	return found(judge, NULL, fact,
		     "IBV_SEND_INLINE spares the device reading the buffer, and the program "
		     "waiting until it may be used again",
		     "%" PRIu64 " sends are small enough to be inline, and are not", fact->count);
}

int rule_all_signaled(struct judge *judge, const struct facts *facts)
{
	struct fact fact = { .call = VCALL_POST_SEND };

	for (const struct qp_facts *qp = facts->qps; qp; qp = qp->next)
		if (qp->sends >= SENDS_MANY && qp->signaled == qp->sends)
			fact.count += qp->sends;
	if (!fact.count)
		return 0;
	return found(judge, NULL, &fact,
		     "where several are outstanding, one completion in 16 or so tells the same",
		     "%" PRIu64 " sends have a completion each", fact.count);
}
