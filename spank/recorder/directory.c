/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/recorder.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct path {
	char text[PATH_MAX];
	size_t used;
	bool full;
};

static void add(struct path *path, const char *text, size_t length)
{
	if (length >= sizeof(path->text) - path->used) {
		path->full = true;
		return;
	}
	memcpy(path->text + path->used, text, length);
	path->used += length;
	path->text[path->used] = '\0';
}

/* TEXT is no template: its own `%` must stay one. */
static void add_literal(struct path *path, const char *text)
{
	for (; *text; text++) {
		add(path, text, 1);
		if (*text == '%')
			add(path, "%", 1);
	}
}

static int store(char *dir, const struct path *path, struct err *err)
{
	if (path->full)
		return err_set(err, "dir=%s: the path is too long", dir);
	memcpy(dir, path->text, path->used + 1);
	return 0;
}

int directory_absolute(char *dir, const char *base, struct err *err)
{
	struct path path = { .used = 0 };

	if (dir[0] == '/')
		return 0;
	add_literal(&path, base);
	if (dir[0]) {
		add(&path, "/", 1);
		add(&path, dir, strlen(dir));
	}
	return store(dir, &path, err);
}

int directory_expand(char *dir, const char *job, const char *step, const char *user,
		     struct err *err)
{
	struct path path = { .used = 0 };

	for (const char *c = dir; *c; c++) {
		const char *value = NULL;

		if (*c == '%')
			value = c[1] == 'j' ? job : c[1] == 's' ? step : c[1] == 'u' ? user : NULL;
		if (value) {
			add_literal(&path, value);
			c++;
		} else if (*c == '%' && c[1]) {
			add(&path, c++, 2);
		} else {
			add(&path, c, 1);
		}
	}
	return store(dir, &path, err);
}

void directory_user(char *name, size_t size, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char buf[4096];

	if (getpwuid_r(uid, &entry, buf, sizeof(buf), &found) == 0 && found)
		snprintf(name, size, "%s", found->pw_name);
	else
		snprintf(name, size, "%u", (unsigned)uid);
}
