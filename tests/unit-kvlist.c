/* SPDX-License-Identifier: Apache-2.0 */
#include "kvlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define ITEMS 4

struct expected {
	const char *text;
	struct kvlist_item items[ITEMS]; /* up to the first without a key */
};

static void check(const char *text, const struct kvlist_item *expected)
{
	struct kvlist list;
	struct err err = { "" };
	size_t i;

	if (kvlist_parse(&list, text, &err) < 0)
		fail_msg("'%s': %s", text, err.text);
	for (i = 0; i < ITEMS && expected[i].key; i++) {
		assert_true(i < list.count);
		assert_string_equal(list.items[i].key, expected[i].key);
		assert_string_equal(list.items[i].value, expected[i].value);
	}
	assert_int_equal(list.count, i);
	kvlist_release(&list);
}

static void splits_at_a_comma_before_a_key_only(void **state)
{
	static const struct expected cases[] = {
		{ "", { { 0 } } },
		{ "yes", { { "", "yes" } } },
		{ "no,dir=/a", { { "", "no" }, { "dir", "/a" } } },
		{ "yes,no", { { "", "yes,no" } } },
		{ "dir=/a,b,c", { { "dir", "/a,b,c" } } },
		{ "dir=/a,b=c", { { "dir", "/a" }, { "b", "c" } } },
		{ "dir=/a,B=c", { { "dir", "/a,B=c" } } },
		{ "dir=/a,=c", { { "dir", "/a,=c" } } },
		{ "dir=/a, b=c", { { "dir", "/a, b=c" } } },
		{ "a.b_2=1,0=", { { "a.b_2", "1" }, { "0", "" } } },
		{ "a=b=c", { { "a", "b=c" } } },
		{ "a=1,a=2,a=3", { { "a", "1" }, { "a", "2" }, { "a", "3" } } },
		{ "a=,", { { "a", "," } } },
		{ "a=1,,b=2", { { "a", "1," }, { "b", "2" } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].text, cases[i].items);
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "=x", "'=x': a key is missing" },
		{ "Dir=x", "'Dir': not a key (a-z, 0-9, '_' and '.')" },
		{ "a b=x", "'a b': not a key (a-z, 0-9, '_' and '.')" },
		{ "@/nonexistent/list",
		  "unable to open '/nonexistent/list': No such file or directory" },
		{ "@", "unable to open '': No such file or directory" },
		{ "@/", "'/' is not a regular file" },
		{ "@/dev/zero", "'/dev/zero' is not a regular file" },
	};
	struct kvlist list;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(kvlist_parse(&list, cases[i].text, &err), -1);
		assert_string_equal(err.text, cases[i].message);
	}
}

static void finds_the_last_of_a_key(void **state)
{
	struct kvlist list;

	(void)state;
	assert_int_equal(kvlist_parse(&list, "no,a=1,b=2,a=3", NULL), 0);
	assert_string_equal(kvlist_find(&list, "a"), "3");
	assert_string_equal(kvlist_find(&list, "b"), "2");
	assert_string_equal(kvlist_find(&list, ""), "no");
	assert_null(kvlist_find(&list, "c"));
	kvlist_release(&list);
}

/* "@FILE" with CONTENT in it. */
static const char *list_file(const char *content, size_t size)
{
	static char reference[64];
	int fd;

	snprintf(reference, sizeof(reference), "@/tmp/unit-kvlist.XXXXXX");
	fd = mkstemp(reference + 1);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
	return reference;
}

static void reads_a_file(void **state)
{
	static const struct kvlist_item expected[ITEMS] = {
		{ "", "yes" }, { "dir", "/a,b" }, { "window", "1s" }, { "sizes", "5" }
	};
	static const char content[] = "# mine\n\n yes\r\ndir=/a,b,window=1s\n\t# more\nsizes=5";
	const char *reference = list_file(content, strlen(content));

	(void)state;
	check(reference, expected);
	unlink(reference + 1);
}

static void names_the_line_of_a_file(void **state)
{
	static const char content[] = "a=1\n#\nyes\n";
	const char *reference = list_file(content, strlen(content));
	struct kvlist list;
	char expected[128];
	struct err err;

	(void)state;
	assert_int_equal(kvlist_parse(&list, reference, &err), -1);
	snprintf(expected, sizeof(expected), "%s:3: 'yes': not KEY=VALUE", reference + 1);
	assert_string_equal(err.text, expected);
	unlink(reference + 1);
}

static void refuses_files_that_are_no_lists(void **state)
{
	static char large[70000];
	struct kvlist list;
	const char *reference;
	struct err err;

	(void)state;
	memset(large, '\n', sizeof(large));
	reference = list_file(large, sizeof(large));
	assert_int_equal(kvlist_parse(&list, reference, &err), -1);
	assert_non_null(strstr(err.text, "is not a list of settings"));
	unlink(reference + 1);

	reference = list_file("a=1\0b=2", 7);
	assert_int_equal(kvlist_parse(&list, reference, &err), -1);
	assert_non_null(strstr(err.text, "is not a list of settings"));
	unlink(reference + 1);
}

static void does_not_wait_for_a_fifo(void **state)
{
	const char *reference = list_file("", 0);
	struct kvlist list;
	struct err err;

	(void)state;
	unlink(reference + 1);
	assert_int_equal(mkfifo(reference + 1, 0600), 0);
	assert_int_equal(kvlist_parse(&list, reference, &err), -1);
	assert_non_null(strstr(err.text, "is not a regular file"));
	unlink(reference + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_at_a_comma_before_a_key_only),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(finds_the_last_of_a_key),
		cmocka_unit_test(reads_a_file),
		cmocka_unit_test(names_the_line_of_a_file),
		cmocka_unit_test(refuses_files_that_are_no_lists),
		cmocka_unit_test(does_not_wait_for_a_fifo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
