/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/etread.h"
#include "chakra/etwrite.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define NODES 300
#define LIST  6

static char dir[] = "/tmp/unit-etwrite-XXXXXX";

static char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static struct et_writer *create(const char *path)
{
	struct err err = { "" };
	struct et_writer *writer = et_create(path, &err);

	if (!writer)
		fail_msg("%s", err.text);
	return writer;
}

static void commit(struct et_writer *writer)
{
	struct err err = { "" };

	if (et_commit(writer, &err) < 0)
		fail_msg("%s", err.text);
}

static size_t contents(const char *path, uint8_t *buffer, size_t size)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	size = fread(buffer, 1, size, file);
	fclose(file);
	return size;
}

/* A file of Genie's, byte by byte. */
static void writes_what_others_write(void **state)
{
	static const uint8_t expected[] = "\x07\x0a\x05"
					  "0.0.4"
					  "\x40\x08\x28\x12\x0a"
					  "ALL_GATHER"
					  "\x18\x07\x52\x0e\x0a\x09"
					  "is_cpu_op"
					  "\xd8\x01\x00\x52\x0d\x0a\x09"
					  "comm_type"
					  "\x48\x02\x52\x0f\x0a\x09"
					  "comm_size"
					  "\x48\x80\x80\x04";
	const struct et_node node = {
		.id = 40,
		.type = ET_COMM_COLL,
		.has = ET_HAS_CPU | ET_HAS_COMM | ET_HAS_SIZE,
		.name = "ALL_GATHER",
		.comm_type = ET_ALL_GATHER,
		.comm_size = 65536,
	};
	struct et_writer *writer = create(path_of("genie.et"));
	uint8_t data[256];

	(void)state;
	assert_int_equal(et_add(writer, &node, NULL), 0);
	commit(writer);
	assert_int_equal(contents(path_of("genie.et"), data, sizeof(data)), sizeof(expected) - 1);
	assert_memory_equal(data, expected, sizeof(expected) - 1);
	unlink(path_of("genie.et"));
}

/* ---- random nodes ---- */

struct made {
	struct et_node node;
	char name[32], group[16];
	uint64_t data[LIST], ctrl[LIST];
	int64_t sizes[LIST];
};

static struct random dice;

static uint64_t any(void)
{
	return random_next(&dice) >> (random_next(&dice) % 64);
}

static void make(struct made *made)
{
	struct et_node *node = &made->node;

	*node = (struct et_node){
		.id = any(),
		.type = (uint32_t)(any() % 12),
		.has = (uint32_t)any() & (ET_HAS_ROOT * 2 - 1),
		.name = made->name,
		.data_deps = made->data,
		.ctrl_deps = made->ctrl,
		.data_count = any() % LIST,
		.ctrl_count = any() % LIST,
		.start_us = any(),
		.duration_us = any(),
		.is_cpu = any() & 1,
		.num_ops = any(),
		.tensor_size = any(),
		.comm_type = (uint32_t)(any() % 12),
		.comm_size = any(),
		.comm_src = (int64_t)any() - 1000,
		.comm_dst = (int64_t)any(),
		.comm_tag = -(int64_t)(any() >> 1),
		.comm_priority = (int32_t)any(),
		.root = (int64_t)any(),
		.stream = (int64_t)any(),
		.group = made->group,
		.dims_count = (uint32_t)(any() % ET_DIMS + 1),
		.sizes = made->sizes,
		.sizes_count = any() % LIST,
	};
	node->dims = any() & (UINT64_MAX >> (ET_DIMS - node->dims_count));
	snprintf(made->name, sizeof(made->name), "%llx", (unsigned long long)any());
	snprintf(made->group, sizeof(made->group), "%u", (unsigned)(any() % 100));
	for (int i = 0; i < LIST; i++) {
		made->data[i] = any();
		made->ctrl[i] = any();
		made->sizes[i] = (int64_t)any();
	}
}

#define SAME(has_it, field)                                       \
	do {                                                      \
		if (expected->has & (has_it))                     \
			assert_true(a->field == expected->field); \
	} while (0)

static void assert_same(const struct et_node *a, const struct et_node *expected)
{
	assert_true(a->id == expected->id);
	assert_int_equal(a->type, expected->type);
	assert_int_equal(a->has, expected->has);
	assert_string_equal(a->name, expected->name);
	assert_int_equal(a->data_count, expected->data_count);
	assert_int_equal(a->ctrl_count, expected->ctrl_count);
	for (size_t i = 0; i < a->data_count; i++)
		assert_true(a->data_deps[i] == expected->data_deps[i]);
	for (size_t i = 0; i < a->ctrl_count; i++)
		assert_true(a->ctrl_deps[i] == expected->ctrl_deps[i]);
	assert_true(a->start_us == expected->start_us);
	assert_true(a->duration_us == expected->duration_us);
	SAME(ET_HAS_CPU, is_cpu);
	SAME(ET_HAS_OPS, num_ops);
	SAME(ET_HAS_TENSOR, tensor_size);
	SAME(ET_HAS_COMM, comm_type);
	SAME(ET_HAS_SIZE, comm_size);
	SAME(ET_HAS_PRIORITY, comm_priority);
	SAME(ET_HAS_SOURCE, comm_src);
	SAME(ET_HAS_TARGET, comm_dst);
	SAME(ET_HAS_TAG, comm_tag);
	SAME(ET_HAS_ROOT, root);
	SAME(ET_HAS_STREAM, stream);
	SAME(ET_HAS_DIMS, dims);
	SAME(ET_HAS_DIMS, dims_count);
	if (expected->has & ET_HAS_GROUP)
		assert_string_equal(a->group, expected->group);
	assert_int_equal(a->sizes_count, expected->sizes_count);
	for (size_t i = 0; i < a->sizes_count; i++)
		assert_true(a->sizes[i] == expected->sizes[i]);
}

static void random_nodes_come_back(const char *path, bool packed)
{
	struct made *made = calloc(NODES, sizeof(*made));
	struct et_writer *writer = create(path);
	struct et_reader *reader;
	struct err err = { "" };
	struct et_node node;

	assert_non_null(made);
	for (int i = 0; i < NODES; i++) {
		make(&made[i]);
		assert_int_equal(et_add(writer, &made[i].node, &err), 0);
	}
	commit(writer);
	reader = et_open(path, &err);
	assert_non_null(reader);
	assert_true(et_compressed(reader) == packed);
	assert_int_equal(et_form(reader), ET_FORM_PROTO);
	assert_string_equal(et_version(reader), "0.0.4");
	for (int i = 0; i < NODES; i++) {
		assert_int_equal(et_next(reader, &node, NULL, &err), 1);
		assert_same(&node, &made[i].node);
	}
	assert_int_equal(et_next(reader, &node, NULL, &err), 0);
	et_close(reader);
	unlink(path);
	free(made);
}

static void nodes_come_back(void **state)
{
	(void)state;
	random_init(&dice, 7, "nodes", 0);
	random_nodes_come_back(path_of("plain.et"), false);
	random_nodes_come_back(path_of("packed.et.gz"), true);
}

/* ---- files ---- */

static void raw_records_stay_as_they_are(void **state)
{
	static const uint8_t expected[] = { 0, 3, 8, 1, 0x78 };
	struct et_writer *writer = create(path_of("raw.et"));
	uint8_t data[16];

	(void)state;
	assert_int_equal(et_add_raw(writer, NULL, 0, NULL), 0);
	assert_int_equal(et_add_raw(writer, expected + 2, 3, NULL), 0);
	commit(writer);
	assert_int_equal(contents(path_of("raw.et"), data, sizeof(data)), sizeof(expected));
	assert_memory_equal(data, expected, sizeof(expected));
	unlink(path_of("raw.et"));
}

static void a_file_appears_when_it_is_whole(void **state)
{
	const struct et_node node = { .id = 1, .name = "a" };
	struct et_writer *writer = create(path_of("late.et"));
	struct err err = { "" };

	(void)state;
	assert_int_equal(et_add(writer, &node, &err), 0);
	assert_int_equal(access(path_of("late.et"), F_OK), -1);
	et_abort(writer);
	et_abort(NULL);
	assert_int_equal(access(path_of("late.et"), F_OK), -1);
	assert_int_equal(rmdir(dir), 0);
	assert_null(et_create(path_of("late.et"), &err));
	assert_non_null(strstr(err.text, dir));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_others_write),
		cmocka_unit_test(nodes_come_back),
		cmocka_unit_test(raw_records_stay_as_they_are),
		cmocka_unit_test(a_file_appears_when_it_is_whole),
	};

	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
