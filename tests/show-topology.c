/* SPDX-License-Identifier: Apache-2.0 */
/* show-topology.c - what topology_open() makes of a SPEC
 *
 *	show-topology SPEC [counts|links|ports|tables|graphml]
 *
 * counts (the default): hosts, switches, links from switch to switch, capacity
 * in use (least and most); links: one per line by name, ports and capacity;
 * ports: by LIDs, as SWITCH-LID PORT LID PORT; tables: entries as SWITCH-LID LID
 * PORT, ascending, then what did not fit; graphml: the topology as GraphML.
 */
#include "topology/graphml-write.h"
#include "topology/topology.h"

#include <stdio.h>
#include <string.h>

static void counts(const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;
	double least = net->link[0].capacity, most = least;
	uint32_t isl = 0;

	for (uint32_t i = 0; i < net->links; i++) {
		double capacity = net->link[i].capacity;

		isl += topology_is_isl(topology, i);
		least = capacity < least ? capacity : least;
		most = capacity > most ? capacity : most;
	}
	printf("%u hosts, %u switches, %u links between switches, %g to %g%s\n", net->hosts,
	       topology->nswitches, isl, least, most,
	       topology->unit == TOPOLOGY_UNIT_BYTE ? " byte/s" : "");
}

static void links(const struct topology *topology)
{
	char text[1024];

	for (uint32_t i = 0; i < topology->net.links; i++)
		printf("%s %.17g\n", topology_link_text(topology, i, text, sizeof(text)),
		       topology->net.link[i].capacity);
}

static void ports(const struct topology *topology)
{
	for (uint32_t i = 0; i < topology->net.links; i++) {
		const struct netemu_link *link = &topology->net.link[i];

		printf("%u %u %u %u\n", topology->nodes[link->from].lid, link->from_port,
		       topology->nodes[link->to].lid, link->to_port);
	}
}

static void tables(const struct topology *topology)
{
	const struct topology_tables *tables = topology->tables;

	for (uint32_t i = 0; tables && i < topology->net.nodes; i++)
		for (uint32_t lid = 0; tables->port[i] && lid < tables->lids; lid++)
			if (tables->port[i][lid] != 255)
				printf("%u %u %u\n", topology->nodes[i].lid, lid,
				       tables->port[i][lid]);
	if (tables && tables->strange)
		printf("strange %ju: %s\n", (uintmax_t)tables->strange, tables->first_strange);
}

static void graphml(const struct topology *topology)
{
	struct err err;

	if (graphml_write(stdout, topology, NULL, &err) < 0)
		fprintf(stderr, "show-topology: %s\n", err.text);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*show)(const struct topology *topology);
	} views[] = {
		{ "counts", counts }, { "links", links },     { "ports", ports },
		{ "tables", tables }, { "graphml", graphml },
	};
	struct topology topology;
	struct err err;
	size_t view = 0;

	while (argc == 3 && view < 5 && strcmp(views[view].name, argv[2]) != 0)
		view++;
	if (argc < 2 || argc > 3 || view == 5) {
		fprintf(stderr, "usage: show-topology SPEC [counts|links|ports|tables|graphml]\n");
		return 2;
	}
	if (topology_open(&topology, argv[1], NULL, &err) < 0) {
		fprintf(stderr, "show-topology: %s\n", err.text);
		return 1;
	}
	views[view].show(&topology);
	topology_release(&topology);
	return fflush(stdout) ? 1 : 0;
}
