/* SPDX-License-Identifier: Apache-2.0 */
/* unit-ranks.c - rank files out of recorded calls: who counts what, and for whom */
#include "ringlib.h"
#include "trace/ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define RANKS      2
#define SIGNALED   2
#define QPN(rank)  (0x100U + (rank)) /* of each rank, connected to the other one's */
#define UD(rank)   (0x200U + (rank))
#define LONE(rank) (0x300U + (rank)) /* connected to a process that was not recorded */
#define MULTICAST  0xffffffU
#define NOBODY     0x999U

enum { WRITE, WRITE_WITH_IMM, SEND, SEND_WITH_IMM, READ, CAS, FADD, LOCAL_INV };
enum { WC_SEND, WC_WRITE, WC_READ, WC_RECV = 128, WC_RECV_WITH_IMM };

static struct ring ring[RANKS];
static struct trace_run run;
static struct ranks ranks;
static struct err err;

static const char *ring_path(unsigned rank)
{
	static char path[64];

	snprintf(path, sizeof(path), "netemu.5.0/verbs/ring-%u.bin", rank);
	return path;
}

/* To a state, at port 1: datagrams are connected to nobody. */
static void ready(struct ring *ring, uint32_t qpn)
{
	const struct vring_call call = { .call = VCALL_MODIFY_QP,
					 .object = 0x100 * qpn,
					 .number = qpn,
					 .a = 1 | 1 << 5,
					 .b = 3 };
	const struct vring_qp_attr attr = { .port = 1 };
	struct vring_record records[2];

	memcpy(&records[0], &call, sizeof(call));
	memcpy(&records[1], &attr, sizeof(attr));
	ring_put(ring, RING_CALLS, records, 2);
}

/* A port each, with the LID 1 + rank and a GID that ends with 0x10 + rank. */
static int set_up(void **state)
{
	(void)state;
	run = (struct trace_run){ 0 };
	ranks = (struct ranks){ 0 };
	assert_int_equal(mkdir("netemu.5.0", 0777), 0);
	assert_int_equal(mkdir("netemu.5.0/verbs", 0777), 0);
	for (unsigned i = 0; i < RANKS; i++) {
		ring_init(&ring[i]);
		ring[i].header.rank = i;
		ring[i].header.ranks = RANKS;
		ring_open(&ring[i], 0, "device0");
		ring_port(&ring[i], 0, 1, (uint16_t)(1 + i));
		ring_gid(&ring[i], 0, 1, 0, (uint8_t)(0x10 + i));
		RING_QP(&ring[i], .qpn = QPN(i));
		RING_QP(&ring[i], .qpn = UD(i), .type = 4);
		RING_QP(&ring[i], .qpn = LONE(i));
		ready(&ring[i], UD(i));
		ring_connect(&ring[i], 0, QPN(i), QPN(1 - i), 0, (uint8_t)(0x10 + 1 - i));
		ring_connect(&ring[i], 0, LONE(i), NOBODY, 0, 0x77);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trace_run_close(&run);
	ranks_release(&ranks);
	for (unsigned i = 0; i < RANKS; i++) {
		ring_release(&ring[i]);
		unlink(ring_path(i));
	}
	rmdir("netemu.5.0/verbs");
	rmdir("netemu.5.0");
	return 0;
}

/* Go through it; what comes out has to be what readers of rank files accept. */
static void collect(void)
{
	for (unsigned i = 0; i < RANKS; i++)
		if (ring[i].series[RING_CALLS].count)
			ring_save(&ring[i], ring_path(i));
	if (trace_run_open(&run, "netemu.5.0", &err) < 0 || ranks_collect(&ranks, &run, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(ranks.count, RANKS);
	for (unsigned i = 0; i < RANKS; i++) {
		static char data[65536];
		struct rankfile copy;
		FILE *file = tmpfile();
		size_t size;

		assert_non_null(file);
		assert_int_equal(rankfile_write(&ranks.rank[i], fileno(file)), 0);
		rewind(file);
		size = fread(data, 1, sizeof(data), file);
		fclose(file);
		if (rankfile_read(&copy, data, size, "f", &err) < 0)
			fail_msg("%s\n%.*s", err.text, (int)size, data);
		rankfile_release(&copy);
	}
}

static void post(unsigned rank, uint32_t qpn, uint8_t opcode, uint32_t bytes)
{
	RING_SEND(&ring[rank], .qpn = qpn, .opcode = opcode, .flags = SIGNALED, .bytes = bytes);
}

static void receive(unsigned rank, uint32_t qpn)
{
	RING_RECV(&ring[rank], .qpn = qpn, .bytes = 100000);
}

static void done(unsigned rank, uint32_t qpn, uint8_t opcode, uint32_t bytes)
{
	RING_WC(&ring[rank], .qpn = qpn, .opcode = opcode, .bytes = bytes);
}

/* The only row of OP in RANK. */
static void expect(unsigned rank, enum rankop op, uint32_t peer, uint64_t tx_bytes,
		   uint64_t tx_messages, uint64_t rx_bytes, uint64_t rx_messages)
{
	const struct rankpeers *peers = &ranks.rank[rank].ops[op];

	assert_int_equal(peers->count, 1);
	assert_int_equal(peers->rows[0].peer, peer);
	assert_int_equal(peers->rows[0].tx_bytes, tx_bytes);
	assert_int_equal(peers->rows[0].tx_messages, tx_messages);
	assert_int_equal(peers->rows[0].rx_bytes, rx_bytes);
	assert_int_equal(peers->rows[0].rx_messages, rx_messages);
}

static void counts_sends_on_both_sides(void **state)
{
	(void)state;
	receive(1, QPN(1));
	receive(1, QPN(1));
	post(0, QPN(0), SEND, 100);
	post(0, QPN(0), SEND_WITH_IMM, 28);
	done(0, QPN(0), WC_SEND, 0);
	done(0, QPN(0), WC_SEND, 0);
	done(1, QPN(1), WC_RECV, 100);
	done(1, QPN(1), WC_RECV, 28);
	collect();
	expect(0, RANKOP_SEND, 1, 128, 2, 0, 0);
	expect(1, RANKOP_SEND, 0, 0, 0, 128, 2);
	assert_true(ranks.rank[0].complete && ranks.rank[1].complete);
	assert_int_equal(ranks.rank[0].nsizes, 2);
	assert_int_equal(ranks.rank[0].sizes[0].size, 28);
	assert_int_equal(ranks.rank[0].sizes[0].tx_messages, 1);
	assert_int_equal(ranks.rank[1].sizes[1].size, 100);
	assert_int_equal(ranks.rank[1].sizes[1].rx_messages, 1);
	assert_int_equal(ranks.rank[1].nunseen, 0);
}

static void fills_in_what_rdma_does_unseen(void **state)
{
	(void)state;
	post(0, QPN(0), WRITE, 1000);
	post(0, QPN(0), READ, 300);
	post(0, QPN(0), READ, 300);
	post(0, QPN(0), FADD, 8);
	post(0, QPN(0), LOCAL_INV, 0);
	done(0, QPN(0), WC_WRITE, 0);
	done(0, QPN(0), WC_READ, 300);
	done(0, QPN(0), WC_READ, 300);
	done(0, QPN(0), 4, 8);
	done(0, QPN(0), 6, 0);
	collect();
	expect(0, RANKOP_WRITE, 1, 1000, 1, 0, 0);
	expect(1, RANKOP_WRITE, 0, 0, 0, 1000, 1);
	expect(0, RANKOP_READ, 1, 0, 0, 600, 2); /* from the target to the reader */
	expect(1, RANKOP_READ, 0, 600, 2, 0, 0);
	expect(0, RANKOP_ATOMIC, 1, 8, 1, 8, 1);
	expect(1, RANKOP_ATOMIC, 0, 8, 1, 8, 1);
	assert_int_equal(ranks.rank[0].peers.rows[0].tx_bytes, 1008);
	assert_int_equal(ranks.rank[0].peers.rows[0].rx_bytes, 608);
}

static void takes_writes_with_immediate_data_from_the_receiver(void **state)
{
	(void)state;
	receive(1, QPN(1));
	post(0, QPN(0), WRITE_WITH_IMM, 500);
	done(0, QPN(0), WC_WRITE, 0);
	done(1, QPN(1), WC_RECV_WITH_IMM, 500);
	collect();
	expect(0, RANKOP_WRITE, 1, 500, 1, 0, 0);
	expect(1, RANKOP_WRITE, 0, 0, 0, 500, 1);
}

static void counts_unsignaled_requests_with_a_later_one(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		RING_SEND(&ring[0], .qpn = QPN(0), .opcode = WRITE, .bytes = 10);
	post(0, QPN(0), WRITE, 10);
	done(0, QPN(0), WC_WRITE, 0);
	collect();
	expect(0, RANKOP_WRITE, 1, 40, 4, 0, 0);
}

static void lists_what_failed(void **state)
{
	(void)state;
	post(0, QPN(0), WRITE, 10);
	post(0, QPN(0), WRITE, 20);
	RING_SEND(&ring[0], .qpn = QPN(0), .opcode = WRITE, .bytes = 40, .error = 12);
	RING_WC(&ring[0], .qpn = QPN(0), .opcode = 255, .status = 10);
	RING_WC(&ring[0], .qpn = QPN(0), .opcode = 255, .status = 5);
	collect();
	assert_int_equal(ranks.rank[0].peers.count, 0);
	assert_int_equal(ranks.rank[0].nfailed, 2); /* what was refused has not been asked for */
	assert_string_equal(ranks.rank[0].failed[0].status, "REM_ACCESS_ERR");
	assert_int_equal(ranks.rank[0].failed[0].bytes, 10);
	assert_int_equal(ranks.rank[0].failed[0].peer, 1);
	assert_int_equal(ranks.rank[0].failed[0].op, RANKOP_WRITE);
	assert_string_equal(ranks.rank[0].failed[1].status, "WR_FLUSH_ERR");
}

/* Of four requests without a completion the first three have come: the third one's receive
 * is there, and a write before it has to have been carried out.
 */
static void believes_receivers_about_unfinished_sends(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		receive(1, QPN(1));
	RING_SEND(&ring[0], .qpn = QPN(0), .opcode = SEND, .bytes = 1);
	RING_SEND(&ring[0], .qpn = QPN(0), .opcode = WRITE, .bytes = 2);
	RING_SEND(&ring[0], .qpn = QPN(0), .opcode = SEND, .bytes = 4);
	RING_SEND(&ring[0], .qpn = QPN(0), .opcode = WRITE, .bytes = 8);
	done(1, QPN(1), WC_RECV, 1);
	done(1, QPN(1), WC_RECV, 4);
	collect();
	expect(0, RANKOP_SEND, 1, 5, 2, 0, 0);
	expect(1, RANKOP_SEND, 0, 0, 0, 5, 2);
	expect(0, RANKOP_WRITE, 1, 2, 1, 0, 0);
	assert_int_equal(ranks.rank[0].nfailed, 1);
	assert_string_equal(ranks.rank[0].failed[0].status, "UNFINISHED");
	assert_int_equal(ranks.rank[0].failed[0].bytes, 8);
}

static void lists_receives_that_nobody_took(void **state)
{
	(void)state;
	receive(1, QPN(1));
	receive(1, QPN(1));
	for (int i = 0; i < 2; i++) {
		post(0, QPN(0), SEND, 10);
		done(0, QPN(0), WC_SEND, 0);
	}
	done(1, QPN(1), WC_RECV, 10);
	collect();
	assert_int_equal(ranks.rank[1].nunseen, 1);
	assert_int_equal(ranks.rank[1].unseen[0].why, RANKUNSEEN_INCOMPLETE);
	assert_int_equal(ranks.rank[1].unseen[0].op, RANKOP_SEND);
	assert_int_equal(ranks.rank[1].unseen[0].messages, 1);
	assert_int_equal(ranks.rank[1].unseen[0].bytes, 10);
}

static void lists_traffic_with_nobody_by_address(void **state)
{
	const struct rankelsewhere *row;

	(void)state;
	post(0, LONE(0), WRITE, 10);
	done(0, LONE(0), WC_WRITE, 0);
	receive(0, LONE(0));
	done(0, LONE(0), WC_RECV, 7);
	collect();
	assert_int_equal(ranks.rank[0].peers.count, 0);
	assert_int_equal(ranks.rank[0].nelsewhere, 2);
	row = &ranks.rank[0].elsewhere[0];
	assert_int_equal(row->op, RANKOP_SEND);
	assert_int_equal(row->rx_bytes, 7);
	row = &ranks.rank[0].elsewhere[1];
	assert_int_equal(row->op, RANKOP_WRITE);
	assert_false(row->multicast);
	assert_int_equal(row->qpn, NOBODY);
	assert_string_equal(row->gid, "fe80::1234:0:0:77");
	assert_int_equal(row->tx_bytes, 10);
	assert_int_equal(row->tx_messages, 1);
	assert_int_equal(ranks.rank[0].outside.tx_bytes, 10);
	assert_int_equal(ranks.rank[0].outside.rx_messages, 1);
}

/* A datagram of rank 0 by the address handle AH to the number QPN. */
static void datagram(uint64_t ah, uint32_t qpn, uint32_t bytes, uint8_t flags)
{
	struct vring_record records[2];
	const struct vring_send send = { .call = VCALL_POST_SEND,
					 .qpn = UD(0),
					 .opcode = SEND,
					 .flags = flags,
					 .sges = 1,
					 .bytes = bytes };
	const struct vring_more more = { .ah = ah, .remote_qpn = qpn };

	memcpy(&records[0], &send, sizeof(send));
	memcpy(&records[1], &more, sizeof(more));
	ring_put(&ring[0], RING_THREAD, records, 2);
	if (flags)
		done(0, UD(0), WC_SEND, 0);
}

static void datagram_came(uint32_t bytes)
{
	receive(1, UD(1));
	RING_WC(&ring[1], .qpn = UD(1), .opcode = WC_RECV, .bytes = 40 + bytes, .src_qp = UD(0));
}

static void put_ah(uint64_t ah, uint8_t last)
{
	uint8_t raw[16];
	uint64_t halves[2];

	ring_gid_raw(raw, last);
	memcpy(halves, raw, sizeof(halves));
	RING_MEM(&ring[0], CREATE_AH, .object = ah, .a = 1, .b = halves[0], .c = halves[1]);
}

static void joins_datagrams_by_address_and_number(void **state)
{
	(void)state;
	put_ah(0xa1, 0x11);
	datagram(0xa1, UD(1), 60, SIGNALED);
	datagram(0xa1, UD(1), 61, SIGNALED); /* lost */
	datagram(0xa1, UD(1), 62, 0);        /* without a completion, and it comes */
	datagram(0xa1, UD(1), 63, 0);        /* nor this one */
	datagram_came(60);
	datagram_came(62);
	collect();
	expect(0, RANKOP_DATAGRAM, 1, 60 + 61 + 62, 3, 0, 0);
	expect(1, RANKOP_DATAGRAM, 0, 0, 0, 60 + 62, 2);
	assert_int_equal(ranks.rank[0].nfailed, 1);
	assert_int_equal(ranks.rank[0].failed[0].bytes, 63);
	assert_int_equal(ranks.rank[1].nunseen, 1);
	assert_int_equal(ranks.rank[1].unseen[0].messages, 1);
	assert_int_equal(ranks.rank[1].unseen[0].bytes, 61);
}

static void lists_multicast_apart(void **state)
{
	(void)state;
	put_ah(0xa1, 0xee);
	datagram(0xa1, MULTICAST, 60, SIGNALED);
	datagram_came(60);
	collect();
	assert_int_equal(ranks.rank[0].peers.count, 0);
	assert_int_equal(ranks.rank[0].nelsewhere, 1);
	assert_true(ranks.rank[0].elsewhere[0].multicast);
	assert_string_equal(ranks.rank[0].elsewhere[0].gid, "fe80::1234:0:0:ee");
	assert_int_equal(ranks.rank[0].elsewhere[0].tx_bytes, 60);
	expect(1, RANKOP_DATAGRAM, 0, 0, 0, 60, 1); /* by the number it came from */
}

static void says_when_records_are_missing(void **state)
{
	(void)state;
	ring[0].header.overwritten = 7;
	ring[1].header.clean = 0;
	done(0, QPN(0), WC_SEND, 0); /* its post is gone */
	collect();
	assert_false(ranks.rank[0].complete);
	assert_false(ranks.rank[1].complete);
	assert_int_equal(ranks.rank[0].dropped, 7);
	assert_int_equal(ranks.rank[1].dropped, 0);
	assert_int_equal(ranks.dropped, 7);
	assert_int_equal(ranks.unposted, 1);
}

static void has_a_file_for_ranks_that_were_not_recorded(void **state)
{
	(void)state;
	post(0, QPN(0), WRITE, 10);
	done(0, QPN(0), WC_WRITE, 0);
	ring[1].series[RING_CALLS].count = 0;
	collect();
	assert_int_equal(ranks.unknown, 1);
	assert_false(ranks.rank[1].complete);
	assert_int_equal(ranks.rank[1].nbypass, 1);
	assert_int_equal(ranks.rank[0].nelsewhere, 1);
}

static void says_what_could_not_be_seen(void **state)
{
	struct vring_record records[2] = { 0 };
	const struct vring_call call = { .call = VCALL_UNSEEN };
	struct vring_name name = { "mlx5dv_init_obj" };

	(void)state;
	memcpy(&records[0], &call, sizeof(call));
	memcpy(&records[1], &name, sizeof(name));
	ring_put(&ring[0], RING_CALLS, records, 2);
	ring_put(&ring[0], RING_CALLS, records, 2);
	collect();
	assert_int_equal(ranks.rank[0].nbypass, 1);
	assert_string_equal(ranks.rank[0].bypass[0], "mlx5dv_init_obj");
}

static void refuses_a_rank_that_cannot_be(void **state)
{
	(void)state;
	ring[1].header.rank = UINT32_MAX;
	for (unsigned i = 0; i < RANKS; i++)
		ring_save(&ring[i], ring_path(i));
	assert_int_equal(trace_run_open(&run, "netemu.5.0", &err), 0);
	assert_int_equal(ranks_collect(&ranks, &run, &err), -1);
	assert_non_null(strstr(err.text, "netemu.5.0"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(counts_sends_on_both_sides),
		TEST(fills_in_what_rdma_does_unseen),
		TEST(takes_writes_with_immediate_data_from_the_receiver),
		TEST(counts_unsignaled_requests_with_a_later_one),
		TEST(lists_what_failed),
		TEST(believes_receivers_about_unfinished_sends),
		TEST(lists_receives_that_nobody_took),
		TEST(lists_traffic_with_nobody_by_address),
		TEST(joins_datagrams_by_address_and_number),
		TEST(lists_multicast_apart),
		TEST(says_when_records_are_missing),
		TEST(has_a_file_for_ranks_that_were_not_recorded),
		TEST(says_what_could_not_be_seen),
		TEST(refuses_a_rank_that_cannot_be),
	};
	char directory[] = "unit-ranks.XXXXXX";
	int rc;

	if (!mkdtemp(directory) || chdir(directory) < 0)
		return 99;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	if (chdir("..") < 0 || rmdir(directory) < 0)
		return 99;
	return rc;
}
