/* SPDX-License-Identifier: Apache-2.0 */
/* dor.h - what dor.c and dorsum.c share */
#ifndef NETEMU_DOR_H
#define NETEMU_DOR_H

#include "forms.h"

struct dor {
	const struct topology *topology;
	uint32_t n;
	uint32_t *coord; /* [nodes][n] */
	uint32_t *link;  /* [nodes][n][2]: towards +, towards - */
};

/* What struct router_ops wants under this name.
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

#endif
