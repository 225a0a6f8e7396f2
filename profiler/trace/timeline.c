/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "trace/timeline.h"
#include "trace/hash.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The text of one value at a time is in memory. */
struct scanner {
	FILE *stream;
	char *text;
	size_t used, room;
};

static int next_char(struct scanner *scanner)
{
	int c = getc_unlocked(scanner->stream);

	while (c == ' ' || c == '\n' || c == '\r' || c == '\t')
		c = getc_unlocked(scanner->stream);
	return c;
}

static int keep(struct scanner *scanner, int c)
{
	size_t room = scanner->room ? 2 * scanner->room : 4096;
	char *grown;

	if (scanner->used == scanner->room) {
		grown = realloc(scanner->text, room);
		if (!grown)
			return -1;
		scanner->text = grown;
		scanner->room = room;
	}
	scanner->text[scanner->used++] = (char)c;
	return 0;
}

/* The rest of a string. */
static int scan_string(struct scanner *scanner)
{
	bool escaped = false;
	int c;

	while ((c = getc_unlocked(scanner->stream)) != EOF) {
		if (keep(scanner, c) < 0)
			return -1;
		if (c == '"' && !escaped)
			return 0;
		escaped = c == '\\' && !escaped;
	}
	return -1;
}

/* A value that begins with C; what it means is the parser's to say.  Returns what comes
 * after it, or EOF.
 */
static int scan_value(struct scanner *scanner, int c)
{
	unsigned depth = 0;

	scanner->used = 0;
	for (; c != EOF; c = next_char(scanner)) {
		if (!depth && (c == ',' || c == ']' || c == '}'))
			return c;
		if (keep(scanner, c) < 0 || (c == '"' && scan_string(scanner) < 0))
			return EOF;
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
	}
	return EOF;
}

/* A key and its colon. */
static int scan_key(struct scanner *scanner, int c, char *key, size_t size)
{
	scanner->used = 0;
	if (c != '"' || scan_string(scanner) < 0 || !scanner->used || next_char(scanner) != ':')
		return -1;
	snprintf(key, size, "%.*s", (int)scanner->used - 1, scanner->text);
	return 0;
}

struct timeline {
	struct scanner scanner;
	struct tracks *tracks;
	int64_t shift; /* ns: a time of it + shift is one of ours */
	bool has_start;
	bool has_rank; /* only what is of rank RANK, which is what it calls a process */
	json_int_t rank;
	struct hash tids; /* (tid, 1): our number of this track, as a pointer */
};

/* --- an event --- */

/* A number for the track of EVENT, which is the first one on it: a name, or something without
 * one before it, whose category is the name then.
 */
static uint32_t new_track(struct tracks *tracks, const json_t *event)
{
	const char *ph = json_string_value(json_object_get(event, "ph"));
	const char *cat = json_string_value(json_object_get(event, "cat"));

	if (ph && *ph == 'M')
		return tracks->next++;
	return tracks_other(tracks, cat && *cat ? cat : "replay");
}

/* Our track for that of EVENT. */
static int track_for(struct timeline *timeline, const json_t *event, uint32_t *ours)
{
	json_int_t tid = json_integer_value(json_object_get(event, "tid"));
	void *known = hash_get(&timeline->tids, (uint64_t)tid, 1);

	if (!known) {
		known = (void *)(uintptr_t)new_track(timeline->tracks, event);
		if (hash_put(&timeline->tids, (uint64_t)tid, 1, known) < 0)
			return -1;
	}
	*ours = (uint32_t)(uintptr_t)known;
	return 0;
}

/* Its number of an arrow or of an asynchronous slice must not be one of ours: it becomes
 * another one, the same each time.
 */
static void set_id(json_t *event)
{
	const json_t *id = json_object_get(event, "id");
	const char *text = json_string_value(id);
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	char number[32];

	if (!id)
		return;
	if (!text) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(id));
		text = number;
	}
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	snprintf(number, sizeof(number), "0x%llx", (unsigned long long)(hash | 1ULL << 63));
	json_object_set_new(event, "id", json_string(number));
}

/* KEY (microseconds) as ns. */
static bool get_ns(const json_t *event, const char *key, int64_t *ns)
{
	const json_t *value = json_object_get(event, key);
	double us = json_number_value(value);

	if (!json_is_number(value) || !(us > -9e15 && us < 9e15))
		return false;
	*ns = llround(us * 1000);
	return true;
}

static int put_event(struct timeline *timeline, json_t *event)
{
	struct ordered *out = timeline->tracks->out;
	int64_t ts = 0, dur = 0;
	bool has_ts = get_ns(event, "ts", &ts), has_dur = get_ns(event, "dur", &dur);
	uint32_t tid;
	struct json *json;
	char *text;

	if (track_for(timeline, event, &tid) < 0)
		return -1;
	set_id(event);
	json_object_set_new(event, "pid", json_integer(timeline->tracks->pid));
	json_object_set_new(event, "tid", json_integer(tid));
	json_object_del(event, "ts");
	json_object_del(event, "dur");
	text = json_dumps(event, JSON_COMPACT);
	if (!text)
		return -1;
	json = ordered_begin(out, ORDERED_NOW, ORDERED_BEFORE);
	JSON_PUT(json, "{");
	if (has_ts) {
		JSON_PUT(json, "\"ts\":");
		json_us(json, ts + timeline->shift);
		JSON_PUT(json, ",");
	}
	if (has_dur) {
		JSON_PUT(json, "\"dur\":");
		json_us(json, dur);
		JSON_PUT(json, ",");
	}
	json_put(json, text + 1, strlen(text + 1));
	ordered_end(out);
	free(text);
	return 0;
}

/* Returns 0, or -1: it is none. */
static int take_event(struct timeline *timeline)
{
	json_t *event = json_loadb(timeline->scanner.text, timeline->scanner.used, 0, NULL);
	const char *ph = json_string_value(json_object_get(event, "ph"));
	const char *name = json_string_value(json_object_get(event, "name"));
	int rc = -1;

	if (timeline->has_rank &&
	    json_integer_value(json_object_get(event, "pid")) != timeline->rank) {
		json_decref(event);
		return 0;
	}
	/* what it calls its process is not for ours */
	if (ph && *ph == 'M' && name && strncmp(name, "process_", 8) == 0)
		rc = 0;
	else if (ph && (*ph == 'M' || json_object_get(event, "ts")))
		rc = put_event(timeline, event);
	json_decref(event);
	return rc;
}

/* --- the file --- */

/* The rest of an array. */
static int take_events(struct timeline *timeline)
{
	struct scanner *scanner = &timeline->scanner;
	int c = next_char(scanner);

	while (c != ']') {
		c = scan_value(scanner, c);
		if (c == EOF || take_event(timeline) < 0)
			return -1;
		if (c == ',')
			c = next_char(scanner);
		else if (c != ']')
			return -1;
	}
	return 0;
}

/* When its time 0 was, ns since the epoch. */
static void take_start(struct timeline *timeline)
{
	json_t *data = json_loadb(timeline->scanner.text, timeline->scanner.used, 0, NULL);
	const char *text = json_string_value(json_object_get(data, "start_ns"));
	long long start = text ? atoll(text) : 0;

	timeline->has_start = start > 0;
	timeline->shift = start - timeline->tracks->run->start;
	json_decref(data);
}

/* An array alone does not say when its time 0 was: it is where the run begins. */
static int take_array(struct timeline *timeline)
{
	timeline->has_rank = true;
	return take_events(timeline);
}

static int take_object(struct timeline *timeline)
{
	struct scanner *scanner = &timeline->scanner;
	char key[64];
	int c;

	do {
		if (scan_key(scanner, next_char(scanner), key, sizeof(key)) < 0)
			return -1;
		if (strcmp(key, "traceEvents") == 0) {
			if (!timeline->has_start || next_char(scanner) != '[' ||
			    take_events(timeline) < 0)
				return -1;
			c = next_char(scanner);
			continue;
		}
		c = scan_value(scanner, next_char(scanner));
		if (strcmp(key, "otherData") == 0)
			take_start(timeline);
	} while (c == ',');
	return c == '}' ? 0 : -1;
}

static int take_file(struct timeline *timeline)
{
	switch (next_char(&timeline->scanner)) {
	case '{':
		return take_object(timeline);
	case '[':
		return take_array(timeline);
	default:
		return -1;
	}
}

void timeline_put(struct tracks *tracks, uint32_t rank, const char *path)
{
	struct timeline timeline = { .tracks = tracks, .rank = rank };

	timeline.scanner.stream = fopen(path, "re");
	if (!timeline.scanner.stream) {
		if (errno != ENOENT && errno != ENOTDIR)
			fprintf(stderr, "netemu trace export: warning: unable to read '%s': %s\n",
				path, strerror(errno));
		return;
	}
	if (take_file(&timeline) < 0)
		fprintf(stderr,
			"netemu trace export: warning: '%s': no timeline with its start_ns first, "
			"or only the beginning of one\n",
			path);
	fclose(timeline.scanner.stream);
	free(timeline.scanner.text);
	hash_release(&timeline.tids);
}
