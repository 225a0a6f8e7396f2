/* SPDX-License-Identifier: Apache-2.0 */
#include "preload.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* In the order they must have. */
static const char *const ours[] = { "libnetprof.so", "libnettrace.so", "libnetemu.so" };

#define OURS (sizeof(ours) / sizeof(ours[0]))

struct span {
	const char *text;
	size_t length;
};

/* The next item of an LD_PRELOAD list at *AT, whose separators are `:` and blank. */
static bool next(const char **at, struct span *item)
{
	*at += strspn(*at, ": ");
	item->text = *at;
	item->length = strcspn(*at, ": ");
	*at += item->length;
	return item->length > 0;
}

static struct span base_name(struct span path)
{
	const char *slash = memrchr(path.text, '/', path.length);

	if (slash) {
		path.length -= (size_t)(slash + 1 - path.text);
		path.text = slash + 1;
	}
	return path;
}

static bool same(struct span a, struct span b)
{
	return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static size_t rank(struct span path)
{
	struct span name = base_name(path);
	size_t i = 0;

	while (i < OURS && !same(name, (struct span){ ours[i], strlen(ours[i]) }))
		i++;
	return i;
}

static int append(char *buf, size_t size, struct span item)
{
	size_t used = strlen(buf);

	if (used + (used > 0) + item.length >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (used)
		buf[used++] = ':';
	memcpy(buf + used, item.text, item.length);
	buf[used + item.length] = '\0';
	return 0;
}

/* Copy what of OLD is not PATH; put PATH in front of the first of a higher rank. */
static int copy(char *buf, size_t size, const char *old, struct span path, bool insert)
{
	struct span item;

	buf[0] = '\0';
	while (next(&old, &item)) {
		if (same(item, path))
			continue;
		if (insert && rank(item) > rank(path)) {
			if (append(buf, size, path) < 0)
				return -1;
			insert = false;
		}
		if (append(buf, size, item) < 0)
			return -1;
	}
	return insert ? append(buf, size, path) : 0;
}

static bool has_another(const char *old, struct span path)
{
	struct span item;

	while (next(&old, &item))
		if (!same(item, path) && same(base_name(item), base_name(path)))
			return true;
	return false;
}

int preload_add(char *buf, size_t size, const char *old, const char *path)
{
	struct span span = { path, strlen(path) };

	return copy(buf, size, old, span, !has_another(old, span));
}

int preload_remove(char *buf, size_t size, const char *old, const char *path)
{
	return copy(buf, size, old, (struct span){ path, strlen(path) }, false);
}
