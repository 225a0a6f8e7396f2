/* SPDX-License-Identifier: Apache-2.0 */
/* linktable.h - what each link carries, as a table: links.tsv
 *
 * One row for each direction of each cable.  `netemu sim load` and `run` write
 * such tables, and the emulated device writes one with three columns more
 * (what it counted on the wire); all of them are read back here, to be
 * compared.  netemu-sim(1), LINKS, describes the format.
 *
 * Order: by the bytes of the name of the source, then of the destination, then
 * by the ports as numbers (unknown ones last), then as in the topology.
 */
#ifndef NETEMU_LINKTABLE_H
#define NETEMU_LINKTABLE_H

#include "route/loads.h"

/* Columns: X(enum suffix, name, whether a file must have it). */
#define LINK_COLUMNS(X)                    \
	X(SRC, "src", true)                \
	X(DST, "dst", true)                \
	X(CAPACITY, "capacity", false)     \
	X(BYTES, "bytes", true)            \
	X(FLOWS, "flows", false)           \
	X(SRC_PORT, "src_port", false)     \
	X(DST_PORT, "dst_port", false)     \
	X(MESSAGES, "messages", false)     \
	X(WIRE_BYTES, "wire_bytes", false) \
	X(QUEUE_NS, "queue_ns", false)

enum link_column {
#define X(suffix, name, needed) LINK_##suffix,
	LINK_COLUMNS(X)
#undef X
		LINK_COLUMN_COUNT
};

struct linkrow {
	const char *src, *dst;       /* in the table's text, or the topology's */
	uint32_t src_port, dst_port; /* NETEMU_NONE: not known */
	uint32_t link;               /* of the topology, or the row of the file from 0 */
	double capacity;             /* 0: not known */
	load_amount bytes, flows;
	uint64_t messages, wire_bytes, queue_ns; /* measured by a device */
};

struct linktable {
	struct linkrow *row; /* owned */
	size_t count, room;
	bool has[LINK_COLUMN_COUNT]; /* columns that are there */
	char *text;                  /* that the names point into, or NULL; owned */
};

/* Sorted rows of LOADS on TOPOLOGY, which must outlive TABLE.  Returns 0, or -1
 * with errno ENOMEM.
 */
int linktable_make(struct linktable *table, const struct topology *topology,
		   const struct loads *loads);

/* Read TEXT (SIZE bytes) of the file NAME: tab-separated columns in any order
 * with a header, unknown ones skipped; or the JSON of `sim load`.  The rows are
 * sorted.  Returns 0, or -1 with ERR written: "NAME:LINE: ...".
 */
int linktable_parse(struct linktable *table, const char *text, size_t size, const char *name,
		    struct err *err);

/* The same for the file PATH. */
int linktable_read(struct linktable *table, const char *path, struct err *err);

void linktable_release(struct linktable *table);

/* Order of two rows, < 0, 0 (the same ends and ports) or > 0. */
int linkrow_compare(const struct linkrow *a, const struct linkrow *b);

/* Pairs of rows of A and B that are the same link, ascending: the same names
 * and ports; where one of them does not know its ports, the k-th cable between
 * the two nodes is the k-th in the other.  A link that only one has stands with
 * NULL for the other.  Returns 0, or -1 with errno ENOMEM.
 */
struct linkmatch {
	const struct linkrow *a, *b;
};

struct linkmatches {
	struct linkmatch *match; /* owned */
	size_t count;
	size_t only_a, only_b;
};

int linktable_match(const struct linktable *a, const struct linktable *b,
		    struct linkmatches *matches);

/* TEXT, a decimal number with or without a point, as an amount.  Returns 0, or
 * -1 with errno EINVAL or ERANGE.
 */
int link_amount(const char *text, load_amount *amount);

/* "src 1 -> dst 2", ports only when known, into BUF.  Returns BUF. */
char *linkrow_text(const struct linkrow *row, char *buf, size_t size);

#endif
