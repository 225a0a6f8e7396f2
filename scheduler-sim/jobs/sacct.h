/* SPDX-License-Identifier: Apache-2.0 */
/* sacct.h - jobs out of what `sacct -P` printed
 *
 * A header row and rows of columns between '|', in any order; other columns
 * are passed over.  Needed are Submit, End or Elapsed (or ElapsedRaw), and a
 * count of nodes or CPUs (AllocNodes, NNodes, ReqNodes, AllocCPUS, NCPUS,
 * ReqCPUS, NTasks, in that order).  Used when they are there: JobIDRaw, JobID,
 * Start, Timelimit, TimelimitRaw, State, NodeList, JobName, Cluster, Priority,
 * AllocTRES, ReqTRES.  A '|' too many belongs to JobName when that is the only
 * column of free text, else to the last column.
 *
 * Steps are no jobs, but a job has as many ranks as the largest of its
 * numbered steps had tasks.  In a file that has nothing but steps, the numbered
 * ones are the jobs.  A requeued job is one job for each time it ran.
 */
#ifndef NETEMU_SACCT_H
#define NETEMU_SACCT_H

#include "record.h"

/* Append the jobs in the file PATH as a source of their own; plain or
 * compressed.  Returns 0, or -1 with ERR written: "file:line: ...".
 */
int sacct_read(struct workload *workload, const char *path, const struct workload_ask *ask,
	       struct err *err);

/* The same for SIZE bytes of DATA, said to be the file NAME. */
int sacct_parse(struct workload *workload, const char *data, size_t size, const char *name,
		const struct workload_ask *ask, struct err *err);

#endif
