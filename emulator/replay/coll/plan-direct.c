/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody to everybody, all at once or a window at a time.  An all-reduce is two such
 * rounds, the second begins when the first is over.
 */
#include "coll/planops.h"

static int direct_init(struct plan *plan, struct err *err)
{
	if (plan->coll > COLL_ALL_TO_ALL)
		return plan_cannot(plan, err);
	plan->blocks = plan->n;
	plan->sends = plan->receives = (plan->coll == COLL_ALL_REDUCE ? 2 : 1) * (plan->n - 1);
	return 0;
}

/* K within its round. */
static uint32_t of_round(const struct plan *plan, uint32_t k)
{
	return k % (plan->n - 1);
}

static uint32_t batch(const struct plan *plan, uint32_t k)
{
	return plan->algorithm.window ? of_round(plan, k) / plan->algorithm.window : 0;
}

/* Receives before the batch of K. */
static uint32_t needs(const struct plan *plan, uint32_t k)
{
	return k - of_round(plan, k) + batch(plan, k) * plan->algorithm.window;
}

/* Is K in a round that gives others what they reduce? */
static bool reduces(const struct plan *plan, uint32_t k)
{
	return plan->coll == COLL_REDUCE_SCATTER ||
	       (plan->coll == COLL_ALL_REDUCE && k < plan->n - 1);
}

static bool gathers(const struct plan *plan, uint32_t k)
{
	return plan->coll == COLL_ALL_GATHER || (plan->coll == COLL_ALL_REDUCE && k >= plan->n - 1);
}

static void direct_send(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, 1 + of_round(plan, k));
	step->needs = needs(plan, k);
	step->source = plan->me;
	step_blocks(plan, step, gathers(plan, k) ? plan->me : step->peer, 1, 1);
}

static void direct_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, -1 - (int64_t)of_round(plan, k));
	step->source = step->peer;
	step->reduce = reduces(plan, k);
	step_blocks(plan, step, gathers(plan, k) ? step->peer : plan->me, 1, 1);
	if (plan->sizes)
		step->bytes = STEP_ANY;
	step->charge = step->reduce ? step->bytes : 0;
}

const struct plan_ops plan_direct = { direct_init, direct_send, direct_receive };

/* --- as ASTRA-sim, which charges a reduction to every second batch --- */

static uint64_t compat_bytes(const struct plan *plan)
{
	return plan->coll == COLL_ALL_GATHER ? plan->length : plan->length / plan->n;
}

static void compat_send(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, 1 + of_round(plan, k));
	step->needs = needs(plan, k);
	step->bytes = compat_bytes(plan);
}

static void compat_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = plan_place(plan, plan->me, -1 - (int64_t)of_round(plan, k));
	step->bytes = compat_bytes(plan);
	step->charge = reduces(plan, k) && batch(plan, k) % 2 == 0 ? step->bytes : 0;
}

const struct plan_ops plan_direct_compat = { direct_init, compat_send, compat_receive };
