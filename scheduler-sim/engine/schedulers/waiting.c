/* SPDX-License-Identifier: Apache-2.0 */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 64 /* jobs in a block, blocks in a block of blocks */

static const struct waiting_least nothing = { INT64_MAX, UINT32_MAX };

void waiting_release(struct waiting *waiting)
{
	free(waiting->item);
	free(waiting->least);
	free(waiting->leasts);
	*waiting = (struct waiting){ 0 };
}

static void lessen(struct waiting_least *least, int64_t time, uint32_t hosts)
{
	if (time < least->time)
		least->time = time;
	if (hosts < least->hosts)
		least->hosts = hosts;
}

/* A new job at PLACE. */
static void note(struct waiting *waiting, size_t place)
{
	const struct waiting_item *item = &waiting->item[place];
	size_t block = place / BLOCK;

	if (place % BLOCK == 0)
		waiting->least[block] = nothing;
	if (place % (BLOCK * BLOCK) == 0)
		waiting->leasts[block / BLOCK] = nothing;
	if (!item->job)
		return;
	lessen(&waiting->least[block], item->time, item->hosts);
	lessen(&waiting->leasts[block / BLOCK], item->time, item->hosts);
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
	waiting->least[block] = nothing;
	for (size_t i = block * BLOCK; i < (block + 1) * BLOCK && i < waiting->count; i++)
		if (waiting->item[i].job)
			lessen(&waiting->least[block], waiting->item[i].time,
			       waiting->item[i].hosts);
	waiting->leasts[block / BLOCK] = nothing;
	for (size_t i = blocks; i < blocks + BLOCK && i * BLOCK < waiting->count; i++)
		lessen(&waiting->leasts[block / BLOCK], waiting->least[i].time,
		       waiting->least[i].hosts);
}

static bool is_like(int64_t time, uint32_t hosts, const struct waiting_wanted *wanted)
{
	return !wanted || (hosts <= wanted->hosts && time <= wanted->time) ||
	       hosts <= wanted->beside;
}

/* May there be one in what has LEAST?  Of an empty block no. */
static bool may_have(const struct waiting_least *least, const struct waiting_wanted *wanted)
{
	return least->hosts != UINT32_MAX && is_like(least->time, least->hosts, wanted);
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
