/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct stage *stage;
int side;

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void need(bool is, const char *what)
{
	if (is)
		return;
	fprintf(stderr, "bench-device: %s: %s\n", what, strerror(errno));
	_exit(1);
}

void meet(void)
{
	static int meeting;

	meeting++;
	atomic_store(&stage->ready[side], meeting);
	while (atomic_load(&stage->ready[!side]) < meeting)
		clock_rest(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}
