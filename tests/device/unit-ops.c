/* SPDX-License-Identifier: Apache-2.0 */
/* What each operation does on either side when it works; over both transports. */
#include "onehost.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void fill(struct end *end, uint8_t first)
{
	for (uint32_t i = 0; i < end->size; i++)
		end->memory[i] = (char)(first + i * 7 + (i >> 8) * 13);
}

static const uint32_t lengths[] = { 0, 1, 8, 63, 128, 1024, 4097, 32768, 32769, 200000, 600001 };

#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

/* --- what works --- */

static void do_send(const struct address *to, enum wr_opcode opcode, uint32_t length,
		    uint32_t flags)
{
	struct shared_cqe sent, got;

	memset(b.memory, GUARD, b.size);
	end_receive(&b, 1000 + length, 777, length + 5);
	end_send(&a, to,
		 &(struct request){ .opcode = opcode,
				    .flags = flags,
				    .offset = 3,
				    .length = length,
				    .imm = htonl(length + 1),
				    .wr_id = length });
	sent = cq_next(&a.send_cq);
	assert_int_equal(sent.status, WC_SUCCESS);
	assert_int_equal(sent.opcode, WC_SEND);
	assert_int_equal(sent.wr_id, length);
	assert_int_equal(sent.qpn, a.qp.number);
	got = cq_next(&b.recv_cq);
	assert_int_equal(got.status, WC_SUCCESS);
	assert_int_equal(got.opcode, WC_RECV);
	assert_int_equal(got.wr_id, 1000 + length);
	assert_int_equal(got.byte_len, length);
	assert_int_equal(got.qpn, b.qp.number);
	assert_int_equal(got.flags, opcode == WR_SEND_WITH_IMM ? WC_WITH_IMM : 0);
	if (opcode == WR_SEND_WITH_IMM)
		assert_int_equal(got.imm, htonl(length + 1));
	assert_copied(&b, 777, a.memory + 3, length);
	cq_empty(&a.send_cq);
	cq_empty(&b.recv_cq);
}

static void sends(enum qp_type type)
{
	struct address to;

	connect_ends(&(struct end_options){ .type = type });
	to = end_address(&b);
	fill(&a, 1);
	for (uint32_t i = 0; i < LENGTHS; i++) {
		do_send(&to, WR_SEND, lengths[i], 0);
		do_send(&to, WR_SEND_WITH_IMM, lengths[i], 0);
		if (lengths[i] <= 128)
			do_send(&to, WR_SEND, lengths[i], SEND_INLINE);
	}
	disconnect();
}

static void sends_by_rc(void **state)
{
	(void)state;
	sends(QP_RC);
}

static void sends_by_uc(void **state)
{
	(void)state;
	sends(QP_UC);
}

static void writes(enum qp_type type)
{
	struct address to;
	struct shared_cqe got;

	connect_ends(&(struct end_options){ .type = type });
	to = end_address(&b);
	fill(&a, 2);
	for (uint32_t i = 0; i < 2 * LENGTHS; i++) {
		uint32_t length = lengths[i / 2];
		bool imm = i % 2;

		memset(b.memory, GUARD, b.size);
		if (imm)
			end_receive(&b, i, 0, 0);
		end_send(&a, &to,
			 &(struct request){ .opcode = imm ? WR_RDMA_WRITE_WITH_IMM : WR_RDMA_WRITE,
					    .offset = 11,
					    .length = length,
					    .remote = 4321,
					    .imm = 0x01020304,
					    .wr_id = i });
		got = cq_next(&a.send_cq);
		assert_int_equal(got.status, WC_SUCCESS);
		assert_int_equal(got.opcode, WC_RDMA_WRITE);
		if (imm) {
			got = cq_next(&b.recv_cq);
			assert_int_equal(got.status, WC_SUCCESS);
			assert_int_equal(got.opcode, WC_RECV_RDMA_WITH_IMM);
			assert_int_equal(got.byte_len, length);
			assert_int_equal(got.imm, 0x01020304);
			assert_int_equal(got.flags, WC_WITH_IMM);
		} else if (type == QP_UC) {
			/* a completion of UC does not say that it is there: what is sent behind it
			 * does */
			end_receive(&b, i, 0, 0);
			end_send(&a, &to, &(struct request){ .opcode = WR_SEND });
			cq_next(&a.send_cq);
			cq_next(&b.recv_cq);
		}
		assert_copied(&b, 4321, a.memory + 11, length);
		cq_empty(&b.recv_cq);
	}
	disconnect();
}

static void writes_by_rc(void **state)
{
	(void)state;
	writes(QP_RC);
}

static void writes_by_uc(void **state)
{
	(void)state;
	writes(QP_UC);
}

static void reads(void **state)
{
	struct address to;
	struct shared_cqe got;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	to = end_address(&b);
	fill(&b, 3);
	for (uint32_t i = 0; i < LENGTHS; i++) {
		memset(a.memory, GUARD, a.size);
		end_send(&a, &to,
			 &(struct request){ .opcode = WR_RDMA_READ,
					    .offset = 100,
					    .length = lengths[i],
					    .remote = 55 });
		got = cq_next(&a.send_cq);
		assert_int_equal(got.status, WC_SUCCESS);
		assert_int_equal(got.opcode, WC_RDMA_READ);
		assert_int_equal(got.byte_len, lengths[i]);
		assert_copied(&a, 100, b.memory + 55, lengths[i]);
	}
	disconnect();
}

static uint64_t word(const struct end *end, uint64_t offset)
{
	uint64_t value;

	memcpy(&value, end->memory + offset, 8);
	return value;
}

static void set_word(struct end *end, uint64_t offset, uint64_t value)
{
	memcpy(end->memory + offset, &value, 8);
}

static void atomics(void **state)
{
	struct address to;
	struct request r = { .offset = 200, .length = 8, .remote = 64 };

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	to = end_address(&b);
	set_word(&b, 64, UINT64_MAX - 1);
	r.opcode = WR_ATOMIC_FETCH_AND_ADD;
	r.compare_add = 5;
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).opcode, WC_FETCH_ADD);
	assert_int_equal(word(&a, 200), UINT64_MAX - 1);
	assert_int_equal(word(&b, 64), 3);
	r.opcode = WR_ATOMIC_CMP_AND_SWP;
	r.compare_add = 4;
	r.swap = 9;
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).opcode, WC_COMP_SWAP);
	assert_int_equal(word(&a, 200), 3);
	assert_int_equal(word(&b, 64), 3);
	r.compare_add = 3;
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(word(&a, 200), 3);
	assert_int_equal(word(&b, 64), 9);
	disconnect();
}

static void keeps_the_order_of_many(void **state)
{
	struct address to;
	uint32_t done = 0, got = 0;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .depth = 32 });
	to = end_address(&b);
	for (uint32_t i = 0; i < 1000; i += 16) {
		for (uint32_t j = 0; j < 16; j++) {
			set_word(&a, 8 * j, i + j);
			end_receive(&b, i + j, 8 * j, 8);
			end_send(&a, &to,
				 &(struct request){ .opcode = WR_SEND,
						    .offset = 8 * j,
						    .length = 8,
						    .wr_id = i + j });
		}
		for (uint32_t j = 0; j < 16; j++)
			assert_int_equal(cq_next(&a.send_cq).wr_id, done++);
		for (uint32_t j = 0; j < 16; j++) {
			assert_int_equal(cq_next(&b.recv_cq).wr_id, got);
			assert_int_equal(word(&b, 8 * j), got++);
		}
	}
	disconnect();
}

static void unsignaled_requests_complete_silently(void **state)
{
	struct address to;
	struct request r = { .opcode = WR_RDMA_WRITE, .length = 8 };

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .depth = 8, .unsignaled = true });
	to = end_address(&b);
	for (uint32_t i = 0; i < 100; i++) {
		r.flags = i % 4 == 3 ? SEND_SIGNALED : 0;
		r.wr_id = i;
		set_word(&a, 0, i);
		end_send(&a, &to, &r);
		if (r.flags)
			assert_int_equal(cq_next(&a.send_cq).wr_id, i);
	}
	cq_empty(&a.send_cq);
	assert_int_equal(word(&b, 0), 99);
	disconnect();
}

/* --- datagrams --- */

static void sends_datagrams(void **state)
{
	struct address to;
	struct shared_cqe got;
	uint16_t bytes;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_UD });
	to = end_address(&b);
	fill(&a, 4);
	for (uint32_t i = 0; i < LENGTHS && lengths[i] <= 1024; i++) {
		memset(b.memory, GUARD, b.size);
		end_receive(&b, i, 0, 40 + lengths[i]);
		end_send(&a, &to,
			 &(struct request){
				 .opcode = WR_SEND_WITH_IMM, .length = lengths[i], .imm = 6 });
		assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
		got = cq_next(&b.recv_cq);
		assert_int_equal(got.status, WC_SUCCESS);
		assert_int_equal(got.byte_len, 40 + lengths[i]);
		assert_int_equal(got.flags, WC_GRH | WC_WITH_IMM);
		assert_int_equal(got.src_qpn, a.qp.number);
		assert_memory_equal(b.memory + 40, a.memory, lengths[i]);
		assert_int_equal((uint8_t)b.memory[40 + lengths[i]], GUARD);
		assert_memory_equal(b.memory + 8, host.context.device->gid[0].raw, 16);
		assert_memory_equal(b.memory + 24, host.context.device->gid[0].raw, 16);
		assert_int_equal((uint8_t)b.memory[0] >> 4, 6);
		/* BTH, DETH, immediate data, payload and its padding, check sum */
		memcpy(&bytes, b.memory + 4, 2);
		assert_int_equal(ntohs(bytes), 12 + 8 + 4 + (lengths[i] + 3) / 4 * 4 + 4);
	}
	disconnect();
}

/* What is dropped without a word: a wrong key, no receive request, one that is too small. */
static void drops_datagrams(void **state)
{
	struct address to;
	struct request r = { .opcode = WR_SEND, .length = 100 };

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_UD });
	to = end_address(&b);
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	end_receive(&b, 1, 0, 139);
	r.qkey = 0x1111;
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	r.qkey = 0;
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	/* the request is still there, for one that fits */
	r.length = 99;
	end_send(&a, &to, &r);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&b.recv_cq).byte_len, 139);
	cq_empty(&b.recv_cq);
	assert_int_equal(end_state(&b), QP_RTS);
	disconnect();
}

/* To each member of a group, the sender too when it is one. */
static void sends_to_a_group(void **state)
{
	static const uint8_t gid[16] = { 0xff, 0x12, [15] = 7 };
	struct shared_path path = { .port = 1, .global = 1, .dlid = 0xc001, .hop_limit = 1 };
	struct address group = { .qpn = 0xffffff };
	struct end c;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_UD });
	end_create(&c, &host, &(struct end_options){ .type = QP_UD });
	end_connect(&c, NULL);
	memcpy(path.dgid, gid, 16);
	assert_int_equal(path_resolve(&host.context, &path), 0);
	assert_int_equal(group_attach(&a.qp, gid, 0xc001), 0);
	assert_int_equal(group_attach(&b.qp, gid, 0xc001), 0);
	fill(&a, 8);
	end_receive(&a, 1, 4096, 500);
	end_receive(&b, 2, 0, 500);
	end_receive(&c, 3, 0, 500);
	end_send(&a, &group, &(struct request){ .opcode = WR_SEND, .length = 300, .path = &path });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&a.recv_cq).byte_len, 340);
	assert_int_equal(cq_next(&b.recv_cq).byte_len, 340);
	assert_memory_equal(b.memory + 40, a.memory, 300);
	assert_memory_equal(b.memory + 24, gid, 16);
	cq_empty(&c.recv_cq);
	assert_int_equal(group_detach(&a.qp, gid, 0xc001), 0);
	assert_int_equal(group_detach(&b.qp, gid, 0xc001), 0);
	end_destroy(&c);
	disconnect();
}

/* --- windows --- */

static void bind_window(uint32_t window, uint32_t key, uint64_t offset, uint32_t length)
{
	struct shared_sqe *sqe;

	qp_send_begin(&b.qp);
	sqe = qp_send_next(&b.qp, 0, 0);
	assert_non_null(sqe);
	sqe->opcode = WR_BIND_MW;
	sqe->window = window;
	sqe->window_key = key;
	sqe->region_key = b.mr.key;
	sqe->window_access = ACCESS_REMOTE_WRITE;
	sqe->window_addr = (uintptr_t)b.memory + offset;
	sqe->window_length = length;
	qp_send_add(&b.qp, sqe);
	qp_send_ring(&b.qp);
}

/* A window of kind 2 opens a part of a region until its user closes it. */
static void opens_and_closes_windows(void **state)
{
	struct request write = { .opcode = WR_RDMA_WRITE, .length = 100, .remote = 1000 };
	struct address to;
	struct mr window;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	to = end_address(&b);
	fill(&a, 6);
	memset(b.memory, GUARD, b.size);
	assert_int_equal(mw_create(&window, &host.context, &host.pd, MR_WINDOW2), 0);
	write.rkey = (window.key & ~0xffu) | 0x5a;
	bind_window(window.key, write.rkey, 1000, 100);
	assert_int_equal(cq_next(&b.send_cq).opcode, WC_BIND_MW);
	end_send(&a, &to, &write);
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_copied(&b, 1000, a.memory, 100);
	end_receive(&b, 1, 0, 8);
	end_send(&a, &to, &(struct request){ .opcode = WR_SEND_WITH_INV, .imm = write.rkey });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	{
		struct shared_cqe entry = cq_next(&b.recv_cq);

		assert_int_equal(entry.flags, WC_WITH_INV);
		assert_int_equal(entry.imm, write.rkey);
	}
	end_send(&a, &to, &write);
	assert_int_equal(cq_next(&a.send_cq).status, WC_REM_ACCESS_ERR);
	assert_int_equal(mw_destroy(&window), 0);
	disconnect();
}

/* --- shared receive queues, XRC --- */

static void shares_receives(void **state)
{
	struct address to;
	uint64_t handle;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .srq = true });
	to = end_address(&b);
	fill(&a, 9);
	for (uint32_t i = 0; i < 3; i++)
		end_receive(&b, i, 1000 * i, 100000);
	assert_int_equal(srq_set_limit(&b.srq, 2), 0);
	memset(b.memory, GUARD, b.size);
	end_send(&a, &to, &(struct request){ .opcode = WR_SEND, .length = 100000 });
	assert_int_equal(cq_next(&b.recv_cq).wr_id, 0);
	assert_copied(&b, 0, a.memory, 100000);
	no_event(&host);
	end_send(&a, &to, &(struct request){ .opcode = WR_SEND, .length = 10 });
	assert_int_equal(cq_next(&b.recv_cq).wr_id, 1);
	assert_int_equal(next_event(&host, &handle), EVENT_SRQ_LIMIT_REACHED);
	assert_int_equal(handle, 77);
	end_send(&a, &to, &(struct request){ .opcode = WR_SEND, .length = 10 });
	assert_int_equal(cq_next(&b.recv_cq).wr_id, 2);
	no_event(&host);
	assert_int_equal(qp_modify(&b.qp, &(struct qp_attr){ .state = QP_ERR }, QP_ATTR_STATE), 0);
	assert_int_equal(next_event(&host, &handle), EVENT_QP_LAST_WQE_REACHED);
	assert_int_equal(handle, 99);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	disconnect();
}

static void carries_xrc(void **state)
{
	struct address to_a, to_b;
	struct xrcd xrcd;
	struct end target; /* whose shared queue takes what b's queue pair gets */

	(void)state;
	assert_int_equal(xrcd_open(&xrcd, &host.context, -1, true, false), 0);
	end_create(&a, &host, &(struct end_options){ .type = QP_XRC_SEND });
	end_create(&target, &host,
		   &(struct end_options){ .type = QP_XRC_RECV, .srq = true, .xrcd = &xrcd });
	to_a = end_address(&a);
	to_b = end_address(&target);
	end_connect(&a, &to_b);
	end_connect(&target, &to_a);
	fill(&a, 5);
	for (uint32_t i = 0; i < LENGTHS; i++) {
		memset(target.memory, GUARD, target.size);
		end_receive(&target, i, 10, lengths[i]);
		end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = lengths[i] });
		assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
		assert_int_equal(cq_next(&target.recv_cq).wr_id, i);
		assert_copied(&target, 10, a.memory, lengths[i]);
		end_send(&a, &to_b,
			 &(struct request){
				 .opcode = WR_RDMA_WRITE, .length = lengths[i], .remote = 77 });
		assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
		assert_memory_equal(target.memory + 77, a.memory, lengths[i]);
	}
	to_b.srqn ^= 0x100;
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 1 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_REM_INV_REQ_ERR);
	end_destroy(&a);
	end_destroy(&target);
	assert_int_equal(xrcd_close(&xrcd), 0);
}

#define BOTH(test) BY_EACH_TRANSPORT(test, onehost_open, onehost_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(sends_by_rc),
		BOTH(sends_by_uc),
		BOTH(writes_by_rc),
		BOTH(writes_by_uc),
		BOTH(reads),
		BOTH(atomics),
		BOTH(keeps_the_order_of_many),
		BOTH(unsignaled_requests_complete_silently),
		BOTH(sends_datagrams),
		BOTH(drops_datagrams),
		BOTH(sends_to_a_group),
		BOTH(opens_and_closes_windows),
		BOTH(shares_receives),
		BOTH(carries_xrc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
