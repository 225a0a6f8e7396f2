/* SPDX-License-Identifier: Apache-2.0 */
#include "routelib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

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
