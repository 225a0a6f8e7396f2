/* SPDX-License-Identifier: Apache-2.0 */
#include "netprof_settings.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void merge(struct netprof_settings *settings, enum netprof_source source, const char *text)
{
	struct err err;

	if (netprof_settings_merge(settings, source, text, &err) < 0)
		fail_msg("'%s': %s", text, err.text);
}

static void a_list_without_yes_or_no_means_yes(void **state)
{
	static const struct {
		const char *text;
		int enable;
	} cases[] = {
		{ "", 1 },       { "yes", 1 },       { "no", 0 },
		{ "dir=/a", 1 }, { "no,dir=/a", 0 }, { "yes,dir=/a", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netprof_settings settings = NETPROF_SETTINGS_INIT;

		merge(&settings, NETPROF_USER, cases[i].text);
		assert_int_equal(settings.enable, cases[i].enable);
	}
}

static void the_plugstack_line_enables_with_auto_only(void **state)
{
	struct netprof_settings settings = NETPROF_SETTINGS_INIT;

	(void)state;
	merge(&settings, NETPROF_PLUGSTACK, "dir=/scratch/%u");
	assert_int_equal(settings.enable, -1);
	merge(&settings, NETPROF_PLUGSTACK, "auto=yes");
	assert_int_equal(settings.enable, 1);
	merge(&settings, NETPROF_PLUGSTACK, "auto=no");
	assert_int_equal(settings.enable, 0);
}

static void sets_every_key(void **state)
{
	struct netprof_settings s = NETPROF_SETTINGS_INIT;

	(void)state;
	assert_int_equal(s.sizes, 1024);
	merge(&s, NETPROF_PLUGSTACK,
	      "dir=/d/%j.%s,window=1.5s,stamps=precise,timing=yes,sizes=7,exclude=a,b,auto=no,"
	      "sample=10,minnodes=2,keep=30d,quiet=yes,lib=/l/x.so,libexec=/e");
	assert_string_equal(s.dir, "/d/%j.%s");
	assert_int_equal(s.window, 1500000000);
	assert_true(s.precise);
	assert_true(s.timing);
	assert_int_equal(s.sizes, 7);
	assert_string_equal(s.exclude, "a,b");
	assert_int_equal(s.enable, 0);
	assert_int_equal(s.sample, 10);
	assert_int_equal(s.minnodes, 2);
	assert_int_equal(s.keep, 30ll * 86400 * 1000000000);
	assert_true(s.quiet);
	assert_string_equal(s.lib, "/l/x.so");
	assert_string_equal(s.libexec, "/e");
}

static void what_is_not_named_stays(void **state)
{
	struct netprof_settings s = NETPROF_SETTINGS_INIT;

	(void)state;
	merge(&s, NETPROF_PLUGSTACK, "dir=/d,sample=3,timing=yes,stamps=precise");
	merge(&s, NETPROF_USER, "stamps=coarse,window=1s");
	assert_string_equal(s.dir, "/d");
	assert_int_equal(s.sample, 3);
	assert_true(s.timing);
	assert_false(s.precise);
	assert_int_equal(s.window, 1000000000);
}

static void says_what_is_wrong_and_changes_nothing(void **state)
{
	static const struct {
		enum netprof_source source;
		const char *text, *message;
	} cases[] = {
		{ NETPROF_USER, "maybe", "'maybe': neither yes, no nor KEY=VALUE" },
		{ NETPROF_USER, "yes,no", "'yes,no': neither yes, no nor KEY=VALUE" },
		{ NETPROF_USER, "Yes", "'Yes': neither yes, no nor KEY=VALUE" },
		{ NETPROF_USER, "=x", "'=x': a key is missing" },
		{ NETPROF_USER, "widnow=1s", "unknown key 'widnow' (did you mean 'window'?)" },
		{ NETPROF_USER, "dri=/x", "unknown key 'dri' (did you mean 'dir'?)" },
		{ NETPROF_USER, "colour=red", "unknown key 'colour'" },
		{ NETPROF_USER,
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1",
		  "unknown key 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'" },
		{ NETPROF_USER, "window=10",
		  "window='10': not a duration (a number and ns, us, ms, s, m, h or d)" },
		{ NETPROF_USER,
		  "window=", "window='': not a duration (a number and ns, us, ms, s, m, h or d)" },
		{ NETPROF_USER, "window=1000000d", "window='1000000d': too long" },
		{ NETPROF_USER, "stamps=fine", "stamps='fine': neither precise nor coarse" },
		{ NETPROF_USER, "timing=1", "timing='1': neither yes nor no" },
		{ NETPROF_USER, "sizes=-1", "sizes='-1': not a number" },
		{ NETPROF_USER, "sizes=many", "sizes='many': not a number" },
		{ NETPROF_USER, "sizes=10x", "sizes='10x': not a number" },
		{ NETPROF_USER, "sizes=1048577", "sizes='1048577': not between 0 and 1048576" },
		{ NETPROF_USER, "sizes=99999999999999999999",
		  "sizes='99999999999999999999': not between 0 and 1048576" },
		{ NETPROF_USER, "dir=", "dir='': a directory is missing" },
		{ NETPROF_USER, "dir=/a\nb", "dir=: a control character in it" },
		{ NETPROF_USER, "auto=yes", "'auto' can only be set in plugstack.conf" },
		{ NETPROF_USER, "lib=/evil.so", "'lib' can only be set in plugstack.conf" },
		{ NETPROF_USER, "libexec=/evil", "'libexec' can only be set in plugstack.conf" },
		{ NETPROF_PLUGSTACK, "yes", "'yes': not KEY=VALUE" },
		{ NETPROF_PLUGSTACK, "auto=on", "auto='on': neither yes nor no" },
		{ NETPROF_PLUGSTACK, "smaple=3", "unknown key 'smaple' (did you mean 'sample'?)" },
		{ NETPROF_PLUGSTACK, "lib=x.so", "lib='x.so': not an absolute path" },
		{ NETPROF_PLUGSTACK, "keep=30",
		  "keep='30': not a duration (a number and ns, us, ms, s, m, h or d)" },
	};
	struct netprof_settings before = NETPROF_SETTINGS_INIT, after;
	struct err err;

	(void)state;
	merge(&before, NETPROF_PLUGSTACK, "dir=/d,sample=3");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(&after, &before, sizeof(after));
		assert_int_equal(
			netprof_settings_merge(&after, cases[i].source, cases[i].text, &err), -1);
		assert_string_equal(err.text, cases[i].message);
		assert_memory_equal(&after, &before, sizeof(after));
	}
}

static void an_unknown_conversion_is_refused(void **state)
{
	struct netprof_settings s = NETPROF_SETTINGS_INIT;
	struct err err;

	(void)state;
	assert_int_equal(netprof_settings_merge(&s, NETPROF_USER, "dir=/a/%x", &err), -1);
	assert_non_null(strstr(err.text, "'%x'"));
	assert_non_null(strstr(err.text, "unknown conversion"));
	merge(&s, NETPROF_USER, "dir=/a/%u/%j/%s/100%%");
}

static void refuses_what_does_not_fit(void **state)
{
	static char text[8192];
	struct netprof_settings s = NETPROF_SETTINGS_INIT;
	struct err err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "exclude=", 8);
	assert_int_equal(netprof_settings_merge(&s, NETPROF_USER, text, &err), -1);
	assert_string_equal(err.text, "exclude=: longer than 1023 bytes");
	memcpy(text, "dir=/////", 8);
	assert_int_equal(netprof_settings_merge(&s, NETPROF_USER, text, &err), -1);
}

static void what_it_writes_it_reads(void **state)
{
	static const struct {
		const char *text, *written;
	} cases[] = {
		{ "", "yes" },
		{ "no", "no" },
		{ "dir=/a,b", "yes,dir=/a,b" },
		{ "no,exclude=a,b,dir=/x", "no,dir=/x,exclude=a,b" },
		{ "window=100ms,stamps=precise,timing=yes,sizes=0",
		  "yes,window=100000000ns,stamps=precise,timing=yes,sizes=0" },
		{ "window=0s,stamps=coarse,timing=no,sizes=1024", "yes" },
	};
	char buf[256], again[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netprof_settings first = NETPROF_SETTINGS_INIT;
		struct netprof_settings second = NETPROF_SETTINGS_INIT;

		merge(&first, NETPROF_USER, cases[i].text);
		assert_int_equal(netprof_settings_format(&first, buf, sizeof(buf)), 0);
		assert_string_equal(buf, cases[i].written);
		merge(&second, NETPROF_USER, buf);
		assert_int_equal(netprof_settings_format(&second, again, sizeof(again)), 0);
		assert_string_equal(again, buf);
	}
}

static void does_not_write_what_would_read_differently(void **state)
{
	struct netprof_settings s = NETPROF_SETTINGS_INIT;
	char buf[64];

	(void)state;
	snprintf(s.dir, sizeof(s.dir), "/a,window=1s");
	assert_int_equal(netprof_settings_format(&s, buf, sizeof(buf)), -1);
	assert_int_equal(errno, EINVAL);
	snprintf(s.dir, sizeof(s.dir), "/a,b");
	assert_int_equal(netprof_settings_format(&s, buf, 8), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void excludes_by_base_name(void **state)
{
	struct netprof_settings s = NETPROF_SETTINGS_INIT;

	(void)state;
	assert_false(netprof_settings_excludes(&s, "/bin/a"));
	assert_false(netprof_settings_excludes(&s, ""));
	merge(&s, NETPROF_USER, "exclude=python3.11,lmp,a b");
	assert_true(netprof_settings_excludes(&s, "/usr/bin/lmp"));
	assert_true(netprof_settings_excludes(&s, "lmp"));
	assert_true(netprof_settings_excludes(&s, "/x/a b"));
	assert_true(netprof_settings_excludes(&s, "/usr/bin/python3.11"));
	assert_false(netprof_settings_excludes(&s, "/usr/bin/python3"));
	assert_false(netprof_settings_excludes(&s, "/usr/bin/lmp2"));
	assert_false(netprof_settings_excludes(&s, "/usr/lmp/x"));
	assert_false(netprof_settings_excludes(&s, "/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_without_yes_or_no_means_yes),
		cmocka_unit_test(the_plugstack_line_enables_with_auto_only),
		cmocka_unit_test(sets_every_key),
		cmocka_unit_test(what_is_not_named_stays),
		cmocka_unit_test(says_what_is_wrong_and_changes_nothing),
		cmocka_unit_test(an_unknown_conversion_is_refused),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(what_it_writes_it_reads),
		cmocka_unit_test(does_not_write_what_would_read_differently),
		cmocka_unit_test(excludes_by_base_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
