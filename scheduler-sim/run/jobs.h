/* SPDX-License-Identifier: Apache-2.0 */
/* jobs.h - the jobs that the list `jobs:` of a scenario means */
#ifndef NETEMU_SIM_JOBS_H
#define NETEMU_SIM_JOBS_H

#include "jobs/workload.h"
#include "scenario.h"
#include "topology/topology.h"

/* Fill WORKLOAD (which jobs_read() begins) with the jobs of SUB, in order of
 * submission.  They follow from the list, the seed and the files only, so all
 * sub-scenarios that share these have the same jobs.  WARNING gets what a person
 * should know, or "".  Returns 0, or -1 with ERR written.
 */
int jobs_read(struct workload *workload, const struct scenario *scenario,
	      const struct scenario_case *sub, const struct topology *topology, struct err *warning,
	      struct err *err);

#endif
