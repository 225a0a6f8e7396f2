/* SPDX-License-Identifier: Apache-2.0 */
/* place.h - which rank of a job runs on which of its hosts
 *
 * block fills one host after the other, cyclic deals ranks out one by one,
 * plane:N deals them out in groups of N, random puts every rank on any slot,
 * random-hosts fills the hosts in random order, aware looks for the placement
 * under which the busiest link carries least; and shared objects.
 */
#ifndef NETEMU_PLACE_H
#define NETEMU_PLACE_H

#include "../route/router.h"

extern const struct netemu_policy *const place_table[];
extern const size_t place_count;

struct placer_settings {
	uint64_t seed;
	const char *base; /* folder that `./x.so` is relative to, or NULL */
};

/* What a placement is made for. */
struct placing {
	const struct netemu_job *job;
	const uint32_t *hosts; /* in the order of selection, each once */
	const uint32_t *slots; /* ranks that each of them takes; NULL: as the topology says */
	uint32_t nhosts;
	uint32_t ranks;
	const struct netemu_rank_pair *matrix; /* any order; may be empty */
	size_t npairs;
	struct traffic *traffic;   /* that it is of, whose order is kept; or NULL */
	struct router *router;     /* the routing in force, or NULL: loads are all 0 */
	const struct loads *loads; /* of other jobs, or NULL: none */
};

struct placer; /* one algorithm on one topology */

/* NAME is one of the table (or PFSim's dotted name, or the path of a shared
 * object: contains a '/'), with `:options` behind it.  TOPOLOGY is kept.
 * Returns 0, or -1 with ERR written: an unknown name (the known ones are
 * named), wrong options.
 */
int placer_create(struct placer **placer, const char *name, const struct topology *topology,
		  const struct placer_settings *settings, struct err *err);
void placer_destroy(struct placer *placer);
const char *placer_name(const struct placer *placer);

/* The host of each rank into PLACEMENT [ranks].  The same for the same seed and
 * PLACING.  Returns 0, or -1 with ERR written: more ranks than slots, an
 * algorithm that failed or gave a host more than its slots or another host.
 */
int placer_place(struct placer *placer, const struct placing *placing, uint32_t *placement,
		 struct err *err);

/* What place->evaluate() gives: the largest bytes / capacity that PLACEMENT
 * brings to a link between switches, on top of what that link has already; only
 * links that the job uses count.  Routes it and takes it off again.  NAN when
 * that failed.
 */
double placer_evaluate(struct placer *placer, const struct placing *placing,
		       const uint32_t *placement);

/* A lower bound of that for any placement of the ranks on these hosts and any
 * routing, see bound.c.  0 when nothing better is known, NAN when memory ran out.
 */
double placer_bound(struct placer *placer, const struct placing *placing);

#endif
