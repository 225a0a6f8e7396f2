/* SPDX-License-Identifier: Apache-2.0 */
/* rundata.h - one run directory, as far as a simulation needs it */
#ifndef NETEMU_RUNDATA_H
#define NETEMU_RUNDATA_H

#include "traffic.h"

struct rundata {
	char *path;
	char *cluster, *name;       /* or NULL */
	uint64_t job;               /* 0: no Slurm job */
	uint64_t array_job;         /* 0: no array */
	uint32_t array_task;        /* NETEMU_NONE: no array */
	int64_t submit, start, end; /* ns since the epoch; NETEMU_NEVER = not known */
	char **nodes;               /* that have ranks, in Slurm's order; [nnodes] */
	uint32_t nnodes;
	uint32_t *placement; /* rank -> index in nodes, or NULL: not known */
	struct traffic *traffic;
};

/* Read all of the run directory PATH; its traffic is that of the instrument FROM (mpi, verbs,
 * replay), NULL: the first there is.  Returns 0, or -1 with ERR written; DATA owns all it has.
 */
int rundata_read(struct rundata *data, const char *path, const char *from, struct err *err);
void rundata_release(struct rundata *data);

/* The nodes as one host list "a,b,c"; to be freed, NULL with errno or when there
 * are none.
 */
char *rundata_node_list(const struct rundata *data);

#endif
