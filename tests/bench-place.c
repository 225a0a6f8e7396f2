/* SPDX-License-Identifier: Apache-2.0 */
/* bench-place.c - how much better, and how long it takes: aware beside block,
 * minmax beside greedy-max and its bound, random paths
 */
#include "jobs/traffic.h"
#include "place/place.h"
#include "random.h"
#include "route/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define RANKS 1024

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void need(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench-place: %s\n", err->text);
	exit(1);
}

static struct router *open_router(const char *name, const struct topology *topology)
{
	struct router_settings settings = { .seed = 1 };
	struct router *router = NULL;
	struct err err;

	need(router_create(&router, name, topology, &settings, &err), &err);
	return router;
}

/* --- placement --- */

static double place(const char *name, const struct topology *topology,
		    const struct placing *placing, double *bound)
{
	struct placer_settings settings = { .seed = 1 };
	static uint32_t placement[RANKS];
	struct placer *placer;
	struct err err;
	double most;

	need(placer_create(&placer, name, topology, &settings, &err), &err);
	need(placer_place(placer, placing, placement, &err), &err);
	most = placer_evaluate(placer, placing, placement);
	*bound = placer_bound(placer, placing);
	placer_destroy(placer);
	return most;
}

static void bench_aware(const char *spec, const char *routing, const char *pattern)
{
	uint32_t hosts[RANKS];
	struct placing placing = { .hosts = hosts, .ranks = RANKS };
	struct traffic *traffic;
	struct topology topology;
	struct err err;
	double block, aware, bound, begin;

	need(topology_open(&topology, spec, NULL, &err), &err);
	need(traffic_pattern(&traffic, pattern, RANKS, 1000, &err), &err);
	for (uint32_t slots = 0; slots < RANKS; slots += topology.net.slots[placing.nhosts++])
		hosts[placing.nhosts] = placing.nhosts;
	placing.matrix = traffic->pairs;
	placing.npairs = traffic->npairs;
	placing.router = open_router(routing, &topology);
	block = place("block", &topology, &placing, &bound);
	begin = seconds();
	aware = place("aware", &topology, &placing, &bound);
	printf("%-26s %-10s %-16s block %9.0f  aware %9.0f  ratio %.3f  bound %9.0f  %.2f s\n",
	       spec, routing, pattern, block, aware, block > 0 ? aware / block : 1, bound,
	       seconds() - begin);
	router_destroy(placing.router);
	traffic_drop(traffic);
	topology_release(&topology);
}

/* --- routing --- */

static double route(const char *name, const struct topology *topology,
		    const struct netemu_pair *pairs, size_t npairs, double *bound, double *took)
{
	struct netemu_route route = { .pairs = pairs, .npairs = npairs };
	struct router *router = open_router(name, topology);
	struct routed routed = { 0 };
	struct loads loads;
	struct err err;
	double most = 0, begin = seconds();

	need(loads_init(&loads, topology->net.links), &err);
	need(router_route(router, &route, &loads, &routed, &err), &err);
	*took = seconds() - begin;
	*bound = routed.bound;
	for (uint32_t l = 0; l < loads.count; l++) {
		double load = load_double(loads.link[l].bytes) / topology->net.link[l].capacity;

		if (topology_is_isl(topology, l) && load > most)
			most = load;
	}
	loads_release(&loads);
	router_destroy(router);
	return most;
}

static void bench_minmax(const char *spec, size_t npairs)
{
	struct netemu_pair *pairs = calloc(npairs, sizeof(*pairs));
	struct topology topology;
	struct random random;
	struct err err;
	double greedy, minmax, bound, unused, greedy_took, took;

	if (!pairs)
		exit(1);
	need(topology_open(&topology, spec, NULL, &err), &err);
	random_init(&random, 1, "bench-place", npairs);
	for (size_t i = 0; i < npairs; i++) {
		uint32_t hosts = topology.net.hosts;
		uint32_t from = (uint32_t)random_below(&random, hosts);

		pairs[i] = (struct netemu_pair){
			.from = from,
			.to = (from + 1 + (uint32_t)random_below(&random, hosts - 1)) % hosts,
			.bytes = 1 + random_below(&random, 1000000),
			.flows = 1,
		};
	}
	greedy = route("greedy-max", &topology, pairs, npairs, &unused, &greedy_took);
	minmax = route("minmax", &topology, pairs, npairs, &bound, &took);
	printf("%-26s %zu pairs: minmax/greedy-max %.4f  minmax/bound %.4f  %.2f s (%.2f s)\n",
	       spec, npairs, minmax / greedy, minmax / bound, took, greedy_took);
	topology_release(&topology);
	free(pairs);
}

static void bench_paths(const char *spec, const char *routing)
{
	struct all_to_all traffic = { .bytes = 1 };
	struct topology topology;
	struct router *router;
	struct routed routed = { 0 };
	struct loads loads;
	struct err err;
	double begin;

	need(topology_open(&topology, spec, NULL, &err), &err);
	router = open_router(routing, &topology);
	need(loads_init(&loads, topology.net.links), &err);
	begin = seconds();
	need(router_all_to_all(router, &traffic, &loads, &routed, &err), &err);
	printf("%-26s %-10s all-to-all: %.1f million paths/s\n", spec, routing,
	       (double)routed.pairs / (seconds() - begin) / 1e6);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
}

/* `bench-place SPEC ROUTING PATTERN`: that one alone. */
int main(int argc, char **argv)
{
	struct rusage usage;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4) {
		bench_aware(argv[1], argv[2], argv[3]);
		return 0;
	}
	bench_paths("kary:16:3", "random");
	bench_paths("dragonfly:4:8:4", "valiant");
	bench_minmax("xgft:18x18:1x9", 20000);
	bench_minmax("xgft:10x10x10:1x10x10", 100000);
	bench_minmax("xgft:32x32:1x16", 100000);
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "dmodk", "nn2d");
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "dmodk", "nn3d");
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "dmodk", "tree");
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "dmodk", "permutation:half");
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "greedy-max", "nn3d");
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "minmax", "nn3d");
	bench_aware("xgft:8x4x4:1x4x4@slots=8", "ecmp", "nn3d");
	bench_aware("kary:8:4", "dmodk", "nn3d");
	bench_aware("xgft:16x8x8:1x8x8", "dmodk", "nn2d");
	bench_aware("dragonfly:4:8:4@slots=2", "minimal", "nn3d");
	bench_aware("torus:8x8x8@slots=2", "dor", "nn2d");
	getrusage(RUSAGE_SELF, &usage);
	printf("peak memory %.1f MB\n", (double)usage.ru_maxrss / 1024);
	return 0;
}
