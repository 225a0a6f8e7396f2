/* SPDX-License-Identifier: Apache-2.0 */
#include "routelib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_VALUES 64

/* Count VALUE in FOUND, which stays ascending. */
static size_t add_value(struct tally *found, size_t count, uint64_t value)
{
	size_t i = 0;

	while (i < count && found[i].value < value)
		i++;
	if (i < count && found[i].value == value) {
		found[i].count++;
		return count;
	}
	assert_true(count < MOST_VALUES);
	for (size_t k = count; k > i; k--)
		found[k] = found[k - 1];
	found[i] = (struct tally){ value, 1 };
	return count + 1;
}

static void compare(const struct tally *found, size_t nfound, const struct tally *expected,
		    size_t count)
{
	for (size_t i = 0; i < nfound || i < count; i++) {
		if (i < nfound && i < count && found[i].value == expected[i].value &&
		    found[i].count == expected[i].count)
			continue;
		for (size_t k = 0; k < nfound; k++)
			print_error("found %ju: %ju\n", (uintmax_t)found[k].value,
				    (uintmax_t)found[k].count);
		fail_msg("the counts differ at place %zu", i);
	}
}

void net_open(struct topology *topology, const char *spec)
{
	struct err err;

	if (topology_open(topology, spec, NULL, &err))
		fail_msg("%s: %s", spec, err.text);
}

struct router *net_router(const struct topology *topology, const char *name)
{
	const struct router_settings settings = { .seed = 1 };
	struct router *router;
	struct err err;

	if (router_create(&router, name, topology, &settings, &err))
		fail_msg("%s: %s", name, err.text);
	return router;
}

void load_all(struct router *router, uint64_t bytes, struct loads *loads, struct routed *routed)
{
	const struct all_to_all traffic = { .bytes = bytes };
	struct routed unused = { 0 };
	struct err err;

	if (router_all_to_all(router, &traffic, loads, routed ? routed : &unused, &err))
		fail_msg("all-to-all: %s", err.text);
}

void load_pairs(struct router *router, uint64_t bytes, struct loads *loads, struct routed *routed,
		uint32_t hosts)
{
	struct netemu_pair *pairs = calloc((size_t)hosts * hosts, sizeof(*pairs));
	struct netemu_route route = { .pairs = pairs };
	struct err err;

	assert_non_null(pairs);
	for (uint32_t from = 0; from < hosts; from++) {
		for (uint32_t to = 0; to < hosts; to++) {
			if (from != to)
				pairs[route.npairs++] = (struct netemu_pair){
					.from = from, .to = to, .bytes = bytes, .flows = 1
				};
		}
	}
	if (router_route(router, &route, loads, routed, &err))
		fail_msg("pairs: %s", err.text);
	free(pairs);
}

uint64_t permutation_max(struct router *router, const struct topology *topology, const uint32_t *to)
{
	struct netemu_pair *pairs = calloc(topology->net.hosts, sizeof(*pairs));
	struct netemu_route route = { .pairs = pairs };
	struct loads loads;
	uint64_t most = 0;
	struct routed routed = { 0 };
	struct err err;

	assert_non_null(pairs);
	assert_int_equal(loads_init(&loads, topology->net.links), 0);
	for (uint32_t from = 0; from < topology->net.hosts; from++) {
		if (to[from] != from)
			pairs[route.npairs++] =
				(struct netemu_pair){ .from = from, .to = to[from], .flows = 1 };
	}
	if (router_route(router, &route, &loads, &routed, &err))
		fail_msg("permutation: %s", err.text);
	assert_int_equal(routed.pairs, route.npairs);
	for (uint32_t l = 0; l < loads.count; l++) {
		if (load_integer(loads.link[l].flows) > most)
			most = load_integer(loads.link[l].flows);
	}
	loads_release(&loads);
	free(pairs);
	return most;
}

void check_tally(const struct topology *topology, const struct loads *loads, uint32_t boundary,
		 enum direction direction, const struct tally *expected, size_t count)
{
	struct tally found[MOST_VALUES];
	size_t nfound = 0;

	for (uint32_t l = 0; l < loads->count; l++) {
		load_amount flows = loads->link[l].flows;
		bool up;
		uint32_t at = topology_boundary(topology, l, &up);

		if (boundary == ANY_BOUNDARY ? !topology_is_isl(topology, l) : at != boundary)
			continue;
		if (direction != BOTH && up != (direction == UP))
			continue;
		assert_true(load_whole(load_integer(flows)) == flows);
		nfound = add_value(found, nfound, load_integer(flows));
	}
	compare(found, nfound, expected, count);
}

void check_shifts(struct router *router, const struct topology *topology,
		  const struct tally *expected, size_t count)
{
	uint32_t hosts = topology->net.hosts, *to = calloc(hosts, sizeof(*to));
	struct tally found[MOST_VALUES];
	size_t nfound = 0;

	assert_non_null(to);
	for (uint32_t s = 1; s < hosts; s++) {
		for (uint32_t h = 0; h < hosts; h++)
			to[h] = (h + s) % hosts;
		nfound = add_value(found, nfound, permutation_max(router, topology, to));
	}
	compare(found, nfound, expected, count);
	free(to);
}

uint64_t isl_sum(const struct topology *topology, const struct loads *loads)
{
	uint64_t sum = 0;

	for (uint32_t l = 0; l < loads->count; l++) {
		if (topology_is_isl(topology, l))
			sum += load_integer(loads->link[l].flows);
	}
	return sum;
}

void net_cable(struct topology *topology, uint32_t a, uint32_t b)
{
	struct err err;

	if (topology_cable(topology, a, NETEMU_NONE, b, NETEMU_NONE, 1, 0, &err))
		fail_msg("%s", err.text);
}

/* Switches and hosts in mixed order, hosts with one or two cables, any number of
 * cables between switches, maybe in several parts.
 */
void net_random(struct topology *topology, struct random *random)
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
		net_cable(topology, hosts[h], switches[random_below(random, nswitches)]);
		if (!random_below(random, 5))
			net_cable(topology, hosts[h], switches[random_below(random, nswitches)]);
		if (h && !random_below(random, 12))
			net_cable(topology, hosts[h], hosts[h - 1]);
	}
	cables = random_below(random, 3 * nswitches);
	for (uint32_t c = 0; c < cables && nswitches > 1; c++) {
		uint32_t a = random_below(random, nswitches), b = random_below(random, nswitches);

		if (a != b)
			net_cable(topology, switches[a], switches[b]);
	}
	if (topology_finish(topology, &err))
		fail_msg("%s", err.text);
}

void net_shuffled(struct topology *topology, const char *spec, struct random *random)
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
			net_cable(topology, place[link->from], place[link->to]);
	}
	if (topology_finish(topology, &err))
		fail_msg("%s", err.text);
	topology_release(&plain);
	free(order);
	free(place);
}

void net_any(struct topology *topology, struct random *random, int round)
{
	static const char *const specs[] = {
		"xgft:3x4:2x2",     "kary:3:3",    "xgft:4x3x2:1x2x3:1x2x1",
		"xgft:2x2x2:2x2x2", "torus:3x4:2", "dragonfly:2:3:1"
	};

	if (round % 3)
		net_random(topology, random);
	else
		net_shuffled(topology, specs[random_below(random, 6)], random);
}

/* Ports for all links, LIDs for all nodes, and empty tables for the switches. */
void net_with_tables(struct topology *topology, struct random *random)
{
	struct topology_tables *tables = calloc(1, sizeof(*tables));
	struct netemu_link *link;
	uint32_t nodes;

	net_random(topology, random);
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

void check_same(const struct loads *a, const struct loads *b)
{
	for (uint32_t l = 0; l < a->count; l++)
		assert_true(a->link[l].bytes == b->link[l].bytes &&
			    a->link[l].flows == b->link[l].flows);
}
