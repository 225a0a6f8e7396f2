/* SPDX-License-Identifier: Apache-2.0 */
/* bench-load.c - how long `netemu sim load' takes, all of it, and ibdmchk
 *
 *	bench-load [TURNS [ibdmchk SPEC...]]
 *
 * All-to-all by D-mod-K over fat trees: reading options, making the network,
 * routing and writing the table, against the same without any pair (what is not
 * routing), and as JSON with the summary.  Beside it ibdmchk, where there is
 * one, over forwarding tables that D-mod-K wrote for the same fabric
 * (gen-fabric); without SPEC on two small ones: of 10,000 hosts
 * (xgft:20x20x25:1x20x20) it takes minutes and gigabytes and may not survive.
 * The best of TURNS, memory at its peak.  Not a test: it prints, and never
 * fails for being slow.  Programs come from PATH.
 */
#include "route/router.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct network {
	const char *hosts, *spec;
} networks[] = {
	{ "1,000", "xgft:10x10x10:1x10x10" },  { "3,456", "xgft:12x12x24:1x12x12" },
	{ "10,000", "xgft:20x20x25:1x20x20" }, { "10,000", "xgft:100x100:1x100" },
	{ "40,960", "xgft:32x32x40:1x32x32" },
};

static const char *const checked[] = { "xgft:18x18:1x9:1x2", "kary:8:3" };

struct cost {
	double seconds, mib;
	bool died; /* by a signal */
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static __attribute__((noreturn)) void die(const char *what)
{
	fprintf(stderr, "bench-load: %s\n", what);
	exit(1);
}

/* Run ARGV with its output to the file OUT. */
static struct cost run(const char *const argv[], const char *out)
{
	double start = now();
	struct rusage usage;
	int status;
	pid_t child = fork();

	if (child == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(127);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0)
		die("unable to run a program");
	return (struct cost){
		.seconds = now() - start,
		.mib = (double)usage.ru_maxrss / 1024,
		.died = WIFSIGNALED(status),
	};
}

static struct cost best(const char *const argv[], const char *out, int turns)
{
	struct cost least = { .seconds = 1e9 };

	for (int i = 0; i < turns; i++) {
		struct cost cost = run(argv, out);

		if (cost.seconds < least.seconds)
			least = cost;
	}
	return least;
}

static struct cost load(const char *spec, const char *pattern, bool json, int turns)
{
	const char *const argv[] = { "netemu-sim", "load",      "--topology",
				     spec,         "--pattern", pattern,
				     "--routing",  "dmodk",     json ? "--format=json" : NULL,
				     NULL };

	return best(argv, "table", turns);
}

static void show_network(const struct network *network, int turns)
{
	struct cost nothing = load(network->spec, "none", false, turns);
	struct cost all = load(network->spec, "all-to-all", false, turns);
	struct cost json = load(network->spec, "all-to-all", true, turns);

	printf("%7s %-24s %9.1f %9.1f %8.2f %9.1f %9.1f %9.1f\n", network->hosts, network->spec,
	       nothing.seconds * 1e3, all.seconds * 1e3, all.seconds / nothing.seconds, all.mib,
	       json.seconds * 1e3, json.mib);
	fflush(stdout);
}

/* --- ibdmchk --- */

/* Into PORT [nodes]: out of which port each switch sends to host TO. */
static void ports_to(struct router *router, const struct netemu_net *net, uint32_t to,
		     struct loads *loads, uint32_t *port)
{
	struct netemu_pair *pairs = calloc(net->hosts, sizeof(*pairs));
	bool *seen = calloc(net->nodes, sizeof(*seen));
	struct netemu_route route = { .pairs = pairs };
	struct routed routed = { .want_paths = true };
	struct err err;

	for (uint32_t from = 0; from < net->hosts; from++) {
		uint32_t leaf = net->link[net->first[net->host_node[from]]].to;

		if (from != to && !seen[leaf])
			pairs[route.npairs++] = (struct netemu_pair){ from, to, 0, 1 };
		seen[leaf] |= from != to;
	}
	memset(port, 0xff, net->nodes * sizeof(*port));
	if (router_route(router, &route, loads, &routed, &err) < 0)
		die(err.text);
	for (size_t i = 0; i < routed.start[route.npairs]; i++)
		port[net->link[routed.path[i]].from] = net->link[routed.path[i]].from_port;
	routed_release(&routed);
	free(pairs);
	free(seen);
}

/* Tables by D-mod-K for the fabric that the file `subnet' describes. */
static void write_tables(void)
{
	const struct router_settings settings = { .seed = 1 };
	struct topology topology;
	struct router *router;
	struct loads loads;
	uint16_t *table;
	uint32_t *port;
	FILE *out = fopen("fdbs", "w");
	struct err err;

	if (!out || topology_open(&topology, "subnet", NULL, &err) < 0 ||
	    router_create(&router, "dmodk", &topology, &settings, &err) < 0 ||
	    loads_init(&loads, topology.net.links) < 0)
		die("unable to write forwarding tables");
	table = malloc((size_t)topology.net.nodes * topology.net.hosts * sizeof(*table));
	port = malloc(topology.net.nodes * sizeof(*port));
	for (uint32_t to = 0; to < topology.net.hosts; to++) {
		ports_to(router, &topology.net, to, &loads, port);
		for (uint32_t node = 0; node < topology.net.nodes; node++)
			table[(size_t)node * topology.net.hosts + to] = (uint16_t)port[node];
	}
	for (uint32_t node = 0; node < topology.net.nodes; node++) {
		if (topology.nodes[node].is_host)
			continue;
		fprintf(out,
			"osm_ucast_mgr_dump_ucast_routes: Switch 0x%016" PRIx64
			"\nLID    : Port : Hops : Optimal\n",
			topology.nodes[node].guid);
		for (uint32_t to = 0; to < topology.net.hosts; to++) {
			uint16_t hop = table[(size_t)node * topology.net.hosts + to];
			uint32_t lid = topology.nodes[topology.net.host_node[to]].lid;

			if (hop == UINT16_MAX)
				fprintf(out, "0x%04x : UNREACHABLE\n", lid);
			else
				fprintf(out, "0x%04x : %03u  : 00   : yes\n", lid, hop);
		}
	}
	free(table);
	free(port);
	loads_release(&loads);
	router_destroy(router);
	topology_release(&topology);
	fclose(out);
}

/* How many paths ibdmchk says it went along. */
static unsigned long scanned(void)
{
	unsigned long paths = 0;
	char line[512];
	FILE *in = fopen("checked", "r");

	while (in && fgets(line, sizeof(line), in))
		sscanf(line, "-I- Scanned:%lu CA to CA paths", &paths);
	if (in)
		fclose(in);
	return paths;
}

static void show_check(const char *spec, int turns)
{
	const char *const generate[] = { "gen-fabric", spec, "subnet", NULL };
	const char *const check[] = { "ibdmchk", "-s", "subnet", "-f", "fdbs", "-m", "none", NULL };
	struct cost all, other;

	run(generate, "subnet");
	fclose(fopen("none", "w"));
	write_tables();
	other = best(check, "checked", turns);
	if (!scanned()) {
		printf("ibdmchk went along no path of %s\n", spec);
		return;
	}
	all = load("subnet", "all-to-all", false, turns);
	printf("%-24s %11lu %9.1f %9.1f %9.1f %9.1f %8.1f%s\n", spec, scanned(),
	       other.seconds * 1e3, other.mib, all.seconds * 1e3, all.mib,
	       other.seconds / all.seconds, other.died ? "  (ibdmchk died after its paths)" : "");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/bench-load.XXXXXX";
	int turns = argc > 1 ? atoi(argv[1]) : 3;

	if (!mkdtemp(folder) || chdir(folder) < 0)
		die(folder);
	printf("%7s %-24s %9s %9s %8s %9s %9s %9s\n", "hosts", "network", "none ms", "all ms",
	       "ratio", "peak MiB", "json ms", "peak MiB");
	for (size_t i = 0; argc <= 2 && i < sizeof(networks) / sizeof(*networks); i++)
		show_network(&networks[i], turns);
	if (system("command -v ibdmchk >/dev/null") == 0) {
		printf("\n%-24s %11s %9s %9s %9s %9s %8s\n", "network", "paths", "ibdmchk", "MiB",
		       "ours ms", "MiB", "ratio");
		for (size_t i = 0; argc <= 2 && i < sizeof(checked) / sizeof(*checked); i++)
			show_check(checked[i], turns);
		for (int i = 3; i < argc; i++)
			show_check(argv[i], 1);
	}
	for (const char *const *name =
		     (const char *const[]){ "table", "subnet", "fdbs", "none", "checked", NULL };
	     *name; name++)
		unlink(*name);
	if (chdir("/") == 0)
		rmdir(folder);
	return 0;
}
