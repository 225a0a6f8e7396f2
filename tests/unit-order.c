/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void orders_names_by_the_value_of_their_digits(void **state)
{
	/* ascending */
	static const char *const names[] = {
		"",
		" a",
		"0",
		"1",
		"2",
		"10",
		"a",
		"a b",
		"a1",
		"a1b",
		"a2",
		"a10",
		"a10b",
		"a010c",
		"a11",
		"ab",
		"leaf9",
		"leaf10",
		"n1-2",
		"n1-10",
		"n2-1",
		"n009",
		"n9",
		"n010",
		"n10",
		"r1n2",
		"r1n10",
		"r2n1",
		"x18446744073709551615",
		"x18446744073709551616",
		"x36893488147419103232",
	};
	const size_t count = sizeof(names) / sizeof(names[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			if (sign(order_names(names[i], names[k])) != (i > k) - (i < k))
				fail_msg("'%s' and '%s': %d", names[i], names[k],
					 order_names(names[i], names[k]));
}

/* It is an order: of any three names. */
static void orders_any_names(void **state)
{
	static const char letters[] = "a01 9b";
	char names[60][8];
	unsigned seed = 5;

	(void)state;
	for (size_t i = 0; i < 60; i++) {
		size_t length = (size_t)rand_r(&seed) % 7;

		for (size_t k = 0; k < length; k++)
			names[i][k] = letters[rand_r(&seed) % 6];
		names[i][length] = '\0';
	}
	for (size_t a = 0; a < 60; a++) {
		for (size_t b = 0; b < 60; b++) {
			int ab = sign(order_names(names[a], names[b]));

			assert_int_equal(ab, -sign(order_names(names[b], names[a])));
			assert_int_equal(ab == 0, strcmp(names[a], names[b]) == 0);
			for (size_t c = 0; c < 60; c++)
				if (ab < 0 && order_names(names[b], names[c]) < 0)
					assert_true(order_names(names[a], names[c]) < 0);
		}
	}
}

/* Hosts h0, h1, ... on a switch; their LIDs. */
static void make_star(struct topology *topology, const char *const *names, const uint32_t *lids)
{
	struct err err = { "" };
	uint32_t sw;

	assert_int_equal(topology_init(topology, "star", &err), 0);
	sw = topology_node(topology, "switch", false, 0, &err);
	topology->nodes[sw].lid = 5;
	for (uint32_t i = 0; names[i]; i++) {
		uint32_t host = topology_node(topology, names[i], true, 0, &err);

		assert_int_equal(host, 1 + i);
		topology->nodes[host].lid = lids[i];
		assert_int_equal(topology_cable(topology, sw, i + 1, host, 1, i + 1, 0, &err), 0);
	}
}

static void put_tables(struct topology *topology)
{
	struct topology_tables *tables = calloc(1, sizeof(*tables));

	tables->lids = 10;
	tables->port = calloc(topology->net.nodes + 1, sizeof(*tables->port));
	tables->node = malloc(10 * sizeof(*tables->node));
	memset(tables->node, 0xff, 10 * sizeof(*tables->node));
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		if (topology->nodes[i].lid)
			tables->node[topology->nodes[i].lid] = i;
	tables->port[0] = malloc(10);
	memset(tables->port[0], 7, 10);
	topology->tables = tables;
}

static void sorts_nodes_with_all_that_hangs_on_them(void **state)
{
	static const char *const names[] = { "n10", "n2", "a", "n1", NULL };
	static const uint32_t lids[] = { 3, 9, 0, 1 };
	static const struct {
		enum topology_order order;
		const char *names;
	} cases[] = {
		{ TOPOLOGY_AS_READ, "switch n10 n2 a n1 " },
		{ TOPOLOGY_BY_NAME, "a n1 n2 n10 switch " },
		{ TOPOLOGY_BY_LID, "n1 n10 switch n2 a " },
	};

	(void)state;
	for (size_t c = 0; c < 3; c++) {
		struct topology topology;
		struct err err = { "" };
		char got[64] = "";
		uint32_t sw;

		make_star(&topology, names, lids);
		put_tables(&topology);
		assert_int_equal(topology_sort(&topology, cases[c].order, &err), 0);
		if (topology_finish(&topology, &err) < 0)
			fail_msg("%s", err.text);
		for (uint32_t i = 0; i < topology.net.nodes; i++) {
			strcat(strcat(got, topology.nodes[i].name), " ");
			assert_int_equal(topology_find(&topology, topology.nodes[i].name), i);
		}
		assert_string_equal(got, cases[c].names);
		sw = topology_find(&topology, "switch");
		for (uint32_t i = 0; names[i]; i++) {
			uint32_t host = topology_find(&topology, names[i]);
			const struct netemu_link *link =
				&topology.net.link[topology.net.first[sw] + i];

			assert_int_equal(link->from_port, i + 1);
			assert_int_equal(link->to, host);
			assert_true(link->capacity == i + 1);
			if (lids[i])
				assert_int_equal(topology.tables->node[lids[i]], host);
		}
		assert_int_equal(topology.tables->node[5], sw);
		assert_int_equal(topology.tables->node[2], NETEMU_NONE);
		for (uint32_t i = 0; i < topology.net.nodes; i++)
			assert_int_equal(topology.tables->port[i] != NULL, i == sw);
		topology_release(&topology);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_names_by_the_value_of_their_digits),
		cmocka_unit_test(orders_any_names),
		cmocka_unit_test(sorts_nodes_with_all_that_hangs_on_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
