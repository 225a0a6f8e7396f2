/* SPDX-License-Identifier: Apache-2.0 */
#include "net/devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char file[] = "/tmp/unit-devices.XXXXXX", at_file[64];

static void write_file(const char *text)
{
	FILE *stream = fopen(file, "w");

	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

/* TEXT gives rank LOCAL of NODE the devices WANTED, "NAME:PORT NAME:PORT ..." */
static void has(const char *text, const char *node, uint32_t local, const char *wanted)
{
	char all[DEVICES_EACH * 72] = "";
	struct devices devices;
	struct err err = { "" };
	size_t length = 0;

	if (devices_choose(&devices, text, node, local, &err) < 0)
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < devices.count; i++)
		length +=
			(size_t)snprintf(all + length, sizeof(all) - length, "%s%s:%u",
					 i ? " " : "", devices.each[i].name, devices.each[i].port);
	assert_string_equal(all, wanted);
}

static void ranks_of_a_node_take_turns(void **state)
{
	(void)state;
	has("mlx5_0", "any", 7, "mlx5_0:0");
	has("a,b,c", "any", 0, "a:0");
	has("a,b,c", "any", 2, "c:0");
	has("a,b,c", "any", 4, "b:0");
	has("a:1,a:2", "any", 3, "a:2");
	has("a:255", "any", 0, "a:255");
}

static void a_rank_may_have_several(void **state)
{
	(void)state;
	has("a+b", "any", 3, "a:0 b:0");
	has("a+b:2,c,d:1+d:2+e", "any", 0, "a:0 b:2");
	has("a+b:2,c,d:1+d:2+e", "any", 1, "c:0");
	has("a+b:2,c,d:1+d:2+e", "any", 2, "d:1 d:2 e:0");
	has("1+2+3+4+5+6+7+8", "any", 0, "1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0");
	write_file("n a,b+c\n");
	has(at_file, "n", 1, "b:0 c:0");
}

static void nodes_have_lines(void **state)
{
	(void)state;
	write_file("# made by hand\n\n"
		   "g100n04\tmlx5_2:2   # the odd one\n"
		   "sith[1-4] mlx5_0,mlx5_1\n"
		   "sith3 never\n"
		   "* last");
	has(at_file, "g100n04", 5, "mlx5_2:2");
	has(at_file, "sith3", 1, "mlx5_1:0");
	has(at_file, "sith30", 0, "last:0");
	has(at_file, "sith5", 0, "last:0");
}

static void refused(const char *text, const char *node, const char *why)
{
	struct devices devices;
	struct err err = { "" };

	assert_int_equal(devices_choose(&devices, text, node, 1, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in '%s'", why, err.text);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
	char why[128];

	(void)state;
	refused("a,", "n", "'' in 'a,': not DEVICE or DEVICE:PORT");
	refused("a,:1", "n", "':1' in 'a,:1': not DEVICE");
	refused("a,b:0", "n", "'b:0' in");
	refused("a,b:256", "n", "'b:256' in");
	refused("a,b:x", "n", "'b:x' in");
	refused("a,b:1:2", "n", "'b:1:2' in");
	refused("a,0123456789012345678901234567890123456789012345678901234567890123", "n",
		"the name is too long");
	refused("a,b+", "n", "'' in 'a,b+': not DEVICE or DEVICE:PORT");
	refused("a,+b", "n", "'' in 'a,+b': not DEVICE");
	refused("a,b+c+b", "n", "'a,b+c+b': a rank has 'b' twice");
	refused("1+2+3+4+5+6+7+8+9", "n", "a rank has more than 8 devices");
	refused("@/nowhere/at-all", "n", "unable to open '/nowhere/at-all': No such file");
	refused("@/", "n", "unable to read '/': Is a directory");
	write_file("n1 a\nn2\n");
	snprintf(why, sizeof(why), "%s:2: a node and a list of devices are wanted", file);
	refused(at_file, "n2", why);
	write_file("n1 a b\n");
	snprintf(why, sizeof(why), "%s:1: a node and a list of devices are wanted", file);
	refused(at_file, "n2", why);
	write_file("n1 a\n");
	snprintf(why, sizeof(why), "%s: no line is for node 'n2'", file);
	refused(at_file, "n2", why);
}

static int make_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	snprintf(at_file, sizeof(at_file), "@%s", file);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_of_a_node_take_turns),
		cmocka_unit_test(a_rank_may_have_several),
		cmocka_unit_test(nodes_have_lines),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
