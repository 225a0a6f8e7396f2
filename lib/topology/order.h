/* SPDX-License-Identifier: Apache-2.0 */
/* order.h - in which order nodes, and so hosts, count */
#ifndef NETEMU_TOPOLOGY_ORDER_H
#define NETEMU_TOPOLOGY_ORDER_H

#include "topology/topology.h"

enum topology_order {
	TOPOLOGY_AS_READ,
	TOPOLOGY_BY_NAME, /* digits by their value: n2 before n10 */
	TOPOLOGY_BY_LID,  /* nodes without one last, as they were */
};

/* Put the nodes of TOPOLOGY, not finished yet, in ORDER; equal ones stay as they
 * are.  Returns 0, or -1 with ERR written: it was generated, no memory.
 */
int topology_sort(struct topology *topology, enum topology_order order, struct err *err);

/* Compare two names: <0, 0, >0.  Runs of digits compare by their value; where all
 * of them are equal, the bytes decide.
 */
int order_names(const char *a, const char *b);

#endif
