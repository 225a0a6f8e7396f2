/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Octave 0 has the values below 128, octave k those from 64 * 2^k on: the first of their
 * bits is known, the next seven are the bucket, k - 1 are dropped.
 */
static unsigned octave_of(uint64_t value)
{
	return value < HISTOGRAM_BUCKETS ? 0
					 : 64 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
}

static unsigned bucket_of(uint64_t value, unsigned octave)
{
	return octave ? (unsigned)(value >> (octave - 1)) & (HISTOGRAM_BUCKETS - 1)
		      : (unsigned)value;
}

static uint64_t middle_of(unsigned octave, unsigned bucket)
{
	uint64_t width;

	if (!octave)
		return bucket;
	width = UINT64_C(1) << (octave - 1);
	return (((uint64_t)HISTOGRAM_BUCKETS | bucket) << (octave - 1)) + width / 2;
}

static uint64_t *buckets(struct histogram *histogram, unsigned octave)
{
	if (!histogram->octave[octave])
		histogram->octave[octave] = calloc(HISTOGRAM_BUCKETS, sizeof(uint64_t));
	return histogram->octave[octave];
}

void histogram_release(struct histogram *histogram)
{
	for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++)
		free(histogram->octave[i]);
	*histogram = (struct histogram){ 0 };
}

static void widen(struct histogram *histogram, uint64_t min, uint64_t max)
{
	if (!histogram->count || min < histogram->min)
		histogram->min = min;
	if (!histogram->count || max > histogram->max)
		histogram->max = max;
}

int histogram_add_many(struct histogram *histogram, uint64_t value, uint64_t count)
{
	unsigned octave = octave_of(value);
	uint64_t *bucket = count ? buckets(histogram, octave) : NULL;

	if (!bucket)
		return count ? -1 : 0;
	bucket[bucket_of(value, octave)] += count;
	widen(histogram, value, value);
	histogram->count += count;
	histogram->sum += (double)value * (double)count;
	return 0;
}

int histogram_add(struct histogram *histogram, uint64_t value)
{
	return histogram_add_many(histogram, value, 1);
}

int histogram_merge(struct histogram *histogram, const struct histogram *other)
{
	uint64_t *bucket;

	if (!other->count)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++) {
		if (!other->octave[i])
			continue;
		bucket = buckets(histogram, i);
		if (!bucket)
			return -1;
		for (unsigned k = 0; k < HISTOGRAM_BUCKETS; k++)
			bucket[k] += other->octave[i][k];
	}
	widen(histogram, other->min, other->max);
	histogram->count += other->count;
	histogram->sum += other->sum;
	return 0;
}

static uint64_t within(const struct histogram *histogram, uint64_t value)
{
	if (value < histogram->min)
		return histogram->min;
	return value > histogram->max ? histogram->max : value;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	/* 7 of 100 is the 7th: what is an integer but for its last bits is one */
	double place = percent * (double)histogram->count / 100 * (1 - 1e-12);
	uint64_t rank = (uint64_t)ceil(place), seen = 0;

	if (rank <= 1)
		return histogram->min;
	if (rank >= histogram->count)
		return histogram->max;
	for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++) {
		for (unsigned k = 0; histogram->octave[i] && k < HISTOGRAM_BUCKETS; k++) {
			seen += histogram->octave[i][k];
			if (seen >= rank)
				return within(histogram, middle_of(i, k));
		}
	}
	return histogram->max;
}

/* A bucket of which the least and the greatest value are known exactly. */
struct rest {
	uint64_t count;
	bool least, greatest; /* still in it */
};

static void see_bucket(const struct histogram *histogram, uint64_t value, struct rest *rest,
		       void (*see)(void *arg, uint64_t value, uint64_t count), void *arg)
{
	if (rest->least) {
		see(arg, histogram->min, 1);
		rest->count--;
	}
	if (rest->greatest && rest->count)
		rest->count--;
	else
		rest->greatest = false;
	if (rest->count)
		see(arg, within(histogram, value), rest->count);
	if (rest->greatest)
		see(arg, histogram->max, 1);
}

void histogram_each(const struct histogram *histogram,
		    void (*see)(void *arg, uint64_t value, uint64_t count), void *arg)
{
	unsigned first = octave_of(histogram->min), last = octave_of(histogram->max);
	unsigned low = bucket_of(histogram->min, first), high = bucket_of(histogram->max, last);

	for (unsigned i = 0; i < HISTOGRAM_OCTAVES; i++) {
		for (unsigned k = 0; histogram->octave[i] && k < HISTOGRAM_BUCKETS; k++) {
			struct rest rest = {
				.count = histogram->octave[i][k],
				.least = i == first && k == low,
				.greatest = i == last && k == high,
			};

			if (rest.count)
				see_bucket(histogram, middle_of(i, k), &rest, see, arg);
		}
	}
}

double histogram_mean(const struct histogram *histogram)
{
	return histogram->count ? histogram->sum / (double)histogram->count : 0;
}
