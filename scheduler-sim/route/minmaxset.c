/* SPDX-License-Identifier: Apache-2.0 */
/* minmaxset.c - the pairs and their paths */
#include "minmax.h"

#include "heaviest.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define MOST_PATHS  512        /* of a group */
#define LEAST_PATHS 8          /* listed however many groups there are */
#define MOST_LINKS  (32 << 20) /* of all listed paths together */

void minmax_release(struct minmax *minmax)
{
	free(minmax->groups);
	free(minmax->pairs);
	free(minmax->links);
	free(minmax->owns);
	free(minmax->capacity);
	free(minmax->base);
	free(minmax->bytes);
	*minmax = (struct minmax){ 0 };
}

static int append(uint32_t **links, size_t *used, size_t *room, const uint32_t *more, uint32_t n)
{
	if (n == 0)
		return 0;
	if (*room - *used < n) {
		size_t size = *room * 2 + n + 1024;
		uint32_t *grown = realloc(*links, size * sizeof(*grown));

		if (!grown)
			return -1;
		*links = grown;
		*room = size;
	}
	memcpy(*links + *used, more, n * sizeof(*more));
	*used += n;
	return 0;
}

/* --- the paths of a group --- */

struct lister {
	struct minmax *minmax;
	struct minmax_group *group;
	const struct ways *ways;
	double *paths; /* [inner] from the root */
	uint32_t *path;
	uint32_t most;
	struct random random;
};

static uint32_t before(const struct lister *lister, uint32_t link)
{
	const struct waves *waves = &lister->minmax->greedy->waves;

	return waves->index[waves->net->link[link].from];
}

static void count_paths(struct lister *lister)
{
	const struct ways *ways = lister->ways;

	lister->paths[ways->root] = 1;
	for (uint32_t i = ways->count - 1; i-- > 0;) {
		uint32_t count;
		const uint32_t *link = ways_into(ways, ways->node[i], &count);

		lister->paths[ways->node[i]] = 0;
		for (uint32_t k = 0; k < count; k++)
			lister->paths[ways->node[i]] += lister->paths[before(lister, link[k])];
	}
}

static int keep_path(struct lister *lister)
{
	struct minmax *minmax = lister->minmax;

	lister->group->npaths++;
	return append(&minmax->links, &minmax->nlinks, &minmax->links_room, lister->path,
		      lister->group->hops);
}

/* All paths to NODE in order, the last AT links of them. */
static int list_all(struct lister *lister, uint32_t node, uint32_t at)
{
	uint32_t count;
	const uint32_t *link;

	if (at == 0)
		return keep_path(lister);
	link = ways_into(lister->ways, node, &count);
	for (uint32_t k = 0; k < count; k++) {
		lister->path[at - 1] = link[k];
		if (list_all(lister, before(lister, link[k]), at - 1) < 0)
			return -1;
	}
	return 0;
}

/* One of all paths, each equally likely. */
static int list_any(struct lister *lister)
{
	uint32_t node = lister->ways->target;

	for (uint32_t at = lister->group->hops; at-- > 0;) {
		double part = random_real(&lister->random) * lister->paths[node];
		uint32_t count, k = 0;
		const uint32_t *link = ways_into(lister->ways, node, &count);

		while (k + 1 < count && part >= lister->paths[before(lister, link[k])])
			part -= lister->paths[before(lister, link[k++])];
		lister->path[at] = link[k];
		node = before(lister, link[k]);
	}
	return keep_path(lister);
}

static int list_group(struct lister *lister, struct minmax_group *group)
{
	struct minmax *minmax = lister->minmax;
	struct greedy *greedy = minmax->greedy;
	int rc = 0;

	if (ways_between(&greedy->ways, &greedy->waves, group->from, group->to) < 0)
		return -1;
	lister->ways = &greedy->ways;
	lister->group = group;
	group->first = minmax->nlinks;
	group->count = minmax->npaths;
	group->hops = lister->ways->hops;
	count_paths(lister);
	group->all = lister->paths[lister->ways->target] <= lister->most;
	if (group->all)
		rc = list_all(lister, lister->ways->target, group->hops);
	for (uint32_t k = 0; !group->all && k < lister->most && rc == 0; k++)
		rc = list_any(lister);
	minmax->npaths += group->npaths;
	return rc;
}

static int list_groups(struct minmax *minmax, uint64_t seed)
{
	uint32_t inner = minmax->greedy->waves.inner;
	struct lister lister = {
		.minmax = minmax,
		.paths = malloc((inner + 1) * sizeof(*lister.paths)),
		.path = malloc((inner + 1) * sizeof(*lister.path)),
		.most = MOST_PATHS,
	};
	int rc = lister.paths && lister.path ? 0 : -1;
	uint64_t hops = 0;

	for (uint32_t g = 0; g < minmax->ngroups; g++)
		hops += minmax->groups[g].hops;
	if (hops * lister.most > MOST_LINKS)
		lister.most = (uint32_t)(MOST_LINKS / hops);
	if (lister.most < LEAST_PATHS)
		lister.most = LEAST_PATHS;
	for (uint32_t g = 0; g < minmax->ngroups && rc == 0; g++) {
		random_init(&lister.random, seed, "minmax", g);
		rc = list_group(&lister, &minmax->groups[g]);
	}
	free(lister.paths);
	free(lister.path);
	return rc;
}

/* --- the pairs --- */

struct known {
	uint64_t ends; /* root and target */
	uint32_t group;
	UT_hash_handle hh;
};

static int find_group(struct minmax *minmax, struct known **all, const struct netemu_pair *pair,
		      uint32_t *group)
{
	const struct ways *ways = &minmax->greedy->ways;
	uint64_t ends = (uint64_t)ways->root << 32 | ways->target;
	struct known *known;

	HASH_FIND(hh, *all, &ends, sizeof(ends), known);
	if (!known) {
		known = calloc(1, sizeof(*known));
		if (!known)
			return -1;
		known->ends = ends;
		known->group = minmax->ngroups;
		HASH_ADD(hh, *all, ends, sizeof(ends), known);
		minmax->groups[minmax->ngroups++] = (struct minmax_group){ .from = pair->from,
									   .to = pair->to,
									   .hops = ways->hops };
	}
	*group = known->group;
	minmax->groups[known->group].bytes += pair->bytes;
	return 0;
}

/* Put pair NUMBER on the path of greedy-max; 1 when it has one. */
static int add_pair(struct minmax *minmax, struct routing *routing, struct known **all,
		    size_t number)
{
	const struct netemu_pair *what = &routing->route.pairs[number];
	struct greedy *greedy = minmax->greedy;
	int length = greedy_path(greedy, routing->loads, what->from, what->to, what->bytes);
	const uint32_t *path = greedy->path + (greedy->ways.first != NETEMU_NONE);
	struct minmax_pair *pair = &minmax->pairs[minmax->npairs];

	if (length <= 0)
		return length;
	*pair = (struct minmax_pair){
		.cable_from = greedy->ways.first,
		.cable_to = greedy->ways.last,
		.bytes = what->bytes,
		.number = number,
		.own = minmax->nowns,
	};
	if (find_group(minmax, all, what, &pair->group) < 0 ||
	    append(&minmax->owns, &minmax->nowns, &minmax->owns_room, path, greedy->ways.hops) < 0)
		return -1;
	for (uint32_t k = 0; k < greedy->ways.hops; k++)
		routing->loads->link[path[k]].bytes += load_whole(what->bytes);
	minmax->npairs++;
	return 1;
}

static void forget_groups(struct known **all)
{
	struct known *known, *next;

	HASH_ITER (hh, *all, known, next) {
		HASH_DEL(*all, known);
		free(known);
	}
}

static int add_pairs(struct minmax *minmax, struct routing *routing)
{
	size_t *order = heaviest_first(routing->route.pairs, routing->route.npairs);
	struct known *all = NULL;
	int rc = order ? 0 : -1;

	for (size_t i = 0; i < routing->route.npairs && rc >= 0; i++)
		rc = add_pair(minmax, routing, &all, order[i]);
	forget_groups(&all);
	free(order);
	/* they were there for greedy-max only */
	for (size_t i = 0; i < minmax->npairs; i++) {
		const struct minmax_pair *pair = &minmax->pairs[i];

		for (uint32_t k = 0; k < minmax->groups[pair->group].hops; k++)
			routing->loads->link[minmax->owns[pair->own + k]].bytes -=
				load_whole(pair->bytes);
	}
	return rc < 0 ? -1 : 0;
}

/* Which of the listed paths is that of greedy-max? */
static void name_paths(struct minmax *minmax)
{
	for (size_t i = 0; i < minmax->npairs; i++) {
		struct minmax_pair *pair = &minmax->pairs[i];
		const struct minmax_group *group = &minmax->groups[pair->group];

		for (pair->path = 0; pair->path < group->npaths; pair->path++)
			if (group->hops == 0 ||
			    !memcmp(minmax_links(minmax, pair, pair->path),
				    minmax->owns + pair->own, group->hops * sizeof(uint32_t)))
				break;
		for (uint32_t k = 0; k < group->hops; k++)
			minmax->bytes[minmax->owns[pair->own + k]] += pair->bytes;
	}
}

static void note_links(struct minmax *minmax, const struct loads *loads)
{
	for (uint32_t l = 0; l < loads->count; l++) {
		bool counts = topology_is_isl(minmax->topology, l);

		minmax->capacity[l] = counts ? minmax->topology->net.link[l].capacity : INFINITY;
		minmax->base[l] = minmax->bytes[l] = load_integer(loads->link[l].bytes);
	}
}

int minmax_init(struct minmax *minmax, struct greedy *greedy, struct routing *routing)
{
	size_t npairs = routing->route.npairs, links = routing->topology->net.links;

	*minmax = (struct minmax){
		.topology = routing->topology,
		.greedy = greedy,
		.groups = calloc(npairs + 1, sizeof(*minmax->groups)),
		.pairs = calloc(npairs + 1, sizeof(*minmax->pairs)),
		.capacity = malloc((links + 1) * sizeof(*minmax->capacity)),
		.base = malloc((links + 1) * sizeof(*minmax->base)),
		.bytes = malloc((links + 1) * sizeof(*minmax->bytes)),
	};
	if (minmax->groups && minmax->pairs && minmax->capacity && minmax->base && minmax->bytes) {
		note_links(minmax, routing->loads);
		if (add_pairs(minmax, routing) == 0 &&
		    list_groups(minmax, routing->router->settings.seed) == 0) {
			name_paths(minmax);
			return 0;
		}
	}
	minmax_release(minmax);
	errno = ENOMEM;
	return -1;
}

void minmax_move(struct minmax *minmax, struct minmax_pair *pair, uint32_t path)
{
	uint32_t hops = minmax->groups[pair->group].hops;
	const uint32_t *old = minmax_links(minmax, pair, pair->path);
	const uint32_t *new = minmax_links(minmax, pair, path);

	for (uint32_t k = 0; k < hops; k++) {
		minmax->bytes[old[k]] -= pair->bytes;
		minmax->bytes[new[k]] += pair->bytes;
	}
	pair->path = path;
}

double minmax_most(const struct minmax *minmax)
{
	double most = 0;

	for (uint32_t l = 0; l < minmax->topology->net.links; l++)
		most = fmax(most, minmax_load(minmax, l, minmax->bytes[l]));
	return most;
}
