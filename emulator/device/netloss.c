/* SPDX-License-Identifier: Apache-2.0 */
#include "device/netsend.h"

#include "device/progress.h"

#define NEVER INT64_MAX

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Is PACKET of LANE placed (*PIECE), or is its window full, or does it begin at
 * LIMIT or later?
 */
enum placed {
	PLACED,
	PLACE_WAIT,
	PLACE_LIMIT,
};

static enum placed place(struct sending *s, const struct net_path *path, struct net_lane *lane,
			 uint32_t k, uint32_t extra, int64_t limit, struct net_piece *piece)
{
	struct net_state *state = s->state;

	*piece = (struct net_piece){
		.bytes = packet_bytes(s->message, k),
		.packets = 1,
		.extra = extra,
		.resent = state->again || k < state->high,
		.draws = true,
		.ready = net_later(state->ready, lane->sent_at),
		.limit = limit,
	};
	if (piece->ready >= limit)
		return PLACE_LIMIT;
	if (!net_lane_room(lane, s->now, s->again))
		return PLACE_WAIT;
	if (!net_path_take(s->fabric, path, piece))
		return PLACE_LIMIT;
	net_lane_add(lane, piece);
	state->ready = piece->left;
	if (k < state->high) {
		state->resent++;
		state->resent_bytes += piece->bytes;
	} else {
		state->high = k + 1;
	}
	return PLACED;
}

/* When a timer that starts at FROM (ns) ends. */
static int64_t timer(const struct sending *s, int64_t from)
{
	return s->message->timeout ? from + progress_timeout(s->message->timeout) : NEVER;
}

static int64_t arrival(const struct sending *s, const struct net_piece *piece)
{
	return net_later(net_ns(piece->through) + s->state->there, s->stream->deliver_at);
}

static void timed_out(struct sending *s)
{
	s->state->timeouts++;
	count(&fabric_device(s->fabric, s->message->from)->counters.timeouts);
}

static void out_of_sequence(struct sending *s)
{
	s->state->sequence_naks++;
	count(&fabric_device(s->fabric, s->message->from)->counters.sequence_naks);
}

static int give_up(struct sending *s, int64_t at)
{
	s->state->ack = at;
	return SEND_FAILED;
}

/* --- RC, requests that carry the bytes --- */

static bool answers(struct sending *s)
{
	return net_path_answer(s->fabric, &s->back, HEADER_AETH, true);
}

/* The responder gets packet K at AT. */
static void receive(struct sending *s, uint32_t k, int64_t at)
{
	struct net_state *state = s->state;
	bool last = k + 1 == state->packets;

	if (k > state->expected) {
		if (state->asked)
			return;
		state->asked = true;
		state->gap = state->expected;
		if (answers(s))
			state->react = at + state->back;
		return;
	}
	if (k == state->expected) {
		state->expected++;
		state->asked = false;
		if (last)
			state->deliver = at;
	}
	if (last && answers(s))
		state->ack = at + state->back;
}

/* The NAK comes: from the gap on. */
static int go_back(struct sending *s)
{
	struct net_state *state = s->state;

	out_of_sequence(s);
	if (state->gap > state->first)
		state->tries = 0;
	else if (++state->tries > s->message->retry_count)
		return give_up(s, state->react);
	state->next = state->first = state->gap;
	state->ready = net_later(state->ready, net_ticks(state->react));
	state->react = NEVER;
	return SEND_ON;
}

/* All of a round is sent, and no answer comes. */
static int await_timer(struct sending *s)
{
	struct net_state *state = s->state;
	int64_t end = timer(s, net_ns(state->ready));

	if (end == NEVER) {
		state->ack = NEVER;
		return SEND_DONE;
	}
	if (end > s->now) {
		*s->again = end;
		return SEND_WAIT;
	}
	timed_out(s);
	if (++state->tries > s->message->retry_count)
		return give_up(s, end);
	state->next = state->first;
	state->ready = net_ticks(end);
	return SEND_ON;
}

int net_send_reliable(struct sending *s)
{
	struct net_state *state = s->state;
	struct net_piece piece;

	for (;;) {
		enum placed placed = PLACE_LIMIT;
		int how = SEND_ON;

		if (state->next < state->packets)
			placed = place(s, &s->path, &s->stream->out, state->next, 0,
				       net_ticks(state->react), &piece);
		if (placed == PLACE_WAIT)
			return SEND_WAIT;
		if (placed == PLACED) {
			if (!piece.lost)
				receive(s, state->next, arrival(s, &piece));
			state->next++;
		} else if (state->react != NEVER) {
			how = go_back(s);
		} else if (state->ack) {
			return SEND_DONE;
		} else {
			how = await_timer(s);
		}
		if (how != SEND_ON)
			return how;
	}
}

/* --- RC, a read --- */

/* The request leaves at `react`. */
static void send_request(struct sending *s)
{
	struct net_state *state = s->state;
	struct net_piece piece = {
		.packets = 1,
		.extra = HEADER_RETH,
		.resent = state->again || state->asks > 0,
		.draws = true,
		.ready = net_later(net_ticks(state->react), s->stream->out.sent_at),
		.limit = NEVER,
	};

	net_path_take(s->fabric, &s->path, &piece);
	net_lane_add(&s->stream->out, &piece);
	state->asks++;
	state->asked = true;
	state->timer = true;
	state->react = NEVER;
	if (piece.lost)
		state->react = timer(s, net_ns(piece.left));
	else
		state->arrives = arrival(s, &piece);
}

/* The requester misses packets and asks for them. */
static int ask(struct sending *s)
{
	struct net_state *state = s->state;

	if (state->react == NEVER) {
		state->ack = NEVER;
		return SEND_DONE;
	}
	if (state->timer && state->react > s->now) {
		*s->again = state->react;
		return SEND_WAIT;
	}
	if (state->asks) {
		(state->timer ? timed_out : out_of_sequence)(s);
		state->tries = state->progressed ? 0 : state->tries + 1;
		state->progressed = false;
		if (state->tries > s->message->retry_count)
			return give_up(s, state->react);
	}
	send_request(s);
	return SEND_ON;
}

/* The request is there: the answer begins anew, with what is missed. */
static void answer_anew(struct sending *s)
{
	struct net_state *state = s->state;

	if (!state->expected)
		state->deliver = state->arrives;
	state->expected = state->packets; /* the responder has done its part */
	state->next = state->first;
	state->ready = net_later(net_later(state->ready, net_ticks(state->arrives)),
				 s->stream->in.sent_at);
	state->arrives = NEVER;
}

/* Packet K of the answer comes at AT, or would if it had not been lost. */
static void hear(struct sending *s, uint32_t k, int64_t at, bool lost)
{
	struct net_state *state = s->state;

	if (k == state->first && !lost) {
		state->first++;
		state->progressed = true;
		state->ack = at;
	} else if (k == state->first) {
		state->react = timer(s, at);
		state->timer = true;
		state->asked = false;
	} else if (!lost && !state->asked && at < state->react) {
		state->react = at;
		state->timer = false;
	}
}

/* The answer ends or is cut where a new request comes, or could come. */
static int64_t answer_limit(const struct net_state *state)
{
	if (state->arrives != NEVER)
		return net_ticks(state->arrives);
	return state->react == NEVER ? NEVER : net_ticks(state->react + state->there);
}

int net_read_reliable(struct sending *s)
{
	struct net_state *state = s->state;
	struct net_piece piece;

	while (state->first < state->packets) {
		enum placed placed = PLACE_LIMIT;
		int how = SEND_ON;

		if (state->next < state->packets)
			placed = place(s, &s->back, &s->stream->in, state->next,
				       net_answer_extra(state, state->next, state->next + 1),
				       answer_limit(state), &piece);
		if (placed == PLACE_WAIT)
			return SEND_WAIT;
		if (placed == PLACED)
			hear(s, state->next++, net_ns(piece.through) + state->back, piece.lost);
		else if (state->arrives != NEVER)
			answer_anew(s);
		else
			how = ask(s);
		if (how != SEND_ON)
			return how;
	}
	return SEND_DONE;
}

/* --- UC and UD --- */

int net_send_unreliable(struct sending *s)
{
	struct net_state *state = s->state;
	uint32_t extra = s->message->type == QP_UD ? HEADER_DETH : 0;
	struct net_piece piece;

	while (state->next < state->packets) {
		if (place(s, &s->path, &s->stream->out, state->next, extra, NEVER, &piece) ==
		    PLACE_WAIT)
			return SEND_WAIT;
		state->next++;
		if (!piece.lost)
			state->expected++;
		state->deliver = arrival(s, &piece);
	}
	state->ack = net_ns(s->stream->out.sent_at);
	return SEND_DONE;
}
