/* SPDX-License-Identifier: Apache-2.0 */
/* etproto.c - nodes of schema 0.0.4, and what names of attributes mean in all forms */
#include "chakra/chakra.pb-c.h"
#include "chakra/etparts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- attributes by name ---- */

enum field { FIELD_U64, FIELD_I64, FIELD_U32, FIELD_I32, FIELD_BOOL };

static const struct attribute {
	const char *name;
	enum field field;
	uint32_t has;
	size_t offset;
} attributes[] = {
	{ "is_cpu_op", FIELD_BOOL, ET_HAS_CPU, offsetof(struct et_node, is_cpu) },
	{ "num_ops", FIELD_U64, ET_HAS_OPS, offsetof(struct et_node, num_ops) },
	{ "tensor_size", FIELD_U64, ET_HAS_TENSOR, offsetof(struct et_node, tensor_size) },
	{ "comm_type", FIELD_U32, ET_HAS_COMM, offsetof(struct et_node, comm_type) },
	{ "comm_size", FIELD_U64, ET_HAS_SIZE, offsetof(struct et_node, comm_size) },
	{ "comm_priority", FIELD_I32, ET_HAS_PRIORITY, offsetof(struct et_node, comm_priority) },
	{ "comm_src", FIELD_I64, ET_HAS_SOURCE, offsetof(struct et_node, comm_src) },
	{ "comm_dst", FIELD_I64, ET_HAS_TARGET, offsetof(struct et_node, comm_dst) },
	{ "comm_tag", FIELD_I64, ET_HAS_TAG, offsetof(struct et_node, comm_tag) },
	{ "root", FIELD_I64, ET_HAS_ROOT, offsetof(struct et_node, root) },
	{ "stream", FIELD_I64, ET_HAS_STREAM, offsetof(struct et_node, stream) },
};

static const struct attribute *attribute_of(const char *name)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (!strcmp(attributes[i].name, name))
			return &attributes[i];
	return NULL;
}

static void store(void *to, enum field field, int64_t value)
{
	switch (field) {
	case FIELD_U64:
		*(uint64_t *)to = (uint64_t)value;
		break;
	case FIELD_I64:
		*(int64_t *)to = value;
		break;
	case FIELD_U32:
		*(uint32_t *)to = value < 0 || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
		break;
	case FIELD_I32:
		*(int32_t *)to = value < INT32_MIN   ? INT32_MIN
				 : value > INT32_MAX ? INT32_MAX
						     : (int32_t)value;
		break;
	case FIELD_BOOL:
		*(bool *)to = value != 0;
		break;
	}
}

void et_set_number(struct et_reader *reader, struct et_node *node, const char *name, int64_t value)
{
	const struct attribute *attribute = attribute_of(name);

	if (attribute) {
		store((char *)node + attribute->offset, attribute->field, value);
		node->has |= attribute->has;
	} else if (!strcmp(name, "pg_name")) {
		snprintf(reader->number_text, sizeof(reader->number_text), "%" PRIi64, value);
		et_set_text(node, name, reader->number_text);
	}
}

void et_set_text(struct et_node *node, const char *name, const char *value)
{
	if (strcmp(name, "pg_name"))
		return;
	node->group = value;
	node->has |= ET_HAS_GROUP;
}

void et_set_list(struct et_node *node, const char *name, const int64_t *list, size_t count)
{
	if (!strcmp(name, "involved_dim")) {
		node->has |= ET_HAS_DIMS;
		node->dims = 0;
		node->dims_count = count < ET_DIMS ? (uint32_t)count : ET_DIMS;
		for (uint32_t i = 0; i < node->dims_count; i++)
			node->dims |= list[i] ? UINT64_C(1) << i : 0;
	} else if (!strcmp(name, "comm_sizes")) {
		node->sizes = list;
		node->sizes_count = count;
	}
}

/* ---- lists of any kind ---- */

/* COUNT values as int64, in the arena. */
#define COPY(list)                                                           \
	do {                                                                 \
		*count = (list)->n_values;                                   \
		copy = et_alloc(&reader->arena, *count * sizeof(*copy) + 1); \
		for (size_t i = 0; copy && i < *count; i++)                  \
			copy[i] = (int64_t)(list)->values[i];                \
	} while (0)

static const int64_t *integers(struct et_reader *reader, const Chakra__Attribute *attr,
			       size_t *count)
{
	int64_t *copy = NULL;

	switch (attr->value_case) {
	case CHAKRA__ATTRIBUTE__VALUE_INT32_LIST:
		COPY(attr->int32_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_INT64_LIST:
		COPY(attr->int64_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_UINT32_LIST:
		COPY(attr->uint32_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_UINT64_LIST:
		COPY(attr->uint64_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_SINT32_LIST:
		COPY(attr->sint32_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_SINT64_LIST:
		COPY(attr->sint64_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_FIXED32_LIST:
		COPY(attr->fixed32_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_FIXED64_LIST:
		COPY(attr->fixed64_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_SFIXED32_LIST:
		COPY(attr->sfixed32_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_SFIXED64_LIST:
		COPY(attr->sfixed64_list);
		break;
	case CHAKRA__ATTRIBUTE__VALUE_BOOL_LIST:
		COPY(attr->bool_list);
		break;
	default:
		break;
	}
	return copy;
}

/* Any kind of whole number, but no fraction. */
static bool integer(const Chakra__Attribute *attr, int64_t *value)
{
	switch (attr->value_case) {
	case CHAKRA__ATTRIBUTE__VALUE_INT32_VAL:
		*value = attr->int32_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_INT64_VAL:
		*value = attr->int64_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_UINT32_VAL:
		*value = attr->uint32_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_UINT64_VAL:
		*value = (int64_t)attr->uint64_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_SINT32_VAL:
		*value = attr->sint32_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_SINT64_VAL:
		*value = attr->sint64_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_FIXED32_VAL:
		*value = attr->fixed32_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_FIXED64_VAL:
		*value = (int64_t)attr->fixed64_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_SFIXED32_VAL:
		*value = attr->sfixed32_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_SFIXED64_VAL:
		*value = attr->sfixed64_val;
		return true;
	case CHAKRA__ATTRIBUTE__VALUE_BOOL_VAL:
		*value = attr->bool_val;
		return true;
	default:
		return false;
	}
}

static void take_attribute(struct et_reader *reader, struct et_node *node,
			   const Chakra__Attribute *attr)
{
	const int64_t *list;
	int64_t value;
	size_t count;

	if (attr->value_case == CHAKRA__ATTRIBUTE__VALUE_STRING_VAL) {
		et_set_text(node, attr->name, attr->string_val);
	} else if (integer(attr, &value)) {
		et_set_number(reader, node, attr->name, value);
	} else {
		list = integers(reader, attr, &count);
		if (list)
			et_set_list(node, attr->name, list, count);
	}
}

/* ---- records ---- */

int et_decode_metadata(struct et_reader *reader, const uint8_t *data, size_t size)
{
	Chakra__GlobalMetadata *metadata;

	metadata = chakra__global_metadata__unpack(&reader->allocator, size, data);
	if (!metadata) {
		errno = EINVAL;
		return -1;
	}
	snprintf(reader->version, sizeof(reader->version), "%s", metadata->version);
	for (size_t i = 0; i < metadata->n_attr; i++)
		if (!strcmp(metadata->attr[i]->name, "schema") &&
		    metadata->attr[i]->value_case == CHAKRA__ATTRIBUTE__VALUE_STRING_VAL)
			snprintf(reader->schema, sizeof(reader->schema), "%s",
				 metadata->attr[i]->string_val);
	return 0;
}

int et_decode(struct et_reader *reader, struct et_node *node, const uint8_t *data, size_t size)
{
	Chakra__Node *wire = chakra__node__unpack(&reader->allocator, size, data);

	if (!wire) {
		errno = EINVAL;
		return -1;
	}
	node->id = wire->id;
	node->type = wire->type;
	node->name = wire->name;
	node->data_deps = wire->data_deps;
	node->data_count = wire->n_data_deps;
	node->ctrl_deps = wire->ctrl_deps;
	node->ctrl_count = wire->n_ctrl_deps;
	node->start_us = wire->start_time_micros;
	node->duration_us = wire->duration_micros;
	node->values = wire->type == ET_METADATA && wire->inputs ? wire->inputs->values : NULL;
	for (size_t i = 0; i < wire->n_attr; i++)
		take_attribute(reader, node, wire->attr[i]);
	return 0;
}
