/* SPDX-License-Identifier: Apache-2.0 */
/* packetlib.h - messages packet by packet: what the device is compared with
 *
 * Two devices and the links between them.  Every packet, NAK, acknowledgement and
 * timer of an RC message is an event of its own; the rules are those of
 * netemu-device(7), NETWORK MODEL.  Link number i draws from the stream (seed,
 * "loss", i) for each packet that begins on it; nothing else is shared with what is
 * tested.  Lengths on links are whole ns, and a receiver's link is not slower than
 * a sender's.
 */
#ifndef TESTS_PACKETLIB_H
#define TESTS_PACKETLIB_H

#include "device/net.h"
#include "random.h"

/* One link, and what has crossed it. */
struct wire {
	double rate, loss;
	int64_t busy;
	struct random random;
	uint64_t bytes, messages, wire_bytes, lost, resent_bytes;
};

/* What the port of a device counts. */
struct side {
	uint64_t xmit_bytes, xmit_packets, rcv_bytes, rcv_packets;
	uint64_t lost, resent, resent_bytes;
	uint64_t timeouts, naks; /* of a requester */
};

struct wires {
	struct wire wire[4]; /* up and down of the requester, of the responder */
	struct side side[2]; /* of the requester, of the responder */
	int64_t latency;
	uint32_t header; /* bytes around every packet */
};

/* Without losses and rates; LINK: the numbers of the four links. */
void wires_init(struct wires *wires, uint64_t seed, const uint32_t link[4]);

struct outcome {
	int64_t deliver, ack; /* ns after the message begins */
	bool delivered, failed;
	uint32_t resent; /* packets */
	uint32_t timeouts, naks;
};

/* MESSAGE crosses WIRES, which are idle, from time 0 on. */
struct outcome wires_send(struct wires *wires, const struct net_message *message);

#endif
