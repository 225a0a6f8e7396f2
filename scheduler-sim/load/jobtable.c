/* SPDX-License-Identifier: Apache-2.0 */
#include "jobtable.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_COLUMNS 64
#define SECOND       1000000000

enum column { JOB_ID, JOB_SOURCE, JOB_OUTCOME, JOB_WAIT, JOB_RUN, JOB_COLUMNS };

static const char *const column_names[] = { "id", "source", "outcome", "wait", "run" };

struct reader {
	char *at; /* in a copy of the text, which cells are cut out of */
	const char *name;
	unsigned long line, next_line;
	struct err *err;
	bool end; /* of the record */
};

int jobtable_seconds(const char *text, int64_t *ns)
{
	size_t digits = strspn(text, "0123456789");
	int64_t whole, part = 0, scale = SECOND;

	errno = 0;
	whole = digits ? strtoll(text, NULL, 10) : 0;
	if (!digits || (text[digits] && text[digits] != '.') ||
	    (text[digits] &&
	     (!text[digits + 1] || text[digits + 1 + strspn(text + digits + 1, "0123456789")])))
		errno = EINVAL;
	else if (whole > INT64_MAX / SECOND - 1)
		errno = ERANGE;
	if (errno)
		return -1;
	for (const char *c = text + digits + (text[digits] == '.'); *c && scale > 1; c++) {
		scale /= 10;
		part += (*c - '0') * scale;
	}
	*ns = whole * SECOND + part;
	return 0;
}

static int fail(const struct reader *reader, const char *what)
{
	return err_set(reader->err, "%s:%lu: %s", reader->name, reader->line, what);
}

/* A field in quotes, in place; "" is a quote. */
static char *quoted_cell(struct reader *reader)
{
	char *cell = ++reader->at, *to = cell;

	for (;; reader->at++) {
		if (*reader->at == '"' && *++reader->at != '"')
			break;
		if (!*reader->at)
			return NULL;
		reader->next_line += *reader->at == '\n';
		*to++ = *reader->at;
	}
	if (*reader->at == '\r')
		reader->at++;
	reader->end = *reader->at != ',';
	if (reader->end && *reader->at && *reader->at != '\n')
		return NULL;
	reader->next_line += *reader->at == '\n';
	reader->at += *reader->at != '\0';
	*to = '\0';
	return cell;
}

/* The next cell of the record, NULL with the error written. */
static char *next_cell(struct reader *reader)
{
	char *cell = reader->at;
	size_t length = strcspn(cell, ",\n");

	if (*cell == '"') {
		cell = quoted_cell(reader);
		if (!cell)
			fail(reader, "a quote that is not closed, or text behind it");
		return cell;
	}
	reader->end = cell[length] != ',';
	reader->next_line += cell[length] == '\n';
	reader->at += length + (cell[length] != '\0');
	if (reader->end && length && cell[length - 1] == '\r')
		length--;
	cell[length] = '\0';
	return cell;
}

static int find_column(const char *name)
{
	for (int i = 0; i < JOB_COLUMNS; i++)
		if (strcmp(column_names[i], name) == 0)
			return i;
	return -1;
}

static int read_header(struct reader *reader, int column[MOST_COLUMNS], int *count)
{
	bool has[JOB_COLUMNS] = { false };

	*count = 0;
	do {
		char *cell = next_cell(reader);
		int found;

		if (!cell)
			return -1;
		if (*count == MOST_COLUMNS)
			return fail(reader, "too many columns");
		found = find_column(cell);
		if (found >= 0 && has[found])
			return err_set(reader->err, "%s:%lu: column '%s' stands there twice",
				       reader->name, reader->line, column_names[found]);
		if (found >= 0)
			has[found] = true;
		column[(*count)++] = found;
	} while (!reader->end);
	return has[JOB_ID] ? 0 : fail(reader, "no column 'id'");
}

static int read_number(const char *text, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	errno = 0;
	if (!digits || text[digits]) {
		errno = EINVAL;
		return -1;
	}
	*number = strtoull(text, NULL, 10);
	return errno ? -1 : 0;
}

static int read_cell(struct jobrow *row, int column, const char *cell)
{
	switch (column) {
	case JOB_ID:
		return read_number(cell, &row->id);
	case JOB_SOURCE:
		return read_number(cell, &row->source);
	case JOB_OUTCOME:
		for (size_t i = 0; cell[i] && i < sizeof(row->outcome) - 1; i++)
			row->outcome[i] = (char)(isgraph((unsigned char)cell[i]) ? cell[i] : '?');
		return 0;
	case JOB_WAIT:
		return *cell ? jobtable_seconds(cell, &row->wait) : 0;
	case JOB_RUN:
		return *cell ? jobtable_seconds(cell, &row->run) : 0;
	}
	return 0;
}

static struct jobrow *new_row(struct jobtable *table)
{
	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 64;
		struct jobrow *row = realloc(table->row, room * sizeof(*row));

		if (!row)
			return NULL;
		table->row = row;
		table->room = room;
	}
	table->row[table->count] =
		(struct jobrow){ .row = table->count, .wait = NETEMU_NEVER, .run = NETEMU_NEVER };
	return &table->row[table->count++];
}

static int read_record(struct jobtable *table, struct reader *reader,
		       const int column[MOST_COLUMNS], int count)
{
	struct jobrow *row = new_row(table);
	int at = 0;

	if (!row)
		return fail(reader, strerror(errno));
	do {
		char *cell = next_cell(reader);

		if (!cell)
			return -1;
		if (at == count)
			return fail(reader, "more columns than the header has");
		if (column[at] >= 0 && read_cell(row, column[at], cell) < 0)
			return err_set(reader->err, "%s:%lu: %s: '%.40s' is no such number",
				       reader->name, reader->line, column_names[column[at]], cell);
		at++;
	} while (!reader->end);
	return at == count ? 0 : fail(reader, "fewer columns than the header has");
}

static int row_compare(const void *a, const void *b)
{
	const struct jobrow *left = a, *right = b;

	if (left->source != right->source)
		return left->source < right->source ? -1 : 1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->row < right->row ? -1 : left->row > right->row;
}

static int read_all(struct jobtable *table, struct reader *reader)
{
	int column[MOST_COLUMNS], count;

	if (!*reader->at)
		return fail(reader, "no header: the file is empty");
	if (read_header(reader, column, &count) < 0)
		return -1;
	while (*reader->at) {
		reader->line = reader->next_line;
		if (read_record(table, reader, column, count) < 0)
			return -1;
	}
	return 0;
}

int jobtable_parse(struct jobtable *table, const char *text, size_t size, const char *name,
		   struct err *err)
{
	struct reader reader = { .name = name, .line = 1, .next_line = 1, .err = err };
	char *copy;
	int rc;

	memset(table, 0, sizeof(*table));
	if (memchr(text, '\0', size))
		return err_set(err, "%s: is no text: it has a byte 0", name);
	copy = malloc(size + 1);
	if (!copy)
		return err_errno(err, "%s", name);
	memcpy(copy, text, size);
	copy[size] = '\0';
	reader.at = copy;
	rc = read_all(table, &reader);
	free(copy);
	if (rc < 0)
		jobtable_release(table);
	else if (table->count)
		qsort(table->row, table->count, sizeof(*table->row), row_compare);
	return rc;
}

void jobtable_release(struct jobtable *table)
{
	free(table->row);
	memset(table, 0, sizeof(*table));
}
