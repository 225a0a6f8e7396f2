/* SPDX-License-Identifier: Apache-2.0 */
/* unit-mail-order.c - what goes by mailboxes happens in the order that programs may count on
 *
 * Linked so that two functions of the engine are called through the ones here, which make the
 * moments long that a program can see only by chance.
 */
#include "devlib.h"

#include "clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define BYTES 100

static struct lab lab;
static struct host host;
static struct end end, busy; /* busy: of a message between others */
static struct common {
	struct address here, there, busy_here, busy_there;
	_Atomic bool is_here, is_there, is_ready, is_asked, has_sent;
} * common;
static pid_t child;
static bool dies_when_seen, waits_for_child;
static int requests;
static uint64_t sends_before; /* that had completed before the second request was taken */

static int set_up(void **state)
{
	lab_open(&lab, *state, 1);
	common = share(sizeof(*common));
	*common = (struct common){ .is_here = false };
	child = 0;
	requests = 0;
	waits_for_child = dies_when_seen = false;
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
	if (busy.host)
		end_destroy(&busy);
	end.host = busy.host = NULL;
	host_leave(&host);
	return 0;
}

static void wait_until(_Atomic bool *what)
{
	int64_t limit = clock_ms() + 60000;

	while (!atomic_load(what)) {
		assert_true(clock_ms() < limit);
		clock_rest(100000);
	}
}

static void make_ends(struct address *own, struct address *busy_own, _Atomic bool *are_made)
{
	struct end_options options = { .type = QP_RC, .timeout = 1 };

	host_join(&host, &lab, 0);
	end_create(&end, &host, &options);
	end_create(&busy, &host, &options);
	*own = end_address(&end);
	*busy_own = end_address(&busy);
	atomic_store(are_made, true);
}

/* ---- in place of the engine's: their arguments do not matter here ---- */

void __real_request_complete(void *request, void *match, int status);
void __wrap_request_complete(void *request, void *match, int status);
void __real_respond_early(void *fabric, const void *op, void *answer);
void __wrap_respond_early(void *fabric, const void *op, void *answer);

void __wrap_request_complete(void *request, void *match, int status)
{
	__real_request_complete(request, match, status);
	if (dies_when_seen)
		_exit(0);
}

void __wrap_respond_early(void *fabric, const void *op, void *answer)
{
	if (waits_for_child && ++requests == 1) {
		atomic_store(&common->is_asked, true);
		wait_until(&common->has_sent);
	} else if (waits_for_child && requests == 2) {
		sends_before = atomic_load(&end.send_cq.shared->produced);
	}
	__real_respond_early(fabric, op, answer);
}

/* ---- the tests ---- */

static void send_bytes(struct end *from, const struct address *to)
{
	struct request request = { .opcode = WR_SEND, .length = BYTES };

	end_send(from, to, &request);
}

static void be_there(void)
{
	make_ends(&common->there, &common->busy_there, &common->is_there);
	wait_until(&common->is_here);
	end_connect(&end, &common->here);
	end_connect(&busy, &common->busy_here);
}

static void start_child(void (*body)(void *arg))
{
	make_ends(&common->here, &common->busy_here, &common->is_here);
	child = child_run(body, NULL);
	wait_until(&common->is_there);
	end_connect(&end, &common->there);
	end_connect(&busy, &common->busy_there);
}

static void end_when_it_has_come(void *arg)
{
	(void)arg;
	be_there();
	end_receive(&end, 1, 0, BYTES);
	dies_when_seen = true;
	atomic_store(&common->is_ready, true);
	cq_next(&end.recv_cq);
}

/* Whoever sees a message may be gone at once: what it is answered with is on its way then. */
static void the_answer_is_sent_before_the_receive_completes(void **state)
{
	pid_t pid;

	(void)state;
	start_child(end_when_it_has_come);
	wait_until(&common->is_ready);
	send_bytes(&end, &common->there);
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
	pid = child;
	child = 0;
	child_wait(pid);
}

static void send_and_reply(void *arg)
{
	(void)arg;
	be_there();
	end_receive(&end, 1, 0, BYTES);
	raise(SIGSTOP);
	send_bytes(&busy, &common->busy_here);
	wait_until(&common->is_asked);
	assert_int_equal(cq_next(&end.recv_cq).status, WC_SUCCESS);
	send_bytes(&end, &common->here);
	atomic_store(&common->has_sent, true);
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&busy.send_cq).status, WC_SUCCESS);
}

/* A message is answered, and its receiver sends one: its sender sees its own complete first, also
 * when both come while it is busy with another.
 */
static void an_answer_is_taken_before_a_later_request(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	start_child(send_and_reply);
	end_receive(&end, 1, 0, BYTES);
	end_receive(&busy, 1, 0, BYTES);
	assert_int_equal(waitpid(child, &status, WUNTRACED), child);
	assert_true(WIFSTOPPED(status));
	send_bytes(&end, &common->there);
	waits_for_child = true;
	kill(child, SIGCONT);
	assert_int_equal(cq_next(&busy.recv_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&end.recv_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&end.send_cq).status, WC_SUCCESS);
	assert_int_equal(requests, 2);
	assert_int_equal(sends_before, 1);
	pid = child;
	child = 0;
	child_wait(pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BY_TRANSPORT(the_answer_is_sent_before_the_receive_completes, "queue", set_up,
			     tear_down),
		BY_TRANSPORT(an_answer_is_taken_before_a_later_request, "queue", set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
