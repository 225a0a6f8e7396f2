/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - where records go: series of extents
 *
 * Each thread has a series for its data path and one for what the emulated device
 * tells it, which it writes alone and without locks; control calls and
 * registrations are one series each for all threads, under a lock.  record_room()
 * gives room for a record and what belongs to it in one piece, record_keep() makes
 * it count.  Whatever goes wrong inside costs records, which are counted, and
 * nothing else.
 *
 * A signal handler may post and poll: what it does while its thread is in here is
 * counted as lost.  Nothing of malloc() is used, which the handler may have
 * interrupted.
 */
#ifndef NETTRACE_RECORD_H
#define NETTRACE_RECORD_H

#include "ringfile.h"
#include "ticks.h"

#include <stdatomic.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden) /* found without a table */

struct traced_build;
struct traced_qp;
struct counts;

struct series {
	struct vring_extent *extent; /* the newest, or NULL: none yet */
	struct vring_extent *before; /* the one before, where they are not used again */
	struct vring_record *next;   /* room from here ... */
	struct vring_record *end;    /* ... to here */
	uint64_t count;              /* records in the extents before */
	uint32_t kind, number, thread;
};

/* What a thread has. */
struct recorder {
	struct series data, device, counted;
	uint64_t *empty_polls;      /* of the newest extent, or `polls` */
	uint64_t polls;             /* counted before there is one */
	uint32_t empty;             /* polls that found nothing since the last completion */
	struct traced_build *spare; /* for ibv_wr_*() (wr.c) */
	struct counts *counts;      /* counts.c */
	uint64_t told;              /* ticks: the device's newest event (hook.c) */
	struct recorder *free;      /* of threads that have ended */
};

/* This thread's, in one place for the sake of one address. */
struct record_here {
	struct recorder *self;      /* NULL: none yet */
	volatile bool busy;         /* in the middle of a record */
	int32_t untimed;            /* posts before the next one that is timed */
	uint64_t random;            /* 0: nothing drawn yet */
	struct traced_qp *building; /* that ibv_wr_start() was called for last (wr.c), or NULL */
};
extern __thread struct record_here record_here __attribute__((tls_model("initial-exec")));

/* What becomes of the data path; nothing also before the start and after the end. */
enum record_mode {
	RECORD_NOTHING,
	RECORD_ALL,
	RECORD_SOME, /* filter.h decides; what is not recorded is counted (counts.h) */
};
extern enum record_mode record_mode;

/* Records go to FILE, of each kind as many bytes as RING; 0: nothing is overwritten.  One
 * post in TIMED has its duration measured.  Returns 0, or -1 with errno.
 */
int record_start(struct ringfile *file, uint64_t ring, uint32_t timed);

/* No more records.  Other threads may still be in the middle of one. */
void record_stop(void);

/* In a child after fork(): nothing of the parent's is touched.  The mode stays, so that
 * record_thread() finds that there is no file, and begins.
 */
void record_forget(void);

/* What a thread has, made if need be; NULL: no memory. */
struct recorder *record_thread(void);

/* COUNT records for which there is no room. */
void record_lose(uint32_t count);

/* For who is busy already: room for COUNT records in SERIES, if need be in its next extent;
 * NULL: there is none.
 */
struct vring_record *record_take(struct series *series, uint32_t count);

/* Whether a post is to be timed, where one is due, or nothing has been drawn. */
__attribute__((cold)) bool record_timed_next(void);

/* Whether the post that has just returned is one whose duration is measured: a reading of
 * the clock costs as much as all else about a record.  Once for each call.
 */
static inline bool record_timed(void)
{
	return __builtin_expect(--record_here.untimed < 0, 0) && record_timed_next();
}

/* As record_room() where it is not easy. */
__attribute__((cold)) struct vring_record *record_slowly(uint32_t count);

#define RECORD_AHEAD 16 /* records: what is between two calls is longer than a cache line takes */

/* Room for COUNT records of this thread's data path where it is easy to have, else NULL.
 * record_keep() follows.  Busy before it looks: a signal handler would take the room that
 * was seen.
 */
static inline struct vring_record *record_easily(uint32_t count)
{
	struct recorder *self = record_here.self;

	if (__builtin_expect(!self || record_here.busy, 0))
		return NULL;
	record_here.busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect((char *)self->data.end - (char *)self->data.next <
				     (long)(count * sizeof(struct vring_record)),
			     0)) {
		record_here.busy = false;
		return NULL;
	}
	if (!self->data.next)
		__builtin_unreachable();
	return self->data.next;
}

/* Room for COUNT records of this thread's data path; NULL: none.  Otherwise record_keep()
 * follows.
 */
static inline struct vring_record *record_room(uint32_t count)
{
	struct vring_record *room = record_easily(count);

	return room ? room : record_slowly(count);
}

static inline void record_advance(struct series *series, uint32_t count)
{
	uint32_t *used = &series->extent->used;

	series->next += count;
	__atomic_store_n(used, *used + count, __ATOMIC_RELEASE);
}

static inline void record_keep(uint32_t count)
{
	struct recorder *self = record_here.self;

	record_advance(&self->data, count);
	__builtin_prefetch(self->data.next + RECORD_AHEAD, 1);
	atomic_signal_fence(memory_order_seq_cst);
	record_here.busy = false;
}

/* A poll has found nothing. */
static inline void record_empty(void)
{
	struct recorder *self = record_here.self;

	if (__builtin_expect(!self && !(self = record_thread()), 0))
		return;
	self->empty++;
	++*self->empty_polls;
}

/* How many before this completion; between record_room() and record_keep(). */
static inline uint32_t record_empties(void)
{
	struct recorder *self = record_here.self;
	uint32_t empty = self->empty;

	self->empty = 0;
	return empty;
}

/* Room and keeping for a thread's other series; busy in between, as above. */
struct vring_record *record_enter(struct series *series, uint32_t count);
void record_leave(struct series *series, uint32_t count);

/* One record with COUNT - 1 that belong to it into the series of KIND (VRING_CALLS or
 * VRING_MEMORY).
 */
void record_put(enum vring_kind kind, const void *records, uint32_t count);

/* The same while the thread is busy with the beginning. */
void record_take_over(enum vring_kind kind, const void *records, uint32_t count);

/* SIZE bytes of zeros from the kernel, or NULL; for what signal handlers may need. */
void *record_pages(size_t size);

#pragma GCC visibility pop

#endif
