/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the netprof plugin that are plain functions. */
#include "recorder/recorder.h"
#include "preload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

static void our_libraries_stand_in_order(void **state)
{
	static const struct {
		const char *old, *path, *result;
	} cases[] = {
		{ "", "/l/libnetprof.so", "/l/libnetprof.so" },
		{ "/u/a.so", "/l/libnetprof.so", "/l/libnetprof.so:/u/a.so" },
		{ "/u/a.so /u/b.so", "/l/libnetprof.so", "/l/libnetprof.so:/u/a.so:/u/b.so" },
		{ "::/u/a.so: ", "/l/libnetprof.so", "/l/libnetprof.so:/u/a.so" },
		{ "/l/libnettrace.so:/l/libnetemu.so:/u/a.so", "/l/libnetprof.so",
		  "/l/libnetprof.so:/l/libnettrace.so:/l/libnetemu.so:/u/a.so" },
		{ "/l/libnetemu.so:/u/a.so", "/l/libnettrace.so",
		  "/l/libnettrace.so:/l/libnetemu.so:/u/a.so" },
		{ "/l/libnetprof.so:/u/a.so", "/l/libnettrace.so",
		  "/l/libnetprof.so:/l/libnettrace.so:/u/a.so" },
		{ "/l/libnetprof.so:/l/libnettrace.so", "/l/libnetemu.so",
		  "/l/libnetprof.so:/l/libnettrace.so:/l/libnetemu.so" },
		/* once is enough, and it moves to its place */
		{ "/u/a.so:/l/libnetprof.so", "/l/libnetprof.so", "/l/libnetprof.so:/u/a.so" },
		/* the user's own build */
		{ "/u/a.so:/home/u/libnetprof.so", "/l/libnetprof.so",
		  "/u/a.so:/home/u/libnetprof.so" },
		{ "libnetprof.so", "/l/libnetprof.so", "libnetprof.so" },
		{ "/u/mylibnetprof.so", "/l/libnetprof.so", "/l/libnetprof.so:/u/mylibnetprof.so" },
	};
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(preload_add(buf, sizeof(buf), cases[i].old, cases[i].path), 0);
		assert_string_equal(buf, cases[i].result);
	}
}

static void any_order_of_plugins_gives_the_same_order(void **state)
{
	static const char *const paths[] = { "/l/libnetprof.so", "/l/libnettrace.so",
					     "/l/libnetemu.so" };
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		char old[256] = "/u/a.so:/u/b.so", buf[256];

		for (size_t j = 0; j < 3; j++) {
			assert_int_equal(preload_add(buf, sizeof(buf), old, paths[orders[i][j]]),
					 0);
			strcpy(old, buf);
		}
		assert_string_equal(buf, "/l/libnetprof.so:/l/libnettrace.so:/l/libnetemu.so:"
					 "/u/a.so:/u/b.so");
	}
}

static void a_library_can_be_taken_out(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(preload_remove(buf, sizeof(buf), "/u/a:/l/x /u/b:/l/x", "/l/x"), 0);
	assert_string_equal(buf, "/u/a:/u/b");
	assert_int_equal(preload_remove(buf, sizeof(buf), "/l/x", "/l/x"), 0);
	assert_string_equal(buf, "");
	assert_int_equal(preload_remove(buf, sizeof(buf), "/l/xy", "/l/x"), 0);
	assert_string_equal(buf, "/l/xy");
}

static void what_does_not_fit_is_an_error(void **state)
{
	char buf[16];

	(void)state;
	assert_int_equal(preload_add(buf, sizeof(buf), "", "/l/0123456789ab"), 0);
	assert_int_equal(preload_add(buf, sizeof(buf), "", "/l/0123456789abc"), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(preload_add(buf, sizeof(buf), "/u/01234567", "/l/x"), -1);
}

static struct recorder_settings one_in(uint32_t sample)
{
	struct recorder_settings settings = { .enable = -1 };

	settings.sample = sample;
	return settings;
}

static void about_one_step_in_n_is_sampled(void **state)
{
	static const uint32_t samples[] = { 2, 3, 10, 64 };

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct recorder_settings settings = one_in(samples[i]);
		unsigned jobs = 0, steps = 0;

		for (uint32_t n = 0; n < 20000; n++) {
			jobs += options_sampled(&settings, 1000 + n, NO_STEP, 1);
			steps += options_sampled(&settings, 77, n, 1);
		}
		/* within a tenth (six standard deviations at 1 in 64: a third) */
		assert_in_range(jobs * samples[i], 20000 * 2 / 3, 20000 * 4 / 3);
		assert_in_range(steps * samples[i], 20000 * 2 / 3, 20000 * 4 / 3);
	}
}

/* Written again from its definition. */
static uint64_t fnv1a(const char *text)
{
	uint64_t value = 14695981039346656037ull;

	for (const char *c = text; *c; c++)
		value = (value ^ (uint64_t)*c) * 1099511628211ull;
	return value;
}

static void the_hash_is_the_documented_one(void **state)
{
	struct recorder_settings settings = one_in(7);
	char text[32];

	(void)state;
	/* values that its authors publish */
	assert_true(fnv1a("a") == 0xaf63dc4c8601ec8cull);
	assert_true(fnv1a("foobar") == 0x85944171f73967e8ull);
	for (uint32_t job = 1; job < 500; job++) {
		snprintf(text, sizeof(text), "%u.2", job);
		assert_int_equal(options_sampled(&settings, job, 2, 1), fnv1a(text) % 7 == 0);
		snprintf(text, sizeof(text), "%u", job);
		assert_int_equal(options_sampled(&settings, job, NO_STEP, 1), fnv1a(text) % 7 == 0);
	}
}

static void no_sampling_takes_all(void **state)
{
	struct recorder_settings none = one_in(0), all = one_in(1);

	(void)state;
	for (uint32_t job = 0; job < 100; job++) {
		assert_true(options_sampled(&none, job, 0, 1));
		assert_true(options_sampled(&all, job, NO_STEP, 1));
	}
}

static void knows_mpiruns_daemons(void **state)
{
	(void)state;
	assert_true(options_is_mpi_daemon("orted"));
	assert_true(options_is_mpi_daemon("/opt/ompi/bin/orted"));
	assert_true(options_is_mpi_daemon("prted"));
	assert_false(options_is_mpi_daemon("/opt/orted/app"));
	assert_false(options_is_mpi_daemon("orted2"));
	assert_false(options_is_mpi_daemon(""));
}

static void directories_become_absolute_templates(void **state)
{
	static const struct {
		const char *dir, *base, *result;
	} cases[] = {
		{ "", "/home/u", "/home/u" },
		{ "out", "/home/u", "/home/u/out" },
		{ "out/%j", "/home/50%", "/home/50%%/out/%j" },
		{ "/abs/%u", "/home/u", "/abs/%u" },
		{ "", "/%j", "/%%j" },
	};
	char dir[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(dir, cases[i].dir);
		assert_int_equal(directory_absolute(dir, cases[i].base, NULL), 0);
		assert_string_equal(dir, cases[i].result);
	}
}

static void what_is_known_is_put_in(void **state)
{
	static const struct {
		const char *dir, *job, *step, *user, *result;
	} cases[] = {
		{ "/a/%j/%s/%u", "7", "3", "me", "/a/7/3/me" },
		{ "/a/%j/%s/%u", "7", NULL, "me", "/a/7/%s/me" },
		{ "/a/%j/%s/%u", NULL, NULL, NULL, "/a/%j/%s/%u" },
		{ "/a/%%j%%%j", "7", "3", "me", "/a/%%j%%7" },
		{ "/a/%u", "7", "3", "100%j", "/a/100%%j" },
		{ "/a/%", "7", "3", "me", "/a/%" },
	};
	char dir[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(dir, cases[i].dir);
		assert_int_equal(
			directory_expand(dir, cases[i].job, cases[i].step, cases[i].user, NULL), 0);
		assert_string_equal(dir, cases[i].result);
	}
}

static void a_directory_that_does_not_fit_is_refused(void **state)
{
	char dir[PATH_MAX] = "out", base[PATH_MAX];
	struct err err;

	(void)state;
	memset(base, 'x', sizeof(base));
	base[0] = '/';
	base[PATH_MAX - 3] = '\0';
	assert_int_equal(directory_absolute(dir, base, &err), -1);
	assert_string_equal(dir, "out");
	assert_string_equal(err.text, "dir=out: the path is too long");
}

/* What jansson reads back is what went in. */
static void a_command_is_json(void **state)
{
	static char *argv[] = { (char *)"./a \"b\"", (char *)"c\\d", (char *)"\n\t\x01\x7f",
				(char *)"", (char *)"gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80" };
	char buf[256];
	json_t *array;

	(void)state;
	command_json(buf, sizeof(buf), 5, argv);
	array = json_loads(buf, 0, NULL);
	assert_non_null(array);
	assert_int_equal(json_array_size(array), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(json_string_value(json_array_get(array, i)), argv[i]);
	json_decref(array);
	command_json(buf, sizeof(buf), 0, argv);
	assert_string_equal(buf, "[]");
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
	static const char *const bad[] = { "\xff",         "\x80",         "\xc0\xaf",
					   "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					   "\xc3",         "\xf0\x9f\x98" };
	char buf[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *argv[] = { (char *)bad[i] };
		json_t *array;

		command_json(buf, sizeof(buf), 1, argv);
		array = json_loads(buf, 0, NULL);
		assert_non_null(array);
		assert_memory_equal(json_string_value(json_array_get(array, 0)), "\xef\xbf\xbd", 3);
		json_decref(array);
	}
}

/* At every size it is JSON, and says when something is missing. */
static void a_command_that_does_not_fit_is_cut_between_words(void **state)
{
	static char *argv[] = { (char *)"abc", (char *)"\x01\x02", (char *)"def\xff", (char *)"g" };
	char full[256], buf[256];

	(void)state;
	command_json(full, sizeof(full), 4, argv);
	for (size_t size = 16; size < sizeof(buf); size++) {
		json_t *array;
		size_t count;

		memset(buf, 'Z', sizeof(buf));
		command_json(buf, size, 4, argv);
		assert_true(strlen(buf) < size);
		array = json_loads(buf, 0, NULL);
		assert_non_null(array);
		count = json_array_size(array);
		if (strcmp(buf, full) != 0)
			assert_string_equal(json_string_value(json_array_get(array, count - 1)),
					    "...");
		json_decref(array);
	}
}

static void a_node_is_found_in_the_list(void **state)
{
	static const struct {
		const char *list, *name;
		int64_t index;
	} cases[] = {
		{ "n1", "n1", 0 },
		{ "a,b,c", "c", 2 },
		{ "n[1-4]", "n1", 0 },
		{ "n[1-4]", "n4", 3 },
		{ "n[1-4]", "n5", -1 },
		{ "n[1,3,5-7]", "n6", 3 },
		{ "n[8-12]", "n10", 2 },
		{ "n[08-12]", "n08", 0 },
		{ "n[08-12]", "n8", -1 },
		{ "n[8-12]", "n08", -1 },
		{ "n[08-12]", "n10", 2 },
		{ "n[98-102]", "n101", 3 },
		{ "n[1-2],m[1-3],x", "m2", 3 },
		{ "n[1-2],m[1-3],x", "x", 5 },
		{ "n[1-2]-ib,n[1-2]", "n2", 3 },
		{ "n[1-2]-ib,n[1-2]", "n2-ib", 1 },
		{ "r1n[0-3],r2n[0-3]", "r2n1", 5 },
		{ "n[1-4]", "n", -1 },
		{ "n[1-4]", "n1x", -1 },
		{ "n[1-4]", "m1", -1 },
		{ "", "n1", -1 },
		{ "a,b", "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (nodelist_find(cases[i].list, cases[i].name) != cases[i].index)
			fail_msg("'%s' in '%s' is not %d", cases[i].name, cases[i].list,
				 (int)cases[i].index);
}

static void a_list_that_is_none_is_not_understood(void **state)
{
	static const char *const bad[] = {
		"n[1-4", "n1-4]",   "n[",      "n]",
		"n[]]",  "n[a-b]",  "n[4-1]",  "n[1-]",
		"n[-1]", "n[1--2]", "n[1;2]",  "r[0-1]n[0-1]",
		",n9",   "a,,n9",   "n[1[2]]", "n[9999999999-99999999999]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(nodelist_find(bad[i], "n9"), -1);
	/* a huge range is only counted */
	assert_int_equal(nodelist_find("a[0-999999999],n9", "n9"), 1000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_libraries_stand_in_order),
		cmocka_unit_test(any_order_of_plugins_gives_the_same_order),
		cmocka_unit_test(a_library_can_be_taken_out),
		cmocka_unit_test(what_does_not_fit_is_an_error),
		cmocka_unit_test(about_one_step_in_n_is_sampled),
		cmocka_unit_test(the_hash_is_the_documented_one),
		cmocka_unit_test(no_sampling_takes_all),
		cmocka_unit_test(knows_mpiruns_daemons),
		cmocka_unit_test(directories_become_absolute_templates),
		cmocka_unit_test(what_is_known_is_put_in),
		cmocka_unit_test(a_directory_that_does_not_fit_is_refused),
		cmocka_unit_test(a_command_is_json),
		cmocka_unit_test(bytes_that_are_no_text_are_replaced),
		cmocka_unit_test(a_command_that_does_not_fit_is_cut_between_words),
		cmocka_unit_test(a_node_is_found_in_the_list),
		cmocka_unit_test(a_list_that_is_none_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
