/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-iblft.c - any bytes as forwarding tables of a fabric of two switches
 *
 * Whatever is taken, each entry is a port of 0 to 254 or none.
 */
#include "fuzz.h"
#include "fuzz-topology.h"
#include "topology/iblft.h"
#include "topology/ibnet.h"

static const char cables[] = "Switch\t8 \"S-000000000000000a\" # \"a\" base port 0 lid 1 lmc 0\n"
			     "[1] \"H-000000000000000c\"[1] # \"c\" lid 4 4xQDR\n"
			     "[2] \"S-000000000000000b\"[2] # \"b\" lid 2 4xQDR\n"
			     "Switch\t8 \"S-000000000000000b\" # \"b\" base port 0 lid 2 lmc 0\n"
			     "[1] \"H-000000000000000d\"[1] # \"d\" lid 8 4xQDR\n"
			     "[2] \"S-000000000000000a\"[2] # \"a\" lid 1 4xQDR\n"
			     "Ca\t1 \"H-000000000000000c\" # \"c\"\n"
			     "[1] \"S-000000000000000a\"[1] # lid 4 lmc 1 \"a\" lid 1 4xQDR\n"
			     "Ca\t1 \"H-000000000000000d\" # \"d\"\n"
			     "[1] \"S-000000000000000b\"[1] # lid 8 lmc 0 \"b\" lid 2 4xQDR\n";

static void read_cables(struct topology *topology)
{
	struct ibfabric fabric;
	struct textfile file;
	struct err err;

	if (topology_init(topology, "f", &err) < 0 || ibfabric_init(&fabric, "f", &err) < 0)
		abort();
	textfile_open_memory(&file, "f", cables, sizeof(cables) - 1);
	if (ibnet_read(&fabric, &file, &err) < 0 ||
	    ibfabric_build(&fabric, topology, true, &err) < 0)
		abort();
	textfile_close(&file);
	ibfabric_release(&fabric);
}

/* What stands in the tables is as many as was counted, less what says it again. */
static void check(const struct topology *topology)
{
	const struct topology_tables *tables = topology->tables;
	uint64_t routes = 0;

	fuzz_check_taken(topology);
	for (uint32_t i = 0; i < topology->net.nodes; i++)
		for (uint32_t lid = 0; tables->port[i] && lid < tables->lids; lid++)
			routes += tables->port[i][lid] != 255;
	if (routes > tables->entries)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct topology topology;
	struct textfile file;
	struct iblft lft;
	struct err err = { "" };
	int rc;

	read_cables(&topology);
	if (iblft_init(&lft, &topology, &err) < 0)
		abort();
	textfile_open_memory(&file, "f", data, size);
	rc = iblft_take(&lft, &file, &err);
	textfile_close(&file);
	if (rc == 0)
		rc = iblft_finish(&lft, "f", &err);
	iblft_release(&lft);
	if (rc < 0)
		fuzz_check_refused(&err);
	else if (topology_finish(&topology, &err) < 0)
		abort();
	else
		check(&topology);
	topology_release(&topology);
	return 0;
}
