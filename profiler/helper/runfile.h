/* SPDX-License-Identifier: Apache-2.0 */
/* runfile.h - run.json: which job this was and how it was asked for
 *
 * Written by the helper of the node that has world rank 0; netemu-run(5) has
 * the format.
 */
#ifndef NETPROF_RUNFILE_H
#define NETPROF_RUNFILE_H

#include "err.h"
#include "inbox.h"
#include "roster.h"

#include <jansson.h>
#include <stdint.h>

/* Write that of WORLD into DIR.  JOB is jobinfo_load()'s, or NULL when Slurm
 * did not say; START and END are seconds since the epoch.  Returns 0, or -1
 * with ERR written.
 */
int runfile_write(const struct inbox *inbox, const struct roster_world *world, json_t *job,
		  const char *dir, int64_t start, int64_t end, struct err *err);

#endif
