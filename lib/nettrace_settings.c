/* SPDX-License-Identifier: Apache-2.0 */
#include "nettrace_settings.h"
#include "values.h"

#include <string.h>

VALUES_WORDS(level, enum vring_level, "none of summary, control and full",
	     { "summary", VRING_SUMMARY }, { "control", VRING_CONTROL }, { "full", VRING_FULL })

/* --- calls --- */

enum class {
	CLASS_CONTROL,
	CLASS_POST,
	CLASS_POLL,
	CLASS_EVENT,
	CLASS_MEMORY,
	CLASS_DEVICE,
	CLASSES,
};

static const char *const class_names[CLASSES] = { "control", "post",   "poll",
						  "event",   "memory", "device" };

static const struct {
	const char *name;
	const char *series;
} calls[VCALL_COUNT] = {
#define CALL(constant, name, series, ...) [VCALL_##constant] = { name, #series },
	VCALLS(CALL)
#undef CALL
};

static enum class class_of(uint32_t call) {
	if (call <= VCALL_POST_SRQ_RECV) return CLASS_POST;
	if (call <= VCALL_NEXT_POLL) return CLASS_POLL;
	if (strcmp(calls[call].series, "EVENT") == 0) return CLASS_EVENT;
	if (strcmp(calls[call].series, "MEMORY") == 0) return CLASS_MEMORY;
	return call == VCALL_DEVICE ? CLASS_DEVICE : CLASS_CONTROL;
}

static bool names_call(const char *word, uint32_t call)
{
	const char *name = calls[call].name;

	return strcmp(word, name) == 0 || strcmp(word, class_names[class_of(call)]) == 0 ||
	       (strncmp(name, "ibv_", 4) == 0 && strcmp(word, name + 4) == 0);
}

static bool is_word(const char *word)
{
	for (uint32_t call = 1; call < VCALL_COUNT; call++)
		if (names_call(word, call))
			return true;
	return false;
}

static int parse_calls(void *field, const struct key *key, const char *value, struct err *err)
{
	char word[64];

	for (const char *at = value; *at; at += *at == ',') {
		size_t length = strcspn(at, ",");

		if (length < sizeof(word)) {
			memcpy(word, at, length);
			word[length] = '\0';
		}
		if (length >= sizeof(word) || !is_word(word))
			return values_bad(key, value,
					  "neither calls nor classes of calls (post, poll, "
					  "event, memory, device)",
					  err);
		at += length;
	}
	return kind_line.parse(field, key, value, err);
}

static void format_calls(const void *field, char *buf, size_t size)
{
	kind_line.format(field, buf, size);
}

static const struct kind kind_calls = { parse_calls, format_calls, false };

void nettrace_settings_calls(const struct nettrace_settings *settings, bool chosen[VCALL_COUNT])
{
	const char *list = settings->call;

	for (uint32_t call = 1; call < VCALL_COUNT; call++) {
		const char *name = calls[call].name;

		chosen[call] = !*list || class_of(call) == CLASS_CONTROL ||
			       values_listed(list, name) ||
			       values_listed(list, class_names[class_of(call)]) ||
			       (strncmp(name, "ibv_", 4) == 0 && values_listed(list, name + 4));
	}
}

/* --- keys --- */

#define RING_MIN (1U << 20)
#define RING_MAX (1ULL << 40)

#define TIMED_MAX (1U << 24)

#define KEY(...)  RECORDER_KEY(nettrace_settings, __VA_ARGS__)
#define TEXT(...) RECORDER_TEXT(nettrace_settings, __VA_ARGS__)

static const struct key keys[] = {
	TEXT("dir", dir, dir, false),
	KEY("ring", bytes, ring, RING_MIN, RING_MAX, false),
	KEY("stream", flag, stream, 0, 0, false),
	KEY("level", level, level, 0, 0, false),
	KEY("device", flag, device, 0, 0, false),
	KEY("timed", count, timed, 1, TIMED_MAX, false),
	KEY("export", flag, export, 0, 0, false),
	TEXT("tag", name, tag, false),
	TEXT("exclude", line, exclude, false),
	TEXT("call", calls, call, false),
	KEY("size", bytes, min_size, 0, UINT64_MAX, false),
	KEY("qp", count, qpn, 0, 0xffffff, false),
	RECORDER_KEYS(nettrace_settings),
	TEXT("bin", path, bin, true),
};

static const struct values_table table = {
	.keys = keys,
	.count = sizeof(keys) / sizeof(*keys),
	.enable = offsetof(struct nettrace_settings, enable),
};

int nettrace_settings_merge(struct nettrace_settings *settings, enum nettrace_source source,
			    const char *text, struct err *err)
{
	struct nettrace_settings merged = *settings;

	if (values_merge(&merged, &table, source == NETTRACE_PLUGSTACK, text, err) < 0)
		return -1;
	*settings = merged;
	return 0;
}

int nettrace_settings_format(const struct nettrace_settings *settings, char *buf, size_t size)
{
	const struct nettrace_settings defaults = NETTRACE_SETTINGS_INIT;

	return values_write(settings, &defaults, &table, buf, size);
}

bool nettrace_settings_excludes(const struct nettrace_settings *settings, const char *path)
{
	const char *slash = strrchr(path, '/');

	return values_listed(settings->exclude, slash ? slash + 1 : path);
}
