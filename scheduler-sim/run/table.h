/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - the results of a sweep side by side
 *
 * Read from the output folder alone (sweep.json and the summary.json of each
 * sub-scenario), so what a cluster computed is gathered in the same way.  One
 * row for each sub-scenario; with repetitions each measure is the mean over
 * them with the half width of its 95 % confidence interval beside it.
 */
#ifndef NETEMU_SIM_TABLE_H
#define NETEMU_SIM_TABLE_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table_axis {
	char *name;    /* last part of it: "router"; owned */
	char **values; /* [count]; owned */
	size_t count;
};

struct table_cell {
	uint32_t count;    /* repetitions that have it */
	double mean, half; /* half width */
};

struct table {
	char *scenario;          /* owned */
	char plots[4];           /* "svg", "png", "no" */
	struct table_axis *axes; /* that have more than one value; owned */
	size_t naxes;
	size_t cases;
	uint32_t repeat;
	struct table_cell *cells; /* [cases][table_measures]; owned */
	size_t missing;           /* summaries that are not there */
	char *first_missing;      /* folder, or NULL; owned */
};

struct table_measure {
	const char *name;    /* of the column */
	const char *path[4]; /* keys in summary.json */
	const char *title;   /* for plots */
};

extern const struct table_measure table_measures[];
extern const size_t table_nmeasures;

/* Read the results in the folder OUTPUT.  Returns 0, or -1 with ERR written; a
 * missing summary is no error.
 */
int table_read(struct table *table, const char *output, struct err *err);
void table_release(struct table *table);

/* Tab-separated, with a header. */
void table_tsv(const struct table *table, FILE *out);

/* In columns, for people; measures that no sub-scenario has are left out. */
void table_text(const struct table *table, FILE *out);

/* The value of AXIS at sub-scenario ID. */
const char *table_value(const struct table *table, size_t axis, size_t id);

/* Write table.tsv into OUTPUT.  Returns 0, or -1 with ERR written. */
int table_write(const char *output, struct table *table, struct err *err);

#endif
