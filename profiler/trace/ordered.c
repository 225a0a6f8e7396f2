/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/ordered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELD   1024
#define BUFFER (1 << 20)

struct ordered_entry {
	int64_t key;
	uint32_t at, length; /* in the buffer */
};

/* In place, from the end: each is nearly where it belongs. */
static void sort(struct ordered *ordered)
{
	struct ordered_entry *entries = ordered->entries;

	for (size_t i = 1; i < ordered->count && !ordered->sorted; i++) {
		struct ordered_entry moved = entries[i];
		size_t to = i;

		for (; to && entries[to - 1].key > moved.key; to--)
			entries[to] = entries[to - 1];
		entries[to] = moved;
	}
	ordered->sorted = true;
}

/* The first COUNT, neighbours in the buffer at once. */
static void write_entries(struct ordered *ordered, size_t count)
{
	const struct ordered_entry *entry = ordered->entries;
	size_t at = entry->at, length = 0;

	for (; count--; entry++) {
		if (at + length != entry->at) {
			json_write(&ordered->json, at, length);
			at = entry->at;
			length = 0;
		}
		length += entry->length;
	}
	json_write(&ordered->json, at, length);
}

/* What stays, and the element that is being written, move to the front. */
static int keep(struct ordered *ordered, size_t from)
{
	struct json *json = &ordered->json;
	size_t open = (size_t)(json->at - json->base) - ordered->start, used = 0;
	char *fresh = malloc((size_t)(json->end - json->base));

	if (!fresh) {
		json->failed = ENOMEM;
		return -1;
	}
	for (size_t i = from; i < ordered->count; i++) {
		struct ordered_entry *entry = &ordered->entries[i];

		memcpy(fresh + used, json->base + entry->at, entry->length);
		entry->at = (uint32_t)used;
		used += entry->length;
		ordered->entries[i - from] = *entry;
	}
	ordered->count -= from;
	memcpy(fresh + used, json->base + ordered->start, open);
	ordered->start = used;
	json->end = fresh + (json->end - json->base);
	json->at = fresh + used + open;
	free(json->base);
	json->base = fresh;
	return 0;
}

static void make_room(struct json *json)
{
	struct ordered *ordered = (struct ordered *)json;
	size_t held = ordered->draining ? 0 : HELD, count;

	if (json->failed || ordered->count <= held)
		return;
	sort(ordered);
	count = ordered->count - held;
	write_entries(ordered, count);
	if (!json->failed)
		keep(ordered, count);
}

int ordered_init(struct ordered *ordered, FILE *stream)
{
	*ordered = (struct ordered){ .sorted = true };
	if (json_init(&ordered->json, stream, BUFFER) < 0)
		return -1;
	ordered->json.full = make_room;
	return 0;
}

void ordered_release(struct ordered *ordered)
{
	json_release(&ordered->json);
	free(ordered->entries);
	*ordered = (struct ordered){ 0 };
}

struct json *ordered_begin(struct ordered *ordered, int64_t time, enum ordered_class order)
{
	struct json *json = &ordered->json;

	ordered->start = (size_t)(json->at - json->base);
	/* times are of this century, so there is room for the class; others need not be right */
	ordered->key = time == ORDERED_NOW ? time : (int64_t)((uint64_t)time * 4 + order);
	if (ordered->written++)
		JSON_PUT(json, ",\n");
	return json;
}

void ordered_end(struct ordered *ordered)
{
	struct json *json = &ordered->json;
	size_t room = ordered->room ? 2 * ordered->room : 4 * HELD;
	struct ordered_entry *grown;

	if (ordered->count == ordered->room) {
		grown = reallocarray(ordered->entries, room, sizeof(*grown));
		if (!grown) {
			json->failed = ENOMEM;
			return;
		}
		ordered->entries = grown;
		ordered->room = room;
	}
	if (ordered->count && ordered->entries[ordered->count - 1].key > ordered->key)
		ordered->sorted = false;
	ordered->entries[ordered->count++] = (struct ordered_entry){
		.key = ordered->key,
		.at = (uint32_t)ordered->start,
		.length = (uint32_t)((size_t)(json->at - json->base) - ordered->start),
	};
	ordered->start = (size_t)(json->at - json->base);
}

int ordered_flush(struct ordered *ordered)
{
	ordered->draining = true;
	make_room(&ordered->json);
	ordered->draining = false;
	return ordered->json.failed ? -1 : 0;
}
