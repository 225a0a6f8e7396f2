/* SPDX-License-Identifier: Apache-2.0 */
#include "inbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LONGEST (8u << 20) /* a command line may have megabytes */

static const char *const key_names[INBOX_KEYS] = {
#define X(name) [INBOX_##name] = #name,
	HELPER_KEY_LIST(X)
#undef X
};

static int add_exit(struct inbox *inbox, const char *text)
{
	struct inbox_exit *exits;
	struct inbox_exit one;

	if (sscanf(text, "%u %d %d", &one.procid, &one.pid, &one.status) != 3)
		return 0;
	exits = realloc(inbox->exits, (inbox->nexits + 1) * sizeof(*exits));
	if (!exits)
		return -1;
	inbox->exits = exits;
	exits[inbox->nexits++] = one;
	return 0;
}

static int take_line(struct inbox *inbox, char *line)
{
	char *value = strchr(line, ' ');

	if (!value)
		return 0;
	*value++ = '\0';
	if (!strcmp(line, "exit"))
		return add_exit(inbox, value);
	for (int key = 0; key < INBOX_KEYS; key++) {
		if (strcmp(line, key_names[key]))
			continue;
		free(inbox->values[key]);
		inbox->values[key] = strdup(value);
		return inbox->values[key] ? 0 : -1;
	}
	return 0;
}

static int make_room(struct inbox *inbox, size_t size)
{
	size_t room = inbox->room ? inbox->room : 4096;
	char *rest;

	if (inbox->used + size > LINE_LONGEST) {
		errno = EMSGSIZE;
		return -1;
	}
	while (room < inbox->used + size)
		room *= 2;
	if (room == inbox->room)
		return 0;
	rest = realloc(inbox->rest, room);
	if (!rest)
		return -1;
	inbox->rest = rest;
	inbox->room = room;
	return 0;
}

int inbox_feed(struct inbox *inbox, const char *data, size_t size)
{
	char *line, *end;

	if (make_room(inbox, size) < 0)
		return -1;
	memcpy(inbox->rest + inbox->used, data, size);
	inbox->used += size;
	line = inbox->rest;
	while ((end = memchr(line, '\n', inbox->used - (size_t)(line - inbox->rest)))) {
		*end = '\0';
		if (take_line(inbox, line) < 0)
			return -1;
		line = end + 1;
	}
	inbox->used -= (size_t)(line - inbox->rest);
	memmove(inbox->rest, line, inbox->used);
	return 0;
}

const char *inbox_text(const struct inbox *inbox, enum inbox_key key)
{
	return inbox->values[key] ? inbox->values[key] : "";
}

int64_t inbox_number(const struct inbox *inbox, enum inbox_key key, int64_t fallback)
{
	const char *text = inbox_text(inbox, key);
	long long number;
	char *end;

	errno = 0;
	number = strtoll(text, &end, 10);
	return end == text || *end || errno || number < 0 ? fallback : number;
}

const struct inbox_exit *inbox_exit_of(const struct inbox *inbox, int pid, int procid)
{
	for (size_t i = 0; i < inbox->nexits; i++)
		if (inbox->exits[i].pid == pid)
			return &inbox->exits[i];
	for (size_t i = 0; procid >= 0 && i < inbox->nexits; i++)
		if (inbox->exits[i].procid == (uint32_t)procid)
			return &inbox->exits[i];
	return NULL;
}

void inbox_release(struct inbox *inbox)
{
	for (int key = 0; key < INBOX_KEYS; key++)
		free(inbox->values[key]);
	free(inbox->exits);
	free(inbox->rest);
	*inbox = (struct inbox){ 0 };
}
