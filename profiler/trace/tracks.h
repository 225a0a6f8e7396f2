/* SPDX-License-Identifier: Apache-2.0 */
/* tracks.h - the tracks of a process in a Chrome trace: numbers and names
 *
 * A thread's calls are one track.  Where a call began within another one and ended
 * after it, or is of the past, it goes to a further one, so slices of a track nest and
 * come in order.  Control calls are recorded without their thread: they have tracks
 * of their own.  A queue pair, and a shared receive queue, is one track, too.  Threads
 * have the kernel's numbers, all others larger ones.
 */
#ifndef TRACE_TRACKS_H
#define TRACE_TRACKS_H

#include "trace/hash.h"
#include "trace/ordered.h"
#include "trace/run.h"

#define TRACKS_FIRST 10000000U /* more than any thread's */

/* Of a queue pair or of a shared receive queue. */
struct track {
	uint32_t tid;
	uint64_t srq;           /* its address; 0: a queue pair */
	uint32_t send, receive; /* outstanding, as last said */

	char name[64]; /* "QP 263" */
	const struct trace_end *peer;
	uint32_t peer_qpn; /* that `peer' was looked for with */
	struct track *next;
};

struct thread_tracks;

struct tracks {
	const struct trace_run *run;
	struct ordered *out;
	uint32_t file, pid;
	uint32_t next;                /* tid */
	struct thread_tracks *thread; /* owned; the newest first */
	struct track *queue;          /* owned, the newest first */
	struct hash qpns;             /* (QPN, 0): the newest that has it */
	uint32_t device;              /* the track of who has no queue pair here */
};

/* Begin with those of FILE (an index), whose process is PID. */
void tracks_begin(struct tracks *tracks, uint32_t file, uint32_t pid);
/* Forget them. */
void tracks_release(struct tracks *tracks);

/* The number of a track on which a slice of THREAD (0: a control call) from BEGIN to END
 * (ns) lies well, 0: no memory.
 */
uint32_t tracks_slice(struct tracks *tracks, uint32_t thread, int64_t begin, int64_t end);

/* NULL: no memory. */
struct track *tracks_qp(struct tracks *tracks, struct trace_qp *qp);
struct track *tracks_srq(struct tracks *tracks, uint64_t srq);
/* Another one, of that name. */
uint32_t tracks_other(struct tracks *tracks, const char *name);
/* Of the queue pair QPN as the device calls it, which may be of another process: then one
 * for all these.
 */
uint32_t tracks_device(struct tracks *tracks, uint32_t qpn);

/* Say what a process or a track is called. */
void tracks_name_process(struct tracks *tracks, const struct trace_file *file);

#endif
