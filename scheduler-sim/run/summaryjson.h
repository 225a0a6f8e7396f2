/* SPDX-License-Identifier: Apache-2.0 */
/* summaryjson.h - summary.json: what a simulation comes to
 *
 * Written last: who finds it finds all files of its folder.
 */
#ifndef NETEMU_SIM_SUMMARYJSON_H
#define NETEMU_SIM_SUMMARYJSON_H

#include "report.h"

/* Returns 0, or -1 with ERR written. */
int summaryjson_write(const struct report *report, struct err *err);

#endif
