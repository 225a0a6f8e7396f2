/* SPDX-License-Identifier: Apache-2.0 */
/* unit-lags.c - completions that are due and those that are taken, in any order */
#include "trace/account.h"
#include "trace/lags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define QPN 0x101U

static struct lags lags;
static struct account account;

static int tear_down(void **state)
{
	(void)state;
	lags_release(&lags);
	account_release(&account);
	account = (struct account){ 0 };
	return 0;
}

static void due(uint32_t qpn, uint64_t wr_id, int64_t time)
{
	assert_int_equal(lags_due(&lags, qpn, wr_id, time), 0);
}

static void taken(uint32_t qpn, uint64_t wr_id, int64_t time, bool counts)
{
	assert_int_equal(lags_taken(&lags, qpn, wr_id, time, counts ? &account : NULL), 0);
}

static void counts_from_due_to_taken(void **state)
{
	(void)state;
	due(QPN, 1, 100);
	taken(QPN, 1, 150, true);
	assert_int_equal(account.lag.count, 1);
	assert_int_equal(account.lag.max, 50);
	assert_int_equal(lags.waiting, 0);
}

static void takes_either_side_first(void **state)
{
	(void)state;
	taken(QPN, 1, 150, true);
	assert_int_equal(account.lag.count, 0);
	due(QPN, 1, 110);
	assert_int_equal(account.lag.count, 1);
	assert_int_equal(account.lag.max, 40);
}

static void keeps_the_order_of_equal_numbers(void **state)
{
	(void)state;
	due(QPN, 0, 100);
	due(QPN, 0, 200);
	taken(QPN, 0, 103, true);
	taken(QPN, 0, 205, true);
	assert_int_equal(account.lag.min, 3);
	assert_int_equal(account.lag.max, 5);
}

static void does_not_mix_queue_pairs(void **state)
{
	(void)state;
	due(QPN, 7, 100);
	taken(QPN + 1, 7, 300, true);
	assert_int_equal(account.lag.count, 0);
	assert_int_equal(lags.waiting, 2);
}

static void passes_over_unsignaled_ones(void **state)
{
	(void)state;
	due(QPN, 0, 100);
	due(QPN, 0, 120);
	taken(QPN, 0, 130, false);
	taken(QPN, 0, 130, true);
	assert_int_equal(account.lag.count, 1);
	assert_int_equal(account.lag.max, 10);
}

static void counts_what_was_taken_before_it_was_due_as_none(void **state)
{
	(void)state;
	due(QPN, 1, 100);
	taken(QPN, 1, 90, true);
	assert_int_equal(account.lag.count, 1);
	assert_int_equal(account.lag.max, 0);
}

static void holds_no_more_than_it_may(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < LAGS_MOST + 10; i++)
		due(QPN, i, 100);
	assert_int_equal(lags.waiting, LAGS_MOST);
	taken(QPN, 0, 101, true);
	assert_int_equal(lags.waiting, LAGS_MOST - 1);
	assert_int_equal(account.lag.count, 1);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts_from_due_to_taken),
		TEST(takes_either_side_first),
		TEST(keeps_the_order_of_equal_numbers),
		TEST(does_not_mix_queue_pairs),
		TEST(passes_over_unsignaled_ones),
		TEST(counts_what_was_taken_before_it_was_due_as_none),
		TEST(holds_no_more_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
