/* SPDX-License-Identifier: Apache-2.0 */
/* closing.h - the one line srun says at the end of a profiled step */
#ifndef NETPROF_CLOSING_H
#define NETPROF_CLOSING_H

#include "err.h"

#include <stdio.h>

/* Write "netprof: RUNDIR: 16 ranks, 4 nodes, 1.23 GiB in 12,345 messages" and
 * what is missing to OUT.  Returns 0, or -1 with ERR written when there is no
 * rank in it.
 */
int closing_print(const char *rundir, FILE *out, struct err *err);

#endif
