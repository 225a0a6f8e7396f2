/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - the keys of a scenario, see netemu-scenario(5) */
#ifndef NETEMU_SIM_KEYS_H
#define NETEMU_SIM_KEYS_H

#include "schema.h"

extern const struct schema_key keys_scenario[];
extern const struct schema_variant keys_topologies[];
extern const struct schema_variant keys_distributions[];

/* The keys of an entry of `jobs:` that say where its jobs come from. */
extern const char *const keys_sources[];

/* Write the SPEC that the value NODE of `topology:` means into *SPEC (to be
 * freed).  Returns 0, or -1 with ERR written; FILE is named.
 */
int keys_topology(const struct yaml_node *node, const char *file, char **spec, struct err *err);

/* NODE of `topology:` as PFSim prints it: "pfsim.topology.FileTopology {'path':
 * 'x.graphml'}".  To be freed; NULL with errno ENOMEM.
 */
char *keys_topology_python(const struct yaml_node *node);

#endif
