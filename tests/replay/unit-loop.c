/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* A chain: each timer sets itself STEP later, LEFT times. */
struct chain {
	struct loop_timer timer;
	struct loop *loop;
	int64_t step, due, fired; /* of the last time */
	int left;
};

static void go_on(struct loop_timer *timer, int64_t due)
{
	struct chain *chain = (struct chain *)timer;

	chain->due = due;
	chain->fired = loop_now(chain->loop);
	if (--chain->left)
		assert_int_equal(loop_at(chain->loop, timer, due + chain->step), 0);
	else
		loop_stop(chain->loop);
}

static void virtual_time_is_that_of_the_timer(void **state)
{
	struct err err;
	struct loop loop;
	struct chain chain = { .timer.fire = go_on, .loop = &loop, .step = 7, .left = 1000 };

	(void)state;
	loop_init(&loop, NULL);
	loop_start(&loop);
	assert_int_equal(loop_now(&loop), 0);
	loop_at(&loop, &chain.timer, 7);
	assert_int_equal(loop_run(&loop, &err), 0);
	assert_int_equal(chain.fired, 7000);
	assert_int_equal(loop_now(&loop), 7000);
	loop_release(&loop);
}

static void a_virtual_run_ends_without_timers(void **state)
{
	struct err err;
	struct loop loop;

	(void)state;
	loop_init(&loop, NULL);
	loop_start(&loop);
	assert_int_equal(loop_run(&loop, &err), 0);
	loop_release(&loop);
}

/* A clock that goes on only while somebody rests, and then LATE more than asked for. */
struct slow {
	int64_t now, late;
};

static int64_t slow_now(void *arg)
{
	return ((struct slow *)arg)->now;
}

static void slow_rest(void *arg, int64_t ns)
{
	struct slow *slow = arg;

	slow->now += ns + slow->late;
}

static void lateness_does_not_add_up(void **state)
{
	struct slow slow = { .now = 12345, .late = 100000 };
	const struct loop_clock clock = { slow_now, slow_rest, &slow };
	struct err err;
	struct loop loop;
	struct chain chain = { .timer.fire = go_on, .loop = &loop, .step = 1000000, .left = 100 };

	(void)state;
	loop_init(&loop, &clock);
	loop.spin = 0;
	loop_start(&loop);
	loop_at(&loop, &chain.timer, 1000000);
	/* Rests that end exactly on time would never come to the spinning part. */
	assert_int_equal(loop_run(&loop, &err), 0);
	assert_int_equal(chain.due, 100000000);
	assert_true(chain.fired >= 100000000);
	assert_true(chain.fired <= 100000000 + slow.late);
	assert_true((int64_t)loop.late.max <= slow.late);
	assert_int_equal(loop.late.count, 100);
	loop_release(&loop);
}

/* The same, and looking at it takes a while, as spinning does. */
static int64_t ticking_now(void *arg)
{
	return ((struct slow *)arg)->now += 100;
}

/* How late a rest ends is learned from the first ones. */
static void gaps_end_on_time_where_rests_end_late(void **state)
{
	struct slow slow = { .now = 12345, .late = 60000 };
	const struct loop_clock clock = { ticking_now, slow_rest, &slow };
	struct err err;
	struct loop loop;
	struct chain chain = { .timer.fire = go_on, .loop = &loop, .step = 1000000, .left = 100 };

	(void)state;
	loop_init(&loop, &clock);
	loop_start(&loop);
	loop_at(&loop, &chain.timer, 1000000);
	assert_int_equal(loop_run(&loop, &err), 0);
	assert_int_equal(loop.late.count, 100);
	assert_true((int64_t)loop.late.max <= slow.late);
	assert_true(histogram_percentile(&loop.late, 95) < 1000);
	loop_release(&loop);
}

/* A network that has something at COMES. */
struct quiet {
	struct slow slow;
	int64_t comes, longest;
	int polls;
	struct loop *loop;
};

static void quiet_rest(void *arg, int64_t ns)
{
	struct quiet *quiet = arg;

	quiet->slow.now += ns;
	if (ns > quiet->longest)
		quiet->longest = ns;
}

static int quiet_poll(void *arg, struct err *err)
{
	struct quiet *quiet = arg;

	(void)err;
	quiet->polls++;
	quiet->slow.now += 100;
	if (quiet->slow.now < quiet->comes)
		return 0;
	loop_stop(quiet->loop);
	return 1;
}

/* It is noticed late by a share of how long it was waited for; who waits for nothing looks
 * now and then.
 */
static void what_is_to_come_is_asked_for_more_often(void **state)
{
	static const int64_t comes[] = { 20000, 100000, 1000000, 10000000, 1000000000 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(comes) / sizeof(comes[0]); i++) {
		int polls[2];

		for (uint64_t open = 0; open < 2; open++) {
			struct loop loop;
			struct quiet quiet = { .comes = comes[i], .loop = &loop };
			const struct loop_clock clock = { slow_now, quiet_rest, &quiet };

			loop_init(&loop, &clock);
			loop.poll = quiet_poll;
			loop.poll_arg = &quiet;
			loop.open = open;
			loop_start(&loop);
			assert_int_equal(loop_run(&loop, &err), 0);
			polls[open] = quiet.polls;
			if (open)
				assert_true(quiet.slow.now - comes[i] <= comes[i] / 64 + 101);
			assert_true(quiet.longest <= (open ? 50001 : 200000));
			loop_release(&loop);
		}
		assert_true(polls[1] >= polls[0]);
	}
}

static void fail_twice(struct loop_timer *timer, int64_t due)
{
	struct chain *chain = (struct chain *)timer;

	(void)due;
	assert_int_equal(loop_fail(chain->loop, "rank %d is gone", 3), -1);
	assert_int_equal(loop_fail(chain->loop, "and another thing"), -1);
}

static void the_first_failure_ends_it(void **state)
{
	struct err err;
	struct loop loop;
	struct chain first = { .timer.fire = fail_twice, .loop = &loop };
	struct chain second = { .timer.fire = go_on, .loop = &loop, .left = 5 };

	(void)state;
	loop_init(&loop, NULL);
	loop_at(&loop, &first.timer, 5);
	loop_at(&loop, &second.timer, 5);
	assert_int_equal(loop_run(&loop, &err), -1);
	assert_string_equal(err.text, "rank 3 is gone");
	assert_int_equal(second.left, 5);
	loop_release(&loop);
}

static int poll_until(void *arg, struct err *err)
{
	int *left = arg;

	if (--*left > 0)
		return 1;
	return err_set(err, "the network is down");
}

static void a_failed_poll_ends_it(void **state)
{
	int left = 10;
	struct err err;
	struct loop loop;

	(void)state;
	loop_init(&loop, &loop_real_clock);
	loop.poll = poll_until;
	loop.poll_arg = &left;
	loop_start(&loop);
	assert_int_equal(loop_run(&loop, &err), -1);
	assert_string_equal(err.text, "the network is down");
	assert_int_equal(left, 0);
	loop_release(&loop);
}

static void never_early_by_the_real_clock(void **state)
{
	struct err err;
	struct loop loop;
	struct chain chain = { .timer.fire = go_on, .loop = &loop, .step = 300000, .left = 10 };

	(void)state;
	loop_init(&loop, &loop_real_clock);
	loop_start(&loop);
	loop_at(&loop, &chain.timer, 300000);
	assert_int_equal(loop_run(&loop, &err), 0);
	assert_int_equal(chain.due, 3000000);
	assert_true(chain.fired >= chain.due);
	loop_release(&loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(virtual_time_is_that_of_the_timer),
		cmocka_unit_test(a_virtual_run_ends_without_timers),
		cmocka_unit_test(what_is_to_come_is_asked_for_more_often),
		cmocka_unit_test(lateness_does_not_add_up),
		cmocka_unit_test(gaps_end_on_time_where_rests_end_late),
		cmocka_unit_test(the_first_failure_ends_it),
		cmocka_unit_test(a_failed_poll_ends_it),
		cmocka_unit_test(never_early_by_the_real_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
