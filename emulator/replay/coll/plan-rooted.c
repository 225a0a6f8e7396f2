/* SPDX-License-Identifier: Apache-2.0 */
/* Broadcast, reduce, gather and scatter over one tree, and the barrier.
 *
 * Vertex 0 is the root, the others follow it around.  The trees are numbered so that the
 * vertices below v are [v, end(v)): what v passes on of a gather or scatter are blocks
 * side by side.
 */
#include "coll/planops.h"

/* A tree of N vertices. */
struct shape {
	uint32_t (*parent)(uint32_t v, uint32_t n);
	uint32_t (*end)(uint32_t v, uint32_t n);
	uint32_t (*children)(uint32_t v, uint32_t n);
	uint32_t (*child)(uint32_t v, uint32_t n, uint32_t k); /* the nearest first */
};

/* --- a chain --- */

static uint32_t chain_parent(uint32_t v, uint32_t n)
{
	(void)n;
	return v - 1;
}

static uint32_t chain_end(uint32_t v, uint32_t n)
{
	(void)v;
	return n;
}

static uint32_t chain_children(uint32_t v, uint32_t n)
{
	return v + 1 < n;
}

static uint32_t chain_child(uint32_t v, uint32_t n, uint32_t k)
{
	(void)n;
	(void)k;
	return v + 1;
}

/* --- a star --- */

static uint32_t star_parent(uint32_t v, uint32_t n)
{
	(void)v;
	(void)n;
	return 0;
}

static uint32_t star_end(uint32_t v, uint32_t n)
{
	return v ? v + 1 : n;
}

static uint32_t star_children(uint32_t v, uint32_t n)
{
	return v ? 0 : n - 1;
}

static uint32_t star_child(uint32_t v, uint32_t n, uint32_t k)
{
	(void)v;
	(void)n;
	return k + 1;
}

/* --- a binomial tree: v's children are v plus each power of two below v's lowest bit --- */

static uint32_t binomial_parent(uint32_t v, uint32_t n)
{
	(void)n;
	return v & (v - 1);
}

static uint32_t binomial_end(uint32_t v, uint32_t n)
{
	uint32_t bit = v & -v;

	return v && bit < n - v ? v + bit : n;
}

static uint32_t binomial_children(uint32_t v, uint32_t n)
{
	uint32_t below = binomial_end(v, n) - v - 1;

	return below ? 32 - (uint32_t)__builtin_clz(below) : 0;
}

static uint32_t binomial_child(uint32_t v, uint32_t n, uint32_t k)
{
	(void)n;
	return v + (1u << k);
}

/* --- a binary tree, numbered from the root to the left, then to the right --- */

/* Go down to V: its parent and where its part ends. */
static uint32_t binary_find(uint32_t v, uint32_t n, uint32_t *end)
{
	uint32_t at = 0, stop = n, parent = 0, middle;

	while (at != v) {
		parent = at;
		middle = at + 1 + (stop - at) / 2; /* the left one has (stop - at) / 2 */
		if (v < middle)
			stop = middle;
		at = v < middle ? at + 1 : middle;
	}
	*end = stop;
	return parent;
}

static uint32_t binary_parent(uint32_t v, uint32_t n)
{
	uint32_t end;

	return binary_find(v, n, &end);
}

static uint32_t binary_end(uint32_t v, uint32_t n)
{
	uint32_t end;

	binary_find(v, n, &end);
	return end;
}

static uint32_t binary_children(uint32_t v, uint32_t n)
{
	uint32_t below = binary_end(v, n) - v - 1;

	return below < 2 ? below : 2;
}

static uint32_t binary_child(uint32_t v, uint32_t n, uint32_t k)
{
	return k ? v + 1 + (binary_end(v, n) - v) / 2 : v + 1;
}

static const struct shape shapes[] = {
	[ALGORITHM_RING] = { chain_parent, chain_end, chain_children, chain_child },
	[ALGORITHM_DIRECT] = { star_parent, star_end, star_children, star_child },
	[ALGORITHM_HALVING_DOUBLING] = { binomial_parent, binomial_end, binomial_children,
					 binomial_child },
	[ALGORITHM_DOUBLE_BINARY_TREE] = { binary_parent, binary_end, binary_children,
					   binary_child },
};

/* --- what is the same over all of them --- */

enum { VERTEX, CHILDREN };

static const struct shape *shape_of(const struct plan *plan)
{
	return &shapes[plan->algorithm.kind];
}

static bool goes_up(const struct plan *plan)
{
	return plan->coll == COLL_REDUCE || plan->coll == COLL_GATHER;
}

static bool is_whole(const struct plan *plan)
{
	return plan->coll == COLL_REDUCE || plan->coll == COLL_BROADCAST;
}

static uint32_t member_at(const struct plan *plan, uint32_t v)
{
	return (plan->root + v) % plan->n;
}

/* What goes over the edge above V. */
static void edge(const struct plan *plan, uint32_t v, struct step *step)
{
	if (is_whole(plan))
		step_blocks(plan, step, 0, 1, 1);
	else
		step_blocks(plan, step, member_at(plan, v), 1, shape_of(plan)->end(v, plan->n) - v);
}

static void to_parent(const struct plan *plan, struct step *step)
{
	uint32_t v = plan->part[VERTEX];

	step->peer = member_at(plan, shape_of(plan)->parent(v, plan->n));
	edge(plan, v, step);
}

static void to_child(const struct plan *plan, uint32_t k, struct step *step)
{
	uint32_t child = shape_of(plan)->child(plan->part[VERTEX], plan->n, k);

	step->peer = member_at(plan, child);
	edge(plan, child, step);
}

static int rooted_init(struct plan *plan, struct err *err)
{
	uint32_t v, up, down;

	if (plan->compat)
		return err_set(err, "ASTRA-sim cannot do %s", coll_name(plan->coll));
	if (plan->root >= plan->n)
		return err_set(err, "%s from or to rank %u of a group of %u", coll_name(plan->coll),
			       plan->root, plan->n);
	v = plan->part[VERTEX] = (plan->me + plan->n - plan->root) % plan->n;
	plan->part[CHILDREN] = shape_of(plan)->children(v, plan->n);
	up = v ? 1 : 0;
	down = plan->part[CHILDREN];
	plan->blocks = is_whole(plan) ? 1 : plan->n;
	plan->sends = goes_up(plan) ? up : down;
	plan->receives = goes_up(plan) ? down : up;
	return 0;
}

/* Downwards the farthest child first: it has most below it. */
static void rooted_send(const struct plan *plan, uint32_t k, struct step *step)
{
	if (goes_up(plan))
		to_parent(plan, step);
	else
		to_child(plan, plan->part[CHILDREN] - 1 - k, step);
	step->needs = plan->receives;
}

static void rooted_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	if (goes_up(plan))
		to_child(plan, k, step);
	else
		to_parent(plan, step);
	step->reduce = plan->coll == COLL_REDUCE;
	step->charge = step->reduce ? step->bytes : 0;
}

const struct plan_ops plan_rooted = { rooted_init, rooted_send, rooted_receive };

/* --- barrier: in round k tell the member 2^k further; log2 N rounds tell of all --- */

static int barrier_init(struct plan *plan, struct err *err)
{
	if (plan->compat)
		return err_set(err, "ASTRA-sim cannot do barrier");
	plan->sends = plan->receives = plan->n > 1 ? 32 - (uint32_t)__builtin_clz(plan->n - 1) : 0;
	return 0;
}

static void barrier_send(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = (uint32_t)((plan->me + (1ull << k)) % plan->n);
	step->needs = k;
}

static void barrier_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	step->peer = (uint32_t)((plan->me + plan->n - (1ull << k)) % plan->n);
}

const struct plan_ops plan_barrier = { barrier_init, barrier_send, barrier_receive };
