/* SPDX-License-Identifier: Apache-2.0 */
#include "route/loads.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINKS 50

static load_amount part(uint64_t whole, uint32_t fraction)
{
	return load_whole(whole) + fraction;
}

static void amounts_as_text(void **state)
{
	static const struct {
		uint64_t whole;
		uint32_t fraction;
		const char *text;
	} cases[] = {
		{ 0, 0, "0" },
		{ 1, 0, "1" },
		{ 5928262656, 0, "5928262656" },
		{ UINT64_MAX, 0, "18446744073709551615" },
		{ 0, UINT32_C(1) << 31, "0.5" },
		{ 7, UINT32_C(1) << 30, "7.25" },
		{ 3, UINT32_C(3) << 29, "3.375" },
		{ 0, 1431655765, "0.333333333" },
		{ 0, 1431655766, "0.333333333" },
		{ 10, 2863311531, "10.666666667" },
		{ 0, 1, "0" },           /* 2.3e-10 is nearer to 0 than to 1e-9 */
		{ 0, 4, "0.000000001" }, /* 9.3e-10 */
		{ 41, UINT32_MAX, "42" },
		{ 0, 429496730, "0.1" },
		{ 9, UINT32_C(1) << 23, "9.001953125" },
	};
	char buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(
			load_text(part(cases[i].whole, cases[i].fraction), buf, sizeof(buf)),
			cases[i].text);
}

static void amounts_beyond_64_bits(void **state)
{
	char buf[64];

	(void)state;
	assert_string_equal(load_text(load_whole(UINT64_MAX) * 10, buf, sizeof(buf)),
			    "184467440737095516150");
	assert_string_equal(load_text(load_whole(10000000000000000000U) * 3, buf, sizeof(buf)),
			    "30000000000000000000");
	/* 2^96 - 2^-32, the most there is */
	assert_string_equal(load_text(~(load_amount)0, buf, sizeof(buf)),
			    "79228162514264337593543950336");
	assert_true(load_integer(load_whole(UINT64_MAX)) == UINT64_MAX);
	assert_true(load_integer(load_whole(UINT64_MAX) + load_whole(1)) == UINT64_MAX);
	assert_true(load_integer(part(12, UINT32_MAX)) == 12);
	assert_true(load_double(part(12, UINT32_C(1) << 31)) == 12.5);
	assert_true(load_double(load_whole(1) << 70) == 0x1p70);
}

static void shares_are_sparse_and_ascending(void **state)
{
	struct load_shares shares;
	struct loads loads;

	(void)state;
	assert_int_equal(loads_init(&loads, LINKS), 0);
	assert_int_equal(loads_shares(&loads, &shares), 0);
	assert_int_equal(shares.count, 0);
	load_shares_release(&shares);
	loads.link[7].bytes = 5;
	loads.link[3].flows = 1; /* a flow of zero bytes */
	loads.link[49] = (struct load){ 1, 1 };
	assert_int_equal(loads_shares(&loads, &shares), 0);
	assert_int_equal(shares.count, 3);
	assert_int_equal(shares.share[0].link, 3);
	assert_int_equal(shares.share[1].link, 7);
	assert_int_equal(shares.share[2].link, 49);
	loads_clear(&loads);
	for (uint32_t l = 0; l < LINKS; l++)
		assert_true(!loads.link[l].bytes && !loads.link[l].flows);
	load_shares_release(&shares);
	loads_release(&loads);
}

/* Jobs come and go in any order: the sum is always exact, and 0 at the end. */
static void what_was_added_goes_away_again(void **state)
{
	struct load_shares jobs[20] = { 0 };
	load_amount bytes[LINKS] = { 0 };
	struct loads loads, one;
	struct random random;

	(void)state;
	random_init(&random, 1, "loads", 0);
	assert_int_equal(loads_init(&loads, LINKS), 0);
	assert_int_equal(loads_init(&one, LINKS), 0);
	for (int step = 0; step < 5000; step++) {
		struct load_shares *job = &jobs[random_below(&random, 20)];
		load_amount sign = job->share ? -(load_amount)1 : 1;

		if (!job->share) {
			loads_clear(&one);
			for (int i = 0; i < 8; i++)
				one.link[random_below(&random, LINKS)] =
					(struct load){ (load_amount)random_next(&random) << 20,
						       random_next(&random) };
			assert_int_equal(loads_shares(&one, job), 0);
			loads_add(&loads, job);
		} else {
			loads_remove(&loads, job);
		}
		for (size_t i = 0; i < job->count; i++)
			bytes[job->share[i].link] += sign * job->share[i].load.bytes;
		if (sign != 1)
			load_shares_release(job);
		for (uint32_t l = 0; l < LINKS; l++)
			assert_true(loads.link[l].bytes == bytes[l]);
	}
	for (int i = 0; i < 20; i++) {
		if (jobs[i].share)
			loads_remove(&loads, &jobs[i]);
		load_shares_release(&jobs[i]);
	}
	for (uint32_t l = 0; l < LINKS; l++)
		assert_true(!loads.link[l].bytes && !loads.link[l].flows);
	loads_release(&one);
	loads_release(&loads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amounts_as_text),
		cmocka_unit_test(amounts_beyond_64_bits),
		cmocka_unit_test(shares_are_sparse_and_ascending),
		cmocka_unit_test(what_was_added_goes_away_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
