/* SPDX-License-Identifier: Apache-2.0 */
#include "kvlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (64 * 1024) /* bytes of a list in a file */

static const char key_chars[] = "abcdefghijklmnopqrstuvwxyz_0123456789.";

static bool starts_item(const char *text)
{
	size_t length = strspn(text, key_chars);

	return length && text[length] == '=';
}

/* The comma that ends the item at TEXT, or NULL. */
static char *item_end(char *text)
{
	char *comma = strchr(text, ',');

	while (comma && !starts_item(comma + 1))
		comma = strchr(comma + 1, ',');
	return comma;
}

static int add_item(struct kvlist *list, const char *key, const char *value, struct err *err)
{
	struct kvlist_item *items;

	items = realloc(list->items, (list->count + 1) * sizeof(*items));
	if (!items)
		return err_errno(err, "unable to keep '%s'", value);
	list->items = items;
	items[list->count++] = (struct kvlist_item){ .key = key, .value = value };
	return 0;
}

/* TEXT is one item, KEY=VALUE or, where BARE, a word without '='. */
static int parse_item(struct kvlist *list, char *text, bool bare, struct err *err)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return bare ? add_item(list, "", text, err)
			    : err_set(err, "'%s': not KEY=VALUE", text);
	if (equals == text)
		return err_set(err, "'%s': a key is missing", text);
	if (!starts_item(text))
		return err_set(err, "'%.*s': not a key (a-z, 0-9, '_' and '.')",
			       (int)(equals - text), text);
	*equals = '\0';
	return add_item(list, text, equals + 1, err);
}

static int parse_items(struct kvlist *list, char *text, struct err *err)
{
	while (text && *text) {
		char *comma = item_end(text);

		if (comma)
			*comma = '\0';
		if (parse_item(list, text, list->count == 0, err) < 0)
			return -1;
		text = comma ? comma + 1 : NULL;
	}
	return 0;
}

static char *trim(char *line)
{
	size_t length;

	line += strspn(line, " \t\r");
	length = strlen(line);
	while (length && strchr(" \t\r", line[length - 1]))
		line[--length] = '\0';
	return line;
}

static int parse_lines(struct kvlist *list, char *text, const char *name, struct err *err)
{
	struct err why;
	int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		number++;
		line = trim(line);
		if (*line == '#')
			continue;
		if (parse_items(list, line, &why) < 0)
			return err_set(err, "%s:%d: %s", name, number, why.text);
	}
	return 0;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size && (n = read(fd, buf + used, size - used)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

/* NULL with ERR written; else a NUL-terminated copy of the file. */
static char *read_file(const char *name, struct err *err)
{
	/* not blocking: a FIFO that nobody writes must not hang anybody */
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	ssize_t used;

	if (fd < 0) {
		err_errno(err, "unable to open '%s'", name);
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_set(err, "'%s' is not a regular file", name);
	} else if (!(text = malloc(FILE_MAX + 1)) ||
		   (used = read_all(fd, text, FILE_MAX + 1)) < 0) {
		err_errno(err, "unable to read '%s'", name);
		free(text);
		text = NULL;
	} else if (used > FILE_MAX || memchr(text, '\0', (size_t)used)) {
		err_set(err, "'%s' is not a list of settings", name);
		free(text);
		text = NULL;
	} else {
		text[used] = '\0';
	}
	close(fd);
	return text;
}

int kvlist_parse(struct kvlist *list, const char *text, struct err *err)
{
	bool file = text[0] == '@';
	struct kvlist parsed = { 0 };
	int rc;

	parsed.text = file ? read_file(text + 1, err) : strdup(text);
	if (!parsed.text)
		return file ? -1 : err_errno(err, "unable to copy '%s'", text);
	rc = file ? parse_lines(&parsed, parsed.text, text + 1, err)
		  : parse_items(&parsed, parsed.text, err);
	if (rc < 0) {
		kvlist_release(&parsed);
		return -1;
	}
	*list = parsed;
	return 0;
}

void kvlist_release(struct kvlist *list)
{
	free(list->items);
	free(list->text);
	*list = (struct kvlist){ 0 };
}

const char *kvlist_find(const struct kvlist *list, const char *key)
{
	for (size_t i = list->count; i-- > 0;)
		if (strcmp(list->items[i].key, key) == 0)
			return list->items[i].value;
	return NULL;
}
