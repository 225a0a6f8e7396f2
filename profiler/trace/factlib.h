/* SPDX-License-Identifier: Apache-2.0 */
/* factlib.h - inside facts.c, factcalls.c and factends.c: where facts are gathered */
#ifndef TRACE_FACTLIB_H
#define TRACE_FACTLIB_H

#include "trace/facts.h"

/* What lives at a moment of the file that is gone through (factcalls.c). */
struct facts_tables {
	struct fact_object *objects;
	struct fact_queue *queues;
	struct fact_region *regions;
	struct fact_buffer *buffers;
};

/* All of a run: queue pairs stay for the second step. */
struct facts_collector {
	const struct trace_run *run;
	const struct facts_handler *handler;
	struct facts facts; /* of the file that is gone through */
	struct facts_tables tables;
	struct qp_facts *qps; /* of all files before it */
};

/* Note that FACT has happened.  Returns it the first time, to be described, or NULL. */
struct fact *fact_happened(struct fact *fact, int64_t time, uint16_t call);

/* Control calls, and what polls say of themselves: a trace_handler's event. */
int facts_event(void *arg, const struct reader_event *event, const struct objects *objects);

/* The completion queue that is at OBJECT now, or NULL. */
struct cq_facts *facts_cq(const struct facts_collector *collector, uint64_t object);

/* DELTA requests more with the first element of WORK.  Returns 0, or -1 with errno. */
int facts_use_region(struct facts_collector *collector, struct qp_facts *qp,
		     const struct work *work, int delta);

/* Who waits for events (factwaits.c): calls about the completion queue CQ; the first
 * completion that THREAD took from it.
 */
void facts_wait_call(struct facts *facts, struct cq_facts *cq, const struct reader_event *event);
void facts_wait_ends(struct facts *facts, struct cq_facts *cq, uint32_t thread);
/* A request of a shared receive queue was posted, or has ended.  Returns 0, or -1 with errno. */
int facts_srq_posted(struct facts *facts, const struct work *work, uint32_t outstanding);
int facts_srq_ended(struct facts *facts, const struct work *work, uint32_t outstanding);
/* One has been destroyed. */
void facts_srq_gone(struct facts *facts, uint64_t object);

/* What lives at the end of a file has been left behind. */
void facts_sum_leaks(struct facts_collector *collector);
void facts_tables_release(struct facts_tables *tables);

/* What takes both ends to know, when all files have been gone through.  Returns 0, or -1
 * with ERR written.
 */
int facts_second_step(const struct facts_collector *collector, struct err *err);

#endif
