/* SPDX-License-Identifier: Apache-2.0 */
/* unit-established.c - a queue pair that is ready to receive tells of its first message */
#include "onehost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HANDLE 99 /* of queue pairs (devlib) */

/* A can send, B only receive. */
static void half_connect(enum qp_type type)
{
	struct end_options options = { .type = type };

	end_create(&a, &host, &options);
	end_create(&b, &host, &options);
	to_a = end_address(&a);
	to_b = end_address(&b);
	end_listen(&b, &to_a);
	end_connect(&a, &to_b);
}

static void send_one(void)
{
	end_receive(&b, 1, 4096, 100);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 50 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(cq_next(&b.recv_cq).status, WC_SUCCESS);
}

static void is_told_once(enum qp_type type)
{
	uint64_t handle;

	half_connect(type);
	no_event(&host);
	send_one();
	assert_int_equal(next_event(&host, &handle), EVENT_COMM_EST);
	assert_int_equal(handle, HANDLE);
	send_one();
	no_event(&host);
	disconnect();
}

static void a_send_of_rc_tells(void **state)
{
	(void)state;
	is_told_once(QP_RC);
}

static void a_send_of_uc_tells(void **state)
{
	(void)state;
	is_told_once(QP_UC);
}

static void a_write_tells(void **state)
{
	(void)state;
	half_connect(QP_RC);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_RDMA_WRITE, .length = 50 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_int_equal(next_event(&host, NULL), EVENT_COMM_EST);
	no_event(&host);
	disconnect();
}

static void a_datagram_does_not(void **state)
{
	(void)state;
	half_connect(QP_UD);
	end_receive(&b, 1, 4096, 100);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 50 });
	assert_int_equal(cq_next(&b.recv_cq).status, WC_SUCCESS);
	no_event(&host);
	disconnect();
}

static void who_is_ready_to_send_knows(void **state)
{
	(void)state;
	connect_ends(&(struct end_options){ .type = QP_RC });
	send_one();
	no_event(&host);
	disconnect();
}

static void after_a_reset_it_is_told_again(void **state)
{
	struct qp_attr attr = { .state = QP_RESET };

	(void)state;
	half_connect(QP_RC);
	send_one();
	assert_int_equal(next_event(&host, NULL), EVENT_COMM_EST);
	assert_int_equal(qp_modify(&b.qp, &attr, QP_ATTR_STATE), 0);
	assert_int_equal(qp_modify(&a.qp, &attr, QP_ATTR_STATE), 0);
	end_listen(&b, &to_a);
	end_connect(&a, &to_b);
	send_one();
	assert_int_equal(next_event(&host, NULL), EVENT_COMM_EST);
	no_event(&host);
	disconnect();
}

#define BOTH(test) ONEHOST(test, "transport=direct"), ONEHOST(test, "transport=queue")

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_send_of_rc_tells),
		BOTH(a_send_of_uc_tells),
		BOTH(a_write_tells),
		BOTH(a_datagram_does_not),
		BOTH(who_is_ready_to_send_knows),
		BOTH(after_a_reset_it_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
