/* SPDX-License-Identifier: Apache-2.0 */
#include "net/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void matches_in_order_whoever_is_first(void **state)
{
	struct net_message receives[4] = { { .peer = 1, .tag = 5, .size = 10 },
					   { .peer = 1, .tag = 5, .size = 20 },
					   { .peer = 2, .tag = 5, .size = 30 },
					   { .peer = 1, .tag = 6, .size = 40 } };
	struct match_arrival arrivals[4] = { { .peer = 1, .tag = 6, .size = 40 },
					     { .peer = 1, .tag = 5, .size = 10 },
					     { .peer = 2, .tag = 5, .size = 30 },
					     { .peer = 1, .tag = 5, .size = 20 } };
	struct match_arrival *arrival;
	struct match match;
	struct err err;

	(void)state;
	match_init(&match);
	assert_int_equal(match_arrive(&match, &arrivals[0], 0, &err), 0);
	assert_null(arrivals[0].receive);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(match_receive(&match, &receives[i], &arrival, 0, &err), 0);
		assert_null(arrival);
	}
	assert_int_equal(match_receive(&match, &receives[3], &arrival, 0, &err), 0);
	assert_ptr_equal(arrival, &arrivals[0]);
	assert_ptr_equal(arrival->receive, &receives[3]);
	assert_ptr_equal(match_oldest(&match)->data, NULL);
	assert_int_equal(match.receives, 3);
	for (int i = 1; i < 4; i++)
		assert_int_equal(match_arrive(&match, &arrivals[i], 0, &err), 0);
	assert_ptr_equal(arrivals[1].receive, &receives[0]);
	assert_ptr_equal(arrivals[2].receive, &receives[2]);
	assert_ptr_equal(arrivals[3].receive, &receives[1]);
	assert_int_equal(match.receives, 0);
	assert_int_equal(match.arrivals, 0);
	assert_null(match_oldest(&match));
	match_release(&match);
}

static void other_sizes_are_an_error_with_both(void **state)
{
	struct net_message receive = { .peer = 3, .tag = 9, .size = 200, .node_id = 7 };
	struct match_arrival arrival = { .peer = 3, .tag = 9, .size = 100 }, *met;
	struct match match;
	struct err err;

	(void)state;
	match_init(&match);
	assert_int_equal(match_receive(&match, &receive, &met, 0, &err), 0);
	assert_int_equal(match_arrive(&match, &arrival, 0, &err), -1);
	assert_string_equal(err.text, "sizes differ: rank 3 sends 100 bytes with tag 9, rank 0 "
				      "(node 7) receives 200");
	match_release(&match);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_in_order_whoever_is_first),
		cmocka_unit_test(other_sizes_are_an_error_with_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
