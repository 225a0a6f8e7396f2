/* SPDX-License-Identifier: Apache-2.0 */
/* inbound.h - messages that come in parts
 *
 * What verbs and tcp have in common: a message travels in segments, each with a head;
 * segments of a message may overtake each other (several queue pairs).  A message begins with
 * the first segment that comes; messages of one peer begin in the order of their
 * numbers, so that those of one tag are matched in order.  What comes before
 * its receive is kept when somebody will look at it, else only counted.
 */
#ifndef NET_INBOUND_H
#define NET_INBOUND_H

#include "net/match.h"

/* In front of each segment; the byte order of the host: all ranks run the same program. */
struct segment_head {
	uint64_t number; /* of the message, from this peer to that one, from 0 */
	uint64_t tag, size, at;
	uint32_t length; /* of the segment */
	uint32_t looked; /* 1: the contents matter */
};

struct inbound_message;

struct inbound_peer {
	uint64_t next; /* number of the message that begins next */
	struct inbound_message
		*messages; /* a hash by number: that are not complete or not matched; owned */
	struct inbound_message *latest; /* of these, that was looked for last */
};

struct inbound {
	struct net *net;
	struct match match;
	struct inbound_peer *peers;      /* [net->size], owned */
	struct inbound_message *spare;   /* a list of those that are over, owned */
	struct net_message *done, *last; /* whose `done` has not been called */
	uint64_t own;                    /* messages to itself */
	uint64_t kept;                   /* bytes that wait for their receives */
};

int inbound_init(struct inbound *inbound, struct net *net); /* -1 with errno */
void inbound_release(struct inbound *inbound);

/* A receive is posted.  Returns 0, or -1 with ERR. */
int inbound_receive(struct inbound *inbound, struct net_message *message, struct err *err);

/* A segment has come from FROM: HEAD and what it says of bytes.  Returns 1 when it was the
 * last of its message, 0, or -1 with ERR: a head that cannot be.
 */
int inbound_segment(struct inbound *inbound, uint32_t from, const struct segment_head *head,
		    const void *data, struct err *err);

/* A message of this rank to itself, through memory.  Returns 0, or -1 with ERR. */
int inbound_own(struct inbound *inbound, struct net_message *send, struct err *err);

/* SEND, or a receive, is over: its `done` is called by the next inbound_finish(). */
void inbound_done(struct inbound *inbound, struct net_message *message);

/* Call `done` of all that are over; how many. */
int inbound_finish(struct inbound *inbound);

#endif
