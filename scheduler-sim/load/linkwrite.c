/* SPDX-License-Identifier: Apache-2.0 */
#include "linkwrite.h"

#include "stats.h"

#include <math.h>
#include <string.h>

#define WHOLE_REAL 9007199254740992.0 /* 2^53 */

void put_init(struct put *put, FILE *out)
{
	put->out = out;
	put->used = 0;
}

void put_flush(struct put *put)
{
	fwrite(put->buf, 1, put->used, put->out);
	put->used = 0;
}

static void put_char(struct put *put, char c)
{
	if (put->used == sizeof(put->buf))
		put_flush(put);
	put->buf[put->used++] = c;
}

static void put_bytes(struct put *put, const char *text, size_t length)
{
	if (sizeof(put->buf) - put->used < length)
		put_flush(put);
	if (length > sizeof(put->buf)) {
		fwrite(text, 1, length, put->out);
		return;
	}
	memcpy(put->buf + put->used, text, length);
	put->used += length;
}

void put_text(struct put *put, const char *text)
{
	put_bytes(put, text, strlen(text));
}

void put_cell(struct put *put, const char *text)
{
	for (; *text; text++)
		put_char(put, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/* Length of the UTF-8 character at TEXT, 0 where there is none. */
static size_t utf8_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t length = *c < 0x80                 ? 1
			: *c >= 0xc2 && *c < 0xe0 ? 2
			: (*c & 0xf0) == 0xe0     ? 3
			: *c >= 0xf0 && *c < 0xf5 ? 4
						  : 0;

	for (size_t i = 1; i < length; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] >= 0xa0) ||
	    (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] >= 0x90))
		return 0;
	return length;
}

void put_quoted(struct put *put, const char *text)
{
	put_char(put, '"');
	while (*text) {
		size_t length = utf8_length(text);

		if (!length || (unsigned char)*text < 0x20) {
			put_char(put, '?');
			text++;
			continue;
		}
		if (*text == '"' || *text == '\\')
			put_char(put, '\\');
		put_bytes(put, text, length);
		text += length;
	}
	put_char(put, '"');
}

void put_number(struct put *put, uint64_t number)
{
	char digits[24], *c = digits + sizeof(digits);

	do
		*--c = (char)('0' + number % 10);
	while (number /= 10);
	put_bytes(put, c, (size_t)(digits + sizeof(digits) - c));
}

void put_amount(struct put *put, load_amount amount)
{
	char buf[64];

	if ((uint32_t)amount == 0 && amount >> LOADS_SHIFT <= UINT64_MAX)
		put_number(put, (uint64_t)(amount >> LOADS_SHIFT));
	else
		put_text(put, load_text(amount, buf, sizeof(buf)));
}

void put_real(struct put *put, double number)
{
	char buf[32];

	if (number >= 0 && number < WHOLE_REAL && number == floor(number))
		put_number(put, (uint64_t)number);
	else
		put_text(put, stats_repr(buf, sizeof(buf), number));
}

void put_port(struct put *put, uint32_t port, const char *unknown)
{
	if (port == NETEMU_NONE)
		put_text(put, unknown);
	else
		put_number(put, port);
}

static void tsv_measured(struct put *put, const struct linkrow *row)
{
	put_char(put, '\t');
	put_number(put, row->messages);
	put_char(put, '\t');
	put_number(put, row->wire_bytes);
	put_char(put, '\t');
	put_number(put, row->queue_ns);
}

static void tsv_row(struct put *put, const struct linkrow *row)
{
	put_cell(put, row->src);
	put_char(put, '\t');
	put_cell(put, row->dst);
	put_char(put, '\t');
	put_real(put, row->capacity);
	put_char(put, '\t');
	put_amount(put, row->bytes);
	put_char(put, '\t');
	put_amount(put, row->flows);
	put_char(put, '\t');
	put_port(put, row->src_port, "-");
	put_char(put, '\t');
	put_port(put, row->dst_port, "-");
}

void linktable_tsv_with(const struct linktable *table, const struct link_extra *extra, size_t count,
			FILE *out)
{
	bool measured = table->has[LINK_MESSAGES];
	struct put put;

	put_init(&put, out);
	put_text(&put, "src\tdst\tcapacity\tbytes\tflows\tsrc_port\tdst_port");
	if (measured)
		put_text(&put, "\tmessages\twire_bytes\tqueue_ns");
	for (size_t k = 0; k < count; k++) {
		put_char(&put, '\t');
		put_text(&put, extra[k].name);
	}
	put_char(&put, '\n');
	for (size_t i = 0; i < table->count; i++) {
		tsv_row(&put, &table->row[i]);
		if (measured)
			tsv_measured(&put, &table->row[i]);
		for (size_t k = 0; k < count; k++) {
			put_char(&put, '\t');
			put_real(&put, extra[k].value(extra[k].arg, table->row[i].link));
		}
		put_char(&put, '\n');
	}
	put_flush(&put);
}

void linktable_tsv(const struct linktable *table, FILE *out)
{
	linktable_tsv_with(table, NULL, 0, out);
}

static void json_row(struct put *put, const struct linkrow *row, bool measured)
{
	put_text(put, "{\"src\": ");
	put_quoted(put, row->src);
	put_text(put, ", \"dst\": ");
	put_quoted(put, row->dst);
	put_text(put, ", \"capacity\": ");
	put_real(put, row->capacity);
	put_text(put, ", \"bytes\": ");
	put_amount(put, row->bytes);
	put_text(put, ", \"flows\": ");
	put_amount(put, row->flows);
	put_text(put, ", \"src_port\": ");
	put_port(put, row->src_port, "null");
	put_text(put, ", \"dst_port\": ");
	put_port(put, row->dst_port, "null");
	if (measured) {
		put_text(put, ", \"messages\": ");
		put_number(put, row->messages);
		put_text(put, ", \"wire_bytes\": ");
		put_number(put, row->wire_bytes);
		put_text(put, ", \"queue_ns\": ");
		put_number(put, row->queue_ns);
	}
	put_text(put, "}");
}

void linktable_json(const struct linktable *table, FILE *out)
{
	static const char *const between[] = { "\n    ", ",\n    " };
	struct put put;

	put_init(&put, out);
	put_text(&put, "[");
	for (size_t i = 0; i < table->count; i++) {
		put_text(&put, between[i > 0]);
		json_row(&put, &table->row[i], table->has[LINK_MESSAGES]);
	}
	put_text(&put, table->count ? "\n  ]" : "]");
	put_flush(&put);
}
