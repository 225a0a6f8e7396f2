/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-topology.h - what a reader of a topology took must hold together */
#ifndef NETEMU_TESTS_FUZZ_TOPOLOGY_H
#define NETEMU_TESTS_FUZZ_TOPOLOGY_H

#include "topology/topology.h"

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

#endif
