/* SPDX-License-Identifier: Apache-2.0 */
#include "jsontable.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int read_u32(struct jsonscan *scan, uint32_t *to)
{
	uint64_t number;

	if (jsonscan_u64(scan, &number) < 0)
		return -1;
	if (number > UINT32_MAX)
		return jsonscan_fail(scan, "%llu is out of range", (unsigned long long)number);
	*to = (uint32_t)number;
	return 0;
}

static int read_i32(struct jsonscan *scan, int32_t *to)
{
	int64_t number;

	if (jsonscan_i64(scan, &number) < 0)
		return -1;
	if (number < INT32_MIN || number > INT32_MAX)
		return jsonscan_fail(scan, "%lld is out of range", (long long)number);
	*to = (int32_t)number;
	return 0;
}

static int read_real(struct jsonscan *scan, double *to)
{
	double number;

	if (jsonscan_real(scan, &number) < 0)
		return -1;
	if (!(number >= 0) || isinf(number))
		return jsonscan_fail(scan, "%g is out of range", number);
	*to = number;
	return 0;
}

static int numbers_grow(struct jsonscan *scan, struct json_numbers *numbers)
{
	size_t room = numbers->room ? 2 * numbers->room : 64;
	uint64_t *values = realloc(numbers->values, room * sizeof(*values));

	if (!values)
		return jsonscan_fail(scan, "%s", strerror(errno));
	numbers->values = values;
	numbers->room = room;
	return 0;
}

static int read_numbers(struct jsonscan *scan, struct json_numbers *numbers, bool is_signed)
{
	int rc;

	numbers->count = 0;
	if (jsonscan_open(scan, '[') < 0)
		return -1;
	while ((rc = jsonscan_element(scan)) > 0) {
		if (numbers->count == numbers->room && numbers_grow(scan, numbers) < 0)
			return -1;
		if (is_signed ? jsonscan_i64(scan, (int64_t *)&numbers->values[numbers->count])
			      : jsonscan_u64(scan, &numbers->values[numbers->count]))
			return -1;
		numbers->count++;
	}
	return rc;
}

static int read_field(struct jsonscan *scan, const struct json_field *field, void *to,
		      void *context)
{
	switch (field->kind) {
	case JSON_TEXT:
		return jsonscan_string(scan, to);
	case JSON_BOOL:
		return jsonscan_bool(scan, to);
	case JSON_U32:
		return read_u32(scan, to);
	case JSON_U64:
		return jsonscan_u64(scan, to);
	case JSON_I32:
		return read_i32(scan, to);
	case JSON_I64:
		return jsonscan_i64(scan, to);
	case JSON_REAL:
		return read_real(scan, to);
	case JSON_UNSIGNED:
		return read_numbers(scan, to, false);
	case JSON_SIGNED:
		return read_numbers(scan, to, true);
	case JSON_OTHER:
		return field->read(scan, field, to, context);
	}
	return -1;
}

static const struct json_field *find(const struct json_field *fields, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

int jsontable_object(struct jsonscan *scan, const struct json_field *fields, size_t count,
		     void *base, void *context)
{
	char key[sizeof(scan->key)];
	uint64_t seen = 0;
	int rc;

	if (jsonscan_open(scan, '{') < 0)
		return -1;
	while ((rc = jsonscan_key(scan, key, sizeof(key))) > 0) {
		const struct json_field *field = find(fields, count, key);

		if (!field) {
			if (jsonscan_skip(scan) < 0)
				return -1;
			continue;
		}
		if (seen & 1ull << (field - fields))
			return jsonscan_fail(scan, "given twice");
		seen |= 1ull << (field - fields);
		if (read_field(scan, field, (char *)base + field->offset, context) < 0)
			return -1;
	}
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (!fields[i].optional && !(seen & 1ull << i)) {
			*scan->key = '\0';
			return jsonscan_fail(scan, "the key '%s' is missing", fields[i].key);
		}
	return rc;
}

void *jsontable_row(struct jsonscan *scan, void *rows, size_t *count, size_t size)
{
	char **base = rows;

	if (!(*count & (*count - 1))) {
		char *grown = realloc(*base, (*count ? 2 * *count : 1) * size);

		if (!grown) {
			jsonscan_fail(scan, "%s", strerror(errno));
			return NULL;
		}
		*base = grown;
	}
	return memset(*base + (*count)++ * size, 0, size);
}

int jsontable_rows(struct jsonscan *scan, const struct json_field *fields, size_t nfields,
		   void *rows, size_t *count, size_t size, void *context)
{
	int rc;

	if (jsonscan_open(scan, '[') < 0)
		return -1;
	while ((rc = jsonscan_element(scan)) > 0) {
		void *row = jsontable_row(scan, rows, count, size);

		if (!row || jsontable_object(scan, fields, nfields, row, context) < 0)
			return -1;
	}
	return rc;
}

int jsontable_name(struct jsonscan *scan, const char *const names[], int count)
{
	char *text;
	int index = 0;

	if (jsonscan_string(scan, &text) < 0)
		return -1;
	while (index < count && (!text || strcmp(names[index], text)))
		index++;
	if (index == count)
		jsonscan_fail(scan, "'%s' is not a name that is known", text ? text : "null");
	free(text);
	return index < count ? index : -1;
}
