/* SPDX-License-Identifier: Apache-2.0 */
/* hostmap.h - which host of a topology a node of Slurm is
 *
 * The host that the map names for it; else the host of that name; else the
 * next host in the topology's order that no other node is, nodes in the order
 * of their names (numbers in them as numbers), and that is to be said.
 */
#ifndef NETEMU_HOSTMAP_H
#define NETEMU_HOSTMAP_H

#include "topology/topology.h"
#include "workload.h"

struct hostmap {
	struct hostmap_entry *entries; /* a hash table; owned */
};

void hostmap_init(struct hostmap *map);
void hostmap_release(struct hostmap *map);

/* Nodes FROM are hosts TO, one by one: host lists of the same length.  Returns
 * 0, or -1 with ERR written: different lengths, a node or a host named twice.
 */
int hostmap_add(struct hostmap *map, const char *from, const char *to, struct err *err);

struct hostmap_report {
	size_t nodes;            /* different ones in the workload */
	size_t mapped;           /* by the map */
	size_t named;            /* by their names */
	size_t ordered;          /* in order */
	size_t homeless;         /* no host was left */
	size_t jobs;             /* that have such a node: their hosts are not known */
	char node[64], host[64]; /* the first one in order */
};

/* Set job.given of all jobs that have a node_list.  Placements of jobs whose
 * hosts are not known are dropped.  Returns 0, or -1 with ERR written: a
 * host of the map that is not there, a list that cannot be read.
 */
int hostmap_apply(struct hostmap *map, struct workload *workload, const struct topology *topology,
		  struct hostmap_report *report, struct err *err);

/* What is to be said, or "".  BUF of at least 512 bytes.  Returns BUF. */
char *hostmap_warning(const struct hostmap_report *report, char *buf, size_t size);

#endif
