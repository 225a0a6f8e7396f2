/* SPDX-License-Identifier: Apache-2.0 */
/* compat.h - a sub-scenario as PFSim runs it */
#ifndef NETEMU_SIM_COMPAT_H
#define NETEMU_SIM_COMPAT_H

#include "inputs.h"

/* Run SUB into the folder DIR and add a summary.json to PFSim's files, with what
 * result.txt has.  Refused where SUB has what PFSim has not.  Returns 0, or -1
 * with ERR written.
 */
int compat_run(const struct scenario *scenario, const struct scenario_case *sub,
	       const struct inputs *inputs, const char *digest, const char *dir, struct err *err);

#endif
