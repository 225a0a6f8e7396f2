/* SPDX-License-Identifier: Apache-2.0 */
#include "result/summary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST 1e18 /* ns, byte/s */

/* Where we are, for sentences: "predicted.ranks[3]". */
struct place {
	const char *path;
	char where[64];
	struct err *err;
};

static int bad(const struct place *place, const char *key, const char *wanted)
{
	return err_set(place->err, "'%s': %s.%s: %s is wanted", place->path, place->where, key,
		       wanted);
}

static int number(const struct place *place, const json_t *object, const char *key, double *value)
{
	const json_t *item = json_object_get(object, key);

	*value = json_number_value(item);
	return json_is_number(item) && *value >= 0 && *value <= MOST
		       ? 0
		       : bad(place, key, "a number from 0 to 1e18");
}

static int whole(const struct place *place, const json_t *object, const char *key, uint64_t most,
		 uint64_t *value)
{
	const json_t *item = json_object_get(object, key);
	json_int_t number = json_integer_value(item);

	if (!json_is_integer(item) || number < 0 || (uint64_t)number > most)
		return bad(place, key, "a whole number");
	*value = (uint64_t)number;
	return 0;
}

struct number_of {
	const char *key;
	size_t at;
};

static int numbers(const struct place *place, const json_t *object, const struct number_of *list,
		   size_t count, void *to)
{
	for (size_t i = 0; i < count; i++)
		if (number(place, object, list[i].key, (double *)((char *)to + list[i].at)) < 0)
			return -1;
	return 0;
}

static int read_rank(const struct place *place, const json_t *object, void *to)
{
	static const struct number_of list[] = {
		{ "finish_ns", offsetof(struct summary_rank, finish) },
		{ "cpu_ns", offsetof(struct summary_rank, cpu) },
		{ "compute_ns", offsetof(struct summary_rank, compute) },
		{ "communication_ns", offsetof(struct summary_rank, communication) },
	};
	struct summary_rank *rank = to;
	uint64_t own;

	if (whole(place, object, "rank", UINT32_MAX, &own) < 0)
		return -1;
	rank->rank = (uint32_t)own;
	return numbers(place, object, list, sizeof(list) / sizeof(*list), rank);
}

static int read_collective(const struct place *place, const json_t *object, void *to)
{
	static const struct number_of list[] = {
		{ "p50_ns", offsetof(struct summary_collective, p50) },
		{ "p99_ns", offsetof(struct summary_collective, p99) },
		{ "algbw", offsetof(struct summary_collective, algbw) },
		{ "busbw", offsetof(struct summary_collective, busbw) },
	};
	struct summary_collective *collective = to;
	uint64_t ranks;

	collective->name = json_string_value(json_object_get(object, "collective"));
	if (!collective->name)
		return bad(place, "collective", "a text");
	if (whole(place, object, "ranks", UINT32_MAX, &ranks) < 0 ||
	    whole(place, object, "bytes", INT64_MAX, &collective->bytes) < 0)
		return -1;
	collective->ranks = (uint32_t)ranks;
	return numbers(place, object, list, sizeof(list) / sizeof(*list), collective);
}

/* The array KEY of ROOT into *LIST of SIZE bytes each, COUNT of them. */
static int read_list(const char *path, const char *within, const json_t *root, const char *key,
		     int (*read)(const struct place *place, const json_t *object, void *to),
		     size_t size, void *list, size_t *count, struct err *err)
{
	const json_t *array = json_object_get(root, key), *item;
	struct place place = { .path = path, .err = err };
	char *items;
	size_t i;

	if (!json_is_array(array))
		return err_set(err, "'%s': %s%s: a list is wanted (is it a summary?)", path, within,
			       key);
	items = calloc(json_array_size(array) + 1, size);
	if (!items)
		return err_errno(err, "'%s'", path);
	*(void **)list = items;
	json_array_foreach(array, i, item)
	{
		snprintf(place.where, sizeof(place.where), "%s%s[%zu]", within, key, i);
		if (!json_is_object(item))
			return err_set(err, "'%s': %s: an object is wanted", path, place.where);
		if (read(&place, item, items + i * size) < 0)
			return -1;
		++*count;
	}
	return 0;
}

static int by_rank(const void *a, const void *b)
{
	const struct summary_rank *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int by_kind(const void *a, const void *b)
{
	const struct summary_collective *x = a, *y = b;
	int names = strcmp(x->name, y->name);

	if (names)
		return names;
	if (x->ranks != y->ranks)
		return x->ranks < y->ranks ? -1 : 1;
	return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int read_part(struct summary_part *part, const char *path, const char *within,
		     const json_t *root, struct err *err)
{
	if (read_list(path, within, root, "ranks", read_rank, sizeof(*part->ranks), &part->ranks,
		      &part->nranks, err) < 0 ||
	    read_list(path, within, root, "collectives", read_collective,
		      sizeof(*part->collectives), &part->collectives, &part->ncollectives, err) < 0)
		return -1;
	qsort(part->ranks, part->nranks, sizeof(*part->ranks), by_rank);
	qsort(part->collectives, part->ncollectives, sizeof(*part->collectives), by_kind);
	return 0;
}

static int read_root(struct summary *summary, struct err *err)
{
	const json_t *predicted = json_object_get(summary->root, "predicted");
	const json_t *version = json_object_get(summary->root, "version");

	if (!json_is_object(summary->root) || !json_is_integer(version))
		return err_set(err, "'%s' is no summary of netemu replay", summary->path);
	if (json_integer_value(version) != 1)
		return err_set(err, "'%s' is a summary of version %lld, which is not known",
			       summary->path, (long long)json_integer_value(version));
	if (read_part(&summary->part[SUMMARY_MEASURED], summary->path, "", summary->root, err) < 0)
		return -1;
	if (!predicted)
		return 0;
	return read_part(&summary->part[SUMMARY_PREDICTED], summary->path, "predicted.", predicted,
			 err);
}

/* With what jansson says of it, unless ROOT is there. */
static int take(struct summary *summary, const char *path, json_t *root, const json_error_t *why,
		struct err *err)
{
	*summary = (struct summary){ .path = strdup(path), .root = root };
	if (!summary->path) {
		summary_free(summary);
		return err_errno(err, "'%s'", path);
	}
	if (!root)
		err_set(err, "'%s': line %d: %s", path, why->line, why->text);
	else if (read_root(summary, err) == 0)
		return 0;
	summary_free(summary);
	return -1;
}

int summary_parse(struct summary *summary, const char *path, const char *text, size_t size,
		  struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, size, 0, &why);

	return take(summary, path, root, &why, err);
}

int summary_read(struct summary *summary, const char *path, struct err *err)
{
	struct stat stat_;
	char inside[4096];
	json_error_t why;
	json_t *root;
	FILE *in;

	if (stat(path, &stat_) == 0 && S_ISDIR(stat_.st_mode)) {
		snprintf(inside, sizeof(inside), "%s/replay/summary.json", path);
		path = inside;
	}
	in = fopen(path, "re");
	if (!in)
		return err_errno(err, "unable to read '%s'", path);
	root = json_loadf(in, 0, &why);
	fclose(in);
	return take(summary, path, root, &why, err);
}

void summary_free(struct summary *summary)
{
	for (int side = 0; side < SUMMARY_SIDES; side++) {
		free(summary->part[side].ranks);
		free(summary->part[side].collectives);
	}
	free(summary->path);
	json_decref(summary->root);
	*summary = (struct summary){ 0 };
}
