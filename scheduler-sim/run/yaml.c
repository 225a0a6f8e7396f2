/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* An anchor and a copy of what it names. */
struct anchor {
	char *name;
	struct yaml_node node;
	size_t nodes;
};

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the latest; to be deleted */
	const char *name;
	struct err *err;
	size_t nodes;
	unsigned depth;
	struct anchor *anchors;
	size_t nanchors;
};

static unsigned line_of(const struct reader *reader)
{
	return (unsigned)reader->event.start_mark.line + 1;
}

static int fail(const struct reader *reader, unsigned line, const char *what)
{
	return err_set(reader->err, "%s:%u: %s", reader->name, line, what);
}

static int no_memory(const struct reader *reader)
{
	errno = ENOMEM;
	return err_errno(reader->err, "%s", reader->name);
}

static int next(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;

	yaml_event_delete(&reader->event);
	memset(&reader->event, 0, sizeof(reader->event));
	if (yaml_parser_parse(&reader->parser, &reader->event))
		return 0;
	if (parser->error == YAML_MEMORY_ERROR)
		return no_memory(reader);
	return fail(reader, (unsigned)parser->problem_mark.line + 1,
		    parser->problem ? parser->problem : "is no YAML");
}

static int count_nodes(struct reader *reader, size_t nodes)
{
	reader->nodes += nodes;
	if (reader->nodes > YAML_NODES)
		return fail(reader, line_of(reader), "there are too many values");
	return 0;
}

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int keep_anchor(struct reader *reader, char *name, const struct yaml_node *node,
		       size_t nodes)
{
	struct anchor *anchors =
		realloc(reader->anchors, (reader->nanchors + 1) * sizeof(*anchors));
	struct anchor *anchor;

	if (!anchors) {
		free(name);
		return no_memory(reader);
	}
	reader->anchors = anchors;
	anchor = &anchors[reader->nanchors++];
	*anchor = (struct anchor){ .name = name, .nodes = nodes };
	if (count_nodes(reader, nodes) < 0)
		return -1;
	return yaml_copy(&anchor->node, node) < 0 ? no_memory(reader) : 0;
}

/* The latest of that name, as YAML wants it. */
static int read_alias(struct reader *reader, struct yaml_node *node)
{
	const char *name = (const char *)reader->event.data.alias.anchor;

	for (size_t i = reader->nanchors; i-- > 0;) {
		const struct anchor *anchor = &reader->anchors[i];

		if (strcmp(anchor->name, name))
			continue;
		if (count_nodes(reader, anchor->nodes) < 0)
			return -1;
		return yaml_copy(node, &anchor->node) < 0 ? no_memory(reader) : 0;
	}
	return err_set(reader->err, "%s:%u: '*%.64s': there is no such anchor before it",
		       reader->name, line_of(reader), name);
}

static int read_scalar(struct reader *reader, struct yaml_node *node)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	size_t length = reader->event.data.scalar.length;

	if (memchr(text, '\0', length))
		return fail(reader, line_of(reader), "there is a zero byte in a value");
	node->kind = YAML_SCALAR;
	node->plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = strdup(text);
	return node->text ? 0 : no_memory(reader);
}

/* The key that the latest event is, of the mapping MAP. */
static char *read_key(struct reader *reader, const struct yaml_node *map)
{
	struct yaml_node key = { .kind = YAML_SCALAR };

	if (reader->event.type != YAML_SCALAR_EVENT) {
		fail(reader, line_of(reader), "a key is no plain text");
		return NULL;
	}
	if (read_scalar(reader, &key) < 0)
		return NULL;
	if (!yaml_find(map, key.text))
		return key.text;
	err_set(reader->err, "%s:%u: '%.64s': stands twice in one mapping", reader->name,
		line_of(reader), key.text);
	free(key.text);
	return NULL;
}

static int read_node(struct reader *reader, struct yaml_node *node);

static int read_items(struct reader *reader, struct yaml_node *node, yaml_event_type_t end)
{
	while (next(reader) == 0) {
		struct yaml_node *item;
		char *key = NULL;

		if (reader->event.type == end)
			return 0;
		if (node->kind == YAML_MAP) {
			if (node->count == YAML_KEYS)
				return fail(reader, line_of(reader), "a mapping has too many keys");
			key = read_key(reader, node);
			if (!key)
				return -1;
			if (next(reader) < 0) {
				free(key);
				return -1;
			}
		}
		item = yaml_append(node);
		if (!item) {
			free(key);
			return no_memory(reader);
		}
		item->key = key;
		if (read_node(reader, item) < 0)
			return -1;
	}
	return -1;
}

static int read_kind(struct reader *reader, struct yaml_node *node)
{
	switch (reader->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reader, node);
	case YAML_SEQUENCE_START_EVENT:
		node->kind = YAML_LIST;
		return read_items(reader, node, YAML_SEQUENCE_END_EVENT);
	case YAML_MAPPING_START_EVENT:
		node->kind = YAML_MAP;
		return read_items(reader, node, YAML_MAPPING_END_EVENT);
	default:
		return fail(reader, line_of(reader), "is no YAML");
	}
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.anchor;
	default:
		return NULL;
	}
}

/* The node that the latest event begins. */
static int read_node(struct reader *reader, struct yaml_node *node)
{
	const yaml_char_t *anchor = anchor_of(&reader->event);
	size_t before = reader->nodes;
	char *name = NULL;
	int rc;

	node->line = line_of(reader);
	if (reader->event.type == YAML_ALIAS_EVENT)
		return read_alias(reader, node);
	if (count_nodes(reader, 1) < 0)
		return -1;
	if (reader->depth == YAML_DEPTH)
		return fail(reader, node->line, "values stand too deep in each other");
	if (anchor) {
		name = strdup((const char *)anchor);
		if (!name)
			return no_memory(reader);
	}
	reader->depth++;
	rc = read_kind(reader, node);
	reader->depth--;
	if (rc == 0 && name)
		return keep_anchor(reader, name, node, reader->nodes - before);
	free(name);
	return rc;
}

static int read_document(struct reader *reader, struct yaml_node *root)
{
	if (next(reader) < 0 || next(reader) < 0)
		return -1;
	if (reader->event.type == YAML_STREAM_END_EVENT)
		return fail(reader, 1, "there is nothing in it");
	if (next(reader) < 0 || read_node(reader, root) < 0)
		return -1;
	if (next(reader) < 0 || next(reader) < 0)
		return -1;
	if (reader->event.type != YAML_STREAM_END_EVENT)
		return fail(reader, line_of(reader), "a second document begins here");
	return 0;
}

static void release_reader(struct reader *reader)
{
	for (size_t i = 0; i < reader->nanchors; i++) {
		free(reader->anchors[i].name);
		yaml_release(&reader->anchors[i].node);
	}
	free(reader->anchors);
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
}

int yaml_parse(struct yaml_node *root, const char *text, size_t size, const char *name,
	       struct err *err)
{
	struct reader reader = { .name = name, .err = err };
	int rc;

	memset(root, 0, sizeof(*root));
	if (size > YAML_SIZE)
		return err_set(err, "%s: more than %d MiB are no scenario", name, YAML_SIZE >> 20);
	if (!yaml_parser_initialize(&reader.parser))
		return no_memory(&reader);
	yaml_parser_set_input_string(&reader.parser, (const yaml_char_t *)text, size);
	rc = read_document(&reader, root);
	release_reader(&reader);
	if (rc < 0)
		yaml_release(root);
	return rc;
}

/* The contents of FILE, at most one byte more than are allowed. */
static char *slurp(FILE *file, size_t *size)
{
	char *text = NULL;
	size_t room = 0;

	*size = 0;
	do {
		char *more = realloc(text, room += 65536 + room / 2);

		if (!more) {
			free(text);
			return NULL;
		}
		text = more;
		*size += fread(text + *size, 1, room - *size, file);
	} while (!feof(file) && !ferror(file) && *size <= YAML_SIZE);
	if (!ferror(file))
		return text;
	free(text);
	return NULL;
}

int yaml_read(struct yaml_node *root, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	char *text;
	size_t size;
	int rc;

	memset(root, 0, sizeof(*root));
	if (!file)
		return err_errno(err, "unable to open '%s'", path);
	text = slurp(file, &size);
	if (!text) {
		err_errno(err, "unable to read '%s'", path);
		fclose(file);
		return -1;
	}
	fclose(file);
	rc = yaml_parse(root, text, size, path, err);
	free(text);
	return rc;
}

void yaml_release(struct yaml_node *node)
{
	for (size_t i = 0; i < node->count; i++)
		yaml_release(&node->items[i]);
	free(node->items);
	free(node->key);
	free(node->text);
	memset(node, 0, sizeof(*node));
}

struct yaml_node *yaml_append(struct yaml_node *parent)
{
	struct yaml_node *items = parent->items;

	if (parent->count == parent->room) {
		size_t room = parent->room ? 2 * parent->room : 4;

		items = realloc(items, room * sizeof(*items));
		if (!items)
			return NULL;
		parent->items = items;
		parent->room = room;
	}
	memset(&items[parent->count], 0, sizeof(*items));
	return &items[parent->count++];
}

int yaml_copy(struct yaml_node *to, const struct yaml_node *from)
{
	to->kind = from->kind;
	to->plain = from->plain;
	to->line = from->line;
	to->text = copy_text(from->text);
	if (from->text && !to->text)
		return -1;
	for (size_t i = 0; i < from->count; i++) {
		struct yaml_node *item = yaml_append(to);

		if (!item)
			return -1;
		item->key = copy_text(from->items[i].key);
		if ((from->items[i].key && !item->key) || yaml_copy(item, &from->items[i]) < 0)
			return -1;
	}
	return 0;
}

const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	for (size_t i = 0; map->kind == YAML_MAP && i < map->count; i++)
		if (strcmp(map->items[i].key, key) == 0)
			return &map->items[i];
	return NULL;
}

char *yaml_describe(const struct yaml_node *node, char *buf, size_t size)
{
	if (node->kind == YAML_SCALAR)
		snprintf(buf, size, "'%.64s'", node->text);
	else
		snprintf(buf, size, "%s", node->kind == YAML_LIST ? "a list" : "a mapping");
	return buf;
}
