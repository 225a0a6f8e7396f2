/* SPDX-License-Identifier: Apache-2.0 */
/* minmaximprove.c - less on the busiest link
 *
 * A pair on the busiest link may take another path when no link of it becomes
 * as busy.  Where none can, a pair may go onto a path with one link too busy
 * then, when another pair leaves that link in the same way.  Each such step
 * leaves fewer links at the top or a lower top, so it ends.
 */
#include "minmax.h"

#include <errno.h>
#include <stdlib.h>

#define STEPS 200000000 /* links looked at, in all */

/* The pairs on each link: one entry for each link of each pair's path. */
struct users {
	size_t *first;           /* [npairs] entries of a pair */
	uint32_t *pair;          /* [entries] */
	size_t *next, *previous; /* [entries], SIZE_MAX: none */
	size_t *head;            /* [links] */
};

struct improver {
	struct minmax *minmax;
	struct users users;
	uint64_t steps;
};

#define NO_ENTRY SIZE_MAX

static void users_release(struct users *users)
{
	free(users->first);
	free(users->pair);
	free(users->next);
	free(users->previous);
	free(users->head);
}

static uint32_t hops_of(const struct minmax *minmax, size_t pair)
{
	return minmax->groups[minmax->pairs[pair].group].hops;
}

static void enter(struct improver *improver, size_t pair)
{
	const struct minmax *minmax = improver->minmax;
	struct users *users = &improver->users;
	const uint32_t *link = minmax_links(minmax, &minmax->pairs[pair], minmax->pairs[pair].path);

	for (uint32_t k = 0; k < hops_of(minmax, pair); k++) {
		size_t entry = users->first[pair] + k, *head = &users->head[link[k]];

		users->previous[entry] = NO_ENTRY;
		users->next[entry] = *head;
		if (*head != NO_ENTRY)
			users->previous[*head] = entry;
		*head = entry;
	}
}

static void leave(struct improver *improver, size_t pair)
{
	const struct minmax *minmax = improver->minmax;
	struct users *users = &improver->users;
	const uint32_t *link = minmax_links(minmax, &minmax->pairs[pair], minmax->pairs[pair].path);

	for (uint32_t k = 0; k < hops_of(minmax, pair); k++) {
		size_t entry = users->first[pair] + k;

		if (users->previous[entry] == NO_ENTRY)
			users->head[link[k]] = users->next[entry];
		else
			users->next[users->previous[entry]] = users->next[entry];
		if (users->next[entry] != NO_ENTRY)
			users->previous[users->next[entry]] = users->previous[entry];
	}
}

static void move(struct improver *improver, size_t pair, uint32_t path)
{
	leave(improver, pair);
	minmax_move(improver->minmax, &improver->minmax->pairs[pair], path);
	enter(improver, pair);
}

static int users_init(struct improver *improver)
{
	const struct minmax *minmax = improver->minmax;
	struct users *users = &improver->users;
	uint32_t links = minmax->topology->net.links;
	size_t entries = 0;

	users->first = malloc((minmax->npairs + 1) * sizeof(*users->first));
	users->head = malloc((links + 1) * sizeof(*users->head));
	for (size_t i = 0; users->first && i < minmax->npairs; i++) {
		users->first[i] = entries;
		entries += hops_of(minmax, i);
	}
	users->pair = malloc((entries + 1) * sizeof(*users->pair));
	users->next = malloc((entries + 1) * sizeof(*users->next));
	users->previous = malloc((entries + 1) * sizeof(*users->previous));
	if (!users->first || !users->head || !users->pair || !users->next || !users->previous)
		return -1;
	for (uint32_t l = 0; l < links; l++)
		users->head[l] = NO_ENTRY;
	for (size_t i = 0; i < minmax->npairs; i++) {
		for (uint32_t k = 0; k < hops_of(minmax, i); k++)
			users->pair[users->first[i] + k] = (uint32_t)i;
		enter(improver, i);
	}
	return 0;
}

/* The links of PATH that reach MOST when PAIR takes it: how many, and one. */
static uint32_t too_busy(struct improver *improver, const struct minmax_pair *pair, uint32_t path,
			 double most, uint32_t *link)
{
	const struct minmax *minmax = improver->minmax;
	uint32_t hops = minmax->groups[pair->group].hops, count = 0;
	const uint32_t *old = minmax_links(minmax, pair, pair->path);
	const uint32_t *new = minmax_links(minmax, pair, path);

	improver->steps += hops;
	for (uint32_t k = 0; k < hops; k++) {
		uint64_t bytes = minmax->bytes[new[k]];

		/* shortest paths: a link that both have is at the same place */
		if (new[k] != old[k])
			bytes += pair->bytes;
		if (minmax_load(minmax, new[k], bytes) < most)
			continue;
		*link = new[k];
		count++;
	}
	return count;
}

/* The largest load on PATH when PAIR takes it. */
static double worst_on(struct improver *improver, const struct minmax_pair *pair, uint32_t path)
{
	const struct minmax *minmax = improver->minmax;
	uint32_t hops = minmax->groups[pair->group].hops;
	const uint32_t *old = minmax_links(minmax, pair, pair->path);
	const uint32_t *new = minmax_links(minmax, pair, path);
	double worst = 0;

	improver->steps += hops;
	for (uint32_t k = 0; k < hops; k++) {
		uint64_t more = new[k] == old[k] ? 0 : pair->bytes;
		double load = minmax_load(minmax, new[k], minmax->bytes[new[k]] + more);

		if (load > worst)
			worst = load;
	}
	return worst;
}

/* Let PAIR leave its path for the one with the lowest load, when that is below
 * MOST.
 */
static bool relocate(struct improver *improver, size_t number, double most)
{
	const struct minmax_pair *pair = &improver->minmax->pairs[number];
	uint32_t npaths = improver->minmax->groups[pair->group].npaths, best = pair->path;

	for (uint32_t p = 0; p < npaths; p++) {
		double worst = p == pair->path ? most : worst_on(improver, pair, p);

		if (worst >= most)
			continue;
		most = worst;
		best = p;
	}
	if (best == pair->path)
		return false;
	move(improver, number, best);
	return true;
}

/* Let a pair other than NUMBER leave LINK. */
static bool make_room(struct improver *improver, size_t number, uint32_t link, double most)
{
	struct minmax *minmax = improver->minmax;
	const struct users *users = &improver->users;

	for (size_t e = users->head[link]; e != NO_ENTRY; e = users->next[e]) {
		struct minmax_pair *other = &minmax->pairs[users->pair[e]];

		improver->steps++;
		if (users->pair[e] == number || other->bytes == 0 ||
		    minmax_load(minmax, link, minmax->bytes[link] - other->bytes) >= most)
			continue;
		if (improver->steps > STEPS)
			return false;
		if (relocate(improver, users->pair[e], most))
			return true;
	}
	return false;
}

static bool exchange(struct improver *improver, size_t number, double most)
{
	const struct minmax_pair *pair = &improver->minmax->pairs[number];
	uint32_t npaths = improver->minmax->groups[pair->group].npaths, old = pair->path, link;

	for (uint32_t p = 0; p < npaths && improver->steps < STEPS; p++) {
		if (p == old || too_busy(improver, pair, p, most, &link) != 1)
			continue;
		move(improver, number, p);
		if (minmax_load(improver->minmax, link, improver->minmax->bytes[link]) < most ||
		    make_room(improver, number, link, most))
			return true;
		move(improver, number, old);
	}
	return false;
}

/* Take a pair off LINK, which carries MOST. */
static bool unload(struct improver *improver, uint32_t link, double most, bool pairwise)
{
	const struct users *users = &improver->users;

	for (size_t e = users->head[link], next; e != NO_ENTRY; e = next) {
		size_t number = users->pair[e];

		next = users->next[e];
		improver->steps++;
		if (improver->steps > STEPS)
			return false;
		if (improver->minmax->pairs[number].bytes == 0)
			continue;
		if (pairwise ? exchange(improver, number, most) : relocate(improver, number, most))
			return true;
	}
	return false;
}

static uint32_t busiest(const struct minmax *minmax, double *most)
{
	uint32_t found = NETEMU_NONE;

	*most = 0;
	for (uint32_t l = 0; l < minmax->topology->net.links; l++) {
		double load = minmax_load(minmax, l, minmax->bytes[l]);

		if (load > *most) {
			*most = load;
			found = l;
		}
	}
	return found;
}

int minmax_improve(struct minmax *minmax)
{
	struct improver improver = { .minmax = minmax };
	int rc = users_init(&improver);

	while (rc == 0 && improver.steps < STEPS) {
		double most;
		uint32_t link = busiest(minmax, &most);

		if (link == NETEMU_NONE ||
		    (!unload(&improver, link, most, false) && !unload(&improver, link, most, true)))
			break;
		improver.steps += minmax->topology->net.links;
	}
	users_release(&improver.users);
	if (rc < 0)
		errno = ENOMEM;
	return rc;
}
