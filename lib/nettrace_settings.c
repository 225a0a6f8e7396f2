/* SPDX-License-Identifier: Apache-2.0 */
#include "nettrace_settings.h"
#include "values.h"

VALUES_WORDS(level, enum vring_level, "none of summary, control and full",
	     { "summary", VRING_SUMMARY }, { "control", VRING_CONTROL }, { "full", VRING_FULL })

#define RING_MIN (1U << 20)
#define RING_MAX (1ULL << 40)

#define KEY(...)  RECORDER_KEY(nettrace_settings, __VA_ARGS__)
#define TEXT(...) RECORDER_TEXT(nettrace_settings, __VA_ARGS__)

static const struct key keys[] = {
	TEXT("dir", dir, dir, false),
	KEY("ring", bytes, ring, RING_MIN, RING_MAX, false),
	KEY("stream", flag, stream, 0, 0, false),
	KEY("level", level, level, 0, 0, false),
	KEY("export", flag, export, 0, 0, false),
	TEXT("tag", name, tag, false),
	TEXT("exclude", line, exclude, false),
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
