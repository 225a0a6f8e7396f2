/* SPDX-License-Identifier: Apache-2.0 */
/* unit-golden.c - what PFSim computes of one job on a real cluster
 *
 * Data: pfsim/ of NETEMU_SHARED_DATA (default: ../shared/data beside the
 * sources); skipped without it.  Loads of links and their statistics are those
 * of PFSim's routers, computed by PFSim itself.
 */
#include "jobs/traffic.h"
#include "place/place.h"
#include "route/router.h"
#include "shared-data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct topology topology;

static const char *file(const char *name)
{
	static char path[4096];
	char below[256];

	snprintf(below, sizeof(below), "pfsim/%s", name);
	return shared_data(path, sizeof(path), below) ? path : NULL;
}

static int open_data(void **state)
{
	const char *graph = file("topologies/milk.graphml");
	struct err err = { "" };

	(void)state;
	if (!graph)
		return 0;
	if (topology_open(&topology, graph, NULL, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static int close_data(void **state)
{
	(void)state;
	topology_release(&topology);
	return 0;
}

static void need_data(void)
{
	if (!topology.net.hosts)
		skip();
}

/* One job with the traffic of TRACE on the first hosts that hold it. */
struct run {
	struct traffic *traffic;
	uint32_t *hosts, nhosts;
	uint32_t *placement;
	struct netemu_pair *pairs;
	ssize_t npairs;
	struct loads loads;
	struct routed routed;
};

static void run_start(struct run *run, const char *trace, const char *mapper)
{
	const struct netemu_net *net = &topology.net;
	struct placer_settings settings = { .seed = 1 };
	struct placer *placer;
	struct err err = { "" };
	uint32_t slots = 0;

	*run = (struct run){ .routed = { .want_paths = true } };
	if (traffic_read(&run->traffic, trace, &err) < 0)
		fail_msg("%s", err.text);
	run->hosts = calloc(net->hosts, sizeof(*run->hosts));
	while (slots < run->traffic->ranks) {
		assert_in_range(run->nhosts, 0, net->hosts - 1);
		slots += net->slots[run->nhosts];
		run->hosts[run->nhosts] = run->nhosts;
		run->nhosts++;
	}
	run->placement = calloc(run->traffic->ranks, sizeof(*run->placement));
	if (placer_create(&placer, mapper, &topology, &settings, &err) < 0)
		fail_msg("%s", err.text);
	if (placer_place(placer,
			 &(struct placing){ .hosts = run->hosts,
					    .nhosts = run->nhosts,
					    .ranks = run->traffic->ranks },
			 run->placement, &err) < 0)
		fail_msg("%s", err.text);
	placer_destroy(placer);
	run->npairs = traffic_fold(run->traffic->pairs, run->traffic->npairs, run->placement,
				   net->hosts, &run->pairs);
	assert_true(run->npairs >= 0);
	assert_int_equal(loads_init(&run->loads, net->links), 0);
}

static void run_route(struct run *run, const char *name, bool pfsim)
{
	struct router_settings settings = { .seed = 1, .pfsim = pfsim };
	struct netemu_route route = { .pairs = run->pairs, .npairs = (size_t)run->npairs };
	struct router *router;
	struct err err = { "" };

	if (router_create(&router, name, &topology, &settings, &err) < 0)
		fail_msg("%s", err.text);
	if (router_route(router, &route, &run->loads, &run->routed, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(run->routed.unroutable, 0);
	assert_int_equal(run->routed.pairs, run->npairs);
	router_destroy(router);
}

static void run_end(struct run *run)
{
	routed_release(&run->routed);
	loads_release(&run->loads);
	free(run->pairs);
	free(run->placement);
	free(run->hosts);
	traffic_drop(run->traffic);
}

/* --- the rows of static-summary.csv --- */

struct row {
	char trace[64], mapper[64], router[64];
	unsigned long long hosts, pairs, total, between, flows, sum;
	double most, least, mean, deviation;
};

static bool parse(const char *line, struct row *row)
{
	return sscanf(line,
		      "milk,%63[^,],%63[^,],%63[^,],%llu,%llu,%llu,%llu,%lf,%lf,%lf,%lf,%llu,%llu",
		      row->trace, row->mapper, row->router, &row->hosts, &row->pairs, &row->total,
		      &row->between, &row->most, &row->least, &row->mean, &row->deviation,
		      &row->flows, &row->sum) == 13;
}

static void check_close(double a, double b)
{
	assert_true(fabs(a - b) <= 1e-12 * fabs(b));
}

/* Pairs of hosts in the sense of PFSim: those on one host are one as well. */
static unsigned long long pairs_on_one_host(const struct run *run)
{
	unsigned long long count = 0;
	bool *seen = calloc(topology.net.hosts, sizeof(*seen));

	for (size_t i = 0; i < run->traffic->npairs; i++) {
		uint32_t from = run->placement[run->traffic->pairs[i].from];

		if (from == run->placement[run->traffic->pairs[i].to] && !seen[from]) {
			seen[from] = true;
			count++;
		}
	}
	free(seen);
	return count;
}

static void check_traffic(const struct run *run, const struct row *row)
{
	unsigned long long total = 0, between = 0;

	for (size_t i = 0; i < run->traffic->npairs; i++)
		total += run->traffic->pairs[i].bytes;
	for (ssize_t i = 0; i < run->npairs; i++)
		between += run->pairs[i].bytes;
	assert_int_equal(run->nhosts, row->hosts);
	assert_int_equal((unsigned long long)run->npairs + pairs_on_one_host(run), row->pairs);
	assert_int_equal(total, row->total);
	assert_int_equal(between, row->between);
}

static void check_loads(const struct run *run, const struct row *row)
{
	double sum = 0, least = INFINITY, most = 0, squares = 0, flows = 0;
	unsigned int links = 0;

	for (uint32_t l = 0; l < topology.net.links; l++) {
		double bytes = load_double(run->loads.link[l].bytes);

		if (!topology_is_isl(&topology, l))
			continue;
		links++;
		sum += bytes;
		least = fmin(least, bytes);
		most = fmax(most, bytes);
		flows = fmax(flows, load_double(run->loads.link[l].flows));
	}
	assert_int_equal((unsigned long long)sum, row->sum);
	assert_true(most == row->most && least == row->least);
	assert_int_equal((unsigned long long)flows, row->flows);
	check_close(sum / links, row->mean);
	for (uint32_t l = 0; l < topology.net.links; l++)
		if (topology_is_isl(&topology, l))
			squares += pow(load_double(run->loads.link[l].bytes) - sum / links, 2);
	check_close(sqrt(squares / (links - 1)), row->deviation);
}

/* src,dst,capacity,bytes,flows of every link between switches. */
static void check_links(const struct run *run, const struct row *row)
{
	char name[512], line[512], src[64], dst[64];
	unsigned long long bytes, flows;
	unsigned int links = 0;
	FILE *csv;

	snprintf(name, sizeof(name), "golden/milk.%s.%s.%s.csv", row->trace, row->mapper,
		 row->router);
	csv = fopen(file(name), "r");
	assert_non_null(csv);
	assert_non_null(fgets(line, sizeof(line), csv));
	while (fgets(line, sizeof(line), csv)) {
		uint32_t from, to, l;

		assert_int_equal(
			sscanf(line, "%63[^,],%63[^,],%*[^,],%llu,%llu", src, dst, &bytes, &flows),
			4);
		from = topology_find(&topology, src);
		to = topology_find(&topology, dst);
		assert_true(from != NETEMU_NONE && to != NETEMU_NONE);
		for (l = topology.net.first[from]; topology.net.link[l].to != to; l++)
			assert_in_range(l, 0, topology.net.first[from + 1] - 1);
		assert_int_equal(load_integer(run->loads.link[l].bytes), bytes);
		assert_int_equal(load_integer(run->loads.link[l].flows), flows);
		links++;
	}
	fclose(csv);
	assert_int_equal(links, 16);
}

/* "host switch .. host" of every pair, those on one host left out. */
static void check_paths(const struct run *run, const struct row *row)
{
	const struct netemu_net *net = &topology.net;
	char name[512], line[512], text[512];
	FILE *csv;
	ssize_t found = 0;

	snprintf(name, sizeof(name), "golden/milk.%s.%s.%s.paths.csv", row->trace, row->mapper,
		 row->router);
	csv = fopen(file(name), "r");
	if (!csv)
		return;
	while (fgets(line, sizeof(line), csv)) {
		bool known = false;

		line[strcspn(line, "\r\n")] = '\0';
		if (!strchr(line, ' '))
			continue;
		for (ssize_t i = 0; i < run->npairs && !known; i++) {
			size_t used = 0;

			for (size_t k = run->routed.start[i]; k < run->routed.start[i + 1]; k++)
				used += (size_t)snprintf(
					text + used, sizeof(text) - used, "%s ",
					net->name[net->link[run->routed.path[k]].from]);
			snprintf(text + used, sizeof(text) - used, "%s",
				 net->name[net->host_node[run->pairs[i].to]]);
			known = !strcmp(text, line);
		}
		if (!known)
			fail_msg("no path '%s'", line);
		found++;
	}
	fclose(csv);
	assert_int_equal(found, run->npairs);
}

static void check_rows(bool pfsim)
{
	FILE *csv;
	char line[1024], trace[128];
	unsigned int rows = 0;
	struct row row;

	need_data();
	csv = fopen(file("golden/static-summary.csv"), "r");
	assert_non_null(csv);
	assert_non_null(fgets(line, sizeof(line), csv));
	while (fgets(line, sizeof(line), csv)) {
		char mapper[128], router[128];
		struct run run;

		assert_true(parse(line, &row));
		rows++;
		snprintf(trace, sizeof(trace), "traces/%s.tar.gz", row.trace);
		snprintf(mapper, sizeof(mapper), "pfsim.process_mapper.%s", row.mapper);
		snprintf(router, sizeof(router), "pfsim.router.%s", row.router);
		run_start(&run, file(trace), mapper);
		run_route(&run, router, pfsim);
		check_traffic(&run, &row);
		check_loads(&run, &row);
		check_links(&run, &row);
		check_paths(&run, &row);
		run_end(&run);
	}
	fclose(csv);
	assert_int_equal(rows, 12);
}

/* On this network there is no difference between PFSim's way and ours. */
static void our_routers_give_the_loads_of_pfsim(void **state)
{
	(void)state;
	check_rows(false);
}

static void so_do_those_of_compat(void **state)
{
	(void)state;
	check_rows(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_routers_give_the_loads_of_pfsim),
		cmocka_unit_test(so_do_those_of_compat),
	};

	return cmocka_run_group_tests(tests, open_data, close_data);
}
