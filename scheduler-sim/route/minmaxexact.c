/* SPDX-License-Identifier: Apache-2.0 */
/* minmaxexact.c - the best of all choices, by branch and bound
 *
 * The heaviest pairs choose first; a choice that brings a link to the best
 * maximum known is not followed.  Equal pairs of one group are alike, so the
 * second takes no path before that of the first.
 */
#include "minmax.h"

#include <stdlib.h>

#define MOST_PAIRS 64
#define STEPS      2000000 /* choices looked at */

struct exact {
	struct minmax *minmax;
	struct minmax_pair *pair[MOST_PAIRS + 1]; /* that have a choice */
	uint32_t best_path[MOST_PAIRS];
	uint32_t count;
	double best, enough;
	uint64_t steps;
};

static int compare(const void *a, const void *b)
{
	const struct minmax_pair *x = *(struct minmax_pair *const *)a;
	const struct minmax_pair *y = *(struct minmax_pair *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Returns false when there are too many. */
static bool collect(struct exact *exact)
{
	struct minmax *minmax = exact->minmax;

	for (size_t i = 0; i < minmax->npairs; i++) {
		struct minmax_pair *pair = &minmax->pairs[i];
		const struct minmax_group *group = &minmax->groups[pair->group];

		if (pair->bytes == 0 || group->hops == 0)
			continue;
		if (!group->all)
			return false;
		if (group->npaths == 1)
			continue;
		if (exact->count == MOST_PAIRS)
			return false;
		exact->pair[exact->count++] = pair;
	}
	qsort(exact->pair, exact->count, sizeof(*exact->pair), compare);
	return true;
}

static void add(struct exact *exact, const struct minmax_pair *pair, uint32_t path, bool off)
{
	struct minmax *minmax = exact->minmax;
	const uint32_t *link = minmax_links(minmax, pair, path);

	for (uint32_t k = 0; k < minmax->groups[pair->group].hops; k++) {
		if (off)
			minmax->bytes[link[k]] -= pair->bytes;
		else
			minmax->bytes[link[k]] += pair->bytes;
	}
}

static double with_path(const struct exact *exact, const struct minmax_pair *pair, uint32_t path,
			double most)
{
	const struct minmax *minmax = exact->minmax;
	const uint32_t *link = minmax_links(minmax, pair, path);

	for (uint32_t k = 0; k < minmax->groups[pair->group].hops; k++) {
		double load = minmax_load(minmax, link[k], minmax->bytes[link[k]]);

		if (load > most)
			most = load;
	}
	return most;
}

static void keep(struct exact *exact, double most)
{
	exact->best = most;
	for (uint32_t i = 0; i < exact->count; i++)
		exact->best_path[i] = exact->pair[i]->path;
}

/* Choices of pair NUMBER and all after it; MOST is the load so far.  As deep as
 * there are pairs, at most MOST_PAIRS.
 */
static void choose(struct exact *exact, uint32_t number, double most)
{
	struct minmax_pair *pair = exact->pair[number];
	uint32_t path = 0;

	if (number == exact->count) {
		keep(exact, most);
		return;
	}
	if (number && exact->pair[number - 1]->group == pair->group &&
	    exact->pair[number - 1]->bytes == pair->bytes)
		path = exact->pair[number - 1]->path;
	for (; path < exact->minmax->groups[pair->group].npaths; path++) {
		double now;

		if (++exact->steps > STEPS || exact->best <= exact->enough)
			return;
		add(exact, pair, path, false);
		now = with_path(exact, pair, path, most);
		pair->path = path;
		if (now < exact->best)
			choose(exact, number + 1, now);
		add(exact, pair, path, true);
	}
}

int minmax_search(struct minmax *minmax, double bound)
{
	struct exact *exact = calloc(1, sizeof(*exact));
	int rc = 0;

	if (!exact)
		return -1;
	exact->minmax = minmax;
	exact->enough = bound * (1 + 1e-11);
	if (collect(exact)) {
		keep(exact, minmax_most(minmax));
		for (uint32_t i = 0; i < exact->count; i++)
			add(exact, exact->pair[i], exact->pair[i]->path, true);
		choose(exact, 0, minmax_most(minmax));
		for (uint32_t i = 0; i < exact->count; i++) {
			exact->pair[i]->path = exact->best_path[i];
			add(exact, exact->pair[i], exact->pair[i]->path, false);
		}
		rc = exact->steps <= STEPS;
	}
	free(exact);
	return rc;
}
