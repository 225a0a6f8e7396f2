/* SPDX-License-Identifier: Apache-2.0 */
#include "hostlist.h"
#include "topology/readers.h"
#include "topology/slurmtopo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int read_text(struct topology *topology, const char *text, struct err *err)
{
	struct textfile file;
	int rc;

	assert_int_equal(topology_init(topology, "t", err), 0);
	textfile_open_memory(&file, "t", text, strlen(text));
	rc = slurmtopo_read(topology, &file, err);
	textfile_close(&file);
	return rc < 0 ? rc : topology_finish(topology, err);
}

static bool have_libslurm(void)
{
	struct err err = { "" };
	size_t count;
	char **hosts;

	if (hostlist_parse("a", 1, &hosts, &count, &err) < 0)
		return false;
	hostlist_free(hosts);
	return true;
}

static char *text_of(const struct topology *topology)
{
	char *text, cable[256];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < topology->net.nodes; i++)
		fprintf(out, "%s %s\n", topology->nodes[i].is_host ? "host" : "switch",
			topology->nodes[i].name);
	for (uint32_t i = 0; i < topology->net.links; i++)
		if (topology->net.link[i].from < topology->net.link[i].to)
			fprintf(out, "%s %g\n",
				topology_link_text(topology, i, cable, sizeof(cable)),
				topology->net.link[i].capacity);
	fclose(out);
	return text;
}

static void reads_a_tree(void **state)
{
	/* The same network in several hands. */
	static const char *const texts[] = {
		"SwitchName=s0 Nodes=dev[0-1]\n"
		"SwitchName=s1 Nodes=dev[2-3]\n"
		"SwitchName=s2 Switches=s[0-1]\n",
		"# a comment\n\n"
		"  switchname = s0   NODES = \"dev0,dev1\" # one more\n"
		"SWITCHNAME=s1\tnodes=dev[2,3]\r\n"
		"SwitchName=s2 \\\n"
		"   Switches=s0,s1 \\\n"
		"   LinkSpeed=1\n",
		("SwitchName=\\\ns0 No\\\ndes=dev[0-\\\n1]\n"
		 "SwitchName=s1 Nodes=dev[2-3]\nSwitchName=s2 Switches=s[0-1]"),
	};
	static const char expected[] = "switch s0\nswitch s1\nswitch s2\n"
				       "host dev0\nhost dev1\nhost dev2\nhost dev3\n"
				       "s0 -> dev0 1\ns0 -> dev1 1\ns0 -> s2 1\n"
				       "s1 -> dev2 1\ns1 -> dev3 1\ns1 -> s2 1\n";

	(void)state;
	if (!have_libslurm())
		skip();
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct topology topology;
		struct err err = { "" };
		char *text;

		if (read_text(&topology, texts[i], &err) < 0)
			fail_msg("text %zu: %s", i, err.text);
		text = text_of(&topology);
		assert_string_equal(text, expected);
		assert_int_equal(topology.unit, TOPOLOGY_UNIT_NONE);
		free(text);
		topology_release(&topology);
	}
}

/* As a fat tree is written down: each spine lists all leaves. */
static void takes_switches_below_several_others(void **state)
{
	static const char text[] = "SwitchName=top1 Switches=l[1-2] LinkSpeed=40\n"
				   "SwitchName=top2 Switches=l[1-2] LinkSpeed=2.5\n"
				   "SwitchName=l1 Nodes=a\\#1\nSwitchName=l2 Nodes=b LinkSpeed=8\n";
	static const char expected[] =
		"switch top1\nswitch top2\nswitch l1\nswitch l2\n"
		"host a#1\nhost b\n"
		"top1 -> l1 40\ntop1 -> l2 40\ntop2 -> l1 2.5\ntop2 -> l2 2.5\n"
		"l1 -> a#1 1\nl2 -> b 8\n";
	struct topology topology;
	struct err err = { "" };
	char *got;

	(void)state;
	if (!have_libslurm())
		skip();
	if (read_text(&topology, text, &err) < 0)
		fail_msg("%s", err.text);
	got = text_of(&topology);
	assert_string_equal(got, expected);
	free(got);
	topology_release(&topology);
}

static void refuses_with_the_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "t: no host" },
		{ "# nothing\n", "t: no host" },
		{ "\nSwitchName=a\n", "t:2: neither Switches nor Nodes of switch 'a'" },
		{ "Nodes=a\n", "t:1: a line without SwitchName" },
		{ "SwitchName=a Nodes=b Speed=1\n", "t:1: not a key of topology.conf: 'Speed'" },
		{ "SwitchName=a Nodes=b[1\n", "t:1: host list 'b[1': ']' is missing" },
		{ "SwitchName=a \\\n Nodes=b[1\n", "t:1: host list" },
		{ "# x\nSwitchName=a Nodes=\"b\n", "t:2: the quotes do not close" },
		{ "Include other.conf\n", "t:1: Include is not followed" },
		{ "include /etc/x\n", "t:1: Include is not followed" },
		{ "BlockName=b Nodes=a[1-3]\n", "t:1: the topology of Slurm's block plugin" },
		{ "BlockSizes=2,4\n", "t:1: the topology of Slurm's block plugin" },
		{ "SwitchName=a Switches=a\n", "t:1: below itself: switch 'a'" },
		{ "SwitchName=a Switches=b\n", "t:1: switch 'b' below 'a' is not in the file" },
		{ "SwitchName=a Nodes=b\nSwitchName=c Switches=b\n",
		  "t:2: switch 'b' below 'c' is not in the file" },
		{ "SwitchName=a Nodes=b\nSwitchName=c Switches=a,a\n",
		  "t:2: twice in one list: switch 'a'" },
		{ "SwitchName=a Nodes=b\nSwitchName=a Nodes=c\n",
		  "t:2: switch 'a' stands on line 1 already" },
		{ "SwitchName=a Nodes=x\nSwitchName=b Nodes=x\n",
		  "t:2: 'x' stands below 'b' and on line 1" },
		{ "SwitchName=a Nodes=x,x\n", "t:1: 'x' stands below 'a' and on line 1" },
		{ "SwitchName=a Nodes=a\n", "t:1: 'a' stands below 'a' and on line 1" },
		{ "SwitchName=a[0-2] Nodes=x\n", "t:1: SwitchName is not one switch: 'a[0-2]'" },
		{ "SwitchName=a SwitchName=b Nodes=x\n", "t:1: a second 'SwitchName'" },
		{ "SwitchName=a Nodes=x Nodes=y\n", "t:1: a second 'Nodes'" },
		{ "SwitchName=a Nodes=x LinkSpeed=0\n", "t:1: LinkSpeed" },
		{ "SwitchName=a Nodes=x LinkSpeed=-1\n", "t:1: LinkSpeed" },
		{ "SwitchName=a Nodes=x LinkSpeed=1e999\n", "t:1: LinkSpeed" },
		{ "SwitchName=a Nodes=x LinkSpeed=fast\n", "t:1: LinkSpeed" },
		{ "SwitchName=a Nodes=x LinkSpeed=nan\n", "t:1: LinkSpeed" },
		{ "SwitchName=a Nodes=\n", "t:1: no value for 'Nodes'" },
		{ "SwitchName\n", "t:1: '=' is missing behind 'SwitchName'" },
		{ "hello world\n", "t:1: '=' is missing behind 'hello'" },
		{ "=\n", "t:1: not a key" },
		{ "SwitchName=a Nodes=n[0-99999999]\n", "t:1: host list" },
	};

	(void)state;
	if (!have_libslurm())
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct topology topology;
		struct err err = { "" };

		assert_int_equal(read_text(&topology, cases[i].text, &err), -1);
		if (strncmp(err.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("case %zu: '%s' is not '%s...'", i, err.text, cases[i].why);
		topology_release(&topology);
	}
}

static void is_known_by_its_first_line(void **state)
{
	static const struct {
		const char *head;
		bool is;
	} cases[] = {
		{ "SwitchName=a", true },
		{ "switchname = a", true },
		{ "# x\n\n  #y\n SwitchName=a", true },
		{ "BlockName=b", true },
		{ "", false },
		{ "#", false },
		{ "SwitchName", false },
		{ "Nodes=a", false },
		{ "# SwitchName=a", false },
		{ "x SwitchName=a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(is_slurm(cases[i].head, strlen(cases[i].head)), cases[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_tree),
		cmocka_unit_test(takes_switches_below_several_others),
		cmocka_unit_test(refuses_with_the_line),
		cmocka_unit_test(is_known_by_its_first_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
