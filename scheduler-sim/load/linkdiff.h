/* SPDX-License-Identifier: Apache-2.0 */
/* linkdiff.h - two tables of links, link by link
 *
 * Used for predicted and measured loads, and for two results.  A link that
 * stands in one of them only carries nothing in the other.
 */
#ifndef NETEMU_LINKDIFF_H
#define NETEMU_LINKDIFF_H

#include "linktable.h"

#include <jansson.h>
#include <stdio.h>

struct linkdiff {
	struct linkmatches matches;
	struct linkmatch *change; /* links whose bytes differ, by |a - b|; owned */
	size_t changed;
	load_amount bytes[2], flows[2]; /* of all links */
	load_amount most[2];            /* bytes, of one link */
	double congestion[2];           /* the most bytes / capacity, 0: not known */
	load_amount moved;              /* sum of |a - b| of bytes */
	/* moved / all of A; infinite when A has nothing and B something */
	double ratio;
};

/* Names of the two sides, as columns and in sentences. */
struct linkdiff_names {
	const char *a, *b; /* "predicted", "measured" */
};

/* A and B must outlive DIFF.  Returns 0, or -1 with errno ENOMEM. */
int linkdiff_make(struct linkdiff *diff, const struct linktable *a, const struct linktable *b);
void linkdiff_release(struct linkdiff *diff);

/* The TOP changes for people, all links as a table (src dst src_port dst_port
 * A B difference ratio, and what B measured), and as JSON: totals and the TOP
 * changes.
 */
void linkdiff_text(const struct linkdiff *diff, const struct linkdiff_names *names, size_t top,
		   FILE *out);
void linkdiff_tsv(const struct linkdiff *diff, const struct linkdiff_names *names, bool measured,
		  FILE *out);
json_t *linkdiff_json(const struct linkdiff *diff, const struct linkdiff_names *names, size_t top);

/* "+5.00 %", "new" where there was nothing before. */
char *linkdiff_change(char *buf, size_t size, double before, double after);

#endif
