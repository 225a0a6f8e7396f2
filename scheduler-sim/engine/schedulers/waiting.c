/* SPDX-License-Identifier: Apache-2.0 */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* jobs in a block, blocks in a block of blocks */

/* The class of a number of hosts. */
static int size_of(uint32_t hosts)
{
	int size = hosts <= 1 ? 0 : 32 - __builtin_clz(hosts - 1);

	return size < WAITING_SIZES ? size : WAITING_SIZES - 1;
}

static void clear(struct waiting_least *least)
{
	memset(least->hosts, 0xff, sizeof(least->hosts));
}

void waiting_release(struct waiting *waiting)
{
	free(waiting->item);
	free(waiting->least);
	free(waiting->leasts);
	*waiting = (struct waiting){ 0 };
}

static void lessen(struct waiting_least *least, int size, uint32_t hosts, int64_t time)
{
	if (least->hosts[size] == UINT32_MAX || time < least->time[size])
		least->time[size] = time;
	if (hosts < least->hosts[size])
		least->hosts[size] = hosts;
}

static void note_item(struct waiting_least *least, const struct waiting_item *item)
{
	lessen(least, size_of(item->hosts), item->hosts, item->time);
}

static void merge(struct waiting_least *least, const struct waiting_least *other)
{
	for (int size = 0; size < WAITING_SIZES; size++)
		if (other->hosts[size] != UINT32_MAX)
			lessen(least, size, other->hosts[size], other->time[size]);
}

/* A new job at PLACE. */
static void note(struct waiting *waiting, size_t place)
{
	const struct waiting_item *item = &waiting->item[place];
	size_t block = place / BLOCK;

	if (place % BLOCK == 0)
		clear(&waiting->least[block]);
	if (place % (BLOCK * BLOCK) == 0)
		clear(&waiting->leasts[block / BLOCK]);
	if (!item->job)
		return;
	note_item(&waiting->least[block], item);
	note_item(&waiting->leasts[block / BLOCK], item);
}

/* Close the gaps. */
static void tidy(struct waiting *waiting)
{
	size_t n = 0;

	for (size_t i = 0; i < waiting->count; i++)
		if (waiting->item[i].job)
			waiting->item[n++] = waiting->item[i];
	waiting->count = n;
	waiting->first = 0;
	waiting->gone = 0;
	for (size_t i = 0; i < n; i++)
		note(waiting, i);
}

static int grow(struct waiting *waiting)
{
	size_t room = 2 * waiting->room + BLOCK * BLOCK;
	void *item = reallocarray(waiting->item, room, sizeof(*waiting->item));
	void *least, *leasts;

	if (!item)
		return -1;
	waiting->item = item;
	least = reallocarray(waiting->least, room / BLOCK + 1, sizeof(*waiting->least));
	if (!least)
		return -1;
	waiting->least = least;
	leasts = reallocarray(waiting->leasts, room / BLOCK / BLOCK + 1, sizeof(*waiting->leasts));
	if (!leasts)
		return -1;
	waiting->leasts = leasts;
	waiting->room = room;
	return 0;
}

int waiting_add(struct waiting *waiting, struct netemu_job *job)
{
	if (waiting->gone > 2 * BLOCK && waiting->gone > waiting->count / 2)
		tidy(waiting);
	if (waiting->count == waiting->room && grow(waiting) < 0)
		return -1;
	waiting->item[waiting->count] = (struct waiting_item){
		.job = job,
		.time = netemu_job_end_from(job, 0),
		.hosts = job->shares ? 0 : job->nodes,
	};
	note(waiting, waiting->count++);
	return 0;
}

void waiting_remove(struct waiting *waiting, size_t place)
{
	size_t block = place / BLOCK, blocks = block / BLOCK * BLOCK;

	waiting->item[place].job = NULL;
	waiting->gone++;
	clear(&waiting->least[block]);
	for (size_t i = block * BLOCK; i < (block + 1) * BLOCK && i < waiting->count; i++)
		if (waiting->item[i].job)
			note_item(&waiting->least[block], &waiting->item[i]);
	clear(&waiting->leasts[block / BLOCK]);
	for (size_t i = blocks; i < blocks + BLOCK && i * BLOCK < waiting->count; i++)
		merge(&waiting->leasts[block / BLOCK], &waiting->least[i]);
}

static bool is_like(int64_t time, uint32_t hosts, const struct waiting_wanted *wanted)
{
	return !wanted || (hosts <= wanted->hosts && time <= wanted->time) ||
	       hosts <= wanted->beside;
}

/* May there be one in what has LEAST?  Of an empty block no. */
static bool may_have(const struct waiting_least *least, const struct waiting_wanted *wanted)
{
	for (int size = 0; size < WAITING_SIZES; size++) {
		if (least->hosts[size] == UINT32_MAX)
			continue;
		if (is_like(least->time[size], least->hosts[size], wanted))
			return true;
		if (least->hosts[size] > wanted->hosts)
			return false;
	}
	return false;
}

size_t waiting_find(const struct waiting *waiting, size_t place, size_t end,
		    const struct waiting_wanted *wanted)
{
	if (end > waiting->count)
		end = waiting->count;
	while (place < end) {
		const struct waiting_item *item = &waiting->item[place];

		if (place % (BLOCK * BLOCK) == 0 &&
		    !may_have(&waiting->leasts[place / BLOCK / BLOCK], wanted)) {
			place += BLOCK * BLOCK;
			continue;
		}
		if (place % BLOCK == 0 && !may_have(&waiting->least[place / BLOCK], wanted)) {
			place += BLOCK;
			continue;
		}
		if (item->job && is_like(item->time, item->hosts, wanted))
			return place;
		place++;
	}
	return end;
}

size_t waiting_first(struct waiting *waiting)
{
	waiting->first = waiting_find(waiting, waiting->first, waiting->count, NULL);
	return waiting->first;
}
