/* SPDX-License-Identifier: Apache-2.0 */
/* unit-closing.c - what a program leaves behind goes with its context */
#include "onehost.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct shared_device *device(void)
{
	return host.context.device;
}

/* How many records of the device are in use. */
static uint32_t records(void)
{
	const struct shared_table *tables[] = {
		&device()->pd, &device()->mr,  &device()->dm,   &device()->cq,
		&device()->qp, &device()->srq, &device()->xrcd, &device()->channel,
	};
	uint32_t sum = 0;

	for (uint32_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		sum += atomic_load(&tables[i]->used);
	return sum;
}

/* The host as it was, for whoever comes next. */
static void open_again(void)
{
	assert_int_equal(context_open(&host.context, &host.fabric, 0), 0);
	assert_int_equal(pd_create(&host.pd, &host.context), 0);
}

static struct comp_channel channel;
static struct cq with_channel;
static struct mr window;
static struct dm dm;
static struct xrcd xrcd;

static void make_all(void)
{
	connect_ends(&(struct end_options){ .type = QP_RC, .srq = true });
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&with_channel, &host.context, 16, &channel, 5), 0);
	assert_int_equal(mw_create(&window, &host.context, &host.pd, MR_WINDOW1), 0);
	assert_int_equal(dm_create(&dm, &host.context, 100, 0), 0);
	assert_int_equal(xrcd_open(&xrcd, &host.context, -1, true, false), 0);
}

static void all_that_is_left_is_freed(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		make_all();
		assert_true(records() > 10);
		assert_true(context_close(&host.context));
		assert_int_equal(records(), 0);
		open_again();
	}
}

static void nothing_left_is_told(void **state)
{
	struct context other;

	(void)state;
	assert_int_equal(context_open(&other, &host.fabric, 0), 0);
	assert_false(context_close(&other));
	assert_int_equal(pd_destroy(&host.pd), 0);
	assert_false(context_close(&host.context));
	assert_int_equal(records(), 0);
	open_again();
}

static void it_stays_while_another_context_is_open(void **state)
{
	struct context other;

	(void)state;
	assert_int_equal(context_open(&other, &host.fabric, 0), 0);
	make_all();
	assert_true(context_close(&host.context));
	end_receive(&b, 1, 4096, 10);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 10 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	assert_true(context_close(&other));
	assert_int_equal(records(), 0);
	open_again();
}

static void use_what_has_gone(void)
{
	struct shared_sge sge = { (uintptr_t)a.memory, 8, a.mr.key };
	struct qp_attr attr = { .state = QP_ERR };
	struct shared_cqe entry;
	char byte;

	qp_send_begin(&a.qp);
	assert_null(qp_send_next(&a.qp, 1, 0));
	assert_int_equal(errno, EINVAL);
	qp_send_abort(&a.qp);
	assert_int_equal(srq_post(&a.srq, 1, &sge, 1), -1);
	assert_int_equal(qp_modify(&a.qp, &attr, QP_ATTR_STATE), -1);
	assert_int_equal(cq_poll(&a.send_cq, &entry, 1), 0);
	assert_int_equal(cq_resize(&a.send_cq, 64), -1);
	cq_arm(&with_channel, false);
	assert_int_equal(dm_read(&dm, 0, &byte, 1), -1);
}

static void destroy_what_has_gone(void)
{
	uint32_t events, async;

	assert_int_equal(qp_destroy(&a.qp, &async), 0);
	assert_int_equal(async, 0);
	assert_int_equal(srq_destroy(&a.srq, &async), 0);
	assert_int_equal(cq_destroy(&a.send_cq, &events, &async), 0);
	assert_int_equal(cq_destroy(&with_channel, &events, &async), 0);
	assert_int_equal(mr_deregister(&a.mr), 0);
	assert_int_equal(mw_destroy(&window), 0);
	assert_int_equal(dm_destroy(&dm), 0);
	assert_int_equal(xrcd_close(&xrcd), 0);
}

static void what_has_gone_does_no_harm(void **state)
{
	struct pd old = host.pd;
	uint32_t before;

	(void)state;
	make_all();
	end_receive(&b, 1, 4096, 10);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 10 });
	assert_true(context_close(&host.context));
	use_what_has_gone();
	open_again();
	before = records();
	use_what_has_gone();
	destroy_what_has_gone();
	assert_int_equal(pd_destroy(&old), 0);
	assert_int_equal(records(), before);
	/* and what is new works */
	connect_ends(&(struct end_options){ .type = QP_RC });
	end_receive(&b, 1, 4096, 10);
	end_send(&a, &to_b, &(struct request){ .opcode = WR_SEND, .length = 10 });
	assert_int_equal(cq_next(&a.send_cq).status, WC_SUCCESS);
	disconnect();
}

#define BOTH(test) ONEHOST(test, "transport=direct"), ONEHOST(test, "transport=queue")

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(all_that_is_left_is_freed),
		BOTH(nothing_left_is_told),
		BOTH(it_stays_while_another_context_is_open),
		BOTH(what_has_gone_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
