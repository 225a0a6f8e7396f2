/* SPDX-License-Identifier: Apache-2.0 */
/* summary.h - what the loads of all links say together
 *
 * Links fall into groups: by boundary (0: between hosts and switches, l:
 * between level l and l + 1) and direction (up: away from the hosts, down, or
 * across between equal levels).  On a torus or mesh the links across are told
 * apart by dimension and sign ("+0", "-0", ...), in a dragonfly as local and
 * global.  Of each group there are the bytes, the flows and the congestion
 * (bytes / capacity) of its links.
 */
#ifndef NETEMU_SUMMARY_H
#define NETEMU_SUMMARY_H

#include "route/router.h"
#include "stats.h"

#include <jansson.h>
#include <stdio.h>

#define SUMMARY_EXACT 64 /* different values that a histogram lists one by one */
#define SUMMARY_BINS  20 /* else: classes of equal width */

/* Percentiles: X(percent). */
#define SUMMARY_PERCENTILES(X) X(50) X(90) X(95) X(99)
enum {
#define X(percent) SUMMARY_P##percent,
	SUMMARY_PERCENTILES(X)
#undef X
		SUMMARY_NPERCENTILES
};

struct summary_bin {
	double low, high; /* low <= value < high, the last one <= high; equal: just that value */
	uint64_t links;
};

struct summary_measure {
	load_amount sum; /* exact; 0 for congestion */
	struct stats stats;
	double percentile[SUMMARY_NPERCENTILES];
	struct summary_bin *bin; /* ascending, empty ones left out; owned */
	size_t nbins;
};

struct summary_group {
	uint32_t boundary;
	char direction[8]; /* "" for the group of all switch-to-switch links */
	uint64_t links;
	struct summary_measure bytes, flows, congestion;
};

struct summary {
	struct summary_group switches; /* all links between switches */
	struct summary_group *group;   /* ascending by boundary and direction; owned */
	size_t ngroups;
	/* Links between switches by the number of destination hosts whose routes
	 * use them; empty when the routing has no such tables.
	 */
	struct summary_bin *dlids; /* owned */
	size_t ndlids;
};

/* Sum up LOADS on TOPOLOGY.  DESTINATIONS is what router_destinations() gives,
 * or NULL.  Links of hosts are left out unless HOST_LINKS.  Returns 0, or -1
 * with errno ENOMEM.
 */
int summary_make(struct summary *summary, const struct topology *topology,
		 const struct loads *loads, const uint32_t *destinations, bool host_links);
void summary_release(struct summary *summary);

/* A histogram of COUNT VALUES, which get sorted: *BIN, to be freed.  Returns
 * the number of bins, or -1 with errno ENOMEM.
 */
ssize_t summary_histogram(double *values, size_t count, struct summary_bin **bin);

/* Parts of a JSON document, NULL when there is no memory; text for people. */
json_t *summary_json_bins(const struct summary_bin *bin, size_t count, const char *what);
json_t *summary_json_groups(const struct summary *summary);
json_t *summary_json_group(const struct summary_group *group);
void summary_text_bins(const struct summary_bin *bin, size_t count, FILE *out);
void summary_text(const struct summary *summary, FILE *out);

/* A whole number where it is one and fits, else a real. */
json_t *json_amount(load_amount amount);
json_t *json_number(double number);

#endif
