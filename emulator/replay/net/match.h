/* SPDX-License-Identifier: Apache-2.0 */
/* match.h - which receive a message belongs to
 *
 * By (peer, tag), in order.  Receives wait for messages and messages for
 * receives, each in a queue of its own.
 */
#ifndef NET_MATCH_H
#define NET_MATCH_H

#include "net/net.h"

struct match_queue;

/* A message that has begun to come and has no receive yet, or has. */
struct match_arrival {
	uint32_t peer;
	uint64_t tag, size;
	struct net_message *receive; /* NULL: none yet */
	struct match_arrival *next;  /* in its queue, as long as there is none */
};

struct match {
	struct match_queue *queues; /* a hash by peer and tag; owned */
	struct match_queue *latest; /* of these, that was looked for last */
	struct match_queue *spare;  /* a list of those that are empty, owned */
	size_t receives, arrivals;  /* that wait */
};

void match_init(struct match *match);
void match_release(struct match *match);

/* A receive is posted: the arrival that waits for it (now no longer queued), or NULL and it
 * waits.  Sizes that differ: -1 with ERR ("rank 1 sent 100 bytes ... rank 0 (node 7)
 * receives 200"), else 0.
 */
int match_receive(struct match *match, struct net_message *receive, struct match_arrival **arrival,
		  uint32_t rank, struct err *err);
/* A message begins to come: arrival->receive is set when one waits for it. */
int match_arrive(struct match *match, struct match_arrival *arrival, uint32_t rank,
		 struct err *err);

/* The receive that waits longest, for the watchdog, or NULL. */
const struct net_message *match_oldest(const struct match *match);
/* The same of what has come and nobody receives. */
const struct match_arrival *match_oldest_arrival(const struct match *match);

#endif
