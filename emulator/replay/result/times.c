/* SPDX-License-Identifier: Apache-2.0 */
#include "result/times.h"

#include <stdlib.h>

void times_release(struct times *times)
{
	free(times->few);
	histogram_release(&times->many);
	*times = (struct times){ 0 };
}

static int add_many(struct times *times, int64_t ns, uint64_t count)
{
	return histogram_add_many(&times->many, ns > 0 ? (uint64_t)ns : 0, count);
}

/* From here on the histogram has them. */
static int fold(struct times *times)
{
	for (uint64_t i = 0; times->few && i < times->count; i++)
		if (add_many(times, times->few[i], 1) < 0)
			return -1;
	free(times->few);
	times->few = NULL;
	return 0;
}

static int add_few(struct times *times, int64_t ns)
{
	size_t room = times->room ? 2 * times->room : 8;
	int64_t *few;

	if (times->count == times->room) {
		few = reallocarray(times->few, room, sizeof(*few));
		if (!few)
			return -1;
		times->few = few;
		times->room = room;
	}
	times->few[times->count] = ns;
	return 0;
}

int times_add(struct times *times, int64_t ns)
{
	if (times->count == TIMES_FEW && times->few && fold(times) < 0)
		return -1;
	if ((times->count < TIMES_FEW && !times->many.count ? add_few(times, ns)
							    : add_many(times, ns, 1)) < 0)
		return -1;
	times->count++;
	times->sum += (double)ns;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

void times_sort(struct times *times)
{
	if (times->few)
		qsort(times->few, times->count, sizeof(*times->few), compare);
}

/* As stats_percentile(), of integers. */
double times_percentile(const struct times *times, double percent)
{
	double place = percent / 100 * ((double)times->count - 1), part;
	size_t below;

	if (!times->few)
		return (double)histogram_percentile(&times->many, percent);
	below = (size_t)place;
	part = place - (double)below;
	if (below + 1 >= times->count)
		return (double)times->few[times->count - 1];
	return (double)times->few[below] * (1 - part) + (double)times->few[below + 1] * part;
}

double times_mean(const struct times *times)
{
	return times->count ? times->sum / (double)times->count : 0;
}

/* ---- travelling ---- */

static void pack_value(void *arg, uint64_t value, uint64_t count)
{
	json_array_append_new(arg, json_pack("[I,I]", (json_int_t)value, (json_int_t)count));
}

/* [sum, [each ...], [[value, count] ...]]: few or many. */
json_t *times_pack(const struct times *times)
{
	json_t *few = json_array(), *many = json_array();

	for (uint64_t i = 0; times->few && i < times->count; i++)
		json_array_append_new(few, json_integer(times->few[i]));
	histogram_each(&times->many, pack_value, many);
	return json_pack("[f,o,o]", times->sum, few, many);
}

static int unpack_many(struct times *times, json_t *many)
{
	json_int_t value, count;
	json_t *one;
	size_t i;

	if (times->few && fold(times) < 0)
		return -1;
	json_array_foreach(many, i, one)
	{
		if (json_unpack(one, "[I,I]", &value, &count) < 0 || value < 0 || count < 0 ||
		    add_many(times, value, (uint64_t)count) < 0)
			return -1;
		times->count += (uint64_t)count;
	}
	return 0;
}

int times_unpack(struct times *times, json_t *root)
{
	json_t *few, *many, *one;
	double before = times->sum, sum;
	size_t i;

	if (json_unpack(root, "[F,o,o]", &sum, &few, &many) < 0)
		return -1;
	json_array_foreach(few, i, one)
	{
		if (!json_is_integer(one) || times_add(times, json_integer_value(one)) < 0)
			return -1;
	}
	if (json_array_size(many) && unpack_many(times, many) < 0)
		return -1;
	times->sum = before + sum;
	return 0;
}
