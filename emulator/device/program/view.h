/* SPDX-License-Identifier: Apache-2.0 */
/* view.h - what a fabric holds, as tables
 *
 * Each table is a JSON array of objects with the same keys; it is printed as
 * columns for people, as tab-separated values, or as JSON.
 */
#ifndef DEVICE_VIEW_H
#define DEVICE_VIEW_H

#include "target.h"

#include <jansson.h>
#include <stdio.h>

enum view_format {
	VIEW_TEXT,
	VIEW_TSV,
	VIEW_JSON,
};

/* "text", "tsv" or "json"; -1 for another. */
int view_format(const char *name);

/* Each returns an array that the caller owns, or NULL without memory. */
json_t *view_fabric(const struct fabric *fabric); /* of one row */
json_t *view_ports(const struct fabric *fabric, const struct target *target);
json_t *view_links(const struct fabric *fabric);
json_t *view_processes(const struct fabric *fabric, const struct target *target);
json_t *view_queue_pairs(const struct fabric *fabric, const struct target *target);
/* Percentiles of how late messages were delivered, ns. */
json_t *view_lateness(const struct fabric *fabric, const struct target *target);

/* ROWS with TITLE above (text only; NULL: none) and headings.  JSON: the array. */
void view_print(FILE *out, const char *title, const json_t *rows, enum view_format format);

#endif
