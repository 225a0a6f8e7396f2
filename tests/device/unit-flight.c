/* SPDX-License-Identifier: Apache-2.0 */
/* unit-flight.c - UC and UD complete when they have left, and arrive later */
#include "devlib.h"

#include "clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define LATENCY 100000000  /* ns */
#define LONG    2000000000 /* ns: nobody is that late */
#define BEHIND  65536      /* where receives go */
#define GRH     40

static struct lab lab;
static struct host host;
static struct end from, to;
static struct address there;
static bool from_is_gone;

static int set_up(void **state)
{
	lab_open(&lab, *state, 1);
	host_join(&host, &lab, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (from.host && !from_is_gone)
		end_destroy(&from);
	if (to.host)
		end_destroy(&to);
	from.host = to.host = NULL;
	from_is_gone = false;
	host_leave(&host);
	lab_close(&lab);
	return 0;
}

static void connect_ends(enum qp_type type, uint32_t depth, uint32_t size)
{
	struct end_options options = { .type = type, .depth = depth, .size = size };
	struct address here;

	end_create(&from, &host, &options);
	end_create(&to, &host, &options);
	here = end_address(&from);
	there = end_address(&to);
	end_connect(&from, &there);
	end_connect(&to, &here);
}

static void send_byte(char byte, uint32_t length)
{
	struct request request = { .opcode = WR_SEND, .length = length, .wr_id = (uint8_t)byte };

	memset(from.memory, byte, length);
	end_send(&from, &there, &request);
}

/* The next message is LENGTH times BYTE, in the receive with WR_ID. */
static void receive_byte(uint64_t wr_id, char byte, uint32_t length)
{
	struct shared_cqe entry = cq_next(&to.recv_cq);
	uint32_t header = to.options.type == QP_UD ? GRH : 0;
	const char *data = to.memory + BEHIND + wr_id * (length + header) + header;

	assert_int_equal(entry.status, WC_SUCCESS);
	assert_int_equal(entry.wr_id, wr_id);
	assert_int_equal(entry.byte_len, length + header);
	for (uint32_t i = 0; i < length; i++)
		assert_int_equal(data[i], byte);
}

static void post_receives(uint32_t count, uint32_t length)
{
	uint32_t room = length + (to.options.type == QP_UD ? GRH : 0);

	for (uint32_t i = 0; i < count; i++)
		end_receive(&to, i, BEHIND + i * room, room);
}

/* Sent one after the other from the same memory, as soon as that may be used again. */
static void reuse(enum qp_type type)
{
	struct shared_cqe entry;
	int64_t posted;

	connect_ends(type, 0, 0);
	post_receives(3, 1000);
	posted = clock_ns(CLOCK_MONOTONIC);
	for (char byte = 'a'; byte <= 'c'; byte++) {
		send_byte(byte, 1000);
		entry = cq_next(&from.send_cq);
		assert_int_equal(entry.status, WC_SUCCESS);
		assert_int_equal(entry.wr_id, byte);
	}
	memset(from.memory, '!', 1000);
	cq_empty(&to.recv_cq);
	for (uint32_t i = 0; i < 3; i++)
		receive_byte(i, (char)('a' + i), 1000);
	assert_true(clock_ns(CLOCK_MONOTONIC) - posted >= LONG);
	cq_empty(&to.recv_cq);
}

static void a_datagram_is_sent_before_it_arrives(void **state)
{
	(void)state;
	reuse(QP_UD);
}

static void so_is_a_send_of_uc(void **state)
{
	(void)state;
	reuse(QP_UC);
}

static void and_a_write_of_uc(void **state)
{
	struct request request = { .opcode = WR_RDMA_WRITE, .length = 5000, .remote = 100 };
	struct request last = { .opcode = WR_RDMA_WRITE_WITH_IMM, .imm = 7 };

	(void)state;
	connect_ends(QP_UC, 0, 0);
	end_receive(&to, 1, 0, 0);
	memset(from.memory, 'w', 5000);
	end_send(&from, &there, &request);
	assert_int_equal(cq_next(&from.send_cq).status, WC_SUCCESS);
	memset(from.memory, '!', 5000);
	end_send(&from, &there, &last);
	assert_int_equal(cq_next(&to.recv_cq).imm, 7);
	assert_int_equal(to.memory[99], 0);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(to.memory[100 + i], 'w');
	assert_int_equal(to.memory[5100], 0);
}

static void more_than_are_kept_all_arrive_in_order(void **state)
{
	const uint32_t count = FLIGHTS + 200;
	uint32_t done = 0;

	(void)state;
	connect_ends(QP_UD, 512, 0);
	post_receives(count, 8);
	for (uint32_t i = 0; i < count; i++)
		send_byte((char)('a' + i % 26), 8);
	/* what the memory held when each of them left may be any later byte, so these
	 * are told apart by their number alone
	 */
	for (uint32_t i = 0; i < count; i++) {
		struct shared_cqe entry = cq_next(&to.recv_cq);

		assert_int_equal(entry.wr_id, i);
		assert_int_equal(entry.status, WC_SUCCESS);
	}
	for (; done < count; done++)
		assert_int_equal(cq_next(&from.send_cq).wr_id, 'a' + done % 26);
	cq_empty(&to.recv_cq);
}

static void a_message_too_large_to_keep_completes_when_it_arrives(void **state)
{
	const uint32_t length = 3 << 20;
	struct request request = { .opcode = WR_RDMA_WRITE_WITH_IMM, .length = length };

	(void)state;
	connect_ends(QP_UC, 0, length);
	end_receive(&to, 1, 0, 0);
	memset(from.memory, 'w', length);
	end_send(&from, &there, &request);
	assert_int_equal(cq_next(&from.send_cq).status, WC_SUCCESS);
	memset(from.memory, '!', length);
	assert_int_equal(cq_next(&to.recv_cq).status, WC_SUCCESS);
	for (uint32_t i = 0; i < length; i++)
		assert_int_equal(to.memory[i], 'w');
}

static void go(uint32_t state)
{
	struct qp_attr attr = { .state = state };

	assert_int_equal(qp_modify(&from.qp, &attr, QP_ATTR_STATE), 0);
}

static void send_one_of(enum qp_type type)
{
	connect_ends(type, 0, 0);
	post_receives(1, 100);
	send_byte('x', 100);
	assert_int_equal(cq_next(&from.send_cq).status, WC_SUCCESS);
}

static void what_has_left_a_queue_that_fails_arrives(void **state)
{
	(void)state;
	send_one_of(QP_UC);
	go(QP_ERR);
	receive_byte(0, 'x', 100);
}

static void what_has_left_a_queue_that_is_reset_arrives(void **state)
{
	(void)state;
	send_one_of(QP_UD);
	go(QP_RESET);
	receive_byte(0, 'x', 100);
}

static void what_has_left_a_queue_that_is_destroyed_arrives(void **state)
{
	(void)state;
	send_one_of(QP_UC);
	end_destroy(&from);
	from_is_gone = true;
	receive_byte(0, 'x', 100);
}

static void it_is_dropped_where_its_receiver_has_gone(void **state)
{
	uint64_t used;

	(void)state;
	send_one_of(QP_UD);
	end_destroy(&to);
	to.host = NULL;
	used = host.context.device->counters.drops;
	end_destroy(&from);
	from_is_gone = true;
	assert_int_equal(host.context.device->counters.drops, used + 1);
}

static void send_and_leave(void *arg)
{
	const struct address *address = arg;
	struct host other = { 0 };
	struct end_options options = { .type = QP_UD };

	host_join(&other, &lab, 0);
	end_create(&from, &other, &options);
	end_connect(&from, address);
	there = *address;
	send_byte('x', 100);
	cq_next(&from.send_cq);
	/* as a program that ends and leaves all as it is */
	progress_stop(&other.fabric);
	fabric_leave(&other.fabric);
}

static void what_a_program_has_sent_before_it_ended_arrives(void **state)
{
	struct end_options options = { .type = QP_UD };
	struct address address;
	pid_t child;

	(void)state;
	end_create(&to, &host, &options);
	end_connect(&to, NULL);
	address = end_address(&to);
	post_receives(1, 100);
	child = child_run(send_and_leave, &address);
	child_wait(child);
	receive_byte(0, 'x', 100);
}

static void a_wrong_key_is_told_when_it_is_sent(void **state)
{
	struct request request = { .opcode = WR_SEND, .length = 10, .lkey = 0x123456 };

	(void)state;
	connect_ends(QP_UD, 0, 0);
	post_receives(1, 10);
	end_send(&from, &there, &request);
	assert_int_equal(cq_next(&from.send_cq).status, WC_LOC_PROT_ERR);
	cq_empty(&to.recv_cq);
}

/* 1000 bytes take 0.1 s. */
static void it_completes_when_its_last_byte_has_left(void **state)
{
	struct shared_cqe sent;
	int64_t posted;

	(void)state;
	connect_ends(QP_UD, 0, 0);
	post_receives(1, 1000);
	posted = clock_ns(CLOCK_MONOTONIC);
	send_byte('x', 1000);
	sent = cq_next(&from.send_cq);
	assert_true(clock_ns(CLOCK_MONOTONIC) - posted >= 100000000);
	assert_int_equal(sent.status, WC_SUCCESS);
	receive_byte(0, 'x', 1000);
	assert_true(clock_ns(CLOCK_MONOTONIC) - posted >= 100000000 + LATENCY);
}

static void memory_that_is_used_again_after_completion_is_not_a_change(void **state)
{
	char said[4096];
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	send_one_of(QP_UC);
	memset(from.memory, '!', 100);
	receive_byte(0, 'x', 100);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	assert_int_equal(fread(said, 1, sizeof(said), file), 0);
	fclose(file);
}

#define OVER(test, settings)                                                               \
	{                                                                                  \
#test " " settings, test, set_up, tear_down, (char *)"transport=" settings \
	}
#define BOTH(test) OVER(test, "direct,latency=100ms"), OVER(test, "queue,latency=100ms")
#define SLOW(test) OVER(test, "direct,latency=2s"), OVER(test, "queue,latency=2s")

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOW(a_datagram_is_sent_before_it_arrives),
		SLOW(so_is_a_send_of_uc),
		BOTH(and_a_write_of_uc),
		BOTH(more_than_are_kept_all_arrive_in_order),
		BOTH(a_message_too_large_to_keep_completes_when_it_arrives),
		BOTH(what_has_left_a_queue_that_fails_arrives),
		BOTH(what_has_left_a_queue_that_is_reset_arrives),
		BOTH(what_has_left_a_queue_that_is_destroyed_arrives),
		BOTH(it_is_dropped_where_its_receiver_has_gone),
		BOTH(what_a_program_has_sent_before_it_ended_arrives),
		BOTH(a_wrong_key_is_told_when_it_is_sent),
		OVER(it_completes_when_its_last_byte_has_left,
		     "direct,latency=100ms,rate=80kbit/s"),
		OVER(it_completes_when_its_last_byte_has_left, "queue,latency=100ms,rate=80kbit/s"),
		OVER(memory_that_is_used_again_after_completion_is_not_a_change,
		     "direct,latency=100ms,strict=yes"),
		OVER(memory_that_is_used_again_after_completion_is_not_a_change,
		     "queue,latency=100ms,strict=yes"),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
