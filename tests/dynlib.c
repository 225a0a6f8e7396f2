/* SPDX-License-Identifier: Apache-2.0 */
#include "dynlib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static uint32_t below(struct random *dice, uint32_t n)
{
	return (uint32_t)random_below(dice, n);
}

static void add_cable(struct random *dice, struct topology *topology, uint32_t a, uint32_t b,
		      bool mixed)
{
	double capacity = mixed ? (double)(1u << below(dice, 4)) : 2; /* sums stay exact */

	assert_int_equal(
		topology_cable(topology, a, NETEMU_NONE, b, NETEMU_NONE, capacity, 0, NULL), 0);
}

void random_network(struct random *dice, struct topology *topology, bool mixed)
{
	uint32_t switches = 3 + below(dice, 6), hosts = 4 + below(dice, 6),
		 chords = below(dice, 12);
	struct err err = { "" };

	assert_int_equal(topology_init(topology, "random", &err), 0);
	for (uint32_t i = 0; i < switches + hosts; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%02u", (i * 7) % 23);
		assert_int_equal(topology_node(topology, name, i >= switches, 0, &err), i);
	}
	for (uint32_t i = 0; i < switches; i++)
		add_cable(dice, topology, i, (i + 1) % switches, mixed);
	while (chords--) {
		uint32_t a = below(dice, switches), b = below(dice, switches);

		if (a != b)
			add_cable(dice, topology, a, b, mixed);
	}
	for (uint32_t i = 0; i < hosts; i++)
		for (uint32_t n = 1 + (below(dice, 4) == 0); n--;)
			add_cable(dice, topology, switches + i, below(dice, switches), mixed);
	if (topology_finish(topology, &err) < 0)
		fail_msg("%s", err.text);
}
