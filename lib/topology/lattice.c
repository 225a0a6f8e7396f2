/* SPDX-License-Identifier: Apache-2.0 */
#include "topology/generate.h"
#include "topology/spec.h"

#include <string.h>

struct lattice {
	uint32_t n;
	uint32_t k[TOPOLOGY_DIMS];
	uint32_t hosts; /* on each switch */
	bool wrap;      /* a torus */
	uint64_t points;
};

/* How many cables dimension D has: one to each neighbour at +. */
static uint64_t cables_of(const struct lattice *lattice, uint32_t d)
{
	uint64_t lines = lattice->points / lattice->k[d];

	if (lattice->k[d] == 1)
		return 0;
	return lines * (lattice->wrap ? lattice->k[d] : lattice->k[d] - 1);
}

static int check_size(const struct topology *topology, struct lattice *lattice, struct err *err)
{
	uint64_t cables = 0, hosts;

	lattice->points = 1;
	for (uint32_t d = 0; d < lattice->n; d++)
		lattice->points = spec_times(lattice->points, lattice->k[d]);
	hosts = spec_times(lattice->points, lattice->hosts);
	for (uint32_t d = 0; d < lattice->n; d++)
		cables += cables_of(lattice, d);
	return spec_check_size(topology, lattice->points + hosts, cables + hosts, err);
}

static void split(const struct lattice *lattice, uint32_t point, uint32_t *coord)
{
	for (uint32_t d = 0; d < lattice->n; d++) {
		coord[d] = point % lattice->k[d];
		point /= lattice->k[d];
	}
}

static int add_nodes(struct topology *topology, const struct lattice *lattice, struct err *err)
{
	uint64_t hosts = lattice->points * lattice->hosts;
	uint32_t coord[TOPOLOGY_DIMS];

	for (uint32_t host = 0; host < hosts; host++) {
		uint32_t node = spec_host(topology, host, hosts, err);

		if (node == NETEMU_NONE)
			return -1;
		split(lattice, host / lattice->hosts, topology->nodes[node].coord);
	}
	for (uint32_t point = 0; point < lattice->points; point++) {
		split(lattice, point, coord);
		if (spec_switch(topology, 1, coord, lattice->k, lattice->n, err) == NETEMU_NONE)
			return -1;
	}
	return 0;
}

static int add_hosts(struct topology *topology, const struct lattice *lattice, uint32_t point,
		     uint32_t node, struct err *err)
{
	for (uint32_t i = 0; i < lattice->hosts; i++)
		if (topology_cable(topology, point * lattice->hosts + i, 1, node,
				   2 * lattice->n + 1 + i, 1, 0, err) < 0)
			return -1;
	return 0;
}

/* Switches begin at node FIRST. */
static int add_neighbours(struct topology *topology, const struct lattice *lattice, uint32_t point,
			  uint32_t first, struct err *err)
{
	const uint32_t *coord = topology->nodes[first + point].coord;
	uint32_t stride = 1;

	for (uint32_t d = 0; d < lattice->n; stride *= lattice->k[d++]) {
		bool last = coord[d] + 1 == lattice->k[d];
		uint32_t to = last ? point - coord[d] * stride : point + stride;

		if (lattice->k[d] == 1 || (last && !lattice->wrap))
			continue;
		if (topology_cable(topology, first + point, 2 * d + 1, first + to, 2 * d + 2, 1, 0,
				   err) < 0)
			return -1;
	}
	return 0;
}

static int generate(struct topology *topology, const char *args, bool wrap, struct err *err)
{
	const char *usage = wrap ? "torus:K0xK1x...[:HOSTS]" : "mesh:K0xK1x...[:HOSTS]";
	struct spec_list lists[2];
	struct lattice lattice = { .wrap = wrap, .hosts = 1 };
	int n = spec_lists(topology, args, usage, lists, 2, err);
	uint32_t first;

	if (n < 0)
		return -1;
	if (n == 2 && lists[1].n != 1)
		return err_set(err, "'%s': not %s: one number of hosts is expected",
			       topology->source, usage);
	if (n == 2)
		lattice.hosts = lists[1].value[0];
	lattice.n = lists[0].n;
	memcpy(lattice.k, lists[0].value, sizeof(lattice.k));
	if (check_size(topology, &lattice, err) < 0 || add_nodes(topology, &lattice, err) < 0)
		return -1;
	first = (uint32_t)lattice.points * lattice.hosts;
	for (uint32_t point = 0; point < lattice.points; point++)
		if (add_hosts(topology, &lattice, point, first + point, err) < 0 ||
		    add_neighbours(topology, &lattice, point, first, err) < 0)
			return -1;
	topology->shape = wrap ? TOPOLOGY_TORUS : TOPOLOGY_MESH;
	topology->ndims = lattice.n;
	memcpy(topology->dim, lattice.k, sizeof(lattice.k));
	return 0;
}

int torus_generate(struct topology *topology, const char *args, struct err *err)
{
	return generate(topology, args, true, err);
}

int mesh_generate(struct topology *topology, const char *args, struct err *err)
{
	return generate(topology, args, false, err);
}
