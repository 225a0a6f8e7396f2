/* SPDX-License-Identifier: Apache-2.0 */
/* etjson.c - nodes written as JSON, in two forms
 *
 * Keys differ in case and underscores from one writer to the next ("Id", "ctrlDeps",
 * "data_deps"): they are compared without.  Objects are cut out of the file one by one.
 */
#include "chakra/etparts.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where an object ends ---- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool et_json_begins(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (at < size && is_blank(data[at]))
		at++;
	if (at == size || data[at++] != '{')
		return false;
	while (at < size && is_blank(data[at]))
		at++;
	return at < size && (data[at] == '"' || data[at] == '}');
}

/* Skip blanks and, when COMMA, one comma.  The next byte, 0 at the end, or -1 with ERR. */
static int next_byte(struct et_reader *reader, bool comma, struct err *err)
{
	int rc;
	uint8_t c;

	while ((rc = et_have(reader, 1, err)) > 0) {
		c = reader->buffer[reader->start];
		if (!is_blank(c) && !(comma && c == ','))
			return c;
		comma = comma && c != ',';
		et_take(reader, 1);
	}
	return rc;
}

/* The size of the value that begins at reader->start with a bracket or a quote; all of it is in the
 * buffer then.  -1 with ERR.
 */
static long span(struct et_reader *reader, struct err *err)
{
	bool in_text = false, escaped = false;
	size_t depth = 0;
	int rc;

	for (size_t at = 0; at < ET_RECORD_MAX; at++) {
		uint8_t c;

		rc = at < reader->end - reader->start ? 1 : et_have(reader, at + 1, err);
		if (rc <= 0)
			return rc < 0 ? -1 : et_bad(reader, err, "the file ends in it");
		c = reader->buffer[reader->start + at];
		if (escaped)
			escaped = false;
		else if (in_text)
			escaped = c == '\\', in_text = c != '"';
		else if (c == '"')
			in_text = true;
		else if (c == '{' || c == '[')
			depth++;
		else if (c == '}' || c == ']')
			depth--;
		if (!depth && !in_text)
			return (long)at + 1;
	}
	return et_bad(reader, err, "it is too large");
}

/* The next object: 1, 0 at the end, or -1 with ERR.  The caller owns it. */
static int next_object(struct et_reader *reader, bool comma, json_t **object, struct et_record *at,
		       struct err *err)
{
	json_error_t why;
	char what[192];
	long size;
	int c = next_byte(reader, comma, err);

	if (c <= 0)
		return c;
	reader->number++;
	if (c != '{')
		return et_bad(reader, err, "a '{' is wanted here");
	size = span(reader, err);
	if (size < 0)
		return -1;
	*object = json_loadb((const char *)reader->buffer + reader->start, (size_t)size,
			     JSON_REJECT_DUPLICATES, &why);
	if (!*object) {
		snprintf(what, sizeof(what), "line %d of it: %s", why.line, why.text);
		return et_bad(reader, err, what);
	}
	*at = (struct et_record){ reader->buffer + reader->start, (size_t)size, reader->offset,
				  reader->number };
	et_take(reader, (size_t)size);
	return 1;
}

/* ---- values ---- */

/* KEY is NAME, but for case and underscores. */
static bool is_key(const char *key, const char *name)
{
	for (;; key++, name++) {
		while (*key == '_')
			key++;
		while (*name == '_')
			name++;
		if (tolower((unsigned char)*key) != tolower((unsigned char)*name))
			return false;
		if (!*key)
			return true;
	}
}

static json_t *get(json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) if (is_key(key, name)) return value;
	return NULL;
}

/* A whole number, also as text (64 bits are written so) and true or false. */
static bool number_of(const json_t *value, int64_t *number)
{
	const char *text;
	char *end;

	if (json_is_boolean(value)) {
		*number = json_is_true(value);
		return true;
	}
	if (json_is_integer(value)) {
		*number = json_integer_value(value);
		return true;
	}
	text = json_string_value(value);
	if (!text || !*text)
		return false;
	errno = 0;
	*number = *text == '-' ? strtoll(text, &end, 10) : (int64_t)strtoull(text, &end, 10);
	return !errno && !*end;
}

static const char *keep_text(struct et_reader *reader, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = et_alloc(&reader->arena, size);

	return copy ? memcpy(copy, text, size) : NULL;
}

/* A list of numbers in the arena, or NULL. */
static const int64_t *list_of(struct et_reader *reader, json_t *value, size_t *count)
{
	int64_t *list;
	json_t *one;
	size_t i;

	if (!json_is_array(value))
		return NULL;
	*count = json_array_size(value);
	list = et_alloc(&reader->arena, *count * sizeof(*list) + 1);
	if (!list)
		return NULL;
	json_array_foreach(value, i, one) if (!number_of(one, &list[i])) return NULL;
	return list;
}

/* "COMM_COLL_NODE", "COMM_COLL", 7. */
static uint32_t type_of(const json_t *value)
{
	const char *text = json_string_value(value);
	int64_t number;

	if (number_of(value, &number))
		return number < 0 || number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
	for (uint32_t type = 0; text && et_type_name(type); type++) {
		size_t length = strlen(et_type_name(type));

		if (!strncmp(text, et_type_name(type), length) &&
		    (!text[length] || !strcmp(text + length, "_NODE")))
			return type;
	}
	return UINT32_MAX;
}

/* ---- attributes ---- */

static bool takes_list(const char *name)
{
	return is_key(name, "involved_dim") || is_key(name, "comm_sizes");
}

/* Whether VALUE is of a kind that NAME may have. */
static bool take_value(struct et_reader *reader, struct et_node *node, const char *name,
		       json_t *value)
{
	const char *text = json_string_value(value), *kept;
	const int64_t *list;
	int64_t number;
	size_t count;

	if (is_key(name, "pg_name") && text) {
		kept = keep_text(reader, text);
		if (kept)
			et_set_text(node, name, kept);
		return kept;
	} else if (is_key(name, "comm_type") && text && et_collective_number(text) >= 0) {
		et_set_number(reader, node, name, et_collective_number(text));
	} else if (takes_list(name)) {
		list = list_of(reader, value, &count);
		if (list)
			et_set_list(node, name, list, count);
		return list;
	} else if (number_of(value, &number)) {
		et_set_number(reader, node, name, number);
	} else {
		return false;
	}
	return true;
}

/* {"name": "comm_size", "int64Val": "65536"}, {"name": ..., "boolList": {"values": [...]}}.  What
 * holds a fraction sets nothing.
 */
static void take_attribute(struct et_reader *reader, struct et_node *node, json_t *attr)
{
	const char *name = json_string_value(get(attr, "name")), *key;
	json_t *value, *values;

	if (!name)
		return;
	json_object_foreach(attr, key, value)
	{
		if (is_key(key, "name") || is_key(key, "doc_string") || is_key(key, "float_val") ||
		    is_key(key, "double_val"))
			continue;
		values = json_is_object(value) ? get(value, "values") : NULL;
		take_value(reader, node, name, values ? values : value);
	}
}

static const char *const flat[] = { "is_cpu_op",     "num_ops",  "tensor_size",  "comm_type",
				    "comm_size",     "comm_src", "comm_dst",     "comm_tag",
				    "comm_priority", "pg_name",  "involved_dim", "comm_sizes",
				    "root",          "stream" };

/* Attributes in the node itself; null is none. */
static int take_flat(struct et_reader *reader, struct et_node *node, json_t *object,
		     struct err *err)
{
	char what[64];
	json_t *value;

	for (size_t i = 0; i < sizeof(flat) / sizeof(*flat); i++) {
		value = get(object, flat[i]);
		if (!value || json_is_null(value) || take_value(reader, node, flat[i], value))
			continue;
		snprintf(what, sizeof(what), "its %s is not of the kind it must be", flat[i]);
		return et_bad(reader, err, what);
	}
	return 0;
}

static int take_deps(struct et_reader *reader, json_t *value, const uint64_t **list, size_t *count,
		     struct err *err)
{
	if (!value)
		return 0;
	*list = (const uint64_t *)list_of(reader, value, count);
	return *list ? 0 : et_bad(reader, err, "its dependencies are no list of ids");
}

static int take_times(struct et_reader *reader, struct et_node *node, json_t *object,
		      struct err *err)
{
	static const char *const names[] = { "runtime", "duration_micros", "start_time_micros" };
	uint64_t *const to[] = { &node->duration_us, &node->duration_us, &node->start_us };
	int64_t number;
	json_t *value;

	for (size_t i = 0; i < 3; i++) {
		value = get(object, names[i]);
		if (!value)
			continue;
		if (!number_of(value, &number) || number < 0)
			return et_bad(reader, err, "a time in it is no whole number of us");
		*to[i] = (uint64_t)number;
	}
	return 0;
}

static int take_node(struct et_reader *reader, struct et_node *node, json_t *object,
		     struct err *err)
{
	json_t *value = get(object, "id"), *attr;
	const char *text;
	int64_t number = 0;
	size_t i;

	/* a 0 is not written by protobuf's JSON */
	if (value && !number_of(value, &number))
		return et_bad(reader, err, "its id is no number");
	if (!value && !get(object, "type") && !get(object, "name") && json_object_size(object))
		return et_bad(reader, err, "neither a node nor about the file");
	node->id = (uint64_t)number;
	value = get(object, "type");
	value = value ? value : get(object, "NodeType");
	node->type = value ? type_of(value) : ET_INVALID;
	text = json_string_value(get(object, "name"));
	node->name = text ? keep_text(reader, text) : "";
	text = json_string_value(get(get(object, "inputs"), "values"));
	node->values = text && node->type == ET_METADATA ? keep_text(reader, text) : NULL;
	if (take_flat(reader, node, object, err) < 0)
		return -1;
	json_array_foreach(get(object, "attr"), i, attr) take_attribute(reader, node, attr);
	if (!node->name)
		return et_bad(reader, err, "no room for it");
	if (take_times(reader, node, object, err) < 0 ||
	    take_deps(reader, get(object, "data_deps"), &node->data_deps, &node->data_count, err) <
		    0)
		return -1;
	return take_deps(reader, get(object, "ctrl_deps"), &node->ctrl_deps, &node->ctrl_count,
			 err);
}

/* ---- the file ---- */

/* After '{': go to the list of nodes, past other keys. */
static int enter_workload(struct et_reader *reader, struct err *err)
{
	bool found;
	long size;
	int c;

	et_take(reader, 1);
	for (;;) {
		c = next_byte(reader, true, err);
		size = c == '"' ? span(reader, err) : -1;
		if (size < 0)
			return c < 0 || c == '"' ? -1 : et_bad(reader, err, "no workload_graph");
		found = size == 16 &&
			!memcmp(reader->buffer + reader->start, "\"workload_graph\"", 16);
		et_take(reader, (size_t)size);
		if (next_byte(reader, false, err) != ':')
			return et_bad(reader, err, "a ':' is wanted here");
		et_take(reader, 1);
		c = next_byte(reader, false, err);
		if (found && c == '[') {
			et_take(reader, 1);
			return 0;
		}
		if (c != '{' && c != '[' && c != '"')
			return et_bad(reader, err, "no workload_graph");
		size = span(reader, err);
		if (size < 0)
			return -1;
		et_take(reader, (size_t)size);
	}
}

/* Whether the first object is the graph or one of many. */
static bool is_workload(struct et_reader *reader, struct err *err)
{
	static const char key[] = "\"workload_graph\"";
	size_t have;

	et_have(reader, 4096, err);
	have = reader->end - reader->start;
	return memmem(reader->buffer + reader->start, have < 4096 ? have : 4096, key,
		      sizeof(key) - 1) != NULL;
}

static bool is_metadata(json_t *object)
{
	return !get(object, "id") && !get(object, "type") && !get(object, "name") &&
	       (get(object, "version") || get(object, "attr") || !json_object_size(object));
}

/* What the file says of itself. */
static void take_metadata(struct et_reader *reader, json_t *object)
{
	const char *text = json_string_value(get(object, "version"));
	json_t *attr;
	size_t i;

	if (text)
		snprintf(reader->version, sizeof(reader->version), "%s", text);
	json_array_foreach(get(object, "attr"), i, attr)
	{
		const char *name = json_string_value(get(attr, "name"));

		text = json_string_value(get(attr, "string_val"));
		if (name && text && !strcmp(name, "schema"))
			snprintf(reader->schema, sizeof(reader->schema), "%s", text);
	}
}

/* Take the record about the file, when the first one is that. */
static int open_records(struct et_reader *reader, struct err *err)
{
	struct et_record record;
	json_t *object;
	bool is_head;
	int rc = next_object(reader, false, &object, &record, err);

	if (rc <= 0)
		return rc;
	is_head = is_metadata(object);
	if (is_head)
		take_metadata(reader, object);
	json_decref(object);
	if (is_head)
		return et_keep_head(reader, record.data, record.size, err);
	reader->start -= record.size;
	reader->offset -= record.size;
	reader->number--;
	return 0;
}

int et_json_open(struct et_reader *reader, struct err *err)
{
	if (next_byte(reader, false, err) < 0)
		return -1;
	reader->form = is_workload(reader, err) ? ET_FORM_WORKLOAD : ET_FORM_RECORDS;
	return reader->form == ET_FORM_WORKLOAD ? enter_workload(reader, err)
						: open_records(reader, err);
}

/* Whether the list of nodes ends here. */
static int at_end(struct et_reader *reader, struct err *err)
{
	int c;

	if (reader->form == ET_FORM_RECORDS)
		return 0;
	c = next_byte(reader, true, err);
	if (c == 0)
		return et_bad(reader, err, "the file ends in the list of nodes");
	return c < 0 ? -1 : c == ']';
}

int et_json_next(struct et_reader *reader, struct et_node *node, struct et_record *record,
		 struct err *err)
{
	struct et_record here;
	json_t *object;
	int rc = at_end(reader, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	record = record ? record : &here;
	rc = next_object(reader, false, &object, record, err);
	if (rc <= 0)
		return rc;
	reader->offset = record->offset; /* for sentences */
	rc = take_node(reader, node, object, err);
	reader->offset += record->size;
	json_decref(object);
	return rc < 0 ? -1 : 1;
}
