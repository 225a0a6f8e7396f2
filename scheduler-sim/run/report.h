/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the files that a simulation leaves beside its series
 *
 *   jobs.csv       one row for each job
 *   jobs.swf       the same in the Standard Workload Format
 *   links.tsv      one row for each directed cable
 *   summary.json   what all of it comes to; written last: who finds it finds all
 */
#ifndef NETEMU_SIM_REPORT_H
#define NETEMU_SIM_REPORT_H

#include "recorder.h"
#include "scenario.h"
#include "sha256.h"

#include <jansson.h>

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

/* Write them all.  Returns 0, or -1 with ERR written. */
int report_write(const struct report *report, struct err *err);

/* jobs.csv and jobs.swf, see jobtables.c. */
int report_jobs_csv(const struct report *report, struct err *err);
int report_jobs_swf(const struct report *report, struct err *err);

/* links.tsv, see linktables.c. */
int report_links(const struct report *report, struct err *err);

/* The peaks of all links, or what they carried on average, by boundary and
 * direction with the imbalance of each group; NULL with errno.
 */
json_t *report_link_groups(const struct report *report, bool peaks);

/* The links that recorded jobs load most, with pairs and operations, see
 * hotjobs.c: *JSON.  Returns 0, or -1 with ERR written.
 */
int report_hot_jobs(const struct report *report, json_t **json, struct err *err);

/* Open NAME in the folder of REPORT. */
int report_open(const struct report *report, struct outfile *file, const char *name,
		struct err *err);

#endif
