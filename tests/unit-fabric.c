/* SPDX-License-Identifier: Apache-2.0 */
#include "fabric-text.h"
#include "topology/iblft.h"
#include "topology/ibnet.h"
#include "topology/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* TEXT as the dump "f" into an empty TOPOLOGY, finished. */
static int read_text(struct topology *topology, const char *text, size_t size, struct err *err)
{
	ibnet_read_fn form = ibnet_form(text);
	struct ibfabric fabric;
	struct textfile file;
	int rc;

	assert_non_null(form);
	assert_int_equal(topology_init(topology, "f", err), 0);
	assert_int_equal(ibfabric_init(&fabric, "f", err), 0);
	textfile_open_memory(&file, "f", text, size);
	rc = form(&fabric, &file, err);
	textfile_close(&file);
	if (rc == 0)
		rc = ibfabric_build(&fabric, topology, true, err);
	ibfabric_release(&fabric);
	return rc < 0 ? rc : topology_finish(topology, err);
}

static void read_well(struct topology *topology, const char *text)
{
	struct err err = { "" };

	if (read_text(topology, text, strlen(text), &err) < 0)
		fail_msg("%s", err.text);
}

/* All that a topology says, as text: to be freed. */
static char *text_of(const struct topology *topology)
{
	char *text, cable[256];
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < topology->net.nodes; i++)
		fprintf(out, "%s %d %u\n", topology->nodes[i].name, topology->nodes[i].is_host,
			topology->nodes[i].lid);
	for (uint32_t i = 0; i < topology->net.links; i++)
		fprintf(out, "%s %g\n", topology_link_text(topology, i, cable, sizeof(cable)),
			topology->net.link[i].capacity);
	fclose(out);
	return text;
}

/* --- rates --- */

static void knows_what_a_link_carries(void **state)
{
	static const struct {
		const char *width, *speed;
		double rate; /* Gbit/s of data */
	} more[] = {
		{ "4x", "SDR", 8 },   { "4x", "DDR", 16 },  { "4x", "QDR", 32 },
		{ "12x", "QDR", 96 }, { "1x", "SDR", 2 },   { "4x", "EDR", 100 },
		{ "4x", "HDR", 200 }, { "4x", "NDR", 400 }, { "4x", "XDR", 800 },
		{ "4x", "qdr", 32 },  { "8X", "SDR", 16 },  { "3x", "SDR", 0 },
		{ "4x", "QDRS", 0 },  { "4x", "", 0 },      { "", "QDR", 0 },
		{ "4", "QDR", 0 },    { "???", "???", 0 },
	};

	(void)state;
	for (size_t i = 0; i < FABRIC_SPEEDS; i++) {
		const struct fabric_speed *speed = &fabric_speeds[i];
		size_t width = strlen(speed->width);

		assert_true(ibfabric_rate(speed->width, width, speed->speed,
					  strlen(speed->speed)) == speed->rate);
		assert_true(ibfabric_rate(speed->width, width, speed->opensm,
					  strlen(speed->opensm)) == speed->rate);
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		assert_true(ibfabric_rate(more[i].width, strlen(more[i].width), more[i].speed,
					  strlen(more[i].speed)) == more[i].rate * 1e9 / 8);
	/* 4 * 14.0625 * 64 / 66 Gbit/s */
	assert_float_equal(ibfabric_rate("4x", 2, "FDR", 3), 54.545454545e9 / 8, 1);
}

/* --- forms --- */

/* Two switches with two cables between them, a host on two ports (the lower of
 * which has the higher LID), a router, an adapter inside a switch, a cable from a
 * switch to itself, the highest port there is.
 */
static const char plain[] =
	"DR path slid 0; dlid 0; 0,1 -> new Switch {00066a00ec002dea} portnum 0 lid 0-0 \"\"\n"
	"#\n# Topology file: generated on Sat Nov 28 14:05:17 2026\n#\n"
	"vendid=0x2c9\r\ndevid=0xb924\nsysimgguid=0x20000a\t\t# Chassis 1\n"
	"switchguid=0x20000a(20000a)\n"
	"Switch\t254 \"S-000000000020000a\"\t\t# \"leaf A;one\" enhanced port 0 lid 9 lmc 0\n"
	"[1]\t\"H-0000000000100000\"[2](100002) \t\t# \"n1 HCA-1\" lid 4 4xQDR\n"
	"[2][ext 7]\t\"H-0000000000100000\"[1](100001) \t\t# \"n1 HCA-1\" lid 12 1xQDR s=1\n"
	"[3]\t\"S-000000000020000b\"[3][ext 2]\t\t# \"leaf B \"two\"\" lid 1 12xQDR\n"
	"[254]\t\"S-000000000020000b\"[5]\t\t# \"leaf B \"two\"\" lid 1 4xEDR\n"
	"[6]\t\"S-000000000020000a\"[7]\t\t# \"leaf A;one\" lid 9 4xEDR\n"
	"[7]\t\"S-000000000020000a\"[6]\t\t# \"leaf A;one\" lid 9 4xEDR\n"
	"\nSwitch\t8 \"S-000000000020000b\"\t\t# \"leaf B \"two\"\" base port 0 lid 1 lmc 0\n"
	"[3]\t\"S-000000000020000a\"[3]\t\t# \"leaf A;one\" lid 9 12xQDR\n"
	"[5]\t\"S-000000000020000a\"[254]\t\t# \"leaf A;one\" lid 9 4xEDR\n"
	"[8]\t\"H-00000000001000aa\"[1](1000ab) \t\t# \"Mellanox Technologies Aggregation Node\""
	" lid 30 4xEDR\n"
	"[4]\t\"R-0000000000300000\"[1](300001) \t\t# \"gateway\" lid 20 4xFDR10\n"
	"\nrtguid=0x300000\nRt\t1 \"R-0000000000300000\"\t\t# \"gateway\"\n"
	"[1](300001) \t\"S-000000000020000b\"[4]\t\t# lid 20 lmc 1 \"leaf B \"two\"\" lid 1 "
	"4xFDR10\n"
	"\ncaguid=0x1000aa\nCa\t1 \"H-00000000001000aa\"\t\t"
	"# \"Mellanox Technologies Aggregation Node\"\n"
	"[1](1000ab) \t\"S-000000000020000b\"[8]\t\t# lid 30 lmc 0 \"leaf B \"two\"\" lid 1 4xEDR\n"
	"\ncaguid=0x100000\nCa\t2 \"H-0000000000100000\"\t\t# \"n1 HCA-1\"\n"
	"[1](100001) \t\"S-000000000020000a\"[2]\t\t# lid 12 lmc 2 \"leaf A;one\" lid 9 1xQDR\n"
	"[2](100002) \t\"S-000000000020000a\"[1]\t\t# lid 4 lmc 2 \"leaf A;one\" lid 9 4xQDR\n";

static const char ports[] =
	"DR path slid 0; dlid 0; 0,1 -> new Switch {00066a00ec002dea} portnum 0 lid 0-0 \"\"\n"
	"RT    20  1 0x0000000000300001 4x FDR10 - SW     1  4 0x000000000020000b ( 'gateway' - "
	"'leaf B \"two\"' )\n"
	"SW     9 254 0x000000000020000a 4x EDR - SW     1  5 0x000000000020000b ( 'leaf A;one' - "
	"'leaf B \"two\"' )\n"
	"SW     9  9 0x000000000020000a 4x SDR                                    'leaf A;one'\n"
	"SW     9  8 0x000000000020000a ??? (0) ???                               'leaf A;one'\n"
	"SW     9  7 0x000000000020000a 4x EDR - SW     9  6 0x000000000020000a ( 'leaf A;one' - "
	"'leaf A;one' )\n"
	"SW     9  6 0x000000000020000a 4x EDR - SW     9  7 0x000000000020000a ( 'leaf A;one' - "
	"'leaf A;one' )\n"
	"SW     9  3 0x000000000020000a 12x QDR - SW     1  3 0x000000000020000b ( 'leaf A;one' - "
	"'leaf B \"two\"' )\n"
	"SW     9  2 0x000000000020000a 1x QDR - CA    12  1 0x0000000000100001 ( 'leaf A;one' - "
	"'n1 HCA-1' )\n"
	"SW     9  1 0x000000000020000a 4x QDR - CA     4  2 0x0000000000100002 ( 'leaf A;one' - "
	"'n1 HCA-1' )\n"
	"CA     4  2 0x0000000000100002 4x QDR - SW     9  1 0x000000000020000a ( 'n1 HCA-1' - "
	"'leaf A;one' )\n"
	"CA    12  1 0x0000000000100001 1x QDR - SW     9  2 0x000000000020000a ( 'n1 HCA-1' - "
	"'leaf A;one' )\n"
	"CA    30  1 0x00000000001000ab 4x EDR - SW     1  8 0x000000000020000b ( "
	"'Mellanox Technologies Aggregation Node' - 'leaf B \"two\"' )\n"
	"SW     1  8 0x000000000020000b 4x EDR - CA    30  1 0x00000000001000ab ( 'leaf B \"two\"' "
	"- 'Mellanox Technologies Aggregation Node' )\n"
	"SW     1  5 0x000000000020000b 4x EDR - SW     9 254 0x000000000020000a ( 'leaf B "
	"\"two\"' - 'leaf A;one' )\n"
	"SW     1  4 0x000000000020000b 4x FDR10 - RT    20  1 0x0000000000300001 ( 'leaf B "
	"\"two\"' - 'gateway' )\n"
	"SW     1  3 0x000000000020000b 12x QDR - SW     9  3 0x000000000020000a ( 'leaf B \"two\"' "
	"- 'leaf A;one' )\n"
	"/usr/sbin/ibnetdiscover: iberror: something went wrong\n";

#define GUIDS(node, port)                                                \
	" Ports:02 SystemGUID:" node " NodeGUID:" node " PortGUID:" port \
	" VenID:000000 DevID:0000 Rev:000000A1 "
#define SIDE_A(pn) \
	"{ SW" GUIDS("000000000020000a", "000000000020000a") "{leaf A;one} LID:0009 PN:" pn " } "
#define SIDE_B(pn)                                                                                 \
	"{ SW-SM" GUIDS("000000000020000b", "000000000020000b") "{leaf B \"two\"} LID:0001 PN:" pn \
								" } "
#define SIDE_H1 "{ CA" GUIDS("0000000000100000", "0000000000100001") "{n1 HCA-1} LID:000C PN:01 } "
#define SIDE_H2 "{ CA" GUIDS("0000000000100000", "0000000000100002") "{n1 HCA-1} LID:0004 PN:02 } "
#define SIDE_R  "{ Rt" GUIDS("0000000000300000", "0000000000300001") "{gateway} LID:0014 PN:01 } "
#define SIDE_G                      \
	"{ CA" GUIDS(               \
		"00000000001000aa", \
		"00000000001000ab") "{Mellanox Technologies Aggregation Node} LID:001E PN:01 } "
#define UP(width, speed) "PHY=" width " LOG=ACT SPD=" speed "\n"

static const char subnet[] = SIDE_A("01") SIDE_H2 UP("4x", "10") SIDE_A("02") SIDE_H1 UP("1x", "10")
	SIDE_A("03") SIDE_B("03") UP("12x", "10") SIDE_A("FE") SIDE_B("05") UP("4x", "25") SIDE_A(
		"06") SIDE_A("07") UP("4x", "25") SIDE_A("07") SIDE_A("06") UP("4x", "25")
		SIDE_A("09") SIDE_B("0A") "PHY=4x LOG=DWN SPD=2.5\n" SIDE_B("03") SIDE_A("03")
			UP("12x", "10") SIDE_B("04") SIDE_R UP("4x", "FDR10 ") SIDE_B("05")
				SIDE_A("FE") UP("4x", "25") SIDE_B("08") SIDE_G UP("4x", "25")
					SIDE_R SIDE_B("04") UP("4x", "FDR10") SIDE_G SIDE_B("08")
						UP("4x", "25") SIDE_H1 SIDE_A("02") UP("1x", "10")
							SIDE_H2 SIDE_A("01") UP("4x", "10");

/* In the order of LIDs; of each node in the order of ports. */
static const char expected[] = "leaf B \"two\" 0 1\n"
			       "n1 1 4\n"
			       "leaf A;one 0 9\n"
			       "gateway 1 20\n"
			       "leaf B \"two\" 3 -> leaf A;one 3 1.2e+10\n"
			       "leaf B \"two\" 4 -> gateway 1 5e+09\n"
			       "leaf B \"two\" 5 -> leaf A;one 254 1.25e+10\n"
			       "n1 1 -> leaf A;one 2 1e+09\n"
			       "n1 2 -> leaf A;one 1 4e+09\n"
			       "leaf A;one 1 -> n1 2 4e+09\n"
			       "leaf A;one 2 -> n1 1 1e+09\n"
			       "leaf A;one 3 -> leaf B \"two\" 3 1.2e+10\n"
			       "leaf A;one 254 -> leaf B \"two\" 5 1.25e+10\n"
			       "gateway 1 -> leaf B \"two\" 4 5e+09\n";

static void reads_the_same_from_all_forms(void **state)
{
	static const char *const texts[] = { plain, ports, subnet };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct topology topology;
		char *text;

		read_well(&topology, texts[i]);
		text = text_of(&topology);
		assert_string_equal(text, expected);
		assert_int_equal(topology.unit, TOPOLOGY_UNIT_BYTE);
		assert_int_equal(topology.net.hosts, 2);
		assert_int_equal(topology.nswitches, 2);
		assert_int_equal(topology.nodes[0].guid, 0x20000b);
		assert_string_equal(topology.nodes[1].info, "n1 HCA-1");
		free(text);
		topology_release(&topology);
	}
}

static void knows_all_lids_of_a_node(void **state)
{
	struct topology topology;

	(void)state;
	read_well(&topology, plain);
	assert_non_null(topology.tables);
	assert_int_equal(topology.tables->lids, 31);
	for (uint32_t lid = 0; lid < 31; lid++) {
		uint32_t node = NETEMU_NONE;

		if (lid == 1)
			node = 0;
		else if ((lid >= 4 && lid < 8) || (lid >= 12 && lid < 16))
			node = 1; /* an lmc of 2 on two ports */
		else if (lid == 9)
			node = 2;
		else if (lid == 20 || lid == 21)
			node = 3;
		else if (lid == 30)
			node = IBLFT_LEFT_OUT;
		assert_int_equal(topology.tables->node[lid], node);
	}
	topology_release(&topology);
}

/* A random network printed in each form, in any order, is read as it was. */
static void reads_what_is_printed(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int turn = 0; turn < 60; turn++) {
		uint32_t nodes = 2 + (uint32_t)rand_r(&seed) % 30, ports_used[40] = { 0 };
		struct topology model, topology;
		struct err err = { "" };
		char name[16], *want, *got;

		assert_int_equal(topology_init(&model, "model", &err), 0);
		for (uint32_t i = 0; i < nodes; i++) {
			snprintf(name, sizeof(name), "x%u", i);
			assert_int_equal(
				topology_node(&model, name, i == 0 || rand_r(&seed) % 2, 0, &err),
				i);
		}
		for (uint32_t i = 0; i < nodes * 4; i++) {
			uint32_t a = i % nodes;
			uint32_t b = (a + 1 + (uint32_t)rand_r(&seed) % (nodes - 1)) % nodes;
			double rate = fabric_speeds[rand_r(&seed) % FABRIC_SPEEDS].rate;

			assert_int_equal(topology_cable(&model, a, ++ports_used[a], b,
							++ports_used[b], rate, 0, &err),
					 0);
		}
		if (topology_finish(&model, &err) < 0)
			fail_msg("%s", err.text);
		fabric_number(&model);
		want = text_of(&model);
		for (int form = FABRIC_PLAIN; form <= FABRIC_SUBNET; form++) {
			char *text;
			size_t size;
			FILE *out = open_memstream(&text, &size);

			fabric_print(out, &model, (enum fabric_form)form, 1 + (unsigned)turn);
			fclose(out);
			read_well(&topology, text);
			got = text_of(&topology);
			if (strcmp(got, want) != 0)
				fail_msg("turn %d, form %d:\n%s\n--- read as\n%s", turn, form, want,
					 got);
			free(text);
			free(got);
			topology_release(&topology);
		}
		free(want);
		topology_release(&model);
	}
}

/* --- names --- */

/* Hosts on one switch, one of each DESCRIPTION: their names in order, with '|'. */
static void check_names(const char *const *descriptions, const char *names)
{
	char *text, got[512] = "";
	struct topology topology;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "Switch\t36 \"S-00000000000000ff\"\t# \"sw\" base port 0 lid 0 lmc 0\n");
	for (int i = 0; descriptions[i]; i++)
		fprintf(out, "[%d] \"H-%016x\"[1](1) # \"%s\" lid 0 4xQDR\n", i + 1, i + 1,
			descriptions[i]);
	for (int i = 0; descriptions[i]; i++)
		fprintf(out,
			"Ca\t1 \"H-%016x\"\t# \"%s\"\n"
			"[1](1) \"S-00000000000000ff\"[%d] # lid 0 lmc 0 \"sw\" lid 0 4xQDR\n",
			i + 1, descriptions[i], i + 1);
	fclose(out);
	read_well(&topology, text);
	for (uint32_t i = 0; i < topology.net.nodes; i++) {
		if (!topology.nodes[i].is_host)
			continue;
		strcat(got, *got ? "|" : "");
		strcat(got, topology.nodes[i].name);
	}
	assert_string_equal(got, names);
	free(text);
	topology_release(&topology);
}

static void names_a_node_as_short_as_it_can(void **state)
{
	static const struct {
		const char *descriptions[5], *names;
	} cases[] = {
		{ { "node1 HCA-1", "node2 HCA-1" }, "node1|node2" },
		{ { "node1 mlx5_0", "node1 mlx5_1", "node2 mlx5_0" },
		  "node1 mlx5_0|node1 mlx5_1|node2" },
		{ { "MT25408 ConnectX", "MT25408 ConnectX", "x" },
		  "0x0000000000000001|0x0000000000000002|x" },
		{ { "", "", "a" }, "0x0000000000000001|0x0000000000000002|a" },
		{ { "sw", "a" }, "0x0000000000000001|a" },
		{ { "a", "a b" }, "a|a b" },
		{ { " lead" }, " lead" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_names(cases[i].descriptions, cases[i].names);
}

/* --- what is refused --- */

static void refuses_with_the_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 0\n[1] \"H-2\"[1] # \"h\" lid 2 4xQDR\n",
		  "f:2: the cable in port 1 of 'S-1' leads to 'H-2', which is not in the file" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 0\n"
		  "[1] \"H-2\"[1] # \"h\" lid 2 4xQDR\nCa\t1 \"H-2\" # \"h\"\n",
		  "f:2: the cable from port 1 of 'S-1' to port 1 of 'H-2' is seen at this end only" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 0\n"
		  "[1] \"H-2\"[1] # \"h\" lid 2 4xQDR\nCa\t1 \"H-2\" # \"h\"\n"
		  "[1] \"S-1\"[2] # lid 2 lmc 0 \"a\" lid 1 4xQDR\n",
		  "f:2: the cable from port 1 of 'S-1'" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 0\n"
		  "[1] \"H-2\"[1] # \"h\" lid 2 4xQDR\n[1] \"H-2\"[1] # \"h\" lid 2 4xQDR\n",
		  "f:3: a second cable in port 1 of 'S-1', after that on line 2" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 0\nCa\t1 \"S-1\" # \"h\"\n",
		  "f:2: 'S-1' is the same node as on line 1" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 0\n"
		  "Switch\t8 \"S-2\" # \"a\" base port 0 lid 1 lmc 0\n",
		  "f:2: lid 1 is that of 'S-1' on line 1" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 49152 lmc 0\n", "f:1: lid 49152" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 49151 lmc 1\n", "f:1: lid 49151" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 1 lmc 8\n", "f:1: an lmc" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid x lmc 0\n", "f:1: a lid is missing" },
		{ "Switch\t8 \"S-1\" # \"a\" base port 0 lid 99999999999999999999\n",
		  "f:1: a lid is missing" },
		{ "Switch\t8 \"\" # \"a\" base port 0 lid 1\n", "f:1: the node's id is missing" },
		{ "Switch\t8 \"S-1\n", "f:1: the node's id is missing" },
		{ "# Topology file: generated on\n[1] \"S-1\"[1] # \"a\" lid 1 4xQDR\n",
		  "f:2: a port before any node" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[x]\n", "f:2: the number of a port" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[1]\n", "f:2: the node it leads to" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[1] \"S-2\"\n", "f:2: the port it leads to" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[1] \"S-2\"[1]\n",
		  "f:2: the port's description" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[1] \"S-2\"[1] # \"b\" lid 2\n",
		  "f:2: width and speed are missing" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[1] \"S-2\"[1] # \"b\" lid 2 4xFOO\n",
		  "f:2: '4xFOO': no known width" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[255] \"S-2\"[1] # \"b\" lid 2 4xQDR\n",
		  "f:2: no port 255" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\n[0] \"S-2\"[1] # \"b\" lid 2 4xQDR\n",
		  "f:2: no port 0" },
		{ "Ca\t1 \"H-1\" # \"a\"\n[1] \"S-2\"[1] # \"b\" lid 2 4xQDR\n",
		  "f:2: the port's lid is missing" },
		{ "Ca\t1 \"H-1\" # \"a\"\n", "f:1: " },
		{ "# Topology file: generated on\n", "f: no host" },
		{ "Switch\t8 \"S-1\" # \"a\" lid 1\nhello\n", "f:2: 'hello': not a line" },
		{ "SW  1 1 0x1 4x QDR - CA 2 1 0x2 ( 'a' - 'b' )\n", "f:1: the cable in port 1" },
		{ "SW  1 1 0x1 4x QDR\n", "f:1: the description is missing" },
		{ "SW  1 1 0x1 4x\n", "f:1: the speed is missing" },
		{ "SW  1 1 zz 4x QDR 'a'\n", "f:1: type, lid, port and guid" },
		{ "SW  1 1 0x1 4x QDR - CA 2 1\n", "f:1: what the cable leads to" },
		{ "SW  1 1 0x1 4x FOO - CA 2 1 0x2 ( 'a' - 'b' )\n", "f:1: no known width" },
		{ "{ SW Ports:02 }\n", "f:1: the first port" },
		{ SIDE_A("01") "\n", "f:1: the second port" },
		{ SIDE_A("01") SIDE_H1 "\n", "f:1: PHY" },
		{ SIDE_A("01") SIDE_H1 UP("4x", "11"), "f:1: no known width" },
		{ SIDE_A("01") SIDE_H1 UP("4x", "10"), "f:1: the cable in port 1" },
		{ SIDE_A("FF") SIDE_H1 UP("4x", "10"), "f:1: no port 255" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct topology topology;
		struct err err = { "" };

		assert_int_equal(read_text(&topology, cases[i].text, strlen(cases[i].text), &err),
				 -1);
		if (strncmp(err.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("case %zu: '%s' is not '%s...'", i, err.text, cases[i].why);
		topology_release(&topology);
	}
}

/* --- forwarding tables --- */

static int read_tables(struct topology *topology, const char *text, struct err *err)
{
	struct textfile file;
	struct iblft lft;
	int rc;

	assert_int_equal(iblft_init(&lft, topology, err), 0);
	textfile_open_memory(&file, "t", text, strlen(text));
	rc = iblft_take(&lft, &file, err);
	textfile_close(&file);
	if (rc == 0)
		rc = iblft_finish(&lft, "t", err);
	iblft_release(&lft);
	return rc;
}

static void reads_all_forms_of_tables(void **state)
{
	static const char *const texts[] = {
		/* OpenSM */
		"Unicast lids [0-31] of switch Lid 9 guid 0x000000000020000a ('leaf A;one'):\n"
		"0x0001 254 # Switch portguid 0x000000000020000b: 'leaf B'\n"
		"0x0004 001 # Channel Adapter portguid 0x0000000000100002: 'n1 HCA-1'\n"
		"0x0005 255 # Channel Adapter portguid 0x0000000000100002: 'n1 HCA-1'\n"
		"0x0009 000 # Switch portguid 0x000000000020000a: 'leaf A;one'\n"
		"0x001e 003 # Channel Adapter portguid 0x00000000001000ab: 'Aggregation'\n"
		"5 lids dumped\n",
		/* ibroute, with the switch's LID alone */
		"Multicast mlids [0xc000-0xc3ff] of switch Lid 9 guid 0x20000a (leaf):\n"
		"            0\n  Ports: 0\n MLid\n0xc000    x\n"
		"Unicast lids [0x0-0x1e] of switch Lid 9 (leaf A;one):\n"
		"  Lid  Out   Destination\n       Port     Info \n"
		"0x0001 254 : (Switch portguid 0x000000000020000b: 'leaf B')\n"
		"0x0004 001 : (Channel Adapter portguid 0x0000000000100002: 'n1 HCA-1')\n"
		"0x0005 255 : (path #2 out of 4: portguid 0x0000000000100002)\n"
		"0x0009 000 : (Switch portguid 0x000000000020000a: 'leaf A;one')\n"
		"0x001e 003 : (Channel Adapter portguid 0x00000000001000ab: 'Aggregation')\n"
		"5 valid lids dumped \n"
		"/usr/sbin/ibroute: iberror: failed: dump tables: linear forwarding table get "
		"failed\n",
		/* dump_fts: the GUID alone */
		"Unicast lids [0x0-0x1e] of switch DR path slid 0; dlid 0; 0,1 guid "
		"0x000000000020000a (leaf A;one):\n"
		"0x0001 254 : x\n0x4 1\n0x0005 255 : y\n0x0009 000 : z\n0x001e 003\n",
		/* opensm.fdbs */
		"osm_ucast_mgr_dump_ucast_routes: Switch 0x000000000020000a\n"
		"LID    : Port : Hops : Optimal\n"
		"0x0001 : 254  : 01   : yes\n0x0004 : 001  : 01   : yes\n0x0005 : UNREACHABLE\n"
		"0x0009 : 000  : 00   : yes\n0x001E : 003  : 02   : no\n",
		/* three columns */
		"# switch lid port\n9 1 254\n9 4 1\n9 5 255\n9\t9 0\n\n9 30 3 # inside\n",
		/* an entry twice */
		"9 1 254\n9 1 254\n9 4 1\n9 9 0\n9 1 255\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct err err = { "" };
		struct topology topology;
		const uint8_t *port;

		read_well(&topology, plain);
		if (read_tables(&topology, texts[i], &err) < 0)
			fail_msg("%s", err.text);
		port = topology.tables->port[2];
		assert_null(topology.tables->port[0]);
		assert_null(topology.tables->port[1]);
		for (uint32_t lid = 0; lid < 31; lid++)
			assert_int_equal(port[lid], lid == 1   ? 254
						    : lid == 4 ? 1
						    : lid == 9 ? 0
							       : 255);
		assert_int_equal(topology.tables->entries, 5);
		assert_int_equal(topology.tables->strange, 0);
		assert_int_equal(topology.tables->node[30], NETEMU_NONE);
		topology_release(&topology);
	}
}

static void counts_entries_that_do_not_fit(void **state)
{
	static const struct {
		const char *text, *first;
		uint64_t entries, strange;
	} cases[] = {
		{ "9 1 254\n9 40 3\n9 41 3\n", "t:2: the fabric has no lid 40", 3, 2 },
		{ "9 1 254\n9 2 3\n", "t:2: the fabric has no lid 2", 2, 1 },
		{ "9 1 254\n7 1 3\n4 1 3\n", "t:2: the fabric has no switch of lid 7", 3, 2 },
		{ "9 1 254\n9 1 3\n",
		  "t:2: switch 'leaf A;one' sends lid 1 to port 3, and before "
		  "to port 254",
		  2, 1 },
		{ "9 1 254\nUnicast lids [0-31] of switch Lid 77 guid 0x4d ('x'):\n0x0001 001\n",
		  "t:2: the fabric has no switch of lid 77", 1, 1 },
		{ "9 1 254\ndump_ucast_routes: Switch 0x4d\n0x0001 : 001  : 01 : yes\n",
		  "t:2: the fabric has no switch of guid 0x000000000000004d", 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		struct topology topology;

		read_well(&topology, plain);
		if (read_tables(&topology, cases[i].text, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(topology.tables->entries, cases[i].entries);
		assert_int_equal(topology.tables->strange, cases[i].strange);
		assert_int_equal(topology.tables->port[2][1], 254);
		if (strncmp(topology.tables->first_strange, cases[i].first,
			    strlen(cases[i].first)) != 0)
			fail_msg("'%s'", topology.tables->first_strange);
		topology_release(&topology);
	}
}

static void refuses_tables_with_the_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "t: no forwarding table" },
		{ "# nothing\n", "t: no forwarding table" },
		{ "9 1\n", "t:1: '9 1': not a line" },
		{ "9 1 2 3\n", "t:1: '9 1 2 3': not a line" },
		{ "9 1 256\n", "t:1: port 256" },
		{ "hello\n", "t:1: 'hello'" },
		{ "0x0001 001\n", "t:1: an entry before any switch" },
		{ "Unicast lids [0-31]\n", "t:1: which switch" },
		{ "Unicast lids of switch Lid 9\n", "t:1: which switch" },
		{ "Unicast lids [0-31] of switch Lid x\n", "t:1: the switch's lid" },
		{ "Unicast lids [0-31] of switch Lid 9 guid zz\n", "t:1: the switch's guid" },
		{ "Unicast lids [0-31] of switch (x)\n", "t:1: the switch has neither" },
		{ "dump_ucast_routes: Switch zz\n", "t:1: the switch's guid" },
		{ "Unicast lids [0-31] of switch Lid 9\n0xzz 1\n", "t:2: the lid" },
		{ "Unicast lids [0-31] of switch Lid 9\n0x12345 1\n", "t:2: the lid" },
		{ "Unicast lids [0-31] of switch Lid 9\n0x0001\n", "t:2: the port" },
		{ "Unicast lids [0-31] of switch Lid 9\n0x0001 what\n", "t:2: the port" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = { "" };
		struct topology topology;

		read_well(&topology, plain);
		assert_int_equal(read_tables(&topology, cases[i].text, &err), -1);
		if (strncmp(err.text, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("case %zu: '%s' is not '%s...'", i, err.text, cases[i].why);
		topology_release(&topology);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_what_a_link_carries),
		cmocka_unit_test(reads_the_same_from_all_forms),
		cmocka_unit_test(knows_all_lids_of_a_node),
		cmocka_unit_test(reads_what_is_printed),
		cmocka_unit_test(names_a_node_as_short_as_it_can),
		cmocka_unit_test(refuses_with_the_line),
		cmocka_unit_test(reads_all_forms_of_tables),
		cmocka_unit_test(counts_entries_that_do_not_fit),
		cmocka_unit_test(refuses_tables_with_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
