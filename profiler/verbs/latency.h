/* SPDX-License-Identifier: Apache-2.0 */
/* latency.h - when sends were posted that are only counted
 *
 * Each queue pair keeps the times of the requests that are outstanding on it, up to
 * LATENCY_MOST of them; of more, the oldest are not measured.  Any thread may post and
 * poll; who finds another one at it, or is a signal handler amid its own thread's
 * request, does not wait: that one is not measured, and what comes after it stays in
 * step.
 */
#ifndef NETTRACE_LATENCY_H
#define NETTRACE_LATENCY_H

#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define LATENCY_MOST 512 /* a power of 2 */

struct latency_pair;

/* A queue pair at a moment. */
struct latency_mark {
	struct latency_pair *pair; /* NULL: not measured */
	uint64_t number;           /* no two queue pairs have the same */
};

/* QP was made, with room for DEPTH sends; its outstanding requests are gone; it is about to
 * be destroyed; that has been done.
 */
void latency_made(const struct ibv_qp *qp, bool all_signaled, uint32_t depth);
void latency_reset(const struct ibv_qp *qp);
struct latency_mark latency_mark(const struct ibv_qp *qp);
void latency_forget(struct latency_mark mark);

/* In a child after fork(): no other thread is at any of them, and nothing is outstanding. */
void latency_child(void);

/* The one of this number, NULL: not measured. */
struct latency_pair *latency_find(uint8_t context, uint32_t qpn);

/* A request is about to be posted, at TIME (ticks); it was refused after all. */
void latency_post(struct latency_pair *pair, uint64_t wr_id, bool signaled, uint64_t time);
void latency_refuse(struct latency_pair *pair, uint64_t wr_id, bool signaled, uint64_t time);

/* The same of a list, up to its end. */
void latency_post_list(struct latency_pair *pair, const struct ibv_send_wr *wr, uint64_t time);
void latency_refuse_list(struct latency_pair *pair, const struct ibv_send_wr *wr, uint64_t time);

/* A send has completed: when it was posted, 0: not known. */
uint64_t latency_end(struct latency_pair *pair, uint64_t wr_id, bool failed);

#pragma GCC visibility pop

#endif
