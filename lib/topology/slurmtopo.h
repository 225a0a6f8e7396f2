/* SPDX-License-Identifier: Apache-2.0 */
/* slurmtopo.h - Slurm's topology.conf of the plugin topology/tree
 *
 *	SwitchName=leaf1 Nodes=node[01-18] [LinkSpeed=4]
 *	SwitchName=top Switches=leaf[1-4]
 *
 * Keys in any case, `#` begins a comment (`\#` does not), a `\` at the end of a
 * line goes on with the next one, values may be quoted.  A switch may stand
 * below several others, a node below one.  There is one cable for each, whose
 * capacity is the LinkSpeed of the upper switch, as written, else 1: the file
 * says nothing of parallel cables.  Hosts come in the order of the file,
 * switches too.
 */
#ifndef NETEMU_TOPOLOGY_SLURMTOPO_H
#define NETEMU_TOPOLOGY_SLURMTOPO_H

#include "topology/textfile.h"
#include "topology/topology.h"

/* Add what FILE says to TOPOLOGY.  Returns 0, or -1 with ERR written. */
int slurmtopo_read(struct topology *topology, struct textfile *file, struct err *err);

#endif
