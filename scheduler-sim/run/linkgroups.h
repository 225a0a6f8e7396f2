/* SPDX-License-Identifier: Apache-2.0 */
/* linkgroups.h - the loads of links by boundary and direction */
#ifndef NETEMU_SIM_LINKGROUPS_H
#define NETEMU_SIM_LINKGROUPS_H

#include "report.h"

#include <jansson.h>

/* The PEAKS of all links, or what they carried on average, with the imbalance of
 * each group; NULL with errno.
 */
json_t *linkgroups_json(const struct report *report, bool peaks);

#endif
