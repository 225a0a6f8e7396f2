/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void reads_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "0s", 0 },
		{ "1ns", 1 },
		{ "7us", 7000 },
		{ "100ms", 100000000 },
		{ "1.5s", 1500000000 },
		{ "0.25us", 250 },
		{ "90m", 5400000000000 },
		{ "24h", 86400000000000 },
		{ "30d", 2592000000000000 },
		{ "1.0000000019s", 1000000001 },
		{ "0.00000000000000000000001d", 0 },
		{ "9223372036854775807ns", INT64_MAX },
	};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ns = -1;
		assert_int_equal(units_duration(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
}

static void refuses_what_is_no_duration(void **state)
{
	static const char *const bad[] = { "",     "10",   "s",   "-1s",   "+1s",  " 1s", "1 s",
					   "1s ",  ".5s",  "1.s", "1..5s", "1e3s", "1S",  "1sec",
					   "0x1s", "1,5s", "nan", "infs",  "1min", "1w" };
	int64_t ns = 42;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_int_equal(units_duration(bad[i], &ns), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(ns, 42);
	}
}

static void refuses_a_duration_beyond_292_years(void **state)
{
	static const char *const bad[] = { "9223372036854775808ns", "106752d", "1000000000000h",
					   "99999999999999999999999ns" };
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_int_equal(units_duration(bad[i], &ns), -1);
		assert_int_equal(errno, ERANGE);
	}
	assert_int_equal(units_duration("106751d", &ns), 0);
}

static void reads_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "4096B", 4096 },
		{ "64k", 65536 },
		{ "64kiB", 65536 },
		{ "64kB", 65536 },
		{ "1MiB", 1048576 },
		{ "1.5G", 1610612736 },
		{ "2T", 2199023255552 },
		{ "0.5k", 512 },
		{ "18446744073709551615", UINT64_MAX },
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
}

static void refuses_what_is_no_size(void **state)
{
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", EINVAL },    { "k", EINVAL },         { "-1", EINVAL },
		{ "1 k", EINVAL }, { "1kk", EINVAL },       { "1Ki", EINVAL },
		{ "1P", EINVAL },  { "1iB", EINVAL },       { "0x10", EINVAL },
		{ "1.", EINVAL },  { "16777216T", ERANGE }, { "18446744073709551616", ERANGE },
	};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_int_equal(units_size(bad[i].text, &bytes), -1);
		assert_int_equal(errno, bad[i].error);
	}
}

static void sets_thousands_apart(void **state)
{
	static const struct {
		uint64_t count;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 123456, "123,456" },
		{ 94852203096, "94,852,203,096" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char buf[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(units_grouped(buf, sizeof(buf), cases[i].count), cases[i].text);
}

static void shows_bytes_at_a_glance(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1023.7, "1.00 KiB" },
		{ 1024, "1.00 KiB" },
		{ 1536, "1.50 KiB" },
		{ 1048575, "1.00 MiB" },
		{ 94852203096, "88.34 GiB" },
		{ 1.8446744073709552e19, "16.00 EiB" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(units_bytes(buf, sizeof(buf), cases[i].bytes), cases[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(refuses_what_is_no_duration),
		cmocka_unit_test(refuses_a_duration_beyond_292_years),
		cmocka_unit_test(reads_sizes),
		cmocka_unit_test(refuses_what_is_no_size),
		cmocka_unit_test(sets_thousands_apart),
		cmocka_unit_test(shows_bytes_at_a_glance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
