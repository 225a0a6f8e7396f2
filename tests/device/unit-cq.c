/* SPDX-License-Identifier: Apache-2.0 */
/* unit-cq.c - completion queues and the events of their channels */
#include "onehost.h"

#include "clock.h"
#include "device/section.h"
#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#ifdef __has_include
#if __has_include(<rdma/ib_user_verbs.h>)
#include <rdma/ib_user_verbs.h>
#define HAVE_KERNEL_RECORDS 1
#endif
#endif

static void push(struct fabric *fabric, struct shared_cq *cq, uint64_t wr_id, uint32_t status,
		 bool solicited)
{
	struct shared_cqe entry = { .wr_id = wr_id, .status = (uint8_t)status, .receive = 1 };

	cq_push(fabric, segment_offset(&fabric->segment, cq), &entry, solicited);
}

static void put(struct cq *cq, uint64_t wr_id)
{
	push(&host.fabric, cq->shared, wr_id, WC_SUCCESS, false);
}

static void destroy(struct cq *cq)
{
	uint32_t events, async;

	assert_int_equal(cq_destroy(cq, &events, &async), 0);
}

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

static struct stage {
	_Atomic uint64_t cq_at;
	_Atomic uint64_t credits; /* how many may have been put in */
	_Atomic uint32_t ready;
} * stage;

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

/* --- events --- */

static struct comp_channel channel;

static uint32_t waiting(int fd)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	return (uint32_t)poll(&poller, 1, 0);
}

/* The handle of the next event, which is there. */
static uint64_t read_event(void)
{
	uint64_t handle;

	assert_int_equal(waiting(channel.fd), 1);
	assert_int_equal(read(channel.fd, &handle, sizeof(handle)), sizeof(handle));
	return handle;
}

static void an_armed_queue_gives_one_event(void **state)
{
	uint32_t events, async;
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 42), 0);
	put(&cq, 0);
	assert_int_equal(waiting(channel.fd), 0);
	cq_arm(&cq, false);
	assert_int_equal(waiting(channel.fd), 0);
	put(&cq, 1);
	put(&cq, 2);
	assert_int_equal(read_event(), 42);
	assert_int_equal(waiting(channel.fd), 0);
	cq_arm(&cq, false);
	cq_arm(&cq, false);
	put(&cq, 3);
	put(&cq, 4);
	assert_int_equal(read_event(), 42);
	assert_int_equal(waiting(channel.fd), 0);
	assert_int_equal(cq_destroy(&cq, &events, &async), 0);
	assert_int_equal(events, 2);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void a_solicited_event_comes_with_a_solicited_completion_or_an_error(void **state)
{
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 1), 0);
	cq_arm(&cq, true);
	put(&cq, 0);
	assert_int_equal(waiting(channel.fd), 0);
	push(&host.fabric, cq.shared, 1, WC_SUCCESS, true);
	assert_int_equal(read_event(), 1);
	cq_arm(&cq, true);
	push(&host.fabric, cq.shared, 2, WC_WR_FLUSH_ERR, false);
	assert_int_equal(read_event(), 1);
	/* who waits for any completion is not content with a solicited one */
	cq_arm(&cq, false);
	cq_arm(&cq, true);
	put(&cq, 3);
	assert_int_equal(read_event(), 1);
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void a_moderated_event_comes_for_so_many(void **state)
{
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 1), 0);
	cq_moderate(&cq, 4, INT32_MAX);
	put(&cq, 0); /* not armed: it does not count */
	for (uint32_t round = 0; round < 3; round++) {
		cq_arm(&cq, false);
		for (uint32_t i = 0; i < 3; i++) {
			put(&cq, i);
			assert_int_equal(waiting(channel.fd), 0);
		}
		cq_arm(&cq, false); /* once more changes nothing */
		put(&cq, 3);
		assert_int_equal(read_event(), 1);
		put(&cq, 4);
		assert_int_equal(waiting(channel.fd), 0);
	}
	/* of those it is armed for */
	cq_arm(&cq, true);
	for (uint32_t i = 0; i < 7; i++) {
		assert_int_equal(waiting(channel.fd), 0);
		push(&host.fabric, cq.shared, i, WC_SUCCESS, i % 2 == 0);
	}
	assert_int_equal(read_event(), 1);
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void what_is_held_back_comes_when_moderation_ends(void **state)
{
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 1), 0);
	cq_moderate(&cq, 4, INT32_MAX);
	cq_arm(&cq, false);
	put(&cq, 0);
	assert_int_equal(waiting(channel.fd), 0);
	cq_moderate(&cq, 0, 0);
	assert_int_equal(read_event(), 1);
	cq_arm(&cq, false);
	put(&cq, 1);
	assert_int_equal(read_event(), 1);
	/* no limit of time, or of number, would hold it back for ever */
	cq_moderate(&cq, 4, 0);
	cq_arm(&cq, false);
	put(&cq, 2);
	assert_int_equal(read_event(), 1);
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

/* The program itself is away: it sleeps for the event. */
static void a_moderated_event_comes_when_its_time_is_up(void **state)
{
	struct pollfd poller = { .events = POLLIN };
	int64_t period = 20000000, begin;
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 1), 0);
	cq_moderate(&cq, 100, period);
	poller.fd = channel.fd;
	for (uint32_t round = 0; round < 5; round++) {
		cq_arm(&cq, false);
		begin = clock_ns(CLOCK_MONOTONIC);
		put(&cq, 0);
		put(&cq, 1);
		assert_int_equal(poll(&poller, 1, -1), 1);
		assert_true(clock_ns(CLOCK_MONOTONIC) - begin >= period);
		assert_int_equal(read_event(), 1);
		assert_int_equal(waiting(channel.fd), 0);
	}
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void push_one(void *arg)
{
	static struct fabric fabric;
	struct err err;

	if (fabric_join(&fabric, lab.path, 0, true, &err))
		_exit(1);
	push(&fabric, segment_at(&fabric.segment, *(uint64_t *)arg), 7, WC_SUCCESS, false);
	fabric_leave(&fabric);
}

/* Its completions are another process's doing, which has gone by then. */
static void a_moderated_event_is_the_owners_to_give(void **state)
{
	struct pollfd poller = { .events = POLLIN };
	struct cq cq;
	uint64_t at;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 1), 0);
	cq_moderate(&cq, 100, 20000000);
	cq_arm(&cq, false);
	at = segment_offset(&host.fabric.segment, cq.shared);
	child_wait(child_run(push_one, &at));
	poller.fd = channel.fd;
	assert_int_equal(poll(&poller, 1, -1), 1);
	assert_int_equal(read_event(), 1);
	assert_int_equal(cq_next(&cq).wr_id, 7);
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void a_channel_in_use_is_not_destroyed(void **state)
{
	uint32_t events, async;
	struct cq first, second;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(fcntl(channel.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(cq_create(&first, &host.context, 64, &channel, 1), 0);
	assert_int_equal(cq_create(&second, &host.context, 64, &channel, 2), 0);
	assert_int_equal(comp_channel_destroy(&channel), -1);
	assert_int_equal(errno, EBUSY);
	for (uint32_t i = 0; i < 5; i++) {
		cq_arm(&first, false);
		put(&first, i);
		cq_arm(&second, false);
		put(&second, i);
	}
	assert_int_equal(read_event(), 1);
	/* its four unread ones are gone with it, those of the other one stay */
	assert_int_equal(cq_destroy(&first, &events, &async), 0);
	assert_int_equal(events, 1);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(read_event(), 2);
	assert_int_equal(waiting(channel.fd), 0);
	assert_int_equal(cq_destroy(&second, &events, &async), 0);
	assert_int_equal(events, 5);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void no_event_is_lost_when_a_channel_is_full(void **state)
{
	const uint32_t count = 300000; /* more than an unprivileged pipe holds */
	uint32_t got = 0, put_in = 0, events, async;
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 16, &channel, 3), 0);
	for (; put_in < count; put_in++) {
		/* armed directly: cq_arm() would write what is owed */
		atomic_store(&cq.shared->armed, CQ_ARMED);
		put(&cq, put_in);
		cq_next(&cq);
	}
	assert_int_equal(atomic_load(&cq.shared->events) + atomic_load(&cq.shared->owed), count);
	while (got < count) {
		for (; waiting(channel.fd); got++)
			assert_int_equal(read_event(), 3);
		channel_pay(&host.fabric, host.context.number, channel.shared);
		assert_int_equal(atomic_load(&cq.shared->owed), atomic_load(&channel.shared->owed));
	}
	assert_int_equal(waiting(channel.fd), 0);
	assert_int_equal(cq_destroy(&cq, &events, &async), 0);
	assert_int_equal(events, count);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

/* A program that sleeps until another process gives it something to do. */
#define ROUNDS 3000

static void answer(void *arg)
{
	static struct fabric fabric;
	struct err err;

	(void)arg;
	if (fabric_join(&fabric, lab.path, 0, true, &err))
		_exit(1);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		while (atomic_load(&stage->credits) <= i)
			clock_rest(1);
		push(&fabric, segment_at(&fabric.segment, atomic_load(&stage->cq_at)), i,
		     WC_SUCCESS, false);
	}
	fabric_leave(&fabric);
}

static void who_arms_and_looks_misses_nothing(void **state)
{
	struct shared_cqe entry;
	uint64_t got = 0, slept = 0;
	struct cq cq;
	pid_t pid;

	(void)state;
	stage = share(sizeof(*stage));
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 16, &channel, 8), 0);
	atomic_store(&stage->cq_at, segment_offset(&host.fabric.segment, cq.shared));
	pid = child_run(answer, NULL);
	while (got < ROUNDS) {
		struct pollfd poller = { .fd = channel.fd, .events = POLLIN };

		atomic_store(&stage->credits, got + 1);
		cq_arm(&cq, false);
		if (cq_poll(&cq, &entry, 1) == 1) {
			assert_int_equal(entry.wr_id, got++);
			continue;
		}
		assert_int_equal(poll(&poller, 1, 60000), 1);
		assert_int_equal(read_event(), 8);
		slept++;
		if (cq_poll(&cq, &entry, 1) == 1)
			assert_int_equal(entry.wr_id, got++);
	}
	child_wait(pid);
	assert_in_range(slept, 1, UINT64_MAX);
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void an_event_for_a_dead_reader_does_no_harm(void **state)
{
	struct shared_channel *lost;
	int fd;

	(void)state;
	/* as if its reader had gone: the FIFO is there, nobody has it open */
	lost = channel_create(&host.fabric, host.context.number, CHANNEL_ASYNC, &fd);
	assert_non_null(lost);
	close(fd);
	for (uint32_t i = 0; i < 5000; i++)
		channel_async(&host.fabric, lost, EVENT_CQ_ERR, i, NULL);
	channel_destroy(&host.fabric, host.context.number, lost, -1);
	assert_false(channel_async(&host.fabric, lost, EVENT_CQ_ERR, 1, NULL));
}

/* A program may close what it has not opened, and get the same number for its file. */
static void a_file_of_the_program_is_never_written_to(void **state)
{
	FILE *files[256];
	struct cq cq;

	(void)state;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 64, &channel, 1), 0);
	cq_arm(&cq, false);
	put(&cq, 1);
	assert_int_equal(read_event(), 1);
	for (int fd = channel.fd + 1; fd < 256; fd++)
		if (fd != channel.fd && fd != host.fabric.dir_fd && fd != host.fabric.lock_fd &&
		    fd != host.fabric.segment.fd && fd != host.context.async_fd)
			close(fd);
	for (int i = 0; i < 100; i++)
		files[i] = tmpfile();
	cq_arm(&cq, false);
	put(&cq, 2);
	assert_int_equal(read_event(), 1);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(lseek(fileno(files[i]), 0, SEEK_END), 0);
		fclose(files[i]);
	}
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void events_have_the_kernels_form(void **state)
{
	(void)state;
#ifdef HAVE_KERNEL_RECORDS
	struct ib_uverbs_comp_event_desc completion;
	struct ib_uverbs_async_event_desc async;
	struct cq cq;

	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 2, &channel, 0x1122334455667788), 0);
	cq_arm(&cq, false);
	for (uint32_t i = 0; i < 3; i++)
		put(&cq, i);
	assert_int_equal(read(channel.fd, &completion, sizeof(completion)), sizeof(completion));
	assert_int_equal(completion.cq_handle, 0x1122334455667788);
	assert_int_equal(read(host.context.async_fd, &async, sizeof(async)), sizeof(async));
	assert_int_equal(async.element, 0x1122334455667788);
	assert_int_equal(async.event_type, 0); /* IBV_EVENT_CQ_ERR */
	channel_port_event(&host.fabric, host.context.number, EVENT_PORT_ERR);
	assert_int_equal(read(host.context.async_fd, &async, sizeof(async)), sizeof(async));
	assert_int_equal(async.element, 1);
	assert_int_equal(async.event_type, 10); /* IBV_EVENT_PORT_ERR */
	destroy(&cq);
	assert_int_equal(comp_channel_destroy(&channel), 0);
#else
	skip();
#endif
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
		test_with(an_armed_queue_gives_one_event),
		test_with(a_solicited_event_comes_with_a_solicited_completion_or_an_error),
		test_with(a_moderated_event_comes_for_so_many),
		test_with(what_is_held_back_comes_when_moderation_ends),
		test_with(a_moderated_event_comes_when_its_time_is_up),
		test_with(a_moderated_event_is_the_owners_to_give),
		test_with(a_channel_in_use_is_not_destroyed),
		test_with(no_event_is_lost_when_a_channel_is_full),
		test_with(who_arms_and_looks_misses_nothing),
		test_with(an_event_for_a_dead_reader_does_no_harm),
		test_with(a_file_of_the_program_is_never_written_to),
		test_with(events_have_the_kernels_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
