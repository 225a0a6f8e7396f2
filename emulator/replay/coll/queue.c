/* SPDX-License-Identifier: Apache-2.0 */
/* When a chunk may begin its phase.
 *
 * Strict: all ranks start the chunks of a queue in one order, so that the first chunk that is
 * not through is next everywhere, and somebody always goes on.  The order is near to what
 * happens when nothing is late: first the first phase of all chunks, then phase p of the
 * g-th of the groups of chunks that move together by g + p, the older group first.
 * It is a part of an order of all phases of all chunks in which no phase is before the
 * one it follows.
 *
 * Otherwise: before the first that is not started and has a lower priority.
 */
#include "coll/work.h"

/* Chunks that move together: as many as may be started in a dimension. */
static uint32_t group_size(const struct work *work)
{
	return work->owner->active * work->owner->queues_per_dim;
}

/* The number of the chunk whose turn it is; not below chunks_count: there is none. */
static uint64_t turn_number(const struct work *work, const struct queue *queue)
{
	uint64_t group;

	if (queue->turn < work->chunks_count)
		return queue->turn;
	if (!queue->turn_phase)
		return work->chunks_count;
	group = queue->turn - work->chunks_count + 1 - queue->turn_phase;
	return group * group_size(work) + queue->turn_place;
}

/* Turn T < chunks: phase 0 of chunk T.  After these T counts g + p. */
static void turn_next(const struct work *work, struct queue *queue)
{
	bool first = queue->turn < work->chunks_count;

	if (!first && queue->turn_place + 1 < group_size(work) &&
	    turn_number(work, queue) + 1 < work->chunks_count) {
		queue->turn_place++;
		return;
	}
	queue->turn_place = 0;
	if (!first && queue->turn_phase > 1) {
		queue->turn_phase--;
		return;
	}
	queue->turn++;
	queue->turn_phase = 0;
	if (queue->turn >= work->chunks_count)
		queue->turn_phase = queue->turn - work->chunks_count + 1;
	if (queue->turn_phase >= work->phases_count)
		queue->turn_phase = work->phases_count - 1;
}

/* The chunk whose turn it is, NULL when there is none or it belongs elsewhere. */
static struct chunk *turn_chunk(struct work *work, struct queue *queue)
{
	uint64_t number = turn_number(work, queue);
	uint32_t index;
	bool backwards;

	if (number >= work->chunks_count)
		return NULL;
	index = phases_queue(work, (uint32_t)number, queue->turn_phase, &backwards);
	return &work->queues[index] == queue ? &work->chunks[number] : NULL;
}

static bool turns_over(const struct work *work, const struct queue *queue)
{
	return queue->turn >= 2 * work->chunks_count + work->phases_count;
}

/* The next to start, NULL when it is not there yet or there is none. */
static struct chunk *next_in_turn(struct work *work, struct queue *queue)
{
	struct chunk *chunk;

	while (!turns_over(work, queue)) {
		chunk = turn_chunk(work, queue);
		if (chunk && (chunk->phase != queue->turn_phase || !chunk->queue))
			return NULL;
		if (chunk)
			return chunk;
		turn_next(work, queue);
	}
	return NULL;
}

static struct chunk *next_by_priority(const struct queue *queue)
{
	struct chunk *chunk = queue->chunks;

	while (chunk && chunk->started)
		chunk = chunk->next;
	return chunk;
}

/* Those that are not started are by priority, so that most belong behind the last one. */
void queue_add(struct chunk *chunk)
{
	struct queue *queue = chunk->queue;
	struct chunk **at = &queue->chunks, *last = queue->last;

	if (last && !last->started && last->work->priority >= chunk->work->priority)
		at = &last->next;
	while (*at && ((*at)->started || (*at)->work->priority >= chunk->work->priority))
		at = &(*at)->next;
	chunk->next = *at;
	*at = chunk;
	if (!chunk->next)
		queue->last = chunk;
}

void queue_remove(struct chunk *chunk)
{
	struct queue *queue = chunk->queue;
	struct chunk **at = &queue->chunks, *before = NULL;

	while (*at != chunk) {
		before = *at;
		at = &before->next;
	}
	*at = chunk->next;
	if (queue->last == chunk)
		queue->last = before;
	if (chunk->started)
		queue->running--;
	chunk->queue = NULL;
	chunk->started = false;
}

void queue_serve(struct work *work, struct queue *queue, int64_t time)
{
	struct collectives *owner = work->owner;
	struct chunk *chunk;

	while (queue->running < owner->active) {
		chunk = owner->strict ? next_in_turn(work, queue) : next_by_priority(queue);
		if (!chunk)
			return;
		if (owner->strict)
			turn_next(work, queue);
		chunk->started = true;
		queue->running++;
		run_begin(chunk, time);
	}
}
