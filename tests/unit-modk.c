/* SPDX-License-Identifier: Apache-2.0 */
/* D-mod-K and S-mod-K against their definition in leveled.h. */
#include "routelib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

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

static bool are_joined(const struct netemu_net *net, uint32_t a, uint32_t b)
{
	for (uint32_t l = net->first[a]; l < net->first[a + 1]; l++) {
		if (net->link[l].to == b)
			return true;
	}
	return false;
}

/* The child of NODE on the way to HOST: of several, in the order of a search up
 * from the host, the one that the host's number says.
 */
static uint32_t child_towards(const struct model *model, uint32_t node, uint32_t host)
{
	const struct netemu_net *net = model->net;
	uint32_t met[64], nmet = 0, fit[64], nfit = 0;

	met[nmet++] = net->host_node[host];
	for (uint32_t i = 0; i < nmet; i++) {
		for (uint32_t n = 0; n < net->nodes; n++) {
			bool seen = false;

			for (uint32_t k = 0; k < nmet; k++)
				seen = seen || met[k] == n;
			if (!seen && net->level[n] == net->level[met[i]] + 1 &&
			    are_joined(net, met[i], n))
				met[nmet++] = n;
		}
		if (net->level[met[i]] + 1 == net->level[node] && are_joined(net, met[i], node))
			fit[nfit++] = met[i];
	}
	return fit[host / model->width[net->level[node] - 1] % nfit];
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
	child = child_towards(model, node, host);
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

	(void)state;
	random_init(&random, 1, "model", 0);
	for (int round = 0; round < 300; round++) {
		struct topology topology;

		net_any(&topology, &random, round);
		check_against_model(&topology, "dmodk", false);
		check_against_model(&topology, "smodk", true);
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

		net_with_tables(&topology, &random);
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
		if (!several) {
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mod_k_goes_by_its_definition),
		cmocka_unit_test(tables_say_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
