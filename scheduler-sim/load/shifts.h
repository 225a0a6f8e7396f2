/* SPDX-License-Identifier: Apache-2.0 */
/* shifts.h - the largest load of a link under every shift permutation
 *
 * Rank i sends to rank i + S (modulo the number of ranks), for S from 1 on.
 * An all-to-all exchange in steps is such a row of shifts; where none of them
 * loads a link twice, it runs at full rate (Zahavi et al., 2010).
 */
#ifndef NETEMU_SHIFTS_H
#define NETEMU_SHIFTS_H

#include "pattern.h"
#include "route/router.h"

struct shift {
	load_amount bytes, flows; /* the most on one link */
	uint64_t unroutable;      /* pairs of hosts */
};

struct shifts {
	struct shift *shift; /* by shift, from 1: shift[0] is that by 1; owned */
	uint32_t count;
	struct routed routed; /* of all together, without paths */
};

/* Called now and then with how many are done; may be NULL. */
typedef void shifts_progress_fn(uint32_t done, uint32_t count);

/* Try all shifts of PATTERN.  Without HOST_LINKS only links between switches
 * count.  Returns 0, or -1 with ERR written.
 */
int shifts_run(struct shifts *shifts, const struct pattern *pattern, struct router *router,
	       const struct topology *topology, bool host_links, shifts_progress_fn *progress,
	       struct err *err);
void shifts_release(struct shifts *shifts);

#endif
