/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/waiting.h"

#include <stdlib.h>

#define NAMELESS (1ULL << 63) /* in place of a wr_id, beside the number of the queue */

void waiting_release(struct waiting_list *list)
{
	waiting_free(list->spare);
	hash_release(&list->ids);
	*list = (struct waiting_list){ 0 };
}

void waiting_free(struct waiting *first)
{
	struct waiting *next;

	for (; first; first = next) {
		next = first->next;
		free(first);
	}
}

struct waiting *waiting_first(const struct waiting_list *list, const struct waiting_queue *queue,
			      uint64_t wr_id)
{
	return hash_get(&list->ids, queue->number, wr_id);
}

struct waiting *waiting_nameless(const struct waiting_list *list, const struct waiting_queue *queue)
{
	return hash_get(&list->ids, queue->number | NAMELESS, 0);
}

static struct waiting *first_like(const struct waiting_list *list, const struct waiting *waiting)
{
	return waiting->nameless ? waiting_nameless(list, waiting->queue)
				 : waiting_first(list, waiting->queue, waiting->work.wr_id);
}

static int set_first(struct waiting_list *list, const struct waiting *waiting,
		     struct waiting *first)
{
	uint64_t queue = waiting->queue->number;

	if (waiting->nameless)
		return hash_put(&list->ids, queue | NAMELESS, 0, first);
	return hash_put(&list->ids, queue, waiting->work.wr_id, first);
}

static void set_none(struct waiting_list *list, const struct waiting *waiting)
{
	if (waiting->nameless)
		hash_remove(&list->ids, waiting->queue->number | NAMELESS, 0);
	else
		hash_remove(&list->ids, waiting->queue->number, waiting->work.wr_id);
}

static int link_same(struct waiting_list *list, struct waiting *waiting)
{
	struct waiting *first = first_like(list, waiting);

	waiting->same_next = NULL;
	waiting->same_before = waiting;
	if (!first)
		return set_first(list, waiting, waiting);
	waiting->same_before = first->same_before;
	first->same_before->same_next = waiting;
	first->same_before = waiting;
	return 0;
}

static void unlink_same(struct waiting_list *list, struct waiting *waiting)
{
	struct waiting *first = first_like(list, waiting), *next = waiting->same_next;

	if (waiting != first) {
		waiting->same_before->same_next = next;
		*(next ? &next->same_before : &first->same_before) = waiting->same_before;
	} else if (next) {
		next->same_before = waiting->same_before;
		(void)set_first(list, waiting, next);
	} else {
		set_none(list, waiting);
	}
}

int waiting_add(struct waiting_list *list, struct waiting_queue *queue, const struct work *work,
		bool nameless)
{
	struct waiting *waiting = list->spare;

	if (waiting)
		list->spare = waiting->next;
	else if (!(waiting = malloc(sizeof(*waiting))))
		return -1;
	*waiting = (struct waiting){
		.work = *work,
		.queue = queue,
		.before = queue->last,
		.nameless = nameless,
	};
	if (link_same(list, waiting) < 0) {
		free(waiting);
		return -1;
	}
	*(queue->last ? &queue->last->next : &queue->first) = waiting;
	queue->last = waiting;
	queue->count++;
	return 0;
}

void waiting_remove(struct waiting_list *list, struct waiting *waiting)
{
	struct waiting_queue *queue = waiting->queue;

	unlink_same(list, waiting);
	*(waiting->before ? &waiting->before->next : &queue->first) = waiting->next;
	*(waiting->next ? &waiting->next->before : &queue->last) = waiting->before;
	queue->count--;
	waiting->next = list->spare;
	list->spare = waiting;
}
