/* SPDX-License-Identifier: Apache-2.0 */
/* placing.h - one placement while it is made
 *
 * What a built-in placement finds behind its `struct netemu_place`.
 */
#ifndef NETEMU_PLACE_PLACING_H
#define NETEMU_PLACE_PLACING_H

#include "place.h"
#include "random.h"

struct placement_work {
	struct netemu_place place; /* first */
	const struct topology *topology;
	const struct placing *what;
	struct random random;
	/* For evaluate(): loads of other jobs, the same between two calls. */
	struct loads loads;              /* owned; empty before the first */
	struct netemu_rank_pair *sorted; /* the matrix in order, unless kept; owned */
	uint32_t *slots;                 /* owned */
	uint64_t *bytes;                 /* owned */
};

/* Route PLACEMENT on WORK->loads and take it off again; see placer_evaluate(). */
double work_evaluate(struct placement_work *work, const uint32_t *placement);

/* See placer_bound(). */
double work_bound(const struct placement_work *work);

#endif
