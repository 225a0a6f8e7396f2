/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h - an overview for people and for programs
 *
 * netemu-trace(1) documents the columns; their names are the same in all forms.
 */
#ifndef TRACE_SUMMARY_H
#define TRACE_SUMMARY_H

#include "trace/overview.h"

#include <stdio.h>

#define SUMMARY_VERSION 1

/* What stands in a row besides its label. */
struct summary_column {
	const char *name;
	bool fraction; /* not an integer */
	double (*value)(const struct account *account);
};

/* All of them; ends with a NULL name. */
extern const struct summary_column summary_columns[];

/* By its name; NULL when there is none. */
const struct summary_column *summary_column(const char *name);

/* Rows by COLUMN, the largest first; NULL: by their labels. */
void summary_sort(struct overview *overview, const struct summary_column *column);

/* NAME is of the run; the TOP first rows are written, 0 = all.  Errors of OUT are the
 * caller's to see.
 */
void summary_text(const struct overview *overview, const struct trace_run *run, size_t top,
		  FILE *out);
void summary_tsv(const struct overview *overview, size_t top, FILE *out);
/* Returns 0, or -1 with errno. */
int summary_json(const struct overview *overview, const struct trace_run *run, size_t top,
		 FILE *out);

#endif
