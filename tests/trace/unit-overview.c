/* SPDX-License-Identifier: Apache-2.0 */
/* unit-overview.c - numbers of a run against what they have to be
 *
 * What is posted and completed when is made up, so rates, percentiles, depths and shares
 * are known without looking at the code: by formula, or by the plainest possible model.
 */
#include "devhook.h"
#include "ringlib.h"
#include "trace/overview.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define SEND     2 /* enum ibv_wr_opcode */
#define WRITE    0
#define SIGNALED 2 /* enum ibv_send_flags */
#define INLINE   8
#define UD       4 /* enum ibv_qp_type */

#define RANKS 3 /* 0 and 1 on node 0, 2 on node 1 */

static struct ring ring[RANKS];
static struct trace_run run;
static struct overview overview;
static struct err err;

static const char *ring_path(unsigned rank)
{
	static char path[64];

	snprintf(path, sizeof(path), "netemu.78.0/verbs/ring-%u.bin", rank);
	return path;
}

/* Each node has one port, with the LID 1 + its number. */
static int set_up(void **state)
{
	(void)state;
	run = (struct trace_run){ 0 };
	overview = (struct overview){ 0 };
	assert_int_equal(mkdir("netemu.78.0", 0777), 0);
	assert_int_equal(mkdir("netemu.78.0/verbs", 0777), 0);
	for (unsigned i = 0; i < RANKS; i++) {
		ring_init(&ring[i]);
		ring[i].header.rank = i;
		ring[i].header.ranks = RANKS;
		snprintf(ring[i].header.node, sizeof(ring[i].header.node), "node%d", i == 2);
		ring_open(&ring[i], 0, "device0");
		ring_port(&ring[i], 0, 1, i == 2 ? 2 : 1);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	overview_release(&overview);
	trace_run_close(&run);
	for (unsigned i = 0; i < RANKS; i++) {
		ring_release(&ring[i]);
		unlink(ring_path(i));
	}
	rmdir("netemu.78.0/verbs");
	rmdir("netemu.78.0");
	return 0;
}

static void collect(enum overview_by by)
{
	for (unsigned i = 0; i < RANKS; i++)
		ring_save(&ring[i], ring_path(i));
	if (trace_run_open(&run, "netemu.78.0", &err) < 0 ||
	    overview_collect(&overview, &run, by, OVERVIEW_NOBODY, &err) < 0)
		fail_msg("%s", err.text);
}

/* The queue pair QPN of RANK, connected to PEER_QPN at LID. */
static void connect_qp(unsigned rank, uint32_t qpn, uint32_t peer_qpn, uint16_t lid)
{
	RING_QP(&ring[rank], .qpn = qpn, .max_send_wr = 64);
	ring_connect(&ring[rank], 0, qpn, peer_qpn, lid, 0);
}

/* A moment of a test, ns after anything that set_up() has recorded. */
static uint64_t at(uint64_t time)
{
	return RING_BEGIN + 1000000 + time;
}

static void send_at(unsigned rank, uint64_t time, uint32_t qpn, uint32_t bytes, uint64_t id)
{
	RING_SEND(&ring[rank], .time = at(time), .qpn = qpn, .opcode = SEND, .flags = SIGNALED,
		  .bytes = bytes, .wr_id = id);
}

static void done_at(unsigned rank, uint64_t time, uint32_t qpn, uint64_t id)
{
	RING_WC(&ring[rank], .time = at(time), .qpn = qpn, .wr_id = id);
}

static const struct overview_row *row_of(uint32_t rank, uint32_t peer)
{
	for (size_t i = 0; i < overview.rows; i++)
		if (overview.row[i]->rank == rank && overview.row[i]->peer == peer)
			return overview.row[i];
	fail_msg("there is no row of %u and %u", rank, peer);
	return NULL;
}

/* --- closed forms --- */

#define MESSAGES 100
#define SIZE     4096
#define INTERVAL 1000
#define LATENCY  250

/* One at a time: the queue has one request for a quarter of the time. */
static void test_one_after_the_other(void **state)
{
	const struct account *total = &overview.total;
	const double active = (MESSAGES - 1) * INTERVAL + LATENCY;

	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	for (unsigned i = 0; i < MESSAGES; i++) {
		send_at(0, i * INTERVAL, 0x101, SIZE, i);
		done_at(0, i * INTERVAL + LATENCY, 0x101, i);
	}
	collect(OVERVIEW_RUN);
	assert_int_equal(total->qps, 1);
	assert_int_equal(account_posts(total).messages, MESSAGES);
	assert_int_equal(account_posts(total).bytes, MESSAGES * SIZE);
	assert_int_equal(total->posted[SEND].messages, MESSAGES);
	assert_int_equal(total->posted[WRITE].messages, 0);
	assert_int_equal(account_sent(total).messages, MESSAGES);
	assert_int_equal(total->signaled, MESSAGES);
	assert_int_equal(total->inlined, 0);
	assert_int_equal(account_errors(total), 0);
	assert_float_equal(account_seconds(total), active / 1e9, 1e-12);
	assert_int_equal(total->latency.count, MESSAGES);
	assert_int_equal(total->latency.min, LATENCY);
	assert_int_equal(total->latency.max, LATENCY);
	for (int percent = 0; percent <= 100; percent += 10)
		assert_int_equal(histogram_percentile(&total->latency, percent), LATENCY);
	assert_int_equal(total->send.most, 1);
	assert_float_equal(account_mean_depth(&total->send), MESSAGES * LATENCY / active, 1e-9);
	assert_int_equal(total->sizes, 1);
	assert_int_equal(total->size[0].bytes, SIZE);
	assert_int_equal(total->size[0].messages, MESSAGES);
	assert_int_equal(overview.call[VCALL_POST_SEND].count, MESSAGES);
	assert_int_equal(overview.call[VCALL_POST_SEND].time, MESSAGES * 3); /* RING_SEND */
	assert_int_equal(overview.call[VCALL_POLL_CQ].count, MESSAGES);
}

/* Not all posts are timed: how long all took is told by the mean of those that were. */
static void test_some_are_timed(void **state)
{
	const struct overview_call *call = &overview.call[VCALL_POST_SEND];

	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	for (unsigned i = 0; i < 12; i++)
		RING_PUT(&ring[0], RING_THREAD, vring_send, .call = VCALL_POST_SEND,
			 .time = at(1000 * i), .duration = i % 4 ? VRING_UNTIMED : 10 + i,
			 .qpn = 0x101, .sges = 1, .bytes = 8, .wr_id = i);
	collect(OVERVIEW_RUN);
	assert_int_equal(call->count, 12);
	assert_int_equal(call->timed, 3); /* 10, 14 and 18 */
	assert_int_equal(call->time, 42);
	assert_int_equal(call->longest, 18);
	assert_float_equal(overview_call_time(call), 12 * 14, 1e-9);
	assert_float_equal(overview_call_time(&overview.call[VCALL_POST_RECV]), 0, 0);
}

/* By Little's law the mean depth is rate x latency, with DEPTH requests always under way:
 * each is posted when the DEPTH-th before it has ended.
 */
static void test_a_full_window(void **state)
{
	enum { DEPTH = 8, ROUNDS = 50 };
	const double busy = DEPTH * ROUNDS * 100 - DEPTH * 100;
	const double ramp = 100.0 * DEPTH * (DEPTH + 1) / 2; /* at its end, 8 + 7 + ... + 1 */
	uint64_t id = 0;

	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	for (; id < DEPTH; id++)
		send_at(0, 0, 0x101, 64, id);
	for (uint64_t i = 0; i < DEPTH * ROUNDS; i++) {
		done_at(0, (i + 1) * 100, 0x101, i);
		if (id < DEPTH * ROUNDS)
			send_at(0, (i + 1) * 100, 0x101, 64, id++);
	}
	collect(OVERVIEW_RUN);
	assert_int_equal(overview.total.send.most, DEPTH);
	assert_float_equal(account_mean_depth(&overview.total.send),
			   (busy * DEPTH + ramp) / (busy + DEPTH * 100), 1e-9);
	/* the first ones waited for less: 100, 200, ... */
	assert_int_equal(overview.total.latency.min, 100);
	assert_int_equal(overview.total.latency.max, 100 * DEPTH);
	assert_in_range(histogram_percentile(&overview.total.latency, 50),
			(uint64_t)(100 * DEPTH * (1 - 1.0 / 256)), 100 * DEPTH);
}

/* Of four only the last one is signaled: its completion ends all, and alone has a latency
 * that says something.
 */
static void test_unsignaled_ones_are_inferred(void **state)
{
	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	for (unsigned i = 0; i < 4; i++)
		RING_SEND(&ring[0], .time = at(i * 10), .qpn = 0x101, .opcode = WRITE,
			  .flags = INLINE | (i == 3 ? SIGNALED : 0), .bytes = 8, .wr_id = i);
	done_at(0, 530, 0x101, 3);
	collect(OVERVIEW_RUN);
	assert_int_equal(overview.total.posted[WRITE].messages, 4);
	assert_int_equal(overview.total.sent[WRITE].messages, 4);
	assert_int_equal(overview.total.inlined, 4);
	assert_int_equal(overview.total.signaled, 1);
	assert_int_equal(overview.total.inferred, 3);
	assert_int_equal(overview.total.latency.count, 1);
	assert_int_equal(overview.total.latency.max, 500);
	assert_int_equal(overview.total.status[0], 1);
	assert_int_equal(overview.total.send.most, 4);
}

static void test_refused_and_failed(void **state)
{
	enum { RETRY_EXCEEDED = 12, FLUSHED = 5, ENOMEM_ = 12 };

	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	send_at(0, 0, 0x101, 10, 1);
	send_at(0, 10, 0x101, 20, 2);
	send_at(0, 20, 0x101, 40, 3);
	RING_SEND(&ring[0], .time = at(30), .qpn = 0x101, .opcode = SEND, .flags = SIGNALED,
		  .bytes = 80, .wr_id = 4, .error = ENOMEM_);
	done_at(0, 100, 0x101, 1);
	RING_WC(&ring[0], .time = at(200), .qpn = 0x101, .wr_id = 2, .status = RETRY_EXCEEDED);
	RING_WC(&ring[0], .time = at(210), .qpn = 0x101, .wr_id = 3, .status = FLUSHED);
	send_at(0, 300, 0x101, 160, 5); /* never ends */
	collect(OVERVIEW_RUN);
	assert_int_equal(overview.total.refused, 1);
	assert_int_equal(account_posts(&overview.total).messages, 4);
	assert_int_equal(account_posts(&overview.total).bytes, 10 + 20 + 40 + 160);
	assert_int_equal(account_sent(&overview.total).messages, 1);
	assert_int_equal(account_sent(&overview.total).bytes, 10);
	assert_int_equal(account_errors(&overview.total), 2);
	assert_int_equal(overview.total.status[RETRY_EXCEEDED], 1);
	assert_int_equal(overview.total.status[FLUSHED], 1);
	assert_int_equal(overview.total.left, 1);
	assert_int_equal(overview.total.latency.count, 1);
}

static void test_receives(void **state)
{
	enum { RECV = 128 };

	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	for (unsigned i = 0; i < 10; i++)
		RING_RECV(&ring[0], .time = at(i), .qpn = 0x101, .bytes = 1000, .wr_id = i);
	for (unsigned i = 0; i < 10; i++)
		RING_WC(&ring[0], .time = at(100 + i), .qpn = 0x101, .wr_id = i, .opcode = RECV,
			.bytes = 10 * i);
	collect(OVERVIEW_RUN);
	assert_int_equal(overview.total.receives, 10);
	assert_int_equal(overview.total.received.messages, 10);
	assert_int_equal(overview.total.received.bytes, 450);
	assert_int_equal(overview.total.receive.most, 10);
	assert_int_equal(account_posts(&overview.total).messages, 0);
	assert_int_equal(overview.total.send.most, 0);
}

/* --- who --- */

/* Rank 0 has two queue pairs to rank 1 (3 and 1 messages) and one to rank 2 (5). */
static void make_three(void)
{
	uint64_t time = 0;

	connect_qp(0, 0x101, 0x201, 1);
	connect_qp(0, 0x102, 0x202, 1);
	connect_qp(0, 0x103, 0x301, 2);
	connect_qp(1, 0x201, 0x101, 1);
	connect_qp(1, 0x202, 0x102, 1);
	connect_qp(2, 0x301, 0x103, 1);
	for (unsigned qp = 0; qp < 3; qp++)
		for (unsigned i = 0; i < (qp == 0 ? 3 : qp == 1 ? 1 : 5); i++, time += 10)
			send_at(0, time, 0x101 + qp, 100, i);
	for (unsigned qp = 0; qp < 3; qp++)
		for (unsigned i = 0; i < (qp == 0 ? 3 : qp == 1 ? 1 : 5); i++, time += 10)
			done_at(0, time, 0x101 + qp, i);
}

static void test_by_queue_pair(void **state)
{
	const uint64_t want[] = { 3, 1, 5 };
	unsigned seen = 0;

	(void)state;
	make_three();
	collect(OVERVIEW_QP);
	for (size_t i = 0; i < overview.rows; i++) {
		const struct overview_row *row = overview.row[i];

		assert_int_equal(row->rank, 0);
		assert_in_range(row->qpn, 0x101, 0x103);
		assert_int_equal(account_posts(&row->account).messages, want[row->qpn - 0x101]);
		assert_int_equal(row->peer, row->qpn == 0x103 ? 2 : 1);
		assert_int_equal(row->peer_qpn, row->qpn == 0x103 ? 0x301 : row->qpn + 0x100);
		assert_int_equal(row->account.send.most, want[row->qpn - 0x101]);
		seen |= 1U << (row->qpn - 0x101);
	}
	assert_int_equal(seen, 7);
	assert_int_equal(overview.rows, 3);
	assert_int_equal(overview.unused, 3); /* those of ranks 1 and 2 */
}

static void test_by_peer_and_how_even(void **state)
{
	const struct account *one;

	(void)state;
	make_three();
	collect(OVERVIEW_PEER);
	assert_int_equal(overview.rows, 2);
	one = &row_of(0, 1)->account;
	assert_int_equal(one->qps, 2);
	assert_int_equal(account_posts(one).messages, 4);
	assert_float_equal(account_imbalance(one), 3 / 2.0, 1e-12);
	assert_float_equal(account_fairness(one), 16 / (2 * 10.0), 1e-12);
	assert_int_equal(row_of(0, 2)->account.qps, 1);
	assert_float_equal(account_imbalance(&row_of(0, 2)->account), 1, 1e-12);
}

static void test_by_host(void **state)
{
	uint64_t inside = 0, outside = 0;

	(void)state;
	make_three();
	collect(OVERVIEW_HOST);
	assert_int_equal(overview.rows, 2);
	for (size_t i = 0; i < overview.rows; i++) {
		const struct overview_row *row = overview.row[i];

		assert_string_equal(row->node, "node0");
		if (!strcmp(row->peer_node, "node0"))
			inside += account_posts(&row->account).messages;
		else
			outside += account_posts(&row->account).messages;
	}
	assert_int_equal(inside, 4);
	assert_int_equal(outside, 5);
}

/* A table by anything is a table of the same traffic. */
static void test_all_tables_have_the_same_sum(void **state)
{
	uint64_t messages, latencies;

	(void)state;
	make_three();
	for (int by = 0; by < OVERVIEW_BYS; by++) {
		collect((enum overview_by)by);
		messages = latencies = 0;
		for (size_t i = 0; i < overview.rows; i++) {
			messages += account_posts(&overview.row[i]->account).messages;
			latencies += overview.row[i]->account.latency.count;
		}
		assert_int_equal(messages, 9);
		assert_int_equal(latencies, 9);
		assert_int_equal(account_posts(&overview.total).messages, 9);
		assert_int_equal(overview.total.qps, 3);
		overview_release(&overview);
		trace_run_close(&run);
	}
	run = (struct trace_run){ 0 };
}

/* Ready, at port 1: datagrams are connected to nobody. */
static void datagram_qp(unsigned rank, uint32_t qpn)
{
	const struct {
		struct vring_call call;
		struct vring_qp_attr attr;
	} modify = {
		.call = { .call = VCALL_MODIFY_QP,
			  .object = 0x100 * qpn,
			  .number = qpn,
			  .a = 1 | 1 << 5,
			  .b = 3 },
		.attr = { .port = 1 },
	};

	RING_QP(&ring[rank], .qpn = qpn, .type = UD);
	ring_put(&ring[rank], RING_CALLS, &modify, 2);
}

/* A datagram queue pair sends to many: it is one, and in the row of each of them. */
static void test_datagrams_have_many_peers(void **state)
{
	struct {
		struct vring_send send;
		struct vring_more more;
	} datagram = {
		.send = { .call = VCALL_POST_SEND,
			  .qpn = 0x101,
			  .opcode = SEND,
			  .flags = SIGNALED,
			  .sges = 1,
			  .bytes = 50,
			  .duration = 1 },
	};

	(void)state;
	for (unsigned i = 0; i < RANKS; i++)
		datagram_qp(i, 0x101 + 0x100 * i);
	RING_MEM(&ring[0], CREATE_AH, .object = 0xa1, .number = 1, .a = 1);
	RING_MEM(&ring[0], CREATE_AH, .object = 0xa2, .number = 2, .a = 1);
	for (unsigned i = 0; i < 6; i++) {
		datagram.send.time = at(10 * i);
		datagram.send.wr_id = i;
		datagram.more.ah = i % 3 ? 0xa1 : 0xa2;
		datagram.more.remote_qpn = i % 3 ? 0x201 : 0x301;
		ring_put(&ring[0], RING_THREAD, &datagram, 2);
	}
	for (unsigned i = 0; i < 6; i++)
		done_at(0, 100 + i, 0x101, i);
	collect(OVERVIEW_PEER);
	assert_int_equal(account_posts(&row_of(0, 1)->account).messages, 4);
	assert_int_equal(account_posts(&row_of(0, 2)->account).messages, 2);
	assert_int_equal(overview.total.qps, 1);
}

/* --- sizes --- */

static void test_many_sizes_become_powers_of_two(void **state)
{
	uint64_t messages = 0;

	(void)state;
	connect_qp(0, 0x101, 0x201, 2);
	for (uint32_t i = 0; i < 256; i++)
		send_at(0, i, 0x101, i, i);
	collect(OVERVIEW_RUN);
	assert_true(overview.total.sizes > ACCOUNT_SIZES);
	assert_int_equal(overview.total.power[0], 1); /* no byte */
	for (unsigned k = 1; k <= 8; k++)
		assert_int_equal(overview.total.power[k], 1U << (k - 1));
	for (unsigned k = 0; k < ACCOUNT_POWERS; k++)
		messages += overview.total.power[k];
	assert_int_equal(messages, 256);
}

/* --- counted only --- */

/* What the device tells of the request ID of QPN. */
static void device_at(unsigned rank, uint64_t time, uint8_t what, uint64_t id, uint64_t until)
{
	RING_PUT(&ring[rank], RING_OTHER, vring_device, .call = VCALL_DEVICE, .time = at(time),
		 .context = VRING_CONTEXT_LAST, .at = (int64_t)at(time), .until = (int64_t)until,
		 .qpn = 0x101, .what = what, .wr_id = id, .resent = what == DEVHOOK_WIRE ? 2 : 0);
}

/* The first one is polled 300 ns after it was due, the second one has been told of late. */
static void test_device_says_when_completions_were_due(void **state)
{
	(void)state;
	ring[0].series[RING_OTHER].kind = VRING_DEVICE;
	connect_qp(0, 0x101, 0x201, 2);
	connect_qp(2, 0x201, 0x101, 1);
	for (uint64_t id = 0; id < 2; id++) {
		send_at(0, 1000 * id, 0x101, 64, id);
		device_at(0, 1000 * id + 100, DEVHOOK_WIRE, id, at(1000 * id + 200));
	}
	device_at(0, 2000, DEVHOOK_NOT_READY, 1, at(2500));
	device_at(0, 2100, DEVHOOK_NO_ANSWER, 1, at(2600));
	device_at(0, 2900, DEVHOOK_COMPLETED, 0, at(2700));
	done_at(0, 3000, 0x101, 0);
	done_at(0, 4000, 0x101, 1);
	device_at(0, 4100, DEVHOOK_COMPLETED, 1, at(3500));
	collect(OVERVIEW_PEER);
	assert_int_equal(overview.total.lag.count, 2);
	assert_int_equal(overview.total.lag.min, 300);
	assert_int_equal(overview.total.lag.max, 500);
	assert_int_equal(overview.row[0]->account.lag.max, 500);
	assert_int_equal(overview.resent, 4);
	assert_int_equal(overview.not_ready, 1);
	assert_int_equal(overview.no_answer, 1);
}

static void test_summaries_without_records(void **state)
{
	struct vring_summary summary = {
		.time = at(0),
		.call = VCALL_SUMMARY,
		.qpn = 0x101,
		.thread = 100,
		.last = at(1000000),
		.receives = 7,
		.receive_bytes = 700,
		.sent = 20,
		.received = 5,
		.received_bytes = 444,
		.failed = 1,
		.by_opcode[SEND] = { 20, 2000 },
		.by_opcode[WRITE] = { 3, 96 },
		.by_status = { [0] = 25, [5] = 1 },
	};

	(void)state;
	summary.send_sizes[7] = 20;
	summary.send_sizes[6] = 3;
	summary.received_sizes[7] = 5;
	connect_qp(0, 0x101, 0x201, 2);
	connect_qp(2, 0x201, 0x101, 1);
	ring[0].series[RING_OTHER].kind = VRING_COUNTS;
	ring_put(&ring[0], RING_OTHER, &summary, VRING_SUMMARY_RECORDS);
	collect(OVERVIEW_PEER);
	assert_int_equal(overview.rows, 1);
	assert_int_equal(overview.row[0]->rank, 0);
	assert_int_equal(overview.row[0]->peer, 2);
	assert_int_equal(overview.total.qps, 1);
	assert_int_equal(account_posts(&overview.total).messages, 23);
	assert_int_equal(account_posts(&overview.total).bytes, 2096);
	assert_int_equal(overview.total.posted[WRITE].bytes, 96);
	assert_int_equal(overview.total.counted, 23);
	assert_int_equal(overview.total.counted_sent, 20);
	assert_int_equal(overview.total.received.messages, 5);
	assert_int_equal(overview.total.received.bytes, 444);
	assert_int_equal(overview.total.receives, 7);
	assert_int_equal(account_errors(&overview.total), 1);
	assert_int_equal(overview.total.power[7], 20);
	assert_int_equal(overview.total.power[6], 3);
	assert_int_equal(overview.total.latency.count, 0);
	/* from the first to the last: the rate that can be said */
	assert_float_equal(account_seconds(&overview.total), 1e-3, 1e-9);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_one_after_the_other),
		CASE(test_some_are_timed),
		CASE(test_a_full_window),
		CASE(test_unsignaled_ones_are_inferred),
		CASE(test_refused_and_failed),
		CASE(test_receives),
		CASE(test_by_queue_pair),
		CASE(test_by_peer_and_how_even),
		CASE(test_by_host),
		CASE(test_all_tables_have_the_same_sum),
		CASE(test_datagrams_have_many_peers),
		CASE(test_many_sizes_become_powers_of_two),
		CASE(test_summaries_without_records),
		CASE(test_device_says_when_completions_were_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
