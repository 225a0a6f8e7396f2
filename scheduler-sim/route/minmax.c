/* SPDX-License-Identifier: Apache-2.0 */
/* minmax.c - the pairs of a job against each other
 *
 * Every pair takes one of its shortest paths such that the largest load of a
 * link between switches, bytes / capacity with what other jobs have on it, is
 * small: the smallest for small jobs, near a lower bound for others.  It starts
 * from what greedy-max finds, takes load off the busiest links, does the same
 * from the shares of the linear program, and keeps what is better; so it is
 * never worse than greedy-max.
 */
#include "minmax.h"

#include <stdlib.h>

static int create(struct router *router, const char *options, struct err *err)
{
	if (options)
		return err_set(err, "routing 'minmax' takes no options, not '%s'", options);
	router->state = greedy_create(router->topology, true);
	return router->state ? 0 : err_errno(err, "routing 'minmax'");
}

static void destroy(struct router *router)
{
	greedy_destroy(router->state);
}

/* Every pair, the heaviest first, on the path of its group that lacks most of
 * its share.
 */
static void take_shares(struct minmax *minmax, double *share)
{
	for (uint32_t g = 0; g < minmax->ngroups; g++) {
		const struct minmax_group *group = &minmax->groups[g];
		double all = 0;

		for (uint32_t p = 0; p < group->npaths; p++)
			all += share[group->count + p];
		for (uint32_t p = 0; p < group->npaths && all > 0; p++)
			share[group->count + p] *= (double)group->bytes / all;
	}
	for (size_t i = 0; i < minmax->npairs; i++) {
		struct minmax_pair *pair = &minmax->pairs[i];
		const struct minmax_group *group = &minmax->groups[pair->group];
		double *lack = share + group->count;
		uint32_t path = 0;

		for (uint32_t p = 1; p < group->npaths; p++)
			if (lack[p] > lack[path])
				path = p;
		lack[path] -= (double)pair->bytes;
		minmax_move(minmax, pair, path);
	}
}

/* A second start; the better of both stays. */
static int try_shares(struct minmax *minmax, double *share)
{
	uint32_t *before = malloc((minmax->npairs + 1) * sizeof(*before));
	double most = minmax_most(minmax);

	if (!before)
		return -1;
	for (size_t i = 0; i < minmax->npairs; i++)
		before[i] = minmax->pairs[i].path;
	take_shares(minmax, share);
	if (minmax_improve(minmax) < 0 || minmax_most(minmax) >= most)
		for (size_t i = 0; i < minmax->npairs; i++)
			minmax_move(minmax, &minmax->pairs[i], before[i]);
	free(before);
	return 0;
}

/* Returns the bound, or -1. */
static double optimise(struct minmax *minmax)
{
	double *share = malloc((minmax->npaths + 1) * sizeof(*share));
	double bound = -1, most;
	int rc = share ? minmax_improve(minmax) : -1;

	most = minmax_most(minmax);
	if (rc == 0)
		bound = minmax_bound(minmax, most, share);
	if (bound >= 0 && bound < most * (1 - 1e-11)) {
		rc = try_shares(minmax, share);
		if (rc == 0)
			rc = minmax_search(minmax, bound);
		if (rc > 0) /* there is nothing better */
			bound = minmax_most(minmax);
	}
	free(share);
	return rc < 0 ? -1 : bound;
}

static int hand_over(struct routing *routing, const struct minmax *minmax)
{
	uint32_t *path = ((struct greedy *)routing->router->state)->path; /* long enough */

	for (size_t i = 0; i < minmax->npairs; i++) {
		const struct minmax_pair *pair = &minmax->pairs[i];
		const uint32_t *link = minmax_links(minmax, pair, pair->path);
		uint32_t length = 0;

		if (pair->cable_from != NETEMU_NONE)
			path[length++] = pair->cable_from;
		for (uint32_t k = 0; k < minmax->groups[pair->group].hops; k++)
			path[length++] = link[k];
		if (pair->cable_to != NETEMU_NONE)
			path[length++] = pair->cable_to;
		if (routing_path(routing, pair->number, path, length) < 0)
			return -1;
	}
	return 0;
}

static int route(struct routing *routing, struct err *err)
{
	struct minmax minmax;
	double bound;
	int rc;

	if (minmax_init(&minmax, routing->router->state, routing) < 0)
		return err_errno(err, "routing 'minmax' of %zu pairs", routing->route.npairs);
	bound = optimise(&minmax);
	if (bound < 0)
		rc = err_errno(err, "routing 'minmax' of %zu pairs", routing->route.npairs);
	else
		rc = hand_over(routing, &minmax);
	if (rc == 0) {
		routing->routed->bound = bound;
		routing->routed->most = minmax_most(&minmax);
	}
	minmax_release(&minmax);
	return rc;
}

const struct router_ops router_minmax = {
	.name = "minmax",
	.help = "all pairs of a job against each other over all shortest paths",
	.form = ROUTER_SET,
	.create = create,
	.destroy = destroy,
	.route = route,
};
