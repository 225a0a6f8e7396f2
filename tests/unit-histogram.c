/* SPDX-License-Identifier: Apache-2.0 */
/* unit-histogram.c - percentiles against sorting */
#include "histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static int compare_values(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

/* Small and huge ones alike, from a fixed sequence. */
static uint64_t next_value(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> (*state % 3 == 0 ? 20 : 24 + *state % 39);
}

/* Against sorting: never wrong by more than a 1/256th. */
static void percentiles_are_as_exact_as_said(void **state)
{
	enum { COUNT = 20000 };
	static uint64_t value[COUNT];
	struct histogram histogram = { 0 }, half[2] = { 0 };
	uint64_t seed = 20261129, exact, rank, got;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		value[i] = next_value(&seed);
		assert_int_equal(histogram_add(&half[i % 2], value[i]), 0);
	}
	assert_int_equal(histogram_merge(&histogram, &half[0]), 0);
	assert_int_equal(histogram_merge(&histogram, &half[1]), 0);
	qsort(value, COUNT, sizeof(value[0]), compare_values);
	for (unsigned i = 1; i <= 1000; i++) {
		rank = (uint64_t)ceil(i / 1000.0 * COUNT - 1e-9);
		exact = value[rank - 1];
		got = histogram_percentile(&histogram, i / 10.0);
		assert_true(fabs((double)got - (double)exact) <= (double)exact / 256);
	}
	assert_int_equal(histogram_percentile(&histogram, 0), value[0]);
	assert_int_equal(histogram_percentile(&histogram, 100), value[COUNT - 1]);
	assert_int_equal(histogram.count, COUNT);
	for (unsigned i = 0; i < 2; i++)
		histogram_release(&half[i]);
	histogram_release(&histogram);
}

static void count_again(void *arg, uint64_t value, uint64_t count)
{
	assert_int_equal(histogram_add_many(arg, value, count), 0);
}

/* As it travels between processes. */
static void counted_again_it_is_the_same(void **state)
{
	(void)state;
	for (unsigned count = 0; count < 300; count = 2 * count + 1) {
		struct histogram histogram = { 0 }, again = { 0 };
		uint64_t seed = count;

		for (unsigned i = 0; i < count; i++)
			assert_int_equal(histogram_add(&histogram, next_value(&seed) >> i % 50), 0);
		histogram_each(&histogram, count_again, &again);
		assert_int_equal(again.count, count);
		assert_int_equal(again.min, histogram.min);
		assert_int_equal(again.max, histogram.max);
		for (unsigned i = 0; i <= 100; i++)
			assert_int_equal(histogram_percentile(&again, i),
					 histogram_percentile(&histogram, i));
		histogram_release(&histogram);
		histogram_release(&again);
	}
}

static void small_values_are_exact(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	assert_int_equal(histogram_percentile(&histogram, 50), 0);
	for (uint64_t i = 1; i <= 100; i++)
		assert_int_equal(histogram_add(&histogram, i), 0);
	for (unsigned i = 1; i <= 100; i++)
		assert_int_equal(histogram_percentile(&histogram, i), i);
	assert_float_equal(histogram_mean(&histogram), 50.5, 1e-12);
	histogram_release(&histogram);
}

static void the_largest_value_has_room(void **state)
{
	struct histogram histogram = { 0 };

	(void)state;
	assert_int_equal(histogram_add(&histogram, UINT64_MAX), 0);
	assert_int_equal(histogram_add(&histogram, UINT64_MAX / 2), 0);
	assert_int_equal(histogram_add(&histogram, 0), 0);
	assert_true(histogram_percentile(&histogram, 100) == UINT64_MAX);
	assert_int_equal(histogram_percentile(&histogram, 0), 0);
	histogram_release(&histogram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_as_exact_as_said),
		cmocka_unit_test(counted_again_it_is_the_same),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(the_largest_value_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
