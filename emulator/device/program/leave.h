/* SPDX-License-Identifier: Apache-2.0 */
/* leave.h - what a fabric leaves behind in a run directory (netemu-run(5)) */
#ifndef PROGRAM_LEAVE_H
#define PROGRAM_LEAVE_H

#include "device/fabric.h"

/* The run directory of JOB and STEP below DIR, in which %j, %s and %u are expanded, with
 * a device/ in it; made if need be.  JOB NULL: the first netemu.device<K> without one.
 * Returns 0, or -1 with ERR.
 */
int leave_directory(char *rundir, size_t size, const char *dir, const char *job, const char *step,
		    struct err *err);

/* Write device/links.tsv of FABRIC, which is joined, as it is now into the run
 * directory (leave_directory()).  What programs that have been killed had sent is
 * counted.  Returns 0, or -1 with ERR, and with a line in the directory's log when
 * there is one.
 */
int leave_links(struct fabric *fabric, const char *dir, const char *job, const char *step,
		struct err *err);

#endif
