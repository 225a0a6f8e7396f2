/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/runclock.h"
#include "rundir.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET_MAX 1e18 /* 31 years: no clock is that wrong */

/* "clock": an object by node, or an array of objects with "node". */
struct run_clock {
	json_t *run; /* all of the file */
	json_t *clock;
};

struct run_clock *run_clock_read(const char *path)
{
	struct run_clock *clock;
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s/" RUNDIR_RUN, path) >= (int)sizeof(name))
		return NULL;
	clock = calloc(1, sizeof(*clock));
	if (!clock)
		return NULL;
	clock->run = json_load_file(name, 0, NULL);
	clock->clock = json_object_get(clock->run, "clock");
	if (clock->clock)
		return clock;
	run_clock_free(clock);
	return NULL;
}

void run_clock_free(struct run_clock *clock)
{
	if (!clock)
		return;
	json_decref(clock->run);
	free(clock);
}

static const json_t *entry(const json_t *clock, const char *node)
{
	const json_t *row;
	size_t i;

	if (!json_is_array(clock))
		return json_object_get(clock, node);
	json_array_foreach((json_t *)clock, i, row)
	{
		const char *name = json_string_value(json_object_get(row, "node"));

		if (name && !strcmp(name, node))
			return row;
	}
	return NULL;
}

/* What KEY says, or 0. */
static double number(const json_t *row, const char *key)
{
	return json_number_value(json_object_get(row, key));
}

int64_t run_clock_offset(const struct run_clock *clock, const char *node, int64_t begin,
			 int64_t end, int64_t *uncertainty)
{
	const json_t *found = clock ? entry(clock->clock, node) : NULL;
	double half = ((double)end - (double)begin) / 2, away = 0, offset, sure;

	*uncertainty = -1;
	if (json_object_get(found, "at"))
		away = (double)begin + half - number(found, "at") * 1e9;
	offset = number(found, "offset") + away * number(found, "drift");
	if (!(fabs(offset) < OFFSET_MAX))
		return 0;
	sure = number(found, "uncertainty") + half * fabs(number(found, "drift")) +
	       fabs(away) * number(found, "drift_uncertainty");
	if (json_object_get(found, "uncertainty") && sure >= 0 && sure < OFFSET_MAX)
		*uncertainty = (int64_t)sure;
	return (int64_t)offset;
}
