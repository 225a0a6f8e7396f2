/* SPDX-License-Identifier: Apache-2.0 */
/* linkread.c - tables of links from files */
#include "jsontable.h"
#include "linktable.h"
#include "slurp.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT_DIGITS 28 /* before the point: what 96 bits hold */
#define POINT_DIGITS  9

static const char *const column_names[] = {
#define X(suffix, name, needed) name,
	LINK_COLUMNS(X)
#undef X
};

static const bool column_needed[] = {
#define X(suffix, name, needed) needed,
	LINK_COLUMNS(X)
#undef X
};

/* The digits behind a point, as a fraction of 2^LOADS_SHIFT, rounded. */
static uint64_t fraction(const char *digits)
{
	uint64_t number = 0, scale = 1;

	for (int i = 0; i < POINT_DIGITS && digits[i]; i++) {
		number = 10 * number + (uint64_t)(digits[i] - '0');
		scale *= 10;
	}
	return ((number << LOADS_SHIFT) + scale / 2) / scale;
}

int link_amount(const char *text, load_amount *amount)
{
	size_t whole = strspn(text, "0123456789");
	load_amount number = 0;

	if (!whole || (text[whole] && (text[whole] != '.' || !text[whole + 1] ||
				       text[whole + 1 + strspn(text + whole + 1, "0123456789")]))) {
		errno = EINVAL;
		return -1;
	}
	while (whole > 1 && *text == '0') {
		text++;
		whole--;
	}
	if (whole > AMOUNT_DIGITS) {
		errno = ERANGE;
		return -1;
	}
	for (size_t i = 0; i < whole; i++)
		number = 10 * number + (load_amount)(text[i] - '0');
	*amount = (number << LOADS_SHIFT) + (text[whole] ? fraction(text + whole + 1) : 0);
	return 0;
}

static int read_u64(const char *text, uint64_t *number)
{
	size_t digits = strspn(text, "0123456789");

	errno = 0;
	*number = digits && !text[digits] ? strtoull(text, NULL, 10) : 0;
	if (!digits || text[digits])
		errno = EINVAL;
	return errno ? -1 : 0;
}

static int read_port(const char *text, uint32_t *port)
{
	uint64_t number;

	*port = NETEMU_NONE;
	if (!*text || strcmp(text, "-") == 0)
		return 0;
	if (read_u64(text, &number) < 0)
		return -1;
	if (number >= NETEMU_NONE) {
		errno = ERANGE;
		return -1;
	}
	*port = (uint32_t)number;
	return 0;
}

static int read_capacity(const char *text, double *capacity)
{
	char *end;

	errno = 0;
	*capacity = strtod(text, &end);
	if (end == text || *end || !(*capacity >= 0) || isinf(*capacity))
		errno = EINVAL;
	return errno == EINVAL ? -1 : 0;
}

/* CELL of COLUMN into ROW.  Returns 0, or -1 with errno. */
static int read_cell(struct linkrow *row, int column, char *cell)
{
	switch ((enum link_column)column) {
	case LINK_SRC:
	case LINK_DST:
		*(column == LINK_SRC ? &row->src : &row->dst) = cell;
		if (*cell)
			return 0;
		errno = EINVAL;
		return -1;
	case LINK_CAPACITY:
		return read_capacity(cell, &row->capacity);
	case LINK_BYTES:
		return link_amount(cell, &row->bytes);
	case LINK_FLOWS:
		return link_amount(cell, &row->flows);
	case LINK_SRC_PORT:
		return read_port(cell, &row->src_port);
	case LINK_DST_PORT:
		return read_port(cell, &row->dst_port);
	case LINK_MESSAGES:
		return read_u64(cell, &row->messages);
	case LINK_WIRE_BYTES:
		return read_u64(cell, &row->wire_bytes);
	case LINK_QUEUE_NS:
		return read_u64(cell, &row->queue_ns);
	case LINK_COLUMN_COUNT:
		break;
	}
	return 0;
}

static struct linkrow *new_row(struct linktable *table)
{
	struct linkrow *row;

	if (table->count == table->room) {
		size_t room = table->room ? 2 * table->room : 256;

		if (table->count >= NETEMU_NONE) {
			errno = ERANGE;
			return NULL;
		}
		row = realloc(table->row, room * sizeof(*row));
		if (!row)
			return NULL;
		table->row = row;
		table->room = room;
	}
	row = &table->row[table->count];
	*row = (struct linkrow){
		.src_port = NETEMU_NONE,
		.dst_port = NETEMU_NONE,
		.link = (uint32_t)table->count,
	};
	table->count++;
	return row;
}

/* --- tab-separated --- */

#define MOST_COLUMNS 64

/* Where each column of the file goes: one of ours, or -1. */
struct header {
	int column[MOST_COLUMNS];
	int count;
};

struct lines {
	const char *name; /* of the file */
	unsigned long line;
	struct err *err;
};

static int find_column(const char *name)
{
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
		if (strcmp(column_names[i], name) == 0)
			return i;
	return -1;
}

/* Cut LINE at its tabs: the next cell, or NULL behind the last. */
static char *next_cell(char **line)
{
	char *cell = *line, *tab;

	if (!cell)
		return NULL;
	tab = strchr(cell, '\t');
	if (tab)
		*tab++ = '\0';
	*line = tab;
	return cell;
}

static int read_header(struct linktable *table, struct header *header, char *line,
		       const struct lines *lines)
{
	header->count = 0;
	for (char *cell; (cell = next_cell(&line));) {
		int column = find_column(cell);

		if (header->count == MOST_COLUMNS)
			return err_set(lines->err, "%s:%lu: more than %d columns", lines->name,
				       lines->line, MOST_COLUMNS);
		if (column >= 0 && table->has[column])
			return err_set(lines->err, "%s:%lu: column '%s' stands there twice",
				       lines->name, lines->line, cell);
		if (column >= 0)
			table->has[column] = true;
		header->column[header->count++] = column;
	}
	for (int i = 0; i < LINK_COLUMN_COUNT; i++)
		if (column_needed[i] && !table->has[i])
			return err_set(lines->err, "%s:%lu: no column '%s'", lines->name,
				       lines->line, column_names[i]);
	return 0;
}

static int read_line(struct linktable *table, const struct header *header, char *line,
		     const struct lines *lines)
{
	struct linkrow *row = new_row(table);
	int at = 0;

	if (!row)
		return err_errno(lines->err, "%s:%lu", lines->name, lines->line);
	for (char *cell; (cell = next_cell(&line)); at++) {
		if (at == header->count)
			return err_set(lines->err, "%s:%lu: more than the %d columns of the header",
				       lines->name, lines->line, header->count);
		if (header->column[at] >= 0 && read_cell(row, header->column[at], cell) < 0)
			return err_set(lines->err, "%s:%lu: %s: '%.40s' is %s", lines->name,
				       lines->line, column_names[header->column[at]], cell,
				       errno == ERANGE                  ? "out of range"
				       : header->column[at] <= LINK_DST ? "no name"
									: "no such number");
	}
	if (at < header->count)
		return err_set(lines->err, "%s:%lu: %d columns, but the header has %d", lines->name,
			       lines->line, at, header->count);
	return 0;
}

static int parse_tsv(struct linktable *table, const struct lines *at)
{
	struct lines lines = *at;
	struct header header = { .count = 0 };
	char *text = table->text;

	for (lines.line = 1; *text; lines.line++) {
		size_t length = strcspn(text, "\n");
		char *next = text + length + (text[length] == '\n');
		int rc;

		text[length] = '\0';
		if (length && text[length - 1] == '\r')
			text[length - 1] = '\0';
		if (lines.line > 1 && !*text)
			return err_set(lines.err, "%s:%lu: an empty line", lines.name, lines.line);
		rc = lines.line == 1 ? read_header(table, &header, text, &lines)
				     : read_line(table, &header, text, &lines);
		if (rc < 0)
			return -1;
		text = next;
	}
	if (lines.line == 1)
		return err_set(lines.err, "%s:1: no header: the file is empty", lines.name);
	return 0;
}

/* --- JSON --- */

/* The number or null that comes next as text, as it stands there. */
static int json_token(struct jsonscan *scan, char *buf, size_t size)
{
	const char *start;
	size_t length;

	jsonscan_peek(scan);
	start = scan->at;
	if (jsonscan_skip(scan) < 0)
		return -1;
	length = (size_t)(scan->at - start);
	if (length >= size)
		return jsonscan_fail(scan, "no such number");
	memcpy(buf, start, length);
	buf[length] = '\0';
	if (strcmp(buf, "null") == 0)
		buf[0] = '\0';
	return 0;
}

static int json_name(struct jsonscan *scan, char **room, char **cell)
{
	char *name;

	if (jsonscan_string(scan, &name) < 0)
		return -1;
	if (!name)
		return jsonscan_fail(scan, "no name");
	*cell = strcpy(*room, name);
	*room += strlen(name) + 1;
	free(name);
	return 0;
}

static int json_row(struct linktable *table, struct jsonscan *scan, char **room)
{
	struct linkrow *row = new_row(table);
	bool seen[LINK_COLUMN_COUNT] = { false };
	char key[32], number[64], *cell;
	int rc;

	if (!row)
		return jsonscan_fail(scan, "%s", strerror(errno));
	if (jsonscan_open(scan, '{') < 0)
		return -1;
	while ((rc = jsonscan_key(scan, key, sizeof(key))) > 0) {
		int column = find_column(key);

		if (column < 0) {
			if (jsonscan_skip(scan) < 0)
				return -1;
			continue;
		}
		if (seen[column])
			return jsonscan_fail(scan, "stands there twice");
		seen[column] = table->has[column] = true;
		cell = number;
		if ((column <= LINK_DST ? json_name(scan, room, &cell)
					: json_token(scan, number, sizeof(number))) < 0)
			return -1;
		if (read_cell(row, column, cell) < 0)
			return jsonscan_fail(scan, "'%.40s' is %s", cell,
					     errno == ERANGE ? "out of range" : "not valid here");
	}
	for (int i = 0; rc == 0 && i < LINK_COLUMN_COUNT; i++)
		if (column_needed[i] && !seen[i])
			return jsonscan_fail(scan, "a link without '%s'", column_names[i]);
	return rc;
}

static int json_links(struct linktable *table, struct jsonscan *scan, char **room)
{
	int rc;

	if (jsonscan_open(scan, '[') < 0)
		return -1;
	while ((rc = jsonscan_element(scan)) > 0)
		if (json_row(table, scan, room) < 0)
			return -1;
	return rc;
}

static int parse_json(struct linktable *table, const char *text, size_t size,
		      const struct lines *lines)
{
	struct jsonscan scan;
	char key[32], *room = table->text;
	bool found = false;
	int rc;

	jsonscan_init(&scan, text, size, lines->name, lines->err);
	if (jsonscan_open(&scan, '{') < 0)
		return -1;
	while ((rc = jsonscan_key(&scan, key, sizeof(key))) > 0) {
		bool links = strcmp(key, "links") == 0;

		if (links && found)
			return jsonscan_fail(&scan, "stands there twice");
		found |= links;
		if ((links ? json_links(table, &scan, &room) : jsonscan_skip(&scan)) < 0)
			return -1;
	}
	if (rc < 0 || jsonscan_end(&scan) < 0)
		return -1;
	return found ? 0 : jsonscan_fail(&scan, "no \"links\"");
}

/* --- both --- */

static int row_compare(const void *a, const void *b)
{
	const struct linkrow *left = a, *right = b;
	int order = linkrow_compare(left, right);

	return order ? order : left->link < right->link ? -1 : left->link > right->link;
}

static int sort(struct linktable *table, const struct lines *lines)
{
	char text[256];

	if (table->count)
		qsort(table->row, table->count, sizeof(*table->row), row_compare);
	for (size_t i = 1; i < table->count; i++) {
		const struct linkrow *row = &table->row[i];

		if (row->src_port != NETEMU_NONE && row->dst_port != NETEMU_NONE &&
		    linkrow_compare(row - 1, row) == 0)
			return err_set(lines->err, "%s: '%s' stands there twice", lines->name,
				       linkrow_text(row, text, sizeof(text)));
	}
	return 0;
}

int linktable_parse(struct linktable *table, const char *text, size_t size, const char *name,
		    struct err *err)
{
	const struct lines lines = { .name = name, .err = err };
	size_t blank = 0;
	int rc = 0;

	memset(table, 0, sizeof(*table));
	while (blank < size && strchr(" \t\r\n", text[blank]) && text[blank])
		blank++;
	if (memchr(text, '\0', size))
		return err_set(err, "%s: is no text: it has a byte 0", name);
	table->text = malloc(size + 1);
	if (!table->text)
		return err_errno(err, "%s", name);
	memcpy(table->text, text, size);
	table->text[size] = '\0';
	if (blank < size && text[blank] == '{')
		rc = parse_json(table, text, size, &lines);
	else
		rc = parse_tsv(table, &lines);
	if (rc == 0)
		rc = sort(table, &lines);
	if (rc < 0)
		linktable_release(table);
	return rc;
}

int linktable_read(struct linktable *table, const char *path, struct err *err)
{
	size_t size;
	char *text;
	int rc = slurp(path, &text, &size, err);

	if (rc == 0)
		rc = linktable_parse(table, text, size, path, err);
	free(text);
	return rc;
}
