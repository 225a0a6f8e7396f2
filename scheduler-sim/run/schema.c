/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c - values of a scenario by themselves; check.c walks the document */
#include "config.h"

#include "schema.h"
#include "units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000

int schema_parse_number(const char *text, double *number)
{
	char *end;
	double value;

	if (!*text || strspn(text, "0123456789.+-eE") != strlen(text))
		return -1;
	errno = 0;
	value = strtod(text, &end);
	if (*end || !isfinite(value) || value < 0)
		return -1;
	*number = value;
	return 0;
}

int schema_parse_count(const char *text, uint64_t *count)
{
	uint64_t value;
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end || errno)
		return -1;
	*count = value;
	return 0;
}

/* "12.5" exactly, "1e3" as the nearest ns. */
static int parse_seconds(const char *text, int64_t *ns)
{
	char seconds[64];
	double number;

	if (schema_parse_number(text, &number) < 0)
		return -1;
	if (snprintf(seconds, sizeof(seconds), "%ss", text) < (int)sizeof(seconds) &&
	    units_duration(seconds, ns) == 0)
		return 0;
	if (number * SECOND >= 9.2e18)
		return -1;
	*ns = llround(number * SECOND);
	return 0;
}

int schema_parse_time(const char *text, int64_t *ns)
{
	return units_duration(text, ns) == 0 ? 0 : parse_seconds(text, ns);
}

int schema_parse_flag(const char *text, bool *flag)
{
	static const char *const words[] = { "no", "yes", "false", "true", "off", "on",
					     "No", "Yes", "False", "True", "Off", "On" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i]))
			continue;
		*flag = i & 1;
		return 0;
	}
	return -1;
}

const char *schema_text(const struct yaml_node *map, const char *key, const char *otherwise)
{
	const struct yaml_node *node = map ? yaml_find(map, key) : NULL;

	return node && node->kind == YAML_SCALAR ? node->text : otherwise;
}

double schema_number(const struct yaml_node *map, const char *key, double otherwise)
{
	const char *text = schema_text(map, key, NULL);

	if (text)
		schema_parse_number(text, &otherwise);
	return otherwise;
}

uint64_t schema_count(const struct yaml_node *map, const char *key, uint64_t otherwise)
{
	const char *text = schema_text(map, key, NULL);

	if (text)
		schema_parse_count(text, &otherwise);
	return otherwise;
}

uint64_t schema_size(const struct yaml_node *map, const char *key, uint64_t otherwise)
{
	const char *text = schema_text(map, key, NULL);

	if (text)
		units_size(text, &otherwise);
	return otherwise;
}

int64_t schema_time(const struct yaml_node *map, const char *key, int64_t otherwise)
{
	const char *text = schema_text(map, key, NULL);

	if (text)
		schema_parse_time(text, &otherwise);
	return otherwise;
}

bool schema_flag(const struct yaml_node *map, const char *key, bool otherwise)
{
	const char *text = schema_text(map, key, NULL);

	if (text)
		schema_parse_flag(text, &otherwise);
	return otherwise;
}

const struct schema_variant *schema_variant(const struct schema_variant *variants, const char *name)
{
	for (; variants->name; variants++)
		if (strcmp(variants->name, name) == 0 ||
		    (variants->alias && strcmp(variants->alias, name) == 0))
			return variants;
	return NULL;
}
