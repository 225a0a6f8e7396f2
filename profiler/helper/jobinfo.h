/* SPDX-License-Identifier: Apache-2.0 */
/* jobinfo.h - what slurmctld knows of a job
 *
 * Asked in a child with a bound on its time: slurmctld may be down, and
 * libslurm ends the process on some errors.
 */
#ifndef NETPROF_JOBINFO_H
#define NETPROF_JOBINFO_H

#include "err.h"

#include <jansson.h>
#include <stdint.h>

#define JOBINFO_SECONDS 8

/* Load LIBRARY (the libslurm of the slurmstepd that started us) and ask for
 * JOB.  Returns an object with those of run.json's keys that are known (a new
 * reference), or NULL with ERR written.
 */
json_t *jobinfo_load(const char *library, uint32_t job, struct err *err);

#endif
