/* SPDX-License-Identifier: Apache-2.0 */
/* What --netemu, NETEMU and netemu device take, and what they refuse. */
#include "device/settings.h"
#include "values.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void text_is(const struct device_settings *settings, const char *expected)
{
	char *text = device_settings_format(settings);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

/* TEXT, and how it is written again. */
static const struct {
	const char *text, *again;
} good[] = {
	{ "", "no" },
	{ "yes", "yes" },
	{ "no", "no" },
	{ "latency=2us", "yes,latency=2000ns" },
	{ "no,latency=2us", "no,latency=2000ns" },
	{ "latency=0", "yes" },
	{ "rate=100Gbit/s", "yes,rate=12500000000" },
	{ "rate=12.5GB/s,loss=0.1%", "yes,loss=0.001,rate=12500000000" },
	{ "rate=none,loss=0", "yes" },
	{ "loss=1e-3", "yes,loss=0.001" },
	{ "loss=1", "yes,loss=1" },
	{ "jitter=1.5us", "yes,jitter=1500ns" },
	{ "mtu=1024,link_layer=ethernet", "yes,link_layer=ethernet,mtu=1024" },
	{ "link_layer=infiniband", "yes" },
	{ "devices=2,netemu1.rate=1Gbit/s,rate=2Gbit/s",
	  "yes,devices=2,netemu0.rate=250000000,netemu1.rate=125000000,"
	  "netemu2.rate=250000000,netemu3.rate=250000000,netemu4.rate=250000000,"
	  "netemu5.rate=250000000,netemu6.rate=250000000,netemu7.rate=250000000,"
	  "netemu8.rate=250000000,netemu9.rate=250000000,netemu10.rate=250000000,"
	  "netemu11.rate=250000000,netemu12.rate=250000000,netemu13.rate=250000000,"
	  "netemu14.rate=250000000,netemu15.rate=250000000" },
	{ "devices=2,netemu1.strict=yes", "yes,devices=2,netemu1.strict=yes" },
	{ "netemu1.name=mlx5_0,mlx5_0.mtu=256", "yes,netemu1.mtu=256,netemu1.name=mlx5_0" },
	{ "topology=xgft:4x4:1x4@rate=1Gbit/s,routing=dmodk",
	  "yes,routing=dmodk,topology=xgft:4x4:1x4@rate=1Gbit/s" },
	{ "dir=/a,b/%j,faults=/x y", "yes,dir=/a,b/%j,faults=/x y" },
	{ "scope=step,device=real,seed=18446744073709551615",
	  "yes,device=real,scope=step,seed=18446744073709551615" },
	{ "transport=queue", "yes,transport=queue" },
	{ "max_qp=1,max_qp_wr=64,max_mr_size=64k", "yes,max_mr_size=65536,max_qp=1,max_qp_wr=64" },
};

static void what_is_written_is_what_was_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct device_settings settings, again;
		struct err err = { "" };

		device_settings_init(&settings);
		device_settings_init(&again);
		if (device_settings_parse(&settings, good[i].text, &err))
			fail_msg("%s: %s", good[i].text, err.text);
		text_is(&settings, good[i].again);
		assert_int_equal(device_settings_parse(&again, good[i].again, &err), 0);
		text_is(&again, good[i].again);
		device_settings_release(&settings);
		device_settings_release(&again);
	}
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "maybe", "'maybe': neither yes, no nor KEY=VALUE" },
	{ "rat=1Gbit/s", "unknown key 'rat'" },
	{ "netemu1.rat=1", "unknown key 'netemu1.rat'" },
	{ "netemu1.latency=1us", "unknown key 'netemu1.latency'" },
	{ "netemu16.rate=1", "'netemu16.rate': no such device" },
	{ "ib0.rate=1", "'ib0.rate': no such device" },
	{ ".rate=1", "'.rate': no such device" },
	{ "rate=fast", "rate='fast': not a rate (like 100Gbit/s or 12.5GB/s, or none)" },
	{ "rate=-1", "rate='-1': not a rate (like 100Gbit/s or 12.5GB/s, or none)" },
	{ "rate=0x10", "rate='0x10': not a rate (like 100Gbit/s or 12.5GB/s, or none)" },
	{ "rate=1e999B/s", "rate='1e999B/s': not a rate (like 100Gbit/s or 12.5GB/s, or none)" },
	{ "rate=1 Gbit/s", "rate='1 Gbit/s': not a rate (like 100Gbit/s or 12.5GB/s, or none)" },
	{ "netemu0.rate=x", "netemu0.rate='x': not a rate (like 100Gbit/s or 12.5GB/s, or none)" },
	{ "loss=2", "loss='2': more than 1" },
	{ "loss=101%", "loss='101%': more than 1" },
	{ "loss=-0.1", "loss='-0.1': not a probability (like 0.001 or 0.1%)" },
	{ "loss=nan", "loss='nan': not a probability (like 0.001 or 0.1%)" },
	{ "latency=2", "latency='2': not a duration (a number and ns, us, ms, s, m, h or d)" },
	{ "latency=-2us",
	  "latency='-2us': not a duration (a number and ns, us, ms, s, m, h or d)" },
	{ "latency=1h", "latency='1h': too long" },
	{ "mtu=1500", "mtu='1500': not one of 256, 512, 1024, 2048 and 4096" },
	{ "mtu=8192", "mtu='8192': not between 256 and 4096" },
	{ "devices=0", "devices='0': not between 1 and 16" },
	{ "devices=17", "devices='17': not between 1 and 16" },
	{ "devices=1x", "devices='1x': not a number" },
	{ "max_qp=65001", "max_qp='65001': not between 1 and 65000" },
	{ "max_sge=33", "max_sge='33': not between 1 and 32" },
	{ "max_dm_size=x", "max_dm_size='x': not a size (like 64k, 2MiB or 4096)" },
	{ "seed=18446744073709551616",
	  "seed='18446744073709551616': not between 0 and 18446744073709551615" },
	{ "strict=1", "strict='1': neither yes nor no" },
	{ "scope=node", "scope='node': neither job nor step" },
	{ "device=mlx5", "device='mlx5': none of auto, emulated, real and none" },
	{ "transport=tcp", "transport='tcp': none of auto, direct and queue" },
	{ "link_layer=opa", "link_layer='opa': neither ib nor ethernet" },
	{ "name=", "name='': not a name (a-z, 0-9 and '_', a letter first)" },
	{ "name=a.b", "name='a.b': not a name (a-z, 0-9 and '_', a letter first)" },
	{ "name=a0123456789012", "name='a0123456789012': longer than 13 characters" },
	{ "netemu0.name=netemu1", "two devices are called 'netemu1'" },
	{ "topology=", "topology='': a value is missing" },
	{ "dir=a\nb", "dir=: a control character in it" },
	{ "@/nowhere/at/all", "unable to open '/nowhere/at/all': No such file or directory" },
};

static void what_is_wrong_is_said_and_changes_nothing(void **state)
{
	struct device_settings settings;

	(void)state;
	device_settings_init(&settings);
	assert_int_equal(device_settings_parse(&settings, "latency=1us,topology=mesh:2", NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err err = { "" };
		char both[256];

		snprintf(both, sizeof(both), "latency=5us,topology=x,%s", bad[i].text);
		if (device_settings_parse(&settings, bad[i].text, &err) == 0)
			fail_msg("%s is taken", bad[i].text);
		assert_string_equal(err.text, bad[i].why);
		if (strchr(bad[i].text, '=') && *bad[i].text != '.')
			assert_int_equal(device_settings_parse(&settings, both, &err), -1);
		text_is(&settings, "yes,latency=1000ns,topology=mesh:2");
	}
	device_settings_release(&settings);
}

static void later_texts_win(void **state)
{
	struct device_settings settings;

	(void)state;
	device_settings_init(&settings);
	assert_false(settings.enabled);
	assert_int_equal(device_settings_parse(&settings, "netemu0.mtu=256,dir=/a", NULL), 0);
	assert_true(settings.enabled);
	assert_int_equal(device_settings_parse(&settings, "mtu=512,dir=/b", NULL), 0);
	assert_int_equal(settings.one[0].mtu, 512);
	assert_string_equal(settings.dir, "/b");
	assert_int_equal(device_settings_parse(&settings, "no", NULL), 0);
	text_is(&settings, "no,dir=/b,mtu=512");
	device_settings_release(&settings);
}

static void names_count_up(void **state)
{
	struct device_settings settings;

	(void)state;
	device_settings_init(&settings);
	assert_string_equal(settings.one[0].name, "netemu0");
	assert_string_equal(settings.one[15].name, "netemu15");
	assert_int_equal(device_settings_parse(&settings, "name=mlx5_,mlx5_1.mtu=256", NULL), 0);
	assert_string_equal(settings.one[0].name, "mlx5_0");
	assert_string_equal(settings.one[1].name, "mlx5_1");
	assert_int_equal(settings.one[1].mtu, 256);
	assert_int_equal(settings.one[0].mtu, 4096);
	device_settings_release(&settings);
}

static void only_some_keys_ask_for_a_network(void **state)
{
	static const char *const with[] = { "latency=1us", "jitter=1us",    "loss=0",
					    "rate=none",   "topology=x",    "routing=x",
					    "faults=x",    "netemu0.rate=1" };
	static const char *const without[] = { "yes", "devices=2", "mtu=256", "seed=2",
					       "max_qp=2" };
	struct device_settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
		device_settings_init(&settings);
		assert_int_equal(device_settings_parse(&settings, with[i], NULL), 0);
		assert_true(settings.network_given);
		device_settings_release(&settings);
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(*without); i++) {
		device_settings_init(&settings);
		assert_int_equal(device_settings_parse(&settings, without[i], NULL), 0);
		assert_false(settings.network_given);
		device_settings_release(&settings);
	}
}

/* A program that is German writes and reads 0,5. */
static void numbers_do_not_depend_on_the_locale(void **state)
{
	static const char *const locales[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE" };
	struct device_settings settings;
	bool set = false;

	(void)state;
	for (size_t i = 0; i < 3 && !set; i++)
		set = setlocale(LC_ALL, locales[i]) != NULL;
	if (!set) {
		print_message("no locale with a decimal comma here\n");
		skip();
	}
	device_settings_init(&settings);
	assert_int_equal(device_settings_parse(&settings, "loss=0.5,rate=1bit/s", NULL), 0);
	text_is(&settings, "yes,loss=0.5,rate=0.125");
	setlocale(LC_ALL, "C");
	device_settings_release(&settings);
}

static void rates_are_those_of_payload_in_bytes(void **state)
{
	static const struct {
		const char *text;
		double rate;
	} rates[] = {
		{ "1000", 1000 },       { "1k", 1000 },           { "100Gbit/s", 12.5e9 },
		{ "12.5GB/s", 12.5e9 }, { "8byte/s", 8 },         { "0", 0 },
		{ "none", 0 },          { "100e9bit/s", 12.5e9 }, { "1Tbit/s", 125e9 },
	};
	static const char *const wrong[] = { "",   "Gbit/s", "1Xbit/s", "1bits", "1.5.5", " 1",
					     "1 ", "+1",     "inf",     "nan",   "NONE" };
	double rate;

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		assert_int_equal(values_rate(rates[i].text, &rate), 0);
		assert_true(rate == rates[i].rate);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(values_rate(wrong[i], &rate), -1);
}

/* The help names each key, and each is one that is known. */
static void help_names_the_keys(void **state)
{
	char *help = strdup(device_settings_help), *rest = help, *line;
	size_t lines = 0;

	(void)state;
	while ((line = strsep(&rest, "\n")) && *line) {
		struct device_settings settings;
		struct err err = { "" };
		char text[64];

		device_settings_init(&settings);
		assert_non_null(strstr(line, "  "));
		snprintf(text, sizeof(text), "%.*s=\n", (int)strcspn(line, "="), line);
		assert_int_equal(device_settings_parse(&settings, text, &err), -1);
		assert_null(strstr(err.text, "unknown"));
		device_settings_release(&settings);
		lines++;
	}
	assert_true(lines > 30);
	free(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_what_was_read),
		cmocka_unit_test(what_is_wrong_is_said_and_changes_nothing),
		cmocka_unit_test(later_texts_win),
		cmocka_unit_test(names_count_up),
		cmocka_unit_test(only_some_keys_ask_for_a_network),
		cmocka_unit_test(numbers_do_not_depend_on_the_locale),
		cmocka_unit_test(rates_are_those_of_payload_in_bytes),
		cmocka_unit_test(help_names_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
