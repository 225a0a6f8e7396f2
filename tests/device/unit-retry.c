/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, and for how long: receivers that are not ready, responders that do not
 * answer, messages on their way.  Times are checked from below only.
 */
#include "onehost.h"

#include "clock.h"
#include "device/net.h"
#include "device/netlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int64_t now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* --- receivers that are not ready --- */

static void waits_for_a_receiver(void **state)
{
	int64_t start;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .rnr_retry = 7, .min_rnr_timer = 12 });
	memcpy(a.memory, "late", 5);
	start = now();
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 5, .wr_id = 4 });
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 1, .wr_id = 5 });
	while (!atomic_load(&a.qp.shared->rnr))
		cq_empty(&a.send_cq);
	end_receive(&b, 1, 100, 5);
	end_receive(&b, 2, 200, 5);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	/* what the receiver asked for: 0.64 ms */
	assert_true(now() - start >= 640000);
	assert_int_equal(cq_next(&a.send_cq).wr_id, 5);
	assert_int_equal(cq_next(&b.recv_cq).wr_id, 1);
	assert_int_equal(cq_next(&b.recv_cq).wr_id, 2);
	assert_string_equal(b.memory + 100, "late");
	disconnect();
}

static void gives_up_on_a_receiver(void **state)
{
	int64_t start;

	(void)state;
	for (uint32_t retry = 0; retry < 4; retry += 3) {
		connect_ends(&(struct end_options){
			.type = QP_RC, .rnr_retry = retry, .min_rnr_timer = 14 });
		start = now();
		end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .wr_id = 6 });
		assert_int_equal(cq_next(&a.send_cq).status, WC_RNR_RETRY_EXC_ERR);
		assert_true(now() - start >= retry * 1280000);
		assert_int_equal(end_state(&a), QP_ERR);
		assert_int_equal(end_state(&b), QP_RTS);
		assert_int_equal(atomic_load(&a.qp.shared->rnr), retry + 1);
		disconnect();
	}
}

static void a_write_with_immediate_waits_too(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .rnr_retry = 7, .min_rnr_timer = 1 });
	memset(a.memory, 3, 100000);
	end_send(&a, &to_b,
		 &(struct request){ .opcode = WR_RDMA_WRITE_WITH_IMM, .length = 100000 });
	while (!atomic_load(&a.qp.shared->rnr))
		cq_empty(&a.send_cq);
	end_receive(&b, 1, 0, 0);
	assert_int_equal(cq_next(&b.recv_cq).byte_len, 100000);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_memory_equal(a.memory, b.memory, 100000);
	disconnect();
}

/* The sender only waits for an event of its queue: its watchdog sends again. */
static void goes_on_while_the_program_sleeps(void **state)
{
	uint64_t deadline = (uint64_t)clock_ms() + 60000;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .rnr_retry = 7, .min_rnr_timer = 1 });
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND });
	end_receive(&b, 1, 0, 8);
	while (!atomic_load(&b.recv_cq.shared->produced))
		assert_true((uint64_t)clock_ms() < deadline);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	disconnect();
}

/* --- responders that do not answer --- */

static void gives_up_on_a_silent_responder(void **state)
{
	int64_t start, wait = 4 * (INT64_C(4096) << 8); /* 4.2 ms */

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .timeout = 8, .retry_count = 3 });
	assert_int_equal(qp_modify(&b.qp, &(struct qp_attr){ .state = QP_RESET }, QP_ATTR_STATE),
			 0);
	start = now();
	for (uint32_t i = 0; i < 3; i++)
		end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .wr_id = i });
	assert_int_equal(cq_next(&a.send_cq).status, WC_RETRY_EXC_ERR);
	assert_true(now() - start >= wait);
	assert_int_equal(cq_next(&a.send_cq).status, WC_WR_FLUSH_ERR);
	assert_int_equal(cq_next(&a.send_cq).wr_id, 2);
	assert_int_equal(end_state(&a), QP_ERR);
	disconnect();
}

/* One that gets ready in time has missed nothing. */
static void asks_again_in_time(void **state)
{
	struct end_options options = { .type = QP_RC, .timeout = 14, .retry_count = 7 };

	(void)state;
	end_create(&a, &host, &options);
	end_create(&b, &host, &options);
	to_a = end_address(&a);
	to_b = end_address(&b);
	end_connect(&a, &to_b);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_WRITE, .length = 9 });
	while (!atomic_load(&a.qp.shared->timeouts))
		cq_empty(&a.send_cq);
	end_connect(&b, &to_a);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	disconnect();
}

static void uc_does_not_wait(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_UC });
	assert_int_equal(qp_modify(&b.qp, &(struct qp_attr){ .state = QP_RESET }, QP_ATTR_STATE),
			 0);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 100 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(end_state(&a), QP_RTS);
	disconnect();
}

/* --- messages on their way --- */

static void nothing_is_seen_before_its_time(void **state)
{
	int64_t start, seen;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	for (uint32_t i = 1; i < 50; i++) {
		volatile char *there = b.memory;

		a.memory[0] = (char)i;
		start = now();
		end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_WRITE, .length = 1 });
		/* nobody enters the library: the watchdog delivers */
		while (*there != (char)i)
			;
		seen = now();
		assert_true(seen - start >= 300000);
		assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
		assert_true(now() - start >= 600000);
	}
	disconnect();
}

static void a_read_takes_both_ways(void **state)
{
	int64_t start;
	char early;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	memcpy(b.memory, "answer", 7);
	start = now();
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_READ, .length = 7 });
	/* this process may have been away for longer than that */
	early = a.memory[0];
	if (now() - start < 600000)
		assert_int_equal(early, 0);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_true(now() - start >= 600000);
	assert_string_equal(a.memory, "answer");
	disconnect();
}

/* A write behind a read of the same place does not change what is read. */
static void keeps_reads_and_writes_in_order(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	for (uint32_t i = 0; i < 20; i++) {
		memset(b.memory, 1, 1000);
		memset(a.memory + 1000, 2, 1000);
		end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_READ, .length = 1000 });
		end_send(&a, &to_b,
			 &(struct request){
				 .opcode = WR_RDMA_WRITE, .offset = 1000, .length = 1000 });
		cq_next(&a.send_cq);
		cq_next(&a.send_cq);
		for (uint32_t j = 0; j < 1000; j++) {
			assert_int_equal(a.memory[j], 1);
			assert_int_equal(b.memory[j], 2);
		}
	}
	disconnect();
}

/* Reads take their turn: with one at a time two of them take two times both ways. */
static void bounds_reads_on_their_way(void **state)
{
	int64_t start;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .max_rd_atomic = 1 });
	start = now();
	for (uint32_t i = 0; i < 3; i++)
		end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_READ, .length = 8 });
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_true(now() - start >= 3 * 600000);
	disconnect();
}

static void a_fence_waits_for_reads(void **state)
{
	int64_t start;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	start = now();
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_READ, .length = 8 });
	end_send(&a, &to_b,
		 &(struct request){ .opcode = WR_RDMA_WRITE, .flags = SEND_FENCE, .length = 8 });
	cq_next(&a.send_cq);
	cq_next(&a.send_cq);
	assert_true(now() - start >= 1200000);
	disconnect();
}

static void says_when_it_is_drained(void **state)
{
	struct qp_attr attr = { .state = QP_SQD, .en_sqd_async_notify = 1 };
	uint64_t handle;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_WRITE, .length = 8, .wr_id = 1 });
	assert_int_equal(qp_modify(&a.qp, &attr, QP_ATTR_STATE | QP_ATTR_EN_SQD_ASYNC_NOTIFY), 0);
	/* waits until the queue goes on */
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_WRITE, .length = 8, .wr_id = 2 });
	assert_int_equal(cq_next(&a.send_cq).wr_id, 1);
	assert_int_equal(next_event(&host, &handle), EVENT_SQ_DRAINED);
	assert_int_equal(handle, 99);
	no_event(&host);
	attr.state = QP_RTS;
	assert_int_equal(qp_modify(&a.qp, &attr, QP_ATTR_STATE), 0);
	assert_int_equal(cq_next(&a.send_cq).wr_id, 2);
	disconnect();
}

static void a_failure_flushes_what_is_on_its_way(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_WRITE, .length = 8, .wr_id = 1 });
	end_send(&a, &to_b,
		 &(struct request){
			 .opcode = WR_RDMA_WRITE, .length = 8, .rkey = 0x12345678, .wr_id = 2 });
	for (uint32_t i = 3; i < 10; i++)
		end_send(&a, &to_b,
			 &(struct request){
				 .opcode = WR_RDMA_WRITE, .remote = 8, .length = 8, .wr_id = i });
	a.memory[0] = 1;
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&a.send_cq).status, WC_REM_ACCESS_ERR);
	for (uint32_t i = 3; i < 10; i++) {
		struct shared_cqe entry = cq_next(&a.send_cq);

		assert_int_equal(entry.status, WC_WR_FLUSH_ERR);
		assert_int_equal(entry.wr_id, i);
	}
	assert_int_equal(b.memory[8], 0);
	assert_int_equal(next_event(&host, NULL), EVENT_QP_ACCESS_ERR);
	disconnect();
}

static void fails_when_it_is_told_to(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	atomic_store(&a.qp.shared->force_wr_id, 2);
	atomic_store(&a.qp.shared->force_status, WC_REM_OP_ERR);
	for (uint32_t i = 1; i < 4; i++)
		end_send(&a, &to_b,
			 &(struct request){ .opcode = WR_RDMA_WRITE, .length = 8, .wr_id = i });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&a.send_cq).status, WC_REM_OP_ERR);
	assert_int_equal(cq_next(&a.send_cq).status, WC_WR_FLUSH_ERR);
	atomic_store(&b.qp.shared->force_error, 1);
	end_send(&b, &to_a, &(struct request){ .opcode = WR_SEND });
	assert_int_equal(cq_next(&b.send_cq).status, WC_WR_FLUSH_ERR);
	assert_int_equal(next_event(&host, NULL), EVENT_QP_FATAL);
	disconnect();
}

/* The requester cannot know that it was carried out. */
static void what_arrives_is_done_though_no_answer_comes(void **state)
{
	static const struct request requests[] = {
		{ .opcode = WR_RDMA_WRITE, .length = 8, .wr_id = 1 },
		{ .opcode = WR_ATOMIC_FETCH_AND_ADD, .length = 8, .compare_add = 5 },
		{ .opcode = WR_SEND, .length = 8 },
	};
	struct host other;

	(void)state;
	lab_open(&lab, "latency=20us,devices=2,transport=direct", 1);
	host_join(&host, &lab, 0);
	other = host;
	assert_int_equal(context_open(&other.context, &host.fabric, 1), 0);
	assert_int_equal(pd_create(&other.pd, &other.context), 0);
	for (uint32_t i = 0; i < 3; i++) {
		const struct end_options options = { .type = QP_RC, .timeout = 5 };
		struct shared_link *answers;

		end_create(&a, &host, &options);
		end_create(&b, &other, &options);
		to_a = end_address(&a);
		to_b = end_address(&b);
		end_connect(&a, &to_b);
		end_connect(&b, &to_a);
		answers = net_link(&host.fabric, b.host->context.device->up);
		net_link_set_loss(answers, 1);
		net_changed(&host.fabric);
		memset(a.memory, 9, 8);
		end_receive(&b, 3, 0, 8);
		end_send(&a, &to_b, &requests[i]);
		assert_int_equal(cq_next(&a.send_cq).status, WC_RETRY_EXC_ERR);
		assert_int_equal(end_state(&a), QP_ERR);
		assert_int_equal(b.memory[0], i == 1 ? 5 : 9);
		assert_int_equal(a.memory[0], 9);
		if (i == 2)
			assert_int_equal(cq_next(&b.recv_cq).status, WC_SUCCESS);
		cq_empty(&b.recv_cq);
		net_link_set_loss(answers, 0);
		end_destroy(&a);
		end_destroy(&b);
	}
	assert_int_equal(pd_destroy(&other.pd), 0);
	context_close(&other.context);
}

#define BOTH(test) BY_EACH_TRANSPORT(test, onehost_open, onehost_close)
/* 300 us: more than two looks of the watchdog */
#define SLOW(test) ONEHOST(test, "latency=300us,transport=direct")

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(waits_for_a_receiver),
		BOTH(gives_up_on_a_receiver),
		BOTH(a_write_with_immediate_waits_too),
		BOTH(goes_on_while_the_program_sleeps),
		BOTH(gives_up_on_a_silent_responder),
		BOTH(asks_again_in_time),
		BOTH(uc_does_not_wait),
		BOTH(fails_when_it_is_told_to),
		cmocka_unit_test_teardown(what_arrives_is_done_though_no_answer_comes,
					  onehost_close),
		SLOW(nothing_is_seen_before_its_time),
		SLOW(a_read_takes_both_ways),
		SLOW(keeps_reads_and_writes_in_order),
		SLOW(bounds_reads_on_their_way),
		SLOW(a_fence_waits_for_reads),
		SLOW(says_when_it_is_drained),
		SLOW(a_failure_flushes_what_is_on_its_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
