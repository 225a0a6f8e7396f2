/* SPDX-License-Identifier: Apache-2.0 */
/* unit-rules.c - each rule of `netemu trace check`, done wrong and done right */
#include "ringlib.h"
#include "trace/rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define QPN       0x101U
#define OTHER     0x202U
#define CQ        0xc1U /* that of sends, of ringlib's queue pairs */
#define RECV_CQ   0xc2U
#define SIGNALED  2
#define SOLICITED 4
#define INLINE    8
#define LID       1

enum { WRITE, WRITE_WITH_IMM, SEND, FETCH_AND_ADD = 6, RECV = 128 };

static struct findings check(struct ring *ring)
{
	struct findings findings = { 0 };
	struct trace_run run;
	struct err err = { "" };

	ring_save(ring, "rules.bin");
	if (trace_run_open(&run, "rules.bin", &err) < 0 ||
	    rules_check(&findings, &run, UINT64_MAX, &err) < 0)
		fail_msg("%s", err.text);
	trace_run_close(&run);
	unlink("rules.bin");
	return findings;
}

static void start(struct ring *ring)
{
	ring_init(ring);
	ring->header.clean = 1;
	ring->header.level = VRING_FULL;
	ring->header.ranks = 1;
	ring_open(ring, 0, "device0");
	ring_port(ring, 0, 1, LID);
}

/* A queue pair that is connected to itself, with a completion queue of 8. */
static void loop(struct ring *ring)
{
	RING_CALL(ring, CREATE_CQ, .object = CQ, .number = 8);
	RING_QP(ring, .qpn = QPN, .max_send_wr = 4, .max_recv_wr = 4);
	ring_connect(ring, 0, QPN, QPN, LID, 0);
}

static void write_one(struct ring *ring, uint8_t flags, uint8_t error)
{
	RING_SEND(ring, .qpn = QPN, .opcode = WRITE, .flags = flags, .bytes = 64, .error = error);
}

static void done(struct ring *ring, uint8_t status)
{
	RING_WC(ring, .qpn = QPN, .status = status, .opcode = status ? 255 : 1);
}

/* --- wrong and right --- */

static void completion_error(struct ring *ring, bool wrong)
{
	loop(ring);
	for (int i = 0; i < 3; i++)
		write_one(ring, SIGNALED, 0);
	done(ring, wrong ? 10 : 0);
	/* what a program itself has flushed is no error */
	if (!wrong)
		ring_state(ring, 0, QPN, 6);
	done(ring, 5);
	done(ring, 5);
}

static void unsignaled(struct ring *ring, bool wrong)
{
	loop(ring);
	for (int i = 0; i < 4; i++)
		write_one(ring, !wrong && i == 1 ? SIGNALED : 0, 0);
	write_one(ring, 0, wrong ? ENOMEM : 0);
}

static void send_queue_full(struct ring *ring, bool wrong)
{
	loop(ring);
	for (int i = 0; i < 4; i++)
		write_one(ring, SIGNALED, 0);
	if (!wrong)
		done(ring, 0);
	write_one(ring, SIGNALED, wrong ? ENOMEM : 0);
}

static void receive_queue_full(struct ring *ring, bool wrong)
{
	loop(ring);
	for (int i = 0; i < 4; i++)
		RING_RECV(ring, .qpn = QPN, .bytes = 64);
	RING_RECV(ring, .qpn = QPN, .bytes = 64, .error = wrong ? ENOMEM : 0);
}

static void post_refused(struct ring *ring, bool wrong)
{
	loop(ring);
	write_one(ring, SIGNALED, wrong ? EINVAL : 0);
}

static void unaligned_atomic(struct ring *ring, bool wrong)
{
	loop(ring);
	RING_SEND(ring, .qpn = QPN, .opcode = FETCH_AND_ADD, .bytes = 8,
		  .remote_address = wrong ? 0x1004 : 0x1008);
}

static void async_error(struct ring *ring, bool wrong)
{
	/* a port that has come up is none */
	RING_CALL(ring, GET_ASYNC_EVENT, .object = CQ, .number = wrong ? 0 : 9);
	RING_CALL(ring, ACK_ASYNC_EVENT, .object = CQ, .number = wrong ? 0 : 9);
}

/* The second message waits for the second request. */
static void receive_queue_dry(struct ring *ring, bool wrong)
{
	loop(ring);
	RING_RECV(ring, .qpn = QPN, .bytes = 64);
	RING_SEND(ring, .qpn = QPN, .opcode = SEND, .bytes = 64);
	RING_WC(ring, .qpn = QPN, .opcode = RECV, .bytes = 64);
	if (wrong)
		RING_SEND(ring, .qpn = QPN, .opcode = SEND, .bytes = 64);
	RING_RECV(ring, .qpn = QPN, .bytes = 64);
	if (!wrong)
		RING_SEND(ring, .qpn = QPN, .opcode = SEND, .bytes = 64);
	RING_WC(ring, .qpn = QPN, .opcode = RECV, .bytes = 64);
	ring_destroy_qp(ring, 0, QPN);
}

/* The third message waits until there is a request again. */
static void srq_dry(struct ring *ring, bool wrong)
{
	RING_CALL(ring, CREATE_CQ, .object = CQ, .number = 8);
	RING_QP(ring, .qpn = QPN, .srq = 0x55);
	ring_connect(ring, 0, QPN, QPN, LID, 0);
	for (int i = 0; i < 2 + !wrong; i++)
		RING_SRQ_RECV(ring, .srq = 0x55, .wr_id = (unsigned)i);
	for (int i = 0; i < 2; i++)
		RING_WC(ring, .qpn = QPN, .opcode = RECV, .wr_id = (unsigned)i);
	RING_SRQ_RECV(ring, .srq = 0x55, .wr_id = 3);
	RING_WC(ring, .qpn = QPN, .opcode = RECV, .wr_id = wrong ? 3 : 2);
	if (!wrong) /* all that were wanted have come: nobody waits */
		RING_WC(ring, .qpn = QPN, .opcode = RECV, .wr_id = 3);
}

static void notify(struct ring *ring, uint16_t call, uint32_t number)
{
	RING_PUT(ring, RING_THREAD, vring_call, .call = call, .object = CQ, .number = number);
}

static void armed_late(struct ring *ring, bool wrong)
{
	loop(ring);
	notify(ring, VCALL_REQ_NOTIFY_CQ, 0); /* nothing is outstanding */
	write_one(ring, SIGNALED, 0);
	write_one(ring, SIGNALED, 0);
	notify(ring, VCALL_GET_CQ_EVENT, 0);
	if (wrong) {
		done(ring, 0);
		notify(ring, VCALL_REQ_NOTIFY_CQ, 0);
	} else {
		notify(ring, VCALL_REQ_NOTIFY_CQ, 0);
		done(ring, 0);
	}
	notify(ring, VCALL_GET_CQ_EVENT, 0);
	done(ring, 0);
}

static void never_solicited(struct ring *ring, bool wrong)
{
	RING_CALL(ring, CREATE_CQ, .object = RECV_CQ, .number = 8);
	loop(ring);
	RING_PUT(ring, RING_THREAD, vring_call, .call = VCALL_REQ_NOTIFY_CQ, .object = RECV_CQ,
		 .number = 1);
	RING_RECV(ring, .qpn = QPN, .bytes = 64);
	RING_SEND(ring, .qpn = QPN, .opcode = SEND, .bytes = 64, .flags = wrong ? 0 : SOLICITED);
}

static void posted_early(struct ring *ring, bool wrong)
{
	RING_QP(ring, .qpn = QPN);
	if (wrong)
		write_one(ring, 0, 0);
	ring_connect(ring, 0, QPN, QPN, LID, 0);
	if (!wrong)
		write_one(ring, 0, 0);
}

static void set_mtu(struct ring *ring, uint32_t qpn, uint8_t mtu)
{
	const struct vring_call call = {
		.call = VCALL_MODIFY_QP, .object = 0x100 * qpn, .number = qpn, .a = 1 << 8
	};
	struct vring_record records[2];
	const struct vring_qp_attr attr = { .path_mtu = mtu };

	memcpy(&records[0], &call, sizeof(call));
	memcpy(&records[1], &attr, sizeof(attr));
	ring_put(ring, RING_CALLS, records, 2);
}

static void mtu_differs(struct ring *ring, bool wrong)
{
	RING_QP(ring, .qpn = QPN);
	RING_QP(ring, .qpn = OTHER);
	ring_connect(ring, 0, QPN, OTHER, LID, 0);
	ring_connect(ring, 0, OTHER, QPN, LID, 0);
	set_mtu(ring, OTHER, wrong ? 5 : 3);
}

static void memory_pulled(struct ring *ring, bool wrong)
{
	loop(ring);
	RING_MEM(ring, REG_MR, .object = 0x9, .number = 0x77, .a = 0x1000, .b = 4096);
	RING_SEND(ring, .qpn = QPN, .opcode = WRITE, .flags = SIGNALED, .lkey = 0x77);
	if (!wrong)
		done(ring, 0);
	RING_MEM(ring, DEREG_MR, .object = 0x9, .number = 0x77, .b = 4096);
}

static void cq_overflow(struct ring *ring, bool wrong)
{
	RING_CALL(ring, CREATE_CQ, .object = CQ, .number = 2);
	RING_QP(ring, .qpn = QPN, .max_send_wr = 8);
	ring_connect(ring, 0, QPN, QPN, LID, 0);
	for (int i = 0; i < 4; i++) {
		write_one(ring, SIGNALED, 0);
		write_one(ring, 0, 0); /* makes none */
		if (!wrong && i % 2)
			done(ring, 0), done(ring, 0);
	}
}

static void never_connected(struct ring *ring, bool wrong)
{
	RING_QP(ring, .qpn = QPN);
	ring_state(ring, 0, QPN, 1);
	if (!wrong) /* only to see whether it can be made */
		ring_destroy_qp(ring, 0, QPN);
}

static void error_kept(struct ring *ring, bool wrong)
{
	loop(ring);
	write_one(ring, SIGNALED, 0);
	done(ring, 12);
	if (!wrong)
		ring_destroy_qp(ring, 0, QPN);
}

/* That of the device is the same both times. */
static void leak(struct ring *ring, bool wrong)
{
	RING_MEM(ring, REG_MR, .object = 0x9, .number = 0x77, .a = 0x1000, .b = 4096);
	if (!wrong)
		RING_MEM(ring, DEREG_MR, .object = 0x9, .number = 0x77, .b = 4096);
	RING_CALL(ring, CLOSE_DEVICE, .object = 0x10000);
}

static void events_unacknowledged(struct ring *ring, bool wrong)
{
	RING_CALL(ring, CREATE_CQ, .object = CQ, .number = 2);
	for (int i = 0; i < 3; i++)
		RING_PUT(ring, RING_THREAD, vring_call, .call = VCALL_GET_CQ_EVENT, .object = CQ);
	RING_PUT(ring, RING_THREAD, vring_call, .call = VCALL_ACK_CQ_EVENTS, .object = CQ,
		 .number = wrong ? 2 : 3);
}

static void call_failed(struct ring *ring, bool wrong)
{
	RING_CALL(ring, DEALLOC_PD, .object = 0x77, .result = wrong ? EBUSY : 0);
}

static void call_refused(struct ring *ring, bool wrong)
{
	RING_MEM(ring, REG_MR, .number = 0x77, .result = wrong ? ENOMEM : 0);
}

static void registered_again(struct ring *ring, bool wrong)
{
	for (int i = 0; i < 20; i++) {
		RING_MEM(ring, REG_MR, .object = 0x9, .number = 0x77, .a = 0x1000,
			 .b = wrong ? 4096 : 4096 + (unsigned)i);
		RING_MEM(ring, DEREG_MR, .object = 0x9, .number = 0x77);
	}
}

static void busy_polling(struct ring *ring, bool wrong)
{
	loop(ring);
	write_one(ring, SIGNALED, 0);
	RING_WC(ring, .qpn = QPN, .opcode = 1, .empty = wrong ? 200000 : 2000);
}

static void put_inline_room(struct ring *ring)
{
	const struct vring_call call = { .call = VCALL_CREATE_QP,
					 .object = 0x100 * QPN,
					 .number = QPN };
	const struct vring_qp_init init = { .type = 2, .max_inline = 64 };
	struct vring_record records[2];

	memcpy(&records[0], &call, sizeof(call));
	memcpy(&records[1], &init, sizeof(init));
	ring_put(ring, RING_CALLS, records, 2);
}

static void not_inline(struct ring *ring, bool wrong)
{
	put_inline_room(ring);
	for (int i = 0; i < 2000; i++) {
		write_one(ring, wrong || i % 3 == 0 ? 0 : INLINE, 0);
		RING_SEND(ring, .qpn = QPN, .opcode = WRITE, .bytes = 65, .flags = SIGNALED);
		done(ring, 0);
		i += !wrong;
	}
}

static void all_signaled(struct ring *ring, bool wrong)
{
	loop(ring);
	for (int i = 0; i < 2000; i++) {
		write_one(ring, wrong || i % 4 == 0 ? SIGNALED : 0, 0);
		if (wrong || i % 4 == 0)
			done(ring, 0);
	}
}

static void no_timeout(struct ring *ring, bool wrong)
{
	RING_QP(ring, .qpn = QPN);
	ring_connect(ring, 0, QPN, QPN, LID, 0);
	if (wrong) {
		const struct vring_call call = {
			.call = VCALL_MODIFY_QP, .object = 0x100 * QPN, .number = QPN, .a = 1 << 9
		};
		struct vring_record records[2] = { 0 };

		memcpy(&records[0], &call, sizeof(call));
		ring_put(ring, RING_CALLS, records, 2);
	}
}

static const struct {
	const char *rule;
	void (*make)(struct ring *ring, bool wrong);
	const char *says; /* when it is wrong */
} cases[] = {
	{ "completion-error", completion_error,
	  "RDMA_WRITE of 64 bytes (wr_id 0) ended with REM_ACCESS_ERR; 2 requests were flushed "
	  "behind it" },
	{ "unsignaled", unsignaled,
	  "all 4 requests that the send queue has room for were "
	  "unsignaled: no completion will ever make room again; 1 post was "
	  "refused since" },
	{ "send-queue-full", send_queue_full,
	  "1 send was refused with ENOMEM, the first while 4 of "
	  "at most 4 were outstanding" },
	{ "receive-queue-full", receive_queue_full,
	  "1 receive request was refused with ENOMEM, the "
	  "first while 4 of at most 4 were outstanding" },
	{ "post-refused", post_refused,
	  "1 post was refused, the first one (RDMA_WRITE of 64 bytes (wr_id 0)) with EINVAL" },
	{ "unaligned-atomic", unaligned_atomic,
	  "1 atomic was posted with an address that is no "
	  "multiple of 8, the first one with 0x1004" },
	{ "async-error", async_error, "the device said CQ_ERR, 1 time" },
	{ "receive-queue-dry", receive_queue_dry,
	  "1 message was sent by rank 0 before there was a receive request" },
	{ "srq-dry", srq_dry,
	  "a shared receive queue had no request left 1 time, for up to 0.000 ms: a message that "
	  "comes then has to wait (RNR)" },
	{ "armed-late", armed_late,
	  "1 time an event was waited for without a poll since ibv_req_notify_cq(), which came "
	  "while requests were outstanding" },
	{ "never-solicited", never_solicited,
	  "events are asked for solicited messages alone, and none of the 1 that rank 0 has sent "
	  "is one" },
	{ "posted-early", posted_early,
	  "1 request was posted before the queue pair could take it, the first one (RDMA_WRITE of "
	  "64 bytes (wr_id 0))" },
	{ "mtu-differs", mtu_differs,
	  "the path MTU is 1024 bytes here, and 4096 at the other end" },
	{ "memory-pulled", memory_pulled,
	  "a region of 4,096 bytes (lkey 0x77) was deregistered "
	  "while 1 request was outstanding with it" },
	{ "cq-overflow", cq_overflow,
	  "up to 4 completions were due for a completion queue with room for 2" },
	{ "never-connected", never_connected,
	  "the queue pair was made, but never made ready to "
	  "receive (RTR); 0 receive requests were posted to it" },
	{ "error-kept", error_kept,
	  "the queue pair is in error, and was kept until the program ended" },
	{ "leak", leak, "1 memory region (4,096 bytes) was never deregistered" },
	{ "events-unacknowledged", events_unacknowledged,
	  "1 of 3 completion events never acknowledged" },
	{ "call-failed", call_failed, "ibv_dealloc_pd failed with EBUSY, 1 time" },
	{ "call-refused", call_refused, "ibv_reg_mr failed with ENOMEM, 1 time" },
	{ "registered-again", registered_again,
	  "the same 4,096 bytes at 0x1000 were registered 20 times, which took 0.000 ms" },
	{ "busy-polling", busy_polling, "200,000 polls found nothing, for 1 completion" },
	{ "not-inline", not_inline, "2000 sends are small enough to be inline, and are not" },
	{ "all-signaled", all_signaled, "2000 sends have a completion each" },
	{ "no-timeout", no_timeout, "the queue pair waits for ever for an answer (timeout 0)" },
};

#define CASES (sizeof(cases) / sizeof(*cases))

/* Findings of the rule NAME, which say SAYS. */
static uint32_t count(const struct findings *findings, const char *name, const char *says)
{
	uint32_t found = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->row[i];

		if (strcmp(rules_name(finding->rule), name))
			continue;
		found++;
		assert_true(*finding->advice);
		if (says)
			assert_string_equal(finding->text, says);
	}
	return found;
}

static void finds_each_misuse_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct findings findings;
		struct ring ring;

		start(&ring);
		cases[i].make(&ring, true);
		findings = check(&ring);
		if (count(&findings, cases[i].rule, cases[i].says) != 1)
			fail_msg("%s: %u times", cases[i].rule,
				 count(&findings, cases[i].rule, NULL));
		findings_release(&findings);
		ring_release(&ring);
	}
}

static void finds_nothing_where_it_is_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		struct findings findings;
		struct ring ring;

		start(&ring);
		cases[i].make(&ring, false);
		findings = check(&ring);
		if (count(&findings, cases[i].rule, NULL))
			fail_msg("%s is found", cases[i].rule);
		findings_release(&findings);
		ring_release(&ring);
	}
}

/* A poll that found nothing is one, and counted only. */
static void sees_the_empty_poll_between_arming_and_waiting(void **state)
{
	struct findings findings;
	struct ring ring;

	(void)state;
	start(&ring);
	loop(&ring);
	for (int i = 0; i < 2; i++)
		write_one(&ring, SIGNALED, 0);
	done(&ring, 0);
	notify(&ring, VCALL_REQ_NOTIFY_CQ, 0);
	notify(&ring, VCALL_GET_CQ_EVENT, 0);
	RING_WC(&ring, .qpn = QPN, .opcode = 1, .empty = 1);
	findings = check(&ring);
	assert_int_equal(count(&findings, "armed-late", NULL), 0);
	findings_release(&findings);
	ring_release(&ring);
}

static void has_a_case_for_every_rule(void **state)
{
	(void)state;
	for (uint32_t rule = 0; rules_name(rule); rule++) {
		size_t i = 0;

		while (i < CASES && strcmp(cases[i].rule, rules_name(rule)))
			i++;
		if (i == CASES)
			fail_msg("%s has none", rules_name(rule));
		assert_int_equal(rules_find(rules_name(rule)), rule);
	}
	assert_int_equal(rules_find("no-such-rule"), -1);
}

static void names_rank_queue_pair_call_and_time(void **state)
{
	struct findings findings;
	struct ring ring;

	(void)state;
	start(&ring);
	ring.header.rank = 3;
	ring.header.ranks = 4;
	post_refused(&ring, true);
	findings = check(&ring);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *finding = &findings.row[i];

		if (strcmp(rules_name(finding->rule), "post-refused"))
			continue;
		assert_int_equal(finding->rank, 3);
		assert_true(finding->has_qp);
		assert_int_equal(finding->qpn, QPN);
		assert_string_equal(finding->whose, "RC, to rank 3");
		assert_string_equal(finding->call, "ibv_post_send");
		/* the last record, RING_STEP after the one before it */
		assert_int_equal(finding->time + RING_BEGIN, ring.now);
	}
	assert_int_equal(findings.of[SEVERITY_ERROR], 1);
	findings_release(&findings);
	ring_release(&ring);
}

static void does_not_accuse_who_was_killed(void **state)
{
	static const char *const rules[] = { "leak", "never-connected", "error-kept",
					     "events-unacknowledged" };

	(void)state;
	for (size_t i = 0; i < CASES; i++) {
		for (size_t rule = 0; rule < sizeof(rules) / sizeof(*rules); rule++) {
			struct findings findings;
			struct ring ring;

			if (strcmp(cases[i].rule, rules[rule]))
				continue;
			start(&ring);
			ring.header.clean = 0;
			cases[i].make(&ring, true);
			findings = check(&ring);
			assert_int_equal(count(&findings, rules[rule], NULL), 0);
			findings_release(&findings);
			ring_release(&ring);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_case_for_every_rule),
		cmocka_unit_test(finds_each_misuse_once),
		cmocka_unit_test(finds_nothing_where_it_is_right),
		cmocka_unit_test(sees_the_empty_poll_between_arming_and_waiting),
		cmocka_unit_test(names_rank_queue_pair_call_and_time),
		cmocka_unit_test(does_not_accuse_who_was_killed),
	};
	char directory[] = "unit-rules.XXXXXX";
	int rc;

	if (!mkdtemp(directory) || chdir(directory) < 0)
		return 99;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir("..") < 0 || rmdir(directory) < 0)
		return 99;
	return rc;
}
