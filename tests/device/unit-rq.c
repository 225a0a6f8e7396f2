/* SPDX-License-Identifier: Apache-2.0 */
/* unit-rq.c - receive requests, and senders that are killed while they complete them */
#include "onehost.h"

#include "clock.h"
#include "device/section.h"
#include "random.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* --- one process --- */

static void complete_one(struct fabric *fabric, struct shared_rq *rq, uint64_t cq_at,
			 uint32_t sender)
{
	struct shared_rqe *request = rq_first(fabric, rq);

	if (request) {
		struct shared_cqe entry = {
			.wr_id = request->wr_id,
			.receive = 1,
			.src_qpn = sender,
		};

		rq_complete(fabric, rq, cq_at, &entry, false);
	}
	rq_done(rq);
}

static uint64_t offset(const void *record)
{
	return segment_offset(&host.fabric.segment, record);
}

static void requests_come_out_as_they_went_in(void **state)
{
	struct srq_init init = { .pd = &host.pd, .max_wr = 16, .max_sge = 3 };
	struct shared_sge sge[4] = { { 1, 2, 3 }, { 4, 5, 6 }, { 7, 8, 9 }, { 10, 11, 12 } };
	const struct shared_rqe *request;
	struct srq srq;
	uint32_t async;

	(void)state;
	assert_int_equal(srq_create(&srq, &host.context, &init), 0);
	assert_int_equal(init.max_wr, 16);
	assert_int_equal(srq_post(&srq, 1, sge, 4), -1);
	assert_int_equal(errno, EINVAL);
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t i = 0; i < 16; i++)
			assert_int_equal(srq_post(&srq, 100 * round + i, sge, i % 4), 0);
		assert_int_equal(srq_post(&srq, 0, sge, 1), -1);
		assert_int_equal(errno, ENOMEM);
		for (uint32_t i = 0; i < 16; i++) {
			request = rq_first(&host.fabric, &srq.shared->rq);
			assert_int_equal(request->wr_id, 100 * round + i);
			assert_int_equal(request->sges, i % 4);
			assert_memory_equal(request->sge, sge, i % 4 * sizeof(*sge));
			rq_take(&host.fabric, &srq.shared->rq);
			rq_done(&srq.shared->rq);
		}
		assert_null(rq_first(&host.fabric, &srq.shared->rq));
		rq_done(&srq.shared->rq);
	}
	assert_int_equal(srq_destroy(&srq, &async), 0);
}

static void a_shared_queue_changes_its_size_with_requests_in_it(void **state)
{
	struct srq_init init = { .pd = &host.pd, .max_wr = 4, .max_sge = 1 };
	struct random dice;
	uint64_t posted = 0, taken = 0;
	struct srq srq;
	uint32_t async;

	(void)state;
	random_init(&dice, 1, "srq", 0);
	assert_int_equal(srq_create(&srq, &host.context, &init), 0);
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t size = 1 + (uint32_t)random_below(&dice, 64);
		const struct shared_rqe *request;

		switch (random_below(&dice, 5)) {
		case 0:
			if (srq_resize(&srq, size)) {
				assert_int_equal(errno, EINVAL);
				assert_true(posted - taken > size);
			} else {
				assert_in_range(srq.shared->rq.capacity, size, 2 * size - 1);
				assert_true(posted - taken <= srq.shared->rq.capacity);
			}
			break;
		case 1:
		case 2:
			request = rq_first(&host.fabric, &srq.shared->rq);
			assert_int_equal(request != NULL, posted != taken);
			if (request) {
				assert_int_equal(request->wr_id, taken++);
				rq_take(&host.fabric, &srq.shared->rq);
			}
			rq_done(&srq.shared->rq);
			break;
		default:
			if (srq_post(&srq, posted, NULL, 0))
				assert_int_equal(posted - taken, srq.shared->rq.capacity);
			else
				posted++;
		}
	}
	assert_int_equal(srq_destroy(&srq, &async), 0);
}

static void a_limit_is_told_once_when_fewer_are_left(void **state)
{
	struct srq_init init = { .pd = &host.pd, .max_wr = 8, .max_sge = 1, .handle = 4711 };
	struct srq srq;
	uint64_t handle;
	uint32_t async;

	(void)state;
	assert_int_equal(srq_create(&srq, &host.context, &init), 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(srq_post(&srq, i, NULL, 0), 0);
	assert_int_equal(srq_set_limit(&srq, 9), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(srq_set_limit(&srq, 6), 0);
	for (uint32_t left = 7; left > 0; left--) {
		rq_first(&host.fabric, &srq.shared->rq);
		rq_take(&host.fabric, &srq.shared->rq);
		rq_done(&srq.shared->rq);
		if (left != 5) {
			no_event(&host);
			continue;
		}
		assert_int_equal(next_event(&host, &handle), EVENT_SRQ_LIMIT_REACHED);
		assert_int_equal(handle, 4711);
		assert_int_equal(srq.shared->rq.limit, 0);
	}
	assert_int_equal(srq_destroy(&srq, &async), 0);
	assert_int_equal(async, 1);
}

/* --- senders that are killed --- */

#define SENDERS 2
#define KILLS   2000  /* or as many as go in */
#define ENOUGH  15000 /* ms */
#define DEPTH   64

static struct stage {
	uint32_t qpn;
	_Atomic uint32_t going[SENDERS]; /* as often as a sender has begun */
	_Atomic uint32_t number[SENDERS];
} * stage;

/* Completes what is posted, until it is killed. */
static void send_for_ever(void *arg)
{
	static struct fabric fabric;
	uint32_t self = (uint32_t)(uintptr_t)arg;
	struct err err;

	if (fabric_join(&fabric, lab.path, 0, true, &err))
		_exit(1);
	atomic_store(&stage->number[self], fabric.self);
	atomic_fetch_add(&stage->going[self], 1);
	for (;;) {
		_Atomic uint64_t *section = section_enter(&fabric);
		struct shared_qp *qp = qp_find(&fabric, 0, stage->qpn);

		complete_one(&fabric, &qp->rq, qp->recv_cq_at, self);
		section_leave(section);
	}
}

static pid_t start_sender(uint32_t i)
{
	uint32_t before = atomic_load(&stage->going[i]);
	pid_t pid = child_run(send_for_ever, (void *)(uintptr_t)i);

	while (atomic_load(&stage->going[i]) == before) {
		assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
		usleep(50);
	}
	return pid;
}

/* What the receiver has seen: each request once, in order. */
struct seen {
	uint64_t posted, completed;
};

static void receive(struct end *end, struct seen *seen)
{
	struct shared_cqe entries[16];
	int count = cq_poll(&end->recv_cq, entries, 16);

	assert_in_range(count, 0, 16);
	for (int i = 0; i < count; i++)
		assert_int_equal(entries[i].wr_id, seen->completed++);
	while (seen->posted - seen->completed < DEPTH) {
		assert_int_equal(qp_post_receive(&end->qp, seen->posted, NULL, 0), 0);
		seen->posted++;
	}
}

static void deaths_of_senders_neither_lose_nor_double_a_request(void **state)
{
	struct end_options options = { .type = QP_RC, .depth = DEPTH };
	struct qp_attr attr = { .state = QP_INIT, .port = 1 };
	struct seen seen = { 0 };
	uint32_t holding = 0, deaths = 0;
	int64_t start = clock_ms();
	pid_t pid[SENDERS];
	struct random dice;
	struct end end;

	(void)state;
	random_init(&dice, 2, "kill", 0);
	stage = share(sizeof(*stage));
	end_create(&end, &host, &options);
	assert_int_equal(
		qp_modify(&end.qp, &attr,
			  QP_ATTR_STATE | QP_ATTR_PKEY_INDEX | QP_ATTR_PORT | QP_ATTR_ACCESS_FLAGS),
		0);
	stage->qpn = end.qp.number;
	for (uint32_t i = 0; i < SENDERS; i++)
		pid[i] = start_sender(i);
	while (deaths < KILLS && (!holding || clock_ms() - start < ENOUGH)) {
		uint32_t victim = (uint32_t)random_below(&dice, SENDERS);
		int64_t until = clock_ns(CLOCK_MONOTONIC) + (int64_t)random_below(&dice, 300000);

		do
			receive(&end, &seen);
		while (clock_ns(CLOCK_MONOTONIC) < until);
		kill(pid[victim], SIGKILL);
		assert_int_equal(waitpid(pid[victim], NULL, 0), pid[victim]);
		holding += atomic_load(&end.qp.shared->rq.lock.owner) ==
			   atomic_load(&stage->number[victim]) + 1;
		deaths++;
		pid[victim] = start_sender(victim);
	}
	for (uint32_t i = 0; i < SENDERS; i++) {
		kill(pid[i], SIGKILL);
		assert_int_equal(waitpid(pid[i], NULL, 0), pid[i]);
	}
	/* all that is left is completed by us */
	while (atomic_load(&end.qp.shared->rq.posted) != atomic_load(&end.qp.shared->rq.taken))
		complete_one(&host.fabric, &end.qp.shared->rq, offset(end.recv_cq.shared), 99);
	while (seen.completed < seen.posted) {
		struct shared_cqe entry = cq_next(&end.recv_cq);

		assert_int_equal(entry.wr_id, seen.completed++);
	}
	cq_empty(&end.recv_cq);
	/* it was worth it: some died with the queue locked */
	assert_in_range(holding, 1, KILLS);
	print_message("%u killed, %u with the queue locked, %llu requests\n", deaths, holding,
		      (unsigned long long)seen.completed);
	end_destroy(&end);
}

/* --- one sender, stopped at the worst places --- */

static bool committed; /* it dies before or behind the last store */

static void stop_half_way(void *arg)
{
	static struct fabric fabric;
	struct shared_cqe *ring;
	struct shared_qp *qp;
	struct shared_cq *cq;
	struct err err;

	(void)arg;
	if (fabric_join(&fabric, lab.path, 0, true, &err))
		_exit(1);
	qp = qp_find(&fabric, 0, stage->qpn);
	rq_first(&fabric, &qp->rq);
	cq = segment_at(&fabric.segment, qp->recv_cq_at);
	lock_take(&fabric, &cq->lock, fabric.self);
	atomic_store(&qp->rq.completing_cq_at, qp->recv_cq_at);
	cq->commit_position = 1;
	cq->commit_value = 1;
	atomic_store(&cq->commit_at, segment_offset(&fabric.segment, &qp->rq.taken));
	ring = segment_at(&fabric.segment, atomic_load(&cq->ring_at));
	ring[0] = (struct shared_cqe){ .wr_id = 55, .receive = 1 };
	if (committed)
		atomic_store(&cq->produced, 1);
	atomic_store(&stage->number[0], fabric.self);
	atomic_store(&stage->going[0], 1);
	for (;;)
		pause();
}

static void die_half_way(struct cq *cq, struct qp *qp)
{
	struct qp_attr attr = { .state = QP_INIT, .port = 1 };
	pid_t pid;

	stage = share(sizeof(*stage));
	stage->qpn = qp->number;
	assert_int_equal(
		qp_modify(qp, &attr,
			  QP_ATTR_STATE | QP_ATTR_PKEY_INDEX | QP_ATTR_PORT | QP_ATTR_ACCESS_FLAGS),
		0);
	assert_int_equal(qp_post_receive(qp, 55, NULL, 0), 0);
	assert_int_equal(qp_post_receive(qp, 56, NULL, 0), 0);
	cq_arm(cq, false);
	pid = child_run(stop_half_way, NULL);
	while (!atomic_load(&stage->going[0]))
		usleep(50);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fabric_reap(&host.fabric, atomic_load(&stage->number[0]));
}

static void check_death(bool behind)
{
	struct qp_init init = { .type = QP_RC, .pd = &host.pd, .max_recv_wr = 8 };
	struct comp_channel channel;
	uint32_t events, async;
	struct pollfd poller;
	struct cq cq;
	struct qp qp;

	committed = behind;
	assert_int_equal(comp_channel_create(&channel, &host.context), 0);
	assert_int_equal(cq_create(&cq, &host.context, 16, &channel, 1), 0);
	init.send_cq = init.recv_cq = &cq;
	assert_int_equal(qp_create(&qp, &host.context, &init), 0);
	die_half_way(&cq, &qp);
	/* whoever sleeps until a completion is woken for it */
	poller = (struct pollfd){ .fd = channel.fd, .events = POLLIN };
	assert_int_equal(poll(&poller, 1, 0), behind);
	/* the next sender goes on behind it, or with the same request */
	complete_one(&host.fabric, &qp.shared->rq, offset(cq.shared), 1);
	assert_int_equal(cq_next(&cq).wr_id, 55);
	if (behind)
		assert_int_equal(cq_next(&cq).wr_id, 56);
	cq_empty(&cq);
	assert_int_equal(atomic_load(&qp.shared->rq.taken), behind ? 2 : 1);
	assert_int_equal(qp_destroy(&qp, &async), 0);
	assert_int_equal(cq_destroy(&cq, &events, &async), 0);
	assert_int_equal(comp_channel_destroy(&channel), 0);
}

static void who_dies_behind_the_completion_has_made_it(void **state)
{
	(void)state;
	check_death(true);
}

static void who_dies_before_the_completion_has_done_nothing(void **state)
{
	(void)state;
	check_death(false);
}

#define test_with(name) cmocka_unit_test_setup_teardown(name, onehost_open, onehost_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with(requests_come_out_as_they_went_in),
		test_with(a_shared_queue_changes_its_size_with_requests_in_it),
		test_with(a_limit_is_told_once_when_fewer_are_left),
		test_with(who_dies_behind_the_completion_has_made_it),
		test_with(who_dies_before_the_completion_has_done_nothing),
		test_with(deaths_of_senders_neither_lose_nor_double_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
