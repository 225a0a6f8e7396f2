/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-topology.h - what a reader of a topology took must hold together */
#ifndef NETEMU_TESTS_FUZZ_TOPOLOGY_H
#define NETEMU_TESTS_FUZZ_TOPOLOGY_H

#include "fuzz.h"
#include "topology/ibnet.h"

#include <stdlib.h>
#include <string.h>

/* ERR names the file "f". */
static inline void fuzz_check_refused(const struct err *err)
{
	if (strncmp(err->text, "f:", 2) != 0)
		abort();
}

static inline void fuzz_check_taken(const struct topology *topology)
{
	const struct netemu_net *net = &topology->net;

	if (net->hosts == 0 || net->hosts + topology->nswitches != net->nodes)
		abort();
	for (uint32_t i = 0; i < net->links; i++) {
		const struct netemu_link *link = &net->link[i], *back = &net->link[link->reverse];

		if (back->reverse != i || back->from != link->to || back->to != link->from ||
		    back->capacity != link->capacity || !(link->capacity > 0))
			abort();
	}
	for (uint32_t i = 0; topology->tables && i < topology->tables->lids; i++)
		if (topology->tables->node[i] != NETEMU_NONE &&
		    topology->tables->node[i] >= net->nodes)
			abort();
}

/* Any bytes as what READ reads of the cables of an InfiniBand fabric. */
static inline int fuzz_cables(int (*read)(struct ibfabric *fabric, struct textfile *file,
					  struct err *err),
			      const uint8_t *data, size_t size)
{
	struct topology topology;
	struct ibfabric fabric;
	struct textfile file;
	struct err err = { "" };
	int rc;

	if (topology_init(&topology, "f", &err) < 0 || ibfabric_init(&fabric, "f", &err) < 0)
		abort();
	textfile_open_memory(&file, "f", data, size);
	rc = read(&fabric, &file, &err);
	textfile_close(&file);
	if (rc == 0)
		rc = ibfabric_build(&fabric, &topology, false, &err);
	ibfabric_release(&fabric);
	if (rc == 0)
		rc = topology_finish(&topology, &err);
	if (rc < 0)
		fuzz_check_refused(&err);
	else
		fuzz_check_taken(&topology);
	topology_release(&topology);
	return 0;
}

#endif
