/* SPDX-License-Identifier: Apache-2.0 */
/* Operations between processes, which may be killed at any moment. */
#include "devlib.h"

#include "clock.h"
#include "device/section.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct lab lab;

/* What processes tell each other. */
static struct board {
	struct address address[8];
	_Atomic uint32_t ready, stop;
	_Atomic uint64_t done;
} * board;

static int open_lab(void **state)
{
	lab_open(&lab, *state, 2);
	board = share(sizeof(*board));
	return 0;
}

static int close_lab(void **state)
{
	(void)state;
	lab_close(&lab);
	return 0;
}

/* Wait until COUNT have come so far. */
static void meet(_Atomic uint32_t *counter, uint32_t count)
{
	atomic_fetch_add(counter, 1);
	while (atomic_load(counter) < count)
		clock_rest(1);
}

static void check(bool ok, int line)
{
	if (ok)
		return;
	fprintf(stderr, "unit-peers.c:%d: not so\n", line);
	_exit(1);
}

#define CHECK(condition) check(condition, __LINE__)

/* --- data --- */

#define ROUNDS 300

/* The message I has this byte at J. */
static char byte(uint32_t i, uint32_t j)
{
	return (char)(i * 31 + j * 7 + (j >> 8));
}

static uint32_t length_of(uint32_t i)
{
	return (i * 7919) % 150000;
}

static const struct end_options peer_options = {
	.type = QP_RC, .timeout = 14, .retry_count = 7, .rnr_retry = 7, .min_rnr_timer = 1
};

static void receive_all(void *arg)
{
	static struct host host;
	static struct end end;

	(void)arg;
	host_join(&host, &lab, 1);
	end_create(&end, &host, &peer_options);
	board->address[1] = end_address(&end);
	meet(&board->ready, 2);
	end_connect(&end, &board->address[0]);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct shared_cqe entry;

		end_receive(&end, i, 0, 150000);
		entry = cq_next(&end.recv_cq);
		CHECK(entry.status == WC_SUCCESS && entry.wr_id == i);
		CHECK(entry.byte_len == length_of(i));
		for (uint32_t j = 0; j < length_of(i); j++)
			CHECK(end.memory[j] == byte(i, j));
		memset(end.memory, 0, 150000);
	}
	meet(&board->ready, 4);
	end_destroy(&end);
	host_leave(&host);
}

static void send_all(void *arg)
{
	static struct host host;
	static struct end end;

	(void)arg;
	host_join(&host, &lab, 0);
	end_create(&end, &host, &peer_options);
	board->address[0] = end_address(&end);
	meet(&board->ready, 2);
	end_connect(&end, &board->address[1]);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		for (uint32_t j = 0; j < length_of(i); j++)
			end.memory[j] = byte(i, j);
		end_send(&end, &board->address[1],
			 &(struct request){ .opcode = WR_SEND, .length = length_of(i) });
		CHECK(cq_next(&end.send_cq).status == WC_SUCCESS);
	}
	meet(&board->ready, 4);
	end_destroy(&end);
	host_leave(&host);
}

static void sends_to_another_process(void **state)
{
	pid_t receiver = child_run(receive_all, NULL), sender = child_run(send_all, NULL);

	(void)state;
	child_wait(sender);
	child_wait(receiver);
}

/* --- atomics --- */

#define ADDERS 4
#define ADDS   20000

static void add(void *arg)
{
	static struct host host;
	static struct end end;
	uint32_t self = *(uint32_t *)arg;

	host_join(&host, &lab, self % 2);
	end_create(&end, &host, &peer_options);
	board->address[self] = end_address(&end);
	meet(&board->ready, ADDERS + 1);
	end_connect(&end, &board->address[4 + self]);
	meet(&board->ready, 2 * ADDERS + 2);
	for (uint32_t i = 0; i < ADDS; i++) {
		end_send(&end, &board->address[4 + self],
			 &(struct request){ .opcode = WR_ATOMIC_FETCH_AND_ADD,
					    .length = 8,
					    .compare_add = 1 });
		CHECK(cq_next(&end.send_cq).status == WC_SUCCESS);
	}
	meet(&board->ready, 3 * ADDERS + 3);
	end_destroy(&end);
	host_leave(&host);
}

/* All of them count in the memory of the fifth process. */
static void atomics_lose_nothing(void **state)
{
	static struct host host;
	static struct end ends[ADDERS];
	static uint32_t numbers[ADDERS] = { 0, 1, 2, 3 };
	struct shared_cqe entry;
	pid_t pids[ADDERS];
	uint64_t sum;

	(void)state;
	for (uint32_t i = 0; i < ADDERS; i++)
		pids[i] = child_run(add, &numbers[i]);
	host_join(&host, &lab, 0);
	for (uint32_t i = 0; i < ADDERS; i++) {
		end_create(&ends[i], &host, &peer_options);
		board->address[4 + i] = end_address(&ends[i]);
		board->address[4 + i].rkey = ends[0].mr.key;
		board->address[4 + i].memory = (uintptr_t)ends[0].memory;
	}
	meet(&board->ready, ADDERS + 1);
	for (uint32_t i = 0; i < ADDERS; i++)
		end_connect(&ends[i], &board->address[i]);
	meet(&board->ready, 2 * ADDERS + 2);
	atomic_fetch_add(&board->ready, 1);
	while (atomic_load(&board->ready) < 3 * ADDERS + 3)
		cq_poll(&ends[0].recv_cq, &entry, 1);
	memcpy(&sum, ends[0].memory, 8);
	assert_int_equal(sum, ADDERS * ADDS);
	for (uint32_t i = 0; i < ADDERS; i++)
		child_wait(pids[i]);
	for (uint32_t i = 0; i < ADDERS; i++)
		end_destroy(&ends[i]);
	host_leave(&host);
}

/* --- deaths --- */

static const struct end_options mortal = { .type = QP_RC,
					   .timeout = 8,
					   .retry_count = 3,
					   .rnr_retry = 7,
					   .min_rnr_timer = 1,
					   .size = 1 << 18 };

/* Receive, or send, until it is killed. */
static void live(void *arg)
{
	static struct host host;
	static struct end end;
	bool sends = *(bool *)arg;
	struct shared_cqe entry;
	uint32_t posted = 0, sent = 0;

	host_join(&host, &lab, 1);
	end_create(&end, &host, &mortal);
	board->address[1] = end_address(&end);
	meet(&board->ready, 2);
	end_connect(&end, &board->address[0]);
	meet(&board->ready, 4);
	for (;;) {
		if (posted < 32 && sends) {
			end_send(&end, &board->address[0],
				 &(struct request){ .opcode = sent++ % 2 ? WR_SEND : WR_RDMA_READ,
						    .length = 40000 });
			posted++;
		} else if (posted < 32) {
			end_receive(&end, 0, 0, 40000);
			posted++;
		}
		while (cq_poll(sends ? &end.send_cq : &end.recv_cq, &entry, 1) == 1) {
			CHECK(entry.status == WC_SUCCESS);
			posted--;
		}
		atomic_fetch_add(&board->done, 1);
	}
}

/* A new pair of queue pairs works: nothing that is shared stays locked. */
static void assert_works(struct host *host)
{
	static struct end a, b;
	struct address to_a, to_b;

	end_create(&a, host, &mortal);
	end_create(&b, host, &mortal);
	to_a = end_address(&a);
	to_b = end_address(&b);
	end_connect(&a, &to_b);
	end_connect(&b, &to_a);
	end_receive(&b, 1, 0, 40000);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 40000 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&b.recv_cq).status, WC_SUCCESS);
	end_destroy(&a);
	end_destroy(&b);
}

static pid_t begin(struct host *host, struct end *end, bool *sends)
{
	pid_t pid;

	atomic_store(&board->ready, 0);
	atomic_store(&board->done, 0);
	pid = child_run(live, sends);
	end_create(end, host, &mortal);
	board->address[0] = end_address(end);
	meet(&board->ready, 2);
	end_connect(end, &board->address[1]);
	meet(&board->ready, 4);
	return pid;
}

static void kill_child(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* After this many messages the child dies; it does so at some instruction. */
static uint32_t fate(uint32_t i)
{
	return 1 + i * 2654435761u % 300;
}

#define LIVES 25

static void survives_its_receiver(void **state)
{
	static struct host host;
	static struct end end;
	bool sends = false;

	(void)state;
	host_join(&host, &lab, 0);
	for (uint32_t i = 0; i < LIVES; i++) {
		pid_t pid = begin(&host, &end, &sends);
		struct shared_cqe entry;
		uint32_t sent = 0;

		do {
			end_send(&end, &board->address[1],
				 &(struct request){ .opcode = WR_SEND, .length = 40000 });
			if (++sent == fate(i))
				kill_child(pid);
			entry = cq_next(&end.send_cq);
		} while (entry.status == WC_SUCCESS);
		assert_int_equal(entry.status, WC_RETRY_EXC_ERR);
		assert_true(sent >= fate(i));
		assert_int_equal(end_state(&end), QP_ERR);
		assert_works(&host);
		end_destroy(&end);
	}
	host_leave(&host);
}

static void survives_its_sender(void **state)
{
	static struct host host;
	static struct end end;
	bool sends = true;

	(void)state;
	host_join(&host, &lab, 0);
	for (uint32_t i = 0; i < LIVES; i++) {
		pid_t pid = begin(&host, &end, &sends);
		uint32_t posted = 0, got = 0;
		struct shared_cqe entry;

		while (got < fate(i) / 4 + 1) {
			for (; posted < 32; posted++)
				end_receive(&end, posted, 0, 40000);
			if (cq_poll(&end.recv_cq, &entry, 1) == 1) {
				assert_int_equal(entry.status, WC_SUCCESS);
				posted--;
				got++;
			}
		}
		kill_child(pid);
		while (cq_poll(&end.recv_cq, &entry, 1) == 1)
			assert_int_equal(entry.status, WC_SUCCESS);
		assert_int_equal(end_state(&end), QP_RTS);
		assert_works(&host);
		end_destroy(&end);
	}
	host_leave(&host);
}

/* A receiver that stands still gets its mail when it goes on; nobody else is held up. */
static void waits_for_one_that_stands_still(void **state)
{
	static struct host host;
	static struct end end;
	bool sends = false;
	pid_t pid;

	(void)state;
	host_join(&host, &lab, 0);
	pid = begin(&host, &end, &sends);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	end_send(&end, &board->address[1],
		 &(struct request){ .opcode = WR_RDMA_WRITE, .length = 200000 });
	assert_works(&host);
	assert_int_equal(kill(pid, SIGCONT), 0);
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
	kill_child(pid);
	end_destroy(&end);
	host_leave(&host);
}

#define BOTH(test) BY_EACH_TRANSPORT(test, open_lab, close_lab)
#define SLOW(test)                                                                                 \
	{                                                                                          \
		.name = #test " (slow)", .test_func = (test), .setup_func = open_lab,              \
		.teardown_func = close_lab, .initial_state = (void *)"latency=20us,rate=10Gbit/s", \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(sends_to_another_process), SLOW(sends_to_another_process),
		BOTH(atomics_lose_nothing),     BOTH(survives_its_receiver),
		SLOW(survives_its_receiver),    BOTH(survives_its_sender),
		SLOW(survives_its_sender),      BOTH(waits_for_one_that_stands_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
