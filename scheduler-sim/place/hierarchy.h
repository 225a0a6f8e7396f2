/* SPDX-License-Identifier: Apache-2.0 */
/* hierarchy.h - which hosts are near each other
 *
 * Nested groups of nodes, level 0 the smallest: the hosts of one switch; then
 * what hangs together below the switches of each level of a tree; the groups of
 * a dragonfly; a torus or mesh halved again and again in its longest dimension.
 * The last level has all hosts in one group or is the last that the topology has.
 */
#ifndef NETEMU_PLACE_HIERARCHY_H
#define NETEMU_PLACE_HIERARCHY_H

#include "topology/topology.h"

#define HIERARCHY_LEVELS 40

struct hierarchy {
	uint32_t levels;
	uint32_t *group[HIERARCHY_LEVELS]; /* [nodes]: NETEMU_NONE: in none; owned */
};

/* For HOSTS of TOPOLOGY.  Returns 0, or -1 with errno ENOMEM. */
int hierarchy_make(struct hierarchy *hierarchy, const struct topology *topology,
		   const uint32_t *hosts, uint32_t nhosts);
void hierarchy_release(struct hierarchy *hierarchy);

/* The highest level on which hosts A and B are apart, counted from 1; 0: on none. */
uint32_t hierarchy_apart(const struct hierarchy *hierarchy, const struct netemu_net *net,
			 uint32_t a, uint32_t b);

#endif
