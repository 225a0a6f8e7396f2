/* SPDX-License-Identifier: Apache-2.0 */
#include "device/net.h"

#include "device/netlink.h"
#include "device/netsend.h"
#include "random.h"

#include <string.h>

enum stage {
	STAGE_NEW,
	STAGE_PIECES,    /* nothing can be lost */
	STAGE_ANSWER,    /* the same, of a read */
	STAGE_PACKETS,   /* go back */
	STAGE_RESPONSES, /* go back, of a read */
	STAGE_DATAGRAM,
};

/* --- the window --- */

uint64_t net_lane_room(struct net_lane *lane, int64_t now, int64_t *again)
{
	if (lane->half[1].end <= now)
		lane->half[0].bytes = lane->half[1].bytes = 0;
	else if (lane->half[0].end <= now)
		lane->half[0].bytes = 0;
	if (lane->half[1].bytes < NET_PIECE)
		return NET_PIECE - lane->half[1].bytes;
	*again = lane->half[0].end;
	if (lane->half[0].bytes)
		return 0;
	lane->half[0] = lane->half[1];
	lane->half[1].bytes = 0;
	return NET_PIECE;
}

void net_lane_add(struct net_lane *lane, const struct net_piece *piece)
{
	lane->sent_at = piece->left;
	lane->half[1].end = net_later(lane->half[1].end, net_ns(piece->through));
	lane->half[1].bytes += piece->bytes;
}

/* --- without losses --- */

/* Packets that begin in the first BYTES of a message. */
static uint32_t packets_in(uint64_t bytes, uint32_t mtu)
{
	/* a division takes longer than all else that is counted */
	if (bytes <= mtu)
		return bytes != 0;
	return (uint32_t)((bytes + mtu - 1) / mtu);
}

/* The next piece of the message on PATH, or SEND_WAIT. */
static int send_piece(struct sending *s, const struct net_path *path, struct net_lane *lane,
		      uint32_t extra)
{
	struct net_state *state = s->state;
	uint64_t left = s->message->bytes - state->placed;
	uint64_t room = net_lane_room(lane, s->now, s->again);
	uint64_t end = state->placed + (left < room ? left : room);
	struct net_piece piece = {
		.bytes = end - state->placed,
		.packets = packets_in(end, s->message->mtu) -
			   packets_in(state->placed, s->message->mtu),
		.extra = state->placed ? 0 : extra,
		.resent = state->again,
		.ready = net_later(state->ready, lane->sent_at),
		.limit = INT64_MAX,
	};

	if (left && !room)
		return SEND_WAIT;
	if (!left)
		piece.packets = 1;
	net_path_take(s->fabric, path, &piece);
	net_lane_add(lane, &piece);
	state->ready = piece.left;
	state->placed = end;
	state->deliver = net_later(state->deliver, piece.through);
	return SEND_DONE;
}

static int send_pieces(struct sending *s, const struct net_path *path, struct net_lane *lane,
		       uint32_t extra)
{
	do {
		if (send_piece(s, path, lane, extra) == SEND_WAIT)
			return SEND_WAIT;
	} while (s->state->placed < s->message->bytes);
	return SEND_DONE;
}

static bool is_reliable(const struct net_message *message)
{
	return message->type != QP_UC && message->type != QP_UD;
}

static int stage_pieces(struct sending *s)
{
	struct net_state *state = s->state;
	uint32_t extra = s->message->type == QP_UD ? HEADER_DETH : 0;

	if (send_pieces(s, &s->path, &s->stream->out, extra) == SEND_WAIT)
		return SEND_WAIT;
	state->expected = state->packets;
	state->deliver = net_later(net_ns(state->deliver) + state->there, s->stream->deliver_at);
	if (is_reliable(s->message)) {
		net_path_answer(s->fabric, &s->back, HEADER_AETH, false);
		state->ack = state->deliver + state->back;
	} else {
		state->ack = net_ns(s->stream->out.sent_at);
	}
	return SEND_DONE;
}

/* The request of a read is a packet of its own, without payload. */
static void send_request(struct sending *s)
{
	struct net_state *state = s->state;
	struct net_piece piece = {
		.packets = 1,
		.extra = HEADER_RETH,
		.resent = state->again,
		.ready = state->ready,
		.limit = INT64_MAX,
	};

	net_path_take(s->fabric, &s->path, &piece);
	net_lane_add(&s->stream->out, &piece);
	state->deliver = net_later(net_ns(piece.through) + state->there, s->stream->deliver_at);
	state->react = state->deliver; /* kept while `deliver` follows the answer */
	state->ready = net_later(net_ticks(state->deliver), s->stream->in.sent_at);
	state->deliver = 0;
}

static int stage_answer(struct sending *s)
{
	struct net_state *state = s->state;

	if (send_pieces(s, &s->back, &s->stream->in, net_answer_extra(state, 0, state->packets)) ==
	    SEND_WAIT)
		return SEND_WAIT;
	state->expected = state->packets;
	state->ack = net_ns(state->deliver) + state->back;
	state->deliver = state->react;
	return SEND_DONE;
}

/* --- any message --- */

static int64_t way(struct sending *s, bool reliable)
{
	struct shared_header *header = s->fabric->segment.header;
	int64_t latency = atomic_load_explicit(&header->latency, memory_order_relaxed);
	int64_t jitter = atomic_load_explicit(&header->jitter, memory_order_relaxed);

	if (!reliable || jitter <= 0)
		return reliable ? latency : 0;
	return latency +
	       (int64_t)random_below((struct random *)s->stream->random, (uint64_t)jitter + 1);
}

static bool loses(struct sending *s)
{
	if (net_path_loses(s->fabric, &s->path))
		return true;
	return is_reliable(s->message) && net_path_loses(s->fabric, &s->back);
}

static void begin(struct sending *s, int64_t posted_at)
{
	static const enum stage first[2][2] = {
		{ STAGE_PIECES, STAGE_PACKETS },
		{ STAGE_ANSWER, STAGE_RESPONSES },
	};
	const struct net_message *message = s->message;
	struct net_state *state = s->state;
	uint32_t packets = packets_in(message->bytes, message->mtu);
	bool lossy = loses(s);

	state->packets = packets ? packets : 1;
	state->ready = net_later(net_ticks(state->since ? state->since : posted_at),
				 s->stream->out.sent_at);
	state->react = state->arrives = INT64_MAX;
	state->there = way(s, true);
	state->back = way(s, is_reliable(message));
	state->stage = first[message->response][lossy];
	if (lossy && !is_reliable(message))
		state->stage = STAGE_DATAGRAM;
	if (!state->again)
		net_path_count(s->fabric, message->response ? &s->back : &s->path, 1,
			       message->bytes);
	if (state->stage == STAGE_ANSWER)
		send_request(s);
	if (state->stage == STAGE_RESPONSES) {
		state->react = net_ns(state->ready);
		state->ready = 0;
		state->next = state->packets;
	}
}

static void finish(struct sending *s, int how, struct net_times *times)
{
	struct net_state *state = s->state;
	struct net_stream *stream = s->stream;
	bool delivered = state->expected == state->packets;

	state->ack = net_later(state->ack, stream->ack_at);
	*times = (struct net_times){
		.sent = net_ns(stream->out.sent_at),
		.deliver = delivered || !is_reliable(s->message) ? state->deliver : state->ack,
		.ack = state->ack,
		.packets = state->packets,
		.resent = state->resent,
		.resent_bytes = state->resent_bytes,
		.timeouts = state->timeouts,
		.sequence_naks = state->sequence_naks,
		.delivered = delivered,
		.failed = how == SEND_FAILED,
	};
	stream->ack_at = state->ack;
	if (delivered)
		stream->deliver_at = net_later(stream->deliver_at, state->deliver);
}

int net_send(struct fabric *fabric, struct net_stream *stream, struct shared_sqe *sqe,
	     const struct net_message *message, int64_t now, struct net_times *times,
	     int64_t *again)
{
	static int (*const stages[])(struct sending * s) = {
		[STAGE_PIECES] = stage_pieces,          [STAGE_ANSWER] = stage_answer,
		[STAGE_PACKETS] = net_send_reliable,    [STAGE_RESPONSES] = net_read_reliable,
		[STAGE_DATAGRAM] = net_send_unreliable,
	};
	struct sending s = {
		.fabric = fabric,
		.stream = stream,
		.state = &sqe->net,
		.message = message,
		.now = now,
		.again = again,
	};
	int how;

	net_path_find(fabric, message->from, message->to, &s.path);
	net_path_find(fabric, message->to, message->from, &s.back);
	if (s.state->stage == STAGE_NEW)
		begin(&s, sqe->posted_at);
	how = stages[s.state->stage](&s);
	if (how == SEND_WAIT)
		return 0;
	finish(&s, how, times);
	return 1;
}

void net_again(struct shared_sqe *sqe, int64_t since)
{
	sqe->net = (struct net_state){ .since = since, .again = true };
}

/* Counters that all processes share are slow: they hear of many messages at once. */
void net_flush(struct fabric *fabric, struct net_stream *stream)
{
	struct net_counting *counting = &stream->counting;
	const struct net_piece request = {
		.packets = counting->messages,
		.extra = HEADER_RETH * counting->messages,
	};
	const struct net_piece ack = {
		.packets = counting->messages,
		.extra = HEADER_AETH * counting->messages,
	};
	const struct net_piece piece = {
		.bytes = counting->bytes,
		.packets = (uint32_t)counting->packets,
		.extra = counting->extra,
	};
	struct net_path path, back;

	if (!counting->messages)
		return;
	net_path_find(fabric, counting->from, counting->to, &path);
	net_path_find(fabric, counting->to, counting->from, &back);
	net_path_tally(fabric, counting->response ? &back : &path, &piece);
	if (counting->response)
		net_path_tally(fabric, &path, &request);
	else if (counting->type != QP_UC && counting->type != QP_UD)
		net_path_tally(fabric, &back, &ack);
	net_path_count(fabric, counting->response ? &back : &path, counting->messages,
		       counting->bytes);
	*counting = (struct net_counting){ .messages = 0 };
}

static bool is_as(const struct net_counting *counting, const struct net_message *message)
{
	return counting->from == message->from && counting->to == message->to &&
	       counting->type == message->type && counting->response == message->response;
}

void net_count(struct fabric *fabric, struct net_stream *stream, const struct net_message *message)
{
	struct net_counting *counting = &stream->counting;
	uint32_t packets = packets_in(message->bytes, message->mtu);

	if (counting->messages && !is_as(counting, message))
		net_flush(fabric, stream);
	counting->from = message->from;
	counting->to = message->to;
	counting->type = message->type;
	counting->response = message->response;
	counting->bytes += message->bytes;
	counting->packets += packets ? packets : 1;
	if (message->response)
		counting->extra += packets > 1 ? 2 * HEADER_AETH : HEADER_AETH;
	else if (message->type == QP_UD)
		counting->extra += HEADER_DETH;
	if (++counting->messages == NET_COUNTING || counting->bytes >= NET_COUNTING_BYTES)
		net_flush(fabric, stream);
}

void net_stream_init(struct net_stream *stream, uint64_t seed, uint32_t device, uint32_t qpn)
{
	memset(stream, 0, sizeof(*stream));
	random_init((struct random *)stream->random, seed, "jitter",
		    ((uint64_t)device << 32) | qpn);
}
