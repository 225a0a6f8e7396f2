/* SPDX-License-Identifier: Apache-2.0 */
/* jsontable.h - tables that say how an object's members become a structure
 *
 * On top of jsonscan.h: one row per key with its kind and where its value
 * goes.  Keys without a row are skipped, a key that comes twice or a
 * missing one that is not optional is an error.
 */
#ifndef NETEMU_JSONTABLE_H
#define NETEMU_JSONTABLE_H

#include "jsonscan.h"

enum json_kind {
	JSON_TEXT,     /* char *, freed by the caller; NULL for null */
	JSON_BOOL,     /* bool */
	JSON_U32,      /* uint32_t */
	JSON_U64,      /* uint64_t */
	JSON_I32,      /* int32_t */
	JSON_I64,      /* int64_t */
	JSON_REAL,     /* double, finite and not negative */
	JSON_UNSIGNED, /* struct json_numbers of uint64_t */
	JSON_SIGNED,   /* the same of int64_t */
	JSON_OTHER,    /* what READ makes of it */
};

/* An array of numbers; read again, it reuses its memory. */
struct json_numbers {
	uint64_t *values; /* owned: free() it; signed ones as two's complement */
	size_t count, room;
};

struct json_field {
	const char *key;
	enum json_kind kind;
	bool optional;
	size_t offset; /* of what is stored, from the object's base */
	/* JSON_OTHER: read a value into TO; CONTEXT is that of the object. */
	int (*read)(struct jsonscan *scan, const struct json_field *field, void *to, void *context);
	int argument; /* for READ */
};

/* Read an object whose members FIELDS (COUNT <= 64) lists into BASE.  Returns
 * 0, or -1; what had been stored until then is the caller's to free.
 */
int jsontable_object(struct jsonscan *scan, const struct json_field *fields, size_t count,
		     void *base, void *context);

/* Read an array of such objects, adding rows of SIZE bytes, cleared, to the
 * array that ROWS points to (T **), which has *COUNT.
 */
int jsontable_rows(struct jsonscan *scan, const struct json_field *fields, size_t nfields,
		   void *rows, size_t *count, size_t size, void *context);

/* Make room for one more row, cleared, in the array that ROWS points to.
 * Arrays grow in powers of two.  Returns it, or NULL with the error written.
 */
void *jsontable_row(struct jsonscan *scan, void *rows, size_t *count, size_t size);

/* One of NAMES (COUNT of them) as its index, or -1. */
int jsontable_name(struct jsonscan *scan, const char *const names[], int count);

#endif
