/* SPDX-License-Identifier: Apache-2.0 */
/* result.h - a pattern routed over a network, and how it is shown */
#ifndef NETEMU_RESULT_H
#define NETEMU_RESULT_H

#include "hot.h"
#include "pattern.h"
#include "shifts.h"
#include "summary.h"

struct result_settings {
	const char *topology, *routing;
	struct pattern_settings pattern;
	bool pfsim;
	double link_rate; /* byte/s that a capacity of 1 means, 0: as the topology says */
	size_t top;       /* hot links */
	bool summarize;   /* make a summary */
	bool progress;    /* on a terminal */
};

struct result {
	const struct result_settings *settings;
	struct topology topology;
	struct pattern pattern;
	struct router *router;
	struct loads loads;
	struct routed routed;
	struct shifts shifts; /* of shift:all */
	struct linktable table;
	struct summary summary;    /* when wanted */
	struct hot hot, hot_hosts; /* between switches; of hosts */
};

/* SETTINGS is kept.  Returns 0, or -1 with ERR written. */
int result_make(struct result *result, const struct result_settings *settings, struct err *err);
void result_release(struct result *result);

/* What --summary shows; the table; both as one JSON document. */
json_t *result_json(const struct result *result);
void result_text(const struct result *result, FILE *out);
void result_tsv(const struct result *result, FILE *out);
int result_document(const struct result *result, FILE *out, struct err *err);

/* The topology with bytes and flows on its edges, as GraphML, into the file
 * PATH.  Returns 0, or -1 with ERR written.
 */
int result_graphml(const struct result *result, const char *path, struct err *err);

#endif
