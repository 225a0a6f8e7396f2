/* SPDX-License-Identifier: Apache-2.0 */
/* generate.h - the parts of `netemu replay generate`
 *
 * Traces are made rank by rank; what happens between ranks is a function of the options, so
 * that all sides of it say the same.
 */
#ifndef CMD_GENERATE_H
#define CMD_GENERATE_H

#include "chakra/etwrite.h"

struct generate_options {
	const struct generate_kind *kind; /* NULL: from a run */
	const char *run, *instrument;     /* of --from */
	const char *prefix;
	uint32_t ranks, count, layers, root;
	uint32_t data, tensor, pipeline; /* ranks in each direction of parallelism */
	uint64_t size, parameters;       /* bytes */
	uint64_t compute_us;
	uint64_t seed;
};

/* The trace of one rank while it is written.  After a failure nothing more happens. */
struct trace {
	struct et_writer *writer;
	uint64_t next; /* id */
	int rc;
	struct err *err;
};

#define TRACE_NONE UINT64_MAX /* no node to wait for */

/* Append a node that waits for DEPS [COUNT], of which those that are TRACE_NONE do not count.
 * NODE's id, deps and lane are filled in.  Returns its id.
 */
uint64_t trace_add(struct trace *trace, struct et_node *node, const uint64_t *deps, size_t count);

/* The usual ones, each behind one other or TRACE_NONE. */
uint64_t trace_compute(struct trace *trace, const char *name, uint64_t us, uint64_t after);
uint64_t trace_collective(struct trace *trace, const char *name, uint32_t type, uint64_t size,
			  uint32_t group, uint64_t after);
uint64_t trace_send(struct trace *trace, uint32_t peer, uint32_t tag, uint64_t size,
		    uint64_t after);
uint64_t trace_receive(struct trace *trace, uint32_t peer, uint32_t tag, uint64_t size,
		       uint64_t after);

/* One kind of trace. */
struct generate_kind {
	const char *name, *help;
	void (*rank)(struct trace *trace, const struct generate_options *options, uint32_t rank);
	/* The group with number ID (from 1), its members into RANKS; returns how many, 0 behind
	 * the last.  NULL: no groups.
	 */
	uint32_t (*group)(const struct generate_options *options, uint32_t id, uint32_t *ranks);
	uint32_t collective; /* enum et_collective */
	bool steps;          /* it computes unless told otherwise */
};
extern const struct generate_kind generate_kinds[]; /* name NULL: the end */

/* Make PREFIX.<rank>.et out of what a run recorded.  Returns 0, or -1 with ERR. */
int generate_from(const struct generate_options *options, uint32_t *ranks, struct err *err);

/* PREFIX.<rank>.et, begun. */
int trace_create(struct trace *trace, const char *prefix, uint32_t rank, struct err *err);
/* Finished; -1 with ERR when anything has failed. */
int trace_finish(struct trace *trace);

#endif
