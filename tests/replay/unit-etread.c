/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/etread.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

/* A trace, put together by hand. */
struct bytes {
	uint8_t data[4096];
	size_t size;
};

static void put_varint(struct bytes *bytes, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		bytes->data[bytes->size++] = (uint8_t)(value | 0x80);
	bytes->data[bytes->size++] = (uint8_t)value;
}

static void put_number(struct bytes *bytes, unsigned field, uint64_t value)
{
	put_varint(bytes, field << 3);
	put_varint(bytes, value);
}

static void put_fixed(struct bytes *bytes, unsigned field, uint64_t value, unsigned size)
{
	put_varint(bytes, field << 3 | (size == 8 ? 1 : 5));
	for (unsigned i = 0; i < size; i++)
		bytes->data[bytes->size++] = (uint8_t)(value >> 8 * i);
}

static void put_bytes(struct bytes *bytes, unsigned field, const void *data, size_t size)
{
	put_varint(bytes, field << 3 | 2);
	put_varint(bytes, size);
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static void put_text(struct bytes *bytes, unsigned field, const char *text)
{
	put_bytes(bytes, field, text, strlen(text));
}

/* RECORD behind its length; an empty one is about the file. */
static void put_record(struct bytes *trace, const struct bytes *record)
{
	put_varint(trace, record->size);
	memcpy(trace->data + trace->size, record->data, record->size);
	trace->size += record->size;
}

static struct et_reader *open_bytes(const struct bytes *trace)
{
	struct err err = { "" };
	struct et_reader *reader = et_open_memory(trace->data, trace->size, "t.et", &err);

	if (!reader)
		fail_msg("%s", err.text);
	return reader;
}

static void next(struct et_reader *reader, struct et_node *node)
{
	struct err err = { "" };

	if (et_next(reader, node, NULL, &err) != 1)
		fail_msg("no node: %s", err.text);
}

/* ---- attributes ---- */

static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

/* Attribute NAME with VALUE as the member FIELD of its oneof. */
static void put_attribute(struct bytes *node, const char *name, unsigned field, int64_t value)
{
	struct bytes attribute = { .size = 0 };

	put_text(&attribute, 1, name);
	if (field == 15 || field == 17)
		put_number(&attribute, field, zigzag(value));
	else if (field == 19 || field == 23 || field == 5)
		put_fixed(&attribute, field, (uint64_t)value, 4);
	else if (field == 21 || field == 25 || field == 3)
		put_fixed(&attribute, field, (uint64_t)value, 8);
	else
		put_number(&attribute, field, (uint64_t)value);
	put_bytes(node, 10, attribute.data, attribute.size);
}

static void numbers_of_any_integer_kind(void **state)
{
	static const unsigned whole[] = { 7, 9, 11, 13, 15, 17, 19, 21, 23, 25 };

	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++) {
		struct bytes trace = { .size = 0 }, node = { .size = 0 };
		struct et_reader *reader;
		struct et_node got;

		put_number(&node, 1, 5);
		put_attribute(&node, "comm_size", whole[i], 123456789);
		put_attribute(&node, "comm_dst", whole[i], 3);
		put_attribute(&node, "is_cpu_op", whole[i], 1);
		put_attribute(&node, "pg_name", whole[i], 12);
		put_record(&trace, &(struct bytes){ .size = 0 });
		put_record(&trace, &node);
		reader = open_bytes(&trace);
		next(reader, &got);
		assert_int_equal(got.has, ET_HAS_SIZE | ET_HAS_TARGET | ET_HAS_CPU | ET_HAS_GROUP);
		assert_int_equal(got.comm_size, 123456789);
		assert_int_equal(got.comm_dst, 3);
		assert_true(got.is_cpu);
		assert_string_equal(got.group, "12");
		et_close(reader);
	}
}

static void no_fraction_is_a_number(void **state)
{
	struct bytes trace = { .size = 0 }, node = { .size = 0 };
	struct et_reader *reader;
	struct et_node got;

	(void)state;
	put_number(&node, 1, 5);
	put_attribute(&node, "comm_size", 3, 0x4059000000000000);
	put_attribute(&node, "num_ops", 5, 0x42c80000);
	put_record(&trace, &(struct bytes){ .size = 0 });
	put_record(&trace, &node);
	reader = open_bytes(&trace);
	next(reader, &got);
	assert_int_equal(got.has, 0);
	et_close(reader);
}

/* ---- schema 0.0.1 ---- */

static void numbers_of_the_first_schema(void **state)
{
	static const struct {
		uint32_t type, comm, expected_type, expected_comm;
	} cases[] = {
		{ 1, 0, ET_MEM_LOAD, 0 },
		{ 2, 0, ET_MEM_STORE, 0 },
		{ 3, 0, ET_COMP, 0 },
		{ 4, 0, ET_COMM_SEND, 0 },
		{ 5, 0, ET_COMM_RECV, 0 },
		{ 6, 1, ET_COMM_COLL, ET_ALL_REDUCE },
		{ 6, 2, ET_COMM_COLL, ET_ALL_TO_ALL },
		{ 6, 3, ET_COMM_COLL, ET_ALL_GATHER },
		{ 6, 4, ET_COMM_COLL, ET_REDUCE_SCATTER },
	};
	struct bytes trace = { .size = 0 };
	struct et_reader *reader;
	struct et_node got;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct bytes node = { .size = 0 };

		put_number(&node, 1, i + 1);
		put_number(&node, 3, cases[i].type);
		put_number(&node, 4, 7);
		put_number(&node, 7, 11);
		put_number(&node, 12, 1000);
		if (cases[i].comm)
			put_number(&node, 13, cases[i].comm);
		put_number(&node, 18, 4096);
		put_record(&trace, &node);
	}
	reader = open_bytes(&trace);
	assert_int_equal(et_form(reader), ET_FORM_PROTO1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		next(reader, &got);
		assert_int_equal(got.id, i + 1);
		assert_int_equal(got.type, cases[i].expected_type);
		assert_int_equal(got.data_count, 1);
		assert_int_equal(got.data_deps[0], 7);
		assert_int_equal(got.duration_us, 11);
		assert_int_equal(got.num_ops, 1000);
		assert_int_equal(got.comm_size, 4096);
		assert_true(!(got.has & ET_HAS_COMM) == !cases[i].comm);
		if (cases[i].comm)
			assert_int_equal(got.comm_type, cases[i].expected_comm);
	}
	et_close(reader);
}

/* ---- where files end ---- */

/* Three records at 0, 1 and 7. */
static void make_short(struct bytes *trace)
{
	*trace = (struct bytes){ .size = 0 };
	put_record(trace, &(struct bytes){ .size = 0 });
	for (unsigned id = 1; id <= 2; id++) {
		struct bytes node = { .size = 0 };

		put_number(&node, 1, id);
		put_text(&node, 2, "n");
		put_record(trace, &node);
	}
}

static void cut_off_anywhere(void **state)
{
	struct bytes trace;
	struct et_node got;

	(void)state;
	make_short(&trace);
	for (size_t size = 1; size <= trace.size; size++) {
		size_t whole = (size - 1) / 6;
		struct err err = { "" };
		struct et_reader *reader = et_open_memory(trace.data, size, "t.et", &err);
		char place[64];

		assert_non_null(reader);
		for (size_t i = 0; i < whole; i++)
			next(reader, &got);
		if ((size - 1) % 6 == 0) {
			assert_int_equal(et_next(reader, &got, NULL, &err), 0);
		} else {
			assert_int_equal(et_next(reader, &got, NULL, &err), -1);
			snprintf(place, sizeof(place), "t.et: record %zu at byte ", whole + 2);
			assert_memory_equal(err.text, place, strlen(place));
			assert_non_null(strstr(err.text, "the file ends in it"));
		}
		et_close(reader);
	}
}

static void a_cut_gzip_file_is_an_error(void **state)
{
	struct bytes trace, packed = { .size = 0 };
	z_stream stream = { 0 };
	struct et_reader *reader;
	struct err err = { "" };
	struct et_node got;
	int rc = -1;

	(void)state;
	make_short(&trace);
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
	stream.next_in = trace.data;
	stream.avail_in = (uInt)trace.size;
	stream.next_out = packed.data;
	stream.avail_out = sizeof(packed.data);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	packed.size = stream.total_out;
	deflateEnd(&stream);
	reader = open_bytes(&packed);
	assert_true(et_compressed(reader));
	next(reader, &got);
	et_close(reader);
	packed.size -= 9;
	reader = et_open_memory(packed.data, packed.size, "t.et", &err);
	while (reader && (rc = et_next(reader, &got, NULL, &err)) > 0)
		;
	assert_int_equal(rc, -1);
	assert_memory_equal(err.text, "t.et: ", 6);
	et_close(reader);
}

static void what_is_no_trace(void **state)
{
	static const char *const files[] = { "", "\xff\xff\xff\xff\xff\xff", "\x05hello world",
					     "{\"a\": 1", "{\"workload_graph\": 3}" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct et_node got;
		struct et_reader *reader;
		int rc = -1;

		err.text[0] = '\0';
		reader = et_open_memory((const uint8_t *)files[i], strlen(files[i]), "t.et", &err);
		if (reader)
			rc = et_next(reader, &got, NULL, &err);
		assert_int_equal(rc, -1);
		assert_memory_equal(err.text, "t.et: ", 6);
		et_close(reader);
	}
	assert_null(et_open("/nonexistent/t.et", &err));
	assert_non_null(strstr(err.text, "/nonexistent/t.et"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_any_integer_kind),
		cmocka_unit_test(no_fraction_is_a_number),
		cmocka_unit_test(numbers_of_the_first_schema),
		cmocka_unit_test(cut_off_anywhere),
		cmocka_unit_test(a_cut_gzip_file_is_an_error),
		cmocka_unit_test(what_is_no_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
