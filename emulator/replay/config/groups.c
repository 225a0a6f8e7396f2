/* SPDX-License-Identifier: Apache-2.0 */
#include "config/json.h"
#include "config/system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct group *find(const struct groups *groups, uint64_t id)
{
	for (size_t i = 0; i < groups->count; i++)
		if (groups->list[i]->id == id)
			return groups->list[i];
	return NULL;
}

/* A group of COUNT members to be filled in; NULL with errno. */
static struct group *append(struct groups *groups, uint64_t id, uint32_t count)
{
	struct group **list = reallocarray(groups->list, groups->count + 1, sizeof(*list));
	struct group *group;

	if (!list)
		return NULL;
	groups->list = list;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->ranks = calloc(count + 1, sizeof(*group->ranks));
	if (!group->ranks) {
		free(group);
		return NULL;
	}
	group->id = id;
	group->count = count;
	list[groups->count++] = group;
	return group;
}

int groups_init(struct groups *groups, uint32_t size)
{
	struct group *all;

	*groups = (struct groups){ 0 };
	all = append(groups, 0, size);
	for (uint32_t i = 0; all && i < size; i++)
		all->ranks[i] = i;
	return all ? 0 : -1;
}

void groups_release(struct groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		free(groups->list[i]->ranks);
		free(groups->list[i]);
	}
	free(groups->list);
	*groups = (struct groups){ 0 };
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Twice the same rank?  -1: errno. */
static int has_twins(const int64_t *ranks, size_t count)
{
	int64_t *sorted = malloc(count * sizeof(*sorted) + 1);
	int twins = 0;

	if (!sorted)
		return -1;
	if (count)
		memcpy(sorted, ranks, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 1; i < count; i++)
		twins |= sorted[i] == sorted[i - 1];
	free(sorted);
	return twins;
}

static bool is_same(const struct group *group, const int64_t *ranks, size_t count)
{
	if (group->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (group->ranks[i] != ranks[i])
			return false;
	return true;
}

int groups_add(struct groups *groups, uint64_t id, const int64_t *ranks, size_t count,
	       uint32_t size, struct err *err)
{
	const unsigned long long shown = id;
	struct group *group = find(groups, id);
	int twins;

	for (size_t i = 0; i < count; i++)
		if (ranks[i] < 0 || ranks[i] >= size)
			return err_set(err, "group %llu has a rank %lld, but there are %u ranks",
				       shown, (long long)ranks[i], size);
	if (group && (!count ? group->count == size : is_same(group, ranks, count)))
		return 0;
	if (group)
		return err_set(err, "group %llu is said to be different ranks", shown);
	twins = has_twins(ranks, count);
	if (twins > 0)
		return err_set(err, "group %llu has a rank twice", shown);
	group = twins < 0 ? NULL : append(groups, id, count ? (uint32_t)count : size);
	if (!group)
		return err_errno(err, "no room for group %llu", shown);
	for (uint32_t i = 0; i < group->count; i++)
		group->ranks[i] = count ? (uint32_t)ranks[i] : i;
	return 0;
}

static int add_list(struct groups *groups, const char *key, json_t *list, uint32_t size,
		    struct err *err)
{
	size_t count = json_array_size(list), i;
	int64_t *ranks = calloc(count + 1, sizeof(*ranks));
	char *end;
	uint64_t id;
	json_t *one;
	int rc = 0;

	if (!ranks)
		return err_errno(err, "no room for a group");
	errno = 0;
	id = strtoull(key, &end, 10);
	if (!*key || *end || *key == '-' || !id || errno)
		rc = err_set(err, "'%s': a group's name is a number above 0", key);
	else if (!count)
		rc = err_set(err, "'%s': a list of ranks is wanted", key);
	json_array_foreach(list, i, one)
	{
		ranks[i] = json_is_integer(one) ? json_integer_value(one) : -1;
		if (rc == 0 && !json_is_integer(one))
			rc = err_set(err, "'%s': ranks are whole numbers", key);
	}
	if (rc == 0)
		rc = groups_add(groups, id, ranks, count, size, err);
	free(ranks);
	return rc;
}

int groups_read(struct groups *groups, const char *path, uint32_t size, struct err *err)
{
	json_t *root = config_load(path, err), *list;
	struct err why;
	const char *key;
	int rc = 0;

	if (!root)
		return -1;
	json_object_foreach(root, key,
			    list) if (rc == 0 && add_list(groups, key, list, size, &why) < 0) rc =
		err_set(err, "%s: %s", path, why.text);
	json_decref(root);
	return rc;
}

const struct group *groups_by_id(const struct groups *groups, uint64_t id)
{
	return find(groups, id);
}

const struct group *groups_find(const struct groups *groups, const char *name)
{
	char *end;
	uint64_t id = strtoull(name, &end, 10);

	return *end || *name == '-' ? NULL : find(groups, *name ? id : 0);
}
