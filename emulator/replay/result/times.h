/* SPDX-License-Identifier: Apache-2.0 */
/* times.h - how long the same thing took, again and again
 *
 * The first TIMES_FEW are kept as they are; when there are more, a histogram takes all of them
 * over, whose percentiles are right to 1/256.
 */
#ifndef RESULT_TIMES_H
#define RESULT_TIMES_H

#include "histogram.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define TIMES_FEW 4096

struct times { /* all zeros: none */
	uint64_t count;
	double sum;   /* ns */
	int64_t *few; /* ns, [count] while there are few, ascending after times_sort(); owned */
	size_t room;
	struct histogram many;
};

void times_release(struct times *times);
int times_add(struct times *times, int64_t ns); /* -1 with errno */
void times_sort(struct times *times);

/* ns, of sorted ones; of few interpolated between neighbours. */
double times_percentile(const struct times *times, double percent);
double times_mean(const struct times *times); /* 0 without any */

/* As they travel; NULL without memory, and -1 of what cannot be. */
json_t *times_pack(const struct times *times);
int times_unpack(struct times *times, json_t *root);

#endif
