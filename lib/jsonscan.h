/* SPDX-License-Identifier: Apache-2.0 */
/* jsonscan.h - read JSON front to back, straight into one's own structures
 *
 * For files that come by the ten thousand and are mostly arrays of integers:
 * a tree of all values (jansson: 32 MB/s, 24 bytes a number) costs ten times
 * what reading the text costs.  Everything small uses jansson.
 *
 * The reader says what it expects next; anything else is an error that names
 * file, line and key.  Integers are exact over all 64 bits, strings are
 * UTF-8, `\u` escapes included; text behind the value is an error.
 *
 *	jsonscan_init(&scan, data, size, name, err);
 *	jsonscan_open(&scan, '{');
 *	while ((rc = jsonscan_key(&scan, key, sizeof(key))) > 0)
 *		... one of the values, or jsonscan_skip() ...
 *
 * After the first error every function returns -1 and changes nothing.
 */
#ifndef NETEMU_JSONSCAN_H
#define NETEMU_JSONSCAN_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONSCAN_DEPTH 64 /* brackets within brackets, at most */

struct jsonscan {
	const char *at, *end;
	const char *start;
	const char *name; /* of the file, for messages */
	struct err *err;
	char key[64]; /* the latest, for messages */
	unsigned depth;
	bool first; /* no comma before the next item */
	bool failed;
	char closing[JSONSCAN_DEPTH];
};

/* Scan DATA (SIZE bytes); NAME and ERR must outlive SCAN. */
void jsonscan_init(struct jsonscan *scan, const char *data, size_t size, const char *name,
		   struct err *err);

/* Write "NAME:LINE: 'KEY': WHAT" into the err of SCAN.  Always returns -1. */
int jsonscan_fail(struct jsonscan *scan, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Enter an object ('{') or array ('['). */
int jsonscan_open(struct jsonscan *scan, char bracket);

/* The next key of the object that was entered, cut at SIZE.  Returns 1, 0 at
 * the object's end (it has been left), -1.
 */
int jsonscan_key(struct jsonscan *scan, char *key, size_t size);

/* Go to the next element of the array that was entered.  Returns 1, 0 at the
 * array's end (it has been left), -1.
 */
int jsonscan_element(struct jsonscan *scan);

/* First character of the value that comes next, 0 where there is none. */
char jsonscan_peek(struct jsonscan *scan);

/* Values.  Return 0, or -1 with nothing stored. */
int jsonscan_u64(struct jsonscan *scan, uint64_t *number);
int jsonscan_i64(struct jsonscan *scan, int64_t *number);
int jsonscan_real(struct jsonscan *scan, double *number);
int jsonscan_bool(struct jsonscan *scan, bool *value);
/* *TEXT gets a string that the caller frees, or NULL for null. */
int jsonscan_string(struct jsonscan *scan, char **text);
/* Any value, checked for syntax only. */
int jsonscan_skip(struct jsonscan *scan);

/* Whether nothing but blanks is left.  Returns 0, or -1. */
int jsonscan_end(struct jsonscan *scan);

#endif
