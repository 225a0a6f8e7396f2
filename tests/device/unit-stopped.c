/* SPDX-License-Identifier: Apache-2.0 */
/* unit-stopped.c - a peer that is stopped is not dead: its NIC would answer */
#include "devlib.h"

#include "clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define MS    1000000
#define LONG  3000 /* ms: more than the device waits for an answer that does not come */
#define BYTES 100

static struct lab lab;
static struct host host;
static struct end end;
static struct common {
	struct address here, there;
	_Atomic bool is_here, is_there, ends;
} * common;
static pid_t child;

static int set_up(void **state)
{
	lab_open(&lab, *state, 1);
	common = share(sizeof(*common));
	*common = (struct common){ .is_here = false };
	child = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (child) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	lab_close(&lab);
	if (end.host)
		end_destroy(&end);
	end.host = NULL;
	host_leave(&host);
	return 0;
}

static void wait_until(_Atomic bool *what)
{
	int64_t limit = clock_ms() + 60000;

	while (!atomic_load(what)) {
		assert_true(clock_ms() < limit);
		clock_rest(MS);
	}
}

/* The shortest time that a requester can ask for, and once only. */
static void make_end(struct address *own)
{
	struct end_options options = { .type = QP_RC, .timeout = 1, .retry_count = 0 };

	host_join(&host, &lab, 0);
	end_create(&end, &host, &options);
	*own = end_address(&end);
}

static void receive(void *arg)
{
	(void)arg;
	make_end(&common->there);
	wait_until(&common->is_here);
	end_connect(&end, &common->here);
	end_receive(&end, 1, 0, BYTES);
	atomic_store(&common->is_there, true);
	wait_until(&common->ends);
	assert_int_equal(cq_next(&end.recv_cq).status, WC_SUCCESS);
	for (int i = 0; i < BYTES; i++)
		assert_int_equal(end.memory[i], i);
}

static void stop_child(void)
{
	int status;

	assert_int_equal(kill(child, SIGSTOP), 0);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
}

/* To a child that is stopped. */
static void send_to_stopped(void)
{
	struct request request = { .opcode = WR_SEND, .length = BYTES };

	make_end(&common->here);
	atomic_store(&common->is_here, true);
	child = child_run(receive, NULL);
	wait_until(&common->is_there);
	end_connect(&end, &common->there);
	for (int i = 0; i < BYTES; i++)
		end.memory[i] = (char)i;
	stop_child();
	end_send(&end, &common->there, &request);
}

static void keep_polling(void)
{
	int64_t limit = clock_ms() + LONG;

	while (clock_ms() < limit) {
		cq_empty(&end.send_cq);
		clock_rest(MS);
	}
}

static void child_goes_on(void)
{
	pid_t pid = child;

	atomic_store(&common->ends, true);
	assert_int_equal(kill(pid, SIGCONT), 0);
	child = 0;
	child_wait(pid);
}

static void gets_what_is_sent(void **state)
{
	(void)state;
	send_to_stopped();
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
	child_goes_on();
}

static void gets_it_when_it_goes_on(void **state)
{
	(void)state;
	send_to_stopped();
	keep_polling();
	child_goes_on();
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
}

static void dies_without_it(void **state)
{
	(void)state;
	send_to_stopped();
	cq_empty(&end.send_cq);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
	assert_int_equal(cq_next(&end.send_cq).status, WC_RETRY_EXC_ERR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_TRANSPORT(gets_what_is_sent, "direct", set_up, tear_down),
		BY_TRANSPORT(gets_it_when_it_goes_on, "queue", set_up, tear_down),
		BY_TRANSPORT(dies_without_it, "queue", set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
