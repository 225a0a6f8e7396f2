/* SPDX-License-Identifier: Apache-2.0 */
/* Completions and events through the verbs' own interface, as a program of libibverbs
 * sees them.
 */
#include "preloaded.h"
#include "clock.h"
#include "verbslib.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

/* --- events --- */

static void send_empty(struct two *t, int flags)
{
	struct ibv_wc wc;

	post_receive(t->b, 1, 0);
	assert_int_equal(post(t, &(struct ibv_send_wr){ .opcode = IBV_WR_SEND,
							.send_flags = flags | IBV_SEND_SIGNALED }),
			 0);
	poll_one(t, t->send_cq, &wc);
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) == 1;
}

static void an_event_comes_once_for_each_time_it_is_asked_for(void **state)
{
	struct ibv_cq *cq;
	struct two t;
	void *cq_context;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	send_empty(&t, 0);
	assert_false(is_readable(t.channel->fd));
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 0), 0);
	assert_false(is_readable(t.channel->fd));
	send_empty(&t, 0);
	send_empty(&t, 0);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), 0);
	assert_ptr_equal(cq, t.recv_cq);
	assert_false(is_readable(t.channel->fd));
	/* solicited only */
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 1), 0);
	send_empty(&t, 0);
	assert_false(is_readable(t.channel->fd));
	send_empty(&t, IBV_SEND_SOLICITED);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), 0);
	ibv_ack_cq_events(cq, 2);
	/* and nothing blocks a program that asked not to be blocked */
	assert_int_equal(fcntl(t.channel->fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(ibv_destroy_comp_channel(t.channel), EBUSY);
	two_destroy(&t);
}

static _Atomic bool acknowledged;

static void *destroy_cq(void *cq)
{
	int rc = ibv_destroy_cq(cq);

	return (void *)(intptr_t)(rc ? rc : acknowledged ? 0 : -1);
}

static void destruction_waits_for_acknowledgement(void **state)
{
	pthread_t thread;
	struct ibv_cq *cq;
	void *cq_context, *rc;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 0), 0);
	send_empty(&t, 0);
	assert_int_equal(ibv_get_cq_event(t.channel, &cq, &cq_context), 0);
	/* one that nobody has read goes away with its queue */
	assert_int_equal(ibv_req_notify_cq(t.recv_cq, 0), 0);
	send_empty(&t, 0);
	assert_true(is_readable(t.channel->fd));
	assert_int_equal(ibv_destroy_cq(t.recv_cq), EBUSY);
	assert_int_equal(ibv_destroy_qp(t.a), 0);
	assert_int_equal(ibv_destroy_qp(t.b), 0);
	acknowledged = false;
	assert_int_equal(pthread_create(&thread, NULL, destroy_cq, t.recv_cq), 0);
	while (is_readable(t.channel->fd))
		clock_rest(1);
	acknowledged = true;
	ibv_ack_cq_events(t.recv_cq, 1);
	assert_int_equal(pthread_join(thread, &rc), 0);
	assert_int_equal((intptr_t)rc, 0);
	assert_int_equal(ibv_destroy_cq(t.send_cq), 0);
	assert_int_equal(ibv_destroy_comp_channel(t.channel), 0);
}

static void a_shared_queue_tells_once_that_it_runs_low(void **state)
{
	struct ibv_srq_init_attr init = { .attr = { .max_wr = DEPTH, .max_sge = 1 } };
	struct ibv_srq_attr attr = { .srq_limit = 3 };
	struct ibv_srq *srq = ibv_create_srq(pd, &init);
	struct ibv_recv_wr wr = { 0 }, *bad;
	struct ibv_async_event event;
	struct ibv_wc wc;
	struct two t;

	(void)state;
	assert_non_null(srq);
	two_create(&t, IBV_QPT_RC, PLAIN);
	assert_int_equal(ibv_destroy_qp(t.b), 0);
	t.b = create_qp(&t, srq);
	assert_int_equal(ibv_destroy_qp(t.a), 0);
	t.a = create_qp(&t, NULL);
	connect_to(t.a, t.b->qp_num);
	connect_to(t.b, t.a->qp_num);
	assert_int_not_equal(ibv_post_recv(t.b, &wr, &bad), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(ibv_post_srq_recv(srq, &wr, &bad), 0);
	assert_int_equal(ibv_modify_srq(srq, &attr, IBV_SRQ_LIMIT), 0);
	assert_int_equal(ibv_query_srq(srq, &attr), 0);
	assert_int_equal(attr.srq_limit, 3);
	assert_true(attr.max_wr >= DEPTH);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(post(&t, &(struct ibv_send_wr){ .opcode = IBV_WR_SEND }), 0);
		poll_one(&t, t.recv_cq, &wc);
		assert_int_equal(is_readable(context->async_fd), i >= 1);
	}
	assert_int_equal(ibv_get_async_event(context, &event), 0);
	assert_int_equal(event.event_type, IBV_EVENT_SRQ_LIMIT_REACHED);
	assert_ptr_equal(event.element.srq, srq);
	assert_false(is_readable(context->async_fd));
	ibv_ack_async_event(&event);
	assert_int_equal(ibv_query_srq(srq, &attr), 0);
	assert_int_equal(attr.srq_limit, 0);
	two_destroy(&t);
	assert_int_equal(ibv_destroy_srq(srq), 0);
}

/* --- errors --- */

static void what_is_posted_is_flushed_in_order(void **state)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct ibv_wc wc;
	struct two t;

	(void)state;
	for (enum api api = PLAIN; api <= EXTENDED; api++) {
		two_create(&t, IBV_QPT_RC, api);
		for (int i = 0; i < 5; i++)
			post_receive(t.a, 50 + i, 8);
		assert_int_equal(ibv_modify_qp(t.a, &attr, IBV_QP_STATE), 0);
		assert_int_equal(t.a->state, IBV_QPS_ERR);
		for (int i = 0; i < 5; i++) {
			poll_one(&t, t.recv_cq, &wc);
			assert_int_equal(wc.wr_id, 50 + i);
			assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
			assert_int_equal(wc.qp_num, t.a->qp_num);
		}
		/* and what is posted from now on */
		post_receive(t.a, 60, 8);
		poll_one(&t, t.recv_cq, &wc);
		assert_int_equal(wc.wr_id, 60);
		assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
		assert_int_equal(write_some(&t, 61, 0), 0);
		poll_one(&t, t.send_cq, &wc);
		assert_int_equal(wc.wr_id, 61);
		assert_int_equal(wc.status, IBV_WC_WR_FLUSH_ERR);
		two_destroy(&t);
	}
}

/* --- small ones --- */

static void an_enhanced_connection_has_no_options(void **state)
{
	struct ibv_ece ece, other = { .vendor_id = 1 };
	struct two t;
	struct ibv_qp *qp;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	qp = create_qp(&t, NULL);
	assert_int_equal(ibv_query_ece(qp, &ece), 0);
	assert_int_not_equal(ece.vendor_id, 0);
	assert_int_equal(ibv_set_ece(qp, &other), EINVAL);
	ece.options = UINT32_MAX;
	assert_int_equal(ibv_set_ece(qp, &ece), 0);
	assert_int_equal(ibv_query_ece(qp, &ece), 0);
	assert_int_equal(ece.options, 0);
	ece.comp_mask = 1;
	assert_int_equal(ibv_set_ece(qp, &ece), EINVAL);
	ece = (struct ibv_ece){ 0 };
	assert_int_equal(ibv_set_ece(qp, &ece), EOPNOTSUPP);
	assert_int_equal(ibv_query_qp_data_in_order(qp, IBV_WR_RDMA_WRITE, 0), 0);
	assert_int_equal(ibv_destroy_qp(qp), 0);
	two_destroy(&t);
}

static void completions_say_when_they_were(void **state)
{
	struct ibv_poll_cq_attr attr = { 0 };
	struct ibv_values_ex values = { .comp_mask = IBV_VALUES_MASK_RAW_CLOCK };
	int64_t wall, last = 0, lastwall = 0;
	struct ibv_cq_ex *cq;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, EXTENDED);
	cq = (struct ibv_cq_ex *)t.send_cq;
	assert_int_equal(ibv_query_rt_values_ex(context, &values), 0);
	last = (int64_t)values.raw_clock.tv_sec * 1000000000 + values.raw_clock.tv_nsec;
	lastwall = clock_of(CLOCK_REALTIME) - 1000000;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(write_some(&t, i, IBV_SEND_SIGNALED), 0);
		while (ibv_start_poll(cq, &attr))
			;
		assert_true((int64_t)ibv_wc_read_completion_ts(cq) >= last);
		last = (int64_t)ibv_wc_read_completion_ts(cq);
		wall = (int64_t)ibv_wc_read_completion_wallclock_ns(cq);
		assert_true(wall >= lastwall && wall < clock_of(CLOCK_REALTIME) + 1000000);
		lastwall = wall;
		/* not asked for */
		assert_int_equal(ibv_wc_read_flow_tag(cq), 0);
		assert_int_equal(ibv_next_poll(cq), ENOENT);
		ibv_end_poll(cq);
	}
	two_destroy(&t);
}

static void completions_are_kept_when_their_queue_is_resized(void **state)
{
	struct ibv_wc wc;
	struct two t;

	(void)state;
	two_create(&t, IBV_QPT_RC, PLAIN);
	for (int i = 0; i < DEPTH; i++)
		assert_int_equal(write_some(&t, i, IBV_SEND_SIGNALED), 0);
	assert_int_equal(ibv_resize_cq(t.send_cq, DEPTH / 2), EINVAL);
	assert_int_equal(ibv_resize_cq(t.send_cq, 1000), 0);
	assert_true(t.send_cq->cqe >= 1000);
	for (int i = 0; i < DEPTH; i++) {
		poll_one(&t, t.send_cq, &wc);
		assert_int_equal(wc.wr_id, i);
	}
	two_destroy(&t);
}

/* --- threads --- */

#define THREADS 4
#define EACH    2000

static struct two shared;
static _Atomic uint32_t polled;

/* Post, and poll whosever completions there are. */
static void *post_and_poll(void *arg)
{
	int posted = 0;
	struct ibv_wc wc;

	while (polled < THREADS * EACH) {
		if (posted < EACH) {
			int rc = write_some(&shared, (uintptr_t)arg, IBV_SEND_SIGNALED);

			if (rc && rc != ENOMEM)
				return (void *)1;
			posted += !rc;
		}
		if (poll_once(&shared, shared.send_cq, &wc)) {
			if (wc.status)
				return (void *)2;
			polled++;
		}
	}
	return NULL;
}

static void threads_share_a_queue_pair(void **state)
{
	(void)state;
	for (enum api api = PLAIN; api <= EXTENDED; api++) {
		pthread_t thread[THREADS];
		struct ibv_wc wc;

		two_create(&shared, IBV_QPT_RC, api);
		polled = 0;
		for (uintptr_t i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(thread + i, NULL, post_and_poll, (void *)i),
					 0);
		for (int i = 0; i < THREADS; i++) {
			void *rc;

			assert_int_equal(pthread_join(thread[i], &rc), 0);
			assert_null(rc);
		}
		assert_int_equal(polled, THREADS * EACH);
		assert_int_equal(poll_once(&shared, shared.send_cq, &wc), 0);
		two_destroy(&shared);
	}
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_comes_once_for_each_time_it_is_asked_for),
		cmocka_unit_test(destruction_waits_for_acknowledgement),
		cmocka_unit_test(a_shared_queue_tells_once_that_it_runs_low),
		cmocka_unit_test(what_is_posted_is_flushed_in_order),
		cmocka_unit_test(an_enhanced_connection_has_no_options),
		cmocka_unit_test(completions_say_when_they_were),
		cmocka_unit_test(completions_are_kept_when_their_queue_is_resized),
		cmocka_unit_test(threads_share_a_queue_pair),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}

int main(int argc, char **argv)
{
	(void)argc;
	return preloaded(argv, LIBNETEMU, "device=emulated,link_layer=ib", run);
}
