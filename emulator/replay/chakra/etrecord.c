/* SPDX-License-Identifier: Apache-2.0 */
#include "chakra/etrecord.h"
#include "chakra/chakra.pb-c.h"
#include "chakra/etbase64.h"
#include "chakra/etnode.h"
#include "chakra/etparts.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 8 /* messages within messages */

typedef ProtobufCFieldDescriptor Field;

static const ProtobufCMessageDescriptor *descriptor_of(bool head)
{
	return head ? &chakra__global_metadata__descriptor : &chakra__node__descriptor;
}

/* "data_deps" as "dataDeps". */
static void camel(const char *name, char *buf, size_t size)
{
	char *end = buf + size - 1;

	for (; *name && buf < end; name++) {
		if (*name == '_' && name[1])
			*buf++ = (char)toupper((unsigned char)*++name);
		else
			*buf++ = *name;
	}
	*buf = '\0';
}

/* The number of a node's kind has names here. */
static bool is_type(const Field *field, const ProtobufCMessageDescriptor *of)
{
	return of == &chakra__node__descriptor && !strcmp(field->name, "type");
}

static size_t size_of(const Field *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return 8;
	default:
		return 4;
	}
}

/* ---- to JSON ---- */

static json_t *message_json(const ProtobufCMessage *message);

static json_t *signed_text(int64_t value)
{
	return json_sprintf("%" PRIi64, value);
}

static json_t *unsigned_text(uint64_t value)
{
	return json_sprintf("%" PRIu64, value);
}

static json_t *fraction_json(double value)
{
	if (isnan(value))
		return json_string("NaN");
	if (isinf(value))
		return json_string(value < 0 ? "-Infinity" : "Infinity");
	return json_real(value);
}

/* What is not UTF-8 is taken as Latin-1: to be looked at, the bytes are in ETRECORD_RAW. */
static json_t *text_json(const char *text)
{
	json_t *value = json_string(text);
	char *latin, *to;

	if (value)
		return value;
	latin = to = malloc(2 * strlen(text) + 1);
	if (!latin)
		return NULL;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x80)
			*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(c < 0x80 ? c : 0x80 | (c & 0x3f));
	}
	*to = '\0';
	value = json_string(latin);
	free(latin);
	return value;
}

static json_t *bytes_json(const ProtobufCBinaryData *bytes)
{
	char *text = etbase64_text(bytes->data, bytes->len);
	json_t *value = text ? json_string(text) : NULL;

	free(text);
	return value;
}

static json_t *value_json(const Field *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_integer(*(const int32_t *)at);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return json_integer(*(const uint32_t *)at);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return signed_text(*(const int64_t *)at);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return unsigned_text(*(const uint64_t *)at);
	case PROTOBUF_C_TYPE_FLOAT:
		return fraction_json(*(const float *)at);
	case PROTOBUF_C_TYPE_DOUBLE:
		return fraction_json(*(const double *)at);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)at);
	case PROTOBUF_C_TYPE_STRING:
		return text_json(*(char *const *)at);
	case PROTOBUF_C_TYPE_BYTES:
		return bytes_json(at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return message_json(*(ProtobufCMessage *const *)at);
	default:
		return NULL;
	}
}

static json_t *list_json(const Field *field, const uint8_t *list, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, value_json(field, list + i * size_of(field))) <
		    0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static bool is_default(const Field *field, const void *at)
{
	static const uint8_t zero[sizeof(ProtobufCBinaryData)];

	if (field->type == PROTOBUF_C_TYPE_STRING)
		return !*(char *const *)at || !**(char *const *)at;
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return !((const ProtobufCBinaryData *)at)->len;
	return !memcmp(at, zero, size_of(field));
}

/* FIELD of MESSAGE, or NULL when nothing is to be written; FAILED when it should be. */
static json_t *field_json(const Field *field, const ProtobufCMessage *message, bool *failed)
{
	const uint8_t *base = (const uint8_t *)message, *at = base + field->offset;
	json_t *value;
	const char *name = NULL;

	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t count = *(const size_t *)(base + field->quantifier_offset);

		if (!count)
			return NULL;
		value = list_json(field, *(uint8_t *const *)at, count);
	} else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*(const uint32_t *)(base + field->quantifier_offset) != field->id)
			return NULL;
		value = value_json(field, at);
	} else {
		if (is_default(field, at))
			return NULL;
		if (is_type(field, message->descriptor))
			name = et_type_name(*(const uint32_t *)at);
		value = name ? json_sprintf("%s_NODE", name) : value_json(field, at);
	}
	*failed = !value;
	return value;
}

static json_t *message_json(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	json_t *object = json_object(), *value;
	bool failed = !object;
	char name[64];

	for (unsigned i = 0; !failed && i < descriptor->n_fields; i++) {
		value = field_json(&descriptor->fields[i], message, &failed);
		camel(descriptor->fields[i].name, name, sizeof(name));
		if (value && json_object_set_new(object, name, value) < 0)
			failed = true;
	}
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

/* ---- from JSON ---- */

struct making {
	struct et_arena arena;
	struct err *err;
	int depth;
};

static int make_message(struct making *making, const ProtobufCMessageDescriptor *descriptor,
			json_t *object, ProtobufCMessage **message);

static int bad(struct making *making, const Field *field)
{
	char name[64];

	camel(field->name, name, sizeof(name));
	return err_set(making->err, "key '%s': not a value that it can have", name);
}

static bool read_unsigned(const json_t *value, uint64_t max, uint64_t *number)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value)) {
		*number = (uint64_t)json_integer_value(value);
		return json_integer_value(value) >= 0 && *number <= max;
	}
	if (!text || !isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return !errno && !*end && *number <= max;
}

static bool read_signed(const json_t *value, int64_t max, int64_t *number)
{
	const char *text = json_string_value(value);
	char *end;

	*number = json_integer_value(value);
	if (text) {
		if (*text != '-' && !isdigit((unsigned char)*text))
			return false;
		errno = 0;
		*number = strtoll(text, &end, 10);
		if (errno || *end)
			return false;
	} else if (!json_is_integer(value)) {
		return false;
	}
	return *number <= max && *number >= -max - 1;
}

static bool read_fraction(const json_t *value, double *number)
{
	const char *text = json_string_value(value);

	*number = text ? strtod(text, NULL) : json_number_value(value);
	return text ? !strcmp(text, "NaN") || !strcmp(text, "Infinity") ||
			       !strcmp(text, "-Infinity")
		    : json_is_number(value);
}

static int make_text(struct making *making, const char *text, size_t length, char **to)
{
	*to = et_alloc(&making->arena, length + 1);
	if (!*to)
		return err_errno(making->err, "a text");
	memcpy(*to, text, length);
	(*to)[length] = '\0';
	return 0;
}

static int make_bytes(struct making *making, const Field *field, const json_t *value,
		      ProtobufCBinaryData *bytes)
{
	size_t length = json_string_length(value);

	bytes->data = et_alloc(&making->arena, length + 1);
	if (!bytes->data)
		return err_errno(making->err, "bytes");
	if (!json_is_string(value) ||
	    etbase64_bytes(json_string_value(value), length, bytes->data, &bytes->len) < 0)
		return bad(making, field);
	return 0;
}

/* "COMM_COLL_NODE" or "COMM_COLL". */
static bool read_type(const json_t *value, uint32_t *type)
{
	const char *text = json_string_value(value), *name;

	for (uint32_t i = 0; text && (name = et_type_name(i)); i++) {
		size_t length = strlen(name);

		if (strncmp(text, name, length) || (text[length] && strcmp(text + length, "_NODE")))
			continue;
		*type = i;
		return true;
	}
	return false;
}

/* A number of FIELD into AT. */
static bool make_number(const Field *field, const json_t *value, void *at)
{
	uint64_t natural = 0;
	int64_t whole = 0;
	double fraction = 0;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		if (!read_signed(value, INT32_MAX, &whole))
			return false;
		*(int32_t *)at = (int32_t)whole;
		return true;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		if (!read_unsigned(value, UINT32_MAX, &natural))
			return false;
		*(uint32_t *)at = (uint32_t)natural;
		return true;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return read_signed(value, INT64_MAX, at);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return read_unsigned(value, UINT64_MAX, at);
	case PROTOBUF_C_TYPE_FLOAT:
		if (!read_fraction(value, &fraction))
			return false;
		*(float *)at = (float)fraction;
		return true;
	case PROTOBUF_C_TYPE_DOUBLE:
		return read_fraction(value, at);
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)at = json_is_true(value);
		return json_is_boolean(value);
	default:
		return false;
	}
}

static int make_value(struct making *making, const Field *field, json_t *value, void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		if (!json_is_string(value))
			return bad(making, field);
		return make_text(making, json_string_value(value), json_string_length(value), at);
	case PROTOBUF_C_TYPE_BYTES:
		return make_bytes(making, field, value, at);
	case PROTOBUF_C_TYPE_MESSAGE:
		if (!json_is_object(value))
			return bad(making, field);
		return make_message(making, field->descriptor, value, at);
	default:
		return make_number(field, value, at) ? 0 : bad(making, field);
	}
}

static int make_list(struct making *making, const Field *field, json_t *value, uint8_t *base)
{
	size_t count = json_array_size(value);
	uint8_t *list = et_alloc(&making->arena, count * size_of(field) + 1);
	json_t *one;
	size_t i;

	if (!list)
		return err_errno(making->err, "a list");
	if (!json_is_array(value))
		return bad(making, field);
	json_array_foreach(value, i, one)
	{
		if (make_value(making, field, one, list + i * size_of(field)) < 0)
			return -1;
	}
	*(uint8_t **)(base + field->offset) = list;
	*(size_t *)(base + field->quantifier_offset) = count;
	return 0;
}

static int make_field(struct making *making, const Field *field, json_t *value,
		      ProtobufCMessage *message)
{
	uint8_t *base = (uint8_t *)message;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return make_list(making, field, value, base);
	if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		*(uint32_t *)(base + field->quantifier_offset) = field->id;
	if (is_type(field, message->descriptor) &&
	    read_type(value, (uint32_t *)(base + field->offset)))
		return 0;
	return make_value(making, field, value, base + field->offset);
}

static int make_message(struct making *making, const ProtobufCMessageDescriptor *descriptor,
			json_t *object, ProtobufCMessage **message)
{
	json_t *value;
	char name[64];

	*message = et_alloc(&making->arena, descriptor->sizeof_message);
	if (!*message)
		return err_errno(making->err, "a record");
	if (++making->depth > DEPTH)
		return err_set(making->err, "too many objects within each other");
	protobuf_c_message_init(descriptor, *message);
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		const Field *field = &descriptor->fields[i];

		camel(field->name, name, sizeof(name));
		value = json_object_get(object, name);
		value = value ? value : json_object_get(object, field->name);
		if (value && make_field(making, field, value, *message) < 0)
			return -1;
	}
	making->depth--;
	return 0;
}

static int raw_bytes(json_t *raw, uint8_t **data, size_t *size, struct err *err)
{
	size_t length = json_string_length(raw);

	*data = malloc(length + 1);
	if (!*data)
		return err_errno(err, "a record");
	if (json_is_string(raw) && etbase64_bytes(json_string_value(raw), length, *data, size) == 0)
		return 0;
	free(*data);
	return err_set(err, "key '%s': no base64", ETRECORD_RAW);
}

static int packed_bytes(json_t *object, bool head, uint8_t **data, size_t *size, struct err *err)
{
	struct making making = { .err = err };
	ProtobufCMessage *message;
	int rc = make_message(&making, descriptor_of(head), object, &message);

	if (rc == 0) {
		*size = protobuf_c_message_get_packed_size(message);
		*data = malloc(*size + 1);
		if (*data)
			protobuf_c_message_pack(message, *data);
		else
			rc = err_errno(err, "a record");
	}
	et_arena_release(&making.arena);
	return rc;
}

/* ---- public ---- */

int etrecord_bytes(json_t *object, bool head, uint8_t **data, size_t *size, struct err *err)
{
	json_t *raw = json_object_get(object, ETRECORD_RAW);

	return raw ? raw_bytes(raw, data, size, err) : packed_bytes(object, head, data, size, err);
}

/* Whether OBJECT says all that is in DATA. */
static bool comes_back(json_t *object, bool head, const uint8_t *data, size_t size)
{
	uint8_t *again;
	size_t length;
	bool same;

	if (packed_bytes(object, head, &again, &length, NULL) < 0)
		return false;
	same = length == size && (!size || !memcmp(again, data, size));
	free(again);
	return same;
}

json_t *etrecord_json(const uint8_t *data, size_t size, bool head, struct err *err)
{
	ProtobufCMessage *message =
		protobuf_c_message_unpack(descriptor_of(head), NULL, size, data);
	const ProtobufCBinaryData all = { size, (uint8_t *)data };
	json_t *object;

	if (!message) {
		err_set(err, "not a record of schema 0.0.4");
		return NULL;
	}
	object = message_json(message);
	protobuf_c_message_free_unpacked(message, NULL);
	if (object && !comes_back(object, head, data, size) &&
	    json_object_set_new(object, ETRECORD_RAW, bytes_json(&all)) < 0) {
		json_decref(object);
		object = NULL;
	}
	if (!object)
		err_set(err, "no room for a record");
	return object;
}
