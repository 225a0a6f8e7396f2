/* SPDX-License-Identifier: Apache-2.0 */
/* dor.h - what the parts of dor share
 *
 * The switches are the points of a lattice: point = sum of coord[d] * stride[d],
 * dimension 0 first to change.
 */
#ifndef NETEMU_DOR_H
#define NETEMU_DOR_H

#include "forms.h"

/* A host and its only cable. */
struct dor_end {
	uint32_t point;   /* its switch */
	uint32_t out, in; /* from and to the host */
};

struct dor {
	const struct topology *topology;
	uint32_t n, points;
	bool wraps; /* a torus */
	uint32_t stride[TOPOLOGY_DIMS];
	uint32_t *point;      /* [nodes] NETEMU_NONE: a host; owned, as all here */
	uint32_t *coord;      /* [points][n] */
	uint32_t *link;       /* [points][n][2]: towards +, towards - */
	struct dor_end *end;  /* [hosts] */
	struct load *changes; /* see dor_add_pairs(); NULL before the first time */
};

/* The way from coordinate AT to another one TO goes towards -. */
static inline bool dor_is_minus(const struct dor *dor, uint32_t d, uint32_t at, uint32_t to)
{
	uint32_t k = dor->topology->dim[d], plus;

	if (!dor->wraps)
		return to < at;
	plus = to > at ? to - at : to + k - at;
	return plus > k - plus;
}

/* The most links between two switches. */
static inline uint64_t dor_diameter(const struct dor *dor)
{
	uint64_t diameter = 0;

	for (uint32_t d = 0; d < dor->n; d++)
		diameter += dor->wraps ? dor->topology->dim[d] / 2 : dor->topology->dim[d] - 1;
	return diameter;
}

/* What struct router_ops wants under these names.
 *
 * The ways of dimension d between switches a and b run on the line of points
 * (b0 .. b[d-1], *, a[d+1] ..).  So what enters a line at s is sent by all that
 * have s and the coordinates behind it, whatever those before; what leaves it at
 * t goes to all that have t and the coordinates before it.  The flows on the
 * line's links follow from these two sums with a few steps for each point, with
 * any number of ranks on the hosts.
 */
int dor_all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		   struct routed *routed, struct err *err);
int dor_destinations(struct router *router, uint32_t *count, struct err *err);

/* What PAIRS of hosts that differ send onto LOADS, statistics into ROUTED: a pair
 * is noted where it enters and leaves each line, and all lines are added up at the
 * end.  Returns 0, or -1 with ERR written and nothing added.
 */
int dor_add_pairs(struct dor *dor, const struct netemu_pair *pairs, size_t npairs,
		  struct loads *loads, struct routed *routed, struct err *err);

#endif
