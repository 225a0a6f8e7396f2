/* SPDX-License-Identifier: Apache-2.0 */
/* minmax.h - one routing of pairs against each other, shared by its files
 *
 * Pairs whose hosts hang on the same two switches form a group: they have the
 * same paths.  All of them are listed where they are not too many, else as many
 * as there is room for, drawn at random.
 */
#ifndef NETEMU_MINMAX_H
#define NETEMU_MINMAX_H

#include "forms.h"
#include "greedy.h"

struct minmax_group {
	uint32_t from, to; /* hosts of one of its pairs */
	uint32_t hops;     /* links of its paths, without cables of hosts with one */
	uint32_t npaths;
	bool all;       /* they are all that there are */
	size_t first;   /* its paths: links[first + k * hops] */
	size_t count;   /* number of its first path among all */
	uint64_t bytes; /* of all its pairs */
};

struct minmax_pair {
	uint32_t group;
	uint32_t path;                 /* the one it takes; npaths of the group: its own */
	uint32_t cable_from, cable_to; /* of hosts with one, or NETEMU_NONE */
	uint64_t bytes;
	size_t number; /* of the routing */
	size_t own;    /* the path of greedy-max, in owns */
};

struct minmax {
	const struct topology *topology;
	struct greedy *greedy;
	struct minmax_group *groups; /* owned */
	uint32_t ngroups;
	struct minmax_pair *pairs; /* that have a path, the heaviest first; owned */
	size_t npairs;
	uint32_t *links, *owns; /* owned */
	size_t nlinks, links_room, nowns, owns_room;
	size_t npaths;
	double *capacity; /* [links], INFINITY: not between switches; owned */
	uint64_t *base;   /* [links] of other jobs; owned */
	uint64_t *bytes;  /* [links] with the pairs; owned */
};

/* Put the pairs of ROUTING on the paths that greedy-max finds.  Returns 0, or
 * -1 with errno ENOMEM and everything released.
 */
int minmax_init(struct minmax *minmax, struct greedy *greedy, struct routing *routing);
void minmax_release(struct minmax *minmax);

static inline const uint32_t *minmax_links(const struct minmax *minmax,
					   const struct minmax_pair *pair, uint32_t path)
{
	const struct minmax_group *group = &minmax->groups[pair->group];

	return path < group->npaths ? minmax->links + group->first + (size_t)path * group->hops
				    : minmax->owns + pair->own;
}

static inline double minmax_load(const struct minmax *minmax, uint32_t link, uint64_t bytes)
{
	return (double)bytes / minmax->capacity[link];
}

/* Let PAIR take PATH. */
void minmax_move(struct minmax *minmax, struct minmax_pair *pair, uint32_t path);

/* The largest load, of other jobs or of these pairs. */
double minmax_most(const struct minmax *minmax);

/* A lower bound of it for any split of the pairs over all shortest paths.  The
 * shares of all listed paths in such a split, near the best one, into SHARE
 * [npaths].  UPPER is what can be reached.  Returns -1 with errno ENOMEM.
 */
double minmax_bound(struct minmax *minmax, double upper, double *share);

/* Move pairs off the busiest link while that helps.  Returns 0, or -1 with errno
 * ENOMEM.
 */
int minmax_improve(struct minmax *minmax);

/* Look at all choices of the pairs that are better than what they have now, and
 * leave the best.  Returns 1, 0 when that would take too long (then it may be
 * better and still not the best), or -1 with errno ENOMEM.
 */
int minmax_search(struct minmax *minmax, double bound);

#endif
