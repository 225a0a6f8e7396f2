/* SPDX-License-Identifier: Apache-2.0 */
/* export.h - JSON of the records of this node, at the end of a step
 *
 * One process of `netemu trace export` after the other, with the lowest priority and
 * within bounds: what they do not get done can be made at any later time.
 */
#ifndef NETTRACE_EXPORT_H
#define NETTRACE_EXPORT_H

#include "instrument.h"

#define EXPORT_BYTES (256ull << 20) /* of records of a node */
#define EXPORT_FILE  (4ull << 30)   /* of a file that is made */

/* As instrument.h says. */
void export_world(const struct inbox *inbox, struct roster_world *world, int64_t limit,
		  void (*relax)(void), const char *name);
bool export_is_made(const char *file);

/* Whether JSON of all the calls of RANK is in RUNDIR. */
bool export_is_there(const char *rundir, uint32_t rank);

#endif
