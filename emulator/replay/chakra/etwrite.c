/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/etwrite.h"
#include "chakra/chakra.pb-c.h"
#include "chakra/etread.h"
#include "outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct et_writer {
	struct outfile file;
	gzFile packed; /* NULL: not compressed */
	struct et_bytes record;
	bool begun;
};

/* ---- attributes ---- */

#define ATTRIBUTES 16

struct attributes {
	Chakra__Attribute list[ATTRIBUTES], *pointers[ATTRIBUTES];
	size_t count;
	Chakra__Bools dims;
	protobuf_c_boolean dim[ET_DIMS];
	Chakra__Int64s sizes;
};

static Chakra__Attribute *add(struct attributes *attributes, const char *name)
{
	Chakra__Attribute *attribute = &attributes->list[attributes->count];

	chakra__attribute__init(attribute);
	attribute->name = (char *)name;
	attributes->pointers[attributes->count++] = attribute;
	return attribute;
}

static void add_int64(struct attributes *attributes, const char *name, int64_t value)
{
	Chakra__Attribute *attribute = add(attributes, name);

	attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_INT64_VAL;
	attribute->int64_val = value;
}

/* As int32 where it fits. */
static void add_int32(struct attributes *attributes, const char *name, int64_t value)
{
	Chakra__Attribute *attribute;

	if (value < INT32_MIN || value > INT32_MAX) {
		add_int64(attributes, name, value);
		return;
	}
	attribute = add(attributes, name);
	attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_INT32_VAL;
	attribute->int32_val = (int32_t)value;
}

static void add_dims(struct attributes *attributes, const struct et_node *node)
{
	Chakra__Attribute *attribute = add(attributes, "involved_dim");
	uint32_t count = node->dims_count < ET_DIMS ? node->dims_count : ET_DIMS;

	chakra__bools__init(&attributes->dims);
	for (uint32_t d = 0; d < count; d++)
		attributes->dim[d] = node->dims >> d & 1;
	attributes->dims.values = attributes->dim;
	attributes->dims.n_values = count;
	attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_BOOL_LIST;
	attribute->bool_list = &attributes->dims;
}

static void add_sizes(struct attributes *attributes, const struct et_node *node)
{
	Chakra__Attribute *attribute = add(attributes, "comm_sizes");

	chakra__int64s__init(&attributes->sizes);
	attributes->sizes.values = (int64_t *)node->sizes;
	attributes->sizes.n_values = node->sizes_count;
	attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_INT64_LIST;
	attribute->int64_list = &attributes->sizes;
}

static void add_numbers(struct attributes *attributes, const struct et_node *node)
{
	const struct {
		uint32_t has;
		bool wide;
		const char *name;
		int64_t value;
	} numbers[] = {
		{ ET_HAS_OPS, true, "num_ops", (int64_t)node->num_ops },
		{ ET_HAS_COMM, true, "comm_type", node->comm_type },
		{ ET_HAS_SIZE, true, "comm_size", (int64_t)node->comm_size },
		{ ET_HAS_PRIORITY, false, "comm_priority", node->comm_priority },
		{ ET_HAS_SOURCE, false, "comm_src", node->comm_src },
		{ ET_HAS_TARGET, false, "comm_dst", node->comm_dst },
		{ ET_HAS_TAG, false, "comm_tag", node->comm_tag },
		{ ET_HAS_ROOT, true, "root", node->root },
		{ ET_HAS_STREAM, true, "stream", node->stream },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!(node->has & numbers[i].has))
			continue;
		if (numbers[i].wide)
			add_int64(attributes, numbers[i].name, numbers[i].value);
		else
			add_int32(attributes, numbers[i].name, numbers[i].value);
	}
}

static void add_attributes(struct attributes *attributes, const struct et_node *node)
{
	Chakra__Attribute *attribute;

	attributes->count = 0;
	if (node->has & ET_HAS_CPU) {
		attribute = add(attributes, "is_cpu_op");
		attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_BOOL_VAL;
		attribute->bool_val = node->is_cpu;
	}
	if (node->has & ET_HAS_TENSOR) {
		attribute = add(attributes, "tensor_size");
		attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_UINT64_VAL;
		attribute->uint64_val = node->tensor_size;
	}
	add_numbers(attributes, node);
	if (node->has & ET_HAS_GROUP) {
		attribute = add(attributes, "pg_name");
		attribute->value_case = CHAKRA__ATTRIBUTE__VALUE_STRING_VAL;
		attribute->string_val = (char *)node->group;
	}
	if (node->has & ET_HAS_DIMS)
		add_dims(attributes, node);
	if (node->sizes_count)
		add_sizes(attributes, node);
}

/* ---- bytes ---- */

static int failed(struct et_writer *writer, struct err *err)
{
	return err_errno(err, "unable to write '%s'",
			 writer->file.path ? writer->file.path : "standard output");
}

static int put(struct et_writer *writer, const uint8_t *data, size_t size, struct err *err)
{
	if (writer->packed ? gzwrite(writer->packed, data, (unsigned)size) == (int)size
			   : fwrite(data, 1, size, writer->file.stream) == size)
		return 0;
	return failed(writer, err);
}

static int put_record(struct et_writer *writer, const uint8_t *data, size_t size, struct err *err)
{
	uint8_t length[5];
	size_t count = 0, rest = size;

	if (size > ET_RECORD_MAX)
		return err_set(err, "a record of %zu bytes is too large to be written", size);
	for (; rest >= 0x80; rest >>= 7)
		length[count++] = (uint8_t)(rest | 0x80);
	length[count++] = (uint8_t)rest;
	writer->begun = true;
	if (put(writer, length, count, err) < 0)
		return -1;
	return size ? put(writer, data, size, err) : 0;
}

static int pack(const ProtobufCMessage *message, struct et_bytes *bytes)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	if (size > bytes->room) {
		uint8_t *data = realloc(bytes->data, size * 2);

		if (!data)
			return -1;
		bytes->data = data;
		bytes->room = size * 2;
	}
	bytes->size = protobuf_c_message_pack(message, bytes->data);
	return 0;
}

/* The record about the file, when none was given as it is. */
static int begin(struct et_writer *writer, struct err *err)
{
	Chakra__GlobalMetadata head = CHAKRA__GLOBAL_METADATA__INIT;

	head.version = (char *)"0.0.4";
	if (writer->begun)
		return 0;
	if (pack(&head.base, &writer->record) < 0)
		return failed(writer, err);
	return put_record(writer, writer->record.data, writer->record.size, err);
}

/* ---- public ---- */

int et_encode(const struct et_node *node, struct et_bytes *bytes)
{
	Chakra__IOInfo inputs = CHAKRA__IOINFO__INIT;
	Chakra__Node wire = CHAKRA__NODE__INIT;
	struct attributes attributes;

	add_attributes(&attributes, node);
	wire.id = node->id;
	wire.name = (char *)(node->name ? node->name : "");
	wire.type = node->type;
	wire.ctrl_deps = (uint64_t *)node->ctrl_deps;
	wire.n_ctrl_deps = node->ctrl_count;
	wire.data_deps = (uint64_t *)node->data_deps;
	wire.n_data_deps = node->data_count;
	wire.start_time_micros = node->start_us;
	wire.duration_micros = node->duration_us;
	if (node->values) {
		inputs.values = (char *)node->values;
		wire.inputs = &inputs;
	}
	wire.attr = attributes.pointers;
	wire.n_attr = attributes.count;
	return pack(&wire.base, bytes);
}

static bool is_packed_name(const char *path)
{
	size_t length = strlen(path);

	return length > 3 && !strcmp(path + length - 3, ".gz");
}

struct et_writer *et_create(const char *path, struct err *err)
{
	struct et_writer *writer = calloc(1, sizeof(*writer));
	int fd;

	if (!writer) {
		err_errno(err, "unable to write '%s'", path);
		return NULL;
	}
	if (outfile_open(&writer->file, path, err) < 0) {
		free(writer);
		return NULL;
	}
	if (!is_packed_name(path))
		return writer;
	fd = dup(fileno(writer->file.stream));
	writer->packed = fd < 0 ? NULL : gzdopen(fd, "wb");
	if (writer->packed)
		return writer;
	failed(writer, err);
	if (fd >= 0)
		close(fd);
	et_abort(writer);
	return NULL;
}

int et_add(struct et_writer *writer, const struct et_node *node, struct err *err)
{
	if (begin(writer, err) < 0)
		return -1;
	if (et_encode(node, &writer->record) < 0)
		return failed(writer, err);
	return put_record(writer, writer->record.data, writer->record.size, err);
}

int et_add_raw(struct et_writer *writer, const uint8_t *data, size_t size, struct err *err)
{
	return put_record(writer, data, size, err);
}

static void release(struct et_writer *writer)
{
	free(writer->record.data);
	free(writer);
}

int et_commit(struct et_writer *writer, struct err *err)
{
	int rc = begin(writer, err);

	if (rc == 0 && writer->packed) {
		if (gzclose(writer->packed) != Z_OK)
			rc = failed(writer, err);
		writer->packed = NULL;
	}
	if (rc < 0) {
		et_abort(writer);
		return -1;
	}
	rc = outfile_commit(&writer->file, err);
	release(writer);
	return rc;
}

void et_abort(struct et_writer *writer)
{
	if (!writer)
		return;
	if (writer->packed)
		gzclose(writer->packed);
	outfile_abort(&writer->file);
	release(writer);
}
