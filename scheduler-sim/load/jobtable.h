/* SPDX-License-Identifier: Apache-2.0 */
/* jobtable.h - what became of each job: jobs.csv, read back and compared
 *
 * `netemu sim run` writes such tables; of their columns id, source, outcome,
 * wait and run are looked at, in any order, times in seconds.
 */
#ifndef NETEMU_JOBTABLE_H
#define NETEMU_JOBTABLE_H

#include "err.h"
#include "policy.h"

#include <jansson.h>
#include <stdio.h>

struct jobrow {
	uint64_t id;
	uint64_t source;   /* of the workload; 0 when the file has none */
	size_t row;        /* of the file, from 0 */
	int64_t wait, run; /* ns; NETEMU_NEVER: not known */
	char outcome[16];  /* "" when not known */
};

struct jobtable {
	struct jobrow *row; /* ascending by source, id, row; owned */
	size_t count, room;
};

/* Read TEXT (SIZE bytes) of the file NAME.  Returns 0, or -1 with ERR written:
 * "NAME:LINE: ...".
 */
int jobtable_parse(struct jobtable *table, const char *text, size_t size, const char *name,
		   struct err *err);
void jobtable_release(struct jobtable *table);

/* A job in both tables (same source and id; of several the k-th), or in one. */
struct jobmatch {
	const struct jobrow *a, *b;
};

struct jobdiff {
	struct jobmatch *match; /* owned; ascending */
	size_t count;
	struct jobmatch
		*change; /* those that are not the same, by the change of wait + run; owned */
	size_t changed, only_a, only_b;
	double wait[2], run[2]; /* s, of all jobs */
	double ratio; /* sum of |a - b| of wait and run / (wait + run) of A; infinite from nothing
		       */
};

/* A and B must outlive DIFF.  Returns 0, or -1 with errno ENOMEM. */
int jobdiff_make(struct jobdiff *diff, const struct jobtable *a, const struct jobtable *b);
void jobdiff_release(struct jobdiff *diff);
void jobdiff_text(const struct jobdiff *diff, size_t top, FILE *out);
void jobdiff_tsv(const struct jobdiff *diff, FILE *out);
json_t *jobdiff_json(const struct jobdiff *diff, size_t top);

/* "1.5" seconds as ns, exact.  Returns 0, or -1 with errno EINVAL or ERANGE. */
int jobtable_seconds(const char *text, int64_t *ns);

#endif
