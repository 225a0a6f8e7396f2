/* SPDX-License-Identifier: Apache-2.0 */
/* unit-reader.c - records of a file in order of time */
#include "ringlib.h"
#include "trace/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct ring ring;
static struct reader reader;
static struct err err;
static const char path[] = "unit-reader.bin";

static int set_up(void **state)
{
	(void)state;
	ring_init(&ring);
	err.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ring_release(&ring);
	unlink(path);
	return 0;
}

static void open_ring(void)
{
	ring_save(&ring, path);
	if (reader_open(&reader, path, &err) < 0)
		fail_msg("%s", err.text);
}

static void refuse(const char *why)
{
	assert_int_equal(reader_open(&reader, path, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
}

/* All wr_ids that come, the same in the order in which they were made. */
static size_t expect_in_order(size_t count)
{
	struct reader_event event;
	int64_t time = INT64_MIN;
	size_t at = 0;
	int rc;

	while ((rc = reader_next(&reader, &event, &err)) > 0) {
		const struct vring_send *send = (const struct vring_send *)event.record;

		assert_true(event.time >= time);
		time = event.time;
		assert_int_equal(send->wr_id, at++);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(at, count);
	return at;
}

static void test_threads_in_order(void **state)
{
	(void)state;
	ring.per_extent = 3;
	for (uint64_t i = 0; i < 500; i++)
		RING_PUT(&ring, i % 7 < 2 ? RING_THREAD : RING_OTHER, vring_send,
			 .call = VCALL_POST_SEND, .wr_id = i);
	open_ring();
	expect_in_order(500);
	assert_int_equal(reader.records, 500);
	reader_close(&reader);
}

/* Calls that several threads have made are recorded as they return. */
static void test_calls_are_sorted(void **state)
{
	(void)state;
	ring.per_extent = 4;
	for (uint64_t i = 0; i < 90; i++) {
		/* object stands where wr_id does not: a data record is easier to look at */
		uint64_t began = (i ^ 7) < 90 ? i ^ 7 : i;

		ring_put(&ring, RING_CALLS,
			 &(struct vring_send){ .call = VCALL_POST_SEND,
					       .time = RING_BEGIN + 100 * (began + 1),
					       .wr_id = began },
			 1);
	}
	open_ring();
	expect_in_order(90);
	reader_close(&reader);
}

/* More registrations than are sorted at once, that return in another order. */
static void test_many_registrations(void **state)
{
	(void)state;
	ring.per_extent = 4;
	for (uint64_t i = 0; i < 2000; i++)
		ring_put(&ring, RING_MEMORY,
			 &(struct vring_send){ .call = VCALL_POST_SEND,
					       .time = RING_BEGIN + 100 * ((i ^ 63) + 1),
					       .wr_id = i ^ 63 },
			 1);
	/* of the last ones there is no pair */
	ring.series[RING_MEMORY].count = 1984;
	open_ring();
	expect_in_order(1984);
	assert_int_equal(reader.done, 496 * VRING_EXTENT_SIZE);
	reader_close(&reader);
}

static void test_what_belongs_together(void **state)
{
	struct vring_record records[3] = { { .call = VCALL_POST_SEND } };
	struct reader_event event;

	(void)state;
	ring.per_extent = 4; /* the second request does not fit into the first extent */
	for (uint8_t i = 0; i < 2; i++) {
		records[2].rest[0] = i;
		ring_put(&ring, RING_THREAD, records, 3);
	}
	open_ring();
	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(reader_next(&reader, &event, &err), 1);
		assert_int_equal(event.record->more, 2);
		assert_int_equal(event.record[2].rest[0], i);
		assert_int_equal(event.thread, 100);
	}
	assert_int_equal(reader_next(&reader, &event, &err), 0);
	reader_close(&reader);
}

static void test_only_some_kinds(void **state)
{
	struct reader_event event;

	(void)state;
	RING_SEND(&ring, .qpn = 1);
	RING_CALL(&ring, ALLOC_PD, .object = 1);
	RING_MEM(&ring, REG_MR, .object = 2);
	ring_save(&ring, path);
	assert_int_equal(reader_open_kinds(&reader, path, 1U << VRING_CALLS, &err), 0);
	assert_int_equal(reader_next(&reader, &event, &err), 1);
	assert_int_equal(event.record->call, VCALL_ALLOC_PD);
	assert_int_equal(reader_next(&reader, &event, &err), 0);
	assert_int_equal(reader.records, 3);
	assert_int_equal(reader.done, VRING_EXTENT_SIZE);
	reader_close(&reader);
}

/* 2.5 GHz, counted from one anchor to the other. */
static void test_ticks(void **state)
{
	struct reader_event event;

	(void)state;
	ring.header.clock = VRING_TSC;
	ring.header.first = (struct vring_anchor){ 1ULL << 40, 5000, RING_REALTIME };
	ring.header.last = (struct vring_anchor){ (1ULL << 40) + 2500000000, 1000005000,
						  RING_REALTIME + 1000000000 };
	ring.series[RING_THREAD].first = 0;
	RING_PUT(&ring, RING_THREAD, vring_send, .call = VCALL_POST_SEND,
		 .time = (1ULL << 40) + 5000, .duration = 250);
	/* before the anchor: the call in which it was taken had begun */
	RING_CALL(&ring, ALLOC_PD, .time = (1ULL << 40) - 2500, .object = 1);
	open_ring();
	assert_int_equal(reader_next(&reader, &event, &err), 1);
	assert_int_equal(event.time, 4000);
	assert_int_equal(reader_next(&reader, &event, &err), 1);
	assert_int_equal(event.time, 7000);
	assert_int_equal(event.duration, 100);
	assert_int_equal(reader_realtime_offset(&reader), RING_REALTIME - 5000);
	reader_close(&reader);
}

/* A post without a duration was not timed, unless the file is of a time when all were. */
static void test_untimed(void **state)
{
	static const struct {
		uint32_t version, duration;
		enum vcall call;
		bool timed;
	} posts[] = {
		{ 2, 0, VCALL_POST_SEND, false }, { 2, 7, VCALL_POST_SEND, true },
		{ 2, 0, VCALL_POST_RECV, false }, { 2, 0, VCALL_POST_SRQ_RECV, false },
		{ 2, 0, VCALL_WR, false },        { 2, 9, VCALL_WR, true },
		{ 2, 0, VCALL_POLL_CQ, true },    { 1, 0, VCALL_POST_SEND, true },
	};
	struct reader_event event;

	(void)state;
	for (size_t i = 0; i < sizeof(posts) / sizeof(*posts); i++) {
		ring_release(&ring);
		ring_init(&ring);
		ring.header.version = posts[i].version;
		RING_PUT(&ring, RING_THREAD, vring_send, .call = (uint16_t)posts[i].call,
			 .duration = posts[i].duration);
		open_ring();
		assert_int_equal(reader_next(&reader, &event, &err), 1);
		assert_int_equal(event.timed, posts[i].timed);
		assert_int_equal(event.duration, posts[i].duration);
		reader_close(&reader);
	}
}

static void test_overwritten(void **state)
{
	struct reader_event event;

	(void)state;
	ring.header.overwritten = 4000;
	ring.series[RING_THREAD].first = 4000;
	ring.per_extent = 10;
	for (uint64_t i = 0; i < 100; i++)
		RING_SEND(&ring, .wr_id = i);
	open_ring();
	assert_int_equal(reader.dropped, 4000);
	expect_in_order(100);
	reader_close(&reader);
	open_ring();
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(reader_next(&reader, &event, &err), 1);
		assert_int_equal(event.gap, i == 0);
	}
	reader_close(&reader);
}

/* The process was killed while its last extent grew, or the disk was full. */
static void test_cut_off(void **state)
{
	(void)state;
	ring.per_extent = 10;
	for (uint64_t i = 0; i < 10; i++)
		RING_SEND(&ring, .wr_id = i);
	ring_save(&ring, path);
	assert_int_equal(truncate(path, VRING_HEADER_SIZE + VRING_EXTENT_SIZE + 5000), 0);
	assert_int_equal(reader_open(&reader, path, &err), 0);
	expect_in_order(10);
	reader_close(&reader);
	assert_int_equal(truncate(path, VRING_HEADER_SIZE), 0);
	assert_int_equal(reader_open(&reader, path, &err), 0);
	expect_in_order(0);
	reader_close(&reader);
	assert_int_equal(truncate(path, 100), 0);
	refuse("no file of records (100 bytes)");
}

static void patch(long at, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "r+b");

	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, size, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

static void test_what_is_wrong_is_said(void **state)
{
	static const struct {
		long at;
		uint32_t value;
		const char *why;
	} wrong[] = {
		{ 0, 0x20202020, "no file of records" },
		{ offsetof(struct vring_header, version), 0, "version 0 is not known" },
		{ offsetof(struct vring_header, version), VRING_VERSION + 1,
		  "version 3 is not known, only 1 to 2" },
		{ offsetof(struct vring_header, byte_order), 0x04030201, "another byte order" },
		{ VRING_HEADER_SIZE, 99, "byte 4096: not the beginning of an extent" },
		{ VRING_HEADER_SIZE + 4, VRING_RECORDS + 1,
		  "byte 4096: not the beginning of an extent" },
		/* call 0xffff, more 0xff */
		{ VRING_HEADER_SIZE + 64 + 12, 0xff00ffff, "byte 4160: not a record" },
		/* more than what is left in the extent */
		{ VRING_HEADER_SIZE + 64 + 12, 0x01000000 | VCALL_POST_SEND,
		  "byte 4160: not a record" },
	};

	(void)state;
	RING_SEND(&ring, .qpn = 1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		ring_save(&ring, path);
		patch(wrong[i].at, &wrong[i].value, sizeof(wrong[i].value));
		refuse(wrong[i].why);
	}
	unlink(path);
	refuse("No such file");
	assert_int_equal(reader_open(&reader, ".", &err), -1);
}

/* A later extent is looked at when its turn comes. */
static void test_wrong_in_the_middle(void **state)
{
	struct reader_event event;
	const uint16_t none = 0;

	(void)state;
	ring.per_extent = 1;
	RING_SEND(&ring, .wr_id = 0);
	RING_SEND(&ring, .wr_id = 1);
	ring_save(&ring, path);
	/* the second one lies before the first one */
	patch(VRING_HEADER_SIZE + 64 + 12, &none, sizeof(none));
	assert_int_equal(reader_open(&reader, path, &err), 0);
	assert_int_equal(reader_next(&reader, &event, &err), 1);
	assert_int_equal(reader_next(&reader, &event, &err), -1);
	assert_non_null(strstr(err.text, "byte 4160: not a record"));
	reader_close(&reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(threads_in_order),      TEST(calls_are_sorted), TEST(many_registrations),
		TEST(what_belongs_together), TEST(only_some_kinds),  TEST(ticks),
		TEST(overwritten),           TEST(cut_off),          TEST(what_is_wrong_is_said),
		TEST(wrong_in_the_middle),   TEST(untimed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
