/* SPDX-License-Identifier: Apache-2.0 */
/* bench-route.c - how fast traffic is brought onto links
 *
 *   bench-route [all|sparse|ibdmchk|all-to-all SPEC ROUTING|files SPEC LST FDBS]
 *
 * Seconds are of CPU time, so other load on the machine counts for little.  Each case runs in a
 * process of its own, so that its peak memory is its own.
 */
#include "random.h"
#include "route/forms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-route: %s\n", what);
	exit(1);
}

struct setting {
	struct topology topology;
	struct router *router;
	struct loads loads;
	double opened, made; /* seconds */
};

static void set_up(struct setting *setting, const char *spec, const char *routing)
{
	const struct router_settings settings = { .seed = 1 };
	double start = now();
	struct err err;

	if (topology_open(&setting->topology, spec, NULL, &err))
		die(err.text);
	setting->opened = now() - start;
	start = now();
	if (router_create(&setting->router, routing, &setting->topology, &settings, &err))
		die(err.text);
	setting->made = now() - start;
	if (loads_init(&setting->loads, setting->topology.net.links))
		die("no memory");
}

/* The least that adding up along trees takes without classes of destinations: for each destination
 * and switch one number read, one added to that of another switch.  From a part of the destinations
 * when there are many.
 */
static double floor_of(const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;
	uint32_t switches = topology->nswitches, *to = calloc(switches, sizeof(*to));
	uint32_t some = net->hosts < 4096 ? net->hosts : 4096;
	uint64_t *amount = calloc(switches, sizeof(*amount)), seen = 0;
	struct random random;
	double start;

	if (!to || !amount)
		die("no memory");
	random_init(&random, 1, "floor", 0);
	for (uint32_t i = 0; i < switches; i++) {
		to[i] = (uint32_t)random_below(&random, switches);
		amount[i] = i;
	}
	start = now();
	for (uint32_t h = 0; h < some; h++) {
		for (uint32_t i = 0; i < switches; i++)
			amount[to[i]] += amount[i];
		seen += amount[h % switches];
	}
	start = (now() - start) * net->hosts / some;
	fprintf(stderr, "%s", seen == 1 ? " " : "");
	free(to);
	free(amount);
	return start;
}

/* Each load written once. */
static double pass_of(struct setting *setting)
{
	double start = now();

	for (int i = 0; i < 16; i++)
		loads_clear(&setting->loads);
	return (now() - start) / 16;
}

static void all_to_all(const char *spec, const char *routing)
{
	const struct all_to_all traffic = { .bytes = 1 };
	struct routed routed = { 0 };
	struct setting setting;
	struct rusage usage;
	double start, took, least;
	struct err err;

	set_up(&setting, spec, routing);
	start = now();
	if (router_all_to_all(setting.router, &traffic, &setting.loads, &routed, &err))
		die(err.text);
	took = now() - start;
	getrusage(RUSAGE_SELF, &usage);
	least = floor_of(&setting.topology);
	printf("%-28s %-7s %7u %6u %12" PRIu64 " %9.4f %9.3g %8.1f %8.4f %8.4f %6.1f %6.0f\n", spec,
	       routing, setting.topology.net.hosts, setting.topology.nswitches, routed.pairs, took,
	       (double)routed.pairs / took, (double)usage.ru_maxrss / 1024, setting.opened,
	       setting.made, took / least, took / pass_of(&setting));
}

static void sparse(const char *spec, const char *routing, size_t count)
{
	struct netemu_pair *pairs = calloc(count, sizeof(*pairs));
	struct netemu_route route = { .pairs = pairs, .npairs = count };
	struct routed routed = { 0 };
	struct setting setting;
	struct random random;
	double start, took;
	struct err err;

	set_up(&setting, spec, routing);
	if (!pairs)
		die("no memory");
	random_init(&random, 1, "sparse", 0);
	for (size_t i = 0; i < count; i++) {
		uint32_t hosts = setting.topology.net.hosts;
		uint32_t from = (uint32_t)random_below(&random, hosts);

		pairs[i] = (struct netemu_pair){
			.from = from,
			.to = (from + 1 + (uint32_t)random_below(&random, hosts - 1)) % hosts,
			.bytes = i,
			.flows = 1,
		};
	}
	start = now();
	if (router_route(setting.router, &route, &setting.loads, &routed, &err))
		die(err.text);
	took = now() - start;
	printf("%-28s %-7s %7u %10zu flows %9.4f s %8.2f million flows/s\n", spec, routing,
	       setting.topology.net.hosts, count, took, (double)count / took / 1e6);
}

/* Run CASE in a child. */
static void apart(void (*what)(const char *, const char *), const char *spec, const char *routing)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0)
		die("unable to fork");
	if (child == 0) {
		what(spec, routing);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(child, &status, 0) < 0 || status)
		die("a case failed");
}

static void sparse_large(const char *spec, const char *routing)
{
	sparse(spec, routing, 10000000);
}

static void sparse_small(const char *spec, const char *routing)
{
	sparse(spec, routing, 100000);
}

/* --- for ibdmchk --- */

static uint32_t ports_of(const struct netemu_net *net, uint32_t n)
{
	uint32_t ports = 1;

	for (uint32_t l = net->first[n]; l < net->first[n + 1]; l++) {
		if (net->link[l].from_port > ports)
			ports = net->link[l].from_port;
	}
	return ports;
}

static void write_end(FILE *file, const struct netemu_net *net, uint32_t n, uint32_t port)
{
	bool is_host = net->node_host[n] != NETEMU_NONE;

	fprintf(file,
		"{ %s Ports:%02x SystemGUID:%016x NodeGUID:%016x PortGUID:%016x VenID:000000 "
		"DevID:0000 Rev:000000A1 {%s} LID:%04X PN:%02X } ",
		is_host ? "CA" : "SW", ports_of(net, n), 0x100000 + 2 * n, 0x100000 + 2 * n,
		0x100000 + 2 * n + is_host, net->name[n], n + 1, port);
}

/* The cables as OpenSM's opensm-subnet.lst has them; the LID of node n is n + 1. */
static void write_links(FILE *file, const struct netemu_net *net)
{
	for (uint32_t l = 0; l < net->links; l++) {
		const struct netemu_link *link = &net->link[l];

		write_end(file, net, link->from, link->from_port);
		write_end(file, net, link->to, link->to_port);
		fprintf(file, "PHY=4x LOG=ACT SPD=10\n");
	}
}

/* D-mod-K as tables, in the form of the osm.fdbs of older OpenSMs. */
static void write_tables(FILE *file, struct setting *setting)
{
	const struct netemu_net *net = &setting->topology.net;
	struct router *router = setting->router;
	uint32_t *next = calloc((size_t)net->hosts * net->nodes, sizeof(*next));

	if (!next)
		die("no memory");
	for (uint32_t h = 0; h < net->hosts; h++)
		router->ops->column(router, h, next + (size_t)h * net->nodes);
	for (uint32_t n = 0; n < net->nodes; n++) {
		if (net->node_host[n] != NETEMU_NONE)
			continue;
		fprintf(file,
			"osm_ucast_mgr_dump_ucast_routes: Switch 0x%016x\nLID    : Port : Hops "
			": Optimal\n",
			0x100000 + 2 * n);
		for (uint32_t h = 0; h < net->hosts; h++)
			fprintf(file, "0x%04X : %03u  : 00   : yes\n", net->host_node[h] + 1,
				net->link[next[(size_t)h * net->nodes + n]].from_port);
	}
	free(next);
}

static void write_files(const char *spec, const char *links, const char *tables)
{
	struct setting setting;
	FILE *file[2] = { fopen(links, "w"), fopen(tables, "w") };

	if (!file[0] || !file[1])
		die("unable to write the files");
	set_up(&setting, spec, "dmodk");
	write_links(file[0], &setting.topology.net);
	write_tables(file[1], &setting);
	fclose(file[0]);
	fclose(file[1]);
}

/* Seconds of CPU time of ibdmchk on D-mod-K in SPEC, and its peak in MiB. */
static int run_ibdmchk(const char *spec, double *seconds, double *mebibytes)
{
	char folder[] = "/tmp/bench-route.XXXXXX", links[64], tables[64];
	struct rusage usage;
	int status = -1;
	pid_t child;

	if (!mkdtemp(folder))
		die("unable to make a folder");
	snprintf(links, sizeof(links), "%s/lst", folder);
	snprintf(tables, sizeof(tables), "%s/fdbs", folder);
	write_files(spec, links, tables);
	child = fork();
	if (child == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(127);
		execlp("ibdmchk", "ibdmchk", "-s", links, "-f", tables, "-m", "/dev/null", NULL);
		_exit(127);
	}
	if (child > 0)
		wait4(child, &status, 0, &usage);
	unlink(links);
	unlink(tables);
	rmdir(folder);
	*seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		   1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	*mebibytes = (double)usage.ru_maxrss / 1024;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Opening SPEC and adding it up, against all that ibdmchk does: it reads files,
 * walks all paths and looks for credit loops.
 */
static void beside_ibdmchk(const char *spec, const char *routing)
{
	const struct all_to_all traffic = { .bytes = 1 };
	double start = now(), took, theirs, mebibytes;
	struct routed routed = { 0 };
	struct setting setting;
	struct err err;
	int rc;

	set_up(&setting, spec, routing);
	if (router_all_to_all(setting.router, &traffic, &setting.loads, &routed, &err))
		die(err.text);
	took = now() - start;
	rc = run_ibdmchk(spec, &theirs, &mebibytes);
	if (rc == 127)
		printf("ibdmchk is not installed\n");
	else
		printf("%-28s %7u hosts: %9.4f s, ibdmchk %9.2f s and %6.1f MiB (%s): %.0f times\n",
		       spec, setting.topology.net.hosts, took, theirs, mebibytes,
		       rc == 0 ? "to its end" : "then it died", theirs / took);
}

static void ibdmchk_cases(void)
{
	static const char *const cases[] = { "kary:8:3", "kary:12:3", "xgft:12x12x24:1x12x12" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		apart(beside_ibdmchk, cases[i], "dmodk");
}

static void all_cases(void)
{
	static const char *const cases[][2] = {
		{ "kary:10:3", "dmodk" },
		{ "xgft:12x12x24:1x12x12", "dmodk" },
		{ "kary:100:2", "dmodk" },
		{ "kary:22:3", "dmodk" },
		{ "kary:32:3", "dmodk" },
		{ "kary:47:3", "dmodk" },
		{ "kary:22:3", "smodk" },
		{ "kary:22:3", "ecmp" },
		{ "torus:22x22x22", "dor" },
		{ "torus:47x46x47", "dor" },
		{ "mesh:47x46x47", "dor" },
		{ "dragonfly:5:10:5", "minimal" },
		{ "dragonfly:12:24:12", "minimal" },
	};

	printf("%-28s %-7s %7s %6s %12s %9s %9s %8s %8s %8s %6s %6s\n", "all-to-all", "routing",
	       "hosts", "switch", "paths", "s", "paths/s", "MiB", "open s", "setup s", "/least",
	       "/pass");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		apart(all_to_all, cases[i][0], cases[i][1]);
}

static void sparse_cases(void)
{
	static const char *const cases[][2] = {
		{ "xgft:12x12x24:1x12x12", "dmodk" },
		{ "xgft:12x12x24:1x12x12", "smodk" },
		{ "kary:22:3", "dmodk" },
		{ "kary:47:3", "dmodk" },
		{ "kary:47:3", "smodk" },
		{ "torus:16x16x16", "dor" },
		{ "torus:47x46x47", "dor" },
		{ "dragonfly:4:8:4", "minimal" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		apart(sparse_large, cases[i][0], cases[i][1]);
		apart(sparse_small, cases[i][0], cases[i][1]);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "all-to-all"))
		all_to_all(argv[2], argv[3]);
	if (argc == 1 || !strcmp(argv[1], "all"))
		all_cases();
	if (argc == 1 || !strcmp(argv[1], "sparse"))
		sparse_cases();
	if (argc == 1 || !strcmp(argv[1], "ibdmchk"))
		ibdmchk_cases();
	if (argc == 5 && !strcmp(argv[1], "files"))
		write_files(argv[2], argv[3], argv[4]);
	return 0;
}
