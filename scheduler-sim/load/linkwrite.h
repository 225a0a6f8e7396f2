/* SPDX-License-Identifier: Apache-2.0 */
/* linkwrite.h - tables of links to files
 *
 * A million rows take well under a second: rows are put together by hand in a
 * buffer.
 */
#ifndef NETEMU_LINKWRITE_H
#define NETEMU_LINKWRITE_H

#include "linktable.h"

#include <stdio.h>

/* Text on its way to a stream. */
struct put {
	FILE *out;
	size_t used;
	char buf[1 << 15];
};

void put_text(struct put *put, const char *text);
void put_cell(struct put *put, const char *text);   /* as plain_put_cell() */
void put_quoted(struct put *put, const char *text); /* a JSON string */
void put_number(struct put *put, uint64_t number);
void put_amount(struct put *put, load_amount amount);
/* A whole number as one, else the shortest text that reads back equal. */
void put_real(struct put *put, double number);
void put_port(struct put *put, uint32_t port, const char *unknown);
/* Begin with: put_init(&put, out); end with put_flush(&put). */
void put_init(struct put *put, FILE *out);
void put_flush(struct put *put);

/* The columns src dst capacity bytes flows src_port dst_port, ports that are
 * not known as "-"; then messages wire_bytes queue_ns where TABLE has them.
 */
void linktable_tsv(const struct linktable *table, FILE *out);

/* The same with COUNT more columns of real numbers behind. */
struct link_extra {
	const char *name;
	double (*value)(const void *arg, uint32_t link);
	const void *arg;
};

void linktable_tsv_with(const struct linktable *table, const struct link_extra *extra, size_t count,
			FILE *out);

/* The rows as a JSON array, each on a line of its own; ports that are not
 * known are null.
 */
void linktable_json(const struct linktable *table, FILE *out);

#endif
