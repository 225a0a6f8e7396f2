/* SPDX-License-Identifier: Apache-2.0 */
/* All-reduce over one of two binary trees: up to the root and down again.
 *
 * Vertices 0..N-1; 0 is the root with one child, the largest power of two below N.  The rest
 * is numbered in order: a vertex with lowest bit l has its children l/2 away on both
 * sides, or, where that is beyond N, the next nearer one.  Tree 1 has member m at
 * vertex m, tree 0 mirrored (N even) or shifted (N odd), so that who is inside one
 * is a leaf of the other.
 */
#include "coll/planops.h"

enum { CHILDREN, CHILD, CHILD2, PARENT };

static uint32_t vertex_of(const struct plan *plan, uint32_t member)
{
	if (plan->tree % 2)
		return member;
	return plan->n % 2 ? (member + 1) % plan->n : plan->n - 1 - member;
}

static uint32_t member_at(const struct plan *plan, uint32_t vertex)
{
	if (plan->tree % 2)
		return vertex;
	return plan->n % 2 ? (vertex + plan->n - 1) % plan->n : plan->n - 1 - vertex;
}

static uint32_t low_bit(uint32_t v)
{
	return v & -v;
}

static uint32_t parent_of(const struct plan *plan, uint32_t v)
{
	uint32_t bit = low_bit(v), parent = (v ^ bit) | bit << 1;

	return parent < plan->n ? parent : v ^ bit;
}

static void add_child(struct plan *plan, uint32_t v)
{
	plan->part[CHILD + plan->part[CHILDREN]++] = member_at(plan, v);
}

static void find_children(struct plan *plan, uint32_t v)
{
	uint32_t half;

	plan->part[CHILDREN] = 0;
	if (!v) {
		if (plan->n > 1)
			add_child(plan, 1u << (31 - __builtin_clz(plan->n - 1)));
		return;
	}
	half = low_bit(v) / 2;
	if (half)
		add_child(plan, v - half);
	while (half && v + half >= plan->n)
		half /= 2;
	if (half)
		add_child(plan, v + half);
}

static int tree_init(struct plan *plan, struct err *err)
{
	uint32_t v = vertex_of(plan, plan->me);

	if (plan->coll != COLL_ALL_REDUCE)
		return plan_cannot(plan, err);
	find_children(plan, v);
	plan->part[PARENT] = v ? member_at(plan, parent_of(plan, v)) : UINT32_MAX;
	plan->blocks = 1;
	plan->sends = plan->receives = plan->part[CHILDREN] + (v ? 1 : 0);
	return 0;
}

static bool is_root(const struct plan *plan)
{
	return plan->part[PARENT] == UINT32_MAX;
}

/* First up to the parent, then down to the children. */
static void edge_send(const struct plan *plan, uint32_t k, struct step *step)
{
	bool up = !is_root(plan) && k == 0;

	step->peer = up ? plan->part[PARENT] : plan->part[CHILD + k - !is_root(plan)];
	step->needs = up ? plan->part[CHILDREN] : plan->receives;
}

static void edge_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	step->reduce = k < plan->part[CHILDREN];
	step->peer = step->reduce ? plan->part[CHILD + k] : plan->part[PARENT];
}

static void tree_send(const struct plan *plan, uint32_t k, struct step *step)
{
	edge_send(plan, k, step);
	step_blocks(plan, step, 0, 1, 1);
}

static void tree_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	edge_receive(plan, k, step);
	step_blocks(plan, step, 0, 1, 1);
	step->charge = step->reduce ? step->bytes : 0;
}

const struct plan_ops plan_tree = { tree_init, tree_send, tree_receive };

/* --- as ASTRA-sim, where whoever has children pays for what comes down, too --- */

static int compat_init(struct plan *plan, struct err *err)
{
	if (plan->n & (plan->n - 1))
		return err_set(err,
			       "doubleBinaryTree as ASTRA-sim has it needs a power of two, not "
			       "%u ranks",
			       plan->n);
	return tree_init(plan, err);
}

static void compat_send(const struct plan *plan, uint32_t k, struct step *step)
{
	edge_send(plan, k, step);
	step->bytes = plan->length;
}

static void compat_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	edge_receive(plan, k, step);
	step->bytes = plan->length;
	step->charge = plan->part[CHILDREN] ? step->bytes : 0;
}

const struct plan_ops plan_tree_compat = { compat_init, compat_send, compat_receive };
