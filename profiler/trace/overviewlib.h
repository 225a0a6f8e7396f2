/* SPDX-License-Identifier: Apache-2.0 */
/* overviewlib.h - what the parts of overview share: accounts of one file, on their way to rows */
#ifndef TRACE_OVERVIEWLIB_H
#define TRACE_OVERVIEWLIB_H

#include "trace/lags.h"
#include "trace/overview.h"

#include <string.h>

#define UD 4 /* enum ibv_qp_type */

/* What one queue pair has to do with one other process. */
struct lane {
	uint32_t file, peer_qpn; /* of the peer; OVERVIEW_NOBODY */
	struct account account;
	struct lane *next;
};

/* Of a queue pair while its file is gone through (trace_qp.user). */
struct flow {
	struct lane *lanes;
	struct lane *connected; /* whom it is connected to */
	int64_t since;          /* that connection */
	struct flow *next;      /* of the file */
};

/* Requests that were counted only. */
struct counted {
	uint8_t context;
	uint32_t qpn;
	struct account account;
	struct counted *next;
};

struct thread {
	uint64_t ticks; /* of the latest call */
	uint16_t call;
	bool seen; /* it is one thread's, and has made a call */
};

struct collector {
	struct overview *overview;
	const struct trace_run *run;
	const struct trace_file *file;
	struct flow *flows;
	struct counted *counted;
	struct account shared; /* of shared receive queues */
	struct lags lags;
	bool modelled;         /* the device tells of times */
	struct hash by_number; /* counted ones */
	struct thread *thread; /* by series */
	uint32_t threads;
	int64_t first, last; /* of the file's events */
	struct err *err;
};

static inline uint32_t index_of(const struct collector *c)
{
	return (uint32_t)(c->file - c->run->file);
}

static inline bool wants_peers(const struct collector *c)
{
	return c->overview->by == OVERVIEW_PEER || c->overview->by == OVERVIEW_HOST;
}

static inline bool same_node(const struct trace_run *run, uint32_t a, uint32_t b)
{
	return !strcmp(run->file[a].header.node, run->file[b].header.node);
}

static inline int no_memory(struct collector *c)
{
	return err_errno(c->err, "'%s'", c->file->path);
}

/* Add what the queue pairs of c->file have done, which OBJECTS knows, to the rows and to the total.
 * Returns 0, or -1 with c->err written.
 */
int overview_fold(struct collector *c, const struct objects *objects);

#endif
