/* SPDX-License-Identifier: Apache-2.0 */
/* unit-request.c - the table of requests beside a list */
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct ompi ompi;

void comm_ref(struct comm *comm)
{
	comm->references++;
}

void comm_unref(struct comm *comm)
{
	comm->references--;
}

#define HANDLES 700
#define STEPS   300000

/* What the list says of each handle. */
static struct {
	bool there;
	struct request request;
} list[HANDLES];
static struct comm comms[4];
static int expected_references[4];

/* As an allocator hands them out: near each other, in steps of a line. */
static const void *handle_of(int i)
{
	return (const void *)(uintptr_t)(0x7f0000001000ull + 64 * (unsigned)i);
}

static int comm_index(const struct comm *comm)
{
	return comm ? (int)(comm - comms) : -1;
}

static void reference(const struct comm *comm, int by)
{
	if (comm)
		expected_references[comm_index(comm)] += by;
}

static void forget(int i)
{
	if (list[i].there)
		reference(list[i].request.comm, -1);
	list[i].there = false;
}

static void enter(int i)
{
	struct request request = {
		.handle = handle_of(i),
		.kind = REQUEST_RECEIVE,
		.peer = (uint32_t)rand(),
		.bytes = (uint64_t)rand(),
		.comm = rand() % 3 ? NULL : &comms[rand() % 4],
		.flags = rand() % 4 ? REQUEST_ACTIVE : REQUEST_PERSISTENT,
	};

	request_enter(&request);
	forget(i);
	reference(request.comm, 1);
	list[i].there = true;
	list[i].request = request;
}

static void take(int i, bool give_back)
{
	struct request taken;
	bool active = list[i].there && list[i].request.flags & REQUEST_ACTIVE;

	assert_int_equal(request_take(handle_of(i), &taken), active);
	if (!active)
		return;
	assert_memory_equal(&taken, &list[i].request, sizeof(taken));
	if (give_back) {
		request_return(&taken);
		return;
	}
	if (taken.comm)
		comm_unref(taken.comm);
	if (taken.flags & REQUEST_PERSISTENT) {
		list[i].request.flags &= (uint16_t)~REQUEST_ACTIVE;
	} else {
		forget(i);
	}
}

static void start(int i, int now)
{
	struct request started;
	bool persistent = list[i].there && list[i].request.flags & REQUEST_PERSISTENT;

	assert_int_equal(request_start(handle_of(i), handle_of(now), 5, &started), persistent);
	if (!persistent)
		return;
	list[i].request.flags |= REQUEST_ACTIVE;
	list[i].request.handle = handle_of(now);
	if (now != i) {
		struct request moved = list[i].request;

		list[i].there = false;
		forget(now);
		list[now].there = true;
		list[now].request = moved;
	}
	assert_memory_equal(&started, &list[now].request, sizeof(started));
}

static void check_all(void)
{
	struct request seen;
	size_t count = 0;

	for (int i = 0; i < HANDLES; i++) {
		assert_int_equal(request_peek(handle_of(i), &seen), list[i].there);
		if (list[i].there)
			assert_memory_equal(&seen, &list[i].request, sizeof(seen));
		count += list[i].there;
	}
	assert_int_equal(request_table.count, count);
	assert_int_equal(request_any(), count != 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(comms[i].references, expected_references[i]);
}

static void random_steps(void)
{
	for (int step = 0; step < STEPS; step++) {
		int i = rand() % HANDLES;

		switch (rand() % 8) {
		case 0:
		case 1:
		case 2:
			enter(i);
			break;
		case 3:
		case 4:
			take(i, false);
			break;
		case 5:
			take(i, true);
			break;
		case 6:
			start(i, rand() % 10 ? i : rand() % HANDLES);
			break;
		case 7:
			request_forget(handle_of(i), RANKUNSEEN_FREED);
			forget(i);
			break;
		}
		if (step % 1000 == 0)
			check_all();
	}
	check_all();
	for (int i = 0; i < HANDLES; i++) {
		request_forget(handle_of(i), RANKUNSEEN_FREED);
		forget(i);
	}
	check_all();
}

static void is_what_a_list_says(void **state)
{
	(void)state;
	srand(1);
	random_steps();
}

static void is_the_same_with_threads(void **state)
{
	(void)state;
	ompi.threads = true;
	random_steps();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_a_list_says),
		cmocka_unit_test(is_the_same_with_threads),
	};
	struct counter_settings settings = { .clock = CLOCK_MONOTONIC };

	if (request_init() < 0 || counter_start(&settings) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
