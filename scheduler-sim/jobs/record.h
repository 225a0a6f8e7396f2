/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - a job as Slurm's accounting has it, and what a scenario adds
 *
 * What sacct.c and jobcomp.c read of a line, and the rules by which that
 * becomes a job, or none.
 */
#ifndef NETEMU_RECORD_H
#define NETEMU_RECORD_H

#include "workload.h"

/* What a scenario says of the jobs of a source. */
struct workload_ask {
	uint32_t ranks_per_node; /* 0: a rank for each CPU */
	int64_t limit;           /* ns, of jobs without one; 0: see below */
	bool resources;          /* cores, GPUs and memory count, not nodes alone */
	bool shares;             /* jobs may share hosts */
};

/* Texts are not owned and may be NULL. */
struct record {
	uint64_t id;
	uint32_t array_task; /* NETEMU_NONE */
	const char *name, *cluster, *state, *nodes_text, *tres;
	int64_t submit, start, end, elapsed; /* ns; NETEMU_NEVER = not known */
	int64_t limit;
	bool has_limit;
	bool open;                   /* it has no end yet */
	uint64_t nodes, cpus, tasks; /* 0 = not known */
	int64_t priority;
};

/* "123", "123_4", "123+1", "123_[1-5%2]", and "123.0", "123.batch" of a step.
 * *TASK is the task of the array or NETEMU_NONE; *STEP what follows the '.', or
 * NULL.  A part of a heterogeneous job has the id behind its leader's.  Returns
 * 0, or -1 when it is no job id.
 */
int record_id(const char *text, uint64_t *id, uint32_t *task, const char **step);

/* Append RECORD, or count why not.  The run time is elapsed, else end - start.
 * The limit is the one asked for, at least the run time (Slurm lets jobs run
 * over it); without limit in the record ask->limit, else the run time; a
 * record that says UNLIMITED or Partition_Limit has ask->limit, else none.
 * Returns 1 when it was added, 0 when not, -1 with errno ENOMEM.
 */
int record_add(struct workload *workload, const struct record *record,
	       const struct workload_ask *ask);

/* What TRES ("cpu=2,mem=2G,node=2,gres/gpu=4") says of KEY, in bytes or pieces;
 * 0 when nothing.
 */
uint64_t record_tres(const char *tres, const char *key);

#endif
