/* SPDX-License-Identifier: Apache-2.0 */
/* A fabric with topology=: times and counters of its links, against closed forms
 * and against what `netemu sim load` says of the same traffic.
 */
#include "netlib.h"

#include "links.h"
#include "load/linkdiff.h"
#include "load/result.h"
#include "network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB (1024 * 1024)

/* Two leaves with two hosts each; the first one's way up is slow. */
static const char tree[] =
	"<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">"
	"<key id=\"t\" for=\"node\" attr.name=\"typ\" attr.type=\"string\"/>"
	"<key id=\"c\" for=\"edge\" attr.name=\"capacity\" attr.type=\"double\"/>"
	"<key id=\"u\" for=\"graph\" attr.name=\"capacity_unit\" "
	"attr.type=\"string\"/>"
	"<graph edgedefault=\"undirected\"><data key=\"u\">Gbit/s</data>"
#define HOST(name)   "<node id=\"" name "\"><data key=\"t\">host</data></node>"
#define SWITCH(name) "<node id=\"" name "\"><data key=\"t\">switch</data></node>"
#define CABLE(a, b, rate) \
	"<edge source=\"" a "\" target=\"" b "\"><data key=\"c\">" rate "</data></edge>"
	HOST("h0") HOST("h1") HOST("h2") HOST("h3") SWITCH("s0") SWITCH("s1") SWITCH("top")
		CABLE("h0", "s0", "10") CABLE("h1", "s0", "10") CABLE("h2", "s1", "10")
			CABLE("h3", "s1", "10") CABLE("s0", "top", "1")
				CABLE("s1", "top", "10") "</graph></graphml>";

static char tree_file[256];

static int write_tree(void **state)
{
	const char *parent = getenv("TMPDIR");
	int fd;

	(void)state;
	snprintf(tree_file, sizeof(tree_file), "%s/tree-XXXXXX", parent ? parent : "/tmp");
	fd = mkstemp(tree_file);
	if (fd < 0 || write(fd, tree, sizeof(tree) - 1) != (ssize_t)sizeof(tree) - 1)
		return -1;
	return close(fd);
}

static int remove_tree(void **state)
{
	(void)state;
	return unlink(tree_file);
}

/* NODES nodes on TOPOLOGY, called as NAMES (NULL: n0, n1, ...). */
struct place {
	struct netlib lib;
	struct network network;
};

static int try_network(struct network *network, struct device_settings *settings, uint32_t nodes,
		       const char *const *names, struct err *err)
{
	struct fabric_node node[64];
	char name[64][12];

	for (uint32_t i = 0; i < nodes; i++) {
		snprintf(name[i], sizeof(name[i]), "n%u", i);
		node[i] = (struct fabric_node){ .host = names ? names[i] : name[i] };
	}
	return network_create(network, settings, node, nodes, NULL, err);
}

static void make_place(struct place *place, uint32_t nodes, const char *const *names,
		       const char *topology, const char *more)
{
	struct device_settings settings;
	struct err err = { "" };
	char text[512];

	snprintf(text, sizeof(text), "topology=%s%s", topology, more);
	assert_int_equal(device_settings_init(&settings), 0);
	assert_int_equal(device_settings_parse(&settings, text, &err), 0);
	if (try_network(&place->network, &settings, nodes, names, &err) < 0)
		fail_msg("%s", err.text);
	netlib_make(&place->lib, nodes, text, settings.network);
	device_settings_release(&settings);
}

static void release_place(struct place *place)
{
	netlib_release(&place->lib);
	network_release(&place->network);
}

static struct net_message rc(uint32_t from, uint32_t to, uint64_t bytes)
{
	return (struct net_message){ .from = from,
				     .to = to,
				     .type = QP_RC,
				     .bytes = bytes,
				     .mtu = 4096,
				     .timeout = 14,
				     .retry_count = 7 };
}

static uint64_t bytes_of(const struct place *place, const char *from, const char *to)
{
	struct linktable table;
	uint64_t bytes = UINT64_MAX;

	assert_int_equal(links_table(&table, &place->lib.fabric), 0);
	for (size_t i = 0; i < table.count; i++)
		if (strcmp(table.row[i].src, from) == 0 && strcmp(table.row[i].dst, to) == 0)
			bytes = load_integer(table.row[i].bytes);
	linktable_release(&table);
	return bytes;
}

static void two_flows_share_an_uplink(void **state)
{
	struct place place;
	struct flow flow[3];

	(void)state;
	make_place(&place, 4, NULL, tree_file, ",latency=2us");
	flow[0] = netlib_flow(&place.lib, 1, 1, rc(0, 2, 8 * MIB));
	flow[1] = netlib_flow(&place.lib, 2, 1, rc(1, 3, 8 * MIB));
	flow[2] = netlib_flow(&place.lib, 3, 1, rc(3, 2, 8 * MIB)); /* not over it */
	netlib_run(&place.lib, flow, 3, 0);
	/* 1 Gbit/s is 8 ns for a byte; their last bytes are a window apart */
	assert_int_equal(flow[1].times.deliver, 2 * 8 * MIB * 8 + 2000);
	assert_int_equal(flow[0].times.deliver, (2 * 8 * MIB - NET_WINDOW) * 8 + 2000);
	/* the other one shares h2's link with what the uplink lets through */
	assert_in_range(flow[2].times.deliver, 8 * MIB * 8 / 10 + 2000, 8 * MIB * 8 / 9 + 2000);
	assert_int_equal(bytes_of(&place, "s0", "top"), 16 * MIB);
	assert_int_equal(bytes_of(&place, "top", "s0"), 0);
	assert_int_equal(bytes_of(&place, "s1", "h2"), 16 * MIB);
	assert_int_equal(bytes_of(&place, "s1", "h3"), 8 * MIB);
	release_place(&place);
}

static void one_message_takes_the_time_of_the_uplink(void **state)
{
	struct place place;

	(void)state;
	make_place(&place, 4, NULL, tree_file, ",latency=2us");
	assert_int_equal(netlib_send(&place.lib, rc(0, 2, MIB)).deliver, MIB * 8 + 2000);
	release_place(&place);
	/* the device's own rate= counts as well */
	make_place(&place, 4, NULL, tree_file, ",latency=2us,netemu0.rate=50MB/s");
	assert_int_equal(netlib_send(&place.lib, rc(0, 2, MIB)).deliver, MIB * 20 + 2000);
	release_place(&place);
}

static void nodes_are_the_hosts_of_their_names(void **state)
{
	static const char *const names[] = { "h3", "h0" }, *const other[] = { "h3", "x" };
	struct place place;

	(void)state;
	make_place(&place, 2, names, tree_file, "");
	netlib_send(&place.lib, rc(0, 1, 1000));
	assert_int_equal(bytes_of(&place, "h3", "s1"), 1000);
	assert_int_equal(bytes_of(&place, "s0", "h0"), 1000);
	release_place(&place);
	/* not all of them are hosts: in the order of the hosts then */
	make_place(&place, 2, other, tree_file, "");
	netlib_send(&place.lib, rc(0, 1, 1000));
	assert_int_equal(bytes_of(&place, "h0", "s0"), 1000);
	assert_int_equal(bytes_of(&place, "s0", "h1"), 1000);
	release_place(&place);
}

static void devices_of_a_node_share_its_way(void **state)
{
	struct place place;

	(void)state;
	make_place(&place, 4, NULL, tree_file, ",devices=2,latency=1us");
	/* devices 0 and 1 are node 0's, 4 and 5 node 2's */
	netlib_send(&place.lib, rc(0, 4, 1000));
	netlib_send(&place.lib, rc(1, 5, 1000));
	netlib_send(&place.lib, rc(0, 1, 1000));
	assert_int_equal(bytes_of(&place, "s0", "top"), 2000);
	assert_int_equal(bytes_of(&place, "h0", "s0"), 2000);
	assert_int_equal(netlib_up(&place.lib, 0)->bytes, 2000);
	assert_int_equal(netlib_down(&place.lib, 1)->bytes, 1000);
	release_place(&place);
}

static void a_capacity_without_a_unit_is_rate(void **state)
{
	struct place place;

	(void)state;
	make_place(&place, 4, NULL, "xgft:2x2:1x1", ",rate=1GB/s");
	assert_int_equal(netlib_send(&place.lib, rc(0, 2, MIB)).deliver, MIB);
	release_place(&place);
	make_place(&place, 4, NULL, "xgft:2x2:1x1", "");
	assert_true(net_ideal(&place.lib.fabric));
	release_place(&place);
}

/* Every node sends BYTES to every other: the links carry what the simulator says. */
static void all_to_all(const char *topology, const char *routing, uint32_t nodes)
{
	const struct result_settings settings = {
		.topology = topology,
		.routing = routing,
		.pattern = { .text = "all-to-all", .bytes = 5000, .seed = 7 },
	};
	struct result result;
	struct linktable table;
	struct linkdiff diff;
	struct place place;
	struct err err = { "" };
	struct net_stream stream = { .deliver_at = 0 };
	char more[64];

	snprintf(more, sizeof(more), ",seed=7,routing=%s", routing);
	make_place(&place, nodes, NULL, topology, more);
	for (uint32_t i = 0; i < nodes; i++)
		for (uint32_t j = 0; j < nodes; j++)
			if (i != j)
				net_count(&place.lib.fabric, &stream,
					  &(struct net_message){ .from = i,
								 .to = j,
								 .type = QP_RC,
								 .bytes = 5000,
								 .mtu = 1024 });
	net_flush(&place.lib.fabric, &stream);
	if (result_make(&result, &settings, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(links_table(&table, &place.lib.fabric), 0);
	assert_int_equal(linkdiff_make(&diff, &result.table, &table), 0);
	if (diff.changed)
		print_message("%s %s: %zu links differ\n", topology, routing, diff.changed);
	assert_int_equal(diff.changed, 0);
	assert_int_equal(diff.matches.only_a + diff.matches.only_b, 0);
	assert_true(diff.bytes[1] > 0);
	linkdiff_release(&diff);
	linktable_release(&table);
	result_release(&result);
	release_place(&place);
}

static void links_carry_what_the_simulator_says(void **state)
{
	static const struct {
		const char *topology, *routing;
		uint32_t nodes;
	} cases[] = {
		{ tree_file, "dmodk", 4 },
		{ "xgft:4x4:1x2", "dmodk", 16 },
		{ "xgft:4x4:1x2", "smodk", 16 },
		{ "xgft:4x4:1x2:1x2", "random", 16 },
		{ "torus:3x4", "dor", 12 },
		{ "dragonfly:2:2:1", "minimal", 12 },
		{ "dragonfly:1:4:1", "valiant", 20 },
		{ "xgft:4x4:1x2", "greedy", 16 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		all_to_all(cases[i].topology, cases[i].routing, cases[i].nodes);
}

static void what_cannot_be_routed_is_said(void **state)
{
	static const struct {
		const char *text, *why;
		uint32_t nodes;
	} cases[] = {
		{ "topology=torus:3x3,routing=dor", "has 9 hosts for 10 nodes", 10 },
		{ "topology=torus:3x3,routing=nosuch", "nosuch", 2 },
		{ "topology=xgft:4x4:1x2,routing=ecmp", "several paths", 16 },
		{ "topology=no/such/file", "no/such/file", 2 },
		{ "topology=dragonfly:2:4:2,routing=dor", "dor", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct device_settings settings;
		struct network network;
		struct err err = { "" };

		assert_int_equal(device_settings_init(&settings), 0);
		assert_int_equal(device_settings_parse(&settings, cases[i].text, &err), 0);
		assert_int_equal(try_network(&network, &settings, cases[i].nodes, NULL, &err), -1);
		if (!strstr(err.text, cases[i].why))
			fail_msg("'%s' does not say '%s'", err.text, cases[i].why);
		assert_null(settings.network);
		device_settings_release(&settings);
	}
}

static void the_table_is_that_of_sim_load(void **state)
{
	struct place place;
	struct linktable table;
	struct err err = { "" };
	char file[300];

	(void)state;
	snprintf(file, sizeof(file), "%s.tsv", tree_file);
	make_place(&place, 4, NULL, tree_file, ",latency=1us,link_layer=ib");
	netlib_send(&place.lib, rc(0, 2, 5000));
	assert_int_equal(links_write(&place.lib.fabric, file, &err), 0);
	assert_int_equal(linktable_read(&table, file, &err), 0);
	unlink(file);
	assert_int_equal(table.count, 12);
	assert_true(table.has[LINK_WIRE_BYTES] && table.has[LINK_QUEUE_NS]);
	for (size_t i = 0; i < table.count; i++) {
		bool there =
			strcmp(table.row[i].src, "s0") == 0 && strcmp(table.row[i].dst, "top") == 0;
		bool back =
			strcmp(table.row[i].src, "top") == 0 && strcmp(table.row[i].dst, "s0") == 0;

		if (there || back)
			assert_true(table.row[i].capacity == 125e6);
		if (there) {
			assert_int_equal(load_integer(table.row[i].bytes), 5000);
			assert_int_equal(table.row[i].messages, 1);
			assert_int_equal(table.row[i].wire_bytes, 5000 + 2 * 26);
		}
		if (back)
			assert_int_equal(table.row[i].wire_bytes, 26 + 4);
	}
	linktable_release(&table);
	release_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_flows_share_an_uplink),
		cmocka_unit_test(one_message_takes_the_time_of_the_uplink),
		cmocka_unit_test(nodes_are_the_hosts_of_their_names),
		cmocka_unit_test(devices_of_a_node_share_its_way),
		cmocka_unit_test(a_capacity_without_a_unit_is_rate),
		cmocka_unit_test(links_carry_what_the_simulator_says),
		cmocka_unit_test(what_cannot_be_routed_is_said),
		cmocka_unit_test(the_table_is_that_of_sim_load),
	};

	return cmocka_run_group_tests(tests, write_tree, remove_tree);
}
