/* SPDX-License-Identifier: Apache-2.0 */
/* minmaxbound.c - how low the largest load can get
 *
 * For any lengths w of the links, each load at most M means sum(w * load) <= M *
 * sum(w * capacity), and no routing has a smaller sum than one in which all
 * bytes take a path of the smallest length; so M is at least the ratio of that
 * sum, with what is on the links already, and of sum(w * capacity): the dual of
 * the linear program in which pairs may be split.  Good lengths come from
 * multiplicative weights (Garg and Koenemann, SIAM J. Comput. 37, 2007;
 * Fleischer, SIAM J. Discrete Math. 13, 2000): all groups send their bytes over
 * and over, each on its shortest path, and a link gets longer with what it is
 * given.  Any lengths give a bound; the best one is kept.
 */
#include "minmax.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 400
#define STEPS  60000000 /* links looked at, in a run */

struct bounder {
	struct minmax *minmax;
	double *length; /* [links] */
	double *best;   /* [inner] */
	uint64_t steps;
};

/* The shortest of all paths of GROUP by search. */
static double search(struct bounder *bounder, const struct minmax_group *group)
{
	struct greedy *greedy = bounder->minmax->greedy;
	const struct ways *ways = &greedy->ways;
	const struct waves *waves = &greedy->waves;

	if (ways_between(&greedy->ways, &greedy->waves, group->from, group->to) <= 0)
		return 0; /* no memory: a smaller bound holds as well */
	bounder->best[ways->root] = 0;
	for (uint32_t i = ways->count - 1; i-- > 0;) {
		uint32_t count;
		const uint32_t *link = ways_into(ways, ways->node[i], &count);
		double least = INFINITY;

		for (uint32_t k = 0; k < count; k++) {
			uint32_t from = waves->index[waves->net->link[link[k]].from];

			least = fmin(least, bounder->best[from] + bounder->length[link[k]]);
		}
		bounder->best[ways->node[i]] = least;
		bounder->steps += count;
	}
	return bounder->best[ways->target];
}

/* The shortest of the listed paths of GROUP; *PATH is its number. */
static double look(struct bounder *bounder, const struct minmax_group *group, uint32_t *path)
{
	const uint32_t *link = bounder->minmax->links + group->first;
	double least = INFINITY;

	for (uint32_t p = 0; p < group->npaths; p++) {
		double length = 0;

		for (uint32_t k = 0; k < group->hops; k++)
			length += bounder->length[*link++];
		if (length < least) {
			least = length;
			*path = p;
		}
	}
	bounder->steps += (uint64_t)group->npaths * group->hops;
	return least;
}

/* All groups send once; links get longer by EPSILON for each UPPER of load. */
static void send_round(struct bounder *bounder, double epsilon, double upper, double *share)
{
	const struct minmax *minmax = bounder->minmax;

	for (uint32_t g = 0; g < minmax->ngroups; g++) {
		const struct minmax_group *group = &minmax->groups[g];
		uint32_t path = 0;
		const uint32_t *link;

		if (group->hops == 0 || group->bytes == 0)
			continue;
		look(bounder, group, &path);
		share[group->count + path]++;
		link = minmax->links + group->first + (size_t)path * group->hops;
		for (uint32_t k = 0; k < group->hops; k++)
			bounder->length[link[k]] *=
				1 + epsilon * minmax_load(minmax, link[k], group->bytes) / upper;
	}
}

static double ratio(struct bounder *bounder)
{
	const struct minmax *minmax = bounder->minmax;
	double bytes = 0, room = 0;

	for (uint32_t g = 0; g < minmax->ngroups; g++) {
		const struct minmax_group *group = &minmax->groups[g];
		uint32_t path = 0;

		if (group->hops && group->bytes)
			bytes += (double)group->bytes * (group->all ? look(bounder, group, &path)
								    : search(bounder, group));
	}
	for (uint32_t l = 0; l < minmax->topology->net.links; l++) {
		if (isinf(minmax->capacity[l]))
			continue;
		bytes += bounder->length[l] * (double)minmax->base[l];
		room += bounder->length[l] * minmax->capacity[l];
	}
	return room > 0 ? bytes / room * (1 - 1e-12) : 0;
}

/* Links as long as one byte loads them; what others put there counts. */
static void start_lengths(struct bounder *bounder, double epsilon, double upper)
{
	const struct minmax *minmax = bounder->minmax;

	for (uint32_t l = 0; l < minmax->topology->net.links; l++)
		bounder->length[l] =
			isinf(minmax->capacity[l])
				? 0
				: exp(epsilon * minmax_load(minmax, l, minmax->base[l]) / upper) /
					  minmax->capacity[l];
}

/* Keep numbers far from infinity. */
static void scale_lengths(struct bounder *bounder)
{
	uint32_t links = bounder->minmax->topology->net.links;
	double most = 0;

	for (uint32_t l = 0; l < links; l++)
		most = fmax(most, bounder->length[l]);
	for (uint32_t l = 0; most > 1e100 && l < links; l++)
		bounder->length[l] /= most;
}

/* Lengths that grow by EPSILON; returns the best bound, BEST when that is better. */
static double run(struct bounder *bounder, double epsilon, double upper, double best, double *share)
{
	uint64_t begin = bounder->steps;

	memset(share, 0, bounder->minmax->npaths * sizeof(*share));
	start_lengths(bounder, epsilon, upper);
	for (int round = 0; round < ROUNDS && best < upper * (1 - 1e-9); round++) {
		if (round && bounder->steps - begin > STEPS)
			break;
		best = fmax(best, ratio(bounder));
		send_round(bounder, epsilon, upper, share);
		scale_lengths(bounder);
	}
	return fmax(best, ratio(bounder));
}

/* Lengths by the loads that the pairs have now: the busiest links of a good
 * solution are those that no other can relieve.
 */
static double look_at_loads(struct bounder *bounder, double upper, double best)
{
	const struct minmax *minmax = bounder->minmax;

	for (double steep = 10; steep < 1e7; steep *= 4) {
		for (uint32_t l = 0; l < minmax->topology->net.links; l++) {
			double load = minmax_load(minmax, l, minmax->bytes[l]) / upper;

			bounder->length[l] =
				isinf(minmax->capacity[l])
					? 0
					: exp(steep * (load - 1)) / minmax->capacity[l];
		}
		best = fmax(best, ratio(bounder));
	}
	return best;
}

/* What others put on a link is there whatever happens. */
static double run_all(struct bounder *bounder, double upper, double *share)
{
	static const double epsilons[] = { 2, 0.05, 0.4 };
	const struct minmax *minmax = bounder->minmax;
	double best = 0;

	for (uint32_t l = 0; l < minmax->topology->net.links; l++)
		best = fmax(best, minmax_load(minmax, l, minmax->base[l]));
	best = look_at_loads(bounder, upper, best);
	for (int i = 0; i < 3 && best < upper * (1 - 1e-9); i++)
		best = run(bounder, epsilons[i], upper, best, share);
	return fmin(best, upper);
}

double minmax_bound(struct minmax *minmax, double upper, double *share)
{
	uint32_t inner = minmax->greedy->waves.inner;
	struct bounder bounder = {
		.minmax = minmax,
		.length = calloc(minmax->topology->net.links + 1, sizeof(double)),
		.best = calloc(inner + 1, sizeof(double)),
	};
	double bound = -1;

	memset(share, 0, minmax->npaths * sizeof(*share));
	if (bounder.length && bounder.best)
		bound = run_all(&bounder, upper, share);
	else
		errno = ENOMEM;
	free(bounder.length);
	free(bounder.best);
	return bound;
}
