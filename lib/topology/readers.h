/* SPDX-License-Identifier: Apache-2.0 */
/* readers.h - networks from files
 *
 * Each reader adds the nodes and links of FILES (paths, NULL where there is
 * none) to a TOPOLOGY that topology_init() made with the first of them as its
 * source; topology_open() puts the SPEC's options on it and finishes it.  They
 * return 0, or -1 with ERR written.  A new one is one line in a table of spec.c,
 * by kind or by content (is_*(): do the first SIZE bytes of a file, NUL behind
 * them, look like it).
 */
#ifndef NETEMU_TOPOLOGY_READERS_H
#define NETEMU_TOPOLOGY_READERS_H

#include "topology/textfile.h"
#include "topology/topology.h"

bool is_graphml(const char *head, size_t size);
int read_graphml(struct topology *topology, const char *const *files, struct err *err);
int graphml_read(struct topology *topology, struct textfile *file, struct err *err);

/* A dump of an InfiniBand fabric, see ibnet.h and ibfabric.h, and its forwarding
 * tables, see iblft.h.
 */
bool is_ib(const char *head, size_t size);
int read_ib(struct topology *topology, const char *const *files, struct err *err);

/* See slurmtopo.h. */
bool is_slurm(const char *head, size_t size);
int read_slurm(struct topology *topology, const char *const *files, struct err *err);

#endif
