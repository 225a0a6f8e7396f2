/* SPDX-License-Identifier: Apache-2.0 */
/* reader.h - records of a file in order of time (lib/vring.h)
 *
 * The series of threads are merged while they are read, an extent of each in
 * memory; control calls, which several threads wrote, are few and sorted as a
 * whole, registrations as far as memory allows: one that took longer than tens of
 * thousands of others comes too late.  All that the file says is checked first: no
 * count in it is trusted.
 */
#ifndef TRACE_READER_H
#define TRACE_READER_H

#include "err.h"
#include "vring.h"

#include <stdbool.h>
#include <stddef.h>

struct reader_event {
	const struct vring_record *record; /* and what belongs to it; until the next one */
	int64_t time, duration;            /* ns; time as of CLOCK_MONOTONIC */
	uint32_t thread;                   /* 0: not known */
	uint32_t series;
	bool timed; /* false: a post whose duration was not measured, and is 0 here */
	bool gap;   /* what this thread recorded before has been overwritten */
};

struct reader_series;

struct reader {
	char *path;
	int fd;
	struct vring_header header;
	uint64_t extents;
	double ns_per_tick;
	struct reader_series *series; /* by number */
	uint32_t count;
	uint32_t *heap, heap_count; /* series that have an event, the earliest first */
	uint64_t records, dropped;  /* in the file; overwritten before */
	uint64_t counted;           /* of them, those of the series VRING_COUNTS */
	uint64_t empty_polls;       /* as far as they are known */
	uint64_t done;              /* bytes read, for progress */
	bool taken;                 /* the first of the heap has been given out */
	uint32_t kinds;             /* bits by enum vring_kind: the series that are read */
};

/* Open the file at PATH and look over its extents.  Returns 0, or -1 with ERR written:
 * what is wrong with it, and where.
 */
int reader_open(struct reader *reader, const char *path, struct err *err);
/* The same, of the series of KINDS alone (bits 1 << VRING_CALLS ...); of others only the
 * heads of their extents are read.
 */
int reader_open_kinds(struct reader *reader, const char *path, uint32_t kinds, struct err *err);
void reader_close(struct reader *reader);

/* The next event.  Returns 1, 0 at the end, or -1 with ERR written. */
int reader_next(struct reader *reader, struct reader_event *event, struct err *err);

/* The time of TICKS, ns of CLOCK_MONOTONIC; and what has to be added for CLOCK_REALTIME. */
int64_t reader_time(const struct reader *reader, uint64_t ticks);
int64_t reader_realtime_offset(const struct reader *reader);

/* The name of a call, and what its fields are (vcalls.h); never NULL. */
const char *reader_call_name(uint16_t call);

#endif
