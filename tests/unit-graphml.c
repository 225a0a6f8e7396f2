/* SPDX-License-Identifier: Apache-2.0 */
/* unit-graphml.c - topologies as GraphML: read, written, read again */
#include "topology/graphml-write.h"
#include "topology/shape.h"
#include "topology/topology.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static char path[] = "/tmp/unit-graphml.XXXXXX"; /* a file for all tests */

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static int read_text(struct topology *t, const char *text, struct err *err)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
	return topology_open(t, path, NULL, err);
}

static void read_good(struct topology *t, const char *text)
{
	struct err err;

	if (read_text(t, text, &err) < 0)
		fail_msg("%s", err.text);
}

/* --- round trips --- */

static void check_text(const char *one, const char *two)
{
	if (!one || !two)
		assert_ptr_equal(one, two);
	else
		assert_string_equal(one, two);
}

static void check_node(const struct topology_node *x, const struct topology_node *y)
{
	assert_string_equal(x->name, y->name);
	check_text(x->info, y->info);
	check_text(x->mac, y->mac);
	assert_int_equal(x->is_host, y->is_host);
	assert_true(!x->is_host || x->slots == y->slots);
	assert_int_equal(x->lid, y->lid);
	assert_true(x->guid == y->guid);
	assert_true(x->dpid == y->dpid);
	assert_memory_equal(x->coord, y->coord, sizeof(x->coord));
}

static void check_same(const struct topology *x, const struct topology *y)
{
	assert_string_equal(x->name, y->name);
	assert_int_equal(x->unit, y->unit);
	assert_int_equal(x->shape, y->shape);
	assert_int_equal(x->ndims, y->ndims);
	assert_memory_equal(x->dim, y->dim, sizeof(x->dim));
	assert_memory_equal(x->w, y->w, sizeof(x->w));
	assert_memory_equal(x->cables, y->cables, sizeof(x->cables));
	assert_int_equal(x->net.nodes, y->net.nodes);
	assert_int_equal(x->net.hosts, y->net.hosts);
	assert_int_equal(x->net.links, y->net.links);
	for (uint32_t i = 0; i < x->net.nodes; i++)
		check_node(&x->nodes[i], &y->nodes[i]);
	for (uint32_t i = 0; i < x->net.links; i++) {
		const struct netemu_link *a = &x->net.link[i], *b = &y->net.link[i];

		assert_int_equal(a->from, b->from);
		assert_int_equal(a->to, b->to);
		assert_int_equal(a->from_port, b->from_port);
		assert_int_equal(a->to_port, b->to_port);
		assert_int_equal(a->reverse, b->reverse);
		assert_true(a->capacity == b->capacity);
	}
}

static void write_file(const struct topology *t, const struct graphml_values *values)
{
	FILE *out = fopen(path, "w");
	struct err err;

	assert_non_null(out);
	assert_int_equal(graphml_write(out, t, values, &err), 0);
	assert_int_equal(fclose(out), 0);
}

static void reopen(struct topology *t)
{
	struct err err;

	if (topology_open(t, path, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

static void generated_networks_come_back(void **state)
{
	static const char *const specs[] = {
		"xgft:4x4x3:1x2x2",          "xgft:2x3x4:1x2x3:2x1x3@rate=100Gbit/s",
		"kary:2:5@slots=7",          "torus:3x4x5",
		"torus:2x1x2:3@rate=1bit/s", "mesh:4x4",
		"dragonfly:2:4:2",           "xgft:3:1",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		struct topology t, again;

		assert_int_equal(topology_open(&t, specs[i], NULL, NULL), 0);
		write_file(&t, NULL);
		reopen(&again);
		check_same(&t, &again);
		assert_int_not_equal(again.shape, TOPOLOGY_IRREGULAR);
		topology_release(&t);
		topology_release(&again);
	}
}

static char *random_text(void)
{
	static const char *const parts[] = { "a",        "B",  "7", "&", "<",
					     ">",        "\"", "'", " ", "]]>",
					     "\xc3\xa9", ";",  "#", "=", "\xe2\x82\xac" };
	char text[64] = "";

	for (int i = 0; i < 5; i++)
		strcat(text, parts[(size_t)rand() % COUNT(parts)]);
	return strdup(text);
}

/* Some characters do not survive at the ends: blanks. */
static void random_node(struct topology *t, uint32_t i)
{
	char *random = random_text(), name[80];
	struct topology_node *node;

	snprintf(name, sizeof(name), "n%s%u", random, i);
	free(random);
	assert_int_equal(topology_node(t, name, i < 3 || rand() % 2, 0, NULL), i);
	node = &t->nodes[i];
	node->slots = 1 + (uint32_t)rand() % 100;
	if (rand() % 2)
		node->mac = strdup("00:30:48:cf:f0:39");
	if (rand() % 2 && asprintf(&node->info, "<%u> of & \"it\"\n", i) > 0)
		node->info[strlen(node->info) - 1] = '.';
	if (rand() % 2)
		node->lid = (uint32_t)rand() % 0x10000;
	if (rand() % 2)
		node->guid = (uint64_t)rand() << 33 | 5;
	if (rand() % 2)
		node->dpid = (int64_t)((uint64_t)rand() << 32 | 1);
}

static uint32_t random_port(void)
{
	return rand() % 3 ? (uint32_t)rand() % 40 : NETEMU_NONE;
}

static void random_networks_come_back(void **state)
{
	(void)state;
	srand(11);
	for (int turn = 0; turn < 300; turn++) {
		uint32_t nodes = 3 + (uint32_t)rand() % 20;
		bool integers = rand() % 2, ports = rand() % 2;
		struct topology t, again;
		struct err err;

		assert_int_equal(topology_init(&t, "random", NULL), 0);
		t.unit = rand() % 2 ? TOPOLOGY_UNIT_BYTE : TOPOLOGY_UNIT_NONE;
		free(t.name);
		t.name = strdup(rand() % 2 ? "" : "a <cluster> & so");
		for (uint32_t i = 0; i < nodes; i++)
			random_node(&t, i);
		for (uint32_t i = 0; i < 3 * nodes; i++) {
			uint32_t a = i < nodes ? i : (uint32_t)rand() % nodes;
			uint32_t b = (a + 1 + (uint32_t)rand() % (nodes - 1)) % nodes;
			double capacity = integers ? 1 + rand() : (1 + rand()) / 977.0;

			assert_int_equal(topology_cable(&t, a, ports ? i : random_port(), b,
							ports ? i : random_port(), capacity, 0,
							NULL),
					 0);
		}
		if (topology_finish(&t, &err) < 0)
			fail_msg("%s", err.text);
		write_file(&t, NULL);
		reopen(&again);
		if (ports) {
			check_same(&t, &again);
		} else { /* which cable is which may not be known; all else is */
			assert_int_equal(t.net.links, again.net.links);
			for (uint32_t i = 0; i < nodes; i++)
				check_node(&t.nodes[i], &again.nodes[i]);
		}
		topology_release(&t);
		topology_release(&again);
	}
}

static void columns_stand_on_the_edges(void **state)
{
	uint64_t bytes[4] = { 0, 1, UINT64_MAX, 5928262656 };
	double congestion[4] = { 0, 0.1, 1e300, INFINITY };
	const struct graphml_column column[] = {
		{ .name = "bytes", .integer = bytes },
		{ .name = "congestion", .real = congestion },
	};
	const struct graphml_values values = { column, 2 };
	struct topology t, again;
	char text[4096];
	size_t size;
	FILE *in;

	(void)state;
	assert_int_equal(topology_open(&t, "xgft:2:1", NULL, NULL), 0);
	write_file(&t, &values);
	in = fopen(path, "r");
	size = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[size] = '\0';
	assert_non_null(strstr(text, "attr.name=\"bytes\" attr.type=\"long\""));
	assert_non_null(strstr(text, "attr.name=\"congestion\" attr.type=\"double\""));
	assert_non_null(strstr(text, ">18446744073709551615</data>"));
	assert_non_null(strstr(text, ">0.1</data>"));
	assert_non_null(strstr(text, ">1e+300</data>"));
	assert_non_null(strstr(text, ">Infinity</data>"));
	reopen(&again);
	check_same(&t, &again);
	topology_release(&t);
	topology_release(&again);
}

/* TEXT with the first FROM replaced by TO. */
static void replace(char *text, size_t size, const char *from, const char *to)
{
	char *at = strstr(text, from);
	char rest[8192];

	assert_non_null(at);
	snprintf(rest, sizeof(rest), "%s", at + strlen(from));
	snprintf(at, size - (size_t)(at - text), "%s%s", to, rest);
}

static void a_changed_network_has_no_shape(void **state)
{
	static const struct {
		const char *from, *to;
		enum topology_shape shape;
	} changes[] = {
		{ ">torus:3</data>", ">torus:3</data>", TOPOLOGY_TORUS },
		{ ">torus:3</data>", ">torus:4</data>", TOPOLOGY_IRREGULAR },
		{ ">torus:3</data>", ">mesh:3</data>", TOPOLOGY_IRREGULAR },
		{ ">torus:3</data>", ">torus:999999</data>", TOPOLOGY_IRREGULAR },
		{ ">torus:3</data>", ">torus:</data>", TOPOLOGY_IRREGULAR },
		{ ">torus:3</data>", ">cube</data>", TOPOLOGY_IRREGULAR },
		{ "<data key=\"d13\">2</data>", "<data key=\"d13\">7</data>", TOPOLOGY_IRREGULAR },
		{ ">host<", ">switch<", TOPOLOGY_IRREGULAR },
		{ "<data key=\"d4\">1<", "<data key=\"d4\">9<", TOPOLOGY_TORUS },
	};
	char original[8192], text[8192];
	struct topology t;
	size_t size;
	FILE *in;

	(void)state;
	assert_int_equal(topology_open(&t, "torus:3", NULL, NULL), 0);
	write_file(&t, NULL);
	topology_release(&t);
	in = fopen(path, "r");
	size = fread(original, 1, sizeof(original) - 1, in);
	original[size] = '\0';
	fclose(in);
	for (size_t i = 0; i < COUNT(changes); i++) {
		memcpy(text, original, sizeof(text));
		replace(text, sizeof(text), changes[i].from, changes[i].to);
		read_good(&t, text);
		assert_int_equal(t.shape, changes[i].shape);
		topology_release(&t);
	}
}

/* --- what others write --- */

#define KEYS                                                                         \
	"<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"                \
	"<key id=\"t\" for=\"node\" attr.name=\"typ\" attr.type=\"string\"/>\n"      \
	"<key id=\"s\" for=\"node\" attr.name=\"capacity\" attr.type=\"int\"/>\n"    \
	"<key id=\"c\" for=\"edge\" attr.name=\"capacity\" attr.type=\"double\"/>\n" \
	"<key id=\"u\" for=\"graph\" attr.name=\"capacity_unit\" attr.type=\"string\"/>\n"
#define HOST(id)    "<node id=\"" id "\"><data key=\"t\">host</data></node>\n"
#define SWITCH(id)  "<node id=\"" id "\"><data key=\"t\">switch</data></node>\n"
#define EDGE(a, b)  "<edge source=\"" a "\" target=\"" b "\"><data key=\"c\">4</data></edge>\n"
#define GRAPH(body) "<graph edgedefault=\"undirected\">\n" body "</graph></graphml>\n"
#define SMALL       HOST("a") HOST("b") SWITCH("x") EDGE("a", "x") EDGE("b", "x")

static void edges_may_stand_before_nodes(void **state)
{
	struct topology t;

	(void)state;
	read_good(&t, KEYS GRAPH(EDGE("a", "x") HOST("a") SWITCH("x") EDGE("x", "b") HOST("b")));
	assert_int_equal(t.net.links, 4);
	assert_int_equal(topology_find(&t, "a"), 0);
	assert_int_equal(t.net.link[0].to, 1);
	topology_release(&t);
}

static void an_edge_says_whether_it_is_directed(void **state)
{
	struct topology t;

	(void)state;
	read_good(
		&t,
		KEYS "<graph edgedefault=\"directed\">" HOST("a") SWITCH("x") EDGE("a", "x") EDGE(
			"x",
			"a") "<edge source=\"a\" target=\"x\" directed=\"false\"><data key=\"c\">9</data></edge>"
			     "</graph></graphml>");
	assert_int_equal(t.net.links, 4);
	assert_true(t.net.link[1].capacity == 9);
	topology_release(&t);
}

static void a_unit_makes_byte_per_second(void **state)
{
	static const struct {
		const char *text;
		double capacity;
		enum topology_unit unit;
	} units[] = {
		{ "none", 4, TOPOLOGY_UNIT_NONE },
		{ "byte/s", 4, TOPOLOGY_UNIT_BYTE },
		{ "Gbit/s", 5e8, TOPOLOGY_UNIT_BYTE },
		{ " Gbit/s\n", 5e8, TOPOLOGY_UNIT_BYTE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(units); i++) {
		char text[4096];
		struct topology t;

		/* before and behind the edges */
		snprintf(text, sizeof(text), "%s%s<data key=\"u\">%s</data></graph></graphml>",
			 KEYS, "<graph edgedefault=\"undirected\">" SMALL, units[i].text);
		read_good(&t, text);
		assert_true(t.net.link[0].capacity == units[i].capacity);
		assert_int_equal(t.unit, units[i].unit);
		topology_release(&t);
		snprintf(text, sizeof(text),
			 "%s<graph edgedefault=\"undirected\"><data key=\"u\">%s</data>%s"
			 "</graph></graphml>",
			 KEYS, units[i].text, SMALL);
		read_good(&t, text);
		assert_true(t.net.link[0].capacity == units[i].capacity);
		topology_release(&t);
	}
}

static void a_rate_stands_in_for_missing_capacities(void **state)
{
	struct topology t;
	char spec[64];

	(void)state;
	assert_int_equal(
		read_text(&t, KEYS GRAPH(HOST("a") SWITCH("x") "<edge source=\"a\" target=\"x\"/>"),
			  NULL),
		-1);
	snprintf(spec, sizeof(spec), "%s@rate=1GB/s", path);
	assert_int_equal(topology_open(&t, spec, NULL, NULL), 0);
	assert_true(t.net.link[0].capacity == 1e9);
	topology_release(&t);
}

static void numbers_and_defaults_as_tools_write_them(void **state)
{
	struct topology t;

	(void)state;
	read_good(&t,
		  "<?xml version=\"1.0\"?><!DOCTYPE graphml SYSTEM \"http://localhost/x.dtd\">\n"
		  "<g:graphml xmlns:g=\"http://graphml.graphdrawing.org/xmlns\">"
		  "<g:key id=\"typ\" for=\"all\"><g:default> host </g:default></g:key>"
		  "<g:key id=\"c\" for=\"edge\" attr.name=\"capacity\"><g:desc>of cables</g:desc>"
		  "<g:default>2.5</g:default></g:key>"
		  "<g:key id=\"s\" for=\"node\" attr.name=\"capacity\"/>"
		  "<g:graph edgedefault=\"undirected\"><g:desc>none</g:desc>"
		  "<g:node id=\"a\"><g:data key=\"s\"> 8.0 </g:data><g:port name=\"p\"/></g:node>"
		  "<g:node id=\"b\"><g:data key=\"s\"></g:data></g:node>"
		  "<g:node id=\"x\"><g:data key=\"typ\">sw<!-- so -->itch</g:data>"
		  "<g:data key=\"no\"><Shape><typ>host</typ></Shape></g:data>"
		  "<g:data key=\"s\">many</g:data></g:node>"
		  "<g:edge source=\"a\" target=\"x\"/><g:edge source=\"b\" target=\"x\">"
		  "<g:data key=\"c\"><![CDATA[1e2]]></g:data></g:edge>"
		  "</g:graph></g:graphml>");
	assert_int_equal(t.net.hosts, 2);
	assert_int_equal(t.net.slots[0], 8);
	assert_int_equal(t.net.slots[1], 1);
	assert_true(t.net.link[0].capacity == 2.5);
	assert_true(t.net.link[1].capacity == 100);
	topology_release(&t);
}

static void lines_are_right_in_long_files(void **state)
{
	const int nodes = 30000;
	struct topology t;
	struct err err;
	char expected[256];
	FILE *out = fopen(path, "w");

	(void)state;
	fputs(KEYS "<graph>\n" SWITCH("x"), out); /* 7 lines */
	for (int i = 0; i < nodes; i++)
		fprintf(out,
			"<node id=\"h%d\">\n\t<data key=\"t\">host</data>\n</node>\n"
			"<edge source=\"h%d\" target=\"x\" directed=\"false\">\n\n"
			"<data key=\"c\">%d</data></edge>\n",
			i, i, i == nodes - 2 ? 0 : 1);
	fputs("</graph></graphml>\n", out);
	fclose(out);
	assert_int_equal(topology_open(&t, path, NULL, &err), -1);
	snprintf(expected, sizeof(expected),
		 "%s:%d: link 'h%d -> x': capacity 0 is not a finite number above 0", path,
		 7 + 6 * (nodes - 2) + 4, nodes - 2);
	assert_string_equal(err.text, expected);
}

static void names_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *sentence; /* what stands behind the file's name */
	} bad[] = {
		{ "<", ":1: " },
		{ "<html/>", ":1: 'html' is not GraphML" },
		{ "<graphml/>", ": no graph in it" },
		{ KEYS "</graphml>", ": no graph in it" },
		{ KEYS "<graph></graph></graphml>", ": no host in it" },
		{ KEYS "<graph>", ":6: " },
		{ KEYS "<graph/><graph/></graphml>", ":6: a second graph" },
		{ KEYS GRAPH("<node/>"), ":7: node without id" },
		{ KEYS GRAPH("<node id=\"\"/>"), ":7: node without id" },
		{ KEYS GRAPH("<node id=\"a&#10;b\"/>"), ":7: node with id 'a\nb': too long" },
		{ KEYS GRAPH("<node id=\"a\"/>"), ":7: node 'a' has no typ (host or switch)" },
		{ KEYS GRAPH(SMALL "\n<node id=\"c\"><data key=\"t\">Host</data></node>"),
		  ":13: node 'c': typ 'Host' is not host or switch" },
		{ KEYS GRAPH(HOST("a") "\n" HOST("a")),
		  ":9: a second node 'a', the first is in line 7" },
		{ KEYS GRAPH("<node id=\"a\"><data key=\"t\">host</data>\n"
			     "<data key=\"s\">-1</data></node>"),
		  ":7: node 'a': capacity is not a number of slots" },
		{ KEYS GRAPH("<node id=\"a\"><data key=\"t\">host</data>"
			     "<data key=\"s\">1.5</data></node>"),
		  ":7: node 'a': capacity is not a number of slots" },
		{ KEYS GRAPH("<node id=\"a\"><data key=\"t\">host</data>"
			     "<data key=\"s\">0</data></node>" SWITCH("x") EDGE("a", "x")),
		  ":7: host 'a' has 0 slots" },
		{ KEYS GRAPH(SMALL HOST("c")), ":12: host 'c' has no cable" },
		{ KEYS GRAPH(SMALL "<edge source=\"a\"/>"), ":12: edge without target" },
		{ KEYS GRAPH(SMALL "<edge target=\"a\"/>"), ":12: edge without source" },
		{ KEYS GRAPH(SMALL EDGE("a", "z")), ":12: edge 'a' -> 'z': no node 'z'" },
		{ KEYS GRAPH(SMALL EDGE("a", "a")), ":12: link from 'a' to itself" },
		{ KEYS GRAPH(SMALL "<edge source=\"a\" target=\"x\"/>"),
		  ":12: link 'a -> x' has no capacity" },
		{ KEYS GRAPH(SMALL "<edge source=\"a\" target=\"x\">\n"
				   "<data key=\"c\">4Gbit</data></edge>"),
		  ":13: edge 'a' -> 'x': capacity '4Gbit' is not a number" },
		{ KEYS GRAPH(SMALL
			     "<edge source=\"a\" target=\"x\"><data key=\"c\">nan</data></edge>"),
		  ":12: edge 'a' -> 'x': capacity 'nan' is not a number" },
		{ KEYS GRAPH(SMALL
			     "<edge source=\"a\" target=\"x\"><data key=\"c\">inf</data></edge>"),
		  ":12: link 'a -> x': capacity inf is not a finite number above 0" },
		{ KEYS GRAPH(SMALL "<edge source=\"x\" target=\"a\" directed=\"true\">"
				   "<data key=\"c\">1</data></edge>"),
		  ":12: link 'x -> a' has no link back" },
		{ KEYS "<graph><data key=\"u\">furlong</data></graph></graphml>",
		  ":6: graph: capacity_unit 'furlong' is not none, byte/s or Gbit/s" },
		{ KEYS GRAPH("<node id=\"a\"><graph/></node>"), ":7: node with 'graph' in it" },
		{ KEYS GRAPH("<hyperedge/>"), ":7: graph with 'hyperedge' in it" },
		{ "<!DOCTYPE graphml [<!ENTITY a \"aaa\">]>\n" KEYS GRAPH(SMALL),
		  ": a document type with declarations" },
		{ KEYS GRAPH("<node id=\"&x;\"/>"), ":7: " },
		{ KEYS GRAPH(SMALL) "<more/>", ":13: " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct topology t;
		struct err err = { "" };

		assert_int_equal(read_text(&t, bad[i].text, &err), -1);
		if (strncmp(err.text, path, strlen(path)) != 0 ||
		    strncmp(err.text + strlen(path), bad[i].sentence, strlen(bad[i].sentence)) != 0)
			fail_msg("%zu: %s, not %s", i, err.text, bad[i].sentence);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_networks_come_back),
		cmocka_unit_test(random_networks_come_back),
		cmocka_unit_test(columns_stand_on_the_edges),
		cmocka_unit_test(a_changed_network_has_no_shape),
		cmocka_unit_test(edges_may_stand_before_nodes),
		cmocka_unit_test(an_edge_says_whether_it_is_directed),
		cmocka_unit_test(a_unit_makes_byte_per_second),
		cmocka_unit_test(a_rate_stands_in_for_missing_capacities),
		cmocka_unit_test(numbers_and_defaults_as_tools_write_them),
		cmocka_unit_test(lines_are_right_in_long_files),
		cmocka_unit_test(names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
