/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - messages between ranks, over whatever carries them
 *
 * One small table of functions for each backend: verbs, tcp, and a model whose time is
 * virtual.  A message has a source, a target, a tag and a size; sends and receives
 * of one pair and tag match in order.  They may come in any order and any time apart:
 * a backend takes what arrives before its receive is posted, so that no order of ranks
 * can block another.  A receive that meets a send of another size is an error that
 * names both.
 *
 * A backend moves bytes that nobody looks at unless a message has `data`.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "err.h"
#include "exec/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tags of sends and receives that a trace names; all others are of collectives and do not
 * have this bit.
 */
#define NET_TAG_P2P (UINT64_C(1) << 63)
#define NET_ANY     UINT64_MAX /* size of a receive that takes what its sender has */

#define NET_NO_NODE UINT64_MAX /* in place of the id of a node: none, or not known */

struct net_message;

/* Contents, of runs that verify.  Both may be called for parts in any order. */
struct net_data {
	/* Write SIZE bytes of MESSAGE from its byte AT on to BUFFER. */
	void (*fill)(struct net_message *message, uint64_t at, void *buffer, size_t size);
	/* Take SIZE bytes in. */
	void (*take)(struct net_message *message, uint64_t at, const void *buffer, size_t size);
};

/* Embedded in what the caller owns, which stays until `done` or net_destroy(). */
struct net_message {
	uint32_t peer; /* rank */
	uint16_t op;   /* enum rankop: what it belongs to, for the ledger */
	bool is_send;  /* net.c's */
	uint64_t tag;
	uint64_t size; /* bytes, may be 0; NET_ANY of a receive becomes what is sent */
	const struct net_data *data; /* NULL: contents do not matter */
	/* A send has left (all of it is at its peer), a receive has come; TIME of loop_now().
	 * Called from the loop, never from within net_send() or net_recv().
	 */
	void (*done)(struct net_message *message, int64_t time);
	uint64_t node_id; /* for sentences: of the trace, or NET_NO_NODE */
	int64_t posted;   /* net.c's, ns: when it was handed over, where somebody looks */

	/* The backend's. */
	struct net_message *next, *prev;
	uint64_t moved, under_way;
	void *peer_side; /* the model's: where it is received */
	struct loop_timer timer;
};

/* What went from this rank to another, counted where it leaves (payload, first
 * transmissions), and what came.
 */
struct net_count {
	uint64_t tx_messages, tx_bytes, rx_messages, rx_bytes;
};

struct net;
struct net_moment; /* net/watch.h */

struct net_ops {
	const char *name; /* "verbs" */
	/* Start sending or receiving.  Return 0, or -1 with ERR. */
	int (*send)(struct net *net, struct net_message *message, struct err *err);
	int (*recv)(struct net *net, struct net_message *message, struct err *err);
	/* Do what can be done now; how many things, or -1 with ERR.  NULL: the loop's
	 * timers do all.
	 */
	int (*poll)(struct net *net, struct err *err);
	void (*destroy)(struct net *net);
};

/* The end of one rank; backends put theirs behind it. */
struct net {
	const struct net_ops *ops;
	struct loop *loop; /* of the caller */
	uint32_t rank, size;
	struct net_count *counts; /* [size], owned by the backend */
	const char *over;         /* "DEVICE:PORT+DEVICE:PORT", the backend's; NULL of others */
	/* Told of each message that is sent and of each that has come, when set. */
	void (*told)(void *arg, const struct net *net, const struct net_message *message,
		     bool sent);
	void *told_arg;
	/* Told of what takes time, when set, see net/watch.h. */
	void (*watch)(void *arg, const struct net *net, const struct net_moment *moment);
	void *watch_arg;
	int64_t looked; /* ns: since when this poll looks for the next end; net.c's */
};

/* Peer, tag and size are checked here.  To itself a rank sends through memory, counted
 * as well.
 */
int net_send(struct net *net, struct net_message *message, struct err *err);
int net_recv(struct net *net, struct net_message *message, struct err *err);
int net_poll(struct net *net, struct err *err);
/* For sentences: " (node ID)" of MESSAGE in NAME, or nothing where no node is known. */
#define NET_NODE_NAME 32
const char *net_node_name(const struct net_message *message, char name[NET_NODE_NAME]);
/* Into how many parts a message of SIZE bytes is cut at least when it can go WAYS: each is worth
 * it, and they are of one length but for the last, in turn by all ways from where the message
 * before has stopped.
 */
#define NET_PART 16384
static inline uint32_t net_parts(uint64_t size, uint32_t ways)
{
	uint64_t parts = size / NET_PART;

	return parts < 1 ? 1 : parts < ways ? (uint32_t)parts : ways;
}
/* A backend's: MESSAGE, a receive, has come whole. */
void net_received(struct net *net, const struct net_message *message);
/* The same: MESSAGE is over, its `done` is called with TIME. */
void net_done_watched(struct net *net, struct net_message *message, int64_t time);
static inline void net_done(struct net *net, struct net_message *message, int64_t time)
{
	net->loop->open--;
	if (net->watch)
		net_done_watched(net, message, time);
	else
		message->done(message, time);
}
void net_destroy(struct net *net); /* NULL is fine */

/* --- how verbs and tcp begin --- */

struct rendezvous;

struct net_settings {
	struct rendezvous *rendezvous; /* joined; rank and size are its */
	uint64_t memory;               /* bytes registered or buffered by a rank, 256 MiB */
	uint32_t segment;              /* bytes of a message that travel together, 0: chosen */
	int wait_ms;                   /* for the others */
	/* verbs */
	const char *device; /* see devices.h; NULL: the first there is */
	uint32_t port, gid_index;
	bool has_gid_index;
	uint32_t queue_pairs; /* for each peer, 1 */
	uint32_t mtu;         /* bytes, 0: the port's */
	uint8_t service_level, traffic_class, timeout, retry, rnr_retry;
	bool has_retry; /* 0 is one of its values */
	uint32_t local_rank;
	/* tcp */
	const char *interface; /* address or name, NULL: the way to the rendezvous */
};

int net_verbs_create(struct net **net, struct loop *loop, const struct net_settings *settings,
		     struct err *err);
/* The GID of number DEVICE of those that RANK goes over.  Returns whether there is one: a network
 * over verbs, and so many devices.
 */
bool net_verbs_gid(const struct net *net, uint32_t rank, uint32_t device, uint8_t gid[16]);
int net_tcp_create(struct net **net, struct loop *loop, const struct net_settings *settings,
		   struct err *err);

#endif
