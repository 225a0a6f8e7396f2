/* SPDX-License-Identifier: Apache-2.0 */
/* unit-jsonscan.c - JSON front to back, and where it is wrong */
#include "jsonscan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;

/* TEXT in memory of its own exact size. */
static struct jsonscan scan_of(const char *text)
{
	static char *copy;
	struct jsonscan scan;
	size_t size = strlen(text);

	free(copy);
	copy = malloc(size ? size : 1);
	memcpy(copy, text, size);
	err.text[0] = '\0';
	jsonscan_init(&scan, copy, size, "f", &err);
	return scan;
}

static void reads_nested_values(void **state)
{
	struct jsonscan scan =
		scan_of(" {\"a\" : [1, -2 ,3.5e1], \"b\":{},\"c\":[[]], \"d\": null}\n");
	char key[8];
	uint64_t u;
	int64_t i;
	double d;
	char *text;

	(void)state;
	assert_int_equal(jsonscan_open(&scan, '{'), 0);
	assert_int_equal(jsonscan_key(&scan, key, sizeof(key)), 1);
	assert_string_equal(key, "a");
	assert_int_equal(jsonscan_open(&scan, '['), 0);
	assert_int_equal(jsonscan_element(&scan), 1);
	assert_int_equal(jsonscan_u64(&scan, &u), 0);
	assert_int_equal(u, 1);
	assert_int_equal(jsonscan_element(&scan), 1);
	assert_int_equal(jsonscan_i64(&scan, &i), 0);
	assert_int_equal(i, -2);
	assert_int_equal(jsonscan_element(&scan), 1);
	assert_int_equal(jsonscan_real(&scan, &d), 0);
	assert_true(d == 35);
	assert_int_equal(jsonscan_element(&scan), 0);
	for (int member = 0; member < 2; member++) {
		assert_int_equal(jsonscan_key(&scan, key, sizeof(key)), 1);
		assert_int_equal(jsonscan_skip(&scan), 0);
	}
	assert_int_equal(jsonscan_key(&scan, key, sizeof(key)), 1);
	assert_int_equal(jsonscan_string(&scan, &text), 0);
	assert_null(text);
	assert_int_equal(jsonscan_key(&scan, key, sizeof(key)), 0);
	assert_int_equal(jsonscan_end(&scan), 0);
}

static void keeps_all_64_bits(void **state)
{
	struct jsonscan scan = scan_of("18446744073709551615");
	uint64_t u;
	int64_t i;

	(void)state;
	assert_int_equal(jsonscan_u64(&scan, &u), 0);
	assert_true(u == UINT64_MAX);
	scan = scan_of("-9223372036854775808");
	assert_int_equal(jsonscan_i64(&scan, &i), 0);
	assert_true(i == INT64_MIN);
	scan = scan_of("9223372036854775807");
	assert_int_equal(jsonscan_i64(&scan, &i), 0);
	assert_true(i == INT64_MAX);
}

static void decodes_every_escape(void **state)
{
	struct jsonscan scan =
		scan_of("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"");
	char *text;

	(void)state;
	assert_int_equal(jsonscan_string(&scan, &text), 0);
	assert_string_equal(text, "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	free(text);
}

static void cuts_long_keys(void **state)
{
	struct jsonscan scan = scan_of("{\"abcdefgh\": 1}");
	char key[4];
	uint64_t u;

	(void)state;
	assert_int_equal(jsonscan_open(&scan, '{'), 0);
	assert_int_equal(jsonscan_key(&scan, key, sizeof(key)), 1);
	assert_string_equal(key, "abc");
	assert_int_equal(jsonscan_u64(&scan, &u), 0);
	assert_int_equal(jsonscan_key(&scan, key, sizeof(key)), 0);
}

static void says_a_thing_once(void **state)
{
	struct jsonscan scan = scan_of("\n\n[x");
	uint64_t u = 7;

	(void)state;
	assert_int_equal(jsonscan_open(&scan, '['), 0);
	assert_int_equal(jsonscan_element(&scan), 1);
	assert_int_equal(jsonscan_u64(&scan, &u), -1);
	assert_string_equal(err.text, "f:3: a whole number should be where 'x' is");
	assert_int_equal(jsonscan_element(&scan), -1);
	assert_int_equal(jsonscan_end(&scan), -1);
	assert_string_equal(err.text, "f:3: a whole number should be where 'x' is");
	assert_int_equal(u, 7);
}

static void reads_numbers_whatever_the_locale(void **state)
{
	struct jsonscan scan = scan_of("1.25");
	double d;

	(void)state;
	/* Where it is not installed this says less; cmocka's skip() is no TAP. */
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8"))
		print_message("# no locale with a decimal comma here\n");
	assert_int_equal(jsonscan_real(&scan, &d), 0);
	setlocale(LC_NUMERIC, "C");
	assert_true(d == 1.25);
}

static void bounds_the_depth(void **state)
{
	char text[2 * JSONSCAN_DEPTH + 3];
	struct jsonscan scan;

	(void)state;
	memset(text, '[', JSONSCAN_DEPTH);
	memset(text + JSONSCAN_DEPTH, ']', JSONSCAN_DEPTH);
	text[2 * JSONSCAN_DEPTH] = '\0';
	scan = scan_of(text);
	assert_int_equal(jsonscan_skip(&scan), 0);
	memset(text, '[', JSONSCAN_DEPTH + 1);
	scan = scan_of(text);
	assert_int_equal(jsonscan_skip(&scan), -1);
	assert_string_equal(err.text, "f:1: nested too deeply");
}

/* Whole texts, of which jansson has to think the same. */
static const char *const texts[] = {
	"{}",
	"[]",
	"[1]",
	"[1,]",
	"[,1]",
	"[1 2]",
	"{\"a\":1}",
	"{\"a\":1,}",
	"{\"a\"}",
	"{a:1}",
	"{\"a\":}",
	"{1:2}",
	"[true,false,null]",
	"[tru]",
	"[nul]",
	"[truee]",
	"[0]",
	"[00]",
	"[01]",
	"[-0]",
	"[-]",
	"[-01]",
	"[+1]",
	"[.5]",
	"[1.]",
	"[1.5]",
	"[1e5]",
	"[1e]",
	"[1e+]",
	"[1E-5]",
	"[0x10]",
	"[\"\"]",
	"[\"a]",
	"[\"\\\"]",
	"[\"\\a\"]",
	"[\"\\u12\"]",
	"[\"\\u12g4\"]",
	"[\"\\ud800\"]",
	"[\"\\udc00\"]",
	"[\"\\ud800\\u0041\"]",
	"[\"\t\"]",
	"[1]]",
	"[[1]",
	"[1}",
	"{\"a\":1]",
	"[] []",
	"[]x",
	" [ ] ",
	"",
	" ",
	"[\"\\u0000\"]",
	"[1,2,3",
	"{\"a\":[{\"b\":[]}]}",
	"{\"a\" 1}",
	"{,}",
	"[\f1]",
	"['a']",
	"[NaN]",
	"[Infinity]",
};

static void thinks_as_jansson_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct jsonscan scan = scan_of(texts[i]);
		json_t *tree = json_loads(texts[i], 0, NULL);
		bool good = jsonscan_skip(&scan) == 0 && jsonscan_end(&scan) == 0;

		if (good != (tree != NULL))
			fail_msg("'%s': %s, but jansson takes %s", texts[i],
				 good ? "taken" : err.text, tree ? "it" : "it not");
		json_decref(tree);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_nested_values),
		cmocka_unit_test(keeps_all_64_bits),
		cmocka_unit_test(decodes_every_escape),
		cmocka_unit_test(cuts_long_keys),
		cmocka_unit_test(says_a_thing_once),
		cmocka_unit_test(reads_numbers_whatever_the_locale),
		cmocka_unit_test(bounds_the_depth),
		cmocka_unit_test(thinks_as_jansson_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
