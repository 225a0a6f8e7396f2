/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define X(name, heading, what) [COLUMN_##name] = #name,
const char *const column_names[COLUMN_COUNT] = { COLUMN_LIST(X) };
#undef X
#define X(name, heading, what) [COLUMN_##name] = heading,
const char *const column_headings[COLUMN_COUNT] = { COLUMN_LIST(X) };
#undef X

static bool exists(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       stat(path, &st) == 0;
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What the name netemu.JOB.STEP or netemu.STEP says. */
static json_t *data_of_name(const char *path)
{
	const char *name = base_of(path) + strlen(RUNDIR_PREFIX);
	json_t *data = json_object();
	char *end;
	long long job = strtoll(name, &end, 10);

	if (end > name && *end == '.') {
		json_object_set_new(data, "job", json_integer(job));
		name = end + 1;
	}
	json_object_set_new(data, "step", json_string(name));
	return data;
}

/* run.json of PATH, or NULL with a line said. */
static json_t *data_of_file(const char *path, int *bad)
{
	char file[PATH_MAX];
	json_error_t error;
	json_t *data;

	if (snprintf(file, sizeof(file), "%s/" RUNDIR_RUN, path) >= (int)sizeof(file))
		return NULL;
	data = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(data))
		return data;
	if (data)
		fprintf(stderr, "netemu jobs: %s: not an object\n", file);
	else if (error.line > 0)
		fprintf(stderr, "netemu jobs: %s:%d: %s\n", file, error.line, error.text);
	else
		fprintf(stderr, "netemu jobs: %s\n", error.text);
	json_decref(data);
	(*bad)++;
	return NULL;
}

static int64_t number_of(const struct row *row, const char *key)
{
	const json_t *value = json_object_get(row->data, key);
	double number = json_number_value(value);

	return number > 0 && number < 1e15 ? (int64_t)number : 0;
}

static int rows_add(struct rows *rows, const char *path, json_t *data, struct err *err)
{
	struct row *list;
	struct row row = { .path = strdup(path), .data = data };

	list = realloc(rows->list, (rows->count + 1) * sizeof(*list));
	if (list)
		rows->list = list;
	if (!list || !row.path) {
		free(row.path);
		json_decref(data);
		return err_errno(err, "%s", path);
	}
	row.start = number_of(&row, "start");
	list[rows->count++] = row;
	return 0;
}

static int scan_run(struct rows *rows, const char *path, int *bad, struct err *err)
{
	json_t *data;

	if (!exists(path, RUNDIR_RUN) && !exists(path, RUNDIR_MPI))
		return 0;
	data = exists(path, RUNDIR_RUN) ? data_of_file(path, bad) : data_of_name(path);
	return data ? rows_add(rows, path, data, err) : 0;
}

int rows_scan(struct rows *rows, const char *dir, int *bad, struct err *err)
{
	bool itself = !strncmp(base_of(dir), RUNDIR_PREFIX, strlen(RUNDIR_PREFIX));
	char path[PATH_MAX];
	struct dirent *entry;
	int rc = 0;
	DIR *list;

	if (exists(dir, RUNDIR_RUN) || (itself && exists(dir, RUNDIR_MPI)))
		return scan_run(rows, dir, bad, err);
	list = opendir(dir);
	if (!list)
		return err_errno(err, "unable to read '%s'", dir);
	while (rc == 0 && (entry = readdir(list)) != NULL) {
		if (strncmp(entry->d_name, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)))
			continue;
		if (!strcmp(dir, "."))
			snprintf(path, sizeof(path), "%s", entry->d_name);
		else if (snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >=
			 (int)sizeof(path))
			continue;
		rc = scan_run(rows, path, bad, err);
	}
	closedir(list);
	return rc;
}

static int row_compare(const void *a, const void *b)
{
	const struct row *left = a;
	const struct row *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return strverscmp(left->path, right->path);
}

void rows_sort(struct rows *rows)
{
	size_t kept = 0;

	if (rows->count)
		qsort(rows->list, rows->count, sizeof(*rows->list), row_compare);
	for (size_t i = 0; i < rows->count; i++) {
		if (kept && !strcmp(rows->list[kept - 1].path, rows->list[i].path)) {
			free(rows->list[i].path);
			json_decref(rows->list[i].data);
		} else {
			rows->list[kept++] = rows->list[i];
		}
	}
	rows->count = kept;
}

void rows_release(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->list[i].path);
		json_decref(rows->list[i].data);
	}
	free(rows->list);
	*rows = (struct rows){ 0 };
}

static const char *value_text(const json_t *value, char *buf, size_t size)
{
	if (json_is_string(value))
		snprintf(buf, size, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(buf, size, "%.0f", json_real_value(value));
	else
		buf[0] = '\0';
	return buf;
}

const char *row_text(const struct row *row, const char *key, char *buf, size_t size)
{
	return value_text(json_object_get(row->data, key), buf, size);
}

/* The elements of an array, or what MEMBER of each says, with GAP between. */
static void join(const json_t *array, const char *member, const char *gap, char *buf, size_t size)
{
	size_t used = 0, i;
	const json_t *item;

	buf[0] = '\0';
	json_array_foreach(array, i, item)
	{
		char text[PATH_MAX];

		value_text(member ? json_object_get(item, member) : item, text, sizeof(text));
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? gap : "", text);
		if (used >= size)
			return;
	}
}

static void put_time(const struct row *row, const char *key, bool raw, char *buf, size_t size)
{
	time_t when = (time_t)number_of(row, key);
	struct tm tm;

	buf[0] = '\0';
	if (!when)
		return;
	if (raw)
		snprintf(buf, size, "%lld", (long long)when);
	else if (localtime_r(&when, &tm))
		strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
}

static void put_elapsed(const struct row *row, bool raw, char *buf, size_t size)
{
	int64_t seconds = number_of(row, "end") - row->start;

	buf[0] = '\0';
	if (!row->start || !number_of(row, "end") || seconds < 0)
		return;
	if (raw)
		snprintf(buf, size, "%" PRId64, seconds);
	else
		snprintf(buf, size, "%" PRId64 ":%02d:%02d", seconds / 3600,
			 (int)(seconds / 60 % 60), (int)(seconds % 60));
}

static void put_pair(const struct row *row, const char *first, const char *gap, const char *second,
		     char *buf, size_t size)
{
	char a[64], b[64];

	row_text(row, first, a, sizeof(a));
	row_text(row, second, b, sizeof(b));
	snprintf(buf, size, "%s%s%s", a, *a && *b ? gap : "", b);
}

static void put_instruments(const struct row *row, char *buf, size_t size)
{
	json_t *instruments = json_object_get(row->data, "instruments");
	size_t used = 0;
	const char *name;
	json_t *value;

	buf[0] = '\0';
	json_object_foreach(instruments, name, value)
	{
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", name);
		if (used >= size)
			return;
	}
}

const char *row_column(const struct row *row, enum column column, bool raw, char *buf, size_t size)
{
	const json_t *nodes = json_object_get(row->data, "nodes");

	switch (column) {
	case COLUMN_job:
		put_pair(row, "job", ".", "step", buf, size);
		break;
	case COLUMN_array:
		put_pair(row, "array_job", "_", "array_task", buf, size);
		break;
	case COLUMN_nodes:
		buf[0] = '\0';
		if (json_is_array(nodes))
			snprintf(buf, size, "%zu", json_array_size(nodes));
		break;
	case COLUMN_nodelist:
		join(nodes, "name", ",", buf, size);
		break;
	case COLUMN_command:
		join(json_object_get(row->data, "command"), NULL, " ", buf, size);
		break;
	case COLUMN_submit:
	case COLUMN_start:
	case COLUMN_end:
		put_time(row, column_names[column], raw, buf, size);
		break;
	case COLUMN_elapsed:
		put_elapsed(row, raw, buf, size);
		break;
	case COLUMN_instruments:
		put_instruments(row, buf, size);
		break;
	case COLUMN_path:
		snprintf(buf, size, "%s", row->path);
		break;
	default:
		row_text(row, column_names[column], buf, size);
	}
	return buf;
}
