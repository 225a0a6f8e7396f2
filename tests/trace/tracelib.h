/* SPDX-License-Identifier: Apache-2.0 */
/* tracelib.h - two connected queue pairs of one process, to be traced
 *
 * What goes wrong ends the program with a line on stderr.
 */
#ifndef TESTS_TRACE_TRACELIB_H
#define TESTS_TRACE_TRACELIB_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>

#define ENDS_SIZE  8192 /* bytes of memory */
#define ENDS_DEPTH 64

struct ends {
	struct ibv_context *context;
	struct ibv_pd *pd;
	struct ibv_mr *mr;
	struct ibv_cq *cq; /* of both */
	struct ibv_qp *a, *b;
	char *memory;
};

/* CONDITION, or the end. */
void need(bool condition, const char *what);

/* The DEVICEth device of the list, opened. */
struct ibv_context *device_open(int device);

/* On CONTEXT, which ends_close() closes; with a queue CQ of its own making, or with that one. */
void ends_open(struct ends *ends, struct ibv_context *context);
void ends_open_on(struct ends *ends, struct ibv_context *context, struct ibv_cq *cq);
void ends_close(struct ends *ends);

/* Post a write of BYTES by A; returns what ibv_post_send() does. */
int ends_write(struct ends *ends, struct ibv_qp *qp, uint64_t wr_id, uint32_t bytes);

/* Wait for one completion. */
void ends_poll(struct ends *ends, struct ibv_wc *wc);

/* COUNT writes of BYTES, one at a time. */
void ends_writes(struct ends *ends, int count, uint32_t bytes);

#endif
