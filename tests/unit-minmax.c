/* SPDX-License-Identifier: Apache-2.0 */
/* unit-minmax.c - all pairs of a job against each other */
#include "dynlib.h"
#include "jobs/traffic.h"
#include "place/place.h"
#include "routelib.h"
#include "shared-data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define MOST_LINKS 512
#define MOST_PAIRS 8

static struct random dice;

static uint32_t below(uint32_t n)
{
	return (uint32_t)random_below(&dice, n);
}

static double most_of(const struct topology *topology, const struct loads *loads)
{
	double most = 0;

	for (uint32_t l = 0; l < loads->count; l++)
		if (topology_is_isl(topology, l))
			most = fmax(most, load_double(loads->link[l].bytes) /
						  topology->net.link[l].capacity);
	return most;
}

/* The largest load of PAIRS by routing NAME with BASE below it. */
static double route_by(const char *name, const struct topology *topology,
		       const struct netemu_pair *pairs, size_t npairs, const struct loads *base,
		       double *bound)
{
	struct netemu_route route = { .pairs = pairs, .npairs = npairs };
	struct router *router = net_router(topology, name);
	struct routed routed = { 0 };
	struct loads loads;
	struct err err = { "" };
	double most;

	assert_int_equal(loads_init(&loads, topology->net.links), 0);
	if (base)
		memcpy(loads.link, base->link, loads.count * sizeof(*loads.link));
	if (router_route(router, &route, &loads, &routed, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(routed.pairs, npairs);
	if (bound)
		*bound = routed.bound;
	most = most_of(topology, &loads);
	loads_release(&loads);
	router_destroy(router);
	return most;
}

/* --- the plainest model: all combinations of all shortest paths --- */

struct model {
	const struct topology *topology;
	const struct netemu_pair *pairs;
	size_t npairs;
	double load[MOST_LINKS];       /* bytes */
	uint32_t hops[MOST_PAIRS][64]; /* of each pair: from each node to its target */
	double best;
};

static void model_search(struct model *model, size_t pair)
{
	const struct netemu_net *net = &model->topology->net;
	uint32_t target = net->host_node[model->pairs[pair].to], *hops = model->hops[pair];
	bool more = true;

	memset(hops, 0xff, 64 * sizeof(*hops));
	hops[target] = 0;
	for (uint32_t h = 0; more; h++) {
		more = false;
		for (uint32_t l = 0; l < net->links; l++) {
			uint32_t from = net->link[l].from, to = net->link[l].to;

			if (hops[to] != h || hops[from] != NETEMU_NONE)
				continue;
			if (to != target && net->node_host[to] != NETEMU_NONE)
				continue;
			hops[from] = h + 1;
			more = true;
		}
	}
}

static double model_most(const struct model *model)
{
	double most = 0;

	for (uint32_t l = 0; l < model->topology->net.links; l++)
		if (topology_is_isl(model->topology, l))
			most = fmax(most, model->load[l] / model->topology->net.link[l].capacity);
	return most;
}

static void model_walk(struct model *model, size_t pair, uint32_t node)
{
	const struct netemu_net *net = &model->topology->net;

	if (pair == model->npairs) {
		model->best = fmin(model->best, model_most(model));
		return;
	}
	if (model->hops[pair][node] == 0) {
		model_walk(model, pair + 1,
			   pair + 1 < model->npairs ? net->host_node[model->pairs[pair + 1].from]
						    : 0);
		return;
	}
	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to;

		if (model->hops[pair][to] == NETEMU_NONE ||
		    model->hops[pair][to] + 1 != model->hops[pair][node])
			continue;
		if (net->node_host[to] != NETEMU_NONE && model->hops[pair][to])
			continue;
		model->load[l] += (double)model->pairs[pair].bytes;
		model_walk(model, pair, to);
		model->load[l] -= (double)model->pairs[pair].bytes;
	}
}

static double model_best(const struct topology *topology, const struct netemu_pair *pairs,
			 size_t npairs, const struct loads *base)
{
	static struct model model;

	model = (struct model){
		.topology = topology, .pairs = pairs, .npairs = npairs, .best = INFINITY
	};
	for (uint32_t l = 0; l < base->count; l++)
		model.load[l] = load_double(base->link[l].bytes);
	for (size_t i = 0; i < npairs; i++)
		model_search(&model, i);
	model_walk(&model, 0, topology->net.host_node[pairs[0].from]);
	return model.best;
}

static void equals_exhaustive_search(void **state)
{
	unsigned int better = 0;

	(void)state;
	random_init(&dice, 1, "unit-minmax", 0);
	for (int i = 0; i < 400; i++) {
		struct netemu_pair pairs[MOST_PAIRS];
		struct topology topology;
		struct loads base;
		size_t npairs = 1 + below(MOST_PAIRS);
		double bound, most, best;

		random_network(&dice, &topology, i % 2);
		assert_int_equal(loads_init(&base, topology.net.links), 0);
		for (uint32_t l = 0; i % 3 == 0 && l < topology.net.links; l++)
			base.link[l].bytes = load_whole(below(8));
		for (size_t k = 0; k < npairs; k++) {
			uint32_t from = below(topology.net.hosts);

			pairs[k] = (struct netemu_pair){
				.from = from,
				.to = (from + 1 + below(topology.net.hosts - 1)) %
				      topology.net.hosts,
				.bytes = below(12),
				.flows = 1,
			};
		}
		most = route_by("minmax", &topology, pairs, npairs, &base, &bound);
		best = model_best(&topology, pairs, npairs, &base);
		assert_true(most == best);
		assert_true(bound <= most);
		better += most < route_by("greedy-max", &topology, pairs, npairs, &base, NULL);
		loads_release(&base);
		topology_release(&topology);
	}
	assert_int_not_equal(better, 0); /* else the cases are too easy */
}

/* Permutations and more on fat trees: what must be is known. */
static void reaches_what_a_fat_tree_can_do(void **state)
{
	static const struct {
		const char *spec;
		uint32_t hosts, rounds;
	} cases[] = {
		{ "kary:4:2", 16, 1 },
		{ "kary:8:2", 64, 2 },
		{ "kary:4:3", 64, 1 },
	};

	(void)state;
	random_init(&dice, 2, "unit-minmax", 0);
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct topology topology;
		struct netemu_pair pairs[128];
		double bound, most;
		size_t npairs = 0;

		net_open(&topology, cases[c].spec);
		/* all hosts of a leaf send to those of the next: k flows over k links */
		for (uint32_t r = 1; r <= cases[c].rounds; r++)
			for (uint32_t h = 0; h < cases[c].hosts; h++) {
				uint32_t k = topology.dim[0];

				pairs[npairs++] = (struct netemu_pair){
					.from = h,
					.to = (h + r * k) % cases[c].hosts,
					.bytes = 1000,
					.flows = 1,
				};
			}
		most = route_by("minmax", &topology, pairs, npairs, NULL, &bound);
		assert_true(most == 1000 * cases[c].rounds);
		assert_true(bound <= most && bound >= 0.97 * most);
		topology_release(&topology);
	}
}

/* A split may do better than any choice of whole paths. */
static void the_bound_is_that_of_a_split(void **state)
{
	struct topology topology;
	struct netemu_pair pairs[13];
	double bound, most;

	(void)state;
	net_open(&topology, "xgft:16x2:1x4");
	for (uint32_t i = 0; i < 13; i++)
		pairs[i] = (struct netemu_pair){ i, 16 + i, 8, 1 };
	most = route_by("minmax", &topology, pairs, 13, NULL, &bound);
	assert_true(most == 4 * 8); /* 13 on 4 links: 4 on one */
	assert_true(bound <= most);
	topology_release(&topology);
}

static void is_never_worse_than_greedy_max(void **state)
{
	(void)state;
	random_init(&dice, 3, "unit-minmax", 0);
	for (int i = 0; i < 30; i++) {
		static const char *const specs[] = { "kary:4:3", "xgft:4x4x3:1x2x2", "torus:4x4:2",
						     "dragonfly:2:4:2" };
		struct netemu_pair pairs[400];
		struct topology topology;
		double bound, most;

		net_open(&topology, specs[i % 4]);
		for (size_t k = 0; k < 400; k++) {
			uint32_t from = below(topology.net.hosts);

			pairs[k] = (struct netemu_pair){
				.from = from,
				.to = (from + 1 + below(topology.net.hosts - 1)) %
				      topology.net.hosts,
				.bytes = 1 + below(1000),
				.flows = 1,
			};
		}
		most = route_by("minmax", &topology, pairs, 400, NULL, &bound);
		assert_true(most <= route_by("greedy-max", &topology, pairs, 400, NULL, NULL));
		assert_true(bound > 0 && bound <= most);
		topology_release(&topology);
	}
}

static void is_the_same_each_time(void **state)
{
	struct topology topology;
	struct router *router;
	struct loads first, second;

	(void)state;
	net_open(&topology, "xgft:4x4x3:1x2x2");
	router = net_router(&topology, "minmax");
	assert_int_equal(loads_init(&first, topology.net.links), 0);
	assert_int_equal(loads_init(&second, topology.net.links), 0);
	load_all(router, 7, &first, NULL);
	load_all(router, 7, &second, NULL);
	assert_memory_equal(first.link, second.link, first.count * sizeof(*first.link));
	loads_release(&first);
	loads_release(&second);
	router_destroy(router);
	topology_release(&topology);
}

/* --- the cluster and traces of the paper --- */

static double golden(const char *trace, const char *mapper, const char *routing, double *bound)
{
	uint32_t hosts[16], placement[128];
	struct placing placing = { .hosts = hosts, .nhosts = 16, .ranks = 128 };
	struct placer_settings settings = { .seed = 1 };
	struct netemu_pair *pairs;
	struct topology topology;
	struct traffic *traffic;
	struct placer *placer;
	char path[4096], name[64];
	ssize_t npairs;
	double most;

	if (!shared_data(path, sizeof(path), "pfsim/topologies/milk.graphml"))
		skip();
	assert_int_equal(topology_open(&topology, path, NULL, NULL), 0);
	snprintf(name, sizeof(name), "pfsim/traces/%s.tar.gz", trace);
	assert_true(shared_data(path, sizeof(path), name));
	assert_int_equal(traffic_read(&traffic, path, NULL), 0);
	for (uint32_t h = 0; h < 16; h++)
		hosts[h] = h;
	assert_int_equal(placer_create(&placer, mapper, &topology, &settings, NULL), 0);
	assert_int_equal(placer_place(placer, &placing, placement, NULL), 0);
	npairs = traffic_fold(traffic->pairs, traffic->npairs, placement, topology.net.hosts,
			      &pairs);
	assert_true(npairs > 0);
	most = route_by(routing, &topology, pairs, (size_t)npairs, NULL, bound);
	free(pairs);
	placer_destroy(placer);
	traffic_drop(traffic);
	topology_release(&topology);
	return most;
}

static void golden_cases_are_no_worse_than_greedy_max(void **state)
{
	static const struct {
		const char *trace, *mapper;
		double most; /* of PFSim's GreedyRouter2 */
	} cases[] = {
		{ "cg-c-128", "block", 2964262664 },
		{ "cg-c-128", "cyclic", 10374525380 },
		{ "milc-128", "block", 3792248768 },
		{ "milc-128", "cyclic", 4848272192 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		double bound, most = golden(cases[i].trace, cases[i].mapper, "minmax", &bound);

		print_message("# %s %s: %.0f, bound %.0f, greedy-max %.0f\n", cases[i].trace,
			      cases[i].mapper, most, bound, cases[i].most);
		assert_true(most <= cases[i].most);
		assert_true(bound > 0 && bound <= most);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_exhaustive_search),
		cmocka_unit_test(reaches_what_a_fat_tree_can_do),
		cmocka_unit_test(the_bound_is_that_of_a_split),
		cmocka_unit_test(is_never_worse_than_greedy_max),
		cmocka_unit_test(is_the_same_each_time),
		cmocka_unit_test(golden_cases_are_no_worse_than_greedy_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
