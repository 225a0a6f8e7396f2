/* SPDX-License-Identifier: Apache-2.0 */
/* jobtables.h - the jobs of a simulation: jobs.csv and jobs.swf
 *
 * One row for each job; the second one in the Standard Workload Format.
 */
#ifndef NETEMU_SIM_JOBTABLES_H
#define NETEMU_SIM_JOBTABLES_H

#include "report.h"

/* Returns 0, or -1 with ERR written. */
int jobtables_write(const struct report *report, struct err *err);

#endif
