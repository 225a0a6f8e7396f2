/* SPDX-License-Identifier: Apache-2.0 */
#include "routelib.h"

#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- random networks --- */

static void add(struct topology *topology, uint32_t a, uint32_t b)
{
	struct err err;

	if (topology_cable(topology, a, NETEMU_NONE, b, NETEMU_NONE, 1, 0, &err))
		fail_msg("%s", err.text);
}

/* Switches and hosts in mixed order, hosts with one or two cables, any number of
 * cables between switches, maybe in several parts.
 */
static void open_random(struct topology *topology, struct random *random)
{
	uint32_t nodes = 3 + random_below(random, 24), hosts[27], switches[27];
	uint32_t nhosts = 0, nswitches = 0, cables;
	struct err err;
	char name[16];

	assert_int_equal(topology_init(topology, "random", &err), 0);
	for (uint32_t n = 0; n < nodes; n++) {
		bool is_host = n == 0 || (n > 1 && random_below(random, 2));

		snprintf(name, sizeof(name), "n%u", n);
		assert_int_equal(topology_node(topology, name, is_host, 0, &err), n);
		if (is_host)
			hosts[nhosts++] = n;
		else
			switches[nswitches++] = n;
	}
	for (uint32_t h = 0; h < nhosts; h++) {
		add(topology, hosts[h], switches[random_below(random, nswitches)]);
		if (!random_below(random, 5))
			add(topology, hosts[h], switches[random_below(random, nswitches)]);
		if (h && !random_below(random, 12))
			add(topology, hosts[h], hosts[h - 1]);
	}
	cables = random_below(random, 3 * nswitches);
	for (uint32_t c = 0; c < cables && nswitches > 1; c++) {
		uint32_t a = random_below(random, nswitches), b = random_below(random, nswitches);

		if (a != b)
			add(topology, switches[a], switches[b]);
	}
	if (topology_finish(topology, &err))
		fail_msg("%s", err.text);
}

/* SPEC with its nodes in another order, each cable's ends as well. */
static void open_shuffled(struct topology *topology, const char *spec, struct random *random)
{
	struct topology plain;
	uint32_t *order, *place;
	struct err err;

	net_open(&plain, spec);
	order = calloc(plain.net.nodes, sizeof(*order));
	place = calloc(plain.net.nodes, sizeof(*place));
	assert_true(order && place);
	for (uint32_t n = 0; n < plain.net.nodes; n++)
		order[n] = n;
	random_shuffle(random, order, plain.net.nodes);
	assert_int_equal(topology_init(topology, spec, &err), 0);
	for (uint32_t i = 0; i < plain.net.nodes; i++) {
		const struct topology_node *node = &plain.nodes[order[i]];

		place[order[i]] = topology_node(topology, node->name, node->is_host, 0, &err);
	}
	for (uint32_t l = 0; l < plain.net.links; l++) {
		const struct netemu_link *link = &plain.net.link[l];

		if (link->reverse > l)
			add(topology, place[link->from], place[link->to]);
	}
	if (topology_finish(topology, &err))
		fail_msg("%s", err.text);
	topology_release(&plain);
	free(order);
	free(place);
}

static void open_any(struct topology *topology, struct random *random, int round)
{
	static const char *const specs[] = {
		"xgft:3x4:2x2",     "kary:3:3",    "xgft:4x3x2:1x2x3:1x2x1",
		"xgft:2x2x2:2x2x2", "torus:3x4:2", "dragonfly:2:3:1"
	};

	if (round % 3)
		open_random(topology, random);
	else
		open_shuffled(topology, specs[random_below(random, 6)], random);
}

/* --- D-mod-K, as leveled.h says it and no faster --- */

struct model {
	const struct netemu_net *net;
	uint32_t width[32];
};

static bool is_below(const struct model *model, uint32_t node, uint32_t target)
{
	const struct netemu_net *net = model->net;

	if (node == target)
		return true;
	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to;

		if (net->level[to] + 1 == net->level[node] && is_below(model, to, target))
			return true;
	}
	return false;
}

static bool leads(const struct model *model, uint32_t node, uint32_t target)
{
	const struct netemu_net *net = model->net;

	if (is_below(model, node, target))
		return true;
	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to;

		if (net->level[to] == net->level[node] + 1 && leads(model, to, target))
			return true;
	}
	return false;
}

/* The cables up NODE in their order; TARGET: only those that lead there. */
static uint32_t cables_up(const struct model *model, uint32_t node, uint32_t target,
			  uint32_t *cables, uint32_t *parents)
{
	const struct netemu_net *net = model->net;
	uint32_t count = 0;

	*parents = 0;
	for (uint32_t round = 0; round < net->links; round++) {
		for (uint32_t parent = 0; parent < net->nodes; parent++) {
			uint32_t k = 0;

			if (net->level[node] == NETEMU_NONE ||
			    net->level[parent] != net->level[node] + 1)
				continue;
			for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
				if (net->link[l].to != parent || k++ != round)
					continue;
				*parents += round == 0;
				if (target == NETEMU_NONE || leads(model, parent, target))
					cables[count++] = l;
			}
		}
		if (round > 8)
			break;
	}
	return count;
}

static uint32_t step(const struct model *model, uint32_t node, uint32_t host)
{
	const struct netemu_net *net = model->net;
	uint32_t target = net->host_node[host], cables[512], parents, count, child, number;

	if (!is_below(model, node, target)) {
		count = cables_up(model, node, target, cables, &parents);
		if (!count)
			return NETEMU_NONE;
		return cables[host / model->width[net->level[node]] % count];
	}
	/* down to the only child that has it */
	for (child = 0; child < net->nodes; child++) {
		if (net->level[child] + 1 == net->level[node] && is_below(model, child, target)) {
			uint32_t l = net->first[child];

			while (l < net->first[child + 1] && net->link[l].to != node)
				l++;
			if (l < net->first[child + 1])
				break;
		}
	}
	count = cables_up(model, child, NETEMU_NONE, cables, &parents);
	number = host / model->width[net->level[child]] % count / parents;
	count = 0;
	for (uint32_t l = net->first[child]; l < net->first[child + 1]; l++)
		count += net->link[l].to == node;
	number %= count;
	for (uint32_t l = net->first[child];; l++) {
		if (net->link[l].to == node && number-- == 0)
			return net->link[l].reverse;
	}
}

/* Nodes with more than one child towards a host: there the search decides. */
static bool is_ambiguous(const struct model *model)
{
	const struct netemu_net *net = model->net;

	for (uint32_t node = 0; node < net->nodes; node++) {
		for (uint32_t h = 0; h < net->hosts; h++) {
			uint32_t last = NETEMU_NONE, children = 0;

			for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
				uint32_t to = net->link[l].to;

				if (net->level[to] + 1 != net->level[node] ||
				    !is_below(model, to, net->host_node[h]) || to == last)
					continue;
				if (last != NETEMU_NONE)
					children++;
				last = to;
			}
			if (children)
				return true;
		}
	}
	return false;
}

static void find_widths(struct model *model)
{
	const struct netemu_net *net = model->net;
	uint32_t width = 1;

	for (uint32_t level = 0; level < 32; level++) {
		uint32_t seen[512] = { 0 }, usual = 1, cables[512], parents;

		model->width[level] = width;
		for (uint32_t n = 0; n < net->nodes; n++) {
			if (net->level[n] != level)
				continue;
			cables_up(model, n, NETEMU_NONE, cables, &parents);
			seen[parents]++;
		}
		for (uint32_t p = 1; p < 512; p++) {
			if (seen[p] && seen[p] >= seen[usual])
				usual = p;
		}
		width *= usual;
	}
}

static void check_path(const struct model *model, const struct routed *routed, size_t pair,
		       uint32_t from, uint32_t to, bool by_source)
{
	const struct netemu_net *net = model->net;
	uint32_t node = net->host_node[by_source ? to : from], host = by_source ? from : to;
	size_t first = routed->start[pair], count = routed->start[pair + 1] - first;
	size_t i = 0;

	while (node != net->host_node[host]) {
		uint32_t link = step(model, node, host), found;

		if (link == NETEMU_NONE) {
			assert_int_equal(count, 0);
			return;
		}
		assert_true(i < count);
		found = routed->path[by_source ? first + count - 1 - i : first + i];
		assert_int_equal(by_source ? net->link[found].reverse : found, link);
		node = net->link[link].to;
		i++;
	}
	assert_int_equal(i, count);
}

static void check_against_model(const struct topology *topology, const char *name, bool by_source)
{
	struct model model = { .net = &topology->net };
	struct router *router = net_router(topology, name);
	struct routed routed = { .want_paths = true };
	struct loads loads;
	size_t pair = 0;

	find_widths(&model);
	assert_int_equal(loads_init(&loads, topology->net.links), 0);
	load_pairs(router, 3, &loads, &routed, topology->net.hosts);
	for (uint32_t from = 0; from < topology->net.hosts; from++) {
		for (uint32_t to = 0; to < topology->net.hosts; to++) {
			if (from != to)
				check_path(&model, &routed, pair++, from, to, by_source);
		}
	}
	routed_release(&routed);
	loads_release(&loads);
	router_destroy(router);
}

static void mod_k_goes_by_its_definition(void **state)
{
	struct random random;
	int used = 0;

	(void)state;
	random_init(&random, 1, "model", 0);
	for (int round = 0; round < 300; round++) {
		struct topology topology;

		open_any(&topology, &random, round);
		if (!is_ambiguous(&(struct model){ .net = &topology.net })) {
			check_against_model(&topology, "dmodk", false);
			check_against_model(&topology, "smodk", true);
			used++;
		}
		topology_release(&topology);
	}
	assert_true(used > 100);
}

/* --- in bulk and one by one --- */

static void check_same(const struct loads *a, const struct loads *b)
{
	for (uint32_t l = 0; l < a->count; l++)
		assert_true(a->link[l].bytes == b->link[l].bytes &&
			    a->link[l].flows == b->link[l].flows);
}

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

/* The sum over all links is that over all pairs times their hops. */
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

	assert_non_null(pairs);
	assert_int_equal(loads_init(&a, topology->net.links), 0);
	assert_int_equal(loads_init(&b, topology->net.links), 0);
	for (uint32_t h = 0; h < hosts; h++)
		weight[h] = random_below(random, 4);
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

		open_any(&topology, &random, round);
		check_bulk(&topology, "dmodk", &random);
		check_bulk(&topology, "smodk", &random);
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

/* --- forwarding tables --- */

/* Ports for all links, LIDs for all nodes, and empty tables for the switches. */
static void open_with_tables(struct topology *topology, struct random *random)
{
	struct topology_tables *tables = calloc(1, sizeof(*tables));
	struct netemu_link *link;
	uint32_t nodes;

	open_random(topology, random);
	nodes = topology->net.nodes;
	assert_non_null(tables);
	tables->lids = nodes + 1;
	tables->port = calloc(nodes, sizeof(*tables->port));
	tables->node = calloc(tables->lids, sizeof(*tables->node));
	assert_true(tables->port && tables->node);
	tables->node[0] = NETEMU_NONE;
	for (uint32_t n = 0; n < nodes; n++) {
		topology->nodes[n].lid = n + 1;
		tables->node[n + 1] = n;
		if (topology->net.node_host[n] != NETEMU_NONE)
			continue;
		tables->port[n] = malloc(tables->lids);
		assert_non_null(tables->port[n]);
		memset(tables->port[n], 255, tables->lids);
	}
	for (uint32_t l = 0; l < topology->net.links; l++) {
		link = (struct netemu_link *)&topology->net.link[l];
		link->from_port = l - topology->net.first[link->from] + 1;
	}
	topology->tables = tables;
}

/* Any port, or none: loops and dead ends are likely. */
static void tables_of_any_content(void **state)
{
	struct random random;

	(void)state;
	random_init(&random, 4, "tables", 0);
	for (int round = 0; round < 300; round++) {
		struct topology topology;

		open_with_tables(&topology, &random);
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

/* Tables made of other routes give the same loads. */
static void tables_say_the_way(void **state)
{
	struct random random;
	int used = 0;

	(void)state;
	random_init(&random, 5, "tables", 0);
	for (int round = 0; round < 200; round++) {
		struct model model = { 0 };
		struct topology topology;
		struct router *lft, *dmodk;
		struct loads a, b;
		bool several = false;

		open_with_tables(&topology, &random);
		model.net = &topology.net;
		find_widths(&model);
		for (uint32_t h = 0; h < topology.net.hosts; h++) {
			uint32_t node = topology.net.host_node[h];

			several = several ||
				  topology.net.first[node + 1] - topology.net.first[node] > 1;
			for (uint32_t n = 0; n < topology.net.nodes; n++) {
				uint32_t link;

				if (!topology.tables->port[n])
					continue;
				link = topology.net.level[n] == NETEMU_NONE ? NETEMU_NONE
									    : step(&model, n, h);
				if (link != NETEMU_NONE)
					topology.tables->port[n][node + 1] =
						topology.net.link[link].from_port;
			}
		}
		if (!several && !is_ambiguous(&model)) {
			assert_int_equal(loads_init(&a, topology.net.links), 0);
			assert_int_equal(loads_init(&b, topology.net.links), 0);
			used++;
			lft = net_router(&topology, "lft");
			dmodk = net_router(&topology, "dmodk");
			load_all(lft, 2, &a, NULL);
			load_pairs(dmodk, 2, &b, NULL, topology.net.hosts);
			check_same(&a, &b);
			router_destroy(lft);
			router_destroy(dmodk);
			loads_release(&a);
			loads_release(&b);
		}
		topology_release(&topology);
	}
	assert_true(used > 20);
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
	add(&topology, 0, 2);
	add(&topology, 1, 3);
	for (int i = 0; i < 3; i++)
		add(&topology, 2, 3);
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
		{ "kary:2:2", "dmodk:x", "routing 'dmodk' has no options" },
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

#define OBJECT BUILDDIR "/tests/.libs/policy-route.so"

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
		cmocka_unit_test(mod_k_goes_by_its_definition),
		cmocka_unit_test(all_to_all_is_the_sum_of_its_pairs),
		cmocka_unit_test(all_to_all_on_lattices_and_dragonflies),
		cmocka_unit_test(tables_of_any_content),
		cmocka_unit_test(tables_say_the_way),
		cmocka_unit_test(remainders_go_to_the_first_ports),
		cmocka_unit_test(sentences),
		cmocka_unit_test(dotted_names),
		cmocka_unit_test(more_than_can_be_counted),
		cmocka_unit_test(a_shared_object_routes),
		cmocka_unit_test(what_a_shared_object_gives_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
