/* SPDX-License-Identifier: Apache-2.0 */
/* hotjobs.h - which operations of a recorded job heat which links
 *
 * Of the first jobs whose traffic is known by operation: the links that carry
 * most when the job is alone on the network, on the hosts and with the
 * placement that it had, under the routing in force.
 */
#ifndef NETEMU_SIM_HOTJOBS_H
#define NETEMU_SIM_HOTJOBS_H

#include "report.h"

#include <jansson.h>

/* *JSON: a list of them.  Returns 0, or -1 with ERR written. */
int hotjobs_json(const struct report *report, json_t **json, struct err *err);

#endif
