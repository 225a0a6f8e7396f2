/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - misuse of verbs that can be proven from what was recorded
 *
 * A table of rules, each with a function that looks at the facts of a process, or of
 * both ends of a connection (facts.h), and writes a sentence.
 */
#ifndef TRACE_RULES_H
#define TRACE_RULES_H

#include "trace/facts.h"

enum severity {
	SEVERITY_ADVICE,  /* it works, and could be better */
	SEVERITY_WARNING, /* it works by chance, or leaves something behind */
	SEVERITY_ERROR,   /* it does not work */
	SEVERITIES,
};

extern const char *const severity_names[SEVERITIES];

struct finding {
	uint32_t rule; /* index */
	uint32_t file; /* index */
	uint32_t rank;
	bool has_qp;
	uint32_t qpn;
	char whose[48];   /* "RC, to rank 1"; "" */
	int64_t time;     /* ns since the run's start; -1: it has none */
	const char *call; /* NULL: none */
	uint64_t count;
	char *text;         /* owned: what is wrong */
	const char *advice; /* what to do */
};

struct findings {
	struct finding *row; /* owned */
	size_t count;
	uint32_t of[SEVERITIES];
};

/* The rules, by index; NULL behind the last one. */
const char *rules_name(uint32_t rule);
enum severity rules_severity(uint32_t rule);
const char *rules_about(uint32_t rule);
/* Or -1. */
int rules_find(const char *name);

/* Apply the rules of WANTED (bits 1 << index) to RUN.  Findings come by rank, time and
 * rule.  Returns 0, or -1 with ERR written; FINDINGS is the caller's only then.
 */
int rules_check(struct findings *findings, const struct trace_run *run, uint64_t wanted,
		struct err *err);
void findings_release(struct findings *findings);

#endif
