/* SPDX-License-Identifier: Apache-2.0 */
/* unit-matchrandom.c - random traffic: what is matched is what a device has done
 *
 * The model is a device in arrays: it takes requests from its queues one by one and
 * makes completions, each of which it knows the request of.  Every request has a
 * serial number, which the ring carries as its address.
 *
 *	unit-matchrandom [SEED]
 */
#include "matchlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PAIRS  5
#define SRQS   2
#define QUEUES (2 * PAIRS + SRQS) /* send, receive of each pair; shared ones */
#define LIMIT  24                 /* outstanding in one queue */
#define STEPS  6000
#define SEEDS  60

enum { IDS_SAME, IDS_FEW, IDS_UNIQUE, IDS };

struct request {
	uint64_t serial, wr_id;
	bool signaled, message;
};

struct queue {
	struct request request[LIMIT];
	unsigned count; /* posted and not ended, as the program sees it */
	unsigned taken; /* of them, by the device */
};

struct completion {
	struct request request;
	unsigned pair, queue;
	uint8_t status;
};

/* What a handler has to be called with. */
struct expected {
	char what; /* '+', '-', '!' */
	uint64_t serial;
	bool inferred;
	unsigned depth;
	int64_t message; /* -1: none */
};

static struct model {
	unsigned state; /* of rand_r() */
	int ids;
	struct ring ring;
	struct queue queue[QUEUES];
	struct completion cq[4 * LIMIT * QUEUES];
	size_t cq_first, cq_end;
	bool sig_all[PAIRS];
	int srq[PAIRS]; /* -1: its own receive queue */
	uint64_t generation[PAIRS];
	int64_t sent[PAIRS], received[PAIRS];
	uint64_t serial;
	struct expected *expected;
	size_t count, room, at;
} m;

static unsigned below(unsigned limit)
{
	return (unsigned)rand_r(&m.state) % limit;
}

static void expect(char what, uint64_t serial, bool inferred, unsigned depth, int64_t message)
{
	if (m.count == m.room) {
		m.room = m.room ? 2 * m.room : 1024;
		m.expected = reallocarray(m.expected, m.room, sizeof(*m.expected));
		assert_non_null(m.expected);
	}
	m.expected[m.count++] = (struct expected){ what, serial, inferred, depth, message };
}

static uint64_t new_id(unsigned queue)
{
	uint64_t id = m.ids == IDS_SAME ? 0 : m.ids == IDS_FEW ? below(4) : m.serial;

	/* an error does not say of which queue it is */
	return id | (uint64_t)(queue >= PAIRS) << 40;
}

static uint32_t qpn_of(unsigned pair)
{
	return 0x100 * (pair + 1) + 1;
}

static unsigned receive_queue(unsigned pair)
{
	return m.srq[pair] < 0 ? PAIRS + pair : 2 * PAIRS + (unsigned)m.srq[pair];
}

static struct request *append(unsigned queue)
{
	struct queue *to = &m.queue[queue];
	struct request *request = &to->request[to->count++];

	*request = (struct request){ .serial = ++m.serial };
	request->wr_id = new_id(queue);
	return request;
}

static void take_first(struct queue *queue)
{
	memmove(&queue->request[0], &queue->request[1], --queue->count * sizeof(queue->request[0]));
}

/* --- what the program does --- */

static void post_send(unsigned pair)
{
	struct request *request;
	bool signaled = below(3) == 0;

	if (m.queue[pair].count == LIMIT)
		return;
	request = append(pair);
	request->signaled = signaled || m.sig_all[pair];
	request->message = below(2);
	RING_SEND(&m.ring, .qpn = qpn_of(pair), .wr_id = request->wr_id,
		  .opcode = request->message ? 2 : 0, .flags = signaled ? 2 : 0,
		  .address = request->serial);
	expect('+', request->serial, false, m.queue[pair].count,
	       request->message ? m.sent[pair]++ : -1);
}

static void post_receive(unsigned queue)
{
	struct request *request;

	if (m.queue[queue].count == LIMIT)
		return;
	request = append(queue);
	if (queue >= 2 * PAIRS)
		RING_SRQ_RECV(&m.ring, .srq = 0x5000 + queue, .wr_id = request->wr_id,
			      .address = request->serial);
	else
		RING_RECV(&m.ring, .qpn = qpn_of(queue - PAIRS), .wr_id = request->wr_id,
			  .address = request->serial);
	expect('+', request->serial, false, m.queue[queue].count, -1);
}

/* A send's message has its number since it was posted. */
static int64_t number_of(uint64_t serial)
{
	size_t at = m.count;

	while (at-- > 0)
		if (m.expected[at].what == '+' && m.expected[at].serial == serial)
			return m.expected[at].message;
	fail();
	return -1;
}

static void end_first(unsigned queue, bool inferred, int64_t message)
{
	struct queue *of = &m.queue[queue];
	uint64_t serial = of->request[0].serial;

	take_first(of);
	of->taken--;
	expect('-', serial, inferred, of->count, message);
}

static void poll(void)
{
	const struct completion *wc;
	bool receive;

	if (m.cq_first == m.cq_end)
		return;
	wc = &m.cq[m.cq_first++];
	receive = wc->queue >= PAIRS;
	RING_WC(&m.ring, .qpn = qpn_of(wc->pair), .status = wc->status,
		.opcode = wc->status ? 255
			  : receive  ? 128
				     : 0,
		.wr_id = wc->request.wr_id);
	while (m.queue[wc->queue].request[0].serial != wc->request.serial) {
		assert_false(receive);
		end_first(wc->queue, true, number_of(m.queue[wc->queue].request[0].serial));
	}
	end_first(wc->queue, false,
		  !receive     ? number_of(wc->request.serial)
		  : wc->status ? -1
			       : m.received[wc->pair]++);
}

/* --- what the device does --- */

static void complete(unsigned pair, unsigned queue, uint8_t status)
{
	struct queue *of = &m.queue[queue];
	const struct request *request = &of->request[of->taken];

	if (of->taken == of->count)
		return;
	of->taken++;
	if (queue >= PAIRS || request->signaled || status)
		m.cq[m.cq_end++] = (struct completion){ *request, pair, queue, status };
	assert_true(m.cq_end < sizeof(m.cq) / sizeof(*m.cq));
}

static void drain(void)
{
	while (m.cq_first != m.cq_end)
		poll();
	m.cq_first = m.cq_end = 0;
}

static void leave(unsigned queue)
{
	for (; m.queue[queue].count; take_first(&m.queue[queue]))
		expect('!', m.queue[queue].request[0].serial, false, 0, -1);
	m.queue[queue].taken = 0;
}

static void create(unsigned pair)
{
	m.sig_all[pair] = below(2);
	m.srq[pair] = below(2) ? -1 : (int)below(SRQS);
	m.sent[pair] = m.received[pair] = 0;
	RING_QP(&m.ring, .qpn = qpn_of(pair), .sig_all = m.sig_all[pair],
		.srq = m.srq[pair] < 0 ? 0 : 0x5000U + 2 * PAIRS + (unsigned)m.srq[pair]);
}

/* The queue pair fails, all of its own is flushed, and it is made again. */
static void fail_pair(unsigned pair)
{
	unsigned receives = PAIRS + pair;

	if (m.ids == IDS_UNIQUE && below(2)) {
		for (uint8_t status = 12; m.queue[pair].taken < m.queue[pair].count; status = 5)
			complete(pair, pair, status);
		while (m.queue[receives].taken < m.queue[receives].count)
			complete(pair, receives, 5);
	}
	drain();
	ring_destroy_qp(&m.ring, 0, qpn_of(pair));
	leave(pair);
	leave(receives);
	create(pair);
}

static void step(void)
{
	unsigned pair = below(PAIRS), what = below(100);

	if (what < 30)
		post_send(pair);
	else if (what < 50)
		post_receive(receive_queue(pair));
	else if (what < 65)
		complete(pair, pair, 0);
	else if (what < 80)
		complete(pair, receive_queue(pair), 0);
	else if (what < 99)
		poll();
	else if (below(5) == 0)
		fail_pair(pair);
	if (m.cq_first == m.cq_end)
		m.cq_first = m.cq_end = 0;
}

/* --- what is matched --- */

static void compare(char what, const struct work *work, unsigned depth)
{
	const struct expected *want = &m.expected[m.at++];

	assert_true(m.at <= m.count);
	assert_int_equal(what, want->what);
	assert_int_equal(work->address, want->serial);
	assert_int_equal(work->inferred, want->inferred);
	if (what == '!')
		return;
	assert_int_equal(depth, want->depth);
	assert_int_equal(work->has_message ? (int64_t)work->message : -1, want->message);
}

static int posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	(void)arg;
	compare('+', work, depth->outstanding);
	return 0;
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	(void)arg;
	compare('-', work, depth->outstanding);
	return 0;
}

static int left(void *arg, const struct work *work)
{
	(void)arg;
	compare('!', work, 0);
	return 0;
}

static void run(unsigned seed)
{
	const struct trace_handler handler = {
		.match = { .posted = posted, .ended = ended, .left = left },
	};
	struct trace_run trace;
	struct err err = { "" };

	m = (struct model){ .state = seed, .ids = (int)(seed % IDS) };
	ring_init(&m.ring);
	m.ring.per_extent = 1 + below(VRING_RECORDS);
	for (unsigned pair = 0; pair < PAIRS; pair++)
		create(pair);
	for (unsigned i = 0; i < STEPS; i++)
		step();
	/* as match_finish() goes through them: pairs that are left, in the order in which they
	 * were made, then shared queues, so nothing may be left here
	 */
	for (unsigned pair = 0; pair < PAIRS; pair++)
		fail_pair(pair);
	for (unsigned i = 0; i < SRQS; i++) {
		RING_CALL(&m.ring, DESTROY_SRQ, .object = 0x5000 + 2 * PAIRS + i);
		leave(2 * PAIRS + i);
	}
	assert_int_equal(trace_run_open(&trace, match_path(&m.ring), &err), 0);
	assert_int_equal(trace_run_walk_all(&trace, &handler, &err), 0);
	assert_int_equal(m.at, m.count);
	trace_run_close(&trace);
	free(m.expected);
	ring_release(&m.ring);
	match_path_remove();
}

static unsigned only;

static void test_seeds(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		print_message("seed %u\n", only ? only : seed);
		run(only ? only : seed);
		if (only)
			break;
	}
}

static int remove_path(void **state)
{
	(void)state;
	match_path_remove();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_seeds, remove_path),
	};

	only = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
