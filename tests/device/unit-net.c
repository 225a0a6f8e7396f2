/* SPDX-License-Identifier: Apache-2.0 */
/* Times and counters of messages on links, against closed forms. */
#include "netlib.h"
#include "clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1024 * 1024)

static struct net_message rc(uint32_t from, uint32_t to, uint64_t bytes)
{
	return (struct net_message){
		.from = from,
		.to = to,
		.type = QP_RC,
		.bytes = bytes,
		.mtu = 4096,
		.timeout = 14,
		.retry_count = 7,
	};
}

static struct net_message datagram(uint32_t from, uint32_t to, uint64_t bytes)
{
	struct net_message message = rc(from, to, bytes);

	message.type = QP_UD;
	return message;
}

static struct net_message read_of(uint32_t from, uint32_t to, uint64_t bytes)
{
	struct net_message message = rc(from, to, bytes);

	message.response = true;
	return message;
}

/* --- one message --- */

static void a_message_takes_the_latency_and_its_bytes(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 8, 4096, 4097, 32768, 32769, 10 * MIB + 3 };
	struct netlib lib;
	struct net_times times;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		netlib_make(&lib, 2, "latency=2us,rate=1GB/s", NULL);
		times = netlib_send(&lib, rc(0, 1, sizes[i]));
		assert_int_equal(times.sent, sizes[i]);
		assert_int_equal(times.deliver, sizes[i] + 2000);
		assert_int_equal(times.ack, sizes[i] + 4000);
		assert_int_equal(times.packets, sizes[i] ? (sizes[i] + 4095) / 4096 : 1);
		assert_true(times.delivered && !times.failed && !times.resent);
		netlib_release(&lib);
	}
}

static void a_datagram_is_done_when_it_has_left(void **state)
{
	struct netlib lib;
	struct net_times times;

	(void)state;
	netlib_make(&lib, 2, "latency=5us,rate=1GB/s", NULL);
	times = netlib_send(&lib, datagram(0, 1, 1000));
	assert_int_equal(times.sent, 1000);
	assert_int_equal(times.ack, 1000);
	assert_int_equal(times.deliver, 6000);
	netlib_release(&lib);
}

static void a_read_goes_there_and_its_bytes_come_back(void **state)
{
	struct netlib lib;
	struct net_times times;

	(void)state;
	netlib_make(&lib, 2, "latency=3us,rate=1GB/s", NULL);
	net_link_set_rate(netlib_up(&lib, 1), 5e8); /* the answer takes this */
	times = netlib_send(&lib, read_of(0, 1, MIB));
	assert_int_equal(times.deliver, 3000);
	assert_int_equal(times.ack, 6000 + 2 * MIB);
	netlib_release(&lib);
}

static void without_a_rate_only_the_latency_counts(void **state)
{
	struct netlib lib;
	struct net_times times;

	(void)state;
	netlib_make(&lib, 2, "latency=7us", NULL);
	times = netlib_send(&lib, rc(0, 1, 100 * MIB));
	assert_int_equal(times.sent, 0);
	assert_int_equal(times.deliver, 7000);
	assert_int_equal(times.ack, 14000);
	netlib_release(&lib);
}

static void a_network_without_delays_is_ideal(void **state)
{
	struct netlib lib;

	(void)state;
	netlib_make(&lib, 2, "yes", NULL);
	assert_true(net_ideal(&lib.fabric));
	net_link_set_loss(netlib_down(&lib, 1), 0.5);
	net_changed(&lib.fabric);
	assert_false(net_ideal(&lib.fabric));
	net_link_set_loss(netlib_down(&lib, 1), 0);
	netlib_up(&lib, 0)->down = 1;
	net_changed(&lib.fabric);
	assert_false(net_ideal(&lib.fabric));
	netlib_release(&lib);
}

/* The links of a line of three, at other rates each, on a fabric of two nodes. */
static void cut_through_takes_the_time_of_the_slowest_link(void **state)
{
	static const double rates[][3] = {
		{ 4e9, 1e9, 2e9 }, { 1e9, 4e9, 2e9 }, { 4e9, 2e9, 1e9 },
		{ 1e9, 1e9, 1e9 }, { 0, 1e9, 0 },     { 2e9, 4e9, 1e9 },
	};
	const uint64_t start[] = { 0, 0, 3, 3, 3 };
	const uint32_t path[] = { 0, 1, 2 };
	struct netlib lib;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct net_topology_link link[3];
		struct net_topology line = {
			.links = 3, .nodes = 2, .link = link, .path = path, .start = start
		};

		for (int j = 0; j < 3; j++)
			link[j] = (struct net_topology_link){ .from = "a",
							      .to = "b",
							      .rate = rates[i][j] };
		netlib_make(&lib, 2, "latency=1us", &line);
		assert_int_equal(netlib_send(&lib, rc(0, 1, 4000)).deliver, 5000);
		netlib_release(&lib);
		netlib_make(&lib, 2, "latency=1us", &line);
		assert_int_equal(netlib_send(&lib, rc(0, 1, 8 * MIB)).deliver, 8 * MIB + 1000);
		netlib_release(&lib);
	}
}

/* --- several --- */

static void small_messages_have_the_rate_of_long_ones(void **state)
{
	struct netlib lib;
	struct flow flow;

	(void)state;
	netlib_make(&lib, 2, "rate=100Gbit/s", NULL);
	flow = netlib_flow(&lib, 1, 1000000, rc(0, 1, 8));
	netlib_run(&lib, &flow, 1, 0);
	/* 0.64 ns each, to 1/64 ns */
	assert_in_range(flow.times.deliver, 640000 - 8000, 640000 + 8000);
	netlib_release(&lib);
}

static void senders_share_the_link_of_their_receiver(void **state)
{
	enum { SENDERS = 7 };
	struct netlib lib;
	struct flow flow[SENDERS];
	int64_t last = 0;

	(void)state;
	netlib_make(&lib, SENDERS + 1, "latency=2us,rate=1GB/s", NULL);
	for (uint32_t i = 0; i < SENDERS; i++)
		flow[i] = netlib_flow(&lib, i, 1, rc(i + 1, 0, 4 * MIB));
	netlib_run(&lib, flow, SENDERS, 0);
	for (uint32_t i = 0; i < SENDERS; i++) {
		if (flow[i].times.deliver > last)
			last = flow[i].times.deliver;
		/* fair: all end within a window of each other */
		assert_true(flow[i].times.deliver > SENDERS * (4 * MIB - NET_WINDOW));
	}
	assert_int_equal(last, SENDERS * 4 * MIB + 2000);
	assert_int_equal(netlib_down(&lib, 0)->bytes, SENDERS * 4 * MIB);
	netlib_release(&lib);
}

/* All send to all: up links and down links have the same to do, from a little after each other. */
static void links_that_are_wanted_are_not_idle(void **state)
{
	enum { NODES = 4, FLOWS = NODES * (NODES - 1) };
	const int64_t wire = (NODES - 1) * 256 * 1024 * 80;
	struct netlib lib;
	struct flow flow[FLOWS];
	int64_t last = 0;

	(void)state;
	for (int64_t apart = 0; apart < 400000; apart += 33333) {
		netlib_make(&lib, NODES, "latency=10us,rate=100Mbit/s", NULL);
		for (uint32_t i = 0; i < FLOWS; i++) {
			uint32_t from = i / (NODES - 1), to = from + 1 + i % (NODES - 1);

			flow[i] = netlib_flow(&lib, i, 1, rc(from, to % NODES, 256 * 1024));
			flow[i].posted_at = flow[i].again = from * 7 % NODES * apart;
		}
		last = 0;
		netlib_run(&lib, flow, FLOWS, 0);
		for (uint32_t i = 0; i < FLOWS; i++)
			if (flow[i].times.deliver > last)
				last = flow[i].times.deliver;
		assert_in_range(last, wire + 10000,
				wire + 10000 + (NODES - 1) * apart + wire / 100);
		netlib_release(&lib);
	}
}

/* Bytes that the flows have sent by UNTIL. */
static void two_queue_pairs_share_a_link_and_a_third_has_its_own(void **state)
{
	enum { UNTIL = 50000000 };
	struct netlib lib;
	struct flow flow[3];
	uint64_t sent[3];

	(void)state;
	netlib_make(&lib, 6, "latency=1us,rate=1GB/s", NULL);
	flow[0] = netlib_flow(&lib, 1, 1000000, rc(0, 1, 3 * MIB));
	flow[1] = netlib_flow(&lib, 2, 1000000, rc(0, 2, 50000));
	flow[2] = netlib_flow(&lib, 3, 1000000, rc(3, 4, MIB));
	netlib_run(&lib, flow, 3, UNTIL);
	sent[0] = (1000000 - (uint64_t)flow[0].left) * 3 * MIB + flow[0].sqe.net.placed;
	sent[1] = (1000000 - (uint64_t)flow[1].left) * 50000 + flow[1].sqe.net.placed;
	sent[2] = (1000000 - (uint64_t)flow[2].left) * MIB + flow[2].sqe.net.placed;
	/* each half the link, to two windows; the third all of its own */
	assert_in_range(sent[0], UNTIL / 2 - 2 * NET_WINDOW, UNTIL / 2 + 2 * NET_WINDOW);
	assert_in_range(sent[1], UNTIL / 2 - 2 * NET_WINDOW, UNTIL / 2 + 2 * NET_WINDOW);
	assert_in_range(sent[2], UNTIL, UNTIL + NET_WINDOW);
	netlib_release(&lib);
}

static void who_is_late_and_alone_is_not_slowed(void **state)
{
	struct netlib lib;
	struct flow flow;
	struct net_times times;
	int64_t again;
	int calls = 0;

	(void)state;
	netlib_make(&lib, 2, "latency=2us,rate=1GB/s", NULL);
	flow = netlib_flow(&lib, 1, 1, rc(0, 1, 64 * MIB));
	/* it looks every millisecond: 16 windows */
	for (int64_t now = 0;
	     !net_send(&lib.fabric, &flow.stream, &flow.sqe, &flow.message, now, &times, &again);
	     now += 1000000)
		calls++;
	assert_true(calls > 60);
	assert_int_equal(times.deliver, 64 * MIB + 2000);
	netlib_release(&lib);
}

static void who_is_late_waits_only_for_what_others_did(void **state)
{
	struct netlib lib;
	struct flow flow[2];

	(void)state;
	netlib_make(&lib, 3, "rate=1GB/s", NULL);
	/* the second comes to the link at 10 ms but is called first */
	flow[1] = netlib_flow(&lib, 2, 1, rc(2, 0, 20000));
	flow[1].posted_at = flow[1].again = 10000000;
	netlib_run(&lib, &flow[1], 1, 0);
	assert_int_equal(flow[1].times.deliver, 10020000);
	flow[0] = netlib_flow(&lib, 1, 1, rc(1, 0, 30000));
	flow[0].again = 20000000;
	netlib_run(&lib, &flow[0], 1, 0);
	assert_int_equal(flow[0].times.deliver, 30000);
	/* one that runs into it was there before it */
	flow[0] = netlib_flow(&lib, 3, 1, rc(1, 0, 30000));
	flow[0].posted_at = 9980000;
	flow[0].again = 20000000;
	netlib_run(&lib, &flow[0], 1, 0);
	assert_int_equal(flow[0].times.deliver, 10010000);
	/* but in the time of two nobody carries three: 9980000 + 20000 + 30000 + 10000 */
	flow[0] = netlib_flow(&lib, 4, 1, rc(1, 0, 10000));
	flow[0].posted_at = 10005000;
	flow[0].again = 20000000;
	netlib_run(&lib, &flow[0], 1, 0);
	assert_int_equal(flow[0].times.deliver, 10040000);
	netlib_release(&lib);
}

static void a_slow_flow_leaves_the_rest_of_a_fast_link(void **state)
{
	enum { UNTIL = 20000000 };
	struct netlib lib;
	struct flow flow[2];
	uint64_t sent;

	(void)state;
	netlib_make(&lib, 3, "rate=1GB/s", NULL);
	net_link_set_rate(netlib_up(&lib, 1), 1e8);
	flow[0] = netlib_flow(&lib, 1, 1000, rc(1, 0, MIB)); /* a tenth of the link */
	flow[1] = netlib_flow(&lib, 2, 1000, rc(2, 0, MIB));
	netlib_run(&lib, flow, 2, UNTIL);
	sent = (1000 - flow[1].left) * (uint64_t)MIB + flow[1].sqe.net.placed;
	assert_true(sent > UNTIL * 0.85);
	netlib_release(&lib);
}

static void messages_of_a_queue_pair_keep_their_order_under_jitter(void **state)
{
	struct netlib lib;
	struct flow flow;
	int64_t before = 0, before_ack = 0;
	bool moved = false;

	(void)state;
	netlib_make(&lib, 2, "latency=10us,jitter=5us,rate=1GB/s", NULL);
	flow = netlib_flow(&lib, 1, 1, rc(0, 1, 100));
	for (int i = 1; i <= 2000; i++) {
		flow.left = 1;
		netlib_run(&lib, &flow, 1, 0);
		assert_int_equal(flow.times.sent, 100 * i);
		assert_true(flow.times.deliver >= before && flow.times.ack >= before_ack);
		assert_true(flow.times.deliver >= flow.times.sent + 10000);
		assert_true(flow.times.ack >= flow.times.deliver + 10000);
		if (flow.times.deliver > before)
			assert_true(flow.times.deliver <= flow.times.sent + 15000);
		moved |= flow.times.deliver != flow.times.sent + 10000;
		before = flow.times.deliver;
		before_ack = flow.times.ack;
	}
	assert_true(moved);
	netlib_release(&lib);
}

/* --- several processes --- */

enum { PROCESSES = 4, MESSAGES = 5000 };

struct shared {
	_Atomic int ready;
	int64_t last[PROCESSES]; /* delivery */
};

/* All of it is late, so nothing waits for room. */
static void send_many(struct netlib *lib, struct shared *shared, uint32_t self)
{
	struct flow flow = netlib_flow(lib, self, MESSAGES, rc(self + 1, 0, 1000));

	lib->fabric.self = self;
	flow.again = INT64_C(1) << 40;
	atomic_fetch_add(&shared->ready, 1);
	while (atomic_load(&shared->ready) < PROCESSES)
		clock_rest(1);
	netlib_run(lib, &flow, 1, 0);
	shared->last[self] = flow.times.deliver;
}

static void processes_share_a_link_without_loss_or_overlap(void **state)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct netlib lib;
	pid_t pid[PROCESSES];
	int64_t last = 0;
	int status;

	(void)state;
	netlib_make(&lib, PROCESSES + 1, "rate=1GB/s", NULL);
	for (uint32_t i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i] == 0) {
			send_many(&lib, shared, i);
			_exit(0);
		}
	}
	for (uint32_t i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
		last = shared->last[i] > last ? shared->last[i] : last;
	}
	assert_int_equal(last, PROCESSES * MESSAGES * 1000);
	assert_int_equal(netlib_down(&lib, 0)->bytes, PROCESSES * MESSAGES * 1000);
	assert_int_equal(netlib_down(&lib, 0)->messages, PROCESSES * MESSAGES);
	netlib_release(&lib);
	munmap(shared, sizeof(*shared));
}

static void a_link_is_taken_from_the_dead(void **state)
{
	struct netlib lib;

	(void)state;
	netlib_make(&lib, 2, "rate=1GB/s", NULL);
	netlib_send(&lib, rc(0, 1, 1000));
	lib.fabric.segment.header->process[7].state = PROCESS_DEAD;
	netlib_up(&lib, 0)->lock.owner = 8;
	/* what it had taken is still taken */
	assert_int_equal(netlib_send(&lib, rc(0, 1, 500)).deliver, 1500);
	assert_int_equal(netlib_up(&lib, 0)->lock.owner, 0);
	netlib_release(&lib);
}

/* --- what is counted --- */

static void links_and_ports_count_what_crosses_them(void **state)
{
	struct netlib lib;
	struct port_counters *sender, *receiver;
	uint64_t wire = 10000 + 3 * 26, ack = 26 + 4;

	(void)state;
	netlib_make(&lib, 2, "latency=1us,rate=1GB/s,link_layer=ib", NULL);
	sender = &fabric_device(&lib.fabric, 0)->counters;
	receiver = &fabric_device(&lib.fabric, 1)->counters;
	netlib_send(&lib, rc(0, 1, 10000));
	assert_int_equal(netlib_up(&lib, 0)->bytes, 10000);
	assert_int_equal(netlib_down(&lib, 1)->messages, 1);
	assert_int_equal(netlib_down(&lib, 1)->wire_bytes, wire);
	assert_int_equal(netlib_up(&lib, 1)->bytes, 0);
	assert_int_equal(netlib_up(&lib, 1)->wire_bytes, ack);
	assert_int_equal(sender->xmit_bytes, wire);
	assert_int_equal(sender->xmit_packets, 3);
	assert_int_equal(sender->rcv_bytes, ack);
	assert_int_equal(receiver->rcv_packets, 3);
	/* a read of node 1: the answer's first and last packet have a header more */
	netlib_send(&lib, read_of(1, 0, 10000));
	assert_int_equal(netlib_up(&lib, 0)->bytes, 20000);
	assert_int_equal(netlib_up(&lib, 0)->wire_bytes, 2 * wire + 8);
	assert_int_equal(netlib_up(&lib, 1)->bytes, 0);
	assert_int_equal(netlib_up(&lib, 1)->wire_bytes, ack + 26 + 16);
	netlib_release(&lib);
}

static void waiting_for_a_link_is_counted_on_it(void **state)
{
	struct netlib lib;
	struct flow flow[2];

	(void)state;
	netlib_make(&lib, 3, "rate=1GB/s", NULL);
	flow[0] = netlib_flow(&lib, 1, 1, rc(1, 0, 5000));
	flow[1] = netlib_flow(&lib, 2, 1, rc(2, 0, 3000));
	flow[1].posted_at = flow[1].again = 1000;
	netlib_run(&lib, flow, 2, 0);
	assert_int_equal(flow[1].times.deliver, 8000);
	assert_int_equal(netlib_down(&lib, 0)->queue_ns, 4000);
	assert_int_equal(netlib_up(&lib, 2)->queue_ns, 0);
	netlib_release(&lib);
}

static void an_ideal_network_counts_the_same(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 4096, 100000 };
	struct netlib ideal, real;
	struct net_stream stream = { .deliver_at = 0 };

	(void)state;
	netlib_make(&ideal, 2, "yes", NULL);
	netlib_make(&real, 2, "latency=1us", NULL);
	for (size_t i = 0; i < 10 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t size = sizes[i / 10];
		struct net_message message[] = { rc(0, 1, size), read_of(1, 0, size),
						 datagram(1, 0, size % 4096) };

		for (int j = 0; j < 3; j++) {
			/* alone, in pairs, and many of one kind */
			for (uint32_t k = 0; k < (i % 3 ? 1 + i % 2 : 20); k++) {
				net_count(&ideal.fabric, &stream, &message[j]);
				netlib_send(&real, message[j]);
			}
		}
	}
	net_flush(&ideal.fabric, &stream);
	for (uint32_t i = 0; i < 4; i++) {
		struct shared_link *a = net_link(&ideal.fabric, i), *b = net_link(&real.fabric, i);

		assert_true(a->wire_bytes > 0);
		assert_int_equal(a->bytes, b->bytes);
		assert_int_equal(a->messages, b->messages);
		assert_int_equal(a->wire_bytes, b->wire_bytes);
	}
	for (uint32_t i = 0; i < 2; i++)
		assert_memory_equal(&fabric_device(&ideal.fabric, i)->counters,
				    &fabric_device(&real.fabric, i)->counters,
				    sizeof(struct port_counters));
	netlib_release(&ideal);
	netlib_release(&real);
}

static void payload_is_counted_once_and_the_wire_each_time(void **state)
{
	static const bool lossy[] = { false, true };
	struct netlib lib;
	struct flow flow;

	(void)state;
	for (int i = 0; i < 2; i++) {
		netlib_make(&lib, 2, "latency=1us,rate=1GB/s,link_layer=ib", NULL);
		/* a link that can lose, but as good as never */
		net_link_set_loss(netlib_down(&lib, 1), lossy[i] ? 1e-300 : 0);
		flow = netlib_flow(&lib, 1, 1, rc(0, 1, 9000));
		netlib_run(&lib, &flow, 1, 0);
		assert_int_equal(flow.times.deliver, 10000);
		/* RNR: the same once more, 20 us after the start */
		net_again(&flow.sqe, 20000);
		flow.left = 1;
		netlib_run(&lib, &flow, 1, 0);
		assert_int_equal(flow.times.deliver, 30000);
		assert_int_equal(netlib_up(&lib, 0)->bytes, 9000);
		assert_int_equal(netlib_up(&lib, 0)->messages, 1);
		assert_int_equal(netlib_up(&lib, 0)->wire_bytes, 2 * (9000 + 3 * 26));
		assert_int_equal(netlib_up(&lib, 0)->resent_bytes, 9000);
		assert_int_equal(fabric_device(&lib.fabric, 0)->counters.packets_resent, 3);
		netlib_release(&lib);
	}
}

/* --- losses (RC's are in unit-net-loss.c) --- */

static void as_many_datagrams_are_lost_as_asked_for(void **state)
{
	static const struct {
		const char *text;
		double loss;
	} cases[] = { { "latency=3us,loss=0.001", 0.001 },
		      { "latency=3us,loss=0.1", 0.1 },
		      { "latency=3us,loss=0.7", 0.7 } };
	enum { COUNT = 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		double p = cases[i].loss, sigma = sqrt(COUNT * p * (1 - p));
		struct netlib lib;
		struct flow flow;
		uint32_t lost = 0;

		netlib_make(&lib, 2, cases[i].text, NULL);
		flow = netlib_flow(&lib, 1, 1, datagram(0, 1, 1000));
		for (int j = 0; j < COUNT; j++) {
			flow.left = 1;
			netlib_run(&lib, &flow, 1, 0);
			assert_false(flow.times.failed);
			assert_true(flow.times.deliver == flow.times.sent + 3000);
			lost += !flow.times.delivered;
		}
		assert_true(fabs(lost - COUNT * p) < 3 * sigma);
		assert_int_equal(netlib_up(&lib, 0)->lost, lost);
		assert_int_equal(fabric_device(&lib.fabric, 0)->counters.packets_lost, lost);
		assert_int_equal(netlib_up(&lib, 0)->bytes, COUNT * 1000);
		netlib_release(&lib);
	}
}

static void an_unreliable_message_is_lost_whole(void **state)
{
	enum { COUNT = 20000 };
	double p = 1 - pow(0.98, 10), sigma = sqrt(COUNT * p * (1 - p));
	struct net_message message = rc(0, 1, 10 * 256 - 7);
	struct netlib lib;
	struct flow flow;
	uint32_t lost = 0;

	(void)state;
	message.type = QP_UC;
	message.mtu = 256;
	netlib_make(&lib, 2, "loss=0.02,rate=1GB/s", NULL);
	flow = netlib_flow(&lib, 1, 1, message);
	for (int i = 1; i <= COUNT; i++) {
		flow.left = 1;
		netlib_run(&lib, &flow, 1, 0);
		lost += !flow.times.delivered;
		/* all of it is sent, lost or not */
		assert_int_equal(flow.times.sent, i * (int64_t)message.bytes);
		assert_int_equal(flow.times.resent, 0);
	}
	assert_true(fabs(lost - COUNT * p) < 3 * sigma);
	netlib_release(&lib);
}

static void nobody_gets_what_is_sent_to_nobody(void **state)
{
	struct net_stream stream = { .deliver_at = 0 };
	struct netlib lib;
	struct net_times times;

	(void)state;
	netlib_make(&lib, 2, "latency=1us,rate=1GB/s", NULL);
	times = netlib_send(&lib, datagram(0, UINT32_MAX, 500));
	assert_false(times.delivered);
	assert_int_equal(times.sent, 500);
	times = netlib_send(&lib, read_of(0, UINT32_MAX, 500));
	assert_true(times.failed && !times.delivered);
	net_count(&lib.fabric, &stream,
		  &(struct net_message){ .to = UINT32_MAX, .type = QP_RC, .mtu = 256 });
	net_flush(&lib.fabric, &stream);
	netlib_release(&lib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_takes_the_latency_and_its_bytes),
		cmocka_unit_test(a_datagram_is_done_when_it_has_left),
		cmocka_unit_test(a_read_goes_there_and_its_bytes_come_back),
		cmocka_unit_test(without_a_rate_only_the_latency_counts),
		cmocka_unit_test(a_network_without_delays_is_ideal),
		cmocka_unit_test(cut_through_takes_the_time_of_the_slowest_link),
		cmocka_unit_test(small_messages_have_the_rate_of_long_ones),
		cmocka_unit_test(senders_share_the_link_of_their_receiver),
		cmocka_unit_test(links_that_are_wanted_are_not_idle),
		cmocka_unit_test(two_queue_pairs_share_a_link_and_a_third_has_its_own),
		cmocka_unit_test(who_is_late_and_alone_is_not_slowed),
		cmocka_unit_test(who_is_late_waits_only_for_what_others_did),
		cmocka_unit_test(a_slow_flow_leaves_the_rest_of_a_fast_link),
		cmocka_unit_test(messages_of_a_queue_pair_keep_their_order_under_jitter),
		cmocka_unit_test(processes_share_a_link_without_loss_or_overlap),
		cmocka_unit_test(a_link_is_taken_from_the_dead),
		cmocka_unit_test(links_and_ports_count_what_crosses_them),
		cmocka_unit_test(waiting_for_a_link_is_counted_on_it),
		cmocka_unit_test(an_ideal_network_counts_the_same),
		cmocka_unit_test(payload_is_counted_once_and_the_wire_each_time),
		cmocka_unit_test(as_many_datagrams_are_lost_as_asked_for),
		cmocka_unit_test(an_unreliable_message_is_lost_whole),
		cmocka_unit_test(nobody_gets_what_is_sent_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
