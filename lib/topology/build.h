/* SPDX-License-Identifier: Apache-2.0 */
/* build.h - what topology.c and finish.c keep of a topology */
#ifndef NETEMU_TOPOLOGY_BUILD_H
#define NETEMU_TOPOLOGY_BUILD_H

#include "topology/topology.h"

#define TOPOLOGY_PLACE 512 /* bytes for topology_place() */

struct topology_name;
struct topology_block;

struct topology_private {
	struct topology_name *names;   /* of the nodes, hashed */
	struct topology_block *blocks; /* that hold them */
	size_t block_used;             /* of the first block */
	size_t node_room, link_room, line_room;
	struct netemu_link *link; /* as net.link, which cannot be written */
	uint32_t *line;           /* of each link; NULL: all 0, or not needed any more */
	char *shape;              /* SPEC that a file says it is of, or NULL; owned */
	uint32_t max_nodes, max_links;
	/* as those of net */
	uint32_t *first, *host_node, *node_host, *slots, *level;
	const char **name;
};

/* "file:line", or "file" when LINE is 0, of something in it.  Returns BUF. */
char *topology_place(const struct topology *topology, uint32_t line, char *buf, size_t size);

/* Node I of TOPOLOGY, not finished yet, becomes node TO[I].  Returns 0, or -1 with
 * errno ENOMEM and nothing changed.
 */
int topology_renumber(struct topology *topology, const uint32_t *to);

#endif
