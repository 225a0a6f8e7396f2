/* SPDX-License-Identifier: Apache-2.0 */
/* unit-greedy.c - greedy against plain enumeration; random paths; PFSim's ways */
#include "pfsim/xgft.h"
#include "dynlib.h"
#include "routelib.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define MOST_LINKS 512
#define MOST_HOPS  32

static struct random dice;

static uint32_t below(uint32_t n)
{
	return (uint32_t)random_below(&dice, n);
}

/* --- the plainest model: look at all paths --- */

struct model {
	const struct topology *topology;
	double load[MOST_LINKS];
	uint32_t hops[64];             /* from the source, by node */
	uint32_t into[64][MOST_LINKS]; /* links into a node, as the search found them */
	uint32_t ninto[64];
	uint64_t bytes;
	bool max;
	double best; /* < 0: none yet */
	uint32_t path[MOST_HOPS], best_path[MOST_HOPS];
};

static void model_search(struct model *model, uint32_t source)
{
	const struct netemu_net *net = &model->topology->net;
	uint32_t queue[64], n = 0;

	memset(model->hops, 0xff, sizeof(model->hops));
	memset(model->ninto, 0, sizeof(model->ninto));
	model->hops[source] = 0;
	queue[n++] = source;
	for (uint32_t head = 0; head < n; head++) {
		uint32_t node = queue[head];

		if (node != source && net->node_host[node] != NETEMU_NONE)
			continue;
		for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
			uint32_t to = net->link[l].to;

			if (model->hops[to] == NETEMU_NONE) {
				model->hops[to] = model->hops[node] + 1;
				queue[n++] = to;
			}
			if (model->hops[to] == model->hops[node] + 1)
				model->into[to][model->ninto[to]++] = l;
		}
	}
}

static void model_judge(struct model *model, uint32_t hops)
{
	const struct topology *topology = model->topology;
	double cost = 0;

	for (uint32_t i = 0; i < hops; i++) {
		uint32_t link = model->path[i];
		double load = (model->load[link] + (double)model->bytes) /
			      topology->net.link[link].capacity;

		if (!topology_is_isl(topology, link))
			continue;
		cost = model->max ? fmax(cost, load) : cost + load;
	}
	if (model->best >= 0 && cost >= model->best)
		return;
	model->best = cost;
	memcpy(model->best_path, model->path, sizeof(model->path));
}

static void model_enumerate(struct model *model, uint32_t node, uint32_t at, uint32_t hops)
{
	if (at == 0) {
		model_judge(model, hops);
		return;
	}
	for (uint32_t i = 0; i < model->ninto[node]; i++) {
		model->path[at - 1] = model->into[node][i];
		model_enumerate(model, model->topology->net.link[model->into[node][i]].from, at - 1,
				hops);
	}
}

/* The pairs heaviest first, each on its best path; checks the paths of ROUTED. */
static void model_check(struct model *model, const struct netemu_pair *pairs, size_t npairs,
			const struct routed *routed)
{
	const struct netemu_net *net = &model->topology->net;
	bool done[256] = { false };

	for (size_t n = 0; n < npairs; n++) {
		size_t next = npairs;
		uint32_t hops;

		for (size_t i = 0; i < npairs; i++)
			if (!done[i] && (next == npairs || pairs[i].bytes > pairs[next].bytes))
				next = i;
		done[next] = true;
		model->bytes = pairs[next].bytes;
		model->best = -1;
		model_search(model, net->host_node[pairs[next].from]);
		hops = model->hops[net->host_node[pairs[next].to]];
		model_enumerate(model, net->host_node[pairs[next].to], hops, hops);
		assert_int_equal(routed->start[next + 1] - routed->start[next], hops);
		assert_memory_equal(routed->path + routed->start[next], model->best_path,
				    hops * sizeof(uint32_t));
		for (uint32_t k = 0; k < hops; k++)
			model->load[model->best_path[k]] += (double)pairs[next].bytes;
	}
}

static size_t random_pairs(const struct topology *topology, struct netemu_pair *pairs)
{
	size_t npairs = 0;

	for (uint32_t from = 0; from < topology->net.hosts; from++)
		for (uint32_t to = 0; to < topology->net.hosts; to++)
			if (from != to && below(3))
				pairs[npairs++] = (struct netemu_pair){
					.from = from, .to = to, .bytes = below(9), .flows = 1
				};
	return npairs;
}

static void try_once(bool max, bool mixed)
{
	static struct model model;
	struct netemu_pair pairs[256];
	struct topology topology;
	struct netemu_route route = { .pairs = pairs };
	struct routed routed = { .want_paths = true };
	struct router *router;
	struct loads loads;

	random_network(&dice, &topology, mixed);
	assert_in_range(topology.net.links, 0, MOST_LINKS);
	model = (struct model){ .topology = &topology, .max = max };
	router = net_router(&topology, max ? "greedy-max" : "greedy");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	for (uint64_t job = 0; job < 2; job++) { /* the second on top of the first */
		route.npairs = random_pairs(&topology, pairs);
		route.job = job;
		assert_int_equal(router_route(router, &route, &loads, &routed, NULL), 0);
		model_check(&model, pairs, route.npairs, &routed);
		for (uint32_t l = 0; l < topology.net.links; l++)
			assert_true(load_double(loads.link[l].bytes) == model.load[l]);
		routed_release(&routed);
	}
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void greedy_takes_the_first_of_the_best_paths(void **state)
{
	(void)state;
	random_init(&dice, 1, "unit-greedy", 0);
	for (int i = 0; i < 300; i++)
		try_once(false, i % 2);
}

static void greedy_max_takes_the_first_of_the_best_paths(void **state)
{
	(void)state;
	random_init(&dice, 2, "unit-greedy", 0);
	for (int i = 0; i < 300; i++)
		try_once(true, i % 2);
}

static void hosts_of_one_switch_use_no_link_between_switches(void **state)
{
	struct netemu_pair pair = { .from = 0, .to = 1, .bytes = 5, .flows = 1 };
	struct netemu_route route = { .pairs = &pair, .npairs = 1 };
	struct topology topology;
	struct router *router;
	struct routed routed = { 0 };
	struct loads loads;

	(void)state;
	net_open(&topology, "xgft:4x4:1x2");
	router = net_router(&topology, "greedy");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	assert_int_equal(router_route(router, &route, &loads, &routed, NULL), 0);
	assert_int_equal(routed.hops[2], 1);
	assert_int_equal(isl_sum(&topology, &loads), 0);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

/* --- random --- */

static void random_is_uniform_over_all_paths(void **state)
{
	static struct netemu_pair pairs[60000];
	struct netemu_route route = { .pairs = pairs };
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint64_t count = 0;

	(void)state;
	net_open(&topology, "xgft:200x2:1x3:1x2");
	router = net_router(&topology, "random");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	for (uint32_t from = 0; from < 200; from++)
		for (uint32_t to = 200; to < 400; to++)
			pairs[count++] = (struct netemu_pair){ from, to, 1, 1 };
	route.npairs = count;
	assert_int_equal(router_route(router, &route, &loads, NULL, NULL), 0);
	/* 3 spines with 2 cables each: 1/6 of 40,000 on each link, 5 deviations */
	for (uint32_t l = 0; l < topology.net.links; l++) {
		uint64_t flows = load_integer(loads.link[l].flows);

		if (topology_is_isl(&topology, l) && flows)
			assert_in_range(flows, 6667 - 373, 6667 + 373);
	}
	assert_int_equal(isl_sum(&topology, &loads), 2 * count);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void random_does_not_depend_on_order_or_job(void **state)
{
	struct netemu_pair pairs[] = {
		{ 0, 9, 1, 1 }, { 3, 12, 1, 1 }, { 9, 0, 1, 1 }, { 5, 63, 1, 1 }, { 0, 63, 1, 1 },
	};
	struct netemu_route route = { .pairs = pairs, .npairs = 5 };
	struct routed first = { .want_paths = true };
	struct topology topology;
	struct router *router;
	struct loads loads, all, listed;

	(void)state;
	net_open(&topology, "kary:4:3");
	router = net_router(&topology, "random");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	assert_int_equal(router_route(router, &route, &loads, &first, NULL), 0);
	for (int i = 4; i >= 0; i--) {
		struct routed alone = { .want_paths = true };

		route.pairs = &pairs[i];
		route.npairs = 1;
		route.job++;
		assert_int_equal(router_route(router, &route, &loads, &alone, NULL), 0);
		assert_memory_equal(alone.path, first.path + first.start[i],
				    alone.start[1] * sizeof(uint32_t));
		routed_release(&alone);
	}
	routed_release(&first);
	loads_release(&loads);
	/* all-to-all as a whole and from a list */
	assert_int_equal(loads_init(&all, topology.net.links), 0);
	assert_int_equal(loads_init(&listed, topology.net.links), 0);
	load_all(router, 3, &all, NULL);
	load_pairs(router, 3, &listed, NULL, topology.net.hosts);
	assert_memory_equal(all.link, listed.link, all.count * sizeof(*all.link));
	loads_release(&all);
	loads_release(&listed);
	router_destroy(router);
	topology_release(&topology);
}

/* --- valiant --- */

/* Groups of the routers on a path, a new one only; returns how many. */
static uint32_t groups_on(const struct topology *topology, const uint32_t *path, uint32_t length,
			  uint32_t *groups)
{
	uint32_t count = 0;

	for (uint32_t k = 0; k < length; k++) {
		uint32_t group = topology->nodes[topology->net.link[path[k]].to].coord[0];

		if (k)
			assert_int_equal(topology->net.link[path[k]].from,
					 topology->net.link[path[k - 1]].to);
		if (!count || groups[count - 1] != group)
			groups[count++] = group;
	}
	return count;
}

static void valiant_visits_any_other_group(void **state)
{
	struct topology topology;
	struct router *router;
	struct routed routed = { .want_paths = true };
	struct loads loads;
	unsigned int third[9] = { 0 };
	size_t pair = 0;

	(void)state;
	net_open(&topology, "dragonfly:2:4:2"); /* 9 groups of 8 hosts */
	router = net_router(&topology, "valiant");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	load_all(router, 1, &loads, &routed);
	for (uint32_t from = 0; from < 72; from++) {
		for (uint32_t to = 0; to < 72; to++) {
			uint32_t groups[16] = { 0 }, count, length;

			if (from == to)
				continue;
			length = (uint32_t)(routed.start[pair + 1] - routed.start[pair]);
			count = groups_on(&topology, routed.path + routed.start[pair], length,
					  groups);
			assert_in_range(length, 2, 7);
			assert_int_equal(count, from / 8 == to / 8 ? 1 : 3);
			assert_int_equal(groups[0], from / 8);
			assert_int_equal(groups[count - 1], to / 8);
			if (count == 3)
				third[groups[1]]++;
			pair++;
		}
	}
	/* 4,608 pairs, each 1 of 9 by symmetry; 5 deviations */
	for (uint32_t g = 0; g < 9; g++)
		assert_in_range(third[g], 512 - 107, 512 + 107);
	routed_release(&routed);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void valiant_needs_a_dragonfly(void **state)
{
	struct router_settings settings = { .seed = 1 };
	struct topology topology;
	struct router *router = NULL;
	struct err err = { "" };

	(void)state;
	net_open(&topology, "kary:2:2");
	assert_int_equal(router_create(&router, "valiant", &topology, &settings, &err), -1);
	assert_non_null(strstr(err.text, "needs a dragonfly"));
	assert_null(router);
	topology_release(&topology);
}

/* --- as PFSim does --- */

static struct router *compat_router(const struct topology *topology, const char *name)
{
	struct router_settings settings = { .seed = 12345, .pfsim = true };
	struct router *router;
	struct err err = { "" };

	if (router_create(&router, name, topology, &settings, &err) < 0)
		fail_msg("%s", err.text);
	return router;
}

static void compat_dmodk_is_none_on_three_levels(void **state)
{
	struct topology topology;
	struct router *router;
	struct loads loads, listed;

	(void)state;
	net_open(&topology, "kary:4:3");
	router = compat_router(&topology, "dmodk");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	assert_int_equal(loads_init(&listed, topology.net.links), 0);
	load_all(router, 1, &loads, NULL);
	CHECK_TALLY(&topology, &loads, ANY_BOUNDARY, BOTH, { 0, 96 }, { 60, 128 }, { 192, 32 });
	for (uint32_t l = 0; l < loads.count; l++)
		if (!topology_is_isl(&topology, l))
			assert_true(loads.link[l].flows == 0 && loads.link[l].bytes == 0);
	load_pairs(router, 1, &listed, NULL, topology.net.hosts);
	assert_memory_equal(loads.link, listed.link, loads.count * sizeof(*loads.link));
	loads_release(&loads);
	loads_release(&listed);
	router_destroy(router);
	topology_release(&topology);
}

/* A path that was needed for the way back alone stays when its job has ended. */
static void compat_greedy_keeps_stale_ways_back(void **state)
{
	struct netemu_pair there = { 0, 4, 10, 1 }, back = { 4, 0, 10, 1 }, other = { 1, 5, 10, 1 };
	struct netemu_route route = { .pairs = &there, .npairs = 1 };
	struct routed first = { .want_paths = true }, again = { .want_paths = true };
	struct topology topology;
	struct router *router;
	struct loads loads;

	(void)state;
	net_open(&topology, "xgft:4x4:1x2");
	router = compat_router(&topology, "greedy-max");
	assert_int_equal(loads_init(&loads, topology.net.links), 0);
	assert_int_equal(router_route(router, &route, &loads, NULL, NULL), 0); /* job 0 */
	router_forget(router, 0);
	loads_clear(&loads);
	/* the way back was found with an empty network: load its links, ask again */
	route = (struct netemu_route){ .pairs = &back, .npairs = 1, .job = 1 };
	assert_int_equal(router_route(router, &route, &loads, &first, NULL), 0);
	router_forget(router, 1);
	for (int i = 0; i < 3; i++) {
		routed_release(&again);
		again.want_paths = true;
		route.job++;
		assert_int_equal(router_route(router, &route, &loads, &again, NULL), 0);
		assert_memory_equal(first.path, again.path, 4 * sizeof(uint32_t));
		router_forget(router, route.job);
	}
	routed_release(&again);
	routed_release(&first);
	/* while a path with a job is looked for anew: it avoids what is loaded */
	again.want_paths = first.want_paths = true;
	route = (struct netemu_route){ .pairs = &other, .npairs = 1, .job = 8 };
	loads_clear(&loads);
	assert_int_equal(router_route(router, &route, &loads, &first, NULL), 0);
	router_forget(router, 8);
	loads_clear(&loads);
	for (uint32_t k = 1; k < 3; k++)
		loads.link[first.path[k]].bytes = load_whole(7);
	route = (struct netemu_route){ .pairs = &other, .npairs = 1, .job = 9 };
	assert_int_equal(router_route(router, &route, &loads, &again, NULL), 0);
	assert_int_not_equal(first.path[1], again.path[1]);
	routed_release(&again);
	routed_release(&first);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

static void pfsim_generates_more_links_than_an_xgft_has(void **state)
{
	static const uint32_t m[] = { 4, 4, 3 }, w[] = { 1, 2, 2 };
	struct topology ours, pfsim;
	struct err err = { "" };

	(void)state;
	net_open(&ours, "xgft:4x4x3:1x2x2");
	if (pfsim_xgft(&pfsim, "pfsim", 3, m, w, 1, 8, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(ours.net.links, 168);
	assert_int_equal(pfsim.net.links, 192);
	assert_int_equal(pfsim.net.hosts, 48);
	assert_int_equal(pfsim.nswitches, 4 + 3 * (2 + 4));
	assert_int_equal(pfsim.net.slots[47], 8);
	/* 4 switches on top, the 2 of the first subtree, its first leaf, its hosts */
	assert_int_equal(pfsim.net.level[0], 3);
	assert_int_equal(pfsim.net.level[4], 2);
	assert_int_equal(pfsim.net.level[6], 1);
	assert_int_equal(pfsim.net.host_node[0], 7);
	assert_string_equal(pfsim.net.name[7], "7");
	topology_release(&ours);
	topology_release(&pfsim);
}

static void pfsim_refuses_impossible_trees(void **state)
{
	static const struct {
		uint32_t height, m[9], w[9], slots;
	} cases[] = {
		{ 0, { 1 }, { 1 }, 1 },
		{ 9, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, 1 },
		{ 2, { 4, 0 }, { 1, 2 }, 1 },
		{ 2, { 4, 4 }, { 0, 2 }, 1 },
		{ 3, { 4000, 4000, 4000 }, { 1, 2, 2 }, 1 },
		{ 3, { 4, 4, 4 }, { 1, 1000000, 1000000 }, 1 },
		{ 1, { 4 }, { 1 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct topology topology;
		struct err err = { "" };

		assert_int_equal(pfsim_xgft(&topology, "bad tree", cases[i].height, cases[i].m,
					    cases[i].w, 1, cases[i].slots, &err),
				 -1);
		assert_non_null(strstr(err.text, "bad tree"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(greedy_takes_the_first_of_the_best_paths),
		cmocka_unit_test(greedy_max_takes_the_first_of_the_best_paths),
		cmocka_unit_test(hosts_of_one_switch_use_no_link_between_switches),
		cmocka_unit_test(random_is_uniform_over_all_paths),
		cmocka_unit_test(random_does_not_depend_on_order_or_job),
		cmocka_unit_test(valiant_visits_any_other_group),
		cmocka_unit_test(valiant_needs_a_dragonfly),
		cmocka_unit_test(compat_dmodk_is_none_on_three_levels),
		cmocka_unit_test(compat_greedy_keeps_stale_ways_back),
		cmocka_unit_test(pfsim_generates_more_links_than_an_xgft_has),
		cmocka_unit_test(pfsim_refuses_impossible_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
