/* SPDX-License-Identifier: Apache-2.0 */
/* unit-cq-events.c - the events of completion queues and their channels */
#include "cqlib.h"

#ifdef __has_include
#if __has_include(<rdma/ib_user_verbs.h>)
#include <rdma/ib_user_verbs.h>
#define HAVE_KERNEL_RECORDS 1
#endif
#endif

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
