/* SPDX-License-Identifier: Apache-2.0 */
/* linktables.h - what the links of a simulation carried: links.tsv
 *
 * The table of load/linkwrite.h with the peaks, and the means over time behind.
 */
#ifndef NETEMU_SIM_LINKTABLES_H
#define NETEMU_SIM_LINKTABLES_H

#include "report.h"

/* Returns 0, or -1 with ERR written. */
int linktables_write(const struct report *report, struct err *err);

#endif
