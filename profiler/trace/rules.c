/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/rulelib.h"
#include "trace/names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const severity_names[SEVERITIES] = { "advice", "warning", "error" };

const char *rules_error_name(int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);

	return name ? name : "an error";
}

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

int found(struct judge *judge, const struct qp_facts *qp, const struct fact *fact,
	  const char *advice, const char *fmt, ...)
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
	  .qp = rule_completion_error },
	{ "unsignaled", SEVERITY_ERROR, "a send queue full of requests without completions",
	  .qp = rule_never_drained },
	{ "send-queue-full", SEVERITY_ERROR, "sends refused for want of room",
	  .qp = rule_send_queue_full },
	{ "receive-queue-full", SEVERITY_ERROR, "receive requests refused for want of room",
	  .qp = rule_receive_queue_full },
	{ "post-refused", SEVERITY_ERROR, "requests refused for another reason",
	  .qp = rule_post_refused },
	{ "posted-early", SEVERITY_ERROR,
	  "requests taken by a queue pair that was not ready for them", .qp = rule_posted_early },
	{ "unaligned-atomic", SEVERITY_ERROR, "an atomic whose address is no multiple of 8",
	  .qp = rule_unaligned_atomic },
	{ "async-error", SEVERITY_ERROR, "the device said that something has failed",
	  .file = rule_async_error },
	{ "receive-queue-dry", SEVERITY_WARNING,
	  "messages were sent before there was a receive request for them (RNR)",
	  .pair = rule_receive_queue_dry },
	{ "srq-dry", SEVERITY_WARNING, "a shared receive queue without a request left",
	  .file = rule_srq_dry },
	{ "armed-late", SEVERITY_WARNING,
	  "an event was waited for that may never come: no poll after ibv_req_notify_cq()",
	  .file = rule_armed_late },
	{ "never-solicited", SEVERITY_WARNING,
	  "events asked for solicited messages alone, of which none was sent",
	  .pair = rule_never_solicited },
	{ "mtu-differs", SEVERITY_WARNING, "the ends of a connection have different path MTUs",
	  .pair = rule_mtu_differs },
	{ "memory-pulled", SEVERITY_WARNING, "memory deregistered while requests have it",
	  .qp = rule_memory_pulled },
	{ "cq-overflow", SEVERITY_WARNING, "more completions due than a queue has room for",
	  .file = rule_cq_overflow },
	{ "never-connected", SEVERITY_WARNING, "a queue pair that was never made ready",
	  .qp = rule_never_connected },
	{ "error-kept", SEVERITY_WARNING, "a queue pair in error that was never destroyed",
	  .qp = rule_broken_and_kept },
	{ "leak", SEVERITY_WARNING, "what was made and never given back", .file = rule_leak },
	{ "events-unacknowledged", SEVERITY_WARNING, "events taken and never acknowledged",
	  .file = rule_unacknowledged },
	{ "call-failed", SEVERITY_WARNING, "a call failed that does not in the right order",
	  .file = rule_call_failed },
	{ "call-refused", SEVERITY_ADVICE, "something was not to be had",
	  .file = rule_call_refused },
	{ "registered-again", SEVERITY_ADVICE, "the same memory registered over and over",
	  .file = rule_registered_again },
	{ "busy-polling", SEVERITY_ADVICE, "nearly all polls found nothing",
	  .file = rule_busy_polling },
	{ "not-inline", SEVERITY_ADVICE, "small sends that could be inline",
	  .file = rule_not_inline },
	{ "all-signaled", SEVERITY_ADVICE, "every send has a completion of its own",
	  .file = rule_all_signaled },
	{ "no-timeout", SEVERITY_ADVICE, "a connection that never notices a lost peer",
	  .qp = rule_no_timeout },
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
