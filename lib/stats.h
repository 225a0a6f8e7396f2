/* SPDX-License-Identifier: Apache-2.0 */
/* stats.h - what a series of numbers says
 *
 * Samples count each value once; a series weighs a value by how long it held.
 * Both by Welford's method (Technometrics 4(3), 1962; West 1979 for weights).
 */
#ifndef NETEMU_STATS_H
#define NETEMU_STATS_H

#include <stddef.h>
#include <stdint.h>

struct stats {
	uint64_t count;
	double weight; /* sum of weights */
	double min, max;
	double mean, m2;
};

void stats_init(struct stats *stats);
void stats_add(struct stats *stats, double value);
void stats_add_weighted(struct stats *stats, double value, double weight);
double stats_variance(const struct stats *stats);          /* n - 1; 0 for fewer than 2 */
double stats_variance_weighted(const struct stats *stats); /* by the sum of weights */

/* Value at PERCENT (0..100) of the COUNT sorted VALUES, interpolated between
 * neighbours (Hyndman and Fan, type 7).  NaN without values.
 */
double stats_percentile(const double *values, size_t count, double percent);

/* Half width of the 95 % confidence interval of the mean of COUNT samples with
 * VARIANCE (Student's t); 0 for fewer than 2.
 */
double stats_confidence(uint64_t count, double variance);

/* VALUE as the shortest decimal text that reads back equal, in the form of
 * Python's repr() ("1e+16", "0.1", "5928262656.0").  BUF of at least 32 bytes.
 * Returns BUF.
 */
char *stats_repr(char *buf, size_t size, double value);

#endif
