/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.h - the files that a sub-scenario reads, with their checksums */
#ifndef NETEMU_SIM_INPUTS_H
#define NETEMU_SIM_INPUTS_H

#include "report.h"

/* Checksums that are known already. */
struct inputs_known {
	struct report_input *file; /* owned */
	size_t count;
};

struct inputs {
	struct report_input *file; /* in the order of the scenario, each once; owned */
	size_t count;
};

/* Find the files that SUB names: topology, traces, logs, run directories.  Returns
 * 0, or -1 with ERR written: a file that cannot be read.
 */
int inputs_find(struct inputs *inputs, const struct scenario *scenario,
		const struct scenario_case *sub, struct inputs_known *known, struct err *err);
void inputs_release(struct inputs *inputs);
void inputs_forget(struct inputs_known *known);

/* Of the version, SUB, its seed and INPUTS. */
int inputs_digest(const struct inputs *inputs, const struct scenario *scenario,
		  const struct scenario_case *sub, char digest[SHA256_TEXT], struct err *err);

#endif
