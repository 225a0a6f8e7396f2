/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "control.h"
#include "kvlist.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_MOST 100000

static int add_fault(struct faults *faults, char *text, size_t line, struct err *err)
{
	char *list = text + strcspn(text, " \t\r\n");
	struct kvlist items;
	struct fault *more, fault = { .line = line };
	struct err why = { "" };

	if (*list)
		*list++ = '\0';
	list += strspn(list, " \t");
	list[strcspn(list, " \t\r\n")] = '\0';
	if (strcmp(text, "0") != 0 && (units_duration(text, &fault.time) < 0 || fault.time < 0))
		return err_set(err, "%s:%zu: '%s' is no duration", faults->path, line, text);
	if (!*list)
		return err_set(err, "%s:%zu: KEY=VALUE is missing", faults->path, line);
	if (*list == '@' || kvlist_parse(&items, list, NULL) < 0)
		return err_set(err, "%s:%zu: '%s' is no KEY=VALUE,...", faults->path, line, list);
	kvlist_release(&items);
	if (control_list(NULL, &target_default, list, &why) < 0)
		return err_set(err, "%s:%zu: %s", faults->path, line, why.text);
	if (faults->count == FAULTS_MOST)
		return err_set(err, "%s: more than %d faults", faults->path, FAULTS_MOST);
	more = realloc(faults->fault, (faults->count + 1) * sizeof(*more));
	if (more)
		faults->fault = more;
	fault.list = strdup(list);
	if (!more || !fault.list) {
		free(fault.list);
		return err_errno(err, "%s", faults->path);
	}
	faults->fault[faults->count++] = fault;
	return 0;
}

/* By time, and by line where that is the same. */
static int compare(const void *a, const void *b)
{
	const struct fault *one = a, *other = b;

	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return one->line < other->line ? -1 : 1;
}

int faults_parse(struct faults *faults, FILE *file, const char *path, struct err *err)
{
	char *text = NULL;
	size_t size = 0, line = 0;
	int rc = 0;

	*faults = (struct faults){ .path = path };
	while (rc == 0 && getline(&text, &size, file) >= 0) {
		char *start = text + strspn(text, " \t\r\n");

		line++;
		if (*start && *start != '#')
			rc = add_fault(faults, start, line, err);
	}
	if (rc == 0 && ferror(file))
		rc = err_errno(err, "unable to read '%s'", path);
	free(text);
	if (rc < 0) {
		faults_release(faults);
		return -1;
	}
	if (faults->count)
		qsort(faults->fault, faults->count, sizeof(*faults->fault), compare);
	return 0;
}

int faults_read(struct faults *faults, const char *path, struct err *err)
{
	FILE *file = fopen(path, "re");
	int rc;

	*faults = (struct faults){ .path = path };
	if (!file)
		return err_errno(err, "unable to open '%s'", path);
	rc = faults_parse(faults, file, path, err);
	fclose(file);
	return rc;
}

void faults_release(struct faults *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		free(faults->fault[i].list);
	free(faults->fault);
	*faults = (struct faults){ 0 };
}

int64_t faults_do(struct faults *faults, struct fabric *fabric, const struct target *target,
		  int64_t now)
{
	while (faults->next < faults->count && faults->fault[faults->next].time <= now) {
		const struct fault *fault = &faults->fault[faults->next++];
		struct err err = { "" };

		if (control_list(fabric, target, fault->list, &err) < 0)
			fprintf(stderr, "netemu device: %s:%zu: %s\n", faults->path, fault->line,
				err.text);
	}
	return faults->next < faults->count ? faults->fault[faults->next].time - now : -1;
}
