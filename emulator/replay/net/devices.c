/* SPDX-License-Identifier: Apache-2.0 */
#include "net/devices.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

static int bad_name(const char *name, const char *list, struct err *err)
{
	return err_set(err, "'%s' in '%s': not DEVICE or DEVICE:PORT", name, list);
}

/* "mlx5_0:2" */
static int take_name(struct devices_choice *choice, const char *list, const char *at, size_t length,
		     struct err *err)
{
	char *colon, *end;
	unsigned long port;

	*choice = (struct devices_choice){ .port = 0 };
	if (length >= sizeof(choice->name))
		return err_set(err, "'%.*s': the name is too long", (int)length, at);
	memcpy(choice->name, at, length);
	colon = strchr(choice->name, ':');
	if (!length || colon == choice->name)
		return bad_name(choice->name, list, err);
	if (!colon)
		return 0;
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || !port || port > 255)
		return bad_name(choice->name, list, err);
	*colon = '\0';
	choice->port = (uint32_t)port;
	return 0;
}

static bool is_there(const struct devices *devices, const struct devices_choice *choice)
{
	for (uint32_t i = 0; i < devices->count; i++)
		if (devices->each[i].port == choice->port &&
		    !strcmp(devices->each[i].name, choice->name))
			return true;
	return false;
}

/* "mlx5_0:2+mlx5_1", up to END. */
static int take_names(struct devices *devices, const char *list, const char *at, const char *end,
		      struct err *err)
{
	struct devices_choice choice;
	const char *next;

	for (devices->count = 0;; at = next + 1) {
		next = memchr(at, '+', (size_t)(end - at));
		if (take_name(&choice, list, at, (size_t)((next ? next : end) - at), err) < 0)
			return -1;
		if (is_there(devices, &choice))
			return err_set(err, "'%s': a rank has '%s' twice", list, choice.name);
		if (devices->count == DEVICES_EACH)
			return err_set(err, "'%s': a rank has more than %d devices", list,
				       DEVICES_EACH);
		devices->each[devices->count++] = choice;
		if (!next)
			return 0;
	}
}

/* Number LOCAL of LIST, in turn. */
static int take_turn(struct devices *devices, const char *list, uint32_t local, struct err *err)
{
	const char *at = list;
	uint32_t count = 1;

	for (const char *c = list; *c; c++)
		count += *c == ',';
	for (uint32_t i = local % count; i; i--)
		at = strchr(at, ',') + 1;
	return take_names(devices, list, at, at + strcspn(at, ","), err);
}

/* A line for NODE: 1, 0 when it is of others, or -1 with ERR. */
static int take_line(struct devices *devices, char *line, const char *node, uint32_t local,
		     struct err *err)
{
	char *rest, *pattern, *list;

	line[strcspn(line, "#")] = '\0';
	pattern = strtok_r(line, BLANKS, &rest);
	if (!pattern)
		return 0;
	list = strtok_r(NULL, BLANKS, &rest);
	if (!list || strtok_r(NULL, BLANKS, &rest))
		return err_set(err, "a node and a list of devices are wanted");
	if (fnmatch(pattern, node, 0))
		return 0;
	return take_turn(devices, list, local, err) < 0 ? -1 : 1;
}

static int search(struct devices *devices, FILE *file, const char *path, const char *node,
		  uint32_t local, struct err *err)
{
	struct err why = { "" };
	char *line = NULL;
	size_t room = 0;
	int number = 0, rc = 0;

	while (rc == 0 && getline(&line, &room, file) >= 0) {
		number++;
		rc = take_line(devices, line, node, local, &why);
	}
	if (rc < 0)
		err_set(err, "%s:%d: %s", path, number, why.text);
	else if (rc == 0 && ferror(file))
		err_errno(err, "unable to read '%s'", path);
	else if (rc == 0)
		err_set(err, "%s: no line is for node '%s'", path, node);
	free(line);
	return rc == 1 ? 0 : -1;
}

int devices_choose(struct devices *devices, const char *text, const char *node, uint32_t local,
		   struct err *err)
{
	FILE *file;
	int rc;

	if (*text != '@')
		return take_turn(devices, text, local, err);
	file = fopen(text + 1, "re");
	if (!file)
		return err_errno(err, "unable to open '%s'", text + 1);
	rc = search(devices, file, text + 1, node, local, err);
	fclose(file);
	return rc;
}
