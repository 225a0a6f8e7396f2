/* SPDX-License-Identifier: Apache-2.0 */
/* gen-fabric.c - a topology as a dump of an InfiniBand fabric
 *
 *	gen-fabric SPEC [plain|ports|subnet|tables]
 *
 * plain is what ibnetdiscover prints and ibsim reads; tables are forwarding tables
 * in the form of opensm-lfts.dump, by no sensible routing.
 */
#include "fabric-text.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	static const char *const forms[] = { "plain", "ports", "subnet", "tables" };
	enum fabric_form form = FABRIC_PLAIN;
	struct topology topology;
	struct err err;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: gen-fabric SPEC [plain|ports|subnet|tables]\n");
		return 2;
	}
	while (argc == 3 && strcmp(argv[2], forms[form]) != 0)
		if (form++ == FABRIC_TABLES)
			return 2;
	if (topology_open(&topology, argv[1], NULL, &err) < 0) {
		fprintf(stderr, "gen-fabric: %s\n", err.text);
		return 1;
	}
	fabric_number(&topology);
	if (form == FABRIC_TABLES)
		fabric_print_tables(stdout, &topology);
	else
		fabric_print(stdout, &topology, form, 0);
	topology_release(&topology);
	return fflush(stdout) ? 1 : 0;
}
