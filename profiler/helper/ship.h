/* SPDX-License-Identifier: Apache-2.0 */
/* ship.h - this node's part of a run, when srun cannot see it
 *
 * Asks the collector in srun (lib/gather.h) whether it sees the directory; if
 * it does not, the files of this node are sent to where the run should be.
 */
#ifndef NETPROF_SHIP_H
#define NETPROF_SHIP_H

#include "inbox.h"
#include "roster.h"

#include <stdbool.h>

/* Whether srun sees the node file NODE in the run directory, or there is none to be asked. */
bool ship_is_shared(const struct inbox *inbox, const struct roster_world *world, const char *node);

/* NODE is the name of the node file, written into the run directory or
 * (IN_SPARE) into the world's spare one.  LOG is the name of the node's log;
 * it says where the part lies when it could not be sent.  What was sent from
 * the spare directory is removed there.
 */
void ship_world(const struct inbox *inbox, struct roster_world *world, const char *node,
		bool in_spare, const char *log);

#endif
