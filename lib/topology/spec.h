/* SPDX-License-Identifier: Apache-2.0 */
/* spec.h - what generators need to read their part of a SPEC
 *
 * Messages begin with topology->source, which is the SPEC.
 */
#ifndef NETEMU_TOPOLOGY_SPEC_H
#define NETEMU_TOPOLOGY_SPEC_H

#include "topology/topology.h"

/* Numbers joined by 'x', up to a ':' or the end. */
struct spec_list {
	uint32_t n;
	uint32_t value[TOPOLOGY_DIMS];
};

/* At most MAX lists joined by ':', each number at least 1.  USAGE ("M:W[:P]")
 * is what a message says is expected.  Returns how many, at least 1, or -1 with
 * ERR written.
 */
int spec_lists(const struct topology *topology, const char *args, const char *usage,
	       struct spec_list *lists, int max, struct err *err);

/* Products and sums of counts: stay at SPEC_HUGE once there. */
#define SPEC_HUGE (UINT64_C(1) << 40)

uint64_t spec_times(uint64_t a, uint64_t b);

/* Refuse what has too many NODES or CABLES.  Returns 0, or -1 with ERR. */
int spec_check_size(const struct topology *topology, uint64_t nodes, uint64_t cables,
		    struct err *err);

/* Add host INDEX of COUNT: h000, h001, ...  Returns the node or NETEMU_NONE. */
uint32_t spec_host(struct topology *topology, uint64_t index, uint64_t count, struct err *err);

/* Add a switch of LEVEL with the N coordinates in COORD: s1-0.2.1, each number
 * with as many digits as SIZE[i] - 1 has, the last one first.  Returns the node
 * or NETEMU_NONE.
 */
uint32_t spec_switch(struct topology *topology, unsigned level, const uint32_t *coord,
		     const uint32_t *size, uint32_t n, struct err *err);

#endif
