/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on links that lose packets, against a simulation of every packet. */
#include "netlib.h"
#include "packetlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASES 4000

/* --- cases --- */

static double pick(struct random *random, const double *from, uint64_t count)
{
	return from[random_below(random, count)];
}

static void make_links(struct random *random, struct netlib *lib, struct wires *wires)
{
	static const double losses[] = { 0, 0, 0.003, 0.02, 0.1, 0.3, 0.6, 1 };
	static const double rates[] = { 0, 1e9, 5e8, 2.5e8 };
	static const uint32_t number[] = { 0, 1, 2, 3 };
	struct shared_header *header = lib->fabric.segment.header;
	double rate = pick(random, rates, 4);

	header->seed = random_next(random);
	wires_init(wires, header->seed, number);
	wires->header = 26; /* LRH, BTH, ICRC, VCRC */
	header->latency = wires->latency = (int64_t)random_below(random, 1500);
	for (uint32_t i = 0; i < 4; i++) {
		struct wire *wire = &wires->wire[i];

		wire->rate = i & 1 && rate > 0 && rate < 1e9 && random_below(random, 2) ? 2 * rate
											: rate;
		wire->loss = pick(random, losses, i & 1 ? 5 : 8);
		memset(net_link(&lib->fabric, i), 0, sizeof(struct shared_link));
		net_link_init(net_link(&lib->fabric, i), header->seed, i);
		net_link_set_rate(net_link(&lib->fabric, i), wire->rate);
		net_link_set_loss(net_link(&lib->fabric, i), wire->loss);
	}
	for (uint32_t i = 0; i < 2; i++)
		memset(&fabric_device(&lib->fabric, i)->counters, 0, sizeof(struct port_counters));
	net_changed(&lib->fabric);
}

static struct net_message make_message(struct random *random)
{
	static const enum qp_type types[] = { QP_RC, QP_RC, QP_RC,       QP_RC, QP_RC,
					      QP_RC, QP_RC, QP_XRC_SEND, QP_UC, QP_UD };
	struct net_message message = {
		.from = 0,
		.to = 1,
		.type = types[random_below(random, sizeof(types) / sizeof(types[0]))],
		.bytes = random_below(random, 60) * 256 + random_below(random, 2) * 17,
		.mtu = 256u << random_below(random, 4),
		.timeout = 2 + (uint32_t)random_below(random, 5),
		.retry_count = (uint32_t)random_below(random, 8),
	};

	if (message.type != QP_UC && message.type != QP_UD)
		message.response = random_below(random, 2);
	if (message.type == QP_UD && message.bytes > message.mtu)
		message.bytes = message.mtu;
	return message;
}

static void compare_links(const struct netlib *lib, const struct wires *wires)
{
	for (uint32_t i = 0; i < 4; i++) {
		const struct shared_link *link = net_link(&lib->fabric, i);
		const struct wire *wire = &wires->wire[i];

		assert_int_equal(link->wire_bytes, wire->wire_bytes);
		assert_int_equal(link->lost, wire->lost);
		assert_int_equal(link->resent_bytes, wire->resent_bytes);
		assert_int_equal(link->bytes, wire->bytes);
		assert_int_equal(link->messages, wire->messages);
	}
}

static void compare_ports(const struct netlib *lib, const struct wires *wires)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct port_counters *port = &fabric_device(&lib->fabric, i)->counters;
		const struct side *side = &wires->side[i];

		assert_int_equal(port->xmit_bytes, side->xmit_bytes);
		assert_int_equal(port->xmit_packets, side->xmit_packets);
		assert_int_equal(port->rcv_bytes, side->rcv_bytes);
		assert_int_equal(port->rcv_packets, side->rcv_packets);
		assert_int_equal(port->packets_lost, side->lost);
		assert_int_equal(port->packets_resent, side->resent);
		assert_int_equal(port->bytes_resent, side->resent_bytes);
		assert_int_equal(port->timeouts, side->timeouts);
		assert_int_equal(port->sequence_naks, side->naks);
	}
}

static void compare(const struct netlib *lib, const struct wires *wires,
		    const struct net_times *times, const struct outcome *outcome, bool read)
{
	assert_int_equal(times->failed, outcome->failed);
	assert_int_equal(times->ack, outcome->ack);
	assert_int_equal(times->delivered, outcome->delivered);
	if (times->delivered)
		assert_int_equal(times->deliver, outcome->deliver);
	assert_int_equal(times->timeouts, outcome->timeouts);
	assert_int_equal(times->sequence_naks, outcome->naks);
	/* a read that fails ends the simulation, though its answer goes on */
	if (outcome->failed && read)
		return;
	assert_int_equal(times->resent, outcome->resent);
	compare_links(lib, wires);
	compare_ports(lib, wires);
}

static void a_message_is_sent_as_packet_by_packet(void **state)
{
	struct random random;
	uint32_t failed = 0, resent = 0, clean = 0;
	struct netlib lib;

	(void)state;
	netlib_make(&lib, 2, "yes", NULL);
	random_init(&random, 1, "cases", 0);
	for (int i = 0; i < CASES; i++) {
		struct net_message message;
		struct net_times times;
		struct outcome outcome;
		struct wires wires;

		make_links(&random, &lib, &wires);
		message = make_message(&random);
		times = netlib_send(&lib, message);
		outcome = wires_send(&wires, &message);
		if (times.ack != outcome.ack)
			print_message("case %d: read %d bytes %lu mtu %u timeout %u retry %u\n", i,
				      message.response, (unsigned long)message.bytes, message.mtu,
				      message.timeout, message.retry_count);
		compare(&lib, &wires, &times, &outcome, message.response);
		failed += times.failed;
		resent += times.resent > 0;
		clean += !times.resent && !times.failed;
	}
	netlib_release(&lib);
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
