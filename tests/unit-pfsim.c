/* SPDX-License-Identifier: Apache-2.0 */
/* unit-pfsim.c - PFSim's routers against plain enumeration, its scheduler by hand */
#include "config.h"

#include "pfsim/pfsim.h"
#include "pfsim/paths.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST_LINKS 8   /* on a path */
#define MOST_PATHS 512 /* between two hosts */

struct paths {
	uint32_t link[MOST_PATHS][MOST_LINKS];
	size_t count, length;
};

/* LEVELS of WIDTH switches, each joined with some of the next level; hosts at
 * both ends.
 */
static void layered(struct topology *topology, struct random *random, uint32_t levels,
		    uint32_t width)
{
	char name[32];

	assert_int_equal(topology_init(topology, "layered", NULL), 0);
	for (uint32_t l = 0; l < levels + 2; l++)
		for (uint32_t i = 0; i < width; i++) {
			bool host = l == 0 || l == levels + 1;

			/* names sort otherwise than numbers */
			snprintf(name, sizeof(name), "%c%u-%u", host ? 'h' : 's',
				 (i * 7 + l * 3) % 11, l * width + i);
			assert_int_not_equal(topology_node(topology, name, host, 0, NULL),
					     NETEMU_NONE);
		}
	for (uint32_t l = 0; l <= levels; l++)
		for (uint32_t i = 0; i < width; i++)
			for (uint32_t j = 0; j < width; j++) {
				bool outer = l == 0 || l == levels;

				if (outer ? i == j : i == j || random_below(random, 3) > 0)
					topology_cable(topology, l * width + i, NETEMU_NONE,
						       (l + 1) * width + j, NETEMU_NONE, 1, 0,
						       NULL);
			}
	assert_int_equal(topology_finish(topology, NULL), 0);
}

/* Distance from SOURCE by relaxation, and the order in which a search finds. */
static void distances(const struct netemu_net *net, uint32_t source, uint32_t *distance,
		      uint32_t *found)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < net->nodes; i++)
		distance[i] = NETEMU_NONE;
	distance[source] = 0;
	found[count++] = source;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t l = net->first[found[i]]; l < net->first[found[i] + 1]; l++)
			if (distance[net->link[l].to] == NETEMU_NONE) {
				distance[net->link[l].to] = distance[found[i]] + 1;
				found[count++] = net->link[l].to;
			}
}

/* All shortest paths in networkx's order, by recursion from the target. */
static void enumerate(const struct netemu_net *net, const uint32_t *distance, const uint32_t *found,
		      uint32_t node, uint32_t *way, struct paths *paths)
{
	uint32_t at = distance[node];

	if (at == 0) {
		assert_true(paths->count < MOST_PATHS);
		memcpy(paths->link[paths->count++], way, paths->length * sizeof(*way));
		return;
	}
	for (uint32_t i = 0; i < net->nodes; i++)
		for (uint32_t l = net->first[found[i]]; l < net->first[found[i] + 1]; l++)
			if (net->link[l].to == node && distance[found[i]] == at - 1) {
				way[at - 1] = l;
				enumerate(net, distance, found, found[i], way, paths);
			}
}

static void all_paths(const struct netemu_net *net, uint32_t from, uint32_t to, struct paths *paths)
{
	uint32_t distance[256], found[256], way[MOST_LINKS];

	distances(net, net->host_node[from], distance, found);
	paths->count = 0;
	paths->length = distance[net->host_node[to]];
	enumerate(net, distance, found, net->host_node[to], way, paths);
}

static double cost_of(const struct paths *paths, size_t path, const double *traffic, bool maximum)
{
	double cost = 0;

	for (size_t i = 0; i < paths->length; i++) {
		double load = traffic[paths->link[path][i]];

		if (!maximum)
			cost += load;
		else if (load > cost)
			cost = load;
	}
	return cost;
}

/* The first of the cheapest. */
static size_t cheapest(const struct paths *paths, const double *traffic, bool maximum)
{
	size_t best = 0;

	for (size_t i = 1; i < paths->count; i++)
		if (cost_of(paths, i, traffic, maximum) < cost_of(paths, best, traffic, maximum))
			best = i;
	return best;
}

/* Position by position, the different nodes of the paths left, by name. */
static size_t modulo(const struct netemu_net *net, const struct paths *paths, uint32_t to)
{
	bool out[MOST_PATHS] = { false };

	for (size_t at = 0; at < paths->length; at++) {
		const char *names[MOST_PATHS], *choice;
		size_t count = 0;

		for (size_t p = 0; p < paths->count; p++) {
			const char *name = net->name[net->link[paths->link[p][at]].to];
			size_t i = 0;

			if (out[p])
				continue;
			while (i < count && strcmp(names[i], name) < 0)
				i++;
			if (i < count && strcmp(names[i], name) == 0)
				continue;
			memmove(names + i + 1, names + i, (count++ - i) * sizeof(*names));
			names[i] = name;
		}
		choice = names[to % count];
		for (size_t p = 0; p < paths->count; p++)
			if (strcmp(net->name[net->link[paths->link[p][at]].to], choice) != 0)
				out[p] = true;
	}
	for (size_t p = 0; p < paths->count; p++)
		if (!out[p])
			return p;
	return 0;
}

static void same_path(struct pfsim_router *router, const struct paths *paths, size_t expected,
		      uint32_t from, uint32_t to, const double *traffic)
{
	const uint32_t *links;
	struct err err;
	ssize_t count = pfsim_router_path(router, from, to, PFSIM_NO_JOB, traffic, &links, &err);

	assert_int_equal(count, paths->length);
	assert_memory_equal(links, paths->link[expected], paths->length * sizeof(*links));
}

static void compare_routers(struct random *random)
{
	struct pfsim_router *greedy, *greedy2, *dmodk, *any;
	struct topology topology;
	struct mt19937 mt, copy;
	struct paths paths;
	double *traffic;
	uint32_t hosts;

	layered(&topology, random, 3, 4);
	hosts = topology.net.hosts;
	traffic = calloc(topology.net.links, sizeof(*traffic));
	for (uint32_t i = 0; i < topology.net.links; i++)
		traffic[i] = (double)random_below(random, 4);
	mt19937_init(&mt, random_next(random) & UINT32_MAX);
	copy = mt;
	assert_int_equal(pfsim_router_create(&greedy, "greedy", &topology, NULL, NULL), 0);
	assert_int_equal(pfsim_router_create(&greedy2, "greedy-max", &topology, NULL, NULL), 0);
	assert_int_equal(pfsim_router_create(&dmodk, "dmodk", &topology, NULL, NULL), 0);
	assert_int_equal(pfsim_router_create(&any, "random", &topology, &mt, NULL), 0);
	for (uint32_t from = 0; from < hosts; from++)
		for (uint32_t to = 0; to < hosts; to++) {
			all_paths(&topology.net, from, to, &paths);
			same_path(greedy, &paths, cheapest(&paths, traffic, false), from, to,
				  traffic);
			same_path(greedy2, &paths, cheapest(&paths, traffic, true), from, to,
				  traffic);
			same_path(dmodk, &paths, modulo(&topology.net, &paths, to), from, to,
				  traffic);
			same_path(any, &paths, mt19937_below(&copy, (uint32_t)paths.count), from,
				  to, traffic);
		}
	pfsim_router_destroy(greedy);
	pfsim_router_destroy(greedy2);
	pfsim_router_destroy(dmodk);
	pfsim_router_destroy(any);
	free(traffic);
	topology_release(&topology);
}

static void routers_choose_as_enumeration_does(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 1, "unit-pfsim", 0);
	for (int i = 0; i < 50; i++)
		compare_routers(&random);
}

static void greedy_paths_end_with_their_job(void **state)
{
	struct pfsim_router *router;
	struct topology topology;
	const uint32_t *links;
	double *traffic;

	(void)state;
	assert_int_equal(topology_open(&topology, "kary:2:2", NULL, NULL), 0);
	traffic = calloc(topology.net.links, sizeof(*traffic));
	assert_int_equal(pfsim_router_create(&router, "greedy", &topology, NULL, NULL), 0);
	assert_int_equal(pfsim_router_path(router, 0, 3, 7, traffic, &links, NULL), 4);
	assert_int_equal(pfsim_router_path(router, 3, 0, PFSIM_NO_JOB, traffic, &links, NULL), 4);
	assert_true(pfsim_router_has(router, 0, 3));
	pfsim_router_forget(router, 7);
	assert_false(pfsim_router_has(router, 0, 3));
	assert_true(pfsim_router_has(router, 3, 0));
	pfsim_router_destroy(router);
	free(traffic);
	topology_release(&topology);
}

/* Times of "job.started" in events.csv of the working directory. */
static size_t read_starts(double *starts, size_t most)
{
	FILE *file = fopen("events.csv", "r");
	char line[4096];
	size_t count = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strstr(line, ",job.started,") && count < most)
			starts[count++] = strtod(line, NULL);
	fclose(file);
	return count;
}

/* interconnect check: a job of all slots, then three of a quarter. */
static void starts_one_job_for_each_that_ends(void **state)
{
	static const double expected[] = { 1, 6, 11, 16 };
	struct traffic big = { .ranks = 64 }, small = { .ranks = 16 };
	struct pfsim_jobs jobs[4] = {
		{ .once = true, .submit = 1.0, .duration = 5, .trace = "a", .traffic = &big },
		{ .once = true, .submit = 1.1, .duration = 5, .trace = "b", .traffic = &small },
		{ .once = true, .submit = 1.2, .duration = 5, .trace = "c", .traffic = &small },
		{ .once = true, .submit = 1.3, .duration = 5, .trace = "d", .traffic = &small },
	};
	struct topology topology;
	struct pfsim_scenario scenario = {
		.topology = &topology,
		.duration = 1000,
		.topology_text = "test",
		.host_selector = "linear",
		.process_mapper = "block",
		.router = "dmodk",
		.jobs = jobs,
		.njobs = 4,
	};
	double starts[8];
	char folder[] = "pfsim.XXXXXX", command[64];

	(void)state;
	assert_int_equal(topology_open(&topology, "kary:2:3@slots=8", NULL, NULL), 0);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	assert_int_equal(pfsim_run(&scenario, ".", NULL), 0);
	assert_int_equal(read_starts(starts, 8), 4);
	for (int i = 0; i < 4; i++)
		assert_true(starts[i] == expected[i]);
	assert_int_equal(chdir(".."), 0);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_int_equal(system(command), 0);
	topology_release(&topology);
}

static void refuses_what_pfsim_has_not(void **state)
{
	struct topology topology;
	struct pfsim_router *router;
	struct err err;

	(void)state;
	assert_int_equal(topology_open(&topology, "kary:2:2", NULL, NULL), 0);
	assert_int_equal(pfsim_router_create(&router, "smodk", &topology, NULL, &err), -1);
	assert_string_equal(err.text,
			    "routing 'smodk' is not one of PFSim's (random, dmodk, greedy, "
			    "greedy-max)");
	topology_release(&topology);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routers_choose_as_enumeration_does),
		cmocka_unit_test(greedy_paths_end_with_their_job),
		cmocka_unit_test(starts_one_job_for_each_that_ends),
		cmocka_unit_test(refuses_what_pfsim_has_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
