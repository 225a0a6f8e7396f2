/* SPDX-License-Identifier: Apache-2.0 */
/* histogram.h - how a quantity is distributed, in little memory
 *
 * Values below 128 are counted exactly; above, each power of two has 128 buckets of
 * one width (as HdrHistogram by Tene).  A percentile is the middle of the bucket
 * that holds it: wrong by at most 1/256 of the value.  An empty one takes no memory,
 * and 1 KiB for each power of two that it has met.
 */
#ifndef NETEMU_HISTOGRAM_H
#define NETEMU_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS    7
#define HISTOGRAM_BUCKETS (1 << HISTOGRAM_BITS)
#define HISTOGRAM_OCTAVES (64 - HISTOGRAM_BITS + 1)

struct histogram { /* all zeros: empty */
	uint64_t count, min, max;
	double sum;
	uint64_t *octave[HISTOGRAM_OCTAVES]; /* owned; NULL = none of its buckets is used */
};

void histogram_release(struct histogram *histogram);

/* Count VALUE; COUNT values like VALUE; all of OTHER.  Returns 0, or -1 with errno. */
int histogram_add(struct histogram *histogram, uint64_t value);
int histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count);
int histogram_merge(struct histogram *histogram, const struct histogram *other);

/* The smallest value such that PERCENT (0 to 100) of all are not greater; exactly the
 * minimum and the maximum at both ends.  0 when it is empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);
double histogram_mean(const struct histogram *histogram);

/* Each value to SEE, ascending, and how often it was counted, as near as it is known; counted
 * again they are the same histogram, but for its mean.
 */
void histogram_each(const struct histogram *histogram,
		    void (*see)(void *arg, uint64_t value, uint64_t count), void *arg);

#endif
