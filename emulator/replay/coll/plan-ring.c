/* SPDX-License-Identifier: Apache-2.0 */
/* Everything goes to the next place. */
#include "coll/planops.h"

/* Rounds of all that a ring does in N - 1. */
static uint32_t rounds(const struct plan *plan)
{
	return plan->coll == COLL_ALL_REDUCE ? 2 * (plan->n - 1) : plan->n - 1;
}

/* Is round K one of reduction?  Those come first. */
static bool reduces(const struct plan *plan, uint32_t k)
{
	return plan->coll == COLL_REDUCE_SCATTER ||
	       (plan->coll == COLL_ALL_REDUCE && k < plan->n - 1);
}

/* --- default --- */

static int ring_init(struct plan *plan, struct err *err)
{
	if (plan->coll > COLL_ALL_TO_ALL || plan->sizes)
		return plan_cannot(plan, err);
	plan->blocks = plan->n;
	plan->sends = plan->receives = rounds(plan);
	return 0;
}

/* The block that PLACE sends in round K: that of the place before it last of all when
 * reducing, so that its own comes home in the end; its own first when gathering.
 */
static uint32_t block_sent(const struct plan *plan, uint32_t place, uint32_t k)
{
	int64_t round = k % (plan->n - 1);

	return plan_place(plan, place, reduces(plan, k) ? -1 - round : -round);
}

/* What PLACE sends in round K of an all-to-all: all that has not come to its target, of
 * the source K places before it.
 */
static void travelling(const struct plan *plan, uint32_t place, uint32_t k, struct step *step)
{
	step->source = plan_place(plan, place, -(int64_t)k);
	step_blocks(plan, step, plan_place(plan, place, 1), plan->backwards ? plan->n - 1 : 1,
		    plan->n - 1 - k);
}

static void move(const struct plan *plan, uint32_t place, uint32_t k, struct step *step)
{
	if (plan->coll == COLL_ALL_TO_ALL)
		travelling(plan, place, k, step);
	else
		step_blocks(plan, step, block_sent(plan, place, k), 1, 1);
}

static void ring_send(const struct plan *plan, uint32_t k, struct step *step)
{
	move(plan, plan->me, k, step);
	step->peer = plan_place(plan, plan->me, 1);
	step->needs = k;
}

static void ring_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, -1);
	move(plan, step->peer, k, step);
	step->reduce = reduces(plan, k);
	step->charge = step->reduce ? step->bytes : 0;
}

const struct plan_ops plan_ring = { ring_init, ring_send, ring_receive };

/* --- as ASTRA-sim: messages of one size, one after the other --- */

static int compat_init(struct plan *plan, struct err *err)
{
	if (plan->coll > COLL_ALL_TO_ALL)
		return plan_cannot(plan, err);
	plan->sends = plan->receives =
		plan->coll == COLL_ALL_TO_ALL ? plan->n * (plan->n - 1) / 2 : rounds(plan);
	return 0;
}

static uint64_t compat_bytes(const struct plan *plan)
{
	return plan->coll == COLL_ALL_GATHER ? plan->length : plan->length / plan->n;
}

static void compat_send(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, 1);
	step->needs = k;
	step->bytes = compat_bytes(plan);
}

static void compat_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, -1);
	step->bytes = compat_bytes(plan);
	step->charge = reduces(plan, k) ? step->bytes : 0;
}

const struct plan_ops plan_ring_compat = { compat_init, compat_send, compat_receive };
