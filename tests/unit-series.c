/* SPDX-License-Identifier: Apache-2.0 */
/* unit-series.c - series over time, spreads of many values, checksums */
#include "run/series.h"
#include "run/sha256.h"
#include "run/spread.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)

static char *slurp(const char *path)
{
	static char text[65536];
	FILE *in = fopen(path, "r");
	size_t size;

	assert_non_null(in);
	size = fread(text, 1, sizeof(text) - 1, in);
	text[size] = '\0';
	fclose(in);
	return text;
}

/* 1 for 2 s, 4 for 1 s, 1 for 3 s, 2 at the end: mean (5 + 4) / 6, variance
 * (5 * (1 - 1.5)^2 + (4 - 1.5)^2) / 6.
 */
static void values_weigh_as_long_as_they_hold(void **state)
{
	struct series series;
	struct err err = { "" };
	char path[] = "series.XXXXXX";

	(void)state;
	close(mkstemp(path));
	assert_int_equal(series_open(&series, path, true, &err), 0);
	series_put(&series, 0, 1);
	series_put(&series, 2 * SECOND, 4);
	series_put(&series, 3 * SECOND, 1);
	series_put(&series, 6 * SECOND, 2);
	assert_int_equal(series_finish(&series, 6 * SECOND, &err), 0);
	assert_float_equal(series.stats.mean, 1.5, 1e-12);
	assert_float_equal(stats_variance_weighted(&series.stats), 1.25, 1e-12);
	assert_true(series.stats.max == 4 && series.stats.min == 1);
	assert_true(series_percentile(&series, 50) == 1);
	assert_true(series_percentile(&series, 83) == 1); /* 5 of 6 s are 83.3 % */
	assert_true(series_percentile(&series, 84) == 4);
	assert_string_equal(slurp(path), "Time,Value\n0.0,1\n2.0,4\n3.0,1\n6.0,2\n");
	series_release(&series);
	unlink(path);
}

static void times_are_exact(void **state)
{
	static const struct {
		int64_t ns;
		const char *text;
	} times[] = {
		{ 0, "0.0" },
		{ 1, "0.000000001" },
		{ 12500000000, "12.5" },
		{ INT64_MAX, "9223372036.854775807" },
		{ -1500000000, "-1.5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		char text[64] = "";
		FILE *out = fmemopen(text, sizeof(text), "w");

		series_put_seconds(out, times[i].ns);
		fclose(out);
		assert_string_equal(text, times[i].text);
	}
}

/* More values than there is room for at first, against sorting all of them. */
static void percentiles_are_those_of_the_plain_model(void **state)
{
	enum { COUNT = 20000, VALUES = 500 };
	double weight[VALUES] = { 0 }, total = 0, sum = 0;
	struct series series;
	struct random random;
	struct err err = { "" };
	int64_t time = 0;

	(void)state;
	random_init(&random, 7, "series", 0);
	assert_int_equal(series_open(&series, "percentiles.csv", false, &err), 0);
	for (int i = 0; i < COUNT; i++) {
		uint64_t value = random_below(&random, VALUES);
		int64_t seconds = (int64_t)random_below(&random, 5);

		series_put(&series, time, (double)value);
		time += seconds * SECOND;
		weight[value] += (double)seconds;
		total += (double)seconds;
	}
	assert_int_equal(series_finish(&series, time, &err), 0);
	for (int value = 0; value < VALUES; value++) {
		double before = sum / total * 100;

		sum += weight[value];
		if (weight[value] > 0)
			assert_true(series_percentile(&series, before + weight[value] / total *
										50) == value);
	}
	series_release(&series);
	unlink("percentiles.csv");
}

static void nothing_is_left_of_a_series_that_was_given_up(void **state)
{
	struct series series;
	struct err err = { "" };

	(void)state;
	assert_int_equal(series_open(&series, "given-up.csv", false, &err), 0);
	series_put(&series, 0, 1);
	series_release(&series);
	assert_int_equal(access("given-up.csv", F_OK), -1);
}

static void check_spread(const struct spread *spread, const double *values, const double *others,
			 uint32_t count)
{
	double max = 0, other = 0, sum = 0, squares = 0, mean;

	for (uint32_t i = 0; i < count; i++) {
		max = fmax(max, values[i]);
		other = fmax(other, others[i]);
		sum += values[i];
	}
	mean = sum / count;
	for (uint32_t i = 0; i < count; i++)
		squares += (values[i] - mean) * (values[i] - mean);
	assert_true(spread_max(spread) == max);
	assert_true(spread_other_max(spread) == other);
	assert_float_equal(spread_mean(spread), mean, 1e-9 * (mean + 1));
	assert_float_equal(spread_deviation(spread), count < 2 ? 0 : sqrt(squares / (count - 1)),
			   1e-6 * (max + 1));
}

static void spreads_are_those_of_the_plain_model(void **state)
{
	static const uint32_t counts[] = { 1, 2, 3, 7, 64, 100, 1000 };
	struct random random;

	(void)state;
	random_init(&random, 1, "spread", 0);
	for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++) {
		uint32_t count = counts[k];
		double *values = calloc(count, sizeof(*values));
		double *others = calloc(count, sizeof(*others));
		struct spread spread;

		assert_int_equal(spread_init(&spread, count), 0);
		check_spread(&spread, values, others, count);
		for (int turn = 0; turn < 200; turn++) {
			uint64_t changes = random_below(&random, 2 * count);

			for (uint64_t i = 0; i < changes; i++) {
				uint32_t at = (uint32_t)random_below(&random, count);

				values[at] = random_below(&random, 3) * random_real(&random) * 1e9;
				others[at] = (double)random_below(&random, 100);
				spread_set(&spread, at, values[at], others[at]);
			}
			spread_update(&spread);
			check_spread(&spread, values, others, count);
		}
		spread_release(&spread);
		free(values);
		free(others);
	}
}

/* FIPS 180-4, and 55 to 65 bytes, where the padding changes its form (by
 * sha256sum).
 */
static void checksums_are_those_of_sha256sum(void **state)
{
	static const struct {
		const char *text;
		int times;
		const char *sum;
	} sums[] = {
		{ "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "a", 1000000,
		  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
		{ "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
		{ "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
		{ "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++) {
		struct sha256 sha;
		char text[SHA256_TEXT];

		sha256_init(&sha);
		for (int k = 0; k < sums[i].times; k++)
			sha256_add(&sha, sums[i].text, strlen(sums[i].text));
		sha256_text(&sha, text);
		assert_string_equal(text, sums[i].sum);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_weigh_as_long_as_they_hold),
		cmocka_unit_test(times_are_exact),
		cmocka_unit_test(percentiles_are_those_of_the_plain_model),
		cmocka_unit_test(nothing_is_left_of_a_series_that_was_given_up),
		cmocka_unit_test(spreads_are_those_of_the_plain_model),
		cmocka_unit_test(checksums_are_those_of_sha256sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
