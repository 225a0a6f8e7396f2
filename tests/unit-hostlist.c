/* SPDX-License-Identifier: Apache-2.0 */
#include "hostlist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define LIMIT 200000

static bool have_libslurm(void)
{
	struct err err = { "" };
	size_t count;
	char **hosts;

	if (hostlist_parse("a", LIMIT, &hosts, &count, &err) < 0)
		return false;
	hostlist_free(hosts);
	return true;
}

#define NEED_LIBSLURM()               \
	do {                          \
		if (!have_libslurm()) \
			skip();       \
	} while (0)

static void gives_the_hosts_in_order(void **state)
{
	static const struct {
		const char *text, *hosts; /* with blanks between */
	} cases[] = {
		{ "a", "a" },
		{ "login", "login" },
		{ "b,a,c", "b a c" },
		{ "n[1-3]", "n1 n2 n3" },
		{ "n[01-03,7],login", "n01 n02 n03 n7 login" },
		{ "n[8-11]", "n8 n9 n10 n11" },
		{ "n[098-101]", "n098 n099 n100 n101" },
		{ "n[3,1-2]", "n3 n1 n2" },
		{ "r[0-1]n[0-2]", "r0n0 r0n1 r0n2 r1n0 r1n1 r1n2" },
		{ "n1,n1", "n1 n1" },
		{ "[1-2]", "1 2" },
		{ "gpu-a.site_b[1-2]", "gpu-a.site_b1 gpu-a.site_b2" },
	};

	(void)state;
	NEED_LIBSLURM();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		char joined[256] = "";
		size_t count;
		char **hosts;

		if (hostlist_parse(cases[i].text, LIMIT, &hosts, &count, &err) < 0)
			fail_msg("'%s': %s", cases[i].text, err.text);
		for (size_t k = 0; k < count; k++) {
			strcat(joined, k ? " " : "");
			strcat(joined, hosts[k]);
		}
		assert_string_equal(joined, cases[i].hosts);
		assert_null(hosts[count]);
		hostlist_free(hosts);
	}
}

static void refuses_what_is_no_list(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "empty" },
		{ ",", "an empty element" },
		{ "a,", "an empty element" },
		{ "a,,b", "an empty element" },
		{ "a b", "a blank" },
		{ "a[1-3", "']' is missing" },
		{ "a[", "a number is missing" },
		{ "a]", "']' without '['" },
		{ "a[]", "a number is missing" },
		{ "a[x]", "a number is missing" },
		{ "a[1-]", "a number is missing" },
		{ "a[-1]", "a number is missing" },
		{ "a[1,]", "a number is missing" },
		{ "a[1-3x]", "only numbers" },
		{ "a[[1]]", "a number is missing" },
		{ "a[3-1]", "goes down" },
		{ "a[1-2]b", "text behind the last ']'" },
		{ "a[1-2]b,c", "text behind the last ']'" },
		{ "a[1234567890123456789]", "18 digits" },
		{ "a[0-99999999]", "more than 200000 hosts" },
		{ "a[0-999]b[0-999]", "more than 200000 hosts" },
		{ "a[0-999999999999999999]b[0-999999999999999999]", "more than 200000 hosts" },
		{ "a[1-150000],b[1-150000]", "more than 200000 hosts" },
		{ "a[1-150000,1-150000]", "more than 200000 hosts" },
	};

	(void)state;
	NEED_LIBSLURM();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		char **hosts = (char **)1;
		size_t count = 77;

		assert_int_equal(hostlist_parse(cases[i].text, LIMIT, &hosts, &count, &err), -1);
		if (!strstr(err.text, cases[i].why))
			fail_msg("'%s': '%s' says nothing of '%s'", cases[i].text, err.text,
				 cases[i].why);
		assert_ptr_equal(hosts, (char **)1);
		assert_int_equal(count, 77);
	}
}

static void takes_as_many_as_the_limit(void **state)
{
	struct err err = { "" };
	size_t count;
	char **hosts;

	(void)state;
	NEED_LIBSLURM();
	assert_int_equal(hostlist_parse("a[1-10]", 10, &hosts, &count, &err), 0);
	assert_int_equal(count, 10);
	hostlist_free(hosts);
	assert_int_equal(hostlist_parse("a[1-10],b", 10, &hosts, &count, &err), -1);
	assert_int_equal(hostlist_parse("a[1-10]", 9, &hosts, &count, &err), -1);
	assert_int_equal(hostlist_parse("a", 0, &hosts, &count, &err), -1);
}

/* More in one range than libslurm takes at once. */
static void takes_ranges_of_any_length(void **state)
{
	struct err err = { "" };
	size_t count;
	char **hosts;
	char name[32];

	(void)state;
	NEED_LIBSLURM();
	if (hostlist_parse("node[000000-149999]", LIMIT, &hosts, &count, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(count, 150000);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "node%06zu", i);
		assert_string_equal(hosts[i], name);
	}
	hostlist_free(hosts);
}

static void writes_the_shortest_list(void **state)
{
	char n1[] = "n1", n2[] = "n2", n3[] = "n3", n07[] = "n07", login[] = "login";
	char *hosts[] = { n3, n1, login, n2, n07 };
	char *text;

	(void)state;
	NEED_LIBSLURM();
	text = hostlist_text(hosts, 5);
	assert_string_equal(text, "login,n[1-3,07]");
	free(text);
	text = hostlist_text(hosts, 1);
	assert_string_equal(text, "n3");
	free(text);
	text = hostlist_text(NULL, 0);
	assert_string_equal(text, "");
	free(text);
}

/* Hosts to text and back, in random subsets. */
static void reads_what_it_writes(void **state)
{
	char names[60][16];
	unsigned seed = 1;

	(void)state;
	NEED_LIBSLURM();
	for (size_t i = 0; i < 60; i++)
		snprintf(names[i], sizeof(names[i]), "x%02zu", i);
	for (int turn = 0; turn < 200; turn++) {
		char *subset[60], **hosts, *text;
		struct err err = { "" };
		size_t n = 0, count;

		for (size_t i = 0; i < 60; i++)
			if (rand_r(&seed) % 3)
				subset[n++] = names[i];
		text = hostlist_text(subset, n);
		assert_int_equal(hostlist_parse(text, LIMIT, &hosts, &count, &err), 0);
		assert_int_equal(count, n);
		for (size_t i = 0; i < n; i++)
			assert_string_equal(hosts[i], subset[i]);
		hostlist_free(hosts);
		free(text);
	}
}

/* In a process of its own: a library stays once it is loaded. */
static void says_when_there_is_no_libslurm(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		struct err err = { "" };
		size_t count;
		char **hosts;

		setenv("NETEMU_LIBSLURM", "/nonexistent/libslurm.so", 1);
		_exit(hostlist_parse("a[1-3]", LIMIT, &hosts, &count, &err) == -1 &&
				      strstr(err.text, "a[1-3]") && strstr(err.text, "libslurm") &&
				      !hostlist_text(NULL, 0)
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_when_there_is_no_libslurm), /* before it is loaded */
		cmocka_unit_test(gives_the_hosts_in_order),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(takes_as_many_as_the_limit),
		cmocka_unit_test(takes_ranges_of_any_length),
		cmocka_unit_test(writes_the_shortest_list),
		cmocka_unit_test(reads_what_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
