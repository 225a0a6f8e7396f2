/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - a simulation that has ended, for all that write files about it */
#ifndef NETEMU_SIM_REPORT_H
#define NETEMU_SIM_REPORT_H

#include "recorder.h"
#include "scenario.h"
#include "sha256.h"

#define REPORT_SUMMARY "summary.json"

struct report_input {
	char *path; /* as in the scenario; owned */
	char sum[SHA256_TEXT];
};

struct report {
	const struct scenario_case *sub;
	const char *scenario; /* its file name, without folders */
	const char *digest;   /* of all that the results follow from */
	const struct report_input *inputs;
	size_t ninputs;
	const struct topology *topology;
	const struct workload *workload;
	const struct sim *sim;
	const struct recorder *recorder; /* finished */
	const char *dir;
	const char *base; /* folder of relative paths, or NULL */
};

/* Open the file NAME in the folder DIR.  Returns 0, or -1 with ERR written. */
int report_open(const char *dir, struct outfile *file, const char *name, struct err *err);

#endif
