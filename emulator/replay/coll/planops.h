/* SPDX-License-Identifier: Apache-2.0 */
/* planops.h - what an algorithm does for plan.c */
#ifndef COLL_PLANOPS_H
#define COLL_PLANOPS_H

#include "coll/plan.h"

struct plan_ops {
	/* Set sends, receives, blocks and part. */
	int (*init)(struct plan *plan, struct err *err);
	/* STEP is zeroed. */
	void (*send)(const struct plan *plan, uint32_t k, struct step *step);
	void (*receive)(const struct plan *plan, uint32_t k, struct step *step);
};

extern const struct plan_ops plan_ring, plan_ring_compat;
extern const struct plan_ops plan_direct, plan_direct_compat;
extern const struct plan_ops plan_halving, plan_halving_compat;
extern const struct plan_ops plan_tree, plan_tree_compat;
extern const struct plan_ops plan_rooted, plan_barrier;

/* The place D after PLACE, D in [-n, n]; backwards: before it. */
uint32_t plan_place(const struct plan *plan, uint32_t place, int64_t d);

/* Set blocks and bytes of STEP. */
void step_blocks(const struct plan *plan, struct step *step, uint32_t first, uint32_t stride,
		 uint32_t count);

/* "ring cannot do reduce" */
int plan_cannot(const struct plan *plan, struct err *err);

#endif
