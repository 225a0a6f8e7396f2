/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - what topology= and routing= make of the nodes of a fabric
 *
 * A program works it out with the code of `netemu sim` and hands the tables to
 * fabric_create() with the settings: the engine, which lives in other people's
 * programs, only reads them.
 */
#ifndef PROGRAM_NETWORK_H
#define PROGRAM_NETWORK_H

#include "device/fabric.h"
#include "device/net.h"
#include "route/paths.h"

struct network {
	struct net_topology tables; /* pointers into what is below */
	struct paths paths;
	struct net_topology_link *link; /* names point into paths.topology; owned */
	uint32_t *host;                 /* of each node; owned */
};

/* Nodes are the hosts of their names when every name is one of the topology's hosts,
 * and else node k is host k.  Each pair has the path that routing= (default: lft
 * where there are tables, dor, minimal or dmodk by the shape) gives it, with the settings' seed, as
 * `netemu sim load` would route all pairs in the order of the nodes.  Where the topology says no
 * rates, a capacity of 1 means rate=, and without that there is no limit.  SPECs are relative to
 * BASE (NULL: here). settings->network is set, and nothing happens without topology=.  Returns 0,
 * or -1 with ERR and nothing to release.
 */
int network_create(struct network *network, struct device_settings *settings,
		   const struct fabric_node *nodes, uint32_t count, const char *base,
		   struct err *err);
void network_release(struct network *network);

/* fabric_create() below the usual directory, with the network that SETTINGS ask for. */
int network_fabric(char *path, size_t size, const char *name, const struct fabric_node *nodes,
		   uint32_t count, struct device_settings *settings, const char *base,
		   struct err *err);

#endif
