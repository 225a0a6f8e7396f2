/* SPDX-License-Identifier: Apache-2.0 */
/* rules-pair.c - rules that look at both ends of a connection */
#include "trace/rulelib.h"

#include <inttypes.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum { QPT_RC = 2 };

int rule_receive_queue_dry(struct judge *judge, const struct qp_facts *qp,
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

int rule_mtu_differs(struct judge *judge, const struct qp_facts *qp, const struct qp_facts *peer)
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

int rule_never_solicited(struct judge *judge, const struct qp_facts *qp,
			 const struct qp_facts *peer)
{
	const struct fact fact = { .call = VCALL_REQ_NOTIFY_CQ, .count = 1 };

	if (!peer || !qp->solicited_only || !peer->messages || peer->solicited)
		return 0;
	return found(
		judge, qp, &fact,
		"send with IBV_SEND_SOLICITED what the receiver waits for, or ask for all events",
		"events are asked for solicited messages alone, and none of the %" PRIu64
		" that rank %" PRIu32 " has sent is one",
		peer->messages, judge->run->file[peer->file].rank);
}
