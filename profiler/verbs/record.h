/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - where records go: series of extents
 *
 * Each thread has a series for its data path, which it writes alone and without
 * locks; control calls and registrations are one series each for all threads,
 * under a lock.  record_room() gives room for a record and what belongs to it in
 * one piece, record_keep() makes it count.  Whatever goes wrong inside costs
 * records, which are counted, and nothing else.
 */
#ifndef NETTRACE_RECORD_H
#define NETTRACE_RECORD_H

#include "ringfile.h"
#include "ticks.h"

#include <stdatomic.h>
#include <stdbool.h>

struct traced_build;

struct series {
	struct vring_extent *extent; /* the newest, or NULL: none yet */
	struct vring_record *next;   /* room from here ... */
	struct vring_record *end;    /* ... to here */
	uint64_t count;              /* records in the extents before */
	uint32_t kind, number, thread;
	uint32_t empty; /* polls that found nothing since the last completion */
	/* extents that may be overwritten, oldest first */
	struct vring_extent **kept;
	uint32_t kept_first, kept_count, kept_room;
	struct traced_build *spare; /* for ibv_wr_*() (wr.c) */
	struct series *free;        /* of threads that have ended */
};

/* This thread's; NULL: none yet. */
extern __thread struct series *record_series __attribute__((tls_model("initial-exec")));

/* Whether the data path is recorded; false also before the start and after the end. */
extern bool record_data;

/* Records go to FILE; STREAM: nothing is overwritten.  Returns 0, or -1 with errno. */
int record_start(struct ringfile *file, bool stream);

/* No more records.  Other threads may still be in the middle of one. */
void record_stop(void);

/* In a child after fork(): nothing of the parent's is touched. */
void record_forget(void);

/* A series for this thread, or a next extent of SERIES with room for COUNT records;
 * NULL: there is no room, they are counted as lost.
 */
struct vring_record *record_more(struct series *series, uint32_t count);

/* This thread's series, made if need be; NULL: no memory. */
struct series *record_thread(void);

/* Room for COUNT records of this thread's data path; NULL: none. */
static inline struct vring_record *record_room(uint32_t count)
{
	struct series *series = record_series;

	if (__builtin_expect(series && series->end - series->next >= (long)count, 1))
		return series->next;
	return record_more(series, count);
}

static inline void record_keep(uint32_t count)
{
	struct series *series = record_series;

	series->next += count;
	__atomic_store_n(&series->extent->used,
			 (uint32_t)(series->next - (struct vring_record *)(series->extent + 1)),
			 __ATOMIC_RELEASE);
}

/* One record with COUNT - 1 that belong to it into the series of KIND (VRING_CALLS or
 * VRING_MEMORY).
 */
void record_put(enum vring_kind kind, const void *records, uint32_t count);

#endif
