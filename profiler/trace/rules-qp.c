/* SPDX-License-Identifier: Apache-2.0 */
/* rules-qp.c - rules that look at one queue pair */
#include "trace/rulelib.h"
#include "trace/names.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_RC = 2,
	QPS_RTS = 3,
	QPS_ERR = 6,
};

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

int rule_completion_error(struct judge *judge, const struct qp_facts *qp)
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

int rule_never_drained(struct judge *judge, const struct qp_facts *qp)
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

int rule_send_queue_full(struct judge *judge, const struct qp_facts *qp)
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

int rule_receive_queue_full(struct judge *judge, const struct qp_facts *qp)
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

int rule_post_refused(struct judge *judge, const struct qp_facts *qp)
{
	char what[96];

	if (!qp->refused.count)
		return 0;
	return found(judge, qp, &qp->refused,
		     "look at the state of the queue pair, at the number of elements and at the "
		     "size of inline data",
		     "%" PRIu64 " %s refused, the first one (%s) with %s",
		     COUNTED(qp->refused.count, "post"), request(&qp->refused, what, sizeof(what)),
		     rules_error_name(qp->refused.error));
}

int rule_posted_early(struct judge *judge, const struct qp_facts *qp)
{
	char what[96];

	if (!qp->early.count)
		return 0;
	return found(judge, qp, &qp->early,
		     "post receives from INIT on and sends from RTS on: some devices do not refuse "
		     "what comes earlier, and lose it",
		     "%" PRIu64
		     " %s posted before the queue pair could take it, the first one (%s)",
		     COUNTED(qp->early.count, "request"), request(&qp->early, what, sizeof(what)));
}

int rule_unaligned_atomic(struct judge *judge, const struct qp_facts *qp)
{
	if (!qp->unaligned.count)
		return 0;
	return found(judge, qp, &qp->unaligned, "remote addresses of atomics are multiples of 8",
		     "%" PRIu64
		     " %s posted with an address that is no multiple of 8, the first one "
		     "with 0x%" PRIx64,
		     COUNTED(qp->unaligned.count, "atomic"), qp->unaligned.address);
}

int rule_memory_pulled(struct judge *judge, const struct qp_facts *qp)
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
int rule_never_connected(struct judge *judge, const struct qp_facts *qp)
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

bool rules_is_broken(const struct qp_facts *qp)
{
	return qp->qp->state == QPS_ERR || qp->failed.count;
}

int rule_broken_and_kept(struct judge *judge, const struct qp_facts *qp)
{
	struct fact fact = qp->failed;

	if (qp->qp->destroyed || !rules_is_broken(qp) || !judge->file->header.clean)
		return 0;
	if (!fact.count)
		fact = (struct fact){ .call = VCALL_MODIFY_QP, .count = 1 };
	return found(judge, qp, &fact, "destroy it, or reset it and connect it again",
		     "the queue pair is in error, and was kept until the program ended");
}

int rule_no_timeout(struct judge *judge, const struct qp_facts *qp)
{
	const struct fact fact = { .time = qp->qp->connected, .call = VCALL_MODIFY_QP, .count = 1 };

	if (qp->type != QPT_RC || !qp->qp->known || qp->qp->state != QPS_RTS || qp->qp->timeout)
		return 0;
	return found(judge, qp, &fact, "set timeout (14 is 67 ms) so that a lost peer is noticed",
		     "the queue pair waits for ever for an answer (timeout 0)");
}
