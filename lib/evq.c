/* SPDX-License-Identifier: Apache-2.0 */
#include "evq.h"

#include <errno.h>
#include <stdlib.h>

void evq_init(struct evq *q)
{
	*q = (struct evq){ .now = INT64_MIN };
}

void evq_release(struct evq *q)
{
	free(q->heap);
	evq_init(q);
}

static inline bool is_before(const struct evq_node *a, const struct evq_node *b)
{
	if (a->time != b->time)
		return a->time < b->time;
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->order < b->order;
}

static inline void put(struct evq *q, struct evq_node *node, size_t place)
{
	q->heap[place] = node;
	node->place = place;
}

/* Let NODE rise from PLACE, which is free, to where it belongs. */
static void sift_up(struct evq *q, struct evq_node *node, size_t place)
{
	while (place > 1 && is_before(node, q->heap[place / 2])) {
		put(q, q->heap[place / 2], place);
		place /= 2;
	}
	put(q, node, place);
}

static void sift_down(struct evq *q, struct evq_node *node, size_t place)
{
	size_t child;

	while ((child = 2 * place) <= q->count) {
		if (child < q->count && is_before(q->heap[child + 1], q->heap[child]))
			child++;
		if (is_before(node, q->heap[child]))
			break;
		put(q, q->heap[child], place);
		place = child;
	}
	put(q, node, place);
}

static int reserve(struct evq *q)
{
	size_t room = q->room ? 2 * q->room : 64;
	struct evq_node **heap;

	if (q->count + 1 < q->room)
		return 0;
	heap = reallocarray(q->heap, room, sizeof(struct evq_node *));
	if (!heap)
		return -1;
	q->heap = heap;
	q->room = room;
	return 0;
}

int evq_add(struct evq *q, struct evq_node *node, int64_t time, uint8_t priority)
{
	if (node->place || time < q->now) {
		errno = node->place ? EBUSY : EINVAL;
		return -1;
	}
	if (reserve(q) < 0)
		return -1;
	node->time = time;
	node->priority = priority;
	node->order = q->added++;
	sift_up(q, node, ++q->count);
	return 0;
}

void evq_remove(struct evq *q, struct evq_node *node)
{
	size_t place = node->place;
	struct evq_node *last;

	if (!place)
		return;
	node->place = 0;
	last = q->heap[q->count--];
	if (last == node)
		return;
	if (place > 1 && is_before(last, q->heap[place / 2]))
		sift_up(q, last, place);
	else
		sift_down(q, last, place);
}

struct evq_node *evq_peek(const struct evq *q)
{
	return q->count ? q->heap[1] : NULL;
}

struct evq_node *evq_next(struct evq *q)
{
	struct evq_node *node = evq_peek(q);

	if (!node)
		return NULL;
	evq_remove(q, node);
	q->now = node->time;
	return node;
}
