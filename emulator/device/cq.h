/* SPDX-License-Identifier: Apache-2.0 */
/* cq.h - completion queues
 *
 * Producers (any process) share a lock; consumers are threads of the owner and
 * share another one of this process.  An empty poll reads two words.
 */
#ifndef DEVICE_CQ_H
#define DEVICE_CQ_H

#include "device/context.h"

#include <pthread.h>

struct cq {
	struct context *context;
	struct shared_cq *shared;
	uint32_t number;
	pthread_spinlock_t lock; /* consumers */
	bool single_threaded;
	struct comp_channel *channel; /* or NULL */
};

struct comp_channel {
	struct context *context;
	struct shared_channel *shared;
	int fd;
	_Atomic uint32_t users;
};

int comp_channel_create(struct comp_channel *channel, struct context *context);
int comp_channel_destroy(struct comp_channel *channel); /* -1 with EBUSY while it has users */

/* HANDLE: what an event on CHANNEL says.  CAPACITY is rounded up to a power of 2
 * (cq->shared->capacity is what it is).  Returns 0, or -1 with errno: EINVAL
 * (capacity), ENOMEM.
 */
int cq_create(struct cq *cq, struct context *context, uint32_t capacity,
	      struct comp_channel *channel, uint64_t handle);

/* Returns 0, or -1 with EBUSY while queues use it.  *EVENTS, *ASYNC: how many of its
 * events have been read from the channel and from the context so far: what was
 * written less what is purged.  None comes afterwards.
 */
int cq_destroy(struct cq *cq, uint32_t *events, uint32_t *async);

/* -1 with EINVAL when more completions wait than CAPACITY holds. */
int cq_resize(struct cq *cq, uint32_t capacity);

/* Make progress, then take up to COUNT completions.  Returns how many, or -1 with errno
 * EOVERFLOW after an overrun, when those before it have been taken.
 * A queue pair's send slots that they cover are free then.
 */
int cq_poll(struct cq *cq, struct shared_cqe *entries, int count);

/* Ask for one event, at the next (solicited) completion. */
void cq_arm(struct cq *cq, bool solicited_only);

/* An event comes only for COUNT completions, or PERIOD ns after the first of them; with 0
 * for either, for each completion.
 */
void cq_moderate(struct cq *cq, uint32_t count, int64_t period);

/* Give the events of this process's queues that are due at NOW.  Returns when the next one
 * is; 0: never.  No lock is held; not in a section.
 */
int64_t cq_give_due(struct fabric *fabric, int64_t now);

/* --- for responder and requester: under the lock of the queue it comes from --- */

/* Put ENTRY in; an event when it is armed for that.  On overrun: asynchronous
 * event, and the queue takes no more.  Returns the position it has got.
 */
uint64_t cq_push(struct fabric *fabric, uint64_t cq_at, const struct shared_cqe *entry,
		 bool solicited);

/* The same, and the number at COUNTER_AT in the segment becomes VALUE: both or neither,
 * also when this process is killed on the way.
 */
uint64_t cq_push_commit(struct fabric *fabric, uint64_t cq_at, const struct shared_cqe *entry,
			bool solicited, uint64_t counter_at, uint64_t value);

/* Several at once, by the process that has the queue: with its death they are of no use
 * to anybody, so nothing has to be committed.  cq_batch_next() returns where the next is
 * to be filled in, all of it, or NULL when it finds no room (as cq_push()); it takes the
 * queue's lock.  They are seen after cq_batch_end(), which drops it.
 */
struct cq_batch {
	struct shared_cq *cq; /* NULL: there is none yet */
	uint64_t first, next;
};

struct shared_cqe *cq_batch_next(struct fabric *fabric, uint64_t cq_at, struct cq_batch *batch);
void cq_batch_end(struct fabric *fabric, struct cq_batch *batch);

/* Whoever has taken the lock of a queue from the dead calls this before it looks at
 * the number that cq_push_commit() changes: what was begun is finished or undone.
 */
void cq_recover(struct fabric *fabric, uint64_t cq_at);

/* Take out what queue pair QPN at QP_AT has put in (it is destroyed or reset). */
void cq_clean(struct cq *cq, uint64_t qp_at, uint32_t qpn);

#endif
