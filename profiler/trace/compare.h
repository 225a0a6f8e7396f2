/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - what differs between two runs */
#ifndef TRACE_COMPARE_H
#define TRACE_COMPARE_H

#include "trace/overview.h"

/* One number of both runs. */
struct compare_row {
	const char *group; /* "opcode", "size", "latency", "pair", "error" */
	char what[64];     /* "SEND", "4096 bytes", "p50", "0 -> 1" */
	const char *unit;  /* "messages", "bytes", "ns", "completions" */
	double value[2];
	bool judged; /* counts for --fail: times do not, two runs never have the same */
};

struct compare {
	struct compare_row *row; /* owned; by group, then what differs most first */
	size_t rows, room;
};

/* A and B are by OVERVIEW_PEER, of runs with the same number of ranks.  Returns 0, or -1
 * with errno.
 */
int compare_runs(struct compare *compare, const struct overview *a, const struct overview *b);
void compare_release(struct compare *compare);

/* How much of A, in percent: 0 when nothing differs, INFINITY when A has none. */
double compare_percent(const struct compare_row *row);
/* The most that any row which is judged differs by, up or down. */
double compare_worst(const struct compare *compare);

#endif
