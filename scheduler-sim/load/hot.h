/* SPDX-License-Identifier: Apache-2.0 */
/* hot.h - which links carry most, and who loads them
 *
 * Links in descending order of bytes / capacity, then of flows, then as in the
 * table of links.  Of each: the pairs of hosts and the operations of the MPI
 * program whose traffic it carries.
 */
#ifndef NETEMU_HOT_H
#define NETEMU_HOT_H

#include "jobs/traffic.h"
#include "linktable.h"
#include "route/router.h"

#include <jansson.h>
#include <stdio.h>

#define HOT_PAIRS 10 /* listed for each link, those with the most bytes */

struct hot_op {
	const char *name; /* of the traffic */
	load_amount bytes, flows;
};

struct hot_pair {
	uint32_t from, to;        /* hosts */
	load_amount bytes, flows; /* on this link */
};

struct hot_link {
	const struct linkrow *row; /* of the table */
	double congestion;         /* bytes / capacity */
	bool has_pairs;            /* false: they are not known */
	uint64_t npairs;           /* host pairs over it */
	struct hot_pair pair[HOT_PAIRS];
	size_t listed;
	struct hot_op *op; /* with traffic on it, most bytes first; owned */
	size_t nops;
};

struct hot {
	struct hot_link *link; /* owned */
	size_t count;
};

/* The TOP links of TABLE that carry anything, between switches, or with
 * HOST_LINKS between hosts and switches.  Returns 0, or -1 with errno ENOMEM.
 */
int hot_make(struct hot *hot, const struct linktable *table, const struct topology *topology,
	     bool host_links, size_t top);
void hot_release(struct hot *hot);

/* What was routed: PAIRS over the paths of ROUTED (NULL: the routing splits
 * flows, they are routed once more by ROUTER).
 */
struct hot_traffic {
	struct router *router;
	const struct topology *topology;
	const struct netemu_pair *pairs;
	size_t npairs;
	const struct routed *routed;
	const struct traffic *traffic; /* for its operations, or NULL */
	const uint32_t *placement;     /* rank -> host */
};

/* Fill in pairs and operations.  Routing split flows one by one is left out
 * where it would take too long.  Returns 0, or -1 with ERR written.
 */
int hot_explain(struct hot *hot, const struct hot_traffic *what, struct err *err);

json_t *hot_json(const struct hot *hot, const struct topology *topology);
void hot_text(const struct hot *hot, const struct topology *topology, FILE *out);

#endif
