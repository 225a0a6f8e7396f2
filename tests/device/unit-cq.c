/* SPDX-License-Identifier: Apache-2.0 */
/* unit-cq.c - completion queues */
#include "cqlib.h"

/* --- the ring --- */

static void completions_come_out_in_order(void **state)
{
	struct shared_cqe entries[7];
	uint64_t in = 0, out = 0;
	struct random dice;
	struct cq cq;

	(void)state;
	random_init(&dice, 3, "cq", 0);
	assert_int_equal(cq_create(&cq, &host.context, 100, NULL, 0), 0);
	assert_in_range(cq.shared->capacity, 100, 199);
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t more = (uint32_t)random_below(&dice, 10);
		int count;

		for (; more && in - out < cq.shared->capacity; more--)
			put(&cq, in++);
		count = cq_poll(&cq, entries, 7);
		assert_int_equal(count, in - out < 7 ? in - out : 7);
		for (int i = 0; i < count; i++)
			assert_int_equal(entries[i].wr_id, out++);
	}
	destroy(&cq);
}

static void all_that_was_asked_for_fits_and_one_more_is_an_overrun(void **state)
{
	struct shared_cqe entry;
	uint32_t events, async;
	uint64_t handle;
	struct cq cq;

	(void)state;
	assert_int_equal(cq_create(&cq, &host.context, 8, NULL, 0x1234567890), 0);
	for (uint32_t i = 0; i < cq.shared->capacity; i++)
		put(&cq, i);
	no_event(&host);
	put(&cq, 99);
	assert_int_equal(next_event(&host, &handle), EVENT_CQ_ERR);
	assert_int_equal(handle, 0x1234567890);
	for (uint32_t i = 0; i < cq.shared->capacity; i++) {
		assert_int_equal(cq_poll(&cq, &entry, 1), 1);
		assert_int_equal(entry.wr_id, i);
		put(&cq, 100); /* it takes no more */
	}
	assert_int_equal(cq_poll(&cq, &entry, 1), -1);
	assert_int_equal(errno, EOVERFLOW);
	no_event(&host); /* it was said once */
	assert_int_equal(cq_destroy(&cq, &events, &async), 0);
	assert_int_equal(async, 1);
}

static void an_event_nobody_has_read_is_gone_with_its_queue(void **state)
{
	uint32_t events, async;
	struct cq cq;

	(void)state;
	assert_int_equal(cq_create(&cq, &host.context, 1, NULL, 5), 0);
	put(&cq, 1);
	put(&cq, 2);
	assert_int_equal(cq_destroy(&cq, &events, &async), 0);
	assert_int_equal(async, 0);
	no_event(&host);
}

static void what_a_queue_pair_left_is_taken_out(void **state)
{
	struct shared_cqe entry = { .receive = 1 }, got;
	struct cq cq;

	(void)state;
	assert_int_equal(cq_create(&cq, &host.context, 64, NULL, 0), 0);
	for (uint32_t i = 0; i < 30; i++) {
		entry.wr_id = i;
		entry.qp_at = 4096 * (1 + i % 3);
		entry.qpn = 7 + i % 3;
		cq_push(&host.fabric, segment_offset(&host.fabric.segment, cq.shared), &entry,
			false);
	}
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(cq_next(&cq).wr_id, i);
	cq_clean(&cq, 4096 * 2, 8);
	for (uint32_t i = 4; i < 30; i++)
		if (i % 3 != 1)
			assert_int_equal(cq_next(&cq).wr_id, i);
	assert_int_equal(cq_poll(&cq, &got, 1), 0);
	destroy(&cq);
}

/* --- sizes that change while another process fills the queue --- */

#define MANY 300000

static void produce(void *arg)
{
	static struct fabric fabric;
	struct err err;

	(void)arg;
	if (fabric_join(&fabric, lab.path, 0, true, &err))
		_exit(1);
	atomic_store(&stage->ready, 1);
	for (uint64_t i = 0; i < MANY; i++) {
		while (atomic_load(&stage->credits) <= i)
			usleep(10);
		push(&fabric, segment_at(&fabric.segment, atomic_load(&stage->cq_at)), i,
		     WC_SUCCESS, false);
	}
	fabric_leave(&fabric);
}

static void a_queue_is_resized_while_it_is_filled(void **state)
{
	struct shared_cqe entries[32];
	uint64_t out = 0, resized = 0;
	struct random dice;
	struct cq cq;
	pid_t pid;

	(void)state;
	random_init(&dice, 5, "resize", 0);
	stage = share(sizeof(*stage));
	assert_int_equal(cq_create(&cq, &host.context, 64, NULL, 0), 0);
	atomic_store(&stage->cq_at, segment_offset(&host.fabric.segment, cq.shared));
	pid = child_run(produce, NULL);
	while (out < MANY) {
		uint32_t size = 64 << random_below(&dice, 5);
		int count;

		/* never more than the smallest size holds */
		atomic_store(&stage->credits, out + 64);
		count = cq_poll(&cq, entries, 32);
		assert_in_range(count, 0, 32);
		for (int i = 0; i < count; i++)
			assert_int_equal(entries[i].wr_id, out++);
		if (!count)
			clock_rest(1);
		if (random_below(&dice, 8))
			continue;
		assert_int_equal(cq_resize(&cq, size), 0);
		assert_int_equal(cq.shared->capacity, size);
		resized++;
	}
	child_wait(pid);
	assert_in_range(resized, 100, UINT64_MAX);
	cq_empty(&cq);
	destroy(&cq);
}

static void a_queue_does_not_shrink_below_what_waits(void **state)
{
	struct cq cq;

	(void)state;
	assert_int_equal(cq_create(&cq, &host.context, 16, NULL, 0), 0);
	for (uint32_t i = 0; i < 9; i++)
		put(&cq, i);
	assert_int_equal(cq_resize(&cq, 8), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(cq_resize(&cq, 0), -1);
	assert_int_equal(cq_resize(&cq, host.context.device->limits.max_cqe + 1), -1);
	assert_int_equal(cq_next(&cq).wr_id, 0);
	assert_int_equal(cq_resize(&cq, 8), 0);
	for (uint32_t i = 1; i < 9; i++)
		assert_int_equal(cq_next(&cq).wr_id, i);
	destroy(&cq);
}

#define test_with(name) cmocka_unit_test_setup_teardown(name, onehost_open, onehost_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(completions_come_out_in_order),
		test_with(all_that_was_asked_for_fits_and_one_more_is_an_overrun),
		test_with(an_event_nobody_has_read_is_gone_with_its_queue),
		test_with(what_a_queue_pair_left_is_taken_out),
		test_with(a_queue_is_resized_while_it_is_filled),
		test_with(a_queue_does_not_shrink_below_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
