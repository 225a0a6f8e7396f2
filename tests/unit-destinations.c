/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts to which routes use each link, against routing to one host after the other. */
#include "routelib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Count, for each link, the hosts that anyone reaches over it. */
static void count_plainly(struct router *router, const struct topology *topology, uint32_t *count)
{
	uint32_t hosts = topology->net.hosts;
	struct netemu_pair *pairs = calloc((size_t)hosts + 1, sizeof(*pairs));
	struct loads loads;
	struct err err;

	assert_non_null(pairs);
	assert_int_equal(loads_init(&loads, topology->net.links), 0);
	for (uint32_t to = 0; to < hosts; to++) {
		struct netemu_route route = { .pairs = pairs };

		for (uint32_t from = 0; from < hosts; from++)
			if (from != to)
				pairs[route.npairs++] =
					(struct netemu_pair){ from, to, 1 << 20, 1 << 20 };
		loads_clear(&loads);
		if (router_route(router, &route, &loads, NULL, &err))
			fail_msg("%s", err.text);
		for (uint32_t l = 0; l < loads.count; l++)
			count[l] += loads.link[l].flows != 0;
	}
	loads_release(&loads);
	free(pairs);
}

static void check(const struct topology *topology, const char *name)
{
	size_t links = topology->net.links + (size_t)1;
	uint32_t *plain = calloc(links, sizeof(*plain)), *count = malloc(links * sizeof(*count));
	struct router *router = net_router(topology, name);
	struct err err;

	assert_true(plain && count);
	memset(count, 0x5a, links * sizeof(*count)); /* what was there does not matter */
	count_plainly(router, topology, plain);
	if (router_destinations(router, count, &err))
		fail_msg("%s", err.text);
	for (uint32_t l = 0; l < topology->net.links; l++)
		if (count[l] != plain[l])
			fail_msg("%s on %s: %u instead of %u hosts over %s -> %s", name,
				 topology->name ? topology->name : "?", count[l], plain[l],
				 topology->net.name[topology->net.link[l].from],
				 topology->net.name[topology->net.link[l].to]);
	router_destroy(router);
	free(count);
	free(plain);
}

static void of_any_network(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 5, "destinations", 0);
	for (int round = 0; round < 300; round++) {
		struct topology topology;

		net_any(&topology, &random, round);
		check(&topology, "dmodk");
		check(&topology, "ecmp");
		topology_release(&topology);
	}
}

static void of_generated_networks(void **state)
{
	static const char *const cases[][2] = {
		{ "kary:4:3", "dmodk" },
		{ "kary:1:3", "dmodk" },
		{ "kary:5:1", "dmodk" },
		{ "xgft:3x5x2:1x2x4:1x2x1", "dmodk" },
		{ "xgft:4x4:2x3", "dmodk" },
		{ "xgft:1:1", "dmodk" },
		{ "torus:3x4:2", "dor" },
		{ "torus:1:5", "dor" },
		{ "mesh:4x3", "dor" },
		{ "mesh:3x1x2:3", "dor" },
		{ "torus:2x5x3", "dor" },
		{ "torus:9", "dor" },
		{ "torus:2:2", "dor" },
		{ "torus:1", "dor" },
		{ "torus:6x7x4", "dor" },
		{ "mesh:6x7x4", "dor" },
		{ "dragonfly:2:3:2", "minimal" },
		{ "dragonfly:1:4:1", "minimal" },
		{ "torus:3x4:2", "ecmp" },
		{ "dragonfly:2:3:2", "ecmp" },
		{ "xgft:1:1", "ecmp" },
		{ "torus:1:5", "ecmp" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct topology topology;

		net_open(&topology, cases[i][0]);
		check(&topology, cases[i][1]);
		topology_release(&topology);
	}
}

static void of_forwarding_tables(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 6, "destinations", 0);
	for (int round = 0; round < 100; round++) {
		struct topology topology;

		net_with_tables(&topology, &random);
		for (uint32_t n = 0; n < topology.net.nodes; n++) {
			uint32_t ports = topology.net.first[n + 1] - topology.net.first[n];

			for (uint32_t lid = 1;
			     topology.tables->port[n] && lid < topology.tables->lids; lid++)
				topology.tables->port[n][lid] = random_below(&random, ports + 1);
		}
		check(&topology, "lft");
		topology_release(&topology);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_any_network),
		cmocka_unit_test(of_generated_networks),
		cmocka_unit_test(of_forwarding_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
