/* SPDX-License-Identifier: Apache-2.0 */
/* unit-record.c - room for records, with a signal handler between any two instructions that
 * records something, too
 */
#define _GNU_SOURCE
#include "counts.h"
#include "record.h"
#include "session.h"
#include "steplib.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define RING (16 * VRING_EXTENT_SIZE)
#define MARK 0x5a5a5a5aU /* in each record that is kept */

/* Of other modules, which this one needs nothing of. */
bool session_start(void)
{
	return true;
}

void counts_clear(struct counts *counts)
{
	(void)counts;
}

static struct ringfile *file; /* of the test that runs */
static uint64_t given;        /* records that were to be kept */

static void fill(struct vring_record *room, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		memset(&room[i], 0, sizeof(room[i]));
		room[i].duration = MARK;
	}
}

static void put(uint32_t count)
{
	struct vring_record *room = record_room(count);

	given += count;
	if (!room)
		return;
	fill(room, count);
	record_keep(count);
}

static void put_one(void)
{
	put(1);
}

static void put_three(void)
{
	put(3);
}

static void put_device(void)
{
	struct series *series = &record_here.self->device;
	struct vring_record *room = record_enter(series, 1);

	given++;
	if (!room)
		return;
	fill(room, 1);
	record_leave(series, 1);
}

static void put_call(void)
{
	struct vring_record call;

	fill(&call, 1);
	given++;
	record_put(VRING_CALLS, &call, 1);
}

static void fill_extent(void)
{
	for (int i = 0; i < VRING_RECORDS; i++)
		put(1);
}

/* --- a file --- */

static int set_up(void **state, uint64_t ring)
{
	struct vring_header header = { .magic = VRING_MAGIC, .version = VRING_VERSION };
	char path[] = "/tmp/unit-record.XXXXXX";
	struct err err;

	(void)state;
	close(mkstemp(path));
	unlink(path);
	record_forget();
	ticks_init();
	header.first = header.last = ticks_anchor();
	file = calloc(1, sizeof(*file));
	if (!file || ringfile_create(file, path, &header, ring, &err) < 0)
		return -1;
	given = 0;
	record_mode = RECORD_ALL;
	return record_start(file, ring, 1);
}

static int set_up_ring(void **state)
{
	return set_up(state, RING);
}

static int set_up_stream(void **state)
{
	return set_up(state, 0);
}

static int tear_down(void **state)
{
	(void)state;
	record_stop();
	unlink(file->path);
	free(file);
	return 0;
}

/* Records in the file.  All of them are whole, and none is outside its extent. */
static uint64_t kept(void)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC);
	const char *data = mmap(NULL, file->size, PROT_READ, MAP_SHARED, fd, 0);
	uint64_t count = 0;

	assert_true(data != MAP_FAILED);
	close(fd);
	for (uint64_t at = VRING_HEADER_SIZE; at < file->size; at += VRING_EXTENT_SIZE) {
		const struct vring_extent *extent = (const struct vring_extent *)(data + at);
		const struct vring_record *record = (const struct vring_record *)(extent + 1);

		assert_in_range(extent->kind, VRING_FREE, VRING_KINDS - 1);
		assert_in_range(extent->used, 0, VRING_RECORDS);
		assert_true(extent->kind != VRING_FREE || !extent->used);
		for (uint32_t i = 0; i < extent->used; i++)
			assert_int_equal(record[i].duration, MARK);
		count += extent->used;
	}
	munmap((void *)data, file->size);
	return count;
}

/* Every record that was to be kept is there, gave room, or found none. */
static void check_all(void)
{
	assert_int_equal(kept() + file->header->overwritten + file->header->lost, given);
}

/* Till so many fit into its newest extent. */
static void leave_room(const struct series *series, void (*put_into)(void), long left)
{
	do
		put_into();
	while (series->end - series->next != left);
}

static void need_steps(void)
{
	put_one();
	if (!steps_work(put_one))
		skip();
}

/* --- cases --- */

static void with_handler(void (*what)(void), void (*act)(void))
{
	bool more = true;

	for (long left = 0; left < 4; left++)
		for (long at = 1; more || at == 1; at = step_next(at)) {
			const struct recorder *self = record_here.self;

			leave_room(&self->data, put_one, left);
			leave_room(&self->device, put_device, left);
			more = step(what, at, act);
			assert_in_range(self->data.end - self->data.next, 0, VRING_RECORDS);
			assert_in_range(self->device.end - self->device.next, 0, VRING_RECORDS);
			assert_false(record_here.busy);
		}
	check_all();
}

static void a_handler_takes_the_last_room_of_a_request(void **state)
{
	(void)state;
	need_steps();
	with_handler(put_one, put_one);
	with_handler(put_one, put_three);
}

static void a_handler_takes_the_last_room_of_several_records(void **state)
{
	(void)state;
	need_steps();
	with_handler(put_three, put_one);
}

static void a_handler_takes_the_last_room_of_what_a_device_says(void **state)
{
	(void)state;
	need_steps();
	with_handler(put_device, put_device);
	with_handler(put_call, put_device);
}

static void a_handler_is_told_that_its_thread_is_busy(void **state)
{
	uint64_t lost = file->header->lost;

	(void)state;
	need_steps();
	for (long at = 1; step(put_one, at, put_one); at = step_next(at))
		continue;
	assert_true(file->header->lost > lost);
	check_all();
}

static void empty_poll(void)
{
	record_empty();
}

static void a_handler_fills_an_extent_amid_an_empty_poll(void **state)
{
	uint64_t polls = 0;

	(void)state;
	need_steps();
	for (int i = 0; i < 40; i++) /* the file grows by several at a time then */
		fill_extent();
	do
		polls++;
	while (step(empty_poll, (long)polls, fill_extent));
	assert_int_equal(record_here.self->empty, polls);
	check_all();
}

static void *begin_thread(void *arg)
{
	long at = *(long *)arg;

	*(bool *)arg = step(put_one, at, put_one);
	assert_non_null(record_here.self);
	return NULL;
}

static void a_handler_begins_with_its_thread(void **state)
{
	(void)state;
	need_steps();
	for (long at = 1; at < 400; at = step_next(at)) {
		pthread_t thread;
		long arg = at;

		assert_int_equal(pthread_create(&thread, NULL, begin_thread, &arg), 0);
		pthread_join(thread, NULL);
	}
	check_all();
}

static void room_ends_with_the_extent(void **state)
{
	(void)state;
	for (long left = 0; left < 5; left++) {
		put_one();
		leave_room(&record_here.self->data, put_one, left);
		put_three();
		put(VRING_RECORDS);
		put(VRING_RECORDS + 1); /* finds none */
	}
	assert_int_equal(file->header->lost, 5 * (VRING_RECORDS + 1));
	check_all();
}

int main(void)
{
#define CASE(name, begin) cmocka_unit_test_setup_teardown(name, begin, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_handler_takes_the_last_room_of_a_request, set_up_ring),
		CASE(a_handler_takes_the_last_room_of_several_records, set_up_ring),
		CASE(a_handler_takes_the_last_room_of_what_a_device_says, set_up_ring),
		CASE(a_handler_is_told_that_its_thread_is_busy, set_up_ring),
		CASE(a_handler_fills_an_extent_amid_an_empty_poll, set_up_stream),
		CASE(a_handler_begins_with_its_thread, set_up_ring),
		CASE(room_ends_with_the_extent, set_up_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
