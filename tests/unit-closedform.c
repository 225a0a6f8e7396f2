/* SPDX-License-Identifier: Apache-2.0 */
/* Link loads that are known without a simulator. */
#include "routelib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t power(uint64_t base, uint32_t exponent)
{
	return exponent ? base * power(base, exponent - 1) : 1;
}

/* --- fat trees --- */

/* Every link of boundary l carries k^n - k^l flows. */
static void check_kary(uint32_t k, uint32_t n, const char *name)
{
	struct routed routed = { 0 };
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint64_t hosts = power(k, n), pairs = 0;
	char spec[64];

	snprintf(spec, sizeof(spec), "kary:%u:%u", k, n);
	net_open(&topology, spec);
	router = net_router(&topology, name);
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 7, &loads, &routed);
	for (uint32_t l = 0; l < n; l++) {
		CHECK_TALLY(&topology, &loads, l, UP, { hosts - power(k, l), hosts });
		CHECK_TALLY(&topology, &loads, l, DOWN, { hosts - power(k, l), hosts });
		assert_int_equal(routed.hops[2 * (l + 1)], hosts * (power(k, l + 1) - power(k, l)));
		pairs += routed.hops[2 * (l + 1)];
	}
	assert_int_equal(routed.pairs, pairs);
	assert_int_equal(routed.pairs, hosts * (hosts - 1));
	assert_int_equal(routed.unroutable, 0);
	for (uint32_t l = 0; l < loads.count; l++)
		assert_true(loads.link[l].bytes == loads.link[l].flows * 7);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static const uint32_t trees[][2] = { { 4, 3 },  { 2, 4 }, { 12, 2 }, { 4, 2 }, { 3, 3 }, { 18, 2 },
				     { 2, 1 },  { 5, 1 }, { 3, 4 },  { 2, 6 }, { 7, 3 }, { 5, 4 },
				     { 36, 2 }, { 2, 8 }, { 10, 3 }, { 3, 6 } };

static void k_ary_trees_are_even(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		check_kary(trees[i][0], trees[i][1], "dmodk");
		check_kary(trees[i][0], trees[i][1], "smodk");
	}
}

static void sums_of_the_4_ary_3_tree(void **state)
{
	struct routed routed = { 0 };
	struct topology topology;
	struct router *router;
	struct loads loads;

	(void)state;
	net_open(&topology, "kary:4:3");
	router = net_router(&topology, "dmodk");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, &routed);
	CHECK_TALLY(&topology, &loads, ANY_BOUNDARY, BOTH, { 48, 128 }, { 60, 128 });
	assert_int_equal(isl_sum(&topology, &loads), 13824);
	assert_int_equal(routed.hops[2], 192);
	assert_int_equal(routed.hops[4], 768);
	assert_int_equal(routed.hops[6], 3072);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

/* As many links of switches as VALUES say are on the way to so many hosts. */
static void check_destinations(const char *spec, const struct tally *expected, size_t count)
{
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint32_t *seen;
	struct err err;

	net_open(&topology, spec);
	router = net_router(&topology, "dmodk");
	seen = calloc(topology.net.links, sizeof(*seen));
	assert_non_null(seen);
	if (router_destinations(router, seen, &err))
		fail_msg("%s", err.text);
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	for (uint32_t l = 0; l < loads.count; l++)
		loads.link[l].flows = load_whole(seen[l]);
	check_tally(&topology, &loads, ANY_BOUNDARY, BOTH, expected, count);
	CHECK_TALLY(&topology, &loads, 0, UP, { topology.net.hosts - 1, topology.net.hosts });
	CHECK_TALLY(&topology, &loads, 0, DOWN, { 1, topology.net.hosts });
	loads_release(&loads);
	free(seen);
	router_destroy(router);
	topology_release(&topology);
}

static void destinations_of_links(void **state)
{
	const struct tally kary[] = { { 1, 128 }, { 3, 64 }, { 15, 64 } };
	const struct tally real[] = { { 1, 324 }, { 17, 324 } };

	(void)state;
	check_destinations("kary:4:3", kary, 3);
	check_destinations("xgft:18x18:1x9:1x2", real, 2);
}

static void shifts_of_k_ary_trees_do_not_collide(void **state)
{
	static const uint32_t sizes[][2] = { { 4, 2 },  { 4, 3 },  { 2, 4 }, { 3, 3 },
					     { 12, 2 }, { 18, 2 }, { 2, 6 }, { 5, 3 } };
	static const char *const names[] = { "dmodk", "smodk" };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct topology topology;
		char spec[64];

		snprintf(spec, sizeof(spec), "kary:%u:%u", sizes[i][0], sizes[i][1]);
		net_open(&topology, spec);
		for (size_t k = 0; k < 2; k++) {
			struct router *router = net_router(&topology, names[k]);

			CHECK_SHIFTS(router, &topology, { 1, topology.net.hosts - 1 });
			router_destroy(router);
		}
		topology_release(&topology);
	}
}

/* Two parallel cables between 18 leaves and 9 spines. */
static void the_324_node_tree(void **state)
{
	struct topology topology;
	struct router *router;
	struct loads loads;

	(void)state;
	net_open(&topology, "xgft:18x18:1x9:1x2");
	router = net_router(&topology, "dmodk");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	CHECK_TALLY(&topology, &loads, ANY_BOUNDARY, BOTH, { 306, 648 });
	assert_int_equal(isl_sum(&topology, &loads), 198288);
	CHECK_SHIFTS(router, &topology, { 1, 323 });
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void the_slimmed_tree(void **state)
{
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint32_t to[48];

	(void)state;
	net_open(&topology, "xgft:4x4x3:1x2x2");
	router = net_router(&topology, "dmodk");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	CHECK_TALLY(&topology, &loads, 0, UP, { 47, 48 });
	CHECK_TALLY(&topology, &loads, 0, DOWN, { 47, 48 });
	CHECK_TALLY(&topology, &loads, 1, UP, { 88, 24 });
	CHECK_TALLY(&topology, &loads, 1, DOWN, { 88, 24 });
	CHECK_TALLY(&topology, &loads, 2, UP, { 128, 12 });
	CHECK_TALLY(&topology, &loads, 2, DOWN, { 128, 12 });
	CHECK_SHIFTS(router, &topology, { 1, 4 }, { 2, 12 }, { 3, 8 }, { 4, 23 });
	for (uint32_t h = 0; h < 48; h++)
		to[h] = 47 - h;
	assert_int_equal(permutation_max(router, &topology, to), 4);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

/* In any tree whose widths divide the hosts evenly, a boundary's traffic is
 * spread evenly: the hosts of a subtree of level l send M(l) (N - M(l)) flows
 * over its W(l + 1) P cables up, M(l) the hosts below, each way.
 */
static void check_even(const char *spec, const uint32_t *m, const uint32_t *w, const uint32_t *p,
		       uint32_t h)
{
	static const char *const names[] = { "dmodk", "smodk" };

	for (size_t k = 0; k < 2; k++) {
		struct topology topology;
		struct router *router;
		struct loads loads;
		uint64_t below = 1, switches = 1;

		net_open(&topology, spec);
		router = net_router(&topology, names[k]);
		assert_int_equal(loads_init(&loads, topology.net.links), 0);
		load_all(router, 1, &loads, NULL);
		for (uint32_t l = 0; l < h; l++) {
			uint64_t hosts = topology.net.hosts, flows = below * (hosts - below);
			uint64_t cables = switches * w[l] * p[l];

			assert_int_equal(flows % cables, 0);
			CHECK_TALLY(&topology, &loads, l, UP,
				    { flows / cables, hosts / below * cables });
			CHECK_TALLY(&topology, &loads, l, DOWN,
				    { flows / cables, hosts / below * cables });
			below *= m[l];
			switches *= w[l];
		}
		loads_release(&loads);
		router_destroy(router);
		topology_release(&topology);
	}
}

static void even_trees(void **state)
{
	(void)state;
	check_even("xgft:4x4x4:1x2x2", (uint32_t[]){ 4, 4, 4 }, (uint32_t[]){ 1, 2, 2 },
		   (uint32_t[]){ 1, 1, 1 }, 3);
	check_even("xgft:8x4x2:1x4x2", (uint32_t[]){ 8, 4, 2 }, (uint32_t[]){ 1, 4, 2 },
		   (uint32_t[]){ 1, 1, 1 }, 3);
	check_even("xgft:12x6:1x3:1x2", (uint32_t[]){ 12, 6 }, (uint32_t[]){ 1, 3 },
		   (uint32_t[]){ 1, 2 }, 2);
	check_even("xgft:8x4x4:1x2x2:1x4x2", (uint32_t[]){ 8, 4, 4 }, (uint32_t[]){ 1, 2, 2 },
		   (uint32_t[]){ 1, 4, 2 }, 3);
	check_even("xgft:6x5x4x3:1x3x2x1", (uint32_t[]){ 6, 5, 4, 3 }, (uint32_t[]){ 1, 3, 2, 1 },
		   (uint32_t[]){ 1, 1, 1, 1 }, 4);
	check_even("xgft:16x36:1x16", (uint32_t[]){ 16, 36 }, (uint32_t[]){ 1, 16 },
		   (uint32_t[]){ 1, 1 }, 2);
}

/* However hosts and switches are mixed, counted leaf by leaf all is even. */
static void check_shuffled(const char *spec, const char *name, uint64_t flows[][2])
{
	struct random random;

	random_init(&random, 7, "shuffled", 0);
	for (int round = 0; round < 5; round++) {
		struct topology topology;
		struct router *router;
		struct loads loads;

		net_shuffled(&topology, spec, &random);
		router = net_router(&topology, name);
		assert_int_equal(loads_init(&loads, topology.net.links), 0);
		load_all(router, 1, &loads, NULL);
		for (uint32_t l = 0; flows[l][0]; l++) {
			CHECK_TALLY(&topology, &loads, l, UP, { flows[l][0], flows[l][1] });
			CHECK_TALLY(&topology, &loads, l, DOWN, { flows[l][0], flows[l][1] });
		}
		loads_release(&loads);
		router_destroy(router);
		topology_release(&topology);
	}
}

static void shuffled_trees_leaf_by_leaf(void **state)
{
	uint64_t two[][2] = { { 323, 324 }, { 306, 324 }, { 0, 0 } };
	uint64_t three[][2] = { { 63, 64 }, { 60, 64 }, { 48, 64 }, { 0, 0 } };
	uint64_t four[][2] = { { 80, 81 }, { 78, 81 }, { 72, 81 }, { 54, 81 }, { 0, 0 } };

	(void)state;
	check_shuffled("xgft:18x18:1x9:1x2", "dmodk:leaves", two);
	check_shuffled("xgft:18x18:1x9:1x2", "smodk:leaves", two);
	check_shuffled("kary:4:3", "dmodk:leaves", three);
	check_shuffled("kary:4:3", "smodk:leaves", three);
	check_shuffled("kary:3:4", "dmodk:leaves", four);
}

/* Four edges with five hosts each on two cores. */
static void open_uneven(struct topology *topology)
{
	uint32_t edge[4], core[2];
	struct err err;
	char name[16];

	assert_int_equal(topology_init(topology, "uneven", &err), 0);
	for (uint32_t i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		assert_int_equal(topology_node(topology, name, true, 0, &err), i);
	}
	for (uint32_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "e%u", i);
		edge[i] = topology_node(topology, name, false, 0, &err);
	}
	for (uint32_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "c%u", i);
		core[i] = topology_node(topology, name, false, 0, &err);
	}
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(topology_cable(topology, i, NETEMU_NONE, edge[i / 5], NETEMU_NONE,
						1, 0, &err),
				 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(topology_cable(topology, edge[i / 2], NETEMU_NONE, core[i % 2],
						NETEMU_NONE, 1, 0, &err),
				 0);
	if (topology_finish(topology, &err))
		fail_msg("%s", err.text);
}

static void an_uneven_modulus(void **state)
{
	struct topology topology;
	struct router *router;
	struct loads loads;

	(void)state;
	open_uneven(&topology);
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	router = net_router(&topology, "dmodk");
	load_all(router, 1, &loads, NULL);
	CHECK_TALLY(&topology, &loads, 1, UP, { 35, 4 }, { 40, 4 });
	CHECK_TALLY(&topology, &loads, 1, DOWN, { 30, 4 }, { 45, 4 });
	CHECK_SHIFTS(router, &topology, { 1, 4 }, { 2, 4 }, { 3, 11 });
	router_destroy(router);
	loads_clear(&loads);
	router = net_router(&topology, "smodk");
	load_all(router, 1, &loads, NULL);
	CHECK_TALLY(&topology, &loads, 1, UP, { 30, 4 }, { 45, 4 });
	CHECK_TALLY(&topology, &loads, 1, DOWN, { 35, 4 }, { 40, 4 });
	router_destroy(router);
	loads_release(&loads);
	topology_release(&topology);
}

static uint32_t reversed(uint32_t number, uint32_t base, uint32_t digits)
{
	uint32_t back = 0;

	for (uint32_t i = 0; i < digits; i++) {
		back = back * base + number % base;
		number /= base;
	}
	return back;
}

static void check_permutations(const char *spec, const char *name, uint32_t base, uint32_t digits,
			       uint64_t reversal)
{
	struct topology topology;
	struct router *router;
	uint32_t hosts, *to;

	net_open(&topology, spec);
	router = net_router(&topology, name);
	hosts = topology.net.hosts;
	to = calloc(hosts, sizeof(*to));
	assert_non_null(to);
	for (uint32_t h = 0; h < hosts; h++)
		to[h] = hosts - 1 - h;
	assert_int_equal(permutation_max(router, &topology, to), 1);
	for (uint32_t h = 0; h < hosts; h++)
		to[h] = (h + hosts / 2) % hosts;
	assert_int_equal(permutation_max(router, &topology, to), 1);
	for (uint32_t h = 0; h < hosts; h++)
		to[h] = reversed(h, base, digits);
	assert_int_equal(permutation_max(router, &topology, to), reversal);
	free(to);
	router_destroy(router);
	topology_release(&topology);
}

static void permutations(void **state)
{
	(void)state;
	check_permutations("kary:4:3", "dmodk", 4, 3, 3);
	check_permutations("kary:4:3", "smodk", 4, 3, 3);
	check_permutations("kary:12:2", "dmodk", 12, 2, 11);
	check_permutations("kary:12:2", "smodk", 12, 2, 11);
	check_permutations("xgft:18x18:1x9:1x2", "dmodk", 18, 2, 17);
	check_permutations("xgft:18x18:1x9:1x2", "smodk", 18, 2, 17);
}

/* --- torus --- */

/* The link of dimension D from a switch: towards + when its port says so. */
static void check_dimension(const struct topology *topology, const struct loads *loads, uint32_t d,
			    uint64_t plus, uint64_t minus)
{
	uint64_t seen = 0;

	for (uint32_t l = 0; l < loads->count; l++) {
		const struct netemu_link *link = &topology->net.link[l];
		uint64_t flows = load_integer(loads->link[l].flows);

		if (!topology_is_isl(topology, l) || (link->from_port - 1) / 2 != d)
			continue;
		assert_int_equal(flows, link->from_port % 2 ? plus : minus);
		seen++;
	}
	assert_int_equal(seen, topology->dim[d] == 1 ? 0 : 2 * topology->nswitches);
}

/* Hosts send f(k) of their flows on over each + link of a ring of k. */
static void check_torus(const char *spec, uint64_t hosts_each, uint64_t total)
{
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint64_t n, all = 0;

	net_open(&topology, spec);
	router = net_router(&topology, "dor");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	n = topology.nswitches;
	for (uint32_t d = 0; d < topology.ndims; d++) {
		uint64_t k = topology.dim[d], half = k / 2, plus, minus;

		plus = n / k * (k % 2 ? (k - 1) / 2 * ((k + 1) / 2) / 2 : half * (half + 1) / 2);
		minus = k % 2 ? plus : n / k * ((half - 1) * half / 2);
		plus *= hosts_each * hosts_each;
		minus *= hosts_each * hosts_each;
		check_dimension(&topology, &loads, d, plus, minus);
		all += n * (plus + minus);
	}
	assert_int_equal(isl_sum(&topology, &loads), all);
	if (total)
		assert_int_equal(all, total);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void tori(void **state)
{
	(void)state;
	check_torus("torus:4x4x4", 1, 12288);
	check_torus("torus:5x5", 1, 1500);
	check_torus("torus:8x8", 1, 16384);
	check_torus("torus:3x4x5", 1, 10320);
	check_torus("torus:2x2x2", 1, 0);
	check_torus("torus:7", 1, 0);
	check_torus("torus:6", 1, 0);
	check_torus("torus:2x3x4x5", 1, 0);
	check_torus("torus:9x10:3", 3, 0);
	check_torus("torus:1x6x1:2", 2, 0);
	check_torus("torus:3x3x3x3x3", 1, 0);
	check_torus("torus:47x46x47", 1, 0);
}

static void loads_of_the_torus_of_3_4_5(void **state)
{
	struct topology topology;
	struct router *router;
	struct loads loads;

	(void)state;
	net_open(&topology, "torus:3x4x5");
	router = net_router(&topology, "dor");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	check_dimension(&topology, &loads, 0, 20, 20);
	check_dimension(&topology, &loads, 1, 45, 15);
	check_dimension(&topology, &loads, 2, 36, 36);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

/* In a mesh the link from x to x + 1 has what those up to x send beyond. */
static void check_mesh(const char *spec)
{
	struct topology topology;
	struct router *router;
	struct loads loads;

	net_open(&topology, spec);
	router = net_router(&topology, "dor");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	for (uint32_t l = 0; l < loads.count; l++) {
		const struct netemu_link *link = &topology.net.link[l];
		uint32_t d = (link->from_port - 1) / 2;
		uint64_t k, x;

		if (!topology_is_isl(&topology, l))
			continue;
		k = topology.dim[d];
		x = topology.nodes[link->from].coord[d];
		x = link->from_port % 2 ? x + 1 : k - x;
		assert_int_equal(load_integer(loads.link[l].flows),
				 topology.nswitches / k * x * (k - x));
	}
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void meshes(void **state)
{
	(void)state;
	check_mesh("mesh:4x4");
	check_mesh("mesh:7");
	check_mesh("mesh:2x3x5");
	check_mesh("mesh:9x8x3");
}

/* --- dragonfly --- */

/* Each global link carries what a group sends to another one, each local link
 * what its two routers send each other and what goes through to and from the
 * other groups.
 */
static void check_dragonfly(uint64_t p, uint64_t a, uint64_t h)
{
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint64_t local = 0, global = 0;
	char spec[64];

	snprintf(spec, sizeof(spec), "dragonfly:%ju:%ju:%ju", (uintmax_t)p, (uintmax_t)a,
		 (uintmax_t)h);
	net_open(&topology, spec);
	router = net_router(&topology, "minimal");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	for (uint32_t l = 0; l < loads.count; l++) {
		const struct netemu_link *link = &topology.net.link[l];
		uint64_t flows = load_integer(loads.link[l].flows);

		if (!topology_is_isl(&topology, l))
			continue;
		if (topology.nodes[link->from].coord[0] == topology.nodes[link->to].coord[0]) {
			assert_int_equal(flows, p * p * (1 + 2 * a * h));
			local++;
		} else {
			assert_int_equal(flows, p * a * p * a);
			global++;
		}
	}
	assert_int_equal(global, (a * h + 1) * a * h);
	assert_int_equal(local, (a * h + 1) * a * (a - 1));
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void dragonflies(void **state)
{
	(void)state;
	check_dragonfly(2, 4, 2); /* 64 on 72, 68 on 108 */
	check_dragonfly(4, 8, 4); /* 1024 on 1056, 1040 on 1848 */
	check_dragonfly(1, 2, 1);
	check_dragonfly(3, 6, 3);
	check_dragonfly(1, 1, 3);
	check_dragonfly(5, 3, 2);
	check_dragonfly(2, 5, 1);
}

/* --- over all shortest paths --- */

/* What D-mod-K spreads evenly is even when all paths share it. */
static void ecmp_is_even_on_k_ary_trees(void **state)
{
	static const uint32_t sizes[][2] = { { 4, 3 }, { 2, 4 }, { 8, 2 }, { 16, 2 }, { 4, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		check_kary(sizes[i][0], sizes[i][1], "ecmp");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(k_ary_trees_are_even),
		cmocka_unit_test(sums_of_the_4_ary_3_tree),
		cmocka_unit_test(destinations_of_links),
		cmocka_unit_test(shifts_of_k_ary_trees_do_not_collide),
		cmocka_unit_test(the_324_node_tree),
		cmocka_unit_test(the_slimmed_tree),
		cmocka_unit_test(even_trees),
		cmocka_unit_test(shuffled_trees_leaf_by_leaf),
		cmocka_unit_test(an_uneven_modulus),
		cmocka_unit_test(permutations),
		cmocka_unit_test(tori),
		cmocka_unit_test(loads_of_the_torus_of_3_4_5),
		cmocka_unit_test(meshes),
		cmocka_unit_test(dragonflies),
		cmocka_unit_test(ecmp_is_even_on_k_ary_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
