/* SPDX-License-Identifier: Apache-2.0 */
/* cluster.h - a sweep as an array job of Slurm */
#ifndef NETEMU_SIM_CLUSTER_H
#define NETEMU_SIM_CLUSTER_H

#include "scenario.h"

#define CLUSTER_SCRIPT "sweep.sbatch" /* in the output folder */
#define CLUSTER_TASKS  1000           /* of the array, at most */

/* Write the script that runs SCENARIO in parts, each with WORKERS processes, and
 * give it to sbatch with OPTIONS (words; NULL: none) before it.  What sbatch says
 * goes to standard output.  Returns the exit status, or -1 with ERR written.
 */
int cluster_submit(const struct scenario *scenario, unsigned int workers, const char *options,
		   struct err *err);

#endif
