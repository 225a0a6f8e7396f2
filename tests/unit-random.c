/* SPDX-License-Identifier: Apache-2.0 */
/* unit-random.c - our own streams, and Python's random numbers
 *
 * Expected values of xoshiro256** are worked out by the plainest form of its
 * definition in here; those of the Mersenne Twister are what CPython printed
 * (random.seed(S), then the calls named).
 */
#include "mt19937.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void same_seed_name_and_number_give_the_same(void **state)
{
	struct random a, b;

	(void)state;
	random_init(&a, 7, "selection", 3);
	random_init(&b, 7, "selection", 3);
	for (int i = 0; i < 100; i++)
		assert_true(random_next(&a) == random_next(&b));
}

static void other_seed_name_or_number_give_another(void **state)
{
	static const struct {
		uint64_t seed;
		const char *name;
		uint64_t number;
	} streams[] = {
		{ 7, "selection", 3 }, { 8, "selection", 3 },
		{ 7, "selectioN", 3 }, { 7, "selection", 4 },
		{ 7, "", 3 },          { 7, "selection", UINT64_MAX },
		{ 3, "selection", 7 }, { 7, "selection\1", 3 },
		{ 0, "", 0 },
	};
	enum { COUNT = sizeof(streams) / sizeof(*streams) };
	uint64_t first[COUNT];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		struct random random;

		random_init(&random, streams[i].seed, streams[i].name, streams[i].number);
		first[i] = random_next(&random);
		for (int j = 0; j < i; j++)
			assert_true(first[i] != first[j]);
	}
}

/* The worked values of the reference program for the state 1, 2, 3, 4. */
static void draws_what_xoshiro_draws(void **state)
{
	static const uint64_t expected[] = {
		11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600
	};
	struct random random = { .s = { 1, 2, 3, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_true(random_next(&random) == expected[i]);
}

static void below_is_below_and_even(void **state)
{
	static const uint64_t limits[] = { 1, 2, 3, 7, 10 };
	struct random random;

	(void)state;
	random_init(&random, 1, "below", 0);
	for (size_t l = 0; l < sizeof(limits) / sizeof(*limits); l++) {
		uint64_t count[10] = { 0 };
		double expected = 100000.0 / (double)limits[l], chi = 0;

		for (int i = 0; i < 100000; i++) {
			uint64_t number = random_below(&random, limits[l]);

			assert_true(number < limits[l]);
			count[number]++;
		}
		for (uint64_t n = 0; n < limits[l]; n++)
			chi += ((double)count[n] - expected) * ((double)count[n] - expected) /
			       expected;
		assert_true(chi < 40); /* 9 degrees: p < 1e-5; the seed is fixed */
	}
	for (int i = 0; i < 1000; i++)
		assert_true(random_below(&random, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void a_shuffle_is_a_permutation_and_each_is_likely(void **state)
{
	uint32_t seen[6] = { 0 };
	struct random random;

	(void)state;
	random_init(&random, 1, "shuffle", 0);
	for (int turn = 0; turn < 60000; turn++) {
		uint32_t items[3] = { 0, 1, 2 };

		random_shuffle(&random, items, 3);
		assert_int_equal(1 << items[0] | 1 << items[1] | 1 << items[2], 7);
		seen[items[0] * 2 + (items[1] > items[2])]++;
	}
	for (int i = 0; i < 6; i++)
		assert_in_range(seen[i], 9500, 10500); /* 5 sigma are 456 */
}

static void exponential_has_its_mean_and_variance(void **state)
{
	double sum = 0, squares = 0;
	struct random random;

	(void)state;
	random_init(&random, 1, "exponential", 0);
	for (int i = 0; i < 1000000; i++) {
		double x = random_exponential(&random, 4);

		assert_true(x >= 0 && isfinite(x));
		sum += x;
		squares += x * x;
	}
	assert_true(fabs(sum / 1e6 - 0.25) < 0.00125);     /* 5 sigma */
	assert_true(fabs(squares / 1e6 - 0.125) < 0.0014); /* 2 / rate^2; 5 sigma */
}

static void real_is_in_its_interval(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 1, "real", 0);
	for (int i = 0; i < 100000; i++) {
		double x = random_real(&random);

		assert_true(x >= 0 && x < 1);
	}
}

/* --- Python --- */

static void seed_12345_gives_what_is_known_of_it(void **state)
{
	struct mt19937 mt;

	(void)state;
	mt19937_init(&mt, 12345);
	assert_int_equal(mt19937_u32(&mt), 1789368711u);
	assert_int_equal(mt19937_u32(&mt), 3146859322u);
	mt19937_init(&mt, 12345);
	assert_true(mt19937_expovariate(&mt, 0.2) == 2.694581427281587);
	assert_true(mt19937_expovariate(&mt, 0.1) == 0.10221228694314184);
}

#include "unit-random-python.h"

/* random.random() x 2, expovariate(0.3), choice(range(n)) for n in 1, 2, 3, 5,
 * 8, 1000, 2**31 + 1, then shuffle(list(range(10))).
 */
static void draws_what_python_draws(void **state)
{
	static const uint32_t limits[] = { 1, 2, 3, 5, 8, 1000, 2147483649u };

	(void)state;
	for (size_t i = 0; i < sizeof(python) / sizeof(*python); i++) {
		uint32_t items[10] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
		struct mt19937 mt;

		mt19937_init(&mt, python[i].seed);
		assert_true(mt19937_random(&mt) == python[i].random[0]);
		assert_true(mt19937_random(&mt) == python[i].random[1]);
		assert_true(mt19937_expovariate(&mt, 0.3) == python[i].expovariate);
		for (size_t n = 0; n < 7; n++)
			assert_int_equal(mt19937_below(&mt, limits[n]), python[i].choice[n]);
		mt19937_shuffle(&mt, items, 10);
		assert_memory_equal(items, python[i].shuffle, sizeof(items));
		for (int skip = 0; skip < 2000; skip++)
			mt19937_u32(&mt);
		assert_int_equal(mt19937_u32(&mt), python[i].after_2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_name_and_number_give_the_same),
		cmocka_unit_test(other_seed_name_or_number_give_another),
		cmocka_unit_test(draws_what_xoshiro_draws),
		cmocka_unit_test(below_is_below_and_even),
		cmocka_unit_test(a_shuffle_is_a_permutation_and_each_is_likely),
		cmocka_unit_test(exponential_has_its_mean_and_variance),
		cmocka_unit_test(real_is_in_its_interval),
		cmocka_unit_test(seed_12345_gives_what_is_known_of_it),
		cmocka_unit_test(draws_what_python_draws),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
