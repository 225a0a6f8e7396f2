/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h - read back what report_write_summary() wrote
 *
 * What pictures need of it: times of ranks and of collectives, measured and, where there is one,
 * predicted.  Anything may stand in the file: what is missing, of another type or negative is
 * an error that names its place.
 */
#ifndef RESULT_SUMMARY_H
#define RESULT_SUMMARY_H

#include "err.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct summary_rank {
	uint32_t rank;
	double finish, cpu, compute, communication; /* ns */
};

struct summary_collective {
	const char *name; /* in the summary */
	uint32_t ranks;
	uint64_t bytes;
	double p50, p99;     /* ns */
	double algbw, busbw; /* byte/s */
};

struct summary_part {
	struct summary_rank *ranks; /* owned, as the following; by rank */
	size_t nranks;
	struct summary_collective *collectives; /* by name, ranks, bytes */
	size_t ncollectives;
};

enum summary_side { SUMMARY_MEASURED, SUMMARY_PREDICTED, SUMMARY_SIDES };

struct summary {
	char *path;                              /* owned */
	struct summary_part part[SUMMARY_SIDES]; /* that of a prediction is empty without one */
	json_t *root;                            /* owned */
};

/* Read PATH, or replay/summary.json of the run directory PATH.  Returns 0, or -1 with ERR. */
int summary_read(struct summary *summary, const char *path, struct err *err);
/* The same of TEXT, which is called PATH in sentences. */
int summary_parse(struct summary *summary, const char *path, const char *text, size_t size,
		  struct err *err);
void summary_free(struct summary *summary);

#endif
