/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - what a rank does with its processor, for whoever wants to look
 *
 * Where net->watch is set it is told of each message that is handed to the network, of each
 * end of one that is noticed, of polls, and of timers that go off, with the time it took. Nobody
 * looking costs one branch.
 */
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include "net/net.h"

enum net_event { NET_SEND, NET_SENT, NET_RECEIVE, NET_CAME, NET_POLL, NET_TIMER };

struct net_moment {
	enum net_event event;
	int64_t begin, end; /* ns, loop_now(); an end is noticed from the poll or the end before */
	const struct net_message *message; /* NULL of polls and timers */
	int found;                         /* NET_POLL: how many things were done */
	uint64_t node_id;                  /* NET_TIMER: whose; or NET_NO_NODE */
	int64_t due;                       /* the same: when it was to go off */
};

/* Around what a timer does: the time before, then what there is to tell. */
static inline int64_t net_timer_begins(const struct net *net)
{
	return net->watch ? loop_now(net->loop) : 0;
}
void net_timer_ends(const struct net *net, uint64_t node_id, int64_t due, int64_t begin);

#endif
