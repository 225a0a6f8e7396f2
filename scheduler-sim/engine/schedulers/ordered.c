/* SPDX-License-Identifier: Apache-2.0 */
#include "ordered.h"

#include <stdlib.h>

static bool is_before(const struct ordered_item *a, const struct ordered_item *b)
{
	return a->key < b->key || (a->key == b->key && a->came < b->came);
}

static int push(struct ordered *ordered, struct ordered_item item)
{
	size_t i = ordered->count;

	if (i == ordered->room) {
		size_t room = 2 * i + 64;
		struct ordered_item *heap = reallocarray(ordered->heap, room, sizeof(*heap));

		if (!heap)
			return -1;
		ordered->heap = heap;
		ordered->room = room;
	}
	for (; i > 0 && is_before(&item, &ordered->heap[(i - 1) / 2]); i = (i - 1) / 2)
		ordered->heap[i] = ordered->heap[(i - 1) / 2];
	ordered->heap[i] = item;
	ordered->count++;
	return 0;
}

static void pop(struct ordered *ordered)
{
	struct ordered_item item = ordered->heap[--ordered->count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < ordered->count) {
		if (child + 1 < ordered->count &&
		    is_before(&ordered->heap[child + 1], &ordered->heap[child]))
			child++;
		if (is_before(&item, &ordered->heap[child]))
			break;
		ordered->heap[i] = ordered->heap[child];
		i = child;
	}
	ordered->heap[i] = item;
}

int ordered_pass(struct ordered *ordered, struct netemu_cluster *cluster, ordered_key_fn *key,
		 void *arg)
{
	for (struct netemu_job *job = cluster->arrived; job; job = job->next) {
		struct ordered_item item = { key(arg, job), ordered->came++, job };

		if (push(ordered, item) < 0)
			return -1;
	}
	while (ordered->count > 0 && cluster->fits(cluster, ordered->heap[0].job)) {
		if (cluster->start(cluster, ordered->heap[0].job, NULL, 0) < 0)
			break;
		pop(ordered);
	}
	return 0;
}

void ordered_release(struct ordered *ordered)
{
	free(ordered->heap);
	*ordered = (struct ordered){ 0 };
}
