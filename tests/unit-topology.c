/* SPDX-License-Identifier: Apache-2.0 */
/* unit-topology.c - networks: what is built, checked and generated
 *
 * Counts are the closed forms of the papers named in generate.h, neighbours
 * are checked by their coordinates.
 */
#include "topology/topology.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static void open_spec(struct topology *t, const char *spec)
{
	struct err err;

	if (topology_open(t, spec, NULL, &err) < 0)
		fail_msg("%s", err.text);
}

/* Each link is the reverse of its reverse, links are sorted by node and port,
 * and nothing else is at the same port.
 */
static void check_links(const struct topology *t)
{
	for (uint32_t i = 0; i < t->net.links; i++) {
		const struct netemu_link *link = &t->net.link[i];
		const struct netemu_link *back = &t->net.link[link->reverse];

		assert_int_equal(back->reverse, i);
		assert_int_equal(back->from, link->to);
		assert_int_equal(back->to, link->from);
		assert_int_equal(back->from_port, link->to_port);
		assert_int_equal(back->to_port, link->from_port);
		assert_true(back->capacity == link->capacity);
		assert_true(i >= t->net.first[link->from] && i < t->net.first[link->from + 1]);
	}
}

/* The link of NODE at PORT; there must be exactly one. */
static const struct netemu_link *at_port(const struct topology *t, uint32_t node, uint32_t port)
{
	const struct netemu_link *found = NULL;

	for (uint32_t i = t->net.first[node]; i < t->net.first[node + 1]; i++) {
		if (t->net.link[i].from_port != port)
			continue;
		assert_null(found);
		found = &t->net.link[i];
	}
	assert_non_null(found);
	return found;
}

static uint32_t degree(const struct topology *t, uint32_t node)
{
	return t->net.first[node + 1] - t->net.first[node];
}

/* --- trees --- */

struct tree {
	const char *spec;
	uint32_t h, m[4], w[4], p[4];
};

static const struct tree trees[] = {
	{ "xgft:4x4x3:1x2x2", 3, { 4, 4, 3 }, { 1, 2, 2 }, { 1, 1, 1 } },
	{ "xgft:18x18:1x9:1x2", 2, { 18, 18 }, { 1, 9 }, { 1, 2 } },
	{ "xgft:2x3x4x5:1x2x3x2:1x1x2x3", 4, { 2, 3, 4, 5 }, { 1, 2, 3, 2 }, { 1, 1, 2, 3 } },
	{ "xgft:5x4:2x3:2x1", 2, { 5, 4 }, { 2, 3 }, { 2, 1 } },
	{ "xgft:1:1", 1, { 1 }, { 1 }, { 1 } },
	{ "xgft:1x1x2:1x1x1", 3, { 1, 1, 2 }, { 1, 1, 1 }, { 1, 1, 1 } },
	{ "kary:4:3", 3, { 4, 4, 4 }, { 1, 4, 4 }, { 1, 1, 1 } },
	{ "kary:2:4", 4, { 2, 2, 2, 2 }, { 1, 2, 2, 2 }, { 1, 1, 1, 1 } },
	{ "kary:12:2", 2, { 12, 12 }, { 1, 12 }, { 1, 1 } },
	{ "kary:7:1", 1, { 7 }, { 1 }, { 1 } },
};

static uint32_t nodes_of_level(const struct tree *tree, uint32_t l)
{
	uint32_t count = 1;

	for (uint32_t i = 0; i < tree->h; i++)
		count *= i < l ? tree->w[i] : tree->m[i];
	return count;
}

static void trees_have_the_nodes_and_links_of_the_formula(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT(trees); n++) {
		const struct tree *tree = &trees[n];
		uint32_t nodes[5] = { 0 }, up[5] = { 0 }, down[5] = { 0 };
		struct topology t;

		open_spec(&t, tree->spec);
		check_links(&t);
		for (uint32_t i = 0; i < t.net.nodes; i++)
			nodes[t.net.level[i]]++;
		for (uint32_t i = 0; i < t.net.links; i++) {
			bool upward;
			uint32_t l = topology_boundary(&t, i, &upward);

			(upward ? up : down)[l]++;
			assert_int_equal(topology_is_isl(&t, i), l > 0);
		}
		for (uint32_t l = 0; l <= tree->h; l++) {
			uint32_t links =
				l == tree->h ? 0
					     : nodes_of_level(tree, l) * tree->w[l] * tree->p[l];

			assert_int_equal(nodes[l], nodes_of_level(tree, l));
			assert_int_equal(up[l], links);
			assert_int_equal(down[l], links);
		}
		assert_int_equal(t.net.hosts, nodes[0]);
		assert_int_equal(t.nswitches, t.net.nodes - nodes[0]);
		assert_int_equal(t.shape, TOPOLOGY_TREE);
		assert_int_equal(t.ndims, tree->h);
		topology_release(&t);
	}
}

static void the_slimmed_tree_has_168_links(void **state)
{
	struct topology t;

	(void)state;
	open_spec(&t, "xgft:4x4x3:1x2x2");
	assert_int_equal(t.net.hosts, 48);
	assert_int_equal(t.nswitches, 12 + 6 + 4);
	assert_int_equal(t.net.links, 168);
	assert_string_equal(t.net.name[0], "h000");
	assert_string_equal(t.net.name[47], "h047");
	assert_int_not_equal(topology_find(&t, "s1-2.3.0"), NETEMU_NONE);
	topology_release(&t);
}

/* CHILD of level L and PARENT differ at most in coordinate L, the ports say how. */
static void check_parent(const struct topology *t, const struct tree *tree, uint32_t l,
			 uint32_t child)
{
	const uint32_t *x = t->nodes[child].coord;
	uint32_t down = l ? tree->m[l - 1] * tree->p[l - 1] : 0;

	assert_int_equal(degree(t, child), down + tree->w[l] * tree->p[l]);
	for (uint32_t y = 0; y < tree->w[l]; y++)
		for (uint32_t k = 0; k < tree->p[l]; k++) {
			uint32_t port = down + y * tree->p[l] + k + 1;
			const struct netemu_link *link = at_port(t, child, port);
			const uint32_t *parent = t->nodes[link->to].coord;

			assert_int_equal(t->net.level[link->to], l + 1);
			assert_int_equal(parent[l], y);
			assert_int_equal(link->to_port, x[l] * tree->p[l] + k + 1);
			for (uint32_t i = 0; i < tree->h; i++)
				assert_true(i == l || parent[i] == x[i]);
			assert_true(link == &t->net.link[t->net.first[child] + port - 1]);
		}
}

static void tree_nodes_meet_the_parents_of_the_rule(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT(trees); n++) {
		const struct tree *tree = &trees[n];
		struct topology t;

		open_spec(&t, tree->spec);
		for (uint32_t i = 0; i < t.net.nodes; i++)
			if (t.net.level[i] < tree->h)
				check_parent(&t, tree, t.net.level[i], i);
		for (uint32_t host = 0; host < t.net.hosts; host++) {
			uint32_t index = 0;

			for (uint32_t i = tree->h; i-- > 0;)
				index = index * tree->m[i] +
					t.nodes[t.net.host_node[host]].coord[i];
			assert_int_equal(index, host);
		}
		topology_release(&t);
	}
}

/* --- lattices --- */

struct lattice {
	const char *spec;
	bool wrap;
	uint32_t n, k[4], hosts;
};

static const struct lattice lattices[] = {
	{ "torus:4x4x4", true, 3, { 4, 4, 4 }, 1 },
	{ "torus:3x4x5", true, 3, { 3, 4, 5 }, 1 },
	{ "torus:5x5", true, 2, { 5, 5 }, 1 },
	{ "torus:2", true, 1, { 2 }, 1 },
	{ "torus:2x2x1", true, 3, { 2, 2, 1 }, 1 },
	{ "torus:1", true, 1, { 1 }, 1 },
	{ "torus:3x2x2x2:3", true, 4, { 3, 2, 2, 2 }, 3 },
	{ "mesh:4x4", false, 2, { 4, 4 }, 1 },
	{ "mesh:2x3x4:2", false, 3, { 2, 3, 4 }, 2 },
	{ "mesh:7x1", false, 2, { 7, 1 }, 1 },
};

static uint32_t points_of(const struct lattice *lattice)
{
	uint32_t points = 1;

	for (uint32_t d = 0; d < lattice->n; d++)
		points *= lattice->k[d];
	return points;
}

/* Neighbour at + of NODE in dimension D, at port 2d + 1. */
static void check_neighbour(const struct topology *t, const struct lattice *lattice, uint32_t node,
			    uint32_t d)
{
	const uint32_t *from = t->nodes[node].coord;
	const struct netemu_link *link = at_port(t, node, 2 * d + 1);
	const uint32_t *to = t->nodes[link->to].coord;

	assert_int_equal(link->to_port, 2 * d + 2);
	for (uint32_t i = 0; i < lattice->n; i++)
		assert_int_equal(to[i], i == d ? (from[i] + 1) % lattice->k[i] : from[i]);
}

static void lattice_points_meet_their_neighbours(void **state)
{
	(void)state;
	for (size_t n = 0; n < COUNT(lattices); n++) {
		const struct lattice *lattice = &lattices[n];
		uint32_t points = points_of(lattice), cables = points * lattice->hosts;
		struct topology t;

		open_spec(&t, lattice->spec);
		check_links(&t);
		assert_int_equal(t.net.hosts, points * lattice->hosts);
		assert_int_equal(t.nswitches, points);
		assert_int_equal(t.shape, lattice->wrap ? TOPOLOGY_TORUS : TOPOLOGY_MESH);
		for (uint32_t d = 0; d < lattice->n; d++) {
			uint32_t k = lattice->k[d];

			cables += k == 1 ? 0 : points / k * (lattice->wrap ? k : k - 1);
			for (uint32_t i = t.net.hosts; i < t.net.nodes; i++)
				if (k > 1 && (lattice->wrap || t.nodes[i].coord[d] + 1 < k))
					check_neighbour(&t, lattice, i, d);
		}
		assert_int_equal(t.net.links, 2 * cables);
		for (uint32_t i = 0; i < t.net.hosts; i++) {
			const struct netemu_link *link = at_port(&t, i, 1);

			assert_int_equal(degree(&t, i), 1);
			assert_int_equal(link->to_port, 2 * lattice->n + 1 + i % lattice->hosts);
			assert_memory_equal(t.nodes[i].coord, t.nodes[link->to].coord,
					    sizeof(t.nodes[i].coord));
		}
		topology_release(&t);
	}
}

/* --- dragonflies --- */

static void dragonfly_groups_are_joined_once(void **state)
{
	static const struct {
		const char *spec;
		uint32_t p, a, h;
	} flies[] = {
		{ "dragonfly:2:4:2", 2, 4, 2 }, { "dragonfly:4:8:4", 4, 8, 4 },
		{ "dragonfly:1:1:1", 1, 1, 1 }, { "dragonfly:3:2:1", 3, 2, 1 },
		{ "dragonfly:1:5:3", 1, 5, 3 },
	};

	(void)state;
	for (size_t n = 0; n < COUNT(flies); n++) {
		uint32_t p = flies[n].p, a = flies[n].a, h = flies[n].h, g = a * h + 1;
		uint8_t *joined = calloc((size_t)g * g, 1);
		struct topology t;

		assert_non_null(joined);
		open_spec(&t, flies[n].spec);
		check_links(&t);
		assert_int_equal(t.net.hosts, g * a * p);
		assert_int_equal(t.nswitches, g * a);
		assert_int_equal(t.net.links, 2 * g * a * p + g * a * (a - 1) + g * a * h);
		for (uint32_t i = t.net.hosts; i < t.net.nodes; i++) {
			assert_int_equal(degree(&t, i), p + a - 1 + h);
			for (uint32_t port = 1; port <= p + a - 1 + h; port++) {
				const struct netemu_link *link = at_port(&t, i, port);
				const uint32_t *from = t.nodes[i].coord;
				const uint32_t *to = t.nodes[link->to].coord;

				assert_int_equal(t.nodes[link->to].is_host, port <= p);
				assert_int_equal(from[0] == to[0], port <= p + a - 1);
				if (port > p + a - 1)
					joined[from[0] * g + to[0]]++;
			}
		}
		for (uint32_t x = 0; x < g; x++)
			for (uint32_t y = 0; y < g; y++)
				assert_int_equal(joined[x * g + y], x != y);
		free(joined);
		topology_release(&t);
	}
}

/* --- SPECs --- */

static void options_set_slots_and_rate(void **state)
{
	struct topology t;

	(void)state;
	open_spec(&t, "torus:3x3@slots=8@rate=100Gbit/s");
	for (uint32_t i = 0; i < t.net.hosts; i++)
		assert_int_equal(t.net.slots[i], 8);
	for (uint32_t i = 0; i < t.net.links; i++)
		assert_true(t.net.link[i].capacity == 12.5e9);
	assert_int_equal(t.unit, TOPOLOGY_UNIT_BYTE);
	topology_release(&t);
	open_spec(&t, "kary:2:2@rate=1B/s@slots=3@rate=2B/s");
	assert_true(t.net.link[0].capacity == 2);
	assert_int_equal(t.net.slots[0], 3);
	topology_release(&t);
	open_spec(&t, "kary:2:2@capacity=2.5");
	assert_true(t.net.link[0].capacity == 2.5);
	assert_int_equal(t.unit, TOPOLOGY_UNIT_NONE);
	topology_release(&t);
	open_spec(&t, "kary:2:2@rate=3B/s@capacity=2.5");
	assert_true(t.net.link[0].capacity == 3);
	assert_int_equal(t.unit, TOPOLOGY_UNIT_BYTE);
	topology_release(&t);
	open_spec(&t, "kary:2:2");
	assert_true(t.net.link[0].capacity == 1);
	assert_int_equal(t.unit, TOPOLOGY_UNIT_NONE);
	topology_release(&t);
}

static int note_file(void *arg, const char *file)
{
	strcat(strcat(arg, file), "|");
	return 0;
}

static void knows_the_files_of_a_spec(void **state)
{
	static const struct {
		const char *spec, *files;
	} cases[] = {
		{ "kary:2:2@slots=2", "" },
		{ "xgft:4x4:1x2:1x1", "" },
		{ "dragonfly:2:4:2@rate=1GB/s", "" },
		{ "net.graphml@slots=8@rate=100Gbit/s", "net.graphml|" },
		{ "odd@name@slots=8", "odd@name|" },
		{ "graphml:a", "a|" },
		{ "ib:dir/net.txt:tables", "dir/net.txt|tables|" },
		{ "slurm:topology.conf", "topology.conf|" },
		{ "", "" },
		{ "kary:2:2@wrong=1", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char files[64] = "";

		assert_int_equal(topology_files(cases[i].spec, note_file, files), 0);
		assert_string_equal(files, cases[i].files);
	}
}

static void refuses_bad_specs(void **state)
{
	static const struct {
		const char *spec, *sentence;
	} bad[] = {
		{ "", "no topology" },
		{ "@slots=4", "no topology" },
		{ "xgft:4x4", "W is missing" },
		{ "xgft:4x4:1", "M has 2 numbers and W 1" },
		{ "xgft:4x4:1x2:1", "M has 2 numbers and P 1" },
		{ "xgft:4x4:1x2:1x1:1", "behind the last number" },
		{ "xgft:", "not xgft:M:W[:P]" },
		{ "xgft:4x:1x1", "numbers from 1" },
		{ "xgft:4x-4:1x1", "numbers from 1" },
		{ "xgft:0x4:1x1", "numbers from 1" },
		{ "xgft:4X4:1x1", "only digits" },
		{ "xgft:4,4:1,1", "only digits" },
		{ "xgft:4294967296:1", "numbers from 1" },
		{ "xgft:99999999999999999999999:1", "numbers from 1" },
		{ "xgft:2x2x2x2x2x2x2x2x2:1x1x1x1x1x1x1x1x1", "more than 8 numbers" },
		{ "xgft:4294967295x4294967295:1x1", "more than 1000000 nodes" },
		{ "xgft:1000x1000:1x1", "more than 1000000 nodes" },
		{ "xgft:1000:1000:3", "more than 2000000 cables" },
		{ "xgft:1:1:4294967295", "more than 2000000 cables" },
		{ "kary:4", "two numbers" },
		{ "kary:4x4:2", "two numbers" },
		{ "kary:2:9", "more than 8 levels" },
		{ "kary:1000:3", "more than 1000000 nodes" },
		{ "torus:", "not torus" },
		{ "torus:4x4:1x1", "one number of hosts" },
		{ "torus:4:4:4", "behind the last number" },
		{ "torus:1001x1000", "more than 1000000 nodes" },
		{ "mesh:100:4294967295", "more than 1000000 nodes" },
		{ "dragonfly:2:4", "three numbers" },
		{ "dragonfly:2:4:2x2", "three numbers" },
		{ "dragonfly:4294967295:4294967295:4294967295", "more than 1000000 nodes" },
		{ "dragonfly:1:1400:1", "more than 1000000 nodes" },
		{ "kary:2:2@slots=0", "slots '0'" },
		{ "kary:2:2@slots=", "slots ''" },
		{ "kary:2:2@slots=4x", "slots '4x'" },
		{ "kary:2:2@slots=4294967296", "slots '4294967296'" },
		{ "kary:2:2@rate=0B/s", "rate '0B/s'" },
		{ "kary:2:2@rate=100", "rate '100'" },
		{ "kary:2:2@capacity=0", "capacity '0'" },
		{ "kary:2:2@capacity=1Gbit/s", "capacity '1Gbit/s'" },
		{ "kary:2:2@rate=bad@rate=1B/s", "rate 'bad'" },
		{ "kary:2:2@order=lid", "a generated network has an order of its own" },
		{ "kary:2:2@order=size", "order 'size' is not name or lid" },
		{ "kary:2:2@hosts=4", "'@hosts' is not @slots, @rate, @capacity or @order" },
		{ "clos:4:2", "no such file, and not one of xgft, kary" },
		{ "graphml:", "name of a file is missing" },
		{ "graphml:a:b", "more than 1 file" },
		{ "/", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct topology t;
		struct err err = { "" };

		assert_int_equal(topology_open(&t, bad[i].spec, NULL, &err), -1);
		if (!strstr(err.text, bad[i].sentence) || !err.text[0])
			fail_msg("%s: %s", bad[i].spec, err.text);
	}
}

static void reads_rates(void **state)
{
	static const struct {
		const char *text;
		double rate;
	} good[] = {
		{ "100Gbit/s", 12.5e9 }, { "12.5GB/s", 12.5e9 }, { "100e9bit/s", 12.5e9 },
		{ "1byte/s", 1 },        { "8bit/s", 1 },        { "1kB/s", 1000 },
		{ "0.5MB/s", 5e5 },      { "1Tbit/s", 1.25e11 }, { "1Gbyte/s", 1e9 },
	};
	static const struct {
		const char *text;
		int error;
	} bad[] = {
		{ "", EINVAL },           { "100", EINVAL },     { "Gbit/s", EINVAL },
		{ "100 Gbit/s", EINVAL }, { "100Gbit", EINVAL }, { "-1B/s", EINVAL },
		{ "0x10B/s", EINVAL },    { "infB/s", EINVAL },  { "nanB/s", EINVAL },
		{ "1KB/s", EINVAL },      { "1GB/s ", EINVAL },  { "0B/s", ERANGE },
		{ "1e999B/s", ERANGE },
	};
	double rate;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(topology_rate(good[i].text, &rate), 0);
		assert_true(rate == good[i].rate);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		errno = 0;
		assert_int_equal(topology_rate(bad[i].text, &rate), -1);
		assert_int_equal(errno, bad[i].error);
	}
}

/* --- by hand --- */

static uint32_t node(struct topology *t, const char *name, bool is_host, uint32_t line)
{
	struct err err;
	uint32_t index = topology_node(t, name, is_host, line, &err);

	assert_int_not_equal(index, NETEMU_NONE);
	return index;
}

/* Host a (line 1), host b (2), switch s (3), a cable each (4, 5). */
static void small(struct topology *t)
{
	uint32_t a, b, s;

	assert_int_equal(topology_init(t, "f", NULL), 0);
	a = node(t, "a", true, 1);
	b = node(t, "b", true, 2);
	s = node(t, "s", false, 3);
	assert_int_equal(topology_cable(t, a, 1, s, 1, 1, 4, NULL), 0);
	assert_int_equal(topology_cable(t, b, 1, s, 2, 1, 5, NULL), 0);
}

static void refuse_now(struct topology *t, const char *sentence)
{
	struct err err = { "" };

	assert_int_equal(topology_finish(t, &err), -1);
	assert_string_equal(err.text, sentence);
	topology_release(t);
}

static void names_what_is_wrong(void **state)
{
	static const struct {
		double capacity;
		const char *sentence;
	} capacities[] = {
		{ 0, "f:9: link 'a 2 -> s 3': capacity 0 is not a finite number above 0" },
		{ -3, "f:9: link 'a 2 -> s 3': capacity -3 is not a finite number above 0" },
		{ INFINITY, "f:9: link 'a 2 -> s 3': capacity inf is not a finite number above 0" },
		{ NAN, "f:9: link 'a 2 -> s 3' has no capacity" },
	};
	struct topology t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT(capacities); i++) {
		small(&t);
		topology_cable(&t, 0, 2, 2, 3, capacities[i].capacity, 9, NULL);
		refuse_now(&t, capacities[i].sentence);
	}
	small(&t);
	node(&t, "c", true, 7);
	refuse_now(&t, "f:7: host 'c' has no cable");
	small(&t);
	t.nodes[1].slots = 0;
	refuse_now(&t, "f:2: host 'b' has 0 slots");
	small(&t);
	topology_link(&t, 2, NETEMU_NONE, 0, 7, 1, 8, NULL);
	refuse_now(&t, "f:8: link 's -> a 7' has no link back");
	topology_init(&t, "f", NULL);
	node(&t, "s", false, 1);
	refuse_now(&t, "f: no host in it");
	small(&t);
	assert_int_equal(topology_node(&t, "s", true, 6, &err), NETEMU_NONE);
	assert_string_equal(err.text, "f:6: a second node 's', the first is in line 3");
	assert_int_equal(topology_link(&t, 2, 1, 2, 2, 1, 6, &err), -1);
	assert_string_equal(err.text, "f:6: link from 's' to itself");
	assert_int_equal(topology_finish(&t, &err), 0);
	topology_release(&t);
}

static void keeps_a_switch_that_no_host_reaches(void **state)
{
	struct topology t;

	(void)state;
	small(&t);
	node(&t, "lonely", false, 6);
	assert_int_equal(topology_finish(&t, NULL), 0);
	assert_int_equal(t.net.level[3], NETEMU_NONE);
	assert_int_equal(t.net.level[2], 1);
	topology_release(&t);
}

static void takes_missing_ports_from_the_link_back(void **state)
{
	struct topology t;

	(void)state;
	small(&t);
	topology_link(&t, 0, 7, 2, NETEMU_NONE, 1, 6, NULL);
	topology_link(&t, 2, 9, 0, NETEMU_NONE, 1, 6, NULL);
	assert_int_equal(topology_finish(&t, NULL), 0);
	assert_int_equal(at_port(&t, 0, 7)->to_port, 9);
	assert_int_equal(at_port(&t, 2, 9)->to_port, 7);
	check_links(&t);
	topology_release(&t);
}

/* Cables of a random multigraph, each as two links somewhere in a list. */
#define NODES  12
#define CABLES 120

static void shuffle(uint32_t *list, uint32_t count)
{
	for (uint32_t i = count; i-- > 1;) {
		uint32_t j = (uint32_t)rand() % (i + 1), kept = list[i];

		list[i] = list[j];
		list[j] = kept;
	}
}

/* The plainest way to find levels: until nothing changes. */
static void check_levels(const struct topology *t)
{
	uint32_t level[NODES];
	bool changed = true;

	for (uint32_t i = 0; i < NODES; i++)
		level[i] = t->nodes[i].is_host ? 0 : NETEMU_NONE;
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < t->net.links; i++) {
			uint32_t from = level[t->net.link[i].from];

			if (from == NETEMU_NONE || level[t->net.link[i].to] <= from + 1)
				continue;
			level[t->net.link[i].to] = from + 1;
			changed = true;
		}
	}
	assert_memory_equal(level, t->net.level, sizeof(level));
}

static void joins_the_links_of_shuffled_cables(void **state)
{
	(void)state;
	srand(7);
	for (int turn = 0; turn < 200; turn++) {
		uint32_t a[CABLES], b[CABLES], ports[NODES] = { 0 }, order[2 * CABLES];
		struct topology t;

		topology_init(&t, "f", NULL);
		for (uint32_t i = 0; i < NODES; i++) {
			char name[8] = { (char)('a' + i), '\0' };

			node(&t, name, i < NODES / 2, 0);
		}
		for (uint32_t i = 0; i < CABLES; i++) {
			a[i] = i < NODES ? i : (uint32_t)rand() % NODES;
			b[i] = (a[i] + 1 + (uint32_t)rand() % (NODES - 1)) % NODES;
			order[2 * i] = 2 * i;
			order[2 * i + 1] = 2 * i + 1;
		}
		shuffle(order, 2 * CABLES);
		/* the port of cable i at either end is i, capacity i + 1 */
		for (uint32_t i = 0; i < 2 * CABLES; i++) {
			uint32_t c = order[i] / 2;
			bool back = order[i] % 2;

			topology_link(&t, back ? b[c] : a[c], c, back ? a[c] : b[c], c, c + 1, 0,
				      NULL);
			ports[back ? b[c] : a[c]]++;
		}
		assert_int_equal(topology_finish(&t, NULL), 0);
		check_links(&t);
		check_levels(&t);
		for (uint32_t i = 0; i < NODES; i++)
			assert_int_equal(degree(&t, i), ports[i]);
		topology_release(&t);
	}
}

/* Without ports the first there belongs to the first back. */
static void keeps_the_order_of_links_without_ports(void **state)
{
	struct topology t;

	(void)state;
	small(&t);
	for (uint32_t i = 0; i < 50; i++)
		topology_link(&t, 0, NETEMU_NONE, 2, NETEMU_NONE, i + 2, 0, NULL);
	for (uint32_t i = 0; i < 50; i++)
		topology_link(&t, 2, NETEMU_NONE, 0, NETEMU_NONE, i + 2, 0, NULL);
	assert_int_equal(topology_finish(&t, NULL), 0);
	check_links(&t);
	for (uint32_t i = 0; i < 50; i++)
		assert_true(t.net.link[t.net.first[0] + 1 + i].capacity == i + 2);
	topology_release(&t);
}

static void finds_nodes_by_name(void **state)
{
	struct topology t;

	(void)state;
	open_spec(&t, "kary:10:4");
	for (uint32_t i = 0; i < t.net.nodes; i++)
		assert_int_equal(topology_find(&t, t.net.name[i]), i);
	assert_int_equal(topology_find(&t, "h0"), NETEMU_NONE);
	topology_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_have_the_nodes_and_links_of_the_formula),
		cmocka_unit_test(the_slimmed_tree_has_168_links),
		cmocka_unit_test(tree_nodes_meet_the_parents_of_the_rule),
		cmocka_unit_test(lattice_points_meet_their_neighbours),
		cmocka_unit_test(dragonfly_groups_are_joined_once),
		cmocka_unit_test(options_set_slots_and_rate),
		cmocka_unit_test(knows_the_files_of_a_spec),
		cmocka_unit_test(refuses_bad_specs),
		cmocka_unit_test(reads_rates),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(keeps_a_switch_that_no_host_reaches),
		cmocka_unit_test(takes_missing_ports_from_the_link_back),
		cmocka_unit_test(joins_the_links_of_shuffled_cables),
		cmocka_unit_test(keeps_the_order_of_links_without_ports),
		cmocka_unit_test(finds_nodes_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
