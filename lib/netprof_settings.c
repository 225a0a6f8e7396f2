/* SPDX-License-Identifier: Apache-2.0 */
#include "netprof_settings.h"
#include "kvlist.h"
#include "nearest.h"
#include "rundir.h"
#include "units.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZES_MAX (1u << 20)

struct key;
typedef int (*parse_fn)(void *field, const struct key *key, const char *value, struct err *err);

/* One key: where its value goes and how it is read. */
struct key {
	const char *name;
	bool plugstack; /* only there */
	parse_fn parse;
	size_t offset;
	size_t size;
	uint32_t min, max; /* of numbers */
};

static int parse_duration(void *field, const struct key *key, const char *value, struct err *err)
{
	if (units_duration(value, field) == 0)
		return 0;
	if (errno == ERANGE)
		return err_set(err, "%s='%s': too long", key->name, value);
	return err_set(err, "%s='%s': not a duration (a number and ns, us, ms, s, m, h or d)",
		       key->name, value);
}

static int parse_number(void *field, const struct key *key, const char *value, struct err *err)
{
	uint32_t *number = field;
	unsigned long parsed;
	char *end;

	errno = 0;
	parsed = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end)
		return err_set(err, "%s='%s': not a number", key->name, value);
	if (errno || parsed < key->min || parsed > key->max)
		return err_set(err, "%s='%s': not between %u and %u", key->name, value, key->min,
			       key->max);
	*number = (uint32_t)parsed;
	return 0;
}

static int parse_flag(void *field, const struct key *key, const char *value, struct err *err)
{
	bool yes = strcmp(value, "yes") == 0;

	if (!yes && strcmp(value, "no") != 0)
		return err_set(err, "%s='%s': neither yes nor no", key->name, value);
	*(bool *)field = yes;
	return 0;
}

static int parse_enable(void *field, const struct key *key, const char *value, struct err *err)
{
	bool yes = false;

	if (parse_flag(&yes, key, value, err) < 0)
		return -1;
	*(int *)field = yes;
	return 0;
}

static int parse_stamps(void *field, const struct key *key, const char *value, struct err *err)
{
	bool precise = strcmp(value, "precise") == 0;

	if (!precise && strcmp(value, "coarse") != 0)
		return err_set(err, "%s='%s': neither precise nor coarse", key->name, value);
	*(bool *)field = precise;
	return 0;
}

static int parse_text(void *field, const struct key *key, const char *value, struct err *err)
{
	size_t length = strlen(value);

	if (length >= key->size)
		return err_set(err, "%s=: longer than %zu bytes", key->name, key->size - 1);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
			return err_set(err, "%s=: a control character in it", key->name);
	memcpy(field, value, length + 1);
	return 0;
}

static int parse_path(void *field, const struct key *key, const char *value, struct err *err)
{
	if (value[0] != '/')
		return err_set(err, "%s='%s': not an absolute path", key->name, value);
	return parse_text(field, key, value, err);
}

/* The conversions are only known later; here they are checked. */
static int parse_dir(void *field, const struct key *key, const char *value, struct err *err)
{
	char expanded[PATH_MAX];

	if (!value[0])
		return err_set(err, "%s='': a directory is missing", key->name);
	if (rundir_expand(expanded, sizeof(expanded), value, "1", "0", "user", err) < 0)
		return -1;
	return parse_text(field, key, value, err);
}

#define FIELD(member) \
	offsetof(struct netprof_settings, member), sizeof(((struct netprof_settings *)0)->member)

static const struct key keys[] = {
	{ "dir", false, parse_dir, FIELD(dir), 0, 0 },
	{ "window", false, parse_duration, FIELD(window), 0, 0 },
	{ "stamps", false, parse_stamps, FIELD(precise), 0, 0 },
	{ "timing", false, parse_flag, FIELD(timing), 0, 0 },
	{ "sizes", false, parse_number, FIELD(sizes), 0, SIZES_MAX },
	{ "exclude", false, parse_text, FIELD(exclude), 0, 0 },
	{ "auto", true, parse_enable, FIELD(enable), 0, 0 },
	{ "sample", true, parse_number, FIELD(sample), 0, UINT32_MAX },
	{ "minnodes", true, parse_number, FIELD(minnodes), 0, UINT32_MAX },
	{ "keep", true, parse_duration, FIELD(keep), 0, 0 },
	{ "quiet", true, parse_flag, FIELD(quiet), 0, 0 },
	{ "lib", true, parse_path, FIELD(lib), 0, 0 },
	{ "libexec", true, parse_path, FIELD(libexec), 0, 0 },
	{ NULL, false, NULL, 0, 0, 0, 0 },
};

static int unknown_key(const char *name, enum netprof_source source, struct err *err)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (const struct key *key = keys; key->name; key++)
		if (!key->plugstack || source == NETPROF_PLUGSTACK)
			nearest_offer(&nearest, key->name);
	if (nearest_name(&nearest))
		return err_set(err, "unknown key '%s' (did you mean '%s'?)", name,
			       nearest_name(&nearest));
	return err_set(err, "unknown key '%s'", name);
}

static int parse_word(struct netprof_settings *settings, enum netprof_source source,
		      const char *word, struct err *err)
{
	if (source == NETPROF_PLUGSTACK)
		return err_set(err, "'%s': not KEY=VALUE", word);
	if (strcmp(word, "yes") == 0)
		settings->enable = 1;
	else if (strcmp(word, "no") == 0)
		settings->enable = 0;
	else
		return err_set(err, "'%s': neither yes, no nor KEY=VALUE", word);
	return 0;
}

static int merge_item(struct netprof_settings *settings, enum netprof_source source,
		      const struct kvlist_item *item, struct err *err)
{
	const struct key *key = keys;

	if (!item->key[0])
		return parse_word(settings, source, item->value, err);
	while (key->name && strcmp(key->name, item->key) != 0)
		key++;
	if (!key->name)
		return unknown_key(item->key, source, err);
	if (key->plugstack && source != NETPROF_PLUGSTACK)
		return err_set(err, "'%s' can only be set in plugstack.conf", key->name);
	return key->parse((char *)settings + key->offset, key, item->value, err);
}

int netprof_settings_merge(struct netprof_settings *settings, enum netprof_source source,
			   const char *text, struct err *err)
{
	struct netprof_settings merged = *settings;
	struct kvlist list;
	int rc = 0;

	if (kvlist_parse(&list, text, err) < 0)
		return -1;
	if (source == NETPROF_USER)
		merged.enable = 1;
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = merge_item(&merged, source, &list.items[i], err);
	kvlist_release(&list);
	if (rc == 0)
		*settings = merged;
	return rc;
}

struct text {
	char *buf;
	size_t size, used;
	bool full;
};

static void append(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (text->used && text->used + 1 < text->size) {
		text->buf[text->used++] = ',';
		text->buf[text->used] = '\0';
	}
	va_start(ap, fmt);
	n = vsnprintf(text->buf + text->used, text->size - text->used, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= text->size - text->used)
		text->full = true;
	else
		text->used += (size_t)n;
}

/* Whether a comma in VALUE would begin the next key. */
static bool splits(const char *value)
{
	struct kvlist list;
	bool split = true;
	char *item;

	if (asprintf(&item, "dir=%s", value) < 0)
		return true;
	if (kvlist_parse(&list, item, NULL) == 0) {
		split = list.count != 1;
		kvlist_release(&list);
	}
	free(item);
	return split;
}

int netprof_settings_format(const struct netprof_settings *settings, char *buf, size_t size)
{
	const struct netprof_settings defaults = NETPROF_SETTINGS_INIT;
	struct text text = { .buf = buf, .size = size };

	if (size)
		buf[0] = '\0';
	if (splits(settings->dir)) {
		errno = EINVAL;
		return -1;
	}
	if (settings->enable >= 0)
		append(&text, "%s", settings->enable ? "yes" : "no");
	if (settings->dir[0])
		append(&text, "dir=%s", settings->dir);
	if (settings->window)
		append(&text, "window=%lldns", (long long)settings->window);
	if (settings->precise)
		append(&text, "stamps=precise");
	if (settings->timing)
		append(&text, "timing=yes");
	if (settings->sizes != defaults.sizes)
		append(&text, "sizes=%u", settings->sizes);
	if (settings->exclude[0])
		append(&text, "exclude=%s", settings->exclude);
	if (!text.full)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

bool netprof_settings_excludes(const struct netprof_settings *settings, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *at = settings->exclude;
	size_t length = strlen(name);

	while (*at) {
		size_t item = strcspn(at, ",");

		if (item && item == length && memcmp(at, name, length) == 0)
			return true;
		at += item;
		at += *at == ',';
	}
	return false;
}
