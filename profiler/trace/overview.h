/* SPDX-License-Identifier: Apache-2.0 */
/* overview.h - a run in numbers: one account for each queue pair, peer, host or rank
 *
 * A run is gone through once.  Memory is proportional to queue pairs and rows, not to
 * what was recorded.
 */
#ifndef TRACE_OVERVIEW_H
#define TRACE_OVERVIEW_H

#include "trace/account.h"
#include "trace/hash.h"
#include "trace/run.h"

enum overview_by {
	OVERVIEW_RUN,
	OVERVIEW_RANK,
	OVERVIEW_HOST, /* from which node to which */
	OVERVIEW_PEER, /* from which rank to which */
	OVERVIEW_QP,
	OVERVIEW_BYS,
};

#define OVERVIEW_NOBODY UINT32_MAX

/* What does not apply is OVERVIEW_NOBODY, "" or 0. */
struct overview_row {
	uint32_t rank, peer; /* peer: OVERVIEW_NOBODY = nothing was recorded of it */
	const char *node, *peer_node;
	uint32_t qpn, peer_qpn;
	uint8_t type; /* enum ibv_qp_type */
	bool shared;  /* a shared receive queue, not a queue pair */
	struct account account;
};

struct overview_call {
	uint64_t count, timed; /* how often; and of these, how often it was measured how long */
	int64_t time, longest; /* ns, of those that were */
};

/* How long all took, by those that were timed, ns. */
static inline double overview_call_time(const struct overview_call *call)
{
	return call->timed ? (double)call->time / (double)call->timed * (double)call->count : 0;
}

struct overview {
	enum overview_by by;
	struct overview_row **row; /* owned */
	size_t rows;
	struct hash index;
	struct account total;
	struct overview_call call[VCALL_COUNT];
	uint32_t processes, ranks, nodes, threads;
	uint64_t unused;     /* queue pairs that nothing was posted to */
	int64_t first, last; /* of all events, run's clock */
	int64_t thread_time; /* ns: of all threads, from the first event of their process to its
				last */
	uint64_t empty_polls;
	uint64_t dropped, lost;
	uint64_t unseen;        /* ways around the tracer that were met */
	uint64_t device_events; /* 0: retransmissions are not known */
	uint64_t resent;        /* packets, as the emulated device says */
	uint64_t not_ready;     /* the same: a receiver had no request (RNR) */
	uint64_t no_answer;     /* the same: a timer ran out */
	uint64_t registrations; /* ever made */
	uint64_t registered;    /* bytes at most at one time, sum of all processes */
};

/* Go through RUN, or the files of RANK alone (OVERVIEW_NOBODY: all).  RUN stays open as long
 * as OVERVIEW is used.  Returns 0, or -1 with ERR written.
 */
int overview_collect(struct overview *overview, const struct trace_run *run, enum overview_by by,
		     uint32_t rank, struct err *err);
void overview_release(struct overview *overview);

/* The row of the same place in OTHER (of another run), or NULL. */
const struct overview_row *overview_same(const struct overview *other,
					 const struct overview_row *row);

/* What a row is of: "0 -> 1", "node0 -> node1", ...  Returns BUF. */
char *overview_label(const struct overview *overview, const struct overview_row *row, char *buf,
		     size_t size);

#endif
