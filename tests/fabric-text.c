/* SPDX-License-Identifier: Apache-2.0 */
#include "fabric-text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Worked out by hand: lanes times 2.5, 5 and 10 Gbaud of which 8 in 10 are data;
 * 10.3125 and 25.78125 of which 64 in 66 are, 53.125 and 106.25 of which 16 in 17
 * are; 8 bits to a byte.
 */
const struct fabric_speed fabric_speeds[FABRIC_SPEEDS] = {
	{ "4x", "EDR", "25", 12.5e9 }, { "4x", "SDR", "2.5", 1e9 },
	{ "1x", "DDR", "5", 0.5e9 },   { "4x", "QDR", "10", 4e9 },
	{ "12x", "QDR", "10", 12e9 },  { "4x", "FDR10", "FDR10", 5e9 },
	{ "1x", "HDR", "50", 6.25e9 }, { "4x", "NDR", "100", 50e9 },
};

static const struct fabric_speed *speed_of(double capacity)
{
	for (size_t i = 0; i < FABRIC_SPEEDS; i++)
		if (fabric_speeds[i].rate == capacity)
			return &fabric_speeds[i];
	return &fabric_speeds[0];
}

static uint32_t nports(const struct topology *topology, uint32_t node)
{
	return topology->net.first[node + 1] - topology->net.first[node];
}

void fabric_number(struct topology *topology)
{
	uint32_t lid = 1;

	for (uint32_t i = 0; i < topology->net.nodes; i++) {
		struct topology_node *node = &topology->nodes[i];

		node->lid = lid;
		lid += node->is_host ? nports(topology, i) : 1;
		node->guid = (node->is_host ? 0x0002c90300000000u : 0x0002c90200000000u) +
			     UINT64_C(0x100) * i;
	}
}

/* The numbers from 0 in the order of SEED: to be freed. */
static uint32_t *shuffled(uint32_t count, unsigned seed)
{
	uint32_t *order = calloc(count + 1, sizeof(*order));

	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count; seed && i > 1; i--) {
		uint32_t other = (uint32_t)rand_r(&seed) % i, kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
	return order;
}

/* What both ends of LINK print. */
struct side {
	const struct topology_node *node;
	uint32_t port, lid;
	uint64_t guid; /* of the port */
};

static struct side side_of(const struct topology *topology, uint32_t link)
{
	const struct netemu_link *l = &topology->net.link[link];
	const struct topology_node *node = &topology->nodes[l->from];
	uint32_t nth = 0; /* port of this host, by number */

	for (uint32_t i = topology->net.first[l->from]; i < topology->net.first[l->from + 1]; i++)
		nth += topology->net.link[i].from_port < l->from_port;
	return (struct side){
		.node = node,
		.port = l->from_port,
		.lid = node->lid + (node->is_host ? nth : 0),
		.guid = node->guid + (node->is_host ? l->from_port : 0),
	};
}

static void print_id(FILE *out, const struct topology_node *node)
{
	fprintf(out, "\"%c-%016" PRIx64 "\"", node->is_host ? 'H' : 'S', node->guid);
}

static void plain_node(FILE *out, const struct topology_node *node)
{
	fprintf(out, "\nvendid=0x2c9\ndevid=0x0\nsysimgguid=0x%" PRIx64 "\n", node->guid);
	if (node->is_host)
		fprintf(out, "caguid=0x%" PRIx64 "\nCa\t254 ", node->guid);
	else
		fprintf(out, "switchguid=0x%" PRIx64 "(%" PRIx64 ")\nSwitch\t254 ", node->guid,
			node->guid);
	print_id(out, node);
	fprintf(out, "\t\t# \"%s\"", node->name);
	if (!node->is_host)
		fprintf(out, " base port 0 lid %u lmc 0", node->lid);
	fputc('\n', out);
}

static void plain_port(FILE *out, const struct side *from, const struct side *to,
		       const struct fabric_speed *speed)
{
	fprintf(out, "[%u]", from->port);
	if (from->node->is_host)
		fprintf(out, "(%" PRIx64 ") ", from->guid);
	fputc('\t', out);
	print_id(out, to->node);
	fprintf(out, "[%u]", to->port);
	if (to->node->is_host)
		fprintf(out, "(%" PRIx64 ") ", to->guid);
	fprintf(out, "\t\t# ");
	if (from->node->is_host)
		fprintf(out, "lid %u lmc 0 ", from->lid);
	fprintf(out, "\"%s\" lid %u %s%s\n", to->node->name, to->lid, speed->width, speed->speed);
}

static void ports_port(FILE *out, const struct side *from, const struct side *to,
		       const struct fabric_speed *speed)
{
	fprintf(out,
		"%s %5u %2u 0x%016" PRIx64 " %s %s - %s %5u %2u 0x%016" PRIx64 " ( '%s' - '%s' )\n",
		from->node->is_host ? "CA" : "SW", from->lid, from->port, from->guid, speed->width,
		speed->speed, to->node->is_host ? "CA" : "SW", to->lid, to->port, to->guid,
		from->node->name, to->node->name);
}

static void subnet_side(FILE *out, const struct side *side)
{
	fprintf(out,
		"{ %s Ports:%02X SystemGUID:%016" PRIx64 " NodeGUID:%016" PRIx64
		" PortGUID:%016" PRIx64
		" VenID:0002C9 DevID:0000 Rev:000000A1 {%s} LID:%04X PN:%02X } ",
		side->node->is_host ? "CA" : "SW", 254u, side->node->guid, side->node->guid,
		side->guid, side->node->name, side->lid, side->port);
}

static void subnet_port(FILE *out, const struct side *from, const struct side *to,
			const struct fabric_speed *speed)
{
	subnet_side(out, from);
	subnet_side(out, to);
	fprintf(out, "PHY=%s LOG=ACT SPD=%s\n", speed->width, speed->opensm);
}

static int going_down(const void *a, const void *b, void *topology)
{
	const struct netemu_link *link = ((const struct topology *)topology)->net.link;
	uint32_t x = link[*(const uint32_t *)a].from_port, y = link[*(const uint32_t *)b].from_port;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void print_node(FILE *out, const struct topology *topology, enum fabric_form form,
		       uint32_t node, unsigned seed)
{
	static void (*const print[])(FILE *, const struct side *, const struct side *,
				     const struct fabric_speed *) = {
		[FABRIC_PLAIN] = plain_port,
		[FABRIC_PORTS] = ports_port,
		[FABRIC_SUBNET] = subnet_port,
	};
	uint32_t count = nports(topology, node), *order = shuffled(count, seed);

	for (uint32_t i = 0; i < count; i++)
		order[i] += topology->net.first[node];
	if (form == FABRIC_PORTS) /* the ports of a node go down there */
		qsort_r(order, count, sizeof(*order), going_down, (void *)topology);
	if (form == FABRIC_PLAIN)
		plain_node(out, &topology->nodes[node]);
	for (uint32_t i = 0; i < count; i++) {
		const struct netemu_link *link = &topology->net.link[order[i]];
		struct side from = side_of(topology, order[i]);
		struct side to = side_of(topology, link->reverse);

		print[form](out, &from, &to, speed_of(link->capacity));
	}
	free(order);
}

void fabric_print(FILE *out, const struct topology *topology, enum fabric_form form, unsigned seed)
{
	uint32_t *order = shuffled(topology->net.nodes, seed);

	if (form == FABRIC_PLAIN)
		fputs("#\n# Topology file: generated on a test's behalf\n#\n", out);
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		print_node(out, topology, form, order[i], seed ? seed + i : 0);
	free(order);
}

void fabric_print_tables(FILE *out, const struct topology *topology)
{
	uint32_t nodes = topology->net.nodes;

	for (uint32_t i = 0; i < nodes; i++) {
		const struct topology_node *node = &topology->nodes[i];

		if (node->is_host)
			continue;
		fprintf(out, "Unicast lids [0-%u] of switch Lid %u guid 0x%016" PRIx64 " ('%s'):\n",
			topology->nodes[nodes - 1].lid, node->lid, node->guid, node->name);
		for (uint32_t k = 0; k < nodes; k++)
			fprintf(out, "0x%04x %03u # %s portguid 0x%016" PRIx64 ": '%s'\n",
				topology->nodes[k].lid, k == i ? 0 : 1 + k % nports(topology, i),
				topology->nodes[k].is_host ? "Channel Adapter" : "Switch",
				topology->nodes[k].guid, topology->nodes[k].name);
		fprintf(out, "%u lids dumped\n", nodes);
	}
}
