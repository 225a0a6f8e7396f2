/* SPDX-License-Identifier: Apache-2.0 */
/* netsend.h - a message that is being sent; inside of net.c */
#ifndef DEVICE_NETSEND_H
#define DEVICE_NETSEND_H

#include "device/net.h"
#include "device/netlink.h"

/* Bytes of headers beside those of every packet. */
#define HEADER_DETH 8
#define HEADER_RETH 16
#define HEADER_AETH 4

/* What one call of net_send() works with. */
struct sending {
	struct fabric *fabric;
	struct net_stream *stream;
	struct net_state *state;
	const struct net_message *message;
	struct net_path path, back; /* of the request, and of the answer */
	int64_t now;
	int64_t *again;
};

/* Steps return SEND_DONE when all of the message has its place. */
enum {
	SEND_ON,
	SEND_WAIT, /* until *again */
	SEND_DONE,
	SEND_FAILED, /* given up, at state->ack */
};

/* Bytes that may be reserved on LANE at NOW.  0: *AGAIN says when there is room. */
uint64_t net_lane_room(struct net_lane *lane, int64_t now, int64_t *again);

/* PIECE has its place. */
void net_lane_add(struct net_lane *lane, const struct net_piece *piece);

/* What packet K of the message carries. */
static inline uint64_t packet_bytes(const struct net_message *message, uint64_t k)
{
	uint64_t left = message->bytes - k * message->mtu;

	return left < message->mtu ? left : message->mtu;
}

/* The first and the last packet of an answer have a header more: of FROM .. TO. */
static inline uint32_t net_answer_extra(const struct net_state *state, uint32_t from, uint32_t to)
{
	uint32_t ends = (from == 0) + (to == state->packets && (from > 0 || to > 1));

	return ends * HEADER_AETH;
}

/* --- netloss.c --- */

/* Packet by packet: RC and XRC, go back to the gap; a read; UC and UD. */
int net_send_reliable(struct sending *s);
int net_read_reliable(struct sending *s);
int net_send_unreliable(struct sending *s);

#endif
