/* SPDX-License-Identifier: Apache-2.0 */
#include "routelib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECT BUILDDIR "/tests/.libs/policy-route.so"

/* --- in bulk and one by one --- */

static void list_weighted(const struct topology *topology, const struct all_to_all *traffic,
			  struct netemu_route *route, struct netemu_pair *pairs)
{
	for (uint32_t from = 0; from < topology->net.hosts; from++) {
		for (uint32_t to = 0; to < topology->net.hosts; to++) {
			uint64_t flows = (uint64_t)traffic->weight[from] * traffic->weight[to];

			if (from != to && flows)
				pairs[route->npairs++] =
					(struct netemu_pair){ from, to, flows * traffic->bytes,
							      flows };
		}
	}
	route->pairs = pairs;
}

/* What enters and leaves each switch is the same. */
static void check_balance(const struct topology *topology, const struct loads *loads)
{
	const struct netemu_net *net = &topology->net;

	for (uint32_t n = 0; n < net->nodes; n++) {
		load_amount bytes = 0, flows = 0;

		if (net->node_host[n] != NETEMU_NONE)
			continue;
		for (uint32_t l = net->first[n]; l < net->first[n + 1]; l++) {
			const struct load *out = &loads->link[l];
			const struct load *in = &loads->link[net->link[l].reverse];

			bytes += out->bytes - in->bytes;
			flows += out->flows - in->flows;
		}
		assert_true(!bytes && !flows);
	}
}

/* The sum over all links is that over all pairs times their hops; the longest paths
 * count together.
 */
static void check_hops(const struct loads *loads, const struct routed *routed)
{
	load_amount flows = 0, hops = 0;
	uint64_t pairs = 0;

	for (uint32_t l = 0; l < loads->count; l++)
		flows += loads->link[l].flows;
	for (uint32_t i = 0; i < ROUTED_HOPS; i++) {
		hops += load_whole(routed->hops[i] * i);
		pairs += routed->hops[i];
	}
	if (routed->hops[ROUTED_HOPS - 1])
		assert_true(flows >= hops);
	else
		assert_true(flows == hops);
	assert_int_equal(pairs, routed->pairs);
}

static void check_bulk(const struct topology *topology, const char *name, struct random *random)
{
	uint32_t hosts = topology->net.hosts, weight[512];
	struct all_to_all traffic = { .weight = weight, .bytes = 1 + random_below(random, 1000) };
	struct netemu_pair *pairs = calloc((size_t)hosts * hosts, sizeof(*pairs));
	struct router *router = net_router(topology, name);
	struct routed bulk = { 0 }, single = { 0 };
	struct netemu_route route = { 0 };
	struct loads a, b;
	struct err err;
	bool few;

	assert_non_null(pairs);
	assert_int_equal(loads_init(&a, topology->net.links), 0);
	assert_int_equal(loads_init(&b, topology->net.links), 0);
	few = !random_below(random, 3);
	for (uint32_t h = 0; h < hosts; h++)
		weight[h] = few && random_below(random, 16) ? 0 : random_below(random, 4);
	list_weighted(topology, &traffic, &route, pairs);
	if (router_all_to_all(router, &traffic, &a, &bulk, &err) ||
	    router_route(router, &route, &b, &single, &err))
		fail_msg("%s", err.text);
	check_same(&a, &b);
	check_balance(topology, &a);
	assert_int_equal(bulk.pairs, single.pairs);
	assert_int_equal(bulk.unroutable, single.unroutable);
	assert_int_equal(bulk.pairs + bulk.unroutable, route.npairs);
	assert_memory_equal(bulk.hops, single.hops, sizeof(bulk.hops));
	if (bulk.unroutable) {
		assert_int_equal(bulk.from, single.from);
		assert_int_equal(bulk.to, single.to);
	}
	/* path by path */
	if (strcmp(name, "ecmp")) {
		loads_clear(&b);
		single.want_paths = true;
		if (router_route(router, &route, &b, &single, &err))
			fail_msg("%s", err.text);
		check_same(&a, &b);
		assert_memory_equal(bulk.hops, single.hops, sizeof(bulk.hops));
		assert_int_equal(bulk.unroutable, single.unroutable);
		if (bulk.unroutable) {
			assert_int_equal(bulk.from, single.from);
			assert_int_equal(bulk.to, single.to);
		}
		routed_release(&single);
		single.want_paths = false;
	}
	/* once more with weights of 1, on top of what is there */
	loads_clear(&a);
	load_all(router, 5, &a, &bulk);
	check_hops(&a, &bulk);
	load_all(router, 5, &a, &bulk);
	loads_clear(&b);
	load_pairs(router, 5, &b, &single, hosts);
	load_pairs(router, 5, &b, &single, hosts);
	check_same(&a, &b);
	loads_release(&a);
	loads_release(&b);
	router_destroy(router);
	free(pairs);
}

static void all_to_all_is_the_sum_of_its_pairs(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 2, "bulk", 0);
	for (int round = 0; round < 400; round++) {
		struct topology topology;

		net_any(&topology, &random, round);
		check_bulk(&topology, "dmodk", &random);
		check_bulk(&topology, "smodk", &random);
		check_bulk(&topology, "dmodk:leaves", &random);
		check_bulk(&topology, "smodk:leaves", &random);
		check_bulk(&topology, "ecmp", &random);
		topology_release(&topology);
	}
}

static void all_to_all_on_lattices_and_dragonflies(void **state)
{
	static const char *const cases[][2] = {
		{ "torus:3x4:2", "dor" },         { "torus:2x5x3", "dor" },
		{ "mesh:4x3:3", "dor" },          { "mesh:1x6:2", "dor" },
		{ "torus:1:5", "dor" },           { "dragonfly:2:3:2", "minimal" },
		{ "torus:2x2x2", "dor" },         { "torus:9:2", "dor" },
		{ "torus:4x1x2x3", "dor" },       { "mesh:5x1x2x3:2", "dor" },
		{ "torus:6x2:3", "dor" },         { "torus:2:4", "dor" },
		{ "torus:7x6x3:2", "dor" },       { "mesh:8x6x4:2", "dor" },
		{ "torus:150", "dor" },           { "mesh:70", "dor" },
		{ "dragonfly:1:4:1", "minimal" }, { "dragonfly:3:1:2", "minimal" },
	};
	struct random random;

	(void)state;
	random_init(&random, 3, "bulk", 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct topology topology;

		net_open(&topology, cases[i][0]);
		for (int round = 0; round < 5; round++)
			check_bulk(&topology, cases[i][1], &random);
		topology_release(&topology);
	}
}

/* The links that LOADS were asked for are those that carry something. */
static void check_touched(struct loads *loads)
{
	uint32_t *links = calloc((size_t)loads->count + 1, sizeof(*links)), count, at = 0;

	assert_non_null(links);
	count = loads_take_touched(loads, links);
	for (uint32_t l = 0; l < loads->count; l++) {
		bool touched = at < count && links[at] == l;

		at += touched;
		assert_int_equal(touched, loads->link[l].flows != 0);
	}
	assert_int_equal(at, count);
	free(links);
}

/* COUNT random pairs at once, against the paths of each. */
static void check_pairs(const struct topology *topology, const char *name, size_t count,
			struct random *random)
{
	struct routed sum = { 0 }, single = { .want_paths = true };
	struct netemu_pair *pairs = calloc(count + 1, sizeof(*pairs));
	struct netemu_route route = { .pairs = pairs, .npairs = count };
	struct router *router = net_router(topology, name);
	uint32_t hosts = topology->net.hosts;
	struct loads a, b;
	struct err err;

	assert_non_null(pairs);
	assert_int_equal(loads_init(&a, topology->net.links), 0);
	assert_int_equal(loads_init(&b, topology->net.links), 0);
	for (size_t i = 0; i < count; i++) {
		uint32_t from = (uint32_t)random_below(random, hosts);

		pairs[i] = (struct netemu_pair){
			.from = from,
			.to = (from + 1 + (uint32_t)random_below(random, hosts - 1)) % hosts,
			.bytes = UINT64_MAX - random_below(random, 1000),
			.flows = 1 + random_below(random, 9),
		};
	}
	assert_int_equal(loads_watch(&a), 0);
	if (router_route(router, &route, &a, &sum, &err) ||
	    router_route(router, &route, &b, &single, &err))
		fail_msg("%s", err.text);
	check_same(&a, &b);
	check_touched(&a);
	assert_int_equal(sum.pairs, count);
	assert_int_equal(sum.unroutable, 0);
	assert_memory_equal(sum.hops, single.hops, sizeof(sum.hops));
	loads_clear(&b);
	for (size_t i = 0; i < count; i++) {
		uint32_t node = topology->net.host_node[pairs[i].from];

		for (size_t k = single.start[i]; k < single.start[i + 1]; k++) {
			const struct netemu_link *link = &topology->net.link[single.path[k]];

			assert_int_equal(link->from, node);
			node = link->to;
			b.link[single.path[k]].bytes += load_whole(pairs[i].bytes);
			b.link[single.path[k]].flows += load_whole(pairs[i].flows);
		}
		assert_int_equal(node, topology->net.host_node[pairs[i].to]);
	}
	check_same(&a, &b);
	routed_release(&single);
	loads_release(&a);
	loads_release(&b);
	router_destroy(router);
	free(pairs);
}

static void many_pairs_are_the_sum_of_their_paths(void **state)
{
	static const char *const cases[][2] = {
		{ "kary:12:3", "dmodk" },
		{ "kary:12:3", "smodk" },
		{ "kary:2:7", "dmodk" },
		{ "xgft:18x18:1x9:1x2", "dmodk" },
		{ "xgft:18x18:1x9:1x2", "smodk" },
		{ "xgft:6x5x4:2x3x2", "dmodk" },
		{ "xgft:6x5x4:2x3x2:2x1x3", "smodk" },
		{ "kary:4:1", "dmodk" },
		{ "torus:9x10x11", "dor" },
		{ "torus:8x9:5", "dor" },
		{ "torus:200", "dor" },
		{ "torus:2x1x2x3:2", "dor" },
		{ "mesh:9x10x11", "dor" },
		{ "mesh:1x7x6:3", "dor" },
	};
	static const size_t counts[] = { 0, 1, 2, 31, 32, 33, 100, 1000, 20000 };
	struct random random;

	(void)state;
	random_init(&random, 6, "pairs", 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct topology topology;

		net_open(&topology, cases[i][0]);
		for (size_t k = 0; k < sizeof(counts) / sizeof(*counts); k++)
			check_pairs(&topology, cases[i][1], counts[k], &random);
		topology_release(&topology);
	}
}

/* --- forwarding tables --- */

/* Any port, or none: loops and dead ends are likely. */
static void tables_of_any_content(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 4, "tables", 0);
	for (int round = 0; round < 300; round++) {
		struct topology topology;

		net_with_tables(&topology, &random);
		for (uint32_t n = 0; n < topology.net.nodes; n++) {
			for (uint32_t lid = 1;
			     topology.tables->port[n] && lid < topology.tables->lids; lid++) {
				uint32_t ports = topology.net.first[n + 1] - topology.net.first[n];

				topology.tables->port[n][lid] =
					random_below(&random, 9) ? random_below(&random, ports + 2)
								 : 255;
			}
		}
		check_bulk(&topology, "lft", &random);
		topology_release(&topology);
	}
}

/* --- splitting --- */

static uint32_t find_link(const struct topology *topology, const char *from, const char *to,
			  uint32_t which)
{
	uint32_t a = topology_find(topology, from), b = topology_find(topology, to);

	for (uint32_t l = topology->net.first[a];; l++) {
		if (topology->net.link[l].to == b && which-- == 0)
			return l;
	}
}

/* Three cables between two switches: the units left over go to the first. */
static void remainders_go_to_the_first_ports(void **state)
{
	struct netemu_pair pair = { .from = 0, .to = 1, .bytes = 100, .flows = 1 };
	struct netemu_route route = { .pairs = &pair, .npairs = 1 };
	const load_amount third = load_whole(100) / 3;
	struct topology topology;
	struct router *router;
	struct loads loads;
	struct err err;
	char buf[64];

	(void)state;
	assert_int_equal(topology_init(&topology, "three", &err), 0);
	topology_node(&topology, "a", true, 0, &err);
	topology_node(&topology, "b", true, 0, &err);
	topology_node(&topology, "s", false, 0, &err);
	topology_node(&topology, "t", false, 0, &err);
	net_cable(&topology, 0, 2);
	net_cable(&topology, 1, 3);
	for (int i = 0; i < 3; i++)
		net_cable(&topology, 2, 3);
	assert_int_equal(topology_finish(&topology, &err), 0);
	router = net_router(&topology, "ecmp");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	assert_int_equal(router_route(router, &route, &loads, NULL, &err), 0);
	/* 100 * 2^32 = 3 * third + 1 */
	assert_true(third * 3 + 1 == load_whole(100));
	assert_true(loads.link[find_link(&topology, "s", "t", 0)].bytes == third + 1);
	assert_true(loads.link[find_link(&topology, "s", "t", 1)].bytes == third);
	assert_true(loads.link[find_link(&topology, "s", "t", 2)].bytes == third);
	assert_true(loads.link[find_link(&topology, "t", "b", 0)].bytes == load_whole(100));
	assert_string_equal(
		load_text(loads.link[find_link(&topology, "s", "t", 2)].flows, buf, sizeof(buf)),
		"0.333333333");
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

/* --- names, errors, shared objects --- */

static void sentences(void **state)
{
	static const struct {
		const char *spec, *name, *text;
	} cases[] = {
		{ "kary:2:2", "dmodkk", "unknown routing 'dmodkk', known are dmodk, smodk" },
		{ "kary:2:2", "", "unknown routing ''" },
		{ "kary:2:2", "dmodk:x", "routing 'dmodk': 'x' is no option of it" },
		{ "kary:2:2", "dor", "routing 'dor' needs a torus or mesh, 'kary:2:2' is none" },
		{ "kary:2:2", "minimal", "routing 'minimal' needs a dragonfly" },
		{ "torus:3", "lft", "routing 'lft' needs forwarding tables" },
		{ "kary:2:2", "./none.so", "unable to load './none.so'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct router_settings settings = { 0 };
		struct topology topology;
		struct router *router;
		struct err err;

		net_open(&topology, cases[i].spec);
		assert_int_equal(router_create(&router, cases[i].name, &topology, &settings, &err),
				 -1);
		if (strncmp(err.text, cases[i].text, strlen(cases[i].text)))
			fail_msg("'%s' instead of '%s'", err.text, cases[i].text);
		topology_release(&topology);
	}
}

static void dotted_names(void **state)
{
	struct topology topology;
	struct router *router;

	(void)state;
	net_open(&topology, "kary:2:2");
	router = net_router(&topology, "pfsim.router.DmodKRouter");
	assert_string_equal(router_name(router), "dmodk");
	router_destroy(router);
	topology_release(&topology);
}

static void more_than_can_be_counted(void **state)
{
	static const char *const names[] = { "dmodk", "smodk", "ecmp" };
	uint32_t weight[4] = { UINT32_MAX, 1, 1, 1 };
	struct all_to_all many = { .weight = weight, .bytes = 1 };
	struct all_to_all large = { .weight = weight, .bytes = UINT64_MAX };
	struct topology topology;
	struct loads loads;

	(void)state;
	net_open(&topology, "kary:2:2");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	for (size_t i = 0; i < 3; i++) {
		struct router *router = net_router(&topology, names[i]);
		struct err err;

		weight[0] = UINT32_MAX;
		assert_int_equal(router_all_to_all(router, &many, &loads, NULL, &err), -1);
		assert_non_null(strstr(err.text, "ranks"));
		weight[0] = UINT32_MAX - 3;
		assert_int_equal(router_all_to_all(router, &large, &loads, NULL, &err), -1);
		assert_non_null(strstr(err.text, "bytes"));
		for (uint32_t l = 0; l < loads.count; l++)
			assert_true(!loads.link[l].bytes && !loads.link[l].flows);
		router_destroy(router);
	}
	loads_release(&loads);
	topology_release(&topology);
}

/* Routings that need a list of the pairs, whose bytes are 64 bits. */
static void more_than_a_pair_can_have(void **state)
{
	static const char *const names[] = { "greedy", "minmax", OBJECT };
	uint32_t weight[4] = { 3, 3, 1, 1 };
	struct all_to_all large = { .weight = weight, .bytes = UINT64_MAX / 8 };
	struct topology topology;
	struct loads loads;

	(void)state;
	net_open(&topology, "kary:2:2");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	for (size_t i = 0; i < 3; i++) {
		struct router *router = net_router(&topology, names[i]);
		struct err err;

		assert_int_equal(router_all_to_all(router, &large, &loads, NULL, &err), -1);
		assert_non_null(strstr(err.text, "bytes"));
		for (uint32_t l = 0; l < loads.count; l++)
			assert_true(!loads.link[l].bytes && !loads.link[l].flows);
		router_destroy(router);
	}
	loads_release(&loads);
	topology_release(&topology);
}

/* All pairs of a small tree; returns what router_route() does. */
static int route_shared(const char *fault, struct routed *routed, uint64_t *total, struct err *err)
{
	const struct router_settings settings = { 0 };
	struct netemu_pair pairs[] = {
		{ 0, 3, 10, 1 }, { 1, 2, 10, 1 }, { 0, 1, 10, 2 }, { 3, 0, 10, 1 }
	};
	struct netemu_route route = { .pairs = pairs, .npairs = 4 };
	struct topology topology;
	struct router *router;
	struct loads loads;
	char name[512];
	int rc;

	snprintf(name, sizeof(name), OBJECT ":%s", fault);
	net_open(&topology, "kary:2:2");
	if (router_create(&router, name, &topology, &settings, err)) {
		topology_release(&topology);
		return -1;
	}
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	assert_string_equal(router_name(router), "first-found");
	rc = router_route(router, &route, &loads, routed, err);
	*total = 0;
	for (uint32_t l = 0; l < loads.count; l++)
		*total += load_integer(loads.link[l].bytes);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
	return rc;
}

static void a_shared_object_routes(void **state)
{
	struct routed routed = { .want_paths = true };
	uint64_t total;
	struct err err;

	(void)state;
	if (route_shared("", &routed, &total, &err))
		fail_msg("%s", err.text);
	assert_int_equal(total, 10 * (4 + 4 + 2 + 4));
	assert_int_equal(routed.pairs, 4);
	assert_int_equal(routed.start[4], 14);
	routed_release(&routed);
	routed.want_paths = false;
	assert_int_equal(route_shared("leave", &routed, &total, &err), 0);
	assert_int_equal(total, 10 * (4 + 2 + 4));
	assert_int_equal(routed.unroutable, 1);
	assert_int_equal(routed.from, 1);
	assert_int_equal(routed.to, 2);
}

static void what_a_shared_object_gives_is_checked(void **state)
{
	static const char *const cases[][2] = {
		{ "refuse", "no mood" },
		{ "fail", "failed" },
		{ "short", "does not end at its host" },
		{ "late", "does not begin at its host" },
		{ "link", "has a link that does not exist" },
		{ "gap", "has links that do not follow each other" },
		{ "empty", "has no links" },
		{ "beyond", "a path for pair 4 of 4" },
		{ "twice", "the path of pair 0, 'h000' to 'h003', was given twice" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct routed routed = { 0 };
		uint64_t total = 0;
		struct err err;

		assert_int_equal(route_shared(cases[i][0], &routed, &total, &err), -1);
		if (!strstr(err.text, cases[i][1]))
			fail_msg("'%s' instead of '%s'", err.text, cases[i][1]);
		assert_int_equal(total, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_to_all_is_the_sum_of_its_pairs),
		cmocka_unit_test(all_to_all_on_lattices_and_dragonflies),
		cmocka_unit_test(many_pairs_are_the_sum_of_their_paths),
		cmocka_unit_test(tables_of_any_content),
		cmocka_unit_test(remainders_go_to_the_first_ports),
		cmocka_unit_test(sentences),
		cmocka_unit_test(dotted_names),
		cmocka_unit_test(more_than_can_be_counted),
		cmocka_unit_test(more_than_a_pair_can_have),
		cmocka_unit_test(a_shared_object_routes),
		cmocka_unit_test(what_a_shared_object_gives_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
