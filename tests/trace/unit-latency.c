/* SPDX-License-Identifier: Apache-2.0 */
/* unit-latency.c - when sends were posted that are only counted, against a plain list
 *
 * Requests of a queue complete in the order in which they were posted.  What the module says
 * of a completion is the time of its request, or 0 where it does not know it; never that
 * of another one.
 */
#include "clock.h"
#include "filter.h"
#include "latency.h"
#include "steplib.h"
#include "traced.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QPN      0x101U
#define FILTERED 0x999U /* of which filter.h says that its requests are recorded */
#define ROUNDS   200000

/* --- what it asks others --- */

static struct ibv_context known, unknown;
static struct traced_context traced = { .context = &known, .number = 3 };
struct traced_context *traced_recent = &traced;

struct traced_context *traced_context_find(const struct ibv_context *context)
{
	return context == &known ? &traced : NULL;
}

bool filter_counts(uint32_t qpn)
{
	return qpn != FILTERED;
}

/* --- a queue pair, and the list of what is outstanding on it --- */

struct request {
	uint64_t wr_id, time;
	bool completes; /* by itself */
};

static struct ibv_qp qp;
static struct latency_pair *pair;
static struct {
	struct request *request;
	size_t first, count, room;
} list;
static uint64_t now; /* even, as the lowest bit of a time is not kept */

static void make_qp(struct ibv_qp *made, uint32_t qpn, bool all_signaled, uint32_t depth)
{
	*made = (struct ibv_qp){ .context = &known, .qp_num = qpn };
	latency_made(made, all_signaled, depth);
}

static void make(bool all_signaled, uint32_t depth)
{
	make_qp(&qp, QPN, all_signaled, depth);
	pair = latency_find(3, QPN);
	assert_non_null(pair);
	list.first = list.count = 0;
	now = 1000;
}

static int tear_down(void **state)
{
	(void)state;
	latency_forget(latency_mark(&qp));
	free(list.request);
	memset(&list, 0, sizeof(list));
	return 0;
}

static void remember(uint64_t wr_id, bool completes)
{
	if (list.count == list.room) {
		list.room = list.room ? 2 * list.room : 1024;
		list.request = realloc(list.request, list.room * sizeof(*list.request));
		assert_non_null(list.request);
	}
	list.request[list.count++] = (struct request){ wr_id, now, completes };
}

static void post(uint64_t wr_id, bool signaled)
{
	now += 2;
	latency_post(pair, wr_id, signaled, now);
	remember(wr_id, signaled);
}

/* The oldest that completes, with the unsignaled ones before it; NULL: there is none. */
static const struct request *next_completion(void)
{
	while (list.first < list.count && !list.request[list.first].completes)
		list.first++;
	return list.first < list.count ? &list.request[list.first++] : NULL;
}

static void ends_exactly(void)
{
	const struct request *request = next_completion();

	assert_non_null(request);
	assert_int_equal(latency_end(pair, request->wr_id, false), request->time);
}

static void ends_unknown(void)
{
	const struct request *request = next_completion();

	assert_non_null(request);
	assert_int_equal(latency_end(pair, request->wr_id, false), 0);
}

/* What comes from here on is measured: with wr_ids that differ, and with one for all. */
static void is_in_step(void)
{
	while (next_completion())
		continue;
	for (uint64_t round = 0; round < 3000; round++) {
		post(round & 1024 ? 1 : 1000000 + round, true);
		if (round % 10 >= 3)
			ends_exactly();
		if (round % 10 == 9)
			for (int i = 0; i < 3; i++)
				ends_exactly();
	}
}

/* --- one thread --- */

static void knows_when_a_request_was_posted(void **state)
{
	(void)state;
	make(false, 16);
	for (uint64_t i = 0; i < 10000; i++) {
		post(i, true);
		ends_exactly();
	}
	is_in_step();
}

static void is_the_list_at_random(void **state)
{
	uint32_t outstanding = 0;

	(void)state;
	srand(7);
	make(false, 128);
	for (int i = 0; i < ROUNDS; i++) {
		const struct request *request;

		if (outstanding < 128 && rand() % 2) {
			post((uint64_t)rand() % 5, rand() % 3 != 0);
			outstanding++;
			continue;
		}
		request = next_completion();
		if (request)
			assert_int_equal(latency_end(pair, request->wr_id, false), request->time);
		outstanding = (uint32_t)(list.count - list.first);
	}
}

static void unsignaled_requests_end_with_a_later_one(void **state)
{
	(void)state;
	make(false, 64);
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < 9; k++)
			post(5, false);
		post(5, true);
		ends_exactly();
	}
}

static void a_queue_may_signal_all_of_them(void **state)
{
	(void)state;
	make(true, 16);
	for (uint64_t i = 0; i < 100; i++) {
		now += 2;
		latency_post(pair, i, false, now);
		assert_int_equal(latency_end(pair, i, false), now);
	}
}

/* Those that are too many at once are the oldest. */
static void leaves_out_the_oldest_of_too_many(void **state)
{
	(void)state;
	for (uint32_t same = 0; same < 2; same++)
		for (uint32_t more = 1; more < 3000; more = 3 * more + 1) {
			make(false, 100000);
			for (uint32_t i = 0; i < LATENCY_MOST + more; i++)
				post(same ? 7 : i, true);
			for (uint32_t i = 0; i < more; i++)
				ends_unknown();
			for (uint32_t i = 0; i < LATENCY_MOST; i++)
				ends_exactly();
			is_in_step();
		}
}

static void has_room_for_what_the_queue_can_have(void **state)
{
	(void)state;
	for (uint32_t depth = 1; depth <= LATENCY_MOST; depth = depth * 2 + 1) {
		make(false, depth);
		for (uint32_t i = 0; i < depth; i++)
			post(7, true);
		for (uint32_t i = 0; i < depth; i++)
			ends_exactly();
	}
}

static void what_was_refused_is_not_outstanding(void **state)
{
	struct ibv_send_wr wr[4];

	(void)state;
	make(false, 64);
	for (uint32_t bad = 0; bad < 4; bad++)
		for (uint32_t i = 0; i < 1000; i++) {
			now += 2;
			for (uint32_t k = 0; k < 4; k++)
				wr[k] = (struct ibv_send_wr){
					.wr_id = i % 2 ? 7 : k,
					.next = k < 3 ? &wr[k + 1] : NULL,
					.send_flags = k == 1 ? 0 : IBV_SEND_SIGNALED,
				};
			latency_post_list(pair, wr, now);
			for (uint32_t k = 0; k < bad; k++)
				remember(wr[k].wr_id, k != 1);
			latency_refuse_list(pair, &wr[bad], now);
			if (bad > 2)
				ends_exactly();
			if (bad)
				ends_exactly();
		}
	is_in_step();
}

static void one_that_failed_is_taken_out_and_not_measured(void **state)
{
	(void)state;
	make(false, 64);
	for (int i = 0; i < 100; i++) {
		post(1, false);
		post(2, true);
		post(3, true);
		/* an error is always told of, also where no completion was asked for */
		assert_int_equal(latency_end(pair, 1, true), 0);
		list.first++;
		assert_int_equal(latency_end(pair, 2, true), 0);
		assert_non_null(next_completion());
		ends_exactly();
	}
	is_in_step();
}

static void nothing_is_outstanding_after_a_reset(void **state)
{
	(void)state;
	make(false, 64);
	for (uint64_t i = 0; i < 50; i++)
		post(7, true);
	latency_reset(&qp);
	list.first = list.count;
	is_in_step();
	for (uint64_t i = 0; i < 50; i++)
		post(7, true);
	latency_child();
	list.first = list.count;
	is_in_step();
}

/* --- queue pairs --- */

static void not_all_queue_pairs_are_measured(void **state)
{
	struct ibv_qp other;

	(void)state;
	make(false, 16);
	assert_null(latency_find(3, QPN + 1));
	assert_null(latency_find(4, QPN));
	assert_null(latency_find(3, 0)); /* who posted is not known */
	make_qp(&other, FILTERED, false, 16);
	assert_null(latency_find(3, FILTERED));
	other = (struct ibv_qp){ .context = &unknown, .qp_num = 0x777 };
	latency_made(&other, false, 16);
	assert_null(latency_find(3, 0x777));
	latency_post_list(NULL, NULL, 1);
	assert_null(latency_mark(&other).pair);
	latency_forget(latency_mark(&other));
	latency_reset(&other);
}

static void tells_many_queue_pairs_apart(void **state)
{
	enum { PAIRS = 5000 };
	static struct ibv_qp many[PAIRS];

	(void)state;
	make(false, 16);
	for (uint32_t i = 0; i < PAIRS; i++)
		make_qp(&many[i], 0x10000 + i, false, 16);
	for (uint32_t i = 0; i < PAIRS; i++)
		latency_post(latency_find(3, 0x10000 + i), 1, true, 2 * i + 2);
	for (uint32_t i = 0; i < PAIRS; i++)
		assert_int_equal(latency_end(latency_find(3, 0x10000 + i), 1, false), 2 * i + 2);
	for (uint32_t i = 0; i < PAIRS; i++) {
		latency_forget(latency_mark(&many[i]));
		assert_null(latency_find(3, 0x10000 + i));
	}
	is_in_step();
}

static void a_number_that_is_used_again_is_another_queue_pair(void **state)
{
	struct latency_mark mark;
	struct ibv_qp again;

	(void)state;
	make(false, 16);
	post(1, true);
	mark = latency_mark(&qp);
	make_qp(&again, QPN, false, 300); /* before the first one is forgotten */
	latency_forget(mark);
	pair = latency_find(3, QPN);
	assert_non_null(pair);
	assert_int_equal(latency_end(pair, 1, false), 0);
	list.first = list.count;
	make(false, 300);
	is_in_step();
}

/* --- a signal handler amid its own thread's request --- */

static uint64_t wr_id_of_handler, time_of_handler, got, got_in_handler;
static const struct request *ending, *ending_in_handler;

static void post_here(void)
{
	latency_post(pair, list.request[list.count - 1].wr_id, true, now);
}

static void post_in_handler(void)
{
	latency_post(pair, wr_id_of_handler, true, time_of_handler);
}

static void end_here(void)
{
	got = latency_end(pair, ending->wr_id, false);
}

static void end_in_handler(void)
{
	got_in_handler = latency_end(pair, ending_in_handler->wr_id, false);
}

static void need_steps(void)
{
	make(false, 64);
	post(1, true);
	ending = next_completion();
	if (!steps_work(end_here))
		skip();
}

/* Three are outstanding; SAME: their wr_ids do not differ. */
static void begin_round(bool same)
{
	make(false, 64);
	for (uint64_t i = 0; i < 3; i++)
		post(same ? 7 : 100 + i, true);
}

static void is_known_or_not(uint64_t measured, const struct request *request, bool same)
{
	/* with one wr_id two that were posted at once cannot be told apart */
	if (measured && !(same && request->time + 2 == measured) &&
	    !(same && request->time == measured + 2))
		assert_int_equal(measured, request->time);
}

/* All that are left: at most one of them is not measured. */
static void end_round(bool same, uint32_t unknowns)
{
	const struct request *request;

	while ((request = next_completion())) {
		uint64_t measured = latency_end(pair, request->wr_id, false);

		unknowns += !measured;
		is_known_or_not(measured, request, same);
	}
	assert_in_range(unknowns, 0, 1);
	is_in_step();
}

/* What the handler has posted is in the queue before what its thread is about to post. */
static void goes_first(void)
{
	struct request *last;

	remember(wr_id_of_handler, true);
	last = &list.request[list.count - 1];
	last[0] = last[-1];
	last[-1] = (struct request){ wr_id_of_handler, time_of_handler, true };
}

static void a_handler_posts_amid_a_post(void **state)
{
	bool more = true;

	(void)state;
	need_steps();
	for (int same = 0; same < 2; same++)
		for (long at = 1; more || at == 1; at = step_next(at)) {
			begin_round(same);
			now += 2;
			remember(same ? 7 : 200, true);
			wr_id_of_handler = same ? 7 : 201;
			time_of_handler = now + 2;
			more = step(post_here, at, post_in_handler);
			now += 2;
			if (more)
				goes_first();
			end_round(same, 0);
		}
}

static void a_handler_posts_amid_the_end_of_another_one(void **state)
{
	bool more = true;

	(void)state;
	need_steps();
	for (int same = 0; same < 2; same++)
		for (long at = 1; more || at == 1; at = step_next(at)) {
			begin_round(same);
			ending = next_completion();
			now += 2;
			wr_id_of_handler = same ? 7 : 201;
			time_of_handler = now;
			more = step(end_here, at, post_in_handler);
			if (more)
				remember(wr_id_of_handler, true);
			assert_int_equal(got, ending->time);
			end_round(same, 0);
		}
}

static void a_handler_polls_amid_a_post(void **state)
{
	bool more = true;

	(void)state;
	need_steps();
	for (int same = 0; same < 2; same++)
		for (long at = 1; more || at == 1; at = step_next(at)) {
			begin_round(same);
			now += 2;
			remember(same ? 7 : 200, true);
			ending_in_handler = &list.request[list.first];
			more = step(post_here, at, end_in_handler);
			if (more) {
				is_known_or_not(got_in_handler, next_completion(), false);
				end_round(same, !got_in_handler);
			} else {
				end_round(same, 0);
			}
		}
}

/* The handler has taken the completion that comes after its thread's. */
static void a_handler_polls_amid_the_end_of_another_one(void **state)
{
	bool more = true;

	(void)state;
	need_steps();
	for (int same = 0; same < 2; same++)
		for (long at = 1; more || at == 1; at = step_next(at)) {
			begin_round(same);
			ending = next_completion();
			ending_in_handler = &list.request[list.first];
			more = step(end_here, at, end_in_handler);
			is_known_or_not(got, ending, same);
			if (!more) {
				end_round(same, !got);
				continue;
			}
			is_known_or_not(got_in_handler, next_completion(), same);
			end_round(same, !got + !got_in_handler);
		}
}

/* --- two threads --- */

static _Atomic uint64_t posted, ended;

static uint64_t time_of(uint64_t number)
{
	return 2 * number + 1000;
}

static void *post_many(void *arg)
{
	(void)arg;
	for (uint64_t i = 0; i < ROUNDS; i++) {
		while (i - ended >= 64)
			clock_rest(1);
		latency_post(pair, i, true, time_of(i));
		posted = i + 1;
	}
	return NULL;
}

static void a_thread_posts_while_another_one_polls(void **state)
{
	uint64_t known_times = 0, time;
	pthread_t thread;

	(void)state;
	make(false, 64);
	posted = ended = 0;
	assert_int_equal(pthread_create(&thread, NULL, post_many, NULL), 0);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		while (posted <= i)
			clock_rest(1);
		time = latency_end(pair, i, false);
		if (time)
			assert_int_equal(time, time_of(i));
		known_times += !!time;
		ended = i + 1;
	}
	pthread_join(thread, NULL);
	assert_true(known_times > 0);
	now = time_of(ROUNDS);
	is_in_step();
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(knows_when_a_request_was_posted),
		CASE(is_the_list_at_random),
		CASE(unsignaled_requests_end_with_a_later_one),
		CASE(a_queue_may_signal_all_of_them),
		CASE(leaves_out_the_oldest_of_too_many),
		CASE(has_room_for_what_the_queue_can_have),
		CASE(what_was_refused_is_not_outstanding),
		CASE(one_that_failed_is_taken_out_and_not_measured),
		CASE(nothing_is_outstanding_after_a_reset),
		CASE(not_all_queue_pairs_are_measured),
		CASE(tells_many_queue_pairs_apart),
		CASE(a_number_that_is_used_again_is_another_queue_pair),
		CASE(a_handler_posts_amid_a_post),
		CASE(a_handler_posts_amid_the_end_of_another_one),
		CASE(a_handler_polls_amid_a_post),
		CASE(a_handler_polls_amid_the_end_of_another_one),
		CASE(a_thread_posts_while_another_one_polls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
