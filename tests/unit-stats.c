/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

static void assert_near(double is, double should, double relative)
{
	if (fabs(is - should) > relative * fmax(fabs(should), 1e-300))
		fail_msg("%.17g should be %.17g", is, should);
}

static void says_nothing_of_no_samples(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats);
	assert_int_equal(stats.count, 0);
	assert_true(isnan(stats.min) && isnan(stats.max));
	assert_true(stats.mean == 0 && stats_variance(&stats) == 0);
	assert_true(stats_variance_weighted(&stats) == 0);
	assert_true(isnan(stats_percentile(NULL, 0, 50)));
	assert_true(stats_confidence(0, 1) == 0 && stats_confidence(1, 1) == 0);
}

/* 1 .. n: mean (n + 1) / 2, variance n (n + 1) / 12. */
static void counts_the_numbers_up_to_n(void **state)
{
	(void)state;
	for (int n = 1; n <= 1000; n = 3 * n + 1) {
		struct stats stats;

		stats_init(&stats);
		for (int i = n; i >= 1; i--)
			stats_add(&stats, i);
		assert_int_equal(stats.count, n);
		assert_true(stats.min == 1 && stats.max == n);
		assert_near(stats.mean, (n + 1) / 2.0, 1e-14);
		assert_near(stats_variance(&stats), n == 1 ? 0 : n * (n + 1) / 12.0, 1e-13);
	}
}

/* Where the sum of squares would lose all digits. */
static void keeps_a_small_variance_of_large_numbers(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats);
	for (int i = 0; i < 1000; i++)
		stats_add(&stats, 1e9 + i % 2);
	assert_near(stats.mean, 1e9 + 0.5, 1e-15);
	assert_near(stats_variance(&stats), 250.0 / 999, 1e-9);
}

/* 0 for 3 s, then 10 for 1 s: mean 2.5, variance 18.75. */
static void weighs_by_time(void **state)
{
	struct stats stats;

	(void)state;
	stats_init(&stats);
	stats_add_weighted(&stats, 0, 3);
	stats_add_weighted(&stats, 77, 0); /* seen, but it held for no time */
	stats_add_weighted(&stats, 10, 1);
	assert_int_equal(stats.count, 3);
	assert_true(stats.weight == 4 && stats.max == 77);
	assert_near(stats.mean, 2.5, 1e-15);
	assert_near(stats_variance_weighted(&stats), 18.75, 1e-15);
}

static void interpolates_percentiles(void **state)
{
	static const double values[] = { 1, 2, 4, 8, 16 };
	static const double expected[][2] = {
		{ 0, 1 },  { 10, 1.4 },  { 25, 2 },   { 50, 4 }, { 60, 5.6 },
		{ 75, 8 }, { 95, 14.4 }, { 100, 16 }, { -5, 1 }, { 120, 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_near(stats_percentile(values, 5, expected[i][0]), expected[i][1], 1e-14);
	assert_true(stats_percentile(values, 1, 99) == 1);
}

/* The probability of |t| <= X by Simpson's rule over the density. */
static double student_integral(double freedom, double x)
{
	double scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(freedom * M_PI);
	double sum = 0;

	for (int i = 0; i <= 20000; i++) {
		double t = x * i / 20000;
		double weight = i == 0 || i == 20000 ? 1 : i % 2 ? 4 : 2;

		sum += weight * exp(-(freedom + 1) / 2 * log1p(t * t / freedom));
	}
	return 2 * scale * sum * x / 20000 / 3;
}

static void confidence_is_students(void **state)
{
	static const int counts[] = { 2, 3, 4, 5, 10, 31, 100, 200, 201, 202, 1000, 30000 };

	(void)state;
	/* closed forms for 1, 2 and 4 degrees of freedom */
	assert_near(stats_confidence(2, 2), tan(0.95 * M_PI / 2), 1e-12);
	assert_near(stats_confidence(3, 3), 0.95 * sqrt(2 / (4 * 0.975 * 0.025)), 1e-12);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		int n = counts[i];
		double t = stats_confidence((uint64_t)n, n);

		assert_near(student_integral(n - 1, t), 0.95, n > 1000 ? 1e-8 : 1e-9);
		assert_near(stats_confidence((uint64_t)n, 4.0 * n), 2 * t, 1e-14);
	}
}

/* From CPython. */
static void writes_what_python_writes(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0x0.0p+0, "0.0" },
		{ -0x0.0p+0, "-0.0" },
		{ 0x1.0000000000000p+0, "1.0" },
		{ -0x1.0000000000000p+0, "-1.0" },
		{ 0x1.999999999999ap-4, "0.1" },
		{ 0x1.3333333333334p-2, "0.30000000000000004" },
		{ 0x1.1c37937e08000p+53, "1e+16" },
		{ 0x1.1c37937e07fffp+53, "9999999999999998.0" },
		{ 0x1.0000000000000p+53, "9007199254740992.0" },
		{ 0x1.c6bf526340000p+49, "1000000000000000.0" },
		{ 0x1.b69b4ba630f35p+56, "1.2345678901234568e+17" },
		{ 0x1.4f8b588e368f1p-17, "1e-05" },
		{ 0x1.a36e2eb1c432dp-14, "0.0001" },
		{ 0x1.cd5f99c38b04bp-14, "0.00011" },
		{ 0x1.a36371ea531a8p-14, "9.999e-05" },
		{ 0x1.615a1c0000000p+32, "5928262656.0" },
		{ 0x1.0f0cf064dd592p+73, "1e+22" },
		{ 0x1.52d02c7e14af6p+76, "1e+23" },
		{ 0x1.249ad2594c37dp+332, "1e+100" },
		{ 0x1.fffffffffffffp+1023, "1.7976931348623157e+308" },
		{ 0x1.0000000000000p-1022, "2.2250738585072014e-308" },
		{ 0x0.0000000000001p-1022, "5e-324" },
		{ 0x0.0000000000002p-1022, "1e-323" },
		{ 0x0.fffffffffffffp-1022, "2.225073858507201e-308" },
		{ 0x1.58e80b514aad7p+1, "2.694581427281587" },
		{ 0x1.a2a959dab8fbdp-4, "0.10221228694314184" },
		{ 0x1.86a0000000000p+16, "100000.0" },
		{ 0x1.e240c9fbe76c9p+16, "123456.789" },
		{ -0x1.0624dd2f1a9fcp-10, "-0.001" },
		{ 0x1.0000000000000p-44, "5.684341886080802e-14" },
		{ 0x1.0000000000000p-24, "5.960464477539063e-08" },
		{ 0x1.0000000000000p+89, "6.189700196426902e+26" },
		{ 0x1.0000000000000p-1000, "9.332636185032189e-302" },
		{ 0x1.0000000000000p+1000, "1.0715086071862673e+301" },
		{ 0x1.fffffffffffffp-1, "0.9999999999999999" },
		{ INFINITY, "inf" },
		{ -INFINITY, "-inf" },
		{ NAN, "nan" },
		{ -NAN, "nan" },
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(stats_repr(buf, sizeof(buf), cases[i].value), cases[i].text);
}

/* One line for python3 to compare: the bits and our text. */
static void tell(FILE *out, uint64_t bits)
{
	char buf[32];
	double value;

	memcpy(&value, &bits, sizeof(value));
	fprintf(out, "%016llx %s\n", (unsigned long long)bits, stats_repr(buf, sizeof(buf), value));
}

static void agrees_with_python_on_many(void **state)
{
	FILE *out;

	(void)state;
	if (system("python3 -c pass 2>/dev/null") != 0)
		skip();
	out = popen("python3 -c 'import sys, struct\n"
		    "for line in sys.stdin:\n"
		    "    bits, text = line.split()\n"
		    "    value, = struct.unpack(\">d\", bytes.fromhex(bits))\n"
		    "    if repr(value) != text: sys.exit(f\"{bits}: {text}, not {value!r}\")'",
		    "w");
	assert_non_null(out);
	srand48(1);
	for (uint64_t exponent = 0; exponent < 2048; exponent++)
		for (uint64_t i = 0; i < 3; i++) /* about all powers of two */
			tell(out, (exponent << 52) + i - (exponent > 0));
	for (int i = 0; i < 100000; i++)
		tell(out, (uint64_t)mrand48() << 32 ^ (uint32_t)mrand48());
	for (int i = 0; i < 100000; i++) { /* what is common: few digits, times */
		double value = (double)(lrand48() % 1000000000) / pow(10, (double)(i % 12));
		uint64_t bits;

		memcpy(&bits, &value, sizeof(bits));
		tell(out, bits);
	}
	assert_int_equal(pclose(out), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_nothing_of_no_samples),
		cmocka_unit_test(counts_the_numbers_up_to_n),
		cmocka_unit_test(keeps_a_small_variance_of_large_numbers),
		cmocka_unit_test(weighs_by_time),
		cmocka_unit_test(interpolates_percentiles),
		cmocka_unit_test(confidence_is_students),
		cmocka_unit_test(writes_what_python_writes),
		cmocka_unit_test(agrees_with_python_on_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
