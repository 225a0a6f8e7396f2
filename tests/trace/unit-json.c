/* SPDX-License-Identifier: Apache-2.0 */
/* unit-json.c - JSON as it is written, and put in order */
#include "trace/ordered.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json json;

static int make(void **state)
{
	(void)state;
	return json_init(&json, NULL, 8); /* grows all the time */
}

static int forget(void **state)
{
	(void)state;
	json_release(&json);
	return 0;
}

#define WRITES(text, call)                                           \
	do {                                                         \
		json.at = json.base;                                 \
		call;                                                \
		assert_int_equal(json.failed, 0);                    \
		assert_int_equal(json.at - json.base, strlen(text)); \
		assert_memory_equal(json.base, text, strlen(text));  \
	} while (0)

static void writes_numbers(void **state)
{
	(void)state;
	WRITES("0", json_u64(&json, 0));
	WRITES("9", json_u64(&json, 9));
	WRITES("10", json_u64(&json, 10));
	WRITES("100", json_u64(&json, 100));
	WRITES("12345", json_u64(&json, 12345));
	WRITES("18446744073709551615", json_u64(&json, UINT64_MAX));
	WRITES("-1", json_i64(&json, -1));
	WRITES("-9223372036854775808", json_i64(&json, INT64_MIN));
	WRITES("9223372036854775807", json_i64(&json, INT64_MAX));
}

static void writes_numbers_as_snprintf_does(void **state)
{
	uint64_t number = 1;
	char text[32];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		number = number * UINT64_C(6364136223846793005) + 1442695040888963407;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)(number >> i % 64));
		WRITES(text, json_u64(&json, number >> i % 64));
		snprintf(text, sizeof(text), "\"0x%llx\"", (unsigned long long)(number >> i % 64));
		WRITES(text, json_hex(&json, number >> i % 64));
	}
}

static void doubles_hold_what_is_a_number(void **state)
{
	(void)state;
	WRITES("9007199254740991", json_id(&json, JSON_EXACT));
	WRITES("\"0x20000000000000\"", json_id(&json, JSON_EXACT + 1));
	WRITES("\"0xffffffffffffffff\"", json_id(&json, UINT64_MAX));
	WRITES("\"0x0\"", json_hex(&json, 0));
}

static void writes_microseconds(void **state)
{
	(void)state;
	WRITES("0.000", json_us(&json, 0));
	WRITES("0.001", json_us(&json, 1));
	WRITES("0.999", json_us(&json, 999));
	WRITES("1.000", json_us(&json, 1000));
	WRITES("12.030", json_us(&json, 12030));
	WRITES("-0.005", json_us(&json, -5));
	WRITES("-3.250", json_us(&json, -3250));
	WRITES("9223372036854775.807", json_us(&json, INT64_MAX));
}

static void escapes_text(void **state)
{
	(void)state;
	WRITES("\"\"", json_text(&json, ""));
	WRITES("\"a b\"", json_text(&json, "a b"));
	WRITES("\"\\\"\\\\/\"", json_text(&json, "\"\\/"));
	WRITES("\"\\u000a\\u0001\\u007f\"", json_text(&json, "\n\1\177"));
	WRITES("\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
	       json_text(&json, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
}

static void takes_other_bytes_as_latin_1(void **state)
{
	(void)state;
	WRITES("\"\\u00e4\"", json_text(&json, "\xe4"));
	WRITES("\"\\u00c3\"", json_text(&json, "\xc3"));                       /* cut off */
	WRITES("\"\\u00c0\\u00af\"", json_text(&json, "\xc0\xaf"));            /* too long */
	WRITES("\"\\u00ed\\u00a0\\u0080\"", json_text(&json, "\xed\xa0\x80")); /* half a pair */
	WRITES("\"\\u00f4\\u0090\\u0080\\u0080\"", json_text(&json, "\xf4\x90\x80\x80"));
	WRITES("\"\\u00ff\"", json_text(&json, "\xff"));
}

static void a_full_device_is_remembered(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct json other;

	(void)state;
	assert_non_null(full);
	assert_int_equal(json_init(&other, full, 16), 0);
	setvbuf(full, NULL, _IONBF, 0);
	for (int i = 0; i < 1000; i++)
		JSON_PUT(&other, "0123456789");
	assert_int_equal(json_flush(&other), -1);
	assert_int_equal(other.failed, 28); /* ENOSPC */
	json_release(&other);
	fclose(full);
}

/* --- order --- */

#define ELEMENTS 50000

/* Each as wide as the last one is long, so that texts differ in length. */
static void put_element(struct ordered *ordered, int64_t time, int number)
{
	struct json *to = ordered_begin(ordered, time, ORDERED_SLICE);

	json_i64(to, time);
	for (int i = 0; i < number % 50; i++)
		JSON_PUT(to, " ");
	ordered_end(ordered);
}

static void nearly_in_order_becomes_in_order(void **state)
{
	struct ordered ordered;
	size_t size, count = 0;
	long long last = -1, time;
	char *text, *at;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(ordered_init(&ordered, stream), 0);
	srand(1);
	put_element(&ordered, ORDERED_NOW, 0);
	for (int i = 0; i < ELEMENTS; i++)
		put_element(&ordered, 10 * i + rand() % 5000, i);
	assert_int_equal(ordered_flush(&ordered), 0);
	ordered_release(&ordered);
	fclose(stream);
	at = strchr(text, '\n');
	assert_non_null(at);
	for (; at; at = strchr(at + 1, '\n'), count++) {
		assert_int_equal(at[-1], ',');
		assert_int_equal(sscanf(at + 1, "%lld", &time), 1);
		assert_true(time >= last);
		last = time;
	}
	assert_int_equal(count, ELEMENTS);
	free(text);
}

static void the_same_time_goes_by_class(void **state)
{
	struct ordered ordered;
	size_t size;
	char *text;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(ordered_init(&ordered, stream), 0);
	JSON_PUT(ordered_begin(&ordered, ORDERED_NOW, ORDERED_BEFORE), "name");
	ordered_end(&ordered);
	JSON_PUT(ordered_begin(&ordered, 7, ORDERED_AFTER), "start");
	ordered_end(&ordered);
	JSON_PUT(ordered_begin(&ordered, 7, ORDERED_SLICE), "slice");
	ordered_end(&ordered);
	JSON_PUT(ordered_begin(&ordered, 7, ORDERED_AFTER), "second");
	ordered_end(&ordered);
	JSON_PUT(ordered_begin(&ordered, 7, ORDERED_BEFORE), "end");
	ordered_end(&ordered);
	JSON_PUT(ordered_begin(&ordered, -7, ORDERED_AFTER), "before");
	ordered_end(&ordered);
	assert_int_equal(ordered_flush(&ordered), 0);
	ordered_release(&ordered);
	fclose(stream);
	assert_string_equal(text, "name,\nbefore,\nend,\nslice,\nstart,\nsecond");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_numbers),
		cmocka_unit_test(writes_numbers_as_snprintf_does),
		cmocka_unit_test(doubles_hold_what_is_a_number),
		cmocka_unit_test(writes_microseconds),
		cmocka_unit_test(escapes_text),
		cmocka_unit_test(takes_other_bytes_as_latin_1),
		cmocka_unit_test(a_full_device_is_remembered),
		cmocka_unit_test(nearly_in_order_becomes_in_order),
		cmocka_unit_test(the_same_time_goes_by_class),
	};

	return cmocka_run_group_tests(tests, make, forget);
}
