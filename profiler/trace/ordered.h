/* SPDX-License-Identifier: Apache-2.0 */
/* ordered.h - elements of a JSON array in order of time, made nearly in order
 *
 * A call is recorded when it returns, so what it did comes after what happened
 * meanwhile.  The newest elements are held back until nothing can come before them,
 * which are a thousand here; what is displaced by more stays where it is.  Elements
 * of the same time keep the order of their class, then the one they came in.
 */
#ifndef TRACE_ORDERED_H
#define TRACE_ORDERED_H

#include "trace/json.h"

enum ordered_class {
	ORDERED_BEFORE, /* names of tracks; ends of arrows, which belong to what comes next */
	ORDERED_SLICE,
	ORDERED_AFTER, /* what lies on a slice */
};

struct ordered_entry;

struct ordered {
	struct json json;              /* first: its `full' finds us */
	struct ordered_entry *entries; /* what is in the buffer, after the first `loose' bytes */
	size_t count, room;
	size_t start;     /* of the element that is being written */
	int64_t key;      /* of it */
	bool open;        /* one is being written */
	bool sorted;      /* the entries are, as they are */
	bool draining;    /* nothing is held back any more */
	uint64_t written; /* elements */
};

#define ORDERED_NOW INT64_MIN /* time of what does not wait */

/* Returns 0, or -1 with errno. */
int ordered_init(struct ordered *ordered, FILE *stream);
void ordered_release(struct ordered *ordered);

/* An element of TIME (ns) goes to what this returns, up to ordered_end(). */
struct json *ordered_begin(struct ordered *ordered, int64_t time, enum ordered_class order);
void ordered_end(struct ordered *ordered);

/* Write what is held back.  Returns 0, or -1 when anything has failed. */
int ordered_flush(struct ordered *ordered);

#endif
