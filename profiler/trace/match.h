/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - requests and the completions that end them
 *
 * Completions of a send queue come in the order of its requests, so a completion
 * also ends all unsignaled requests before it.  A completion with an error does not
 * say of which queue it is: the oldest request with its wr_id is taken, of the send
 * queue first.  Requests of a shared receive queue belong to whoever completes them,
 * and are found by wr_id.  Memory is proportional to what is outstanding.
 *
 * A ring that was overwritten begins in the middle: completions whose requests are
 * gone are given out with `posted` false.
 */
#ifndef TRACE_MATCH_H
#define TRACE_MATCH_H

#include "trace/objects.h"

/* One work request, from its post to its completion. */
struct work {
	struct trace_qp *qp; /* NULL: of a shared receive queue, not yet taken */
	uint64_t srq;        /* 0: of the queue pair's own queue */
	uint64_t number;     /* of the request, from 1 on in the order of posts; 0: not posted */
	bool receive;
	bool posted; /* false: the post was not recorded */
	bool completed;
	bool inferred;  /* unsignaled: ended with a later one */
	bool refused;   /* the post returned an error: it is not outstanding */
	bool unsure;    /* of what was left: its completion may have been overwritten */
	uint8_t opcode; /* enum ibv_wr_opcode of sends; enum ibv_wc_opcode of receives */
	uint8_t flags;  /* enum ibv_send_flags */
	uint8_t status; /* enum ibv_wc_status; with `completed` */
	uint8_t sges;
	uint16_t wc_flags;
	uint8_t error; /* errno, with `refused` */
	uint32_t post_thread, end_thread;
	int64_t post_time, post_duration; /* ns; 0 when not posted, or not timed */
	int64_t end_time;                 /* ns: of the poll that took it; with `completed` */
	uint64_t bytes;                   /* posted; of receives that ended: received */
	uint32_t imm;
	uint64_t wr_id, address, remote_address;
	uint32_t lkey, rkey;
	struct trace_address to; /* of a datagram */
	uint32_t to_qpn;         /* of a datagram; else the connection's */
	uint32_t src_qpn;        /* of a received datagram */
	/* Number among the messages of its queue pair that take a receive request of the
	 * peer (sends, immediate data), or among the receives that have ended well: the
	 * same on both sides of a reliable connection that did not begin in the middle.
	 * From the n-th reset on they begin at n << 32.
	 */
	uint64_t message;
	bool has_message;
};

/* How full queues are, after WORK was posted or has ended. */
struct match_depth {
	uint32_t outstanding; /* of the queue that WORK is of */
};

struct match_handler {
	void *arg;
	/* Each may be NULL.  WORK is the callee's to read until it returns. */
	int (*posted)(void *arg, const struct work *work, const struct match_depth *depth);
	int (*ended)(void *arg, const struct work *work, const struct match_depth *depth);
	/* What was still outstanding when its queue pair was destroyed or reset, at
	 * match_finish(), or (unsure) where another thread's records begin.
	 */
	int (*left)(void *arg, const struct work *work);
};

struct match;

/* Matches what belongs to OBJECTS; a handler that returns -1 ends everything.  WHOLE: all
 * requests are there, so that messages can be numbered.  Free it before OBJECTS.  NULL with
 * errno.
 */
struct match *match_create(struct objects *objects, const struct match_handler *handler,
			   bool whole);
void match_free(struct match *match);

/* Take EVENT, after objects_follow() has.  Returns 0, or -1 with errno or as a handler
 * returned.
 */
int match_take(struct match *match, const struct reader_event *event);
int match_finish(struct match *match);

#endif
