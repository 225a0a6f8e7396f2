/* SPDX-License-Identifier: Apache-2.0 */
/* What either side gets when an operation does not work; over both transports. */
#include "onehost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY 0xffff /* no status */

static const struct fault {
	const char *name;
	struct request request;
	uint32_t receive; /* bytes of b's receive request; UINT32_MAX: none */
	struct end_options options;
	uint16_t sent, got; /* statuses */
	uint32_t state_a, state_b;
	int event; /* at b's side */
} faults[] = {
	{ "the receive request is too small",
	  { .opcode = WR_SEND, .length = 100 },
	  .receive = 99,
	  .sent = WC_REM_INV_REQ_ERR,
	  .got = WC_LOC_LEN_ERR,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_NONE },
	{ "the local key is wrong",
	  { .opcode = WR_SEND, .length = 100, .lkey = 0x12345678 },
	  .receive = 100,
	  .sent = WC_LOC_PROT_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "the local range ends behind the region",
	  { .opcode = WR_SEND, .length = 100, .offset = (1 << 20) - 99 },
	  .receive = 100,
	  .sent = WC_LOC_PROT_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "the remote key is wrong, write",
	  { .opcode = WR_RDMA_WRITE, .length = 100, .rkey = 0x12345678 },
	  .receive = UINT32_MAX,
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "the remote key is wrong, read",
	  { .opcode = WR_RDMA_READ, .length = 100, .rkey = 0x12345678 },
	  .receive = UINT32_MAX,
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "the remote key is wrong, atomic",
	  { .opcode = WR_ATOMIC_FETCH_AND_ADD, .length = 8, .rkey = 0x12345678 },
	  .receive = UINT32_MAX,
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "a write ends behind the region",
	  { .opcode = WR_RDMA_WRITE, .length = 100, .remote = (1 << 20) - 99 },
	  .receive = UINT32_MAX,
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "a long write begins before the region",
	  { .opcode = WR_RDMA_WRITE, .length = 100000, .remote = (uint64_t)-1 },
	  .receive = UINT32_MAX,
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "the region is not for writes",
	  { .opcode = WR_RDMA_WRITE, .length = 100 },
	  .receive = UINT32_MAX,
	  .options = { .mr_access = ACCESS_LOCAL_WRITE | ACCESS_REMOTE_READ },
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "the region is not for reads",
	  { .opcode = WR_RDMA_READ, .length = 100 },
	  .receive = UINT32_MAX,
	  .options = { .mr_access = ACCESS_LOCAL_WRITE | ACCESS_REMOTE_WRITE },
	  .sent = WC_REM_ACCESS_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_ACCESS_ERR },
	{ "the queue pair is not for writes",
	  { .opcode = WR_RDMA_WRITE, .length = 100 },
	  .receive = UINT32_MAX,
	  .options = { .access = ACCESS_LOCAL_WRITE | ACCESS_REMOTE_READ },
	  .sent = WC_REM_INV_REQ_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_REQ_ERR },
	{ "the queue pair is not for atomics",
	  { .opcode = WR_ATOMIC_CMP_AND_SWP, .length = 8 },
	  .receive = UINT32_MAX,
	  .options = { .access = ACCESS_LOCAL_WRITE | ACCESS_REMOTE_READ },
	  .sent = WC_REM_INV_REQ_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_REQ_ERR },
	{ "an atomic is not aligned",
	  { .opcode = WR_ATOMIC_FETCH_AND_ADD, .length = 8, .remote = 4 },
	  .receive = UINT32_MAX,
	  .sent = WC_REM_INV_REQ_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_QP_REQ_ERR },
	{ "an atomic has no room for its result",
	  { .opcode = WR_ATOMIC_FETCH_AND_ADD, .length = 7 },
	  .receive = UINT32_MAX,
	  .sent = WC_LOC_LEN_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "reads have no resources",
	  { .opcode = WR_RDMA_READ, .length = 8 },
	  .receive = UINT32_MAX,
	  .options = { .max_rd_atomic = UINT32_MAX },
	  .sent = WC_LOC_QP_OP_ERR,
	  .got = NOBODY,
	  .state_a = QP_ERR,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "a key that is none is invalidated",
	  { .opcode = WR_SEND_WITH_INV, .length = 8, .imm = 0x4711 },
	  .receive = 8,
	  .sent = WC_REM_ACCESS_ERR,
	  .got = WC_REM_ACCESS_ERR,
	  .state_a = QP_ERR,
	  .state_b = QP_ERR,
	  .event = EVENT_NONE },
	{ "UC: a write with a wrong key is lost",
	  { .opcode = WR_RDMA_WRITE, .length = 100, .rkey = 0x12345678 },
	  .receive = UINT32_MAX,
	  .options = { .type = QP_UC },
	  .sent = WC_SUCCESS,
	  .got = NOBODY,
	  .state_a = QP_RTS,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "UC: a local key is wrong",
	  { .opcode = WR_SEND, .length = 100, .lkey = 0x12345678 },
	  .receive = 100,
	  .options = { .type = QP_UC },
	  .sent = WC_LOC_PROT_ERR,
	  .got = NOBODY,
	  .state_a = QP_SQE,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "UC: there is no read",
	  { .opcode = WR_RDMA_READ, .length = 100 },
	  .receive = UINT32_MAX,
	  .options = { .type = QP_UC },
	  .sent = WC_LOC_QP_OP_ERR,
	  .got = NOBODY,
	  .state_a = QP_SQE,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "UD: there is no write",
	  { .opcode = WR_RDMA_WRITE, .length = 100 },
	  .receive = UINT32_MAX,
	  .options = { .type = QP_UD },
	  .sent = WC_LOC_QP_OP_ERR,
	  .got = NOBODY,
	  .state_a = QP_SQE,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
	{ "UD: a message is longer than the MTU",
	  { .opcode = WR_SEND, .length = 4097 },
	  .receive = 5000,
	  .options = { .type = QP_UD },
	  .sent = WC_LOC_LEN_ERR,
	  .got = NOBODY,
	  .state_a = QP_SQE,
	  .state_b = QP_RTS,
	  .event = EVENT_NONE },
};

/* What stood in the queues of a side that failed comes back as flushed, in order. */
static void assert_flushed(struct cq *cq, uint64_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct shared_cqe entry = cq_next(cq);

		assert_int_equal(entry.status, WC_WR_FLUSH_ERR);
		assert_int_equal(entry.wr_id, first + i);
	}
	cq_empty(cq);
}

static void fails_as_a_nic(const struct fault *fault)
{
	struct end_options options = fault->options;
	struct address to;
	struct shared_cqe entry;
	uint64_t handle;
	bool dead_a, dead_b;

	if (!options.type)
		options.type = QP_RC;
	print_message("%s\n", fault->name);
	connect_ends(&options);
	to = end_address(&b);
	memset(b.memory, GUARD, b.size);
	if (fault->receive != UINT32_MAX)
		end_receive(&b, 50, 0, fault->receive);
	for (uint32_t i = 1; i < 4; i++) {
		end_receive(&b, 50 + i, 0, 64);
		end_receive(&a, 60 + i, 0, 64);
	}
	end_send(&a, &to, &fault->request);
	entry = cq_next(&a.send_cq);
	assert_int_equal(entry.status, fault->sent);
	if (fault->got != NOBODY) {
		entry = cq_next(&b.recv_cq);
		assert_int_equal(entry.status, fault->got);
		assert_int_equal(entry.wr_id, 50);
	}
	assert_int_equal(end_state(&a), fault->state_a);
	assert_int_equal(end_state(&b), fault->state_b);
	if (fault->event != EVENT_NONE) {
		assert_int_equal(next_event(&host, &handle), fault->event);
		assert_int_equal(handle, 99);
	}
	no_event(&host);
	dead_a = fault->state_a == QP_ERR;
	dead_b = fault->state_b == QP_ERR;
	if (fault->state_a != QP_RTS) {
		end_send(&a, &to, &(struct request){ .opcode = WR_SEND, .wr_id = 70 });
		assert_flushed(&a.send_cq, 70, 1);
	}
	assert_flushed(&a.recv_cq, 61, dead_a ? 3 : 0);
	if (dead_b)
		assert_flushed(&b.recv_cq, 51, 3);
	else
		cq_empty(&b.recv_cq);
	/* a message that is refused leaves no trace, but for one whose key is bad */
	if (fault->request.opcode != WR_SEND_WITH_INV)
		assert_copied(&b, 0, a.memory, 0);
	disconnect();
}

static void fails_as_a_nic_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		fails_as_a_nic(&faults[i]);
}

static void flushes_in_order(void **state)
{
	struct address to;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .min_rnr_timer = 1, .rnr_retry = 7 });
	to = end_address(&b);
	/* nobody receives, so all of them wait */
	for (uint32_t i = 0; i < 20; i++) {
		end_send(&a, &to, &(struct request){ .opcode = WR_SEND, .wr_id = i });
		end_receive(&a, 100 + i, 0, 8);
	}
	assert_int_equal(qp_modify(&a.qp, &(struct qp_attr){ .state = QP_ERR }, QP_ATTR_STATE), 0);
	assert_flushed(&a.send_cq, 0, 20);
	assert_flushed(&a.recv_cq, 100, 20);
	assert_int_equal(end_state(&b), QP_RTS);
	disconnect();
}

/* The send queue of a responder that fails is flushed although its owner is away. */
static void flushes_the_responder_too(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC, .min_rnr_timer = 1, .rnr_retry = 7 });
	for (uint32_t i = 0; i < 3; i++)
		end_send(&b, &to_a, &(struct request){ .opcode = WR_SEND, .wr_id = 30 + i });
	end_send(&a, &to_b,
		 &(struct request){ .opcode = WR_RDMA_WRITE, .length = 1, .rkey = 0x12345678 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_REM_ACCESS_ERR);
	assert_flushed(&b.send_cq, 30, 3);
	assert_int_equal(next_event(&host, NULL), EVENT_QP_ACCESS_ERR);
	disconnect();
}

/* A bad receive key is the receiver's fault. */
static void a_bad_receive_key(void **state)
{
	struct address to;
	struct shared_sge sge;

	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	to = end_address(&b);
	sge = (struct shared_sge){ (uintptr_t)b.memory, 64, 0x12345678 };
	assert_int_equal(qp_post_receive(&b.qp, 5, &sge, 1), 0);
	end_send(&a, &to, &(struct request){ .opcode = WR_SEND, .length = 8 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_REM_OP_ERR);
	assert_int_equal(cq_next(&b.recv_cq).status, WC_LOC_PROT_ERR);
	assert_int_equal(end_state(&a), QP_ERR);
	assert_int_equal(end_state(&b), QP_ERR);
	disconnect();
}

#define BOTH(test) BY_EACH_TRANSPORT(test, onehost_open, onehost_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(fails_as_a_nic_does),
		BOTH(flushes_in_order),
		BOTH(flushes_the_responder_too),
		BOTH(a_bad_receive_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
