/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - when a message arrives, if it does
 *
 * A message of a queue pair leaves when those before it have left.  It crosses
 * the links of its route in packets of the path's MTU, cut-through: a link
 * begins with a piece when the piece's head is there and the link is free, and
 * ends not before the link ahead of it has ended; what has a later place keeps it,
 * and the link's next free time is taken for the overlap.  Long messages take their
 * place on the links piece by piece (NET_PIECE bytes, at most NET_WINDOW reserved and
 * not yet through), so that queue pairs that share a link share its rate by bytes.  A link
 * knows when it is busy (LINK_SPANS); a piece reserved late begins when it would have
 * begun: only what others did to the links meanwhile delays it.
 *
 * Without topology= every route is the sender's up link and the receiver's down
 * link; `latency` is the way from end to end, added once, the answer's again, each with
 * a jitter that is drawn from a stream of the queue pair.  Rates are those of
 * payload.  Acknowledgements take no time on links.
 *
 * Loss: each link draws for each packet from a stream of its own (seed, "loss",
 * number of the link); `loss` of a device is that of its up link.  Packets are
 * then pieces of their own.  RC goes back to the gap: the responder's NAK comes when
 * the next packet behind the gap has arrived, once for a gap, and all from the gap on
 * is sent again; no packet begins any more when the NAK is there.  When no NAK
 * comes (the end of the message is lost, or the NAK), or the acknowledgement
 * is lost, the requester waits for its timer, 4.096 us * 2^timeout from when
 * the last packet has left, and sends from the first packet that no NAK has told
 * it to be there.  After retry_count + 1 attempts without progress the message is
 * lost.  A read is asked for again from the gap on, by whom it is for: at once when a
 * packet comes behind the gap, else by a timer from when the missed packet would have
 * come.  UC loses the message, UD the datagram.  (InfiniBand Architecture
 * Specification 1.4, volume 1, 9.7.5, 9.7.6 and 9.8; netemu-device(7) has it all.)
 */
#ifndef DEVICE_NET_H
#define DEVICE_NET_H

#include "device/fabric.h"

#define NET_PIECE  (32 * 1024) /* bytes */
#define NET_WINDOW (2 * NET_PIECE)

struct net_message {
	uint32_t from, to; /* devices, of the request */
	enum qp_type type;
	bool response; /* the bytes come from TO (a read, an atomic); the request is small */
	uint64_t bytes;
	uint32_t mtu;                  /* of the path, bytes; not 0 */
	uint32_t timeout, retry_count; /* as in the QP's attributes */
};

struct net_times {
	int64_t sent; /* the last byte has left */
	/* all of it is there, or would be (UC, UD); the request of a read: at the responder */
	int64_t deliver;
	int64_t ack; /* the requester knows; a read's data are there */
	uint32_t packets, resent;
	uint64_t resent_bytes;
	uint32_t timeouts, sequence_naks;
	bool delivered; /* the responder gets it */
	bool failed;    /* the requester gives up, at `ack` */
};

/* Give the message of SQE the next places on its links, as far as the window
 * allows at NOW.  *TIMES is written when all of it has its place.  Returns 1
 * then, and 0 when NET_WINDOW is full or a timer runs: *AGAIN says until when.
 * The messages of STREAM come in order, each until 1; its send lock is held.
 * Counts what crosses links and ports (bytes, packets, lost, resent, timeouts,
 * sequence NAKs); the counters of the QP are the caller's.
 */
int net_send(struct fabric *fabric, struct net_stream *stream, struct shared_sqe *sqe,
	     const struct net_message *message, int64_t now, struct net_times *times,
	     int64_t *again);

/* True when nothing is delayed: then no times are needed. */
static inline bool net_ideal(const struct fabric *fabric)
{
	return !atomic_load_explicit(&fabric->segment.header->delayed, memory_order_relaxed);
}

/* SQE is sent anew, not before SINCE: after an RNR NAK, or when nobody answered.  Its
 * payload is not counted again; what is on the wire is, as resent.
 */
void net_again(struct shared_sqe *sqe, int64_t since);

/* Instead of net_send() when net_ideal(): counters of links and ports only.  They hear
 * of it after NET_COUNTING messages or NET_COUNTING_BYTES, or by net_flush(), which comes
 * before a stream is given up; with the send lock held.
 */
#define NET_COUNTING       64
#define NET_COUNTING_BYTES (1 << 20)
void net_count(struct fabric *fabric, struct net_stream *stream, const struct net_message *message);
void net_flush(struct fabric *fabric, struct net_stream *stream);

/* Of a new queue pair, and after RESET. */
void net_stream_init(struct net_stream *stream, uint64_t seed, uint32_t device, uint32_t qpn);

/* Compute `delayed` anew, after a change of latency, rate, loss, or jitter. */
void net_changed(struct fabric *fabric);

/* A network between the devices, as a program works it out (program/topology.h). */
struct net_topology_link {
	const char *from, *to;
	uint32_t from_port, to_port; /* UINT32_MAX: not known */
	double rate;                 /* byte/s; 0: no limit */
};

struct net_topology {
	uint32_t links, nodes; /* nodes: of the fabric */
	const struct net_topology_link *link;
	/* What node I sends to node J crosses path[start[p]] .. path[start[p + 1]]
	 * - 1, p = I * nodes + J.
	 */
	const uint32_t *path;
	const uint64_t *start;
};

/* Make the links, before `ready`: two of each device, 2d up and 2d + 1 down, and
 * behind them those of settings->network.  A route is then the sender's up link, the
 * topology's links, the receiver's down link.  Returns 0, or -1 with errno: ENOMEM;
 * EINVAL for topology= without a network, or one of another number of nodes.
 */
int net_star(struct fabric *fabric, const struct device_settings *settings);

#endif
