/* SPDX-License-Identifier: Apache-2.0 */
/* series.h - a number over simulated time: its CSV file and its statistics
 *
 * A value holds until the next one.  The file has each value with the time from
 * which it held; statistics weigh it by how long.
 */
#ifndef NETEMU_SIM_SERIES_H
#define NETEMU_SIM_SERIES_H

#include "outfile.h"
#include "stats.h"

#include <stdbool.h>

/* How long a value held in all. */
struct series_span {
	double value, weight; /* s */
};

struct series {
	struct outfile file;
	struct stats stats;
	double value;
	int64_t since;             /* ns */
	bool begun, whole;         /* `whole`: values are integers */
	struct series_span *spans; /* sorted by value, each once, up to `sorted`; owned */
	size_t sorted, count, room;
};

/* A header and rows into PATH.  Returns 0, or -1 with ERR written. */
int series_open(struct series *series, const char *path, bool whole, struct err *err);
void series_release(struct series *series); /* what was not committed is removed */

/* VALUE holds from TIME (ns) on.  Returns 0, or -1 with errno ENOMEM. */
int series_put(struct series *series, int64_t time, double value);

/* Nothing comes after TIME.  Returns 0, or -1 with ERR written. */
int series_finish(struct series *series, int64_t time, struct err *err);

/* The least value that was not exceeded for PERCENT of the time, NaN when there
 * was no time.  After series_finish().
 */
double series_percentile(const struct series *series, double percent);

/* NS in seconds, exactly: "12.5", "0.0". */
void series_put_seconds(FILE *out, int64_t ns);

#endif
