/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"
#include "kvlist.h"
#include "nearest.h"
#include "rundir.h"
#include "units.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- numbers that do not depend on the program's locale --- */

static locale_t c_locale(void)
{
	static _Atomic(locale_t) kept;
	locale_t locale = kept;

	/* that of "C" is the C library's own: nothing is allocated */
	if (!locale)
		kept = locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	return locale;
}

/* A decimal number at TEXT: what follows it, or NULL. */
static const char *read_number(const char *text, double *number)
{
	char *end;

	/* strtod() takes blanks, signs, hexadecimal, inf and nan as well */
	if (*text < '0' || *text > '9' || (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')))
		return NULL;
	*number = strtod_l(text, &end, c_locale());
	return isfinite(*number) ? end : NULL;
}

static const char *read_prefix(const char *text, double *scale)
{
	static const char names[] = "kMGT";
	const char *at = *text ? strchr(names, *text) : NULL;

	*scale = 1;
	if (!at)
		return text;
	for (long i = 0; i <= at - names; i++)
		*scale *= 1000;
	return text + 1;
}

int values_rate(const char *text, double *rate)
{
	static const struct {
		const char *name;
		double scale; /* byte/s */
	} units[] = {
		{ "", 1 },
		{ "bit/s", 0.125 },
		{ "B/s", 1 },
		{ "byte/s", 1 },
	};
	double number, prefix;

	errno = EINVAL;
	if (strcmp(text, "none") == 0) {
		*rate = 0;
		return 0;
	}
	text = read_number(text, &number);
	if (!text)
		return -1;
	text = read_prefix(text, &prefix);
	for (size_t i = 0; i < COUNT(units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		errno = ERANGE;
		number *= prefix * units[i].scale;
		if (!isfinite(number))
			return -1;
		*rate = number;
		return 0;
	}
	return -1;
}

/* --- kinds of values --- */

int values_bad(const struct key *key, const char *value, const char *what, struct err *err)
{
	return err_set(err, "%s='%s': %s", key->name, value, what);
}

static int parse_time(void *field, const struct key *key, const char *value, struct err *err)
{
	if (strcmp(value, "0") == 0) {
		*(int64_t *)field = 0;
		return 0;
	}
	if (units_duration(value, field) != 0)
		return values_bad(
			key, value,
			errno == ERANGE ? "too long"
					: "not a duration (a number and ns, us, ms, s, m, h or d)",
			err);
	return *(int64_t *)field > (int64_t)key->max ? values_bad(key, value, "too long", err) : 0;
}

static void format_time(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%lldns", (long long)*(const int64_t *)field);
}

static int parse_rate(void *field, const struct key *key, const char *value, struct err *err)
{
	if (values_rate(value, field) == 0)
		return 0;
	return values_bad(key, value, "not a rate (like 100Gbit/s or 12.5GB/s, or none)", err);
}

static void format_double(const void *field, char *buf, size_t size)
{
	locale_t before = uselocale(c_locale());

	snprintf(buf, size, "%.17g", *(const double *)field);
	uselocale(before);
}

int values_loss(const char *text, double *loss)
{
	double number;
	const char *end = read_number(text, &number);

	if (end && strcmp(end, "%") == 0) {
		number /= 100;
		end++;
	}
	errno = !end || *end ? EINVAL : ERANGE;
	if (!end || *end || number > 1)
		return -1;
	*loss = number;
	return 0;
}

static int parse_loss(void *field, const struct key *key, const char *value, struct err *err)
{
	if (values_loss(value, field) == 0)
		return 0;
	return values_bad(
		key, value,
		errno == ERANGE ? "more than 1" : "not a probability (like 0.001 or 0.1%)", err);
}

bool values_listed(const char *list, const char *word)
{
	size_t length = strlen(word), item;

	for (; *list; list += item + (list[item] == ',')) {
		item = strcspn(list, ",");
		if (item && item == length && memcmp(list, word, length) == 0)
			return true;
	}
	return false;
}

int values_count(const struct key *key, const char *value, uint64_t *number, struct err *err)
{
	char *end;

	errno = 0;
	*number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end)
		return values_bad(key, value, "not a number", err);
	if (errno || *number < key->min || *number > key->max)
		return err_set(err, "%s='%s': not between %llu and %llu", key->name, value,
			       (unsigned long long)key->min, (unsigned long long)key->max);
	return 0;
}

static int parse_count(void *field, const struct key *key, const char *value, struct err *err)
{
	uint64_t number;

	if (values_count(key, value, &number, err))
		return -1;
	*(uint32_t *)field = (uint32_t)number;
	return 0;
}

static void format_count(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%u", *(const uint32_t *)field);
}

static int parse_seed(void *field, const struct key *key, const char *value, struct err *err)
{
	return values_count(key, value, field, err);
}

static int parse_bytes(void *field, const struct key *key, const char *value, struct err *err)
{
	uint64_t bytes;

	if (units_size(value, &bytes))
		return values_bad(key, value, "not a size (like 64k, 2MiB or 4096)", err);
	if (bytes < key->min || bytes > key->max)
		return err_set(err, "%s='%s': not between %llu and %llu", key->name, value,
			       (unsigned long long)key->min, (unsigned long long)key->max);
	*(uint64_t *)field = bytes;
	return 0;
}

static void format_long(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%llu", (unsigned long long)*(const uint64_t *)field);
}

int values_parse_word(const struct values_word *words, const struct key *key, const char *value,
		      const char *what, uint32_t *number, struct err *err)
{
	while (words->name && strcmp(words->name, value) != 0)
		words++;
	if (!words->name)
		return values_bad(key, value, what, err);
	*number = words->value;
	return 0;
}

void values_format_word(const struct values_word *words, uint32_t value, char *buf, size_t size)
{
	while (words->name && words->value != value)
		words++;
	snprintf(buf, size, "%s", words->name ? words->name : "");
}

VALUES_WORDS(flag, bool, "neither yes nor no", { "yes", true }, { "no", false })

/* No longer than MAX, and no control character. */
static int check_line(const struct key *key, const char *value, uint64_t max, struct err *err)
{
	if (strlen(value) > max)
		return err_set(err, "%s=: longer than %llu bytes", key->name,
			       (unsigned long long)max);
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(err, "%s=: a control character in it", key->name);
	return 0;
}

static int parse_text(void *field, const struct key *key, const char *value, struct err *err)
{
	char *copy;

	if (!*value)
		return values_bad(key, value, "a value is missing", err);
	if (check_line(key, value, PATH_MAX - 1, err) < 0)
		return -1;
	copy = strdup(value);
	if (!copy)
		return err_errno(err, "unable to keep %s=", key->name);
	free(*(char **)field);
	*(char **)field = copy;
	return 0;
}

static void format_text(const void *field, char *buf, size_t size)
{
	const char *text = *(char *const *)field;

	snprintf(buf, size, "%s", text ? text : "");
}

/* Names are part of keys, so of their characters. */
static int parse_name(void *field, const struct key *key, const char *value, struct err *err)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	size_t length = strlen(value);

	if (*value < 'a' || *value > 'z' || strspn(value, chars) != length)
		return values_bad(key, value, "not a name (a-z, 0-9 and '_', a letter first)", err);
	if (length > key->max)
		return err_set(err, "%s='%s': longer than %llu characters", key->name, value,
			       (unsigned long long)key->max);
	memcpy(field, value, length + 1);
	return 0;
}

static void format_name(const void *field, char *buf, size_t size)
{
	snprintf(buf, size, "%s", (const char *)field);
}

static int parse_line(void *field, const struct key *key, const char *value, struct err *err)
{
	if (check_line(key, value, key->max, err) < 0)
		return -1;
	strcpy(field, value);
	return 0;
}

static int parse_path(void *field, const struct key *key, const char *value, struct err *err)
{
	if (value[0] != '/')
		return values_bad(key, value, "not an absolute path", err);
	return parse_line(field, key, value, err);
}

static int parse_enable(void *field, const struct key *key, const char *value, struct err *err)
{
	bool yes = false;

	if (kind_flag.parse(&yes, key, value, err) < 0)
		return -1;
	*(int *)field = yes;
	return 0;
}

/* The conversions are only known later; here they are checked. */
static int parse_dir(void *field, const struct key *key, const char *value, struct err *err)
{
	char expanded[PATH_MAX];

	if (!value[0])
		return err_set(err, "%s='': a directory is missing", key->name);
	if (rundir_expand(expanded, sizeof(expanded), value, "1", "0", "user", err) < 0)
		return -1;
	return kind_line.parse(field, key, value, err);
}

const struct key *values_key(const struct key *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* --- lists --- */

static int unknown_key(const struct values_table *table, bool plugstack, const char *name,
		       struct err *err)
{
	struct nearest nearest;

	nearest_init(&nearest, name);
	for (size_t i = 0; i < table->count; i++)
		if (!table->keys[i].special || plugstack)
			nearest_offer(&nearest, table->keys[i].name);
	if (nearest_name(&nearest))
		return err_set(err, "unknown key '%s' (did you mean '%s'?)", name,
			       nearest_name(&nearest));
	return err_set(err, "unknown key '%s'", name);
}

static int merge_word(int *enable, bool plugstack, const char *word, struct err *err)
{
	if (plugstack)
		return err_set(err, "'%s': not KEY=VALUE", word);
	if (strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return err_set(err, "'%s': neither yes, no nor KEY=VALUE", word);
	*enable = strcmp(word, "yes") == 0;
	return 0;
}

static int merge_item(void *settings, const struct values_table *table, bool plugstack,
		      const struct kvlist_item *item, struct err *err)
{
	const struct key *key;

	if (!item->key[0])
		return merge_word((int *)((char *)settings + table->enable), plugstack, item->value,
				  err);
	key = values_key(table->keys, table->count, item->key);
	if (!key)
		return unknown_key(table, plugstack, item->key, err);
	if (key->special && !plugstack)
		return err_set(err, "'%s' can only be set in plugstack.conf", key->name);
	return key->kind->parse((char *)settings + key->offset, key, item->value, err);
}

int values_merge(void *settings, const struct values_table *table, bool plugstack, const char *text,
		 struct err *err)
{
	struct kvlist list;
	int rc = 0;

	if (kvlist_parse(&list, text, err) < 0)
		return -1;
	if (!plugstack)
		*(int *)((char *)settings + table->enable) = 1;
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = merge_item(settings, table, plugstack, &list.items[i], err);
	kvlist_release(&list);
	return rc;
}

/* Whether KEY=VALUE is one item of a list: a comma in a value may begin the next one. */
static bool is_one_item(const char *text)
{
	struct kvlist list;
	bool one;

	if (kvlist_parse(&list, text, NULL) < 0)
		return false;
	one = list.count == 1;
	kvlist_release(&list);
	return one;
}

int values_write(const void *settings, const void *defaults, const struct values_table *table,
		 char *buf, size_t size)
{
	int enable = *(const int *)((const char *)settings + table->enable);
	char value[PATH_MAX], usual[PATH_MAX], item[PATH_MAX + 64];
	size_t used = 0;
	int n = 0;

	errno = ENAMETOOLONG;
	n = snprintf(buf, size, "%s", enable < 0 ? "" : enable ? "yes" : "no");
	if (n < 0 || (size_t)n >= size)
		return -1;
	used = (size_t)n;
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->keys[i];

		if (key->special)
			continue;
		key->kind->format((const char *)settings + key->offset, value, sizeof(value));
		key->kind->format((const char *)defaults + key->offset, usual, sizeof(usual));
		if (strcmp(value, usual) == 0)
			continue;
		snprintf(item, sizeof(item), "%s=%s", key->name, value);
		if (!is_one_item(item)) {
			errno = EINVAL;
			return -1;
		}
		n = snprintf(buf + used, size - used, "%s%s", used ? "," : "", item);
		if (n < 0 || (size_t)n >= size - used)
			return -1;
		used += (size_t)n;
	}
	return 0;
}

const struct kind kind_time = { parse_time, format_time, false };
const struct kind kind_rate = { parse_rate, format_double, false };
const struct kind kind_loss = { parse_loss, format_double, false };
const struct kind kind_count = { parse_count, format_count, false };
const struct kind kind_seed = { parse_seed, format_long, false };
const struct kind kind_bytes = { parse_bytes, format_long, false };
const struct kind kind_text = { parse_text, format_text, true };
const struct kind kind_name = { parse_name, format_name, false };
const struct kind kind_line = { parse_line, format_name, false };
const struct kind kind_enable = { parse_enable, NULL, false };
const struct kind kind_dir = { parse_dir, format_name, false };
const struct kind kind_path = { parse_path, format_name, false };
