/* SPDX-License-Identifier: Apache-2.0 */
#include "netprof_settings.h"
#include "values.h"

#include <string.h>

VALUES_WORDS(stamps, bool, "neither precise nor coarse", { "precise", true }, { "coarse", false })

#define SIZES_MAX (1u << 20)

#define KEY(...)  RECORDER_KEY(netprof_settings, __VA_ARGS__)
#define TEXT(...) RECORDER_TEXT(netprof_settings, __VA_ARGS__)

static const struct key keys[] = {
	TEXT("dir", dir, dir, false),
	KEY("window", time, window, 0, INT64_MAX, false),
	KEY("stamps", stamps, precise, 0, 0, false),
	KEY("timing", flag, timing, 0, 0, false),
	KEY("sizes", count, sizes, 0, SIZES_MAX, false),
	TEXT("exclude", line, exclude, false),
	RECORDER_KEYS(netprof_settings),
};

static const struct values_table table = {
	.keys = keys,
	.count = sizeof(keys) / sizeof(*keys),
	.enable = offsetof(struct netprof_settings, enable),
};

int netprof_settings_merge(struct netprof_settings *settings, enum netprof_source source,
			   const char *text, struct err *err)
{
	struct netprof_settings merged = *settings;

	if (values_merge(&merged, &table, source == NETPROF_PLUGSTACK, text, err) < 0)
		return -1;
	*settings = merged;
	return 0;
}

int netprof_settings_format(const struct netprof_settings *settings, char *buf, size_t size)
{
	const struct netprof_settings defaults = NETPROF_SETTINGS_INIT;

	return values_write(settings, &defaults, &table, buf, size);
}

bool netprof_settings_excludes(const struct netprof_settings *settings, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return values_listed(settings->exclude, name);
}
