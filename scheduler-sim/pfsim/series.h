/* SPDX-License-Identifier: Apache-2.0 */
/* series.h - samples and time series as PFSim keeps and prints them
 *
 * A time series takes several values at one time (the last one counts) and
 * stores a value when a later one comes, so the last is never stored.  Its
 * mean and variance are weighted by time, from time 0 on, where the value is
 * 0 before the first one.
 */
#ifndef NETEMU_PFSIM_SERIES_H
#define NETEMU_PFSIM_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pfsim_series {
	const char *name;
	bool timed;   /* weighted by time; else each value counts once */
	bool integer; /* printed without a point */
	bool store;
	double *values, *times; /* stored; owned */
	size_t count, room;
	double max, min, mean, m2; /* of the values */
	bool begun;
	double time, value; /* timed: the last ones, not stored yet */
	double time_mean, time_m2;
};

void pfsim_series_init(struct pfsim_series *series, const char *name, bool timed, bool integer,
		       bool store);
void pfsim_series_release(struct pfsim_series *series);

/* TIME is ignored for what is not timed.  Returns 0, or -1 with errno ENOMEM. */
int pfsim_series_add(struct pfsim_series *series, double time, double value);

/* NaN for fewer than two values. */
double pfsim_series_variance(const struct pfsim_series *series);

/* The table of result.txt, and NAME.csv. */
void pfsim_series_report(const struct pfsim_series *series, FILE *out);
void pfsim_series_csv(const struct pfsim_series *series, FILE *out);

/* A table with a frame: ROWS of two texts under "Item" and "Value". */
struct pfsim_row {
	const char *item;
	char value[256];
};

void pfsim_table(const struct pfsim_row *rows, size_t count, FILE *out);

#endif
