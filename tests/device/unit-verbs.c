/* SPDX-License-Identifier: Apache-2.0 */
/* Posting through the verbs' own interface, as a program of libibverbs sees it. */
#include "preloaded.h"
#include "verbslib.h"

#include <errno.h>
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* --- what a request does, by both interfaces --- */

#define RC  (1 << IBV_QPT_RC)
#define UC  (1 << IBV_QPT_UC)
#define UD  (1 << IBV_QPT_UD)
#define IMM 0x01020304

/* clang-format off */
static const struct {
	const char *name;
	enum ibv_wr_opcode opcode;
	int types;
	bool inlined;
	uint32_t length[SGES];
	int sges;
	enum ibv_wc_opcode completes;
	int receives; /* opcode of the receiver's completion, -1: none */
} requests[] = {
	{ "send", IBV_WR_SEND, RC | UC | UD, false, { 100 }, 1, IBV_WC_SEND, IBV_WC_RECV },
	{ "send two", IBV_WR_SEND, RC | UC | UD, false, { 100, 30 }, 2, IBV_WC_SEND, IBV_WC_RECV },
	{ "send nothing", IBV_WR_SEND, RC | UC | UD, false, { 0 }, 0, IBV_WC_SEND, IBV_WC_RECV },
	{ "send 0 bytes", IBV_WR_SEND, RC | UC | UD, false, { 0 }, 1, IBV_WC_SEND, IBV_WC_RECV },
	{ "send inline", IBV_WR_SEND, RC | UC | UD, true, { 33, 31 },
	  2, IBV_WC_SEND, IBV_WC_RECV },
	{ "send imm", IBV_WR_SEND_WITH_IMM, RC | UC | UD, false, { 9 },
	  1, IBV_WC_SEND, IBV_WC_RECV },
	{ "send imm inline", IBV_WR_SEND_WITH_IMM, RC | UC | UD, true, { 64 },
	  1, IBV_WC_SEND, IBV_WC_RECV },
	{ "write", IBV_WR_RDMA_WRITE, RC | UC, false, { 3000, 1 }, 2, IBV_WC_RDMA_WRITE, -1 },
	{ "write nothing", IBV_WR_RDMA_WRITE, RC | UC, false, { 0 }, 0, IBV_WC_RDMA_WRITE, -1 },
	{ "write inline", IBV_WR_RDMA_WRITE, RC | UC, true, { 64 }, 1, IBV_WC_RDMA_WRITE, -1 },
	{ "write imm", IBV_WR_RDMA_WRITE_WITH_IMM, RC | UC, false, { 2500 },
	  1, IBV_WC_RDMA_WRITE, IBV_WC_RECV_RDMA_WITH_IMM },
	{ "write imm nothing", IBV_WR_RDMA_WRITE_WITH_IMM, RC | UC, false, { 0 },
	  0, IBV_WC_RDMA_WRITE, IBV_WC_RECV_RDMA_WITH_IMM },
	{ "read", IBV_WR_RDMA_READ, RC, false, { 2000, 500 }, 2, IBV_WC_RDMA_READ, -1 },
	{ "read nothing", IBV_WR_RDMA_READ, RC, false, { 0 }, 0, IBV_WC_RDMA_READ, -1 },
	{ "add", IBV_WR_ATOMIC_FETCH_AND_ADD, RC, false, { 8 }, 1, IBV_WC_FETCH_ADD, -1 },
	{ "swap", IBV_WR_ATOMIC_CMP_AND_SWP, RC, false, { 8 }, 1, IBV_WC_COMP_SWAP, -1 },
};
/* clang-format on */

static bool has_imm(enum ibv_wr_opcode opcode)
{
	return opcode == IBV_WR_SEND_WITH_IMM || opcode == IBV_WR_RDMA_WRITE_WITH_IMM;
}

/* Where the bytes are after request I: those of `from`, from 0 to TOTAL. */
static void check_memory(const struct two *t, size_t i, uint32_t total)
{
	uint64_t was, is;

	switch ((int)requests[i].opcode) {
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		memcpy(&was, memory, 8);
		memcpy(&is, to, 8);
		assert_int_equal(was, 40);
		assert_int_equal(is, requests[i].opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ? 42 : 5);
		break;
	case IBV_WR_RDMA_READ: /* in pieces, one behind the other */
		assert_memory_equal(memory, to, total);
		break;
	default:
		assert_memory_equal(to + (t->type == IBV_QPT_UD ? GRH : 0), from, total);
	}
}

static void check_receive(const struct two *t, size_t i, uint32_t total)
{
	struct ibv_wc wc;

	poll_one(t, t->recv_cq, &wc);
	assert_int_equal(wc.wr_id, 77);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, requests[i].receives);
	assert_int_equal(wc.byte_len, total + (t->type == IBV_QPT_UD ? GRH : 0));
	assert_int_equal(wc.qp_num, t->b->qp_num);
	assert_int_equal(!!(wc.wc_flags & IBV_WC_WITH_IMM), has_imm(requests[i].opcode));
	if (has_imm(requests[i].opcode))
		assert_int_equal(wc.imm_data, htobe32(IMM));
	if (t->type == IBV_QPT_UD)
		assert_int_equal(wc.src_qp, t->a->qp_num);
	assert_int_equal(poll_once(t, t->recv_cq, &wc), 0);
}

static void run_request(struct two *t, size_t i)
{
	bool atomic = requests[i].completes == IBV_WC_FETCH_ADD ||
		      requests[i].completes == IBV_WC_COMP_SWAP;
	struct ibv_sge sge[SGES];
	struct ibv_send_wr wr = {
		.wr_id = 1000 + i,
		.sg_list = sge,
		.num_sge = requests[i].sges,
		.opcode = requests[i].opcode,
		.send_flags = IBV_SEND_SIGNALED | (requests[i].inlined ? IBV_SEND_INLINE : 0),
		.imm_data = htobe32(IMM),
	};
	uint32_t total = 0;
	struct ibv_wc wc;

	for (int k = 0; k < requests[i].sges; k++) {
		sge[k] = (struct ibv_sge){
			.addr = (uintptr_t)memory + total,
			.length = requests[i].length[k],
			.lkey = mr->lkey,
		};
		if (requests[i].inlined) /* not registered at all */
			sge[k] = (struct ibv_sge){
				.addr = (uintptr_t)from + total,
				.length = requests[i].length[k],
			};
		total += requests[i].length[k];
	}
	if (atomic) {
		memcpy(to, &(uint64_t){ 40 }, 8);
		wr.wr.atomic.remote_addr = (uintptr_t)to;
		wr.wr.atomic.rkey = mr->rkey;
		wr.wr.atomic.compare_add = wr.opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ? 2 : 40;
		wr.wr.atomic.swap = 5;
	} else if (t->type != IBV_QPT_UD) {
		wr.wr.rdma.remote_addr = (uintptr_t)to;
		wr.wr.rdma.rkey = mr->rkey;
	}
	if (requests[i].receives >= 0)
		post_receive(t->b, 77, SIZE);
	assert_int_equal(post(t, &wr), 0);
	poll_one(t, t->send_cq, &wc);
	assert_int_equal(wc.wr_id, 1000 + i);
	assert_int_equal(wc.status, IBV_WC_SUCCESS);
	assert_int_equal(wc.opcode, requests[i].completes);
	assert_int_equal(wc.qp_num, t->a->qp_num);
	if (requests[i].receives >= 0)
		check_receive(t, i, total);
	check_memory(t, i, total);
	assert_int_equal(poll_once(t, t->send_cq, &wc), 0);
}

static void both_interfaces_do_the_same(void **state)
{
	static const enum ibv_qp_type types[] = { IBV_QPT_RC, IBV_QPT_UC, IBV_QPT_UD };

	(void)state;
	for (size_t k = 0; k < COUNT(types); k++)
		for (size_t i = 0; i < COUNT(requests); i++)
			for (enum api api = PLAIN; api <= EXTENDED; api++) {
				struct two t;

				if (!(requests[i].types & 1 << types[k]))
					continue;
				two_create(&t, types[k], api);
				print_message("# %s, type %d, interface %d\n", requests[i].name,
					      types[k], api);
				run_request(&t, i);
				two_destroy(&t);
			}
}

/* --- slots --- */

static int fill(struct two *t, int flags)
{
	int posted = 0, rc;

	while ((rc = write_some(t, posted, flags)) == 0)
		assert_true(++posted <= 4 * DEPTH);
	assert_int_equal(rc, ENOMEM);
	return posted;
}

static uint32_t send_slots(struct ibv_qp *qp)
{
	struct ibv_qp_init_attr init;
	struct ibv_qp_attr attr;

	assert_int_equal(ibv_query_qp(qp, &attr, IBV_QP_CAP, &init), 0);
	assert_int_equal(attr.cap.max_send_wr, init.cap.max_send_wr);
	return init.cap.max_send_wr;
}

static void slots_are_taken_until_their_completion_is_polled(void **state)
{
	(void)state;
	for (enum api api = PLAIN; api <= EXTENDED; api++) {
		struct ibv_wc wc;
		struct two t;
		int slots;

		two_create(&t, IBV_QPT_RC, api);
		slots = send_slots(t.a);
		assert_int_equal(fill(&t, IBV_SEND_SIGNALED), slots);
		for (int i = 0; i < 3; i++) {
			poll_one(&t, t.send_cq, &wc);
			assert_int_equal(wc.wr_id, i);
		}
		assert_int_equal(fill(&t, IBV_SEND_SIGNALED), 3);
		for (int i = 0; i < slots; i++)
			poll_one(&t, t.send_cq, &wc);
		/* one that is signalled covers those before it */
		for (int i = 1; i < slots; i++)
			assert_int_equal(write_some(&t, i, 0), 0);
		assert_int_equal(write_some(&t, 99, IBV_SEND_SIGNALED), 0);
		assert_int_equal(write_some(&t, 100, IBV_SEND_SIGNALED), ENOMEM);
		poll_one(&t, t.send_cq, &wc);
		assert_int_equal(wc.wr_id, 99);
		assert_int_equal(fill(&t, 0), slots);
		two_destroy(&t);
	}
}

static void receive_slots_are_taken_until_their_message_comes(void **state)
{
	struct ibv_recv_wr wr = { 0 }, *bad;
	struct ibv_wc wc;
	struct two t;
	int rc, posted = 0;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	while ((rc = ibv_post_recv(t.b, &wr, &bad)) == 0)
		assert_true(++posted <= 4 * DEPTH);
	assert_int_equal(rc, ENOMEM);
	assert_ptr_equal(bad, &wr);
	assert_true(posted >= DEPTH);
	assert_int_equal(post(&t, &(struct ibv_send_wr){ .opcode = IBV_WR_SEND }), 0);
	poll_one(&t, t.recv_cq, &wc);
	assert_int_equal(ibv_post_recv(t.b, &wr, &bad), 0);
	assert_int_equal(ibv_post_recv(t.b, &wr, &bad), ENOMEM);
	two_destroy(&t);
}

/* --- what is refused --- */

/* Each as the third of four: those before it are sent, and it is named. */
static void the_bad_one_of_a_list_is_named(void **state)
{
	struct ibv_sge sge[SGES + 1] = { { .length = 0 } };
	struct ibv_sge longer = { .addr = (uintptr_t)from, .length = SIZE };
	struct ibv_sge good = { .addr = (uintptr_t)memory, .length = 8, .lkey = mr->lkey };
	const struct ibv_send_wr wrongs[] = {
		{ .opcode = (enum ibv_wr_opcode)11 },
		{ .opcode = (enum ibv_wr_opcode)99 },
		{ .opcode = IBV_WR_TSO },
		{ .opcode = IBV_WR_SEND, .sg_list = sge, .num_sge = 1000 },
		{ .opcode = IBV_WR_SEND, .sg_list = sge, .num_sge = -1 },
		{ .opcode = IBV_WR_SEND,
		  .sg_list = &longer,
		  .num_sge = 1,
		  .send_flags = IBV_SEND_INLINE },
		{ .opcode = IBV_WR_RDMA_READ,
		  .sg_list = sge,
		  .num_sge = 1,
		  .send_flags = IBV_SEND_INLINE },
		{ .opcode = IBV_WR_BIND_MW },
	};
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	for (size_t i = 0; i < COUNT(wrongs); i++) {
		struct ibv_send_wr wr[4], *bad = NULL;
		struct ibv_wc wc;

		for (int k = 0; k < 4; k++) {
			wr[k] = (struct ibv_send_wr){
				.wr_id = k,
				.sg_list = &good,
				.num_sge = 1,
				.opcode = IBV_WR_RDMA_WRITE,
				.send_flags = IBV_SEND_SIGNALED,
				.wr.rdma = { .remote_addr = (uintptr_t)to, .rkey = mr->rkey },
			};
			if (k == 2)
				wr[k] = wrongs[i];
			wr[k].next = k < 3 ? wr + k + 1 : NULL;
		}
		assert_int_not_equal(ibv_post_send(t.a, wr, &bad), 0);
		assert_ptr_equal(bad, wr + 2);
		for (int k = 0; k < 2; k++) {
			poll_one(&t, t.send_cq, &wc);
			assert_int_equal(wc.wr_id, k);
			assert_int_equal(wc.status, IBV_WC_SUCCESS);
		}
		assert_int_equal(poll_once(&t, t.send_cq, &wc), 0);
	}
	two_destroy(&t);
}

static void what_the_type_does_not_know_is_refused(void **state)
{
	struct ibv_send_wr read = { .opcode = IBV_WR_RDMA_READ }, *bad;
	struct ibv_send_wr write = { .opcode = IBV_WR_RDMA_WRITE };
	struct ibv_send_wr nowhere = { .opcode = IBV_WR_SEND };
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_UC, PLAIN);
	assert_int_equal(ibv_post_send(t.a, &read, &bad), EINVAL);
	two_destroy(&t);
	two_create(&t, IBV_QPT_UD, PLAIN);
	assert_int_equal(ibv_post_send(t.a, &write, &bad), EINVAL);
	assert_int_equal(ibv_post_send(t.a, &nowhere, &bad), EINVAL);
	two_destroy(&t);
}

static void a_batch_is_sent_whole_or_not_at_all(void **state)
{
	struct ibv_qp_ex *qp;
	struct ibv_wc wc;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, EXTENDED);
	qp = ibv_qp_to_qp_ex(t.a);
	qp->wr_flags = IBV_SEND_SIGNALED;
	for (int i = 0; i < 3; i++) { /* aborted, inline too long, not allowed */
		ibv_wr_start(qp);
		ibv_wr_rdma_write(qp, mr->rkey, (uintptr_t)to);
		ibv_wr_set_sge(qp, mr->lkey, (uintptr_t)memory, 8);
		if (i == 1) {
			ibv_wr_rdma_write(qp, mr->rkey, (uintptr_t)to);
			ibv_wr_set_inline_data(qp, from, SIZE);
		} else if (i == 2) {
			ibv_wr_local_inv(qp, 1);
		}
		if (i == 0)
			ibv_wr_abort(qp);
		else
			assert_int_not_equal(ibv_wr_complete(qp), 0);
		assert_int_equal(poll_once(&t, t.send_cq, &wc), 0);
	}
	assert_memory_not_equal(to, memory, 8);
	/* and no slot is lost */
	assert_int_equal(fill(&t, IBV_SEND_SIGNALED), send_slots(t.a));
	two_destroy(&t);
}

static void creation_refuses_what_it_does_not_know(void **state)
{
	struct ibv_qp_init_attr_ex init = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1 },
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
	};
	struct ibv_cq_init_attr_ex cq_init = { .cqe = 4 };
	struct ibv_cq *cq = ibv_create_cq(context, 4, NULL, NULL, 0);
	static const struct {
		enum ibv_qp_type type;
		uint32_t mask;
		uint64_t ops;
		int error;
	} wrong[] = {
		{ IBV_QPT_RC, 0, IBV_QP_EX_WITH_TSO, EOPNOTSUPP },
		{ IBV_QPT_RC, 0, IBV_QP_EX_WITH_ATOMIC_WRITE, EOPNOTSUPP },
		{ IBV_QPT_RC, 0, 1ull << 40, EOPNOTSUPP },
		{ IBV_QPT_UD, 0, IBV_QP_EX_WITH_RDMA_WRITE, EOPNOTSUPP },
		{ IBV_QPT_UC, 0, IBV_QP_EX_WITH_RDMA_READ, EOPNOTSUPP },
		{ IBV_QPT_RC, IBV_QP_INIT_ATTR_RX_HASH, 0, EOPNOTSUPP },
		{ IBV_QPT_RC, 1u << 20, 0, EOPNOTSUPP },
		{ IBV_QPT_RAW_PACKET, 0, 0, EOPNOTSUPP },
		{ IBV_QPT_XRC_RECV, 0, 0, EINVAL },
	};

	(void)state;
	assert_non_null(cq);
	init.send_cq = init.recv_cq = cq;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct ibv_qp_init_attr_ex one = init;

		one.qp_type = wrong[i].type;
		one.comp_mask |= wrong[i].mask;
		one.send_ops_flags = wrong[i].ops;
		errno = 0;
		assert_null(ibv_create_qp_ex(context, &one));
		assert_int_equal(errno, wrong[i].error);
	}
	assert_null(ibv_create_cq(context, 4, NULL, NULL, context->num_comp_vectors));
	assert_int_equal(errno, EINVAL);
	assert_null(ibv_create_cq(context, 0, NULL, NULL, 0));
	assert_int_equal(errno, EINVAL);
	cq_init.wc_flags = IBV_WC_EX_WITH_TM_INFO;
	assert_null(ibv_create_cq_ex(context, &cq_init));
	assert_int_equal(errno, EOPNOTSUPP);
	cq_init = (struct ibv_cq_init_attr_ex){ .cqe = 4, .comp_mask = 1 << 9 };
	assert_null(ibv_create_cq_ex(context, &cq_init));
	assert_int_equal(errno, EOPNOTSUPP);
	assert_int_equal(ibv_destroy_cq(cq), 0);
}

static void another_path_is_taken_but_not_armed(void **state)
{
	const int path = IBV_QP_ALT_PATH, migrate = IBV_QP_PATH_MIG_STATE;
	struct ibv_qp_init_attr init;
	struct ibv_device_attr device;
	struct ibv_qp_attr attr = {
		.alt_ah_attr = { .dlid = 7, .port_num = 1 },
		.alt_port_num = 1,
		.alt_timeout = 13,
		.path_mig_state = IBV_MIG_MIGRATED,
	};
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	assert_int_equal(ibv_query_device(context, &device), 0);
	assert_false(device.device_cap_flags & IBV_DEVICE_AUTO_PATH_MIG);
	assert_int_equal(ibv_modify_qp(t.a, &attr, path | migrate), 0);
	attr.path_mig_state = IBV_MIG_REARM;
	assert_int_equal(ibv_modify_qp(t.a, &attr, path | migrate), EOPNOTSUPP);
	assert_int_equal(ibv_modify_qp(t.a, &attr, migrate), EOPNOTSUPP);
	attr.alt_port_num = 2;
	assert_int_equal(ibv_modify_qp(t.a, &attr, path), EINVAL);
	attr.alt_port_num = 1;
	attr.alt_timeout = 32;
	assert_int_equal(ibv_modify_qp(t.a, &attr, path), EINVAL);
	assert_int_equal(ibv_query_qp(t.a, &attr, path | migrate, &init), 0);
	assert_int_equal(attr.path_mig_state, IBV_MIG_MIGRATED);
	assert_int_equal(attr.alt_ah_attr.dlid, 7);
	assert_int_equal(attr.alt_port_num, 1);
	assert_int_equal(attr.alt_timeout, 13);
	two_destroy(&t);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_path_is_taken_but_not_armed),
		cmocka_unit_test(both_interfaces_do_the_same),
		cmocka_unit_test(slots_are_taken_until_their_completion_is_polled),
		cmocka_unit_test(receive_slots_are_taken_until_their_message_comes),
		cmocka_unit_test(the_bad_one_of_a_list_is_named),
		cmocka_unit_test(what_the_type_does_not_know_is_refused),
		cmocka_unit_test(a_batch_is_sent_whole_or_not_at_all),
		cmocka_unit_test(creation_refuses_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}

int main(int argc, char **argv)
{
	(void)argc;
	return preloaded(argv, LIBNETEMU, "device=emulated,link_layer=ib", run);
}
