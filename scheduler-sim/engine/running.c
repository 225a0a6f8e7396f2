/* SPDX-License-Identifier: Apache-2.0 */
#include "engine.h"

#include <stdlib.h>

static bool is_before(const struct netemu_job *a, const struct netemu_job *b)
{
	int64_t left = netemu_job_end(a), right = netemu_job_end(b);

	if (left != right)
		return left < right;
	return ((const struct live *)a)->started < ((const struct live *)b)->started;
}

/* How many of them come before JOB. */
static size_t running_find(const struct running *running, const struct netemu_job *job)
{
	size_t low = 0, high = running->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(running->array[running->first + middle], job))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Have room for one more at both ends. */
static int running_reserve(struct running *running)
{
	size_t room = 2 * running->count + 64;
	struct netemu_job **array;

	if (running->first > 0 && running->first + running->count < running->room)
		return 0;
	array = calloc(room, sizeof(struct netemu_job *));
	if (!array)
		return -1;
	if (running->count)
		memcpy(array + room / 4, running->array + running->first,
		       running->count * sizeof(*array));
	free(running->array);
	*running = (struct running){ array, room / 4, running->count, room };
	return 0;
}

static void shift(struct running *running, size_t place, size_t count, int by)
{
	struct netemu_job **at = running->array + running->first + place;

	memmove(at + by, at, count * sizeof(*at));
}

int running_add(struct running *running, struct live *live)
{
	size_t place = running_find(running, &live->job);

	if (running_reserve(running) < 0)
		return -1;
	if (place < running->count / 2) {
		shift(running, 0, place, -1);
		running->first--;
	} else {
		shift(running, place, running->count - place, 1);
	}
	running->count++;
	running->array[running->first + place] = &live->job;
	return 0;
}

void running_remove(struct running *running, struct live *live)
{
	size_t place = running_find(running, &live->job);

	if (place < running->count / 2) {
		shift(running, 0, place, 1);
		running->first++;
	} else {
		shift(running, place + 1, running->count - place - 1, -1);
	}
	running->count--;
}
