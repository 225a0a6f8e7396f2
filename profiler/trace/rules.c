/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/rules.h"
#include "trace/names.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_RC = 2,
	QPT_XRC_RECV = 10,
	QPS_RTS = 3,
	QPS_ERR = 6,
};

#define AGAIN_MANY  16     /* registrations of one buffer */
#define SENDS_MANY  1000   /* below, nothing is advised about how to send */
#define POLLS_MANY  100000 /* empty ones */
#define POLLS_SHARE 0.99

const char *const severity_names[SEVERITIES] = { "advice", "warning", "error" };

/* Where findings go, and of which rule they are. */
struct judge {
	struct findings *findings;
	const struct trace_run *run;
	const struct trace_file *file; /* whose findings they are */
	uint32_t rule;
	uint64_t wanted;
};

static const char *error_name(int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);

	return name ? name : "an error";
}

/* "3 sends were", "1 send was". */
#define COUNTED(number, one) (number), (number) == 1 ? one " was" : one "s were"

/* Whom QP is connected to, if that is known. */
static void name_qp(const struct judge *judge, const struct qp_facts *qp, struct finding *finding)
{
	finding->has_qp = true;
	finding->qpn = qp->qpn;
	if (qp->has_peer)
		snprintf(finding->whose, sizeof(finding->whose), "%s, to rank %" PRIu32,
			 name_qp_type(qp->type), judge->run->file[qp->peer_file].rank);
	else
		snprintf(finding->whose, sizeof(finding->whose), "%s", name_qp_type(qp->type));
}

/* A finding of QP (may be NULL) with the sentence FMT.  Returns 0, or -1 with errno. */
__attribute__((format(printf, 5, 6))) static int found(struct judge *judge,
						       const struct qp_facts *qp,
						       const struct fact *fact, const char *advice,
						       const char *fmt, ...)
{
	struct findings *findings = judge->findings;
	struct finding finding = {
		.rule = judge->rule,
		.file = (uint32_t)(judge->file - judge->run->file),
		.rank = judge->file->rank,
		.time = fact->time ? fact->time - judge->run->start : -1,
		.call = fact->call ? reader_call_name(fact->call) : NULL,
		.count = fact->count,
		.advice = advice,
	};
	struct finding *grown;
	va_list ap;
	int length;

	if (qp)
		name_qp(judge, qp, &finding);
	va_start(ap, fmt);
	length = vasprintf(&finding.text, fmt, ap);
	va_end(ap);
	if (length < 0)
		return -1;
	grown = reallocarray(findings->row, findings->count + 1, sizeof(*grown));
	if (!grown) {
		free(finding.text);
		return -1;
	}
	findings->row = grown;
	grown[findings->count++] = finding;
	findings->of[rules_severity(judge->rule)]++;
	return 0;
}

/* "SEND of 64 bytes (wr_id 7)", "receive request (wr_id 7)". */
static const char *request(const struct fact *fact, char *buf, size_t size)
{
	char bytes[32];

	if (fact->receive)
		snprintf(buf, size, "receive request (wr_id %" PRIu64 ")", fact->wr_id);
	else
		snprintf(buf, size, "%s of %s bytes (wr_id %" PRIu64 ")",
			 name_wr_opcode(fact->opcode),
			 units_grouped(bytes, sizeof(bytes), fact->bytes), fact->wr_id);
	return buf;
}

/* --- queue pairs: FN for each one of a file --- */

static int completion_error(struct judge *judge, const struct qp_facts *qp)
{
	static const char *const advice[] = {
		[1] = "a receive request has to have room for the whole message",
		[2] = "the queue pair was not made for what it is asked to do",
		[4] = "buffers have to lie in a registered region of the same protection domain, "
		      "with the access that is needed",
		[6] = "look at the region that the memory window is bound to",
		[7] = "the peer answered with what nobody asked for",
		[8] = "the peer's region has to allow it",
		[9] = "the peer's receive request is too short, its queue pair does not allow the "
		      "operation (qp_access_flags), or the address of an atomic is not aligned",
		[10] = "remote address and rkey have to be of a region that lives, with the access "
		       "that is needed",
		[11] = "look at the peer's own completions",
		[12] = "the peer does not answer: it has ended or is not connected to this queue "
		       "pair, or timeout and retry_cnt are too small",
		[13] = "the peer has to post more receive requests, and earlier; rnr_retry=7 waits "
		       "for ever",
	};
	const struct fact *fact = &qp->failed;
	const char *todo =
		fact->error < sizeof(advice) / sizeof(*advice) ? advice[fact->error] : NULL;
	char what[96], flushed[80] = "";

	if (!fact->count)
		return 0;
	if (qp->flushed)
		snprintf(flushed, sizeof(flushed), "; %" PRIu64 " %s flushed behind it",
			 COUNTED(qp->flushed, "request"));
	return found(judge, qp, fact, todo ? todo : "see the device's own documentation",
		     "%s ended with %s%s%s", request(fact, what, sizeof(what)),
		     name_wc_status(fact->error), fact->count > 1 ? ", the first of several" : "",
		     flushed);
}

static int never_drained(struct judge *judge, const struct qp_facts *qp)
{
	char refused[80] = "";

	if (!qp->stuck.count)
		return 0;
	if (qp->full_send.count)
		snprintf(refused, sizeof(refused), "; %" PRIu64 " %s refused since",
			 COUNTED(qp->full_send.count, "post"));
	return found(judge, qp, &qp->stuck,
		     "ask for a completion (IBV_SEND_SIGNALED) of at least one request in as many "
		     "as the queue has room for, and poll it",
		     "all %" PRIu32
		     " requests that the send queue has room for were unsignaled: no "
		     "completion will ever make room again%s",
		     qp->stuck.outstanding, refused);
}

static int send_queue_full(struct judge *judge, const struct qp_facts *qp)
{
	if (!qp->full_send.count || qp->stuck.count)
		return 0;
	return found(judge, qp, &qp->full_send,
		     "poll completions before more is posted, or ask for a larger max_send_wr",
		     "%" PRIu64 " %s refused with ENOMEM, the first while %" PRIu32
		     " of at most %" PRIu32 " were outstanding",
		     COUNTED(qp->full_send.count, "send"), qp->full_send.outstanding,
		     qp->qp->max_send_wr);
}

static int receive_queue_full(struct judge *judge, const struct qp_facts *qp)
{
	if (!qp->full_receive.count)
		return 0;
	return found(judge, qp, &qp->full_receive,
		     "count what is outstanding, or ask for a larger max_recv_wr",
		     "%" PRIu64 " %s refused with ENOMEM, the first while "
		     "%" PRIu32 " of at most %" PRIu32 " were outstanding",
		     COUNTED(qp->full_receive.count, "receive request"),
		     qp->full_receive.outstanding, qp->qp->max_recv_wr);
}

static int post_refused(struct judge *judge, const struct qp_facts *qp)
{
	char what[96];

	if (!qp->refused.count)
		return 0;
	return found(judge, qp, &qp->refused,
		     "look at the state of the queue pair, at the number of elements and at the "
		     "size of inline data",
		     "%" PRIu64 " %s refused, the first one (%s) with %s",
		     COUNTED(qp->refused.count, "post"), request(&qp->refused, what, sizeof(what)),
		     error_name(qp->refused.error));
}

static int unaligned_atomic(struct judge *judge, const struct qp_facts *qp)
{
	if (!qp->unaligned.count)
		return 0;
	return found(judge, qp, &qp->unaligned, "remote addresses of atomics are multiples of 8",
		     "%" PRIu64
		     " %s posted with an address that is no multiple of 8, the first one "
		     "with 0x%" PRIx64,
		     COUNTED(qp->unaligned.count, "atomic"), qp->unaligned.address);
}

static int memory_pulled(struct judge *judge, const struct qp_facts *qp)
{
	const struct fact *fact = &qp->pulled;
	char bytes[32];

	if (!fact->count)
		return 0;
	return found(judge, qp, fact,
		     "wait for the completions, or destroy the queue pair, before memory is "
		     "deregistered",
		     "a region of %s bytes (lkey 0x%" PRIx64 ") was deregistered while %" PRIu32
		     " %s outstanding with it",
		     units_grouped(bytes, sizeof(bytes), fact->bytes), fact->address,
		     COUNTED(fact->outstanding, "request"));
}

/* Programs make queue pairs to see what a device can do: these have nothing posted. */
static int never_connected(struct judge *judge, const struct qp_facts *qp)
{
	const struct fact fact = { .time = qp->qp->created, .call = VCALL_CREATE_QP, .count = 1 };
	bool kept = !qp->qp->destroyed && judge->file->header.clean;

	if (!qp->qp->known || qp->qp->opened || qp->qp->connected || !(kept || qp->receives))
		return 0;
	return found(judge, qp, &fact, "connect it, or do not make it",
		     "the queue pair was made, but never made ready to receive (RTR); %" PRIu64
		     " %s posted to it",
		     COUNTED(qp->receives, "receive request"));
}

static bool is_broken(const struct qp_facts *qp)
{
	return qp->qp->state == QPS_ERR || qp->failed.count;
}

static int broken_and_kept(struct judge *judge, const struct qp_facts *qp)
{
	struct fact fact = qp->failed;

	if (qp->qp->destroyed || !is_broken(qp) || !judge->file->header.clean)
		return 0;
	if (!fact.count)
		fact = (struct fact){ .call = VCALL_MODIFY_QP, .count = 1 };
	return found(judge, qp, &fact, "destroy it, or reset it and connect it again",
		     "the queue pair is in error, and was kept until the program ended");
}

static int no_timeout(struct judge *judge, const struct qp_facts *qp)
{
	const struct fact fact = { .time = qp->qp->connected, .call = VCALL_MODIFY_QP, .count = 1 };

	if (qp->type != QPT_RC || !qp->qp->known || qp->qp->state != QPS_RTS || qp->qp->timeout)
		return 0;
	return found(judge, qp, &fact, "set timeout (14 is 67 ms) so that a lost peer is noticed",
		     "the queue pair waits for ever for an answer (timeout 0)");
}

/* --- processes --- */

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
		if (!qp->qp->known || qp->qp->destroyed || is_broken(qp))
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

static int leak(struct judge *judge, const struct facts *facts)
{
	if (!facts->file->header.clean)
		return 0;
	for (int kind = 0; kind < FACT_KINDS; kind++)
		if (leaked_kind(judge, &facts->leaks[kind], kind) < 0)
			return -1;
	return leaked_qps(judge, facts);
}

static int cq_overflow(struct judge *judge, const struct facts *facts)
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

static int unacknowledged(struct judge *judge, const struct facts *facts)
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

static int async_error(struct judge *judge, const struct facts *facts)
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
			  reader_call_name(call->call), error_name(call->result), call->count,
			  call->count > 1 ? "s" : "") < 0)
			return -1;
	}
	return 0;
}

static int call_failed(struct judge *judge, const struct facts *facts)
{
	return judge_calls(judge, facts, true,
			   "objects are given back after all that uses them (EBUSY); states of a "
			   "queue pair follow each other, each with its own attributes (EINVAL)");
}

static int call_refused(struct judge *judge, const struct facts *facts)
{
	return judge_calls(judge, facts, false,
			   "make sure that the program goes on without what it did not get");
}

static int registered_again(struct judge *judge, const struct facts *facts)
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

static int busy_polling(struct judge *judge, const struct facts *facts)
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

static int not_inline(struct judge *judge, const struct facts *facts)
{
	const struct fact *fact = &facts->not_inline;

	if (fact->count < SENDS_MANY || fact->count * 2 < facts->could_inline)
		return 0;
	return found(judge, NULL, fact,
		     "IBV_SEND_INLINE spares the device reading the buffer, and the program "
		     "waiting until it may be used again",
		     "%" PRIu64 " sends are small enough to be inline, and are not", fact->count);
}

static int all_signaled(struct judge *judge, const struct facts *facts)
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

/* --- both ends of a connection --- */

static int receive_queue_dry(struct judge *judge, const struct qp_facts *qp,
			     const struct qp_facts *peer)
{
	uint32_t rank = judge->run->file[qp->peer_file].rank;

	(void)peer;
	if (!qp->late.count)
		return 0;
	return found(judge, qp, &qp->late, "post receive requests ahead of the messages",
		     "%" PRIu64 " %s sent by rank %" PRIu32 " before there was a receive request",
		     COUNTED(qp->late.count, "message"), rank);
}

static int mtu_differs(struct judge *judge, const struct qp_facts *qp, const struct qp_facts *peer)
{
	const struct fact fact = { .call = VCALL_MODIFY_QP, .count = 1 };

	if (!peer || qp->type != QPT_RC || !qp->path_mtu || !peer->path_mtu ||
	    qp->path_mtu == peer->path_mtu)
		return 0;
	if (qp->file > peer->file || (qp->file == peer->file && qp->id > peer->id))
		return 0; /* the other one says it */
	return found(judge, qp, &fact, "give both ends the same path_mtu",
		     "the path MTU is %u bytes here, and %u at the other end", 128U << qp->path_mtu,
		     128U << peer->path_mtu);
}

/* --- all rules --- */

struct rule {
	const char *name;
	enum severity severity;
	const char *about;
	int (*qp)(struct judge *judge, const struct qp_facts *qp);
	int (*file)(struct judge *judge, const struct facts *facts);
	int (*pair)(struct judge *judge, const struct qp_facts *qp, const struct qp_facts *peer);
};

static const struct rule rules[] = {
	{ "completion-error", SEVERITY_ERROR, "the first request of a queue pair that failed",
	  .qp = completion_error },
	{ "unsignaled", SEVERITY_ERROR, "a send queue full of requests without completions",
	  .qp = never_drained },
	{ "send-queue-full", SEVERITY_ERROR, "sends refused for want of room",
	  .qp = send_queue_full },
	{ "receive-queue-full", SEVERITY_ERROR, "receive requests refused for want of room",
	  .qp = receive_queue_full },
	{ "post-refused", SEVERITY_ERROR, "requests refused for another reason",
	  .qp = post_refused },
	{ "unaligned-atomic", SEVERITY_ERROR, "an atomic whose address is no multiple of 8",
	  .qp = unaligned_atomic },
	{ "async-error", SEVERITY_ERROR, "the device said that something has failed",
	  .file = async_error },
	{ "receive-queue-dry", SEVERITY_WARNING,
	  "messages were sent before there was a receive request for them (RNR)",
	  .pair = receive_queue_dry },
	{ "mtu-differs", SEVERITY_WARNING, "the ends of a connection have different path MTUs",
	  .pair = mtu_differs },
	{ "memory-pulled", SEVERITY_WARNING, "memory deregistered while requests have it",
	  .qp = memory_pulled },
	{ "cq-overflow", SEVERITY_WARNING, "more completions due than a queue has room for",
	  .file = cq_overflow },
	{ "never-connected", SEVERITY_WARNING, "a queue pair that was never made ready",
	  .qp = never_connected },
	{ "error-kept", SEVERITY_WARNING, "a queue pair in error that was never destroyed",
	  .qp = broken_and_kept },
	{ "leak", SEVERITY_WARNING, "what was made and never given back", .file = leak },
	{ "events-unacknowledged", SEVERITY_WARNING, "events taken and never acknowledged",
	  .file = unacknowledged },
	{ "call-failed", SEVERITY_WARNING, "a call failed that does not in the right order",
	  .file = call_failed },
	{ "call-refused", SEVERITY_ADVICE, "something was not to be had", .file = call_refused },
	{ "registered-again", SEVERITY_ADVICE, "the same memory registered over and over",
	  .file = registered_again },
	{ "busy-polling", SEVERITY_ADVICE, "nearly all polls found nothing", .file = busy_polling },
	{ "not-inline", SEVERITY_ADVICE, "small sends that could be inline", .file = not_inline },
	{ "all-signaled", SEVERITY_ADVICE, "every send has a completion of its own",
	  .file = all_signaled },
	{ "no-timeout", SEVERITY_ADVICE, "a connection that never notices a lost peer",
	  .qp = no_timeout },
};

#define RULES (sizeof(rules) / sizeof(*rules))

const char *rules_name(uint32_t rule)
{
	return rule < RULES ? rules[rule].name : NULL;
}

enum severity rules_severity(uint32_t rule)
{
	return rules[rule].severity;
}

const char *rules_about(uint32_t rule)
{
	return rules[rule].about;
}

int rules_find(const char *name)
{
	for (size_t i = 0; i < RULES; i++)
		if (!strcmp(rules[i].name, name))
			return (int)i;
	return -1;
}

static int judge_file(void *arg, const struct facts *facts)
{
	struct judge *judge = arg;

	judge->file = facts->file;
	for (judge->rule = 0; judge->rule < RULES; judge->rule++) {
		const struct rule *rule = &rules[judge->rule];

		if (!(judge->wanted >> judge->rule & 1))
			continue;
		if (rule->file && rule->file(judge, facts) < 0)
			return -1;
		for (const struct qp_facts *qp = facts->qps; rule->qp && qp; qp = qp->next)
			if (rule->qp(judge, qp) < 0)
				return -1;
	}
	return 0;
}

static int judge_pair(void *arg, const struct trace_run *run, const struct qp_facts *qp,
		      const struct qp_facts *peer)
{
	struct judge *judge = arg;

	judge->file = &run->file[qp->file];
	for (judge->rule = 0; judge->rule < RULES; judge->rule++)
		if (rules[judge->rule].pair && judge->wanted >> judge->rule & 1 &&
		    rules[judge->rule].pair(judge, qp, peer) < 0)
			return -1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct finding *left = a, *right = b;

#define ORDER(member)                                                 \
	do {                                                          \
		if (left->member != right->member)                    \
			return left->member < right->member ? -1 : 1; \
	} while (0)
	ORDER(rank);
	ORDER(file);
	ORDER(time);
	ORDER(rule);
	ORDER(qpn);
#undef ORDER
	return strcmp(left->text, right->text);
}

int rules_check(struct findings *findings, const struct trace_run *run, uint64_t wanted,
		struct err *err)
{
	struct findings made = { 0 };
	struct judge judge = { .findings = &made, .run = run, .wanted = wanted };
	const struct facts_handler handler = {
		.arg = &judge,
		.file = judge_file,
		.pair = judge_pair,
	};

	if (facts_collect(run, &handler, err) < 0) {
		findings_release(&made);
		return -1;
	}
	if (made.count)
		qsort(made.row, made.count, sizeof(*made.row), compare);
	*findings = made;
	return 0;
}

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->row[i].text);
	free(findings->row);
	*findings = (struct findings){ 0 };
}
