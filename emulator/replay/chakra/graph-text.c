/* SPDX-License-Identifier: Apache-2.0 */
/* graph-text.c - the names in a trace, and the process groups it describes */
#include "chakra/graph-parts.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static size_t slot_of(const struct graph *graph, const struct graph_texts *texts, const char *text)
{
	size_t slot = hash_of(text) & (texts->nslots - 1);

	while (texts->slots[slot] && strcmp(graph_name(graph, texts->slots[slot] - 1), text))
		slot = (slot + 1) & (texts->nslots - 1);
	return slot;
}

static int grow_slots(struct graph *graph, struct graph_texts *texts)
{
	size_t nslots = texts->nslots ? 2 * texts->nslots : 1024;
	uint32_t *slots = calloc(nslots, sizeof(*slots));

	if (!slots)
		return -1;
	free(texts->slots);
	texts->slots = slots;
	texts->nslots = nslots;
	for (uint32_t i = 0; i < graph->names_count; i++)
		slots[slot_of(graph, texts, graph_name(graph, i))] = i + 1;
	return 0;
}

static int append(struct graph *graph, struct graph_texts *texts, const char *text)
{
	size_t size = strlen(text) + 1;
	uint64_t used = graph->names_count ? graph->names[graph->names_count - 1] : 0, room;
	uint64_t *names;
	char *grown;

	if (graph->names_count)
		used += strlen(graph->text + used) + 1;
	if (used + size > texts->text_room) {
		room = 2 * (used + size) + 4096;
		grown = realloc(graph->text, room);
		if (!grown)
			return -1;
		graph->text = grown;
		texts->text_room = room;
	}
	if (graph->names_count == texts->names_room) {
		room = texts->names_room ? 2 * (uint64_t)texts->names_room : 256;
		names = room < GRAPH_NONE ? reallocarray(graph->names, room, sizeof(*names)) : NULL;
		if (!names)
			return -1;
		graph->names = names;
		texts->names_room = (uint32_t)room;
	}
	memcpy(graph->text + used, text, size);
	graph->names[graph->names_count++] = used;
	return 0;
}

uint32_t graph_text(struct graph *graph, struct graph_texts *texts, const char *text)
{
	size_t slot;

	if (2 * ((size_t)graph->names_count + 1) > texts->nslots && grow_slots(graph, texts) < 0)
		return GRAPH_NONE;
	slot = slot_of(graph, texts, text);
	if (!texts->slots[slot]) {
		if (append(graph, texts, text) < 0)
			return GRAPH_NONE;
		texts->slots[slot] = graph->names_count;
	}
	return texts->slots[slot] - 1;
}

void graph_texts_release(struct graph_texts *texts)
{
	free(texts->slots);
	*texts = (struct graph_texts){ 0 };
}

/* ---- groups ---- */

/* A list of objects, perhaps as text within a list: "[\"[{...}]\"]", "['[{...}]']". */
static json_t *parse_list(const char *values)
{
	size_t length = strlen(values);
	json_t *list = json_loads(values, 0, NULL), *inner;

	if (json_is_array(list) && json_is_string(json_array_get(list, 0))) {
		inner = json_loads(json_string_value(json_array_get(list, 0)), 0, NULL);
		json_decref(list);
		return inner;
	}
	if (!list && length > 4)
		list = json_loadb(values + 2, length - 4, 0, NULL);
	return list;
}

static int add_members(struct graph *graph, json_t *ranks)
{
	size_t count = json_array_size(ranks), i;
	int64_t *members;
	json_t *rank;

	if (!count)
		return 0;
	members = reallocarray(graph->members, graph->members_count + count, sizeof(*members));
	if (!members)
		return -1;
	graph->members = members;
	json_array_foreach(ranks, i, rank) members[graph->members_count++] =
		json_integer_value(rank);
	return 0;
}

static int add_group(struct graph *graph, struct graph_texts *texts, json_t *object)
{
	const json_t *name = json_object_get(object, "pg_name");
	json_t *ranks = json_object_get(object, "ranks");
	struct graph_group *groups;
	char number[32];
	const char *text = json_string_value(name);

	if (json_is_integer(name)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(name));
		text = number;
	}
	if (!text || (ranks && !json_is_array(ranks)))
		return 0;
	groups = reallocarray(graph->groups, graph->groups_count + 1, sizeof(*groups));
	if (!groups)
		return -1;
	graph->groups = groups;
	groups += graph->groups_count;
	*groups = (struct graph_group){
		.name = graph_text(graph, texts, text),
		.first = graph->members_count,
		.count = (uint32_t)json_array_size(ranks),
	};
	if (groups->name == GRAPH_NONE || add_members(graph, ranks) < 0)
		return -1;
	graph->groups_count++;
	return 0;
}

int graph_add_groups(struct graph *graph, struct graph_texts *texts, const char *values)
{
	json_t *list = parse_list(values), *object;
	int rc = 0;
	size_t i;

	json_array_foreach(list, i, object) if (rc == 0 && json_is_object(object)) rc =
		add_group(graph, texts, object);
	json_decref(list);
	return rc;
}
