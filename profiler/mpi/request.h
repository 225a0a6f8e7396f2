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

struct request {
	const void *handle; /* NULL: an empty place in the table */
	struct comm *comm;  /* of an ANY_SOURCE receive other than on the world; referenced */
	uint64_t bytes;     /* to be sent, or as posted */
	int64_t begin;      /* of a timed send, ns */
	uint32_t peer;      /* world rank, when it is known before */
	uint8_t kind, op;
	bool any_source, world; /* world: the source in the status is a world rank */
	bool persistent, active;
	bool hidden; /* completes where nobody sees it: counted from the post */
};

/* Begin to be able; returns 0, or -1 with errno ENOMEM. */
int request_init(void);

/* Enter REQUEST, in place of whatever had its handle (which then never
 * completed: it is counted as unseen when it was an active receive).
 */
void request_enter(const struct request *request);

/* Copy what is known of HANDLE into REQUEST and, unless it is persistent,
 * forget it; a persistent one becomes inactive.  Returns false when nothing is
 * known or when it is not active.  The caller owns a reference to
 * REQUEST->comm.
 */
bool request_take(const void *handle, struct request *request);

/* Look only. */
bool request_peek(const void *handle, struct request *request);

/* Whether any request is known at all: spares look-ups. */
bool request_any(void);

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

#endif
