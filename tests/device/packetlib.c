/* SPDX-License-Identifier: Apache-2.0 */
#include "packetlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS 100000

/* Bytes of headers that some packets have beside the others'. */
#define OF_A_DATAGRAM 8
#define OF_A_REQUEST  16
#define OF_AN_ANSWER  4

/* At one time in this order: who hears of a loss sends nothing more. */
enum kind {
	NAK,
	ACK,
	REQUEST,
	TIMER,
	ARRIVE,
	SEND,
};

struct event {
	int64_t time;
	enum kind kind;
	uint32_t packet;
	uint32_t valid; /* TIMER and SEND: until the counter changes */
	bool lost;      /* ARRIVE: when it would have */
};

struct sim {
	struct wires *wires;
	const struct net_message *message;
	uint32_t packets;
	struct event event[EVENTS];
	size_t events;
	/* sender of the bytes */
	uint32_t next, sending, timer;
	int64_t sent;
	bool *once;
	/* requester */
	uint32_t first, tries, requests;
	bool progressed, asked, began;
	/* responder */
	uint32_t expected;
	bool naked;

	bool done;
	struct outcome outcome;
};

/* --- events --- */

static void add(struct sim *sim, int64_t time, enum kind kind, uint32_t packet, uint32_t valid)
{
	assert_true(sim->events < EVENTS);
	sim->event[sim->events++] =
		(struct event){ .time = time, .kind = kind, .packet = packet, .valid = valid };
}

static struct event take(struct sim *sim)
{
	size_t best = 0;
	struct event event;

	assert_true(sim->events > 0);
	for (size_t i = 1; i < sim->events; i++)
		if (sim->event[i].time < sim->event[best].time ||
		    (sim->event[i].time == sim->event[best].time &&
		     sim->event[i].kind < sim->event[best].kind))
			best = i;
	event = sim->event[best];
	/* keeps the order of equal ones */
	memmove(&sim->event[best], &sim->event[best + 1],
		(sim->events - best - 1) * sizeof(sim->event[0]));
	sim->events--;
	return event;
}

/* --- links --- */

struct packet {
	int from;       /* 0: requester, 1: responder */
	uint64_t bytes; /* of payload */
	uint32_t extra; /* bytes of headers that others have not */
	bool resent;
};

static int64_t length(const struct wire *wire, uint64_t bytes)
{
	return wire->rate > 0 ? (int64_t)((double)bytes * 1e9 / wire->rate) : 0;
}

/* P begins on WIRE.  Returns whether it is lost there. */
static bool enter(const struct wires *wires, struct wire *wire, const struct packet *p)
{
	bool lost = wire->loss > 0 && random_real(&wire->random) < wire->loss;

	wire->wire_bytes += p->bytes + p->extra + wires->header;
	wire->resent_bytes += p->resent ? p->bytes : 0;
	wire->lost += lost;
	return lost;
}

static void count(struct wires *wires, const struct packet *p, bool lost)
{
	struct side *from = &wires->side[p->from], *to = &wires->side[!p->from];
	uint64_t bytes = p->bytes + p->extra + wires->header;

	from->xmit_bytes += bytes;
	from->xmit_packets++;
	from->lost += lost;
	from->resent += p->resent;
	from->resent_bytes += p->resent ? p->bytes : 0;
	to->rcv_bytes += lost ? 0 : bytes;
	to->rcv_packets += !lost;
}

/* P leaves at TIME.  Returns when it is there, or would be. */
static int64_t cross(struct wires *wires, const struct packet *p, int64_t time, int64_t *left,
		     bool *lost)
{
	struct wire *up = &wires->wire[2 * p->from], *down = &wires->wire[2 * !p->from + 1];
	int64_t end = time + length(up, p->bytes), begin;

	*left = end;
	up->busy = end;
	*lost = enter(wires, up, p);
	if (!*lost) {
		begin = end - length(down, p->bytes);
		if (begin < down->busy)
			begin = down->busy;
		end = begin + length(down, p->bytes);
		if (p->bytes)
			down->busy = end;
		*lost = enter(wires, down, p);
	}
	count(wires, p, *lost);
	return end + wires->latency;
}

/* Something without payload and without length. */
static bool control(struct sim *sim, int from, uint32_t extra, bool resent)
{
	const struct packet p = { .from = from, .extra = extra, .resent = resent };
	int64_t left;
	bool lost;

	cross(sim->wires, &p, sim->wires->wire[2 * from].busy, &left, &lost);
	return !lost;
}

/* --- a sender of bytes --- */

static int64_t patience(const struct sim *sim)
{
	return (int64_t)4096 << sim->message->timeout;
}

static void give_up(struct sim *sim, int64_t time)
{
	sim->outcome.failed = sim->done = true;
	sim->outcome.ack = time;
}

static struct packet packet_of(const struct sim *sim, uint32_t k)
{
	const struct net_message *message = sim->message;
	uint64_t left = message->bytes - (uint64_t)k * message->mtu;
	struct packet p = {
		.from = message->response,
		.bytes = left < message->mtu ? left : message->mtu,
		.resent = sim->once[k],
	};

	if (message->response && (k == 0 || k == sim->packets - 1))
		p.extra = OF_AN_ANSWER;
	return p;
}

/* The sender of the bytes is to begin at packet K, not before TIME. */
static void send_from(struct sim *sim, uint32_t k, int64_t time)
{
	sim->next = k;
	add(sim, time > sim->sent ? time : sim->sent, SEND, 0, ++sim->sending);
}

static void send_packet(struct sim *sim, int64_t time)
{
	uint32_t k = sim->next++;
	struct packet p = packet_of(sim, k);
	bool lost, read = sim->message->response;
	int64_t at = cross(sim->wires, &p, time, &sim->sent, &lost);

	sim->outcome.resent += p.resent;
	sim->once[k] = true;
	if (!lost || read) {
		add(sim, at, ARRIVE, k, 0);
		sim->event[sim->events - 1].lost = lost;
	}
	if (sim->next < sim->packets)
		add(sim, sim->sent, SEND, 0, sim->sending);
	else if (!read)
		add(sim, sim->sent + patience(sim), TIMER, 0, ++sim->timer);
}

/* --- writes --- */

static void responder_gets(struct sim *sim, uint32_t k, int64_t time)
{
	if (k > sim->expected) {
		if (!sim->naked && control(sim, 1, OF_AN_ANSWER, false))
			add(sim, time + sim->wires->latency, NAK, sim->expected, 0);
		sim->naked = true;
		return;
	}
	if (k == sim->expected) {
		sim->naked = false;
		if (++sim->expected == sim->packets) {
			sim->outcome.delivered = true;
			sim->outcome.deliver = time;
		}
	}
	if (k == sim->packets - 1 && control(sim, 1, OF_AN_ANSWER, false))
		add(sim, time + sim->wires->latency, ACK, 0, 0);
}

static void requester_gets_nak(struct sim *sim, uint32_t gap, int64_t time)
{
	sim->outcome.naks++;
	sim->timer++;
	if (gap > sim->first)
		sim->tries = 0;
	else if (++sim->tries > sim->message->retry_count) {
		give_up(sim, time);
		return;
	}
	sim->first = gap;
	send_from(sim, gap, time);
}

static void write_timer(struct sim *sim, int64_t time)
{
	sim->outcome.timeouts++;
	if (++sim->tries > sim->message->retry_count)
		give_up(sim, time);
	else
		send_from(sim, sim->first, time);
}

/* --- reads --- */

static void send_request(struct sim *sim, int64_t time)
{
	bool arrives = control(sim, 0, OF_A_REQUEST, sim->requests++ > 0);

	sim->asked = true;
	sim->timer++;
	if (arrives)
		add(sim, time + sim->wires->latency, REQUEST, 0, 0);
	else
		add(sim, time + patience(sim), TIMER, 0, sim->timer);
}

static void ask_again(struct sim *sim, int64_t time)
{
	sim->tries = sim->progressed ? 0 : sim->tries + 1;
	sim->progressed = false;
	if (sim->tries > sim->message->retry_count)
		give_up(sim, time);
	else
		send_request(sim, time);
}

static void responder_gets_request(struct sim *sim, int64_t time)
{
	if (!sim->began)
		sim->outcome.deliver = time;
	sim->began = sim->outcome.delivered = true;
	send_from(sim, sim->first, time);
}

static void requester_gets(struct sim *sim, uint32_t k, bool lost, int64_t time)
{
	if (lost) {
		if (k != sim->first)
			return;
		sim->asked = false;
		add(sim, time + patience(sim), TIMER, 0, ++sim->timer);
	} else if (k == sim->first) {
		sim->progressed = true;
		if (++sim->first == sim->packets) {
			sim->outcome.ack = time;
			sim->done = true;
		}
	} else if (!sim->asked) {
		sim->outcome.naks++;
		ask_again(sim, time);
	}
}

/* --- a message --- */

static void handle(struct sim *sim, const struct event *event)
{
	bool read = sim->message->response;

	switch (event->kind) {
	case NAK:
		requester_gets_nak(sim, event->packet, event->time);
		break;
	case ACK:
		sim->outcome.ack = event->time;
		sim->done = true;
		break;
	case REQUEST:
		responder_gets_request(sim, event->time);
		break;
	case TIMER:
		if (event->valid != sim->timer)
			break;
		if (read) {
			sim->outcome.timeouts++;
			ask_again(sim, event->time);
		} else {
			write_timer(sim, event->time);
		}
		break;
	case ARRIVE:
		if (read)
			requester_gets(sim, event->packet, event->lost, event->time);
		else
			responder_gets(sim, event->packet, event->time);
		break;
	case SEND:
		if (event->valid == sim->sending && sim->next < sim->packets)
			send_packet(sim, event->time);
		break;
	}
}

static void send_reliable(struct sim *sim)
{
	if (sim->message->response)
		send_request(sim, 0);
	else
		send_from(sim, 0, 0);
	while (!sim->done) {
		struct event event = take(sim);

		handle(sim, &event);
	}
}

/* UC and UD: all packets are sent, and each has to be there. */
static void send_unreliable(struct sim *sim)
{
	sim->outcome.delivered = true;
	for (uint32_t k = 0; k < sim->packets; k++) {
		struct packet p = packet_of(sim, k);
		bool lost;

		p.extra = sim->message->type == QP_UD ? OF_A_DATAGRAM : 0;
		sim->outcome.deliver = cross(sim->wires, &p, sim->sent, &sim->sent, &lost);
		sim->outcome.delivered &= !lost;
	}
	sim->outcome.ack = sim->sent;
}

static struct sim *sim_create(struct wires *wires, const struct net_message *message)
{
	struct sim *sim = malloc(sizeof(*sim));

	assert_non_null(sim);
	memset(sim, 0, offsetof(struct sim, event)); /* not the many events */
	memset(&sim->events, 0, sizeof(*sim) - offsetof(struct sim, events));
	sim->wires = wires;
	sim->message = message;
	sim->packets = (uint32_t)((message->bytes + message->mtu - 1) / message->mtu);
	sim->packets += !sim->packets;
	sim->once = calloc(sim->packets, sizeof(*sim->once));
	assert_non_null(sim->once);
	return sim;
}

static void sim_destroy(struct sim *sim)
{
	free(sim->once);
	free(sim);
}

/* The payload of MESSAGE is put on its way over WIRE. */
static void count_message(struct wire *wire, const struct net_message *message)
{
	wire->bytes += message->bytes;
	wire->messages++;
}

struct outcome wires_send(struct wires *wires, const struct net_message *message)
{
	bool reliable = message->type != QP_UC && message->type != QP_UD;
	int from = message->response;
	struct sim *sim = sim_create(wires, message);
	struct outcome outcome;

	for (int i = 0; i < 4; i++)
		wires->wire[i].busy = 0;
	count_message(&wires->wire[2 * from], message);
	count_message(&wires->wire[2 * !from + 1], message);
	(reliable ? send_reliable : send_unreliable)(sim);
	outcome = sim->outcome;
	wires->side[0].timeouts += outcome.timeouts;
	wires->side[0].naks += outcome.naks;
	sim_destroy(sim);
	return outcome;
}

void wires_init(struct wires *wires, uint64_t seed, const uint32_t link[4])
{
	memset(wires, 0, sizeof(*wires));
	for (int i = 0; i < 4; i++)
		random_init(&wires->wire[i].random, seed, "loss", link[i]);
}
