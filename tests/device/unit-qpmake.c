/* SPDX-License-Identifier: Apache-2.0 */
/* unit-qpmake.c - what queue pairs are made of, and what stays while they use it */
#include "onehost.h"

#include "random.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* --- what is made of what --- */

static void what_is_in_use_is_not_destroyed(void **state)
{
	struct end_options options = { .type = QP_RC, .srq = true };
	uint32_t events, async;
	struct end end;

	(void)state;
	end_create(&end, &host, &options);
	errno = 0;
	assert_int_equal(pd_destroy(&host.pd), -1);
	assert_int_equal(errno, EBUSY);
	errno = 0;
	assert_int_equal(cq_destroy(&end.send_cq, &events, &async), -1);
	assert_int_equal(errno, EBUSY);
	errno = 0;
	assert_int_equal(srq_destroy(&end.srq, &async), -1);
	assert_int_equal(errno, EBUSY);
	end_destroy(&end);
}

static void a_queue_pair_in_a_group_is_not_destroyed(void **state)
{
	const uint8_t group[16] = { 0xff, 0x12, [15] = 1 }, other[16] = { 0xff, 0x12, [15] = 2 };
	const uint8_t single[16] = { 0xfe, 0x80, [15] = 1 };
	struct end_options options = { .type = QP_UD };
	struct end end, connected;
	uint32_t async;

	(void)state;
	end_create(&end, &host, &options);
	options.type = QP_RC;
	end_create(&connected, &host, &options);
	assert_int_equal(group_attach(&connected.qp, group, 0xc001), -1);
	assert_int_equal(group_attach(&end.qp, single, 0xc001), -1);
	assert_int_equal(group_attach(&end.qp, group, 0x1), -1);
	assert_int_equal(group_attach(&end.qp, group, 0xc001), 0);
	assert_int_equal(group_attach(&end.qp, group, 0xc001), 0); /* again: it is */
	assert_int_equal(group_detach(&end.qp, other, 0xc001), -1);
	assert_int_equal(errno, EINVAL);
	errno = 0;
	assert_int_equal(qp_destroy(&end.qp, &async), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(group_detach(&end.qp, group, 0xc001), 0);
	assert_int_equal(group_detach(&end.qp, group, 0xc001), -1);
	assert_int_equal(atomic_load(&host.context.device->group.used), 0);
	end_destroy(&end);
	end_destroy(&connected);
}

static void an_xrc_domain_is_shared_by_its_file(void **state)
{
	struct xrcd first, second, own;
	struct qp_init init = { .type = QP_XRC_RECV, .xrcd = &first };
	FILE *file = tmpfile(), *elsewhere = tmpfile();
	struct qp qp, again, stray;
	uint32_t async;

	(void)state;
	assert_int_equal(xrcd_open(&first, &host.context, fileno(file), false, false), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(xrcd_open(&first, &host.context, fileno(file), true, true), 0);
	assert_int_equal(xrcd_open(&second, &host.context, fileno(file), true, true), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(xrcd_open(&second, &host.context, fileno(file), false, false), 0);
	assert_int_equal(second.number, first.number);
	assert_int_equal(xrcd_open(&own, &host.context, -1, true, false), 0);
	assert_int_not_equal(own.number, first.number);
	assert_int_equal(qp_create(&qp, &host.context, &init), 0);
	assert_int_equal(xrcd_close(&first), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(qp_open(&stray, &host.context, &own, qp.number, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(qp_open(&again, &host.context, &second, qp.number, 0), 0);
	/* it lives as long as somebody has it open */
	assert_int_equal(qp_destroy(&qp, &async), 0);
	assert_int_equal(atomic_load(&host.context.device->qp.used), 1);
	assert_int_equal(xrcd_close(&second), -1);
	assert_int_equal(qp_destroy(&again, &async), 0);
	assert_int_equal(atomic_load(&host.context.device->qp.used), 0);
	assert_int_equal(xrcd_close(&first), 0);
	assert_int_equal(xrcd_close(&second), 0);
	assert_int_equal(xrcd_close(&own), 0);
	fclose(file);
	fclose(elsewhere);
}

static void more_than_the_device_has_is_refused(void **state)
{
	const struct device_limits *limits = &host.context.device->limits;
	uint32_t users = atomic_load(&host.pd.shared->users), events, async;
	struct qp_init good, bad;
	struct cq cq;
	struct qp qp;

	(void)state;
	assert_int_equal(cq_create(&cq, &host.context, limits->max_cqe + 1, NULL, 0), -1);
	assert_int_equal(cq_create(&cq, &host.context, 0, NULL, 0), -1);
	assert_int_equal(cq_create(&cq, &host.context, 10, NULL, 0), 0);
	good = (struct qp_init){ .type = QP_RC, .pd = &host.pd, .send_cq = &cq, .recv_cq = &cq };
#define REFUSED(field, value)                                              \
	do {                                                               \
		bad = good;                                                \
		bad.field = value;                                         \
		errno = 0;                                                 \
		assert_int_equal(qp_create(&qp, &host.context, &bad), -1); \
		assert_int_equal(errno, EINVAL);                           \
	} while (0)
	REFUSED(type, 1);
	REFUSED(type, 8);
	REFUSED(type, 99);
	REFUSED(pd, NULL);
	REFUSED(send_cq, NULL);
	REFUSED(recv_cq, NULL);
	REFUSED(max_send_wr, limits->max_qp_wr + 1);
	REFUSED(max_recv_wr, limits->max_qp_wr + 1);
	REFUSED(max_send_sge, limits->max_sge + 1);
	REFUSED(max_recv_sge, limits->max_sge + 1);
	REFUSED(max_inline, limits->max_inline + 1);
	assert_int_equal(atomic_load(&host.pd.shared->users), users);
	good.max_send_wr = limits->max_qp_wr;
	assert_int_equal(qp_create(&qp, &host.context, &good), 0);
	assert_in_range(good.max_send_wr, limits->max_qp_wr, UINT32_MAX);
	assert_int_equal(qp_destroy(&qp, &async), 0);
	assert_int_equal(cq_destroy(&cq, &events, &async), 0);
}

#define test_with(name) cmocka_unit_test_setup_teardown(name, onehost_open, onehost_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(what_is_in_use_is_not_destroyed),
		test_with(a_queue_pair_in_a_group_is_not_destroyed),
		test_with(an_xrc_domain_is_shared_by_its_file),
		test_with(more_than_the_device_has_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
