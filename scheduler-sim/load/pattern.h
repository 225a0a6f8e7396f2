/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - what `netemu sim load` brings onto a network
 *
 * Either a pattern with one rank on each host, in the order of addresses (or
 * as many as told), or the matrix of a recorded run, whose ranks are placed on
 * the first hosts that hold them.
 */
#ifndef NETEMU_PATTERN_H
#define NETEMU_PATTERN_H

#include "jobs/hostmap.h"
#include "jobs/traffic.h"
#include "route/router.h"

/* All pairs of hosts are listed up to that many hosts; where they are wanted, so
 * that the pairs on a link can be named, up to more.
 */
#define PATTERN_LISTED 128
#define PATTERN_MOST   1024

struct pattern_settings {
	const char *text;        /* all-to-all, shift:S, shift:all, permutation:NAME, FILE, RUN */
	const char *from;        /* of a RUN: whose matrix, NULL: the first there is */
	const char *placement;   /* NULL: as the run did, else block */
	uint32_t ranks_per_host; /* 0: one for patterns, the hosts' slots for files and runs */
	uint64_t bytes;          /* of each pair of ranks */
	uint64_t seed;
	bool list;           /* the pairs are wanted */
	struct hostmap *map; /* of nodes of a run to hosts, or NULL */
};

enum pattern_kind {
	PATTERN_ALL_TO_ALL,
	PATTERN_SHIFTS, /* shift:all */
	PATTERN_PAIRS,
};

struct pattern {
	enum pattern_kind kind;
	struct traffic *traffic; /* kind PATTERN_PAIRS; shared */
	uint32_t ranks;
	uint32_t *placement;       /* [ranks]: rank -> host; owned */
	const char *placed;        /* by what: the name of a placement, or "given" */
	double bound;              /* what any placement loads a link with; 0: not known */
	uint32_t *weight;          /* [hosts]: ranks on each host; owned */
	uint64_t bytes;            /* of each pair of ranks; 0 for a matrix */
	struct netemu_pair *pairs; /* of hosts; owned; NULL for large all-to-all and shift:all */
	size_t npairs;
	char *warning; /* a sentence, or NULL; owned */
};

/* ROUTER is the routing in force, for placements that look at links.  Returns
 * 0, or -1 with ERR written: an unknown pattern, a file that is none,
 * more ranks than the hosts take.
 */
int pattern_open(struct pattern *pattern, const struct pattern_settings *settings,
		 const struct topology *topology, struct router *router, struct err *err);
void pattern_release(struct pattern *pattern);

/* The host pairs of the shift by S ranks into *PAIRS, to be freed.  Returns
 * their number, or -1 with errno ENOMEM.
 */
ssize_t pattern_shift(const struct pattern *pattern, uint32_t s, uint32_t hosts,
		      struct netemu_pair **pairs);

#endif
