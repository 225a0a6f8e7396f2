/* SPDX-License-Identifier: Apache-2.0 */

/* Traces made in memory, written as protobuf by hand: not by the code that is tested. */

#ifndef TEST_MADE_TRACE_H
#define TEST_MADE_TRACE_H

#include "chakra/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bytes {
	uint8_t *data;
	size_t size, room;
};

/* What a node says; of attributes those in `has`. */
struct made {
	uint64_t id;
	uint32_t type;
	uint64_t us;
	bool cpu;
	uint32_t has; /* enum et_has */
	uint64_t comm, size, source, target, tag, ops, tensor;
	const char *group, *values; /* pg_name, inputs.values; NULL: not */
	uint32_t parents;
	const uint64_t *parent;
};

static inline void put_byte(struct bytes *bytes, uint8_t byte)
{
	if (bytes->size == bytes->room) {
		bytes->room = bytes->room ? 2 * bytes->room : 256;
		bytes->data = realloc(bytes->data, bytes->room);
		if (!bytes->data)
			abort();
	}
	bytes->data[bytes->size++] = byte;
}

static inline void put_varint(struct bytes *bytes, uint64_t value)
{
	for (; value > 127; value >>= 7)
		put_byte(bytes, (uint8_t)(value | 128));
	put_byte(bytes, (uint8_t)value);
}

static inline void put_number(struct bytes *bytes, uint32_t field, uint64_t value)
{
	put_varint(bytes, field << 3);
	put_varint(bytes, value);
}

static inline void put_data(struct bytes *bytes, uint32_t field, const void *data, size_t size)
{
	put_varint(bytes, field << 3 | 2);
	put_varint(bytes, size);
	for (size_t i = 0; i < size; i++)
		put_byte(bytes, ((const uint8_t *)data)[i]);
}

/* An attribute whose value is FIELD of the oneof (9: int64, 27: bool). */
static inline void put_attribute(struct bytes *node, const char *name, uint32_t field,
				 uint64_t value)
{
	struct bytes attribute = { 0 };

	put_data(&attribute, 1, name, strlen(name));
	put_number(&attribute, field, value);
	put_data(node, 10, attribute.data, attribute.size);
	free(attribute.data);
}

static inline void put_text(struct bytes *node, const char *name, const char *value)
{
	struct bytes attribute = { 0 };

	put_data(&attribute, 1, name, strlen(name));
	put_data(&attribute, 29, value, strlen(value));
	put_data(node, 10, attribute.data, attribute.size);
	free(attribute.data);
}

static inline void put_record(struct bytes *trace, struct bytes *record)
{
	put_varint(trace, record->size);
	for (size_t i = 0; i < record->size; i++)
		put_byte(trace, record->data[i]);
	free(record->data);
}

static inline void made_begin(struct bytes *trace)
{
	struct bytes record = { 0 };

	*trace = (struct bytes){ 0 };
	put_data(&record, 1, "0.0.4", 5);
	put_record(trace, &record);
}

static inline void made_add(struct bytes *trace, const struct made *made)
{
	static const struct {
		uint32_t has;
		const char *name;
		size_t offset;
	} attributes[] = {
		{ ET_HAS_COMM, "comm_type", offsetof(struct made, comm) },
		{ ET_HAS_SIZE, "comm_size", offsetof(struct made, size) },
		{ ET_HAS_SOURCE, "comm_src", offsetof(struct made, source) },
		{ ET_HAS_TARGET, "comm_dst", offsetof(struct made, target) },
		{ ET_HAS_TAG, "comm_tag", offsetof(struct made, tag) },
		{ ET_HAS_OPS, "num_ops", offsetof(struct made, ops) },
		{ ET_HAS_TENSOR, "tensor_size", offsetof(struct made, tensor) },
	};
	struct bytes node = { 0 };

	put_number(&node, 1, made->id);
	put_data(&node, 2, "made", 4);
	put_number(&node, 3, made->type);
	for (uint32_t i = 0; i < made->parents; i++)
		put_number(&node, 5, made->parent[i]);
	put_number(&node, 7, made->us);
	put_attribute(&node, "is_cpu_op", 27, made->cpu);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (made->has & attributes[i].has)
			put_attribute(
				&node, attributes[i].name, 9,
				*(const uint64_t *)((const char *)made + attributes[i].offset));
	if (made->group)
		put_text(&node, "pg_name", made->group);
	if (made->values) {
		struct bytes inputs = { 0 };

		put_data(&inputs, 1, made->values, strlen(made->values));
		put_data(&node, 8, inputs.data, inputs.size);
		free(inputs.data);
	}
	put_record(trace, &node);
}

/* The graph of TRACE, which is freed.  Returns 0, or -1 with ERR. */
static inline int made_load(struct bytes *trace, struct graph *graph, struct err *err)
{
	static const struct graph_options options = { .deps = GRAPH_DATA, .names = true };
	char path[] = "/tmp/made-trace-XXXXXX";
	int fd = mkstemp(path), rc = -1;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file && fwrite(trace->data, 1, trace->size, file) == trace->size && !fclose(file))
		rc = graph_load(graph, path, &options, err);
	unlink(path);
	free(trace->data);
	return rc;
}

#endif
