/* SPDX-License-Identifier: Apache-2.0 */
/* runs.h - jobs out of what netprof recorded
 *
 * A run directory (netemu-run(5)) is a job: its matrix from mpi/, its nodes and
 * which rank was on which from node-*.json, its times from run.json (without
 * one, from the rank files).  The first run of a Slurm job was submitted when
 * the job was; a later one of the same job comes when it really began.
 */
#ifndef NETEMU_RUNS_H
#define NETEMU_RUNS_H

#include "record.h"

/* Append the runs that PATTERN means as a source of their own: a run
 * directory, a folder of them, a job id, or a glob of any.  A run that cannot
 * be read is counted as WORKLOAD_BROKEN when there are others.  Returns 0, or -1
 * with ERR written: none there, or none that can be read.
 */
int runs_read(struct workload *workload, const char *pattern, const struct workload_ask *ask,
	      struct err *err);

struct runs_report {
	size_t runs;      /* that can be read */
	size_t joined;    /* jobs that got the matrix of one */
	size_t broken;    /* that cannot be read */
	size_t strange;   /* runs of no job in the accounting */
	char reason[256]; /* why the first broken one cannot be read */
};

/* Give the jobs of SOURCE (from accounting) the matrices of the runs that PATTERN
 * means: those of the same job id, or array and task, and of the same cluster
 * where both say which.  Of several runs in a job the longest one stands for it
 * (equal ones: the first begun).  The job keeps its times and nodes and gets the
 * run's ranks; where the run had ranks on all of its nodes, also their
 * placement.  Before workload_settle().  Returns 0, or -1 with ERR written.
 */
int runs_join(struct workload *workload, unsigned int source, const char *pattern,
	      struct runs_report *report, struct err *err);

#endif
