/* SPDX-License-Identifier: Apache-2.0 */
/* unit-match.c - which completion ends which request */
#include "matchlib.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SEND      2
#define WRITE     0
#define WRITE_IMM 1
#define READ      4
#define SIGNALED  2

#define WC_SEND  0
#define WC_WRITE 1
#define WC_RECV  128
#define WC_IMM   129
#define WC_ERROR 255 /* opcode of a completion with an error */

#define FLUSH 5

enum { UD = 4, XRC_SEND = 9, XRC_RECV = 10 };

static struct ring ring;

static int set_up(void **state)
{
	(void)state;
	ring_init(&ring);
	ring_open(&ring, 0, "device0");
	ring_port(&ring, 0, 1, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ring_release(&ring);
	match_path_remove();
	return 0;
}

static void test_each_has_its_own(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 9, .bytes = 4096);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .flags = SIGNALED, .wr_id = 1, .bytes = 64);
	RING_SEND(&ring, .qpn = 0x101, .opcode = WRITE, .flags = SIGNALED, .wr_id = 2, .bytes = 65);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 9, .bytes = 33);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_WRITE, .wr_id = 2);
	match_expect(&ring, "+ 101 RECV id 9 bytes 4096 depth 1\n"
			    "+ 101 SEND id 1 bytes 64 depth 1\n"
			    "+ 101 RDMA_WRITE id 2 bytes 65 depth 2\n"
			    "- 101 SEND id 1 bytes 64 SUCCESS depth 1 m 0\n"
			    "- 101 RECV id 9 bytes 33 SUCCESS depth 0 m 0\n"
			    "- 101 RDMA_WRITE id 2 bytes 65 SUCCESS depth 0\n");
}

/* All have the same wr_id, as programs do that do not look at it. */
static void test_unsignaled_ones_end_with_the_next(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	for (uint32_t i = 1; i <= 4; i++)
		RING_SEND(&ring, .qpn = 0x101, .opcode = WRITE, .bytes = i,
			  .flags = i == 3 || i == 4 ? SIGNALED : 0);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_WRITE);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_WRITE);
	match_expect(&ring, "+ 101 RDMA_WRITE id 0 bytes 1 depth 1\n"
			    "+ 101 RDMA_WRITE id 0 bytes 2 depth 2\n"
			    "+ 101 RDMA_WRITE id 0 bytes 3 depth 3\n"
			    "+ 101 RDMA_WRITE id 0 bytes 4 depth 4\n"
			    "- 101 RDMA_WRITE id 0 bytes 1 SUCCESS depth 3 inferred\n"
			    "- 101 RDMA_WRITE id 0 bytes 2 SUCCESS depth 2 inferred\n"
			    "- 101 RDMA_WRITE id 0 bytes 3 SUCCESS depth 1\n"
			    "- 101 RDMA_WRITE id 0 bytes 4 SUCCESS depth 0\n");
}

static void test_sig_all(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .sig_all = 1);
	for (uint32_t i = 1; i <= 2; i++)
		RING_SEND(&ring, .qpn = 0x101, .opcode = READ, .bytes = i);
	RING_WC(&ring, .qpn = 0x101, .opcode = 2, .bytes = 1);
	match_expect(&ring, "+ 101 RDMA_READ id 0 bytes 1 depth 1\n"
			    "+ 101 RDMA_READ id 0 bytes 2 depth 2\n"
			    "- 101 RDMA_READ id 0 bytes 1 SUCCESS depth 1\n"
			    "! 101 RDMA_READ id 0\n");
}

/* Two threads that post at once may be recorded in the other order. */
static void test_signaled_ones_in_another_order(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	for (uint32_t i = 1; i <= 3; i++)
		RING_SEND(&ring, .qpn = 0x101, .opcode = WRITE, .wr_id = i, .flags = SIGNALED);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_WRITE, .wr_id = 2);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_WRITE, .wr_id = 1);
	match_expect(&ring, "+ 101 RDMA_WRITE id 1 bytes 0 depth 1\n"
			    "+ 101 RDMA_WRITE id 2 bytes 0 depth 2\n"
			    "+ 101 RDMA_WRITE id 3 bytes 0 depth 3\n"
			    "- 101 RDMA_WRITE id 2 bytes 0 SUCCESS depth 2\n"
			    "- 101 RDMA_WRITE id 1 bytes 0 SUCCESS depth 1\n"
			    "! 101 RDMA_WRITE id 3\n");
}

/* An error's opcode is not valid: its wr_id is looked for among sends first. */
static void test_errors_and_flush(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 1, .bytes = 512);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 7, .bytes = 513);
	for (uint32_t i = 1; i <= 3; i++)
		RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = i, .bytes = i);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_ERROR, .status = 12, .wr_id = 2);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_ERROR, .status = FLUSH, .wr_id = 3);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_ERROR, .status = FLUSH, .wr_id = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_ERROR, .status = FLUSH, .wr_id = 7, .bytes = 99);
	match_expect(&ring, "+ 101 RECV id 1 bytes 512 depth 1\n"
			    "+ 101 RECV id 7 bytes 513 depth 2\n"
			    "+ 101 SEND id 1 bytes 1 depth 1\n"
			    "+ 101 SEND id 2 bytes 2 depth 2\n"
			    "+ 101 SEND id 3 bytes 3 depth 3\n"
			    "- 101 SEND id 1 bytes 1 SUCCESS depth 2 m 0 inferred\n"
			    "- 101 SEND id 2 bytes 2 RETRY_EXC_ERR depth 1 m 1\n"
			    "- 101 SEND id 3 bytes 3 WR_FLUSH_ERR depth 0 m 2\n"
			    "- 101 RECV id 1 bytes 512 WR_FLUSH_ERR depth 1\n"
			    "- 101 RECV id 7 bytes 513 WR_FLUSH_ERR depth 0\n");
}

static void test_refused(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 1, .flags = SIGNALED);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 2, .flags = SIGNALED,
		  .error = ENOMEM);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 3, .error = EINVAL);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 2, .flags = SIGNALED);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 2);
	match_expect(&ring, "+ 101 SEND id 1 bytes 0 depth 1\n"
			    "+ 101 SEND id 2 bytes 0 depth 1 refused 12\n"
			    "+ 101 RECV id 3 bytes 0 depth 0 refused 22\n"
			    "+ 101 SEND id 2 bytes 0 depth 2\n"
			    "- 101 SEND id 1 bytes 0 SUCCESS depth 1 m 0\n"
			    "- 101 SEND id 2 bytes 0 SUCCESS depth 0 m 1\n");
}

static void test_shared_queue(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .srq = 0x5000);
	RING_QP(&ring, .qpn = 0x201, .srq = 0x5000);
	for (uint32_t i = 1; i <= 3; i++)
		RING_SRQ_RECV(&ring, .srq = 0x5000, .wr_id = i, .bytes = 100 + i);
	RING_WC(&ring, .qpn = 0x201, .opcode = WC_RECV, .wr_id = 1, .bytes = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 3, .bytes = 3);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_ERROR, .status = 1, .wr_id = 2);
	match_expect(&ring, "+ srq RECV id 1 bytes 101 depth 1\n"
			    "+ srq RECV id 2 bytes 102 depth 2\n"
			    "+ srq RECV id 3 bytes 103 depth 3\n"
			    "- 201 RECV id 1 bytes 1 SUCCESS depth 2 m 0 srq\n"
			    "- 101 RECV id 3 bytes 3 SUCCESS depth 1 m 0 srq\n"
			    "- 101 RECV id 2 bytes 102 LOC_LEN_ERR depth 0 srq\n");
}

/* The target of XRC does not know its queue, the message says it. */
static void test_xrc(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .type = XRC_RECV);
	RING_QP(&ring, .qpn = 0x201, .type = XRC_SEND);
	RING_SRQ_RECV(&ring, .srq = 0x5000, .wr_id = 1, .bytes = 10);
	RING_SRQ_RECV(&ring, .srq = 0x6000, .wr_id = 2, .bytes = 20);
	RING_SEND(&ring, .qpn = 0x201, .opcode = SEND, .wr_id = 3, .flags = SIGNALED);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 2, .bytes = 7);
	RING_WC(&ring, .qpn = 0x201, .opcode = WC_SEND, .wr_id = 3);
	match_expect(&ring, "+ srq RECV id 1 bytes 10 depth 1\n"
			    "+ srq RECV id 2 bytes 20 depth 1\n"
			    "+ 201 SEND id 3 bytes 0 depth 1\n"
			    "- 101 RECV id 2 bytes 7 SUCCESS depth 0 m 0 srq\n"
			    "- 201 SEND id 3 bytes 0 SUCCESS depth 0 m 0\n"
			    "! srq RECV id 1\n");
}

/* A write with immediate data takes a request; its bytes are those written. */
static void test_immediate_data(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 1);
	RING_SEND(&ring, .qpn = 0x101, .opcode = WRITE, .wr_id = 2, .bytes = 1 << 20);
	RING_SEND(&ring, .qpn = 0x101, .opcode = WRITE_IMM, .wr_id = 2, .bytes = 1 << 20,
		  .flags = SIGNALED);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_IMM, .wr_id = 1, .bytes = 1 << 20);
	match_expect(&ring, "+ 101 RECV id 1 bytes 0 depth 1\n"
			    "+ 101 RDMA_WRITE id 2 bytes 1048576 depth 1\n"
			    "+ 101 RDMA_WRITE_WITH_IMM id 2 bytes 1048576 depth 2\n"
			    "- 101 RECV_RDMA_WITH_IMM id 1 bytes 1048576 SUCCESS depth 0 m 0\n"
			    "! 101 RDMA_WRITE id 2\n"
			    "! 101 RDMA_WRITE_WITH_IMM id 2\n");
}

/* Datagrams come from anybody: they are not numbered. */
static void test_datagrams(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .type = UD);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 1, .bytes = 1064);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 1, .bytes = 1064, .src_qp = 0x999);
	match_expect(&ring, "+ 101 RECV id 1 bytes 1064 depth 1\n"
			    "- 101 RECV id 1 bytes 1064 SUCCESS depth 0\n");
}

/* The ring begins in the middle: completions without requests, no numbers. */
static void test_beginning_in_the_middle(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	ring.header.overwritten = 1000;
	ring.series[RING_THREAD].first = 1000;
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 5);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 6, .bytes = 60);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 7, .flags = SIGNALED);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 7);
	match_expect(&ring, "- 101 SEND id 5 bytes 0 SUCCESS depth 0 unposted\n"
			    "- 101 RECV id 6 bytes 60 SUCCESS depth 0 unposted\n"
			    "+ 101 SEND id 7 bytes 0 depth 1\n"
			    "- 101 SEND id 7 bytes 0 SUCCESS depth 0\n");
}

static void test_number_used_again(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 1);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 2);
	ring_destroy_qp(&ring, 0, 0x101);
	RING_QP(&ring, .qpn = 0x101, .object = 0x777);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 2, .bytes = 8);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 2, .bytes = 4);
	match_expect(&ring, "+ 101 RECV id 1 bytes 0 depth 1\n"
			    "- 101 RECV id 1 bytes 0 SUCCESS depth 0 m 0\n"
			    "+ 101 RECV id 2 bytes 0 depth 1\n"
			    "! 101 RECV id 2\n"
			    "+ 101 RECV id 2 bytes 8 depth 1\n"
			    "- 101 RECV id 2 bytes 4 SUCCESS depth 0 m 0\n");
}

/* Both sides of a connection are reset before it is made again. */
static void test_reset(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .sig_all = 1);
	ring_state(&ring, 0, 0x101, 0);
	for (uint32_t i = 1; i <= 2; i++) {
		RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = i);
		if (i == 1)
			ring_state(&ring, 0, 0x101, 0);
	}
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 2);
	match_expect(&ring, "+ 101 SEND id 1 bytes 0 depth 1\n"
			    "! 101 SEND id 1\n"
			    "+ 101 SEND id 2 bytes 0 depth 1\n"
			    "- 101 SEND id 2 bytes 0 SUCCESS depth 0 m 4294967296\n");
}

/* The same number in two contexts is two queue pairs. */
static void test_two_contexts(void **state)
{
	(void)state;
	ring_open(&ring, 1, "device1");
	RING_QP(&ring, .qpn = 0x101);
	RING_QP(&ring, .qpn = 0x101, .context = 1, .object = 0x999);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 1, .bytes = 10);
	RING_RECV(&ring, .qpn = 0x101, .wr_id = 1, .bytes = 11, .context = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_RECV, .wr_id = 1, .bytes = 5, .context = 1);
	match_expect(&ring, "+ 101 RECV id 1 bytes 10 depth 1\n"
			    "+ 101 RECV id 1 bytes 11 depth 1\n"
			    "- 101 RECV id 1 bytes 5 SUCCESS depth 0 m 0\n"
			    "! 101 RECV id 1\n");
}

/* One thread posts, another one polls. */
static void test_threads(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .sig_all = 1);
	ring.per_extent = 2; /* several extents of each */
	for (uint32_t i = 1; i <= 5; i++) {
		RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = i);
		RING_PUT(&ring, RING_OTHER, vring_wc, .call = VCALL_START_POLL, .qpn = 0x101,
			 .opcode = WC_SEND, .wr_id = i);
	}
	match_expect(&ring, "+ 101 SEND id 1 bytes 0 depth 1\n"
			    "- 101 SEND id 1 bytes 0 SUCCESS depth 0 m 0\n"
			    "+ 101 SEND id 2 bytes 0 depth 1\n"
			    "- 101 SEND id 2 bytes 0 SUCCESS depth 0 m 1\n"
			    "+ 101 SEND id 3 bytes 0 depth 1\n"
			    "- 101 SEND id 3 bytes 0 SUCCESS depth 0 m 2\n"
			    "+ 101 SEND id 4 bytes 0 depth 1\n"
			    "- 101 SEND id 4 bytes 0 SUCCESS depth 0 m 3\n"
			    "+ 101 SEND id 5 bytes 0 depth 1\n"
			    "- 101 SEND id 5 bytes 0 SUCCESS depth 0 m 4\n");
}

/* The one that polls was overwritten longer: what it had polled would be taken for what is
 * polled now.
 */
static void test_threads_that_begin_at_different_times(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101, .sig_all = 1);
	ring.header.overwritten = 100;
	ring.series[RING_OTHER].first = 100;
	for (uint32_t i = 1; i <= 3; i++)
		RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .bytes = i);
	RING_PUT(&ring, RING_OTHER, vring_wc, .call = VCALL_POLL_CQ, .qpn = 0x101);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .bytes = 4);
	RING_PUT(&ring, RING_OTHER, vring_wc, .call = VCALL_POLL_CQ, .qpn = 0x101);
	match_expect(&ring, "+ 101 SEND id 0 bytes 1 depth 1\n"
			    "+ 101 SEND id 0 bytes 2 depth 2\n"
			    "+ 101 SEND id 0 bytes 3 depth 3\n"
			    "! 101 SEND id 0 unsure\n"
			    "! 101 SEND id 0 unsure\n"
			    "! 101 SEND id 0 unsure\n"
			    "- 101 SEND id 0 bytes 0 SUCCESS depth 0 unposted\n"
			    "+ 101 SEND id 0 bytes 4 depth 1\n"
			    "- 101 SEND id 0 bytes 4 SUCCESS depth 0\n");
}

/* ibv_bind_mw(): its wr_id is not recorded, and it may be unsignaled. */
static void test_windows(void **state)
{
	(void)state;
	RING_QP(&ring, .qpn = 0x101);
	for (uint32_t i = 1; i <= 3; i++)
		RING_PUT(&ring, RING_THREAD, vring_call, .call = VCALL_BIND_MW, .number = 0x101,
			 .b = i, .result = i == 2 ? EINVAL : 0);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 0, .flags = SIGNALED);
	RING_WC(&ring, .qpn = 0x101, .opcode = 5, .wr_id = 7);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 0);
	match_expect(&ring, "+ 101 BIND_MW id 0 bytes 1 depth 1\n"
			    "+ 101 BIND_MW id 0 bytes 2 depth 1 refused 22\n"
			    "+ 101 BIND_MW id 0 bytes 3 depth 2\n"
			    "+ 101 SEND id 0 bytes 0 depth 3\n"
			    "- 101 BIND_MW id 7 bytes 1 SUCCESS depth 2\n"
			    "- 101 BIND_MW id 0 bytes 3 SUCCESS depth 1 inferred\n"
			    "- 101 SEND id 0 bytes 0 SUCCESS depth 0 m 0\n");
}

/* Made before the fork, or by somebody else: whether all its requests are signaled is not
 * known.
 */
static void test_unknown_pair(void **state)
{
	(void)state;
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 1, .bytes = 4);
	RING_SEND(&ring, .qpn = 0x101, .opcode = SEND, .wr_id = 2, .bytes = 5);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 1);
	RING_WC(&ring, .qpn = 0x101, .opcode = WC_SEND, .wr_id = 2);
	match_expect(&ring, "+ 101 SEND id 1 bytes 4 depth 1\n"
			    "+ 101 SEND id 2 bytes 5 depth 2\n"
			    "- 101 SEND id 1 bytes 4 SUCCESS depth 1\n"
			    "- 101 SEND id 2 bytes 5 SUCCESS depth 0\n");
}

/* A file of version 1, of ibv_rc_pingpong -n 100: it stays readable, and says what
 * the program has said.
 */
static void test_golden(void **state)
{
	const char *top = getenv("NETEMU_SRCDIR");
	char command[1024], *text;
	unsigned sends = 0, receives = 0, posted = 0, left = 0;

	(void)state;
	snprintf(command, sizeof(command), "gzip -dc '%s/tests/golden/ring-v1.bin.gz' >'%s'",
		 top ? top : ".", match_path(&ring));
	assert_int_equal(system(command), 0);
	text = match_text(match_path(NULL));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		posted += line[0] == '+';
		left += line[0] == '!';
		if (line[0] != '-')
			continue;
		assert_non_null(strstr(line, "bytes 4096 SUCCESS"));
		sends += strstr(line, " SEND ") != NULL;
		receives += strstr(line, " RECV ") != NULL;
	}
	free(text);
	assert_int_equal(sends, 100);
	assert_int_equal(receives, 100);
	assert_int_equal(posted, sends + receives + left);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(each_has_its_own),
		TEST(unsignaled_ones_end_with_the_next),
		TEST(sig_all),
		TEST(signaled_ones_in_another_order),
		TEST(errors_and_flush),
		TEST(refused),
		TEST(shared_queue),
		TEST(xrc),
		TEST(immediate_data),
		TEST(datagrams),
		TEST(beginning_in_the_middle),
		TEST(number_used_again),
		TEST(reset),
		TEST(two_contexts),
		TEST(threads),
		TEST(threads_that_begin_at_different_times),
		TEST(windows),
		TEST(unknown_pair),
		TEST(golden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
