/* SPDX-License-Identifier: Apache-2.0 */
/* Halving and doubling: in step j with the member whose place differs in bit j.
 *
 * After j halvings a member has every 2^j-th block, those whose number ends in its own
 * bits.  Of N members the first P = 2^k take part; member P + u gives what it has to u
 * before and gets from it what it should have after.  Its blocks are those of u as well,
 * for P is a multiple of each 2^j.
 */
#include "coll/planops.h"

enum { BITS, POWER };

static void set_power(struct plan *plan)
{
	plan->part[BITS] = 31 - (uint32_t)__builtin_clz(plan->n);
	plan->part[POWER] = 1u << plan->part[BITS];
}

static bool is_folded(const struct plan *plan)
{
	return plan->me >= plan->part[POWER];
}

/* Does another fold into this one? */
static bool has_guest(const struct plan *plan)
{
	return plan->me + plan->part[POWER] < plan->n;
}

static uint32_t exchanges(const struct plan *plan)
{
	return (plan->coll == COLL_ALL_REDUCE ? 2 : 1) * plan->part[BITS];
}

static int halving_init(struct plan *plan, struct err *err)
{
	if (plan->coll > COLL_REDUCE_SCATTER)
		return plan_cannot(plan, err);
	set_power(plan);
	plan->blocks = plan->coll == COLL_ALL_REDUCE ? plan->part[POWER] : plan->n;
	plan->sends = plan->receives =
		is_folded(plan) ? 1 : exchanges(plan) + (has_guest(plan) ? 1 : 0);
	return 0;
}

/* The bit of exchange K, halvings upwards, then doublings downwards. */
static uint32_t bit_of(const struct plan *plan, uint32_t k, bool *halves)
{
	uint32_t bits = plan->part[BITS];

	*halves = plan->coll == COLL_REDUCE_SCATTER || (plan->coll == COLL_ALL_REDUCE && k < bits);
	return *halves ? k : bits - 1 - k % bits;
}

/* All blocks whose number ends in the low BITS of PLACE. */
static void ending(const struct plan *plan, struct step *step, uint32_t place, uint32_t bits)
{
	uint32_t stride = 1u << bits, first = place & (stride - 1);

	step_blocks(plan, step, first, stride, (plan->blocks - first + stride - 1) / stride);
}

/* What FOLDED gives away, `back`: what it gets. */
static void fold(const struct plan *plan, struct step *step, uint32_t folded, bool back)
{
	bool own = (plan->coll == COLL_REDUCE_SCATTER) == back;

	if (plan->coll == COLL_ALL_REDUCE)
		step_blocks(plan, step, 0, 1, plan->blocks);
	else if (own)
		step_blocks(plan, step, folded, 1, 1);
	else
		step_blocks(plan, step, (folded + 1) % plan->n, 1, plan->n - 1);
}

static void halving_send(const struct plan *plan, uint32_t k, struct step *step)
{
	uint32_t guest = has_guest(plan) ? 1 : 0, bit;
	bool halves;

	if (is_folded(plan)) {
		step->peer = plan->me - plan->part[POWER];
		fold(plan, step, plan->me, false);
		return;
	}
	step->needs = guest + k;
	if (k == exchanges(plan)) {
		step->peer = plan->me + plan->part[POWER];
		fold(plan, step, step->peer, true);
		return;
	}
	bit = bit_of(plan, k, &halves);
	step->peer = plan->me ^ 1u << bit;
	ending(plan, step, halves ? step->peer : plan->me, bit + 1);
}

static void halving_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	bool halves, guest = has_guest(plan);
	uint32_t bit;

	if (is_folded(plan)) {
		step->peer = plan->me - plan->part[POWER];
		fold(plan, step, plan->me, true);
		/* Its own part is still in its own block. */
		step->reduce = plan->coll == COLL_REDUCE_SCATTER;
	} else if (guest && k == 0) {
		step->peer = plan->me + plan->part[POWER];
		fold(plan, step, step->peer, false);
		step->reduce = plan->coll != COLL_ALL_GATHER;
	} else {
		bit = bit_of(plan, k - guest, &halves);
		step->peer = plan->me ^ 1u << bit;
		ending(plan, step, halves ? plan->me : step->peer, bit + 1);
		step->reduce = halves;
	}
	step->charge = step->reduce ? step->bytes : 0;
}

const struct plan_ops plan_halving = { halving_init, halving_send, halving_receive };

/* --- as ASTRA-sim, which reduces nothing after the first halving --- */

static int compat_init(struct plan *plan, struct err *err)
{
	if (plan->coll > COLL_REDUCE_SCATTER)
		return plan_cannot(plan, err);
	set_power(plan);
	if (plan->part[POWER] != plan->n)
		return err_set(err,
			       "halvingDoubling as ASTRA-sim has it needs a power of two, not "
			       "%u ranks",
			       plan->n);
	plan->sends = plan->receives = exchanges(plan);
	return 0;
}

static void exchange(const struct plan *plan, uint32_t k, struct step *step)
{
	bool halves;
	uint32_t bit = bit_of(plan, k, &halves);

	step->peer = plan->me ^ 1u << bit;
	if (plan->coll == COLL_ALL_GATHER)
		step->bytes = plan->length << k;
	else
		step->bytes = plan->length >> (bit + 1);
	step->charge = halves && k > 0 ? step->bytes : 0;
}

static void compat_send(const struct plan *plan, uint32_t k, struct step *step)
{
	exchange(plan, k, step);
	step->needs = k;
	step->charge = 0;
}

const struct plan_ops plan_halving_compat = { compat_init, compat_send, exchange };
