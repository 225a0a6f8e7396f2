/* SPDX-License-Identifier: Apache-2.0 */
/* unit-layout.c - where nodes of a network are drawn */
#include "run/layout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void make(struct topology *topology, struct layout *layout, const char *spec)
{
	struct err err = { "" };

	if (topology_open(topology, spec, NULL, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(layout_make(layout, topology), 0);
	for (uint32_t i = 0; i < topology->net.nodes; i++) {
		assert_true(layout->at[i].x > layout->left && layout->at[i].x < layout->right);
		assert_true(layout->at[i].y > layout->bottom && layout->at[i].y < layout->top);
	}
}

static void drop(struct topology *topology, struct layout *layout)
{
	layout_release(layout);
	topology_release(topology);
}

/* No two nodes in the same place, whatever the network. */
static void every_node_has_its_own_place(void **state)
{
	static const char *const specs[] = { "kary:4:3",        "xgft:3x2:1x4:1x2", "torus:4x3",
					     "torus:5:4",       "mesh:3x4x5:3",     "torus:2x2x2:2",
					     "torus:3x3x3x3:2", "dragonfly:2:4:2" };

	(void)state;
	for (size_t s = 0; s < sizeof(specs) / sizeof(*specs); s++) {
		struct topology topology;
		struct layout layout;

		make(&topology, &layout, specs[s]);
		for (uint32_t i = 0; i < topology.net.nodes; i++)
			for (uint32_t k = 0; k < i; k++)
				if (hypot(layout.at[i].x - layout.at[k].x,
					  layout.at[i].y - layout.at[k].y) < 1e-3)
					fail_msg("%s: %s and %s", specs[s], topology.net.name[i],
						 topology.net.name[k]);
		drop(&topology, &layout);
	}
}

static void levels_of_a_tree_are_rows(void **state)
{
	struct topology topology;
	struct layout layout;

	(void)state;
	make(&topology, &layout, "kary:2:3");
	assert_int_equal(layout.kind, LAYOUT_ROWS);
	for (uint32_t i = 0; i < topology.net.nodes; i++)
		assert_true(fabs(layout.at[i].y - topology.net.level[i] / 3.0) < 1e-12);
	drop(&topology, &layout);
}

/* On a ring of 5 one cable goes round: two stubs of opposite directions. */
static void a_cable_round_a_torus_is_two_stubs(void **state)
{
	struct topology topology;
	struct layout_point line[4];
	struct layout layout;
	int stubs = 0, whole = 0;

	(void)state;
	make(&topology, &layout, "torus:5x1");
	assert_int_equal(layout.kind, LAYOUT_LATTICE);
	for (uint32_t i = 0; i < topology.net.links; i++) {
		const struct netemu_link *link = &topology.net.link[i];

		if (!topology.net.level[link->from] || !topology.net.level[link->to])
			continue;
		if (layout_lines(&layout, i, line) == 1) {
			assert_true(fabs(fabs(line[1].x - line[0].x) - 1) < 1e-12);
			whole++;
			continue;
		}
		assert_true((line[1].x - line[0].x) * (line[3].x - line[2].x) > 0);
		assert_true(fmin(line[1].x, line[2].x) < 0 && fmax(line[1].x, line[2].x) > 4);
		stubs++;
	}
	assert_int_equal(whole, 8);
	assert_int_equal(stubs, 2);
	drop(&topology, &layout);
}

static void switches_of_a_dragonfly_are_on_a_circle_hosts_outside(void **state)
{
	struct topology topology;
	struct layout layout;

	(void)state;
	make(&topology, &layout, "dragonfly:2:4:2");
	assert_int_equal(layout.kind, LAYOUT_CIRCLES);
	for (uint32_t i = 0; i < topology.net.nodes; i++) {
		double radius = hypot(layout.at[i].x, layout.at[i].y);

		if (topology.net.level[i])
			assert_true(fabs(radius - 1) < 1e-12);
		else
			assert_true(radius > 1.05);
	}
	assert_true(fabs((layout.right - layout.left) / (layout.top - layout.bottom) - 1.5) < 1e-9);
	drop(&topology, &layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_node_has_its_own_place),
		cmocka_unit_test(levels_of_a_tree_are_rows),
		cmocka_unit_test(a_cable_round_a_torus_is_two_stubs),
		cmocka_unit_test(switches_of_a_dragonfly_are_on_a_circle_hosts_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
