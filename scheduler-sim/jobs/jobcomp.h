/* SPDX-License-Identifier: Apache-2.0 */
/* jobcomp.h - jobs out of the file of Slurm's jobcomp/filetxt
 *
 * A line for each job that ended: KEY=VALUE between blanks, in an order that is
 * always the same; names and folders may have blanks in them.
 */
#ifndef NETEMU_JOBCOMP_H
#define NETEMU_JOBCOMP_H

#include "record.h"

/* Append the jobs in the file PATH as a source of their own; plain or
 * compressed.  A requeued job is one job for each time it ran.  Returns 0, or
 * -1 with ERR written: "file:line: ...".
 */
int jobcomp_read(struct workload *workload, const char *path, const struct workload_ask *ask,
		 struct err *err);

/* The same for SIZE bytes of DATA, said to be the file NAME. */
int jobcomp_parse(struct workload *workload, const char *data, size_t size, const char *name,
		  const struct workload_ask *ask, struct err *err);

#endif
