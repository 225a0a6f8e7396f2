/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of RC on links that lose packets, against a simulation of every
 * packet, NAK, acknowledgement and timer as an event of its own.
 *
 * Link i draws from the stream (seed, "loss", i) for each packet that begins on it;
 * nothing else is shared with what is tested.
 */
#include "netlib.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASES  4000
#define EVENTS 100000

/* --- the simulation --- */

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

struct wire {
	double rate, loss;
	int64_t busy;
	struct random random;
};

struct sim {
	struct wire wire[4]; /* up and down of device 0, of device 1 */
	int64_t latency;
	struct net_message message;
	uint32_t packets;
	struct event event[EVENTS];
	size_t events;
	/* sender of the bytes */
	uint32_t next, sending, timer;
	int64_t sent;
	bool *once;
	/* requester */
	uint32_t first, tries;
	bool progressed, asked, began;
	int64_t expires;
	/* responder */
	uint32_t expected;
	bool naked;
	/* outcome */
	int64_t deliver, ack;
	bool done, failed;
	uint32_t resent, timeouts, naks;
};

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

static int64_t length(const struct wire *wire, uint64_t bytes)
{
	return wire->rate > 0 ? (int64_t)((double)bytes * 1e9 / wire->rate) : 0;
}

/* BYTES from device FROM to the other from TIME on: when it is there, or would be. */
static int64_t cross(struct sim *sim, int from, uint64_t bytes, int64_t time, int64_t *left,
		     bool *lost)
{
	struct wire *up = &sim->wire[2 * from], *down = &sim->wire[2 * !from + 1];
	int64_t end = time + length(up, bytes), begin;

	*left = end;
	up->busy = end;
	*lost = up->loss > 0 && random_real(&up->random) < up->loss;
	if (*lost)
		return end + sim->latency;
	begin = end - length(down, bytes);
	if (begin < down->busy)
		begin = down->busy;
	end = begin + length(down, bytes);
	if (bytes)
		down->busy = end;
	*lost = down->loss > 0 && random_real(&down->random) < down->loss;
	return end + sim->latency;
}

/* Something without payload and without length, from FROM. */
static bool control(struct sim *sim, int from)
{
	int64_t left;
	bool lost;

	cross(sim, from, 0, sim->wire[2 * from].busy, &left, &lost);
	return !lost;
}

static int64_t patience(const struct sim *sim)
{
	return (int64_t)4096 << sim->message.timeout;
}

static void give_up(struct sim *sim, int64_t time)
{
	sim->failed = sim->done = true;
	sim->ack = time;
}

static uint64_t size_of(const struct sim *sim, uint32_t k)
{
	uint64_t left = sim->message.bytes - (uint64_t)k * sim->message.mtu;

	return left < sim->message.mtu ? left : sim->message.mtu;
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
	bool lost;
	int64_t at = cross(sim, sim->message.response, size_of(sim, k), time, &sim->sent, &lost);

	sim->resent += sim->once[k];
	sim->once[k] = true;
	if (!lost || sim->message.response) {
		add(sim, at, ARRIVE, k, 0);
		sim->event[sim->events - 1].lost = lost;
	}
	if (sim->next < sim->packets)
		add(sim, sim->sent, SEND, 0, sim->sending);
	else if (!sim->message.response)
		add(sim, sim->sent + patience(sim), TIMER, 0, ++sim->timer);
}

/* --- writes --- */

static void responder_gets(struct sim *sim, uint32_t k, int64_t time)
{
	if (k > sim->expected) {
		if (!sim->naked && control(sim, 1))
			add(sim, time + sim->latency, NAK, sim->expected, 0);
		sim->naked = true;
		return;
	}
	if (k == sim->expected) {
		sim->naked = false;
		if (++sim->expected == sim->packets)
			sim->deliver = time;
	}
	if (k == sim->packets - 1 && control(sim, 1))
		add(sim, time + sim->latency, ACK, 0, 0);
}

static void requester_gets_nak(struct sim *sim, uint32_t gap, int64_t time)
{
	sim->naks++;
	sim->timer++;
	if (gap > sim->first)
		sim->tries = 0;
	else if (++sim->tries > sim->message.retry_count) {
		give_up(sim, time);
		return;
	}
	sim->first = gap;
	send_from(sim, gap, time);
}

static void write_timer(struct sim *sim, int64_t time)
{
	sim->timeouts++;
	if (++sim->tries > sim->message.retry_count)
		give_up(sim, time);
	else
		send_from(sim, sim->first, time);
}

/* --- reads --- */

static void send_request(struct sim *sim, int64_t time)
{
	bool arrives = control(sim, 0);

	sim->asked = true;
	sim->timer++;
	if (arrives) {
		add(sim, time + sim->latency, REQUEST, 0, 0);
		sim->expires = INT64_MAX;
	} else {
		sim->expires = time + patience(sim);
		add(sim, sim->expires, TIMER, 0, sim->timer);
	}
}

static void ask_again(struct sim *sim, int64_t time)
{
	sim->tries = sim->progressed ? 0 : sim->tries + 1;
	sim->progressed = false;
	if (sim->tries > sim->message.retry_count)
		give_up(sim, time);
	else
		send_request(sim, time);
}

static void responder_gets_request(struct sim *sim, int64_t time)
{
	if (!sim->began)
		sim->deliver = time;
	sim->began = true;
	send_from(sim, sim->first, time);
}

static void requester_gets(struct sim *sim, uint32_t k, bool lost, int64_t time)
{
	if (lost) {
		if (k != sim->first)
			return;
		sim->expires = time + patience(sim);
		sim->asked = false;
		add(sim, sim->expires, TIMER, 0, ++sim->timer);
	} else if (k == sim->first) {
		sim->progressed = true;
		if (++sim->first == sim->packets) {
			sim->ack = time;
			sim->done = true;
		}
	} else if (!sim->asked) {
		sim->naks++;
		ask_again(sim, time);
	}
}

/* --- a message --- */

static void handle(struct sim *sim, const struct event *event)
{
	bool read = sim->message.response;

	switch (event->kind) {
	case NAK:
		requester_gets_nak(sim, event->packet, event->time);
		break;
	case ACK:
		sim->ack = event->time;
		sim->done = true;
		break;
	case REQUEST:
		responder_gets_request(sim, event->time);
		break;
	case TIMER:
		if (event->valid != sim->timer)
			break;
		if (read) {
			sim->timeouts++;
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

static void simulate(struct sim *sim, const struct net_message *message)
{
	sim->message = *message;
	sim->packets = (uint32_t)((message->bytes + message->mtu - 1) / message->mtu);
	if (!sim->packets)
		sim->packets = 1;
	sim->once = calloc(sim->packets, sizeof(*sim->once));
	sim->expires = INT64_MAX;
	if (message->response)
		send_request(sim, 0);
	else
		send_from(sim, 0, 0);
	while (!sim->done) {
		struct event event = take(sim);

		handle(sim, &event);
	}
	free(sim->once);
}

/* --- cases --- */

static double pick(struct random *random, const double *from, uint64_t count)
{
	return from[random_below(random, count)];
}

/* Lengths on links are whole ns, and a receiver's link is not slower than a
 * sender's: an answer is then there before a timer ends.
 */
static void make_case(struct random *random, struct netlib *lib, struct sim *sim,
		      struct net_message *message)
{
	static const double losses[] = { 0, 0, 0.003, 0.02, 0.1, 0.3, 0.6, 1 };
	static const double rates[] = { 0, 1e9, 5e8, 2.5e8 };
	struct shared_header *header;
	double rate = pick(random, rates, 4);

	header = lib->fabric.segment.header;
	header->seed = random_next(random);
	header->latency = sim->latency = (int64_t)random_below(random, 1500);
	for (uint32_t i = 0; i < 4; i++) {
		struct wire *wire = &sim->wire[i];

		wire->rate = i & 1 && rate > 0 && rate < 1e9 && random_below(random, 2) ? 2 * rate
											: rate;
		wire->loss = pick(random, losses, i & 1 ? 5 : 8);
		random_init(&wire->random, header->seed, "loss", i);
		memset(net_link(&lib->fabric, i), 0, sizeof(struct shared_link));
		net_link_init(net_link(&lib->fabric, i), header->seed, i);
		net_link_set_rate(net_link(&lib->fabric, i), wire->rate);
		net_link_set_loss(net_link(&lib->fabric, i), wire->loss);
	}
	net_changed(&lib->fabric);
	*message = (struct net_message){
		.from = 0,
		.to = 1,
		.type = random_below(random, 8) ? QP_RC : QP_XRC_SEND,
		.response = random_below(random, 2),
		.bytes = random_below(random, 60) * 256 + random_below(random, 2) * 17,
		.mtu = 256u << random_below(random, 4),
		.timeout = 2 + (uint32_t)random_below(random, 5),
		.retry_count = (uint32_t)random_below(random, 8),
	};
}

static void compare(const struct sim *sim, const struct net_times *times)
{
	assert_int_equal(times->failed, sim->failed);
	assert_int_equal(times->ack, sim->ack);
	assert_int_equal(times->delivered, sim->began || sim->expected == sim->packets);
	if (times->delivered)
		assert_int_equal(times->deliver, sim->deliver);
	assert_int_equal(times->timeouts, sim->timeouts);
	assert_int_equal(times->sequence_naks, sim->naks);
	/* a read that fails ends the simulation, though its answer goes on */
	if (!sim->failed || !sim->message.response)
		assert_int_equal(times->resent, sim->resent);
}

static void a_message_is_sent_as_packet_by_packet(void **state)
{
	struct random random;
	struct sim *sim = malloc(sizeof(*sim));
	uint32_t failed = 0, resent = 0, clean = 0;
	struct netlib lib;

	(void)state;
	netlib_make(&lib, 2, "yes", NULL);
	random_init(&random, 1, "cases", 0);
	for (int i = 0; i < CASES; i++) {
		struct net_message message;
		struct net_times times;

		memset(sim, 0, sizeof(*sim));
		make_case(&random, &lib, sim, &message);
		times = netlib_send(&lib, message);
		simulate(sim, &message);
		if (times.ack != sim->ack)
			print_message("case %d: read %d bytes %lu mtu %u timeout %u retry %u\n", i,
				      message.response, (unsigned long)message.bytes, message.mtu,
				      message.timeout, message.retry_count);
		compare(sim, &times);
		failed += times.failed;
		resent += times.resent > 0;
		clean += !times.resent && !times.failed;
	}
	netlib_release(&lib);
	free(sim);
	/* all of it has been seen */
	assert_true(failed > CASES / 20 && resent > CASES / 20 && clean > CASES / 20);
}

/* --- closed forms --- */

static struct net_message rc(uint64_t bytes, uint32_t timeout, uint32_t retry_count)
{
	return (struct net_message){
		.to = 1,
		.type = QP_RC,
		.bytes = bytes,
		.mtu = 1024,
		.timeout = timeout,
		.retry_count = retry_count,
	};
}

static void where_all_is_lost_it_fails_after_the_last_timer(void **state)
{
	struct netlib lib;

	(void)state;
	for (uint32_t retries = 0; retries < 8; retries++)
		for (int read = 0; read < 2; read++) {
			struct net_message message = rc(read ? 5000 : 0, 10, retries);
			struct net_times times;

			message.response = read;
			netlib_make(&lib, 2, "loss=1,latency=1us", NULL);
			times = netlib_send(&lib, message);
			assert_true(times.failed && !times.delivered);
			assert_int_equal(times.ack, (retries + 1) * (4096LL << 10));
			assert_int_equal(times.timeouts, retries + 1);
			netlib_release(&lib);
		}
}

static void what_is_delivered_may_fail_when_no_answer_comes(void **state)
{
	struct netlib lib;
	struct net_times times;

	(void)state;
	netlib_make(&lib, 2, "latency=1us,rate=1GB/s", NULL);
	net_link_set_loss(netlib_up(&lib, 1), 1);
	times = netlib_send(&lib, rc(2048, 8, 1));
	assert_true(times.failed && times.delivered);
	assert_int_equal(times.deliver, 2048 + 1000);
	assert_int_equal(times.ack, 2 * (2048 + (4096 << 8)));
	assert_int_equal(times.resent, 2);
	assert_int_equal(times.resent_bytes, 2048);
	netlib_release(&lib);
}

static void a_port_that_is_down_for_a_while_is_survived(void **state)
{
	struct netlib lib;
	struct flow flow;

	(void)state;
	netlib_make(&lib, 2, "latency=1us", NULL);
	netlib_up(&lib, 0)->down = 1;
	flow = netlib_flow(&lib, 1, 1, rc(100, 10, 7));
	netlib_run(&lib, &flow, 1, 2 * (4096 << 10));
	assert_int_equal(flow.left, 1);
	netlib_up(&lib, 0)->down = 0;
	netlib_run(&lib, &flow, 1, 0);
	assert_true(flow.times.delivered && !flow.times.failed);
	assert_int_equal(flow.times.deliver, 3 * (4096 << 10) + 1000);
	netlib_release(&lib);
}

static void without_a_timer_it_waits_for_ever(void **state)
{
	struct netlib lib;
	struct net_times times;

	(void)state;
	netlib_make(&lib, 2, "loss=1,latency=1us", NULL);
	times = netlib_send(&lib, rc(100, 0, 7));
	assert_true(!times.failed && !times.delivered);
	assert_true(times.ack == INT64_MAX && times.deliver == INT64_MAX);
	netlib_release(&lib);
}

/* The sum of all times of 200 messages with SEED, and what crossed the link. */
static uint64_t outcome(const char *text)
{
	struct netlib lib;
	struct flow flow;
	uint64_t packets = 0, bytes = 0;
	uint64_t sum = 0;

	netlib_make(&lib, 2, text, NULL);
	flow = netlib_flow(&lib, 1, 1, rc(20000, 4, 7));
	for (int i = 0; i < 200; i++) {
		flow.left = 1;
		netlib_run(&lib, &flow, 1, 0);
		packets += flow.times.packets + flow.times.resent;
		bytes += 20000 + flow.times.resent_bytes;
		sum = sum * 31 + (uint64_t)flow.times.ack;
		assert_false(flow.times.failed);
	}
	assert_int_equal(netlib_up(&lib, 0)->wire_bytes, bytes + packets * 26);
	assert_int_equal(netlib_up(&lib, 0)->bytes, 200 * 20000);
	assert_int_equal(netlib_up(&lib, 0)->resent_bytes, bytes - 200 * 20000);
	netlib_release(&lib);
	return sum;
}

static void the_same_seed_gives_the_same(void **state)
{
	(void)state;
	assert_true(outcome("seed=3,loss=0.02,latency=2us,rate=1GB/s,jitter=1us,link_layer=ib") ==
		    outcome("seed=3,loss=0.02,latency=2us,rate=1GB/s,jitter=1us,link_layer=ib"));
	assert_true(outcome("seed=3,loss=0.02,latency=2us,rate=1GB/s,link_layer=ib") !=
		    outcome("seed=4,loss=0.02,latency=2us,rate=1GB/s,link_layer=ib"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_sent_as_packet_by_packet),
		cmocka_unit_test(where_all_is_lost_it_fails_after_the_last_timer),
		cmocka_unit_test(what_is_delivered_may_fail_when_no_answer_comes),
		cmocka_unit_test(a_port_that_is_down_for_a_while_is_survived),
		cmocka_unit_test(without_a_timer_it_waits_for_ever),
		cmocka_unit_test(the_same_seed_gives_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
