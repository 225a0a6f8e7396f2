/* SPDX-License-Identifier: Apache-2.0 */
#include "evq.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static void takes_in_order_of_time(void **state)
{
	struct evq_node nodes[5] = { 0 };
	const int64_t times[] = { 30, -10, 20, 0, INT64_MAX };
	const size_t order[] = { 1, 3, 2, 0, 4 };
	struct evq q;

	(void)state;
	evq_init(&q);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(evq_add(&q, &nodes[i], times[i], 0), 0);
	for (size_t i = 0; i < 5; i++) {
		assert_ptr_equal(evq_peek(&q), &nodes[order[i]]);
		assert_ptr_equal(evq_next(&q), &nodes[order[i]]);
		assert_int_equal(q.now, times[order[i]]);
	}
	assert_null(evq_peek(&q));
	assert_null(evq_next(&q));
	evq_release(&q);
}

static void keeps_the_order_of_equal_times(void **state)
{
	struct evq_node nodes[100] = { 0 };
	struct evq q;

	(void)state;
	evq_init(&q);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(evq_add(&q, &nodes[i], 7, 1), 0);
	for (size_t i = 0; i < 100; i++)
		assert_ptr_equal(evq_next(&q), &nodes[i]);
	evq_release(&q);
}

static void takes_smaller_classes_first(void **state)
{
	struct evq_node nodes[3] = { 0 };
	struct evq q;

	(void)state;
	evq_init(&q);
	evq_add(&q, &nodes[0], 5, 2);
	evq_add(&q, &nodes[1], 5, 1);
	evq_add(&q, &nodes[2], 5, 0);
	assert_ptr_equal(evq_next(&q), &nodes[2]);
	assert_ptr_equal(evq_next(&q), &nodes[1]);
	assert_ptr_equal(evq_next(&q), &nodes[0]);
	evq_release(&q);
}

static void refuses_the_past_and_a_queued_node(void **state)
{
	struct evq_node nodes[2] = { 0 };
	struct evq q;

	(void)state;
	evq_init(&q);
	assert_int_equal(evq_add(&q, &nodes[0], 5, 0), 0);
	assert_int_equal(evq_add(&q, &nodes[0], 6, 0), -1);
	assert_int_equal(errno, EBUSY);
	evq_next(&q);
	assert_int_equal(evq_add(&q, &nodes[1], 4, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(evq_add(&q, &nodes[1], 5, 0), 0);
	evq_release(&q);
}

static void removes_what_is_queued_only(void **state)
{
	struct evq_node nodes[3] = { 0 };
	struct evq q;

	(void)state;
	evq_init(&q);
	for (int i = 0; i < 3; i++)
		evq_add(&q, &nodes[i], i, 0);
	evq_remove(&q, &nodes[0]);
	evq_remove(&q, &nodes[0]);
	evq_remove(&q, &nodes[2]);
	assert_int_equal(q.count, 1);
	assert_ptr_equal(evq_next(&q), &nodes[1]);
	evq_remove(&q, &nodes[1]);
	assert_int_equal(q.count, 0);
	evq_release(&q);
}

/* --- a random run beside a list that is searched from end to end --- */

#define NODES 200

struct item {
	struct evq_node node;
	bool queued;
	int64_t time;
	uint8_t priority;
	unsigned long added;
};

static struct item *first_of(struct item *items)
{
	struct item *best = NULL;

	for (struct item *item = items; item < items + NODES; item++)
		if (item->queued &&
		    (!best || item->time < best->time ||
		     (item->time == best->time && item->priority < best->priority) ||
		     (item->time == best->time && item->priority == best->priority &&
		      item->added < best->added)))
			best = item;
	return best;
}

static void step(struct evq *q, struct item *items, unsigned long added, int64_t *now)
{
	struct item *item = &items[rand() % NODES];
	struct item *first = first_of(items);

	switch (rand() % 5) {
	case 0:
	case 1:
		item->time = item->queued ? item->time : *now + rand() % 10;
		item->priority = item->queued ? item->priority : (uint8_t)(rand() % 3);
		assert_int_equal(evq_add(q, &item->node, item->time, item->priority),
				 item->queued ? -1 : 0);
		item->added = item->queued ? item->added : added;
		item->queued = true;
		break;
	case 2:
		evq_remove(q, &item->node);
		item->queued = false;
		break;
	case 3:
		assert_ptr_equal(evq_next(q), first ? &first->node : NULL);
		if (first) {
			first->queued = false;
			*now = first->time;
		}
		break;
	default:
		assert_ptr_equal(evq_peek(q), first ? &first->node : NULL);
	}
}

static void does_as_the_plainest_model(void **state)
{
	struct item items[NODES] = { 0 };
	int64_t now = 0;
	struct evq q;

	(void)state;
	srand(1);
	evq_init(&q);
	for (unsigned long i = 0; i < 100000; i++)
		step(&q, items, i, &now);
	evq_release(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_in_order_of_time),
		cmocka_unit_test(keeps_the_order_of_equal_times),
		cmocka_unit_test(takes_smaller_classes_first),
		cmocka_unit_test(refuses_the_past_and_a_queued_node),
		cmocka_unit_test(removes_what_is_queued_only),
		cmocka_unit_test(does_as_the_plainest_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
