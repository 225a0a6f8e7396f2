/* SPDX-License-Identifier: Apache-2.0 */
/* rulelib.h - inside rules.c and rules-*.c: what a rule judges with */
#ifndef TRACE_RULELIB_H
#define TRACE_RULELIB_H

#include "trace/rules.h"

/* Where findings go, and of which rule they are. */
struct judge {
	struct findings *findings;
	const struct trace_run *run;
	const struct trace_file *file; /* whose findings they are */
	uint32_t rule;
	uint64_t wanted;
};

/* "3 sends were", "1 send was". */
#define COUNTED(number, one) (number), (number) == 1 ? one " was" : one "s were"

/* A finding of QP (may be NULL) with the sentence FMT.  Returns 0, or -1 with errno. */
__attribute__((format(printf, 5, 6))) int found(struct judge *judge, const struct qp_facts *qp,
						const struct fact *fact, const char *advice,
						const char *fmt, ...);

const char *rules_error_name(int error);
/* Whether the queue pair cannot go on. */
bool rules_is_broken(const struct qp_facts *qp);

/* The rules: each adds what it finds, and returns 0, or -1 with errno. */
int rule_completion_error(struct judge *judge, const struct qp_facts *qp);
int rule_never_drained(struct judge *judge, const struct qp_facts *qp);
int rule_send_queue_full(struct judge *judge, const struct qp_facts *qp);
int rule_receive_queue_full(struct judge *judge, const struct qp_facts *qp);
int rule_post_refused(struct judge *judge, const struct qp_facts *qp);
int rule_posted_early(struct judge *judge, const struct qp_facts *qp);
int rule_unaligned_atomic(struct judge *judge, const struct qp_facts *qp);
int rule_memory_pulled(struct judge *judge, const struct qp_facts *qp);
int rule_never_connected(struct judge *judge, const struct qp_facts *qp);
int rule_broken_and_kept(struct judge *judge, const struct qp_facts *qp);
int rule_no_timeout(struct judge *judge, const struct qp_facts *qp);
int rule_leak(struct judge *judge, const struct facts *facts);
int rule_cq_overflow(struct judge *judge, const struct facts *facts);
int rule_armed_late(struct judge *judge, const struct facts *facts);
int rule_srq_dry(struct judge *judge, const struct facts *facts);
int rule_unacknowledged(struct judge *judge, const struct facts *facts);
int rule_async_error(struct judge *judge, const struct facts *facts);
int rule_call_failed(struct judge *judge, const struct facts *facts);
int rule_call_refused(struct judge *judge, const struct facts *facts);
int rule_registered_again(struct judge *judge, const struct facts *facts);
int rule_busy_polling(struct judge *judge, const struct facts *facts);
int rule_not_inline(struct judge *judge, const struct facts *facts);
int rule_all_signaled(struct judge *judge, const struct facts *facts);
int rule_receive_queue_dry(struct judge *judge, const struct qp_facts *qp,
			   const struct qp_facts *peer);
int rule_never_solicited(struct judge *judge, const struct qp_facts *qp,
			 const struct qp_facts *peer);
int rule_mtu_differs(struct judge *judge, const struct qp_facts *qp, const struct qp_facts *peer);

#endif
