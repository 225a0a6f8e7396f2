/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - what is known of a request or message until it completes
 *
 * A table from the address of a request (or of a matched message) to what it
 * will mean when it completes.  Open MPI recycles addresses, so whoever gets
 * one for something new enters or removes it.  Locked only where several
 * threads may use MPI.
 */
#ifndef NETPROF_REQUEST_H
#define NETPROF_REQUEST_H

#include "comm.h"

#include <stdbool.h>
#include <stdint.h>

enum request_kind {
	REQUEST_RECEIVE,
	REQUEST_SEND,    /* persistent, or timed */
	REQUEST_MESSAGE, /* from mprobe: PEER and OP of the message */
};

/* flags */
#define REQUEST_ANY_SOURCE 1u
#define REQUEST_WORLD      2u /* the source in the status is a world rank */
#define REQUEST_PERSISTENT 4u
#define REQUEST_ACTIVE     8u
#define REQUEST_HIDDEN     16u /* completes where nobody sees it: counted from the post */

struct request {
	const void *handle; /* NULL: an empty place in the table */
	uint64_t bytes;     /* to be sent, or as posted */
	struct comm *comm;  /* of an ANY_SOURCE receive not on the world; referenced */
	int64_t begin;      /* of a timed send, ns; 0 = not timed */
	uint32_t peer;      /* world rank, when it is known before */
	uint8_t kind, op;
	uint16_t flags;
};

/* Open addressing; what is inline below is the way of most messages. */
struct request_table {
	struct request *places; /* a power of two of them, at most half in use */
	unsigned shift;         /* 64 - log2(places) */
	size_t mask;            /* places - 1 */
	size_t count;
};

extern struct request_table request_table;

/* Begin to be able; returns 0, or -1 with errno ENOMEM. */
int request_init(void);

/* Whether any request is known at all: spares look-ups. */
static inline bool request_any(void)
{
	return __atomic_load_n(&request_table.count, __ATOMIC_RELAXED) != 0;
}

/* Enter REQUEST, in place of whatever had its handle (which then never
 * completed: it is counted as unseen when it was an active receive).
 */
void request_enter_slow(const struct request *request);

/* Copy what is known of HANDLE into REQUEST and, unless it is persistent,
 * forget it; a persistent one becomes inactive.  Returns false when nothing is
 * known or when it is not active.  The caller owns a reference to
 * its comm.
 */
bool request_take_slow(const void *handle, struct request *request);

/* Look only. */
bool request_peek(const void *handle, struct request *request);

/* Forget HANDLE, which now means something else; an active receive is unseen. */
void request_forget(const void *handle, enum rankunseen why);

/* Put back what request_take() gave: it has not completed yet. */
void request_return(const struct request *request);

/* HANDLE, persistent, is started at BEGIN (ns) and may have become NOW.  Copies
 * what it is into REQUEST; false when nothing is known of it.
 */
bool request_start(const void *handle, const void *now, int64_t begin, struct request *request);

/* At the end: all active receives are unseen. */
void request_finish(void);

static inline size_t request_home(const void *handle)
{
	return (size_t)(((uintptr_t)handle * 0x9e3779b97f4a7c15ull) >> request_table.shift);
}

/* Its first place is free, nobody else is there, there is room. */
static inline void request_enter(const struct request *request)
{
	struct request *place = &request_table.places[request_home(request->handle)];

	if (__builtin_expect(place->handle || ompi.threads ||
				     2 * (request_table.count + 1) > request_table.mask + 1 ||
				     request->comm,
			     0)) {
		struct request copy = *request; /* so that REQUEST can stay in registers */

		request_enter_slow(&copy);
		return;
	}
	*place = *request;
	request_table.count++;
}

/* It is in its first place, and nothing was pushed on to the next. */
static inline bool request_take(const void *handle, struct request *request)
{
	size_t home = request_home(handle);
	struct request *place = &request_table.places[home];

	if (__builtin_expect(place->handle != handle || ompi.threads ||
				     place->flags & REQUEST_PERSISTENT ||
				     request_table.places[(home + 1) & request_table.mask].handle,
			     0))
		return request_take_slow(handle, request);
	*request = *place;
	place->handle = NULL;
	request_table.count--;
	return true;
}

#endif
