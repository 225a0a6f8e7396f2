/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - walk a scenario along its schema, and find the axes of its sweep */
#include "config.h"

#include "nearest.h"
#include "schema.h"
#include "topology/topology.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 100000 /* of one axis */
#define NAMES_MAX  64     /* keys or variants of one table */

struct check {
	const char *name; /* of the file */
	struct err *err;
	struct schema_axes *axes;
	size_t copied;  /* nodes, for axes */
	char path[256]; /* of the value: "jobs[0].submit" */
};

static int __attribute__((format(printf, 3, 4)))
fail(const struct check *check, const struct yaml_node *node, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(check->err, "%s:%u: %s%s%s", check->name, node->line, check->path,
		       *check->path ? ": " : "", text);
}

static int no_memory(const struct check *check)
{
	errno = ENOMEM;
	return err_errno(check->err, "%s", check->name);
}

/* Go down into KEY (NULL: item INDEX); the length before is to be given to up(). */
static size_t down(struct check *check, const char *key, size_t index)
{
	size_t length = strlen(check->path), room = sizeof(check->path) - length;

	if (key)
		snprintf(check->path + length, room, "%s%s", length ? "." : "", key);
	else
		snprintf(check->path + length, room, "[%zu]", index);
	return length;
}

static void up(struct check *check, size_t length)
{
	check->path[length] = '\0';
}

static bool is_list_type(enum schema_type type)
{
	return type == SCHEMA_COUNTS || type == SCHEMA_TIMES || type == SCHEMA_SET;
}

static bool is_number_type(enum schema_type type)
{
	return type == SCHEMA_NUMBER || type == SCHEMA_RATIO || type == SCHEMA_COUNT ||
	       type == SCHEMA_NATURAL || type == SCHEMA_TIME || type == SCHEMA_SIZE;
}

static bool is_one_of(const char *text, const char *names)
{
	size_t length = strlen(text);

	for (; *names; names += strcspn(names, "|"), names += *names == '|')
		if (strcspn(names, "|") == length && strncmp(names, text, length) == 0)
			return true;
	return false;
}

static bool is_natural(const char *text)
{
	uint64_t count;

	return schema_parse_count(text, &count) == 0 && count >= 1 && count < UINT32_MAX;
}

static bool is_rate(const char *text)
{
	double number;

	return topology_rate(text, &number) == 0 ||
	       (schema_parse_number(text, &number) == 0 && number > 0);
}

/* What TEXT is not, or NULL when it is fine. */
static const char *wrong_text(enum schema_type type, const char *text, const char *names)
{
	uint64_t count;
	double number;
	int64_t ns;
	bool flag;

	switch (type) {
	case SCHEMA_TEXT:
		return *text ? NULL : "no text";
	case SCHEMA_NUMBER:
		return schema_parse_number(text, &number) ? "no number >= 0" : NULL;
	case SCHEMA_RATIO:
		return schema_parse_number(text, &number) || number <= 0 ? "no number > 0" : NULL;
	case SCHEMA_COUNT:
		return schema_parse_count(text, &count) ? "no integer >= 0" : NULL;
	case SCHEMA_NATURAL:
		return is_natural(text) ? NULL : "no integer >= 1";
	case SCHEMA_TIME:
		return schema_parse_time(text, &ns) ? "no time (seconds, or as 10ms, 5m, 2h)"
						    : NULL;
	case SCHEMA_SIZE:
		return units_size(text, &count) ? "no size (bytes, or as 64k, 1MiB)" : NULL;
	case SCHEMA_RATE:
		return is_rate(text) ? NULL : "no rate (as 100Gbit/s, 12.5GB/s)";
	case SCHEMA_FLAG:
		return schema_parse_flag(text, &flag) ? "neither yes nor no" : NULL;
	case SCHEMA_CHOICE:
		return is_one_of(text, names) ? NULL : names;
	default:
		return NULL;
	}
}

static int check_text(struct check *check, const struct yaml_node *node, enum schema_type type,
		      const char *names)
{
	const char *wrong;
	char buf[96];

	yaml_describe(node, buf, sizeof(buf));
	if (node->kind != YAML_SCALAR)
		return fail(check, node, "%s stands where one value is wanted", buf);
	wrong = wrong_text(type, node->text, names);
	if (wrong && type == SCHEMA_CHOICE)
		return fail(check, node, "%s is none of %s", buf, names);
	return wrong ? fail(check, node, "%s is %s", buf, wrong) : 0;
}

static int check_items(struct check *check, const struct yaml_node *node, enum schema_type type)
{
	char buf[96];

	if (node->kind != YAML_LIST || !node->count)
		return fail(check, node, "%s stands where a list is wanted",
			    node->kind == YAML_LIST ? "an empty list"
						    : yaml_describe(node, buf, sizeof(buf)));
	for (size_t i = 0; i < node->count; i++) {
		size_t length = down(check, NULL, i);

		if (check_text(check, &node->items[i], type, NULL) < 0)
			return -1;
		up(check, length);
	}
	return 0;
}

static int check_times(struct check *check, const struct yaml_node *node)
{
	const struct yaml_node *every = yaml_find(node, "every");
	int64_t ns;

	if (node->kind == YAML_LIST)
		return check_items(check, node, SCHEMA_TIME);
	if (node->kind == YAML_SCALAR)
		return check_text(check, node, SCHEMA_TIME, NULL);
	if (!every || node->count != 1)
		return fail(check, node, "neither a list of times nor {every: TIME}");
	if (check_text(check, every, SCHEMA_TIME, NULL) < 0)
		return -1;
	schema_parse_time(every->text, &ns);
	return ns > 0 ? 0 : fail(check, every, "'every' has to be more than 0");
}

static int check_names(struct check *check, const struct yaml_node *node)
{
	if (node->kind != YAML_MAP)
		return fail(check, node, "a mapping of names to names is wanted");
	for (size_t i = 0; i < node->count; i++)
		if (check_text(check, &node->items[i], SCHEMA_TEXT, NULL) < 0)
			return -1;
	return 0;
}

/* Keys and variants know each other only by recursion. */
static int check_map(struct check *check, struct yaml_node *node, const struct schema_key *keys);

static int unknown(struct check *check, const struct yaml_node *node, const char *what,
		   const char *word, const char *const *names, size_t count)
{
	struct nearest nearest;
	char known[400] = "";

	nearest_init(&nearest, word);
	for (size_t i = 0; i < count; i++)
		nearest_offer(&nearest, names[i]);
	for (size_t i = 0; i < count && strlen(known) < 300; i++) {
		strcat(known, i ? ", " : "");
		strncat(known, names[i], 60);
	}
	if (nearest_name(&nearest))
		return fail(check, node, "'%.64s': unknown %s (did you mean '%s'?)", word, what,
			    nearest_name(&nearest));
	return fail(check, node, "'%.64s': unknown %s (known are %s)", word, what, known);
}

static int unknown_key(struct check *check, const struct yaml_node *node,
		       const struct schema_key *keys)
{
	const char *names[NAMES_MAX];
	size_t count = 0;

	for (; keys->name && count < NAMES_MAX; keys++)
		names[count++] = keys->name;
	return unknown(check, node, "key", node->key, names, count);
}

static int unknown_variant(struct check *check, const struct yaml_node *node,
			   const struct schema_key *key)
{
	const char *names[NAMES_MAX];
	size_t count = 0;

	for (const struct schema_variant *v = key->variants; v->name && count + 2 < NAMES_MAX;
	     v++) {
		names[count++] = v->name;
		if (v->alias)
			names[count++] = v->alias;
	}
	return unknown(check, node, key->names, node->text, names, count);
}

static int check_variant(struct check *check, struct yaml_node *node, const struct schema_key *key)
{
	const struct schema_key keys[] = {
		{ .name = key->names, .type = SCHEMA_TEXT, .required = true },
		{ .name = "params" },
		{ 0 },
	};
	struct yaml_node none = { .kind = YAML_MAP, .line = node->line };
	const struct schema_variant *variant;
	struct yaml_node *params = NULL;
	size_t length;

	if (node->kind == YAML_SCALAR && key->shorthand != SCHEMA_VARIANT)
		return check_text(check, node, key->shorthand, NULL);
	if (node->kind != YAML_MAP)
		return fail(check, node, "{%s: ..., params: {...}} is wanted", key->names);
	for (size_t i = 0; i < node->count; i++) {
		if (strcmp(node->items[i].key, "params") == 0)
			params = &node->items[i];
		else if (strcmp(node->items[i].key, key->names))
			return unknown_key(check, &node->items[i], keys);
	}
	if (!schema_text(node, key->names, NULL))
		return fail(check, node, "'%s' is missing", key->names);
	variant = schema_variant(key->variants, schema_text(node, key->names, ""));
	if (!variant)
		return unknown_variant(check, yaml_find(node, key->names), key);
	length = down(check, "params", 0);
	if (check_map(check, params ? params : &none, variant->params) < 0)
		return -1;
	up(check, length);
	return 0;
}

static int check_set(struct check *check, struct yaml_node *node, const struct schema_key *keys)
{
	char buf[96];

	if (node->kind != YAML_LIST)
		return fail(check, node, "%s stands where a list is wanted",
			    yaml_describe(node, buf, sizeof(buf)));
	for (size_t i = 0; i < node->count; i++) {
		size_t length = down(check, NULL, i);

		if (check_map(check, &node->items[i], keys) < 0)
			return -1;
		up(check, length);
	}
	return 0;
}

/* NODE as one value of KEY. */
static int check_one(struct check *check, struct yaml_node *node, const struct schema_key *key)
{
	switch (key->type) {
	case SCHEMA_COUNTS:
		return check_items(check, node, SCHEMA_NATURAL);
	case SCHEMA_TIMES:
		return check_times(check, node);
	case SCHEMA_MAP:
		return check_map(check, node, key->keys);
	case SCHEMA_SET:
		return check_set(check, node, key->keys);
	case SCHEMA_NAMES:
		return check_names(check, node);
	case SCHEMA_VARIANT:
		return check_variant(check, node, key);
	default:
		return check_text(check, node, key->type, key->names);
	}
}

static struct schema_axis *add_axis(struct check *check, struct yaml_node *node)
{
	struct schema_axes *axes = check->axes;
	struct schema_axis *axis = realloc(axes->axis, (axes->count + 1) * sizeof(*axis));

	if (!axis)
		return NULL;
	axes->axis = axis;
	axis += axes->count;
	*axis = (struct schema_axis){ .name = strdup(check->path), .node = node };
	if (!axis->name)
		return NULL;
	axes->count++;
	return axis;
}

static size_t count_nodes(const struct yaml_node *node)
{
	size_t nodes = 1;

	for (size_t i = 0; i < node->count; i++)
		nodes += count_nodes(&node->items[i]);
	return nodes;
}

static int add_copy(struct check *check, struct yaml_node *values, const struct yaml_node *value)
{
	struct yaml_node *item;

	check->copied += count_nodes(value);
	if (values->count == VALUES_MAX || check->copied > YAML_NODES)
		return fail(check, value, "the sweep has too many values here");
	item = yaml_append(values);
	if (!item || yaml_copy(item, value) < 0)
		return no_memory(check);
	return 0;
}

/* All combinations of AXES within ITEM, the first axis outermost. */
static int add_combinations(struct check *check, struct yaml_node *values,
			    const struct yaml_node *item, struct schema_axes *axes)
{
	size_t *at = calloc(axes->count + 1, sizeof(*at));
	size_t k;

	if (!at)
		return no_memory(check);
	do {
		if (add_copy(check, values, item) < 0) {
			free(at);
			return -1;
		}
		for (k = axes->count; k-- > 0;) {
			at[k] = (at[k] + 1) % axes->axis[k].values.count;
			schema_choose(&axes->axis[k], at[k]);
			if (at[k])
				break;
		}
	} while (k != SIZE_MAX);
	free(at);
	return 0;
}

static int add_value(struct check *check, struct yaml_node *values, struct yaml_node *item,
		     const struct schema_key *key)
{
	struct schema_axes axes = { 0 }, *outer = check->axes;
	int rc;

	if (item->kind == YAML_LIST && key->type != SCHEMA_COUNTS)
		return fail(check, item, "a list stands within a list");
	check->axes = &axes;
	rc = check_one(check, item, key);
	if (rc == 0)
		rc = add_combinations(check, values, item, &axes);
	schema_release(&axes);
	check->axes = outer;
	return rc;
}

struct range {
	double from, to, step, times;
};

static bool range_next(const struct range *range, double *value, size_t index)
{
	if (range->times > 0)
		*value *= range->times;
	else
		*value = range->from + (double)index * range->step;
	return *value <= range->to * (1 + 1e-12);
}

static int read_range(struct check *check, const struct yaml_node *node, struct range *range)
{
	static const char *const keys[] = { "from", "to", "step", "times" };

	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *item = &node->items[i];
		double number;

		if (!is_one_of(item->key, "from|to|step|times"))
			return unknown(check, item, "key", item->key, keys, 4);
		if (item->kind != YAML_SCALAR || schema_parse_number(item->text, &number) < 0)
			return fail(check, item, "'%s' of a range is no number >= 0", item->key);
	}
	if (!yaml_find(node, "from") || !yaml_find(node, "to"))
		return fail(check, node, "a range needs 'from' and 'to'");
	if (yaml_find(node, "step") && yaml_find(node, "times"))
		return fail(check, node, "a range has 'step' or 'times', not both");
	range->from = schema_number(node, "from", 0);
	range->to = schema_number(node, "to", 0);
	range->step = schema_number(node, "step", 1);
	range->times = yaml_find(node, "times") ? schema_number(node, "times", 0) : 0;
	if (yaml_find(node, "times") && (range->times <= 1 || range->from <= 0))
		return fail(check, node, "a range needs 'from' > 0 and 'times' > 1");
	if (range->step <= 0)
		return fail(check, node, "a range needs 'step' > 0");
	return range->from <= range->to ? 0 : fail(check, node, "'from' is more than 'to'");
}

static int add_range(struct check *check, struct yaml_node *values, const struct yaml_node *node,
		     const struct schema_key *key)
{
	struct range range = { 0 };
	double value;
	size_t index = 0;

	if (read_range(check, node, &range) < 0)
		return -1;
	value = range.from;
	do {
		struct yaml_node item = { .kind = YAML_SCALAR, .plain = true, .line = node->line };
		char text[32];
		int rc;

		snprintf(text, sizeof(text),
			 value < 1e15 && value == floor(value) ? "%.0f" : "%.12g", value);
		item.text = text;
		rc = check_text(check, &item, key->type, NULL);
		if (rc < 0 || add_copy(check, values, &item) < 0)
			return -1;
	} while (range_next(&range, &value, ++index));
	return 0;
}

static int add_list(struct check *check, struct yaml_node *values, struct yaml_node *node,
		    const struct schema_key *key)
{
	if (!node->count)
		return fail(check, node, "an empty list stands where a value is wanted");
	for (size_t i = 0; i < node->count; i++)
		if (add_value(check, values, &node->items[i], key) < 0)
			return -1;
	return 0;
}

/* Where NODE is a list or a range instead of one value. */
static int check_axis(struct check *check, struct yaml_node *node, const struct schema_key *key)
{
	struct schema_axis *axis;
	struct yaml_node values = { .kind = YAML_LIST, .line = node->line };
	int rc = node->kind == YAML_MAP ? add_range(check, &values, node, key)
					: add_list(check, &values, node, key);

	if (rc < 0) {
		yaml_release(&values);
		return -1;
	}
	axis = add_axis(check, node);
	if (!axis) {
		yaml_release(&values);
		return no_memory(check);
	}
	axis->values = values;
	axis->whole = *node;
	axis->whole.key = NULL;
	schema_choose(axis, 0);
	return 0;
}

static bool branches(const struct yaml_node *node, const struct schema_key *key)
{
	if (key->single)
		return false;
	if (node->kind == YAML_LIST)
		return key->type == SCHEMA_COUNTS ? node->count && node->items[0].kind == YAML_LIST
						  : !is_list_type(key->type);
	return node->kind == YAML_MAP && is_number_type(key->type);
}

static int check_map(struct check *check, struct yaml_node *node, const struct schema_key *keys)
{
	char buf[96];

	if (node->kind != YAML_MAP)
		return fail(check, node, "%s stands where a mapping is wanted",
			    yaml_describe(node, buf, sizeof(buf)));
	for (size_t i = 0; i < node->count; i++) {
		struct yaml_node *item = &node->items[i];
		const struct schema_key *key = keys;
		size_t length;
		int rc;

		while (key->name && strcmp(key->name, item->key))
			key++;
		if (!key->name)
			return unknown_key(check, item, keys);
		length = down(check, item->key, 0);
		rc = branches(item, key) ? check_axis(check, item, key)
					 : check_one(check, item, key);
		if (rc < 0)
			return -1;
		up(check, length);
	}
	for (; keys->name; keys++)
		if (keys->required && !yaml_find(node, keys->name))
			return fail(check, node, "'%s' is missing", keys->name);
	return 0;
}

int schema_check(struct yaml_node *root, const struct schema_key *keys, const char *name,
		 struct schema_axes *axes, struct err *err)
{
	struct check check = { .name = name, .err = err, .axes = axes };

	memset(axes, 0, sizeof(*axes));
	if (check_map(&check, root, keys) == 0)
		return 0;
	schema_release(axes);
	return -1;
}

static void put(struct yaml_node *node, const struct yaml_node *value)
{
	char *key = node->key;

	*node = *value;
	node->key = key;
}

void schema_choose(struct schema_axis *axis, size_t index)
{
	put(axis->node, &axis->values.items[index]);
}

void schema_release(struct schema_axes *axes)
{
	for (size_t i = 0; i < axes->count; i++) {
		put(axes->axis[i].node, &axes->axis[i].whole);
		yaml_release(&axes->axis[i].values);
		free(axes->axis[i].name);
	}
	free(axes->axis);
	memset(axes, 0, sizeof(*axes));
}
