/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - the links with their loads as GraphML */
#ifndef NETEMU_SIM_SNAPSHOT_H
#define NETEMU_SIM_SNAPSHOT_H

#include "recorder.h"

/* Write what LINKS carry into DIR/loads-<seconds>.graphml, for the time AT (ns).
 * Returns 0, or -1 with ERR written.
 */
int snapshot_write(const struct topology *topology, const struct recorder_link *links,
		   const char *dir, int64_t at, struct err *err);

#endif
