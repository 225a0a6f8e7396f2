/* SPDX-License-Identifier: Apache-2.0 */
#include "run/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void parse(struct yaml_node *root, const char *text)
{
	struct err err = { "" };

	if (yaml_parse(root, text, strlen(text), "f.yml", &err) < 0)
		fail_msg("%s", err.text);
}

static void keeps_order_keys_and_lines(void **state)
{
	struct yaml_node root;

	(void)state;
	parse(&root, "---\nb: 1\na:\n  - x\n  - 'y z'\nc: {d: [], e: ~}\n");
	assert_int_equal(root.kind, YAML_MAP);
	assert_int_equal(root.count, 3);
	assert_string_equal(root.items[0].key, "b");
	assert_string_equal(root.items[0].text, "1");
	assert_true(root.items[0].plain);
	assert_int_equal(root.items[0].line, 2);
	assert_string_equal(root.items[1].key, "a");
	assert_int_equal(root.items[1].kind, YAML_LIST);
	assert_int_equal(root.items[1].count, 2);
	assert_string_equal(root.items[1].items[1].text, "y z");
	assert_false(root.items[1].items[1].plain);
	assert_int_equal(root.items[1].items[1].line, 5);
	assert_int_equal(yaml_find(yaml_find(&root, "c"), "d")->count, 0);
	assert_null(yaml_find(&root, "d"));
	assert_null(yaml_find(&root.items[0], "d"));
	yaml_release(&root);
}

static void an_alias_is_a_copy(void **state)
{
	struct yaml_node root;

	(void)state;
	parse(&root, "a: &x {k: [1, 2]}\nb: *x\nc: &x 3\nd: *x\n");
	assert_string_equal(yaml_find(yaml_find(&root, "b"), "k")->items[1].text, "2");
	assert_string_equal(yaml_find(&root, "d")->text, "3");
	yaml_release(&root);
}

static const struct bad {
	const char *text, *message;
} bad[] = {
	{ "", "f.yml:1: there is nothing in it" },
	{ "a: 1\nb: [1, 2\nc: 3\n", "f.yml:3: " },
	{ "a: 1\n\tb: 2\n", "f.yml:2: " },
	{ "a: 1\nb: 2\na: 3\n", "f.yml:3: 'a': stands twice in one mapping" },
	{ "a: *b\n", "f.yml:1: '*b': there is no such anchor before it" },
	{ "a: &b [*b]\n", "f.yml:1: '*b': there is no such anchor before it" },
	{ "a: 1\n---\nb: 2\n", "f.yml:2: a second document begins here" },
	{ "[1]: 2\n", "f.yml:1: a key is no plain text" },
	{ "a: \"x\\0y\"\n", "f.yml:1: there is a zero byte in a value" },
	{ "a: \xff\xfe\n", "f.yml:" },
};

static void refuses_bad_input(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct yaml_node root;
		struct err err = { "" };

		if (yaml_parse(&root, bad[i].text, strlen(bad[i].text), "f.yml", &err) == 0)
			fail_msg("taken: %s", bad[i].text);
		if (strncmp(err.text, bad[i].message, strlen(bad[i].message)))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

/* 10 anchors that each hold 10 of the one before are 10^10 values. */
static void refuses_a_billion_laughs(void **state)
{
	struct yaml_node root;
	struct err err = { "" };
	char text[4096] = "a0: &a0 x\n";

	(void)state;
	for (int i = 1; i <= 10; i++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i,
			 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
		strcat(text, line);
	}
	assert_int_equal(yaml_parse(&root, text, strlen(text), "f.yml", &err), -1);
	assert_non_null(strstr(err.text, "f.yml:"));
	assert_non_null(strstr(err.text, "there are too many values"));
}

static void refuses_what_is_too_deep(void **state)
{
	char text[2 * YAML_DEPTH + 8] = "";
	struct yaml_node root;
	struct err err = { "" };

	(void)state;
	for (int i = 0; i < YAML_DEPTH; i++)
		text[i] = '[', text[YAML_DEPTH + i] = ']';
	parse(&root, text);
	yaml_release(&root);
	memmove(text + 1, text, 2 * YAML_DEPTH);
	text[2 * YAML_DEPTH + 1] = ']';
	assert_int_equal(yaml_parse(&root, text, strlen(text), "f.yml", &err), -1);
	assert_string_equal(err.text, "f.yml:1: values stand too deep in each other");
}

static void refuses_too_many_keys(void **state)
{
	struct yaml_node root;
	struct err err = { "" };
	char *text = calloc(YAML_KEYS + 1, 16), *at = text;

	(void)state;
	for (int i = 0; i < YAML_KEYS; i++)
		at += sprintf(at, "k%d: 1\n", i);
	parse(&root, text);
	assert_int_equal(root.count, YAML_KEYS);
	yaml_release(&root);
	strcpy(at, "more: 1\n");
	assert_int_equal(yaml_parse(&root, text, strlen(text), "f.yml", &err), -1);
	assert_string_equal(err.text, "f.yml:4097: a mapping has too many keys");
	free(text);
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct yaml_node root;
	struct err err = { "" };

	(void)state;
	assert_int_equal(yaml_read(&root, "/nowhere/x.yml", &err), -1);
	assert_string_equal(err.text, "unable to open '/nowhere/x.yml': No such file or directory");
	assert_int_equal(yaml_read(&root, "/", &err), -1);
	assert_string_equal(err.text, "unable to read '/': Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_keys_and_lines),
		cmocka_unit_test(an_alias_is_a_copy),
		cmocka_unit_test(refuses_bad_input),
		cmocka_unit_test(refuses_a_billion_laughs),
		cmocka_unit_test(refuses_what_is_too_deep),
		cmocka_unit_test(refuses_too_many_keys),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
