/* SPDX-License-Identifier: Apache-2.0 */
/* awaresearch.c - better placements: grown, by annealing, the best of few */
#include "aware.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROW_MOST    8192     /* ranks */
#define ANNEAL_MOST  20000000 /* links looked at, each time */
#define ANNEAL_LEAST 2000000
#define ANNEAL_EACH  1000 /* for each pair of ranks and slot */
#define MOST_TRIES   20000000
/* Relative worsening that is taken 1 in e times. */
#define FIRST_HEAT   1e-3
#define LAST_HEAT    1e-6
#define FIRST_STEEP  1e-2
#define LAST_STEEP   1e-4
#define RENEW        65536 /* exchanges before the sum is made anew */
#define SEARCH_STEPS 200000000

/* --- grow --- */

/* How much each rank that is left talks with those on this host, below this
 * switch, and all that are placed.
 */
struct growth {
	const struct aware *aware;
	double *host, *leaf, *all; /* [ranks] */
	bool *placed;
};

static uint32_t leaf_of(const struct aware *aware, uint32_t host)
{
	const struct netemu_net *net = &aware->work->topology->net;

	return net->link[net->first[net->host_node[aware->work->place.hosts[host]]]].to;
}

static bool more(const struct growth *growth, uint32_t a, uint32_t b)
{
	if (growth->host[a] != growth->host[b])
		return growth->host[a] > growth->host[b];
	if (growth->leaf[a] != growth->leaf[b])
		return growth->leaf[a] > growth->leaf[b];
	return growth->all[a] > growth->all[b];
}

static uint32_t next_rank(const struct growth *growth)
{
	uint32_t best = NETEMU_NONE;

	for (uint32_t r = 0; r < growth->aware->ranks; r++)
		if (!growth->placed[r] && (best == NETEMU_NONE || more(growth, r, best)))
			best = r;
	return best;
}

static void note(struct growth *growth, uint32_t rank)
{
	const struct aware *aware = growth->aware;

	growth->placed[rank] = true;
	for (size_t i = aware->first[rank]; i < aware->first[rank + 1]; i++) {
		double bytes = (double)aware->peers[i].out + (double)aware->peers[i].in;

		growth->host[aware->peers[i].peer] += bytes;
		growth->leaf[aware->peers[i].peer] += bytes;
		growth->all[aware->peers[i].peer] += bytes;
	}
}

/* Fill host after host, those below one switch one after the other. */
static void grow(struct growth *growth, const uint32_t *order, uint32_t *placement)
{
	const struct aware *aware = growth->aware;
	const struct netemu_place *place = &aware->work->place;
	uint32_t rank = 0, leaf = NETEMU_NONE;

	for (uint32_t i = 0; i < aware->nhosts; i++) {
		uint32_t host = order[i];

		memset(growth->host, 0, aware->ranks * sizeof(*growth->host));
		if (leaf_of(aware, host) != leaf)
			memset(growth->leaf, 0, aware->ranks * sizeof(*growth->leaf));
		leaf = leaf_of(aware, host);
		for (uint32_t s = 0; s < place->slots[host] && rank < aware->ranks; s++, rank++) {
			uint32_t next = next_rank(growth);

			placement[next] = place->hosts[host];
			note(growth, next);
		}
	}
}

static int by_leaf(const void *a, const void *b, void *aware)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t p = leaf_of(aware, x), q = leaf_of(aware, y);

	if (p != q)
		return p < q ? -1 : 1;
	return (x > y) - (x < y);
}

int aware_grow(const struct aware *aware, uint32_t *placement)
{
	uint32_t *order = malloc((aware->nhosts + 1) * sizeof(*order));
	struct growth growth = {
		.aware = aware,
		.host = calloc(aware->ranks + 1, sizeof(double)),
		.leaf = calloc(aware->ranks + 1, sizeof(double)),
		.all = calloc(aware->ranks + 1, sizeof(double)),
		.placed = calloc(aware->ranks + 1, sizeof(bool)),
	};
	int rc = order && growth.host && growth.leaf && growth.all && growth.placed ? 0 : -1;

	for (uint32_t i = 0; rc == 0 && i < aware->nhosts; i++)
		order[i] = i;
	if (rc == 0 && aware->ranks <= GROW_MOST) {
		qsort_r(order, aware->nhosts, sizeof(*order), by_leaf, (void *)aware);
		grow(&growth, order, placement);
	}
	free(order);
	free(growth.host);
	free(growth.leaf);
	free(growth.all);
	free(growth.placed);
	if (rc < 0)
		errno = ENOMEM;
	return rc < 0 || aware->ranks > GROW_MOST ? -1 : 0;
}

/* --- anneal --- */

struct anneal {
	struct aware *aware;
	struct random random;
	uint32_t *best; /* [slots] */
	/* Slots by the switch that they are below, when only those are exchanged. */
	bool within;
	uint32_t *member;       /* [slots] */
	uint32_t *first, *last; /* [slots] into member: those below the same switch */
};

static int by_switch(const void *a, const void *b, void *arg)
{
	const struct aware *aware = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint32_t p = leaf_of(aware, aware->host[x]), q = leaf_of(aware, aware->host[y]);

	if (p != q)
		return p < q ? -1 : 1;
	return (x > y) - (x < y);
}

static void find_members(struct anneal *anneal)
{
	struct aware *aware = anneal->aware;
	uint32_t end;

	for (uint32_t s = 0; s < aware->slots; s++)
		anneal->member[s] = s;
	qsort_r(anneal->member, aware->slots, sizeof(*anneal->member), by_switch, aware);
	for (uint32_t begin = 0; begin < aware->slots; begin = end) {
		uint32_t leaf = leaf_of(aware, aware->host[anneal->member[begin]]);

		for (end = begin; end < aware->slots &&
				  leaf_of(aware, aware->host[anneal->member[end]]) == leaf;)
			end++;
		for (uint32_t i = begin; i < end; i++) {
			anneal->first[anneal->member[i]] = begin;
			anneal->last[anneal->member[i]] = end;
		}
	}
}

static int anneal_init(struct anneal *anneal, struct aware *aware, enum aware_how how)
{
	size_t room = ((size_t)aware->slots + 1) * sizeof(uint32_t);

	*anneal = (struct anneal){ .aware = aware, .within = how == AWARE_WITHIN };
	anneal->best = malloc(room);
	anneal->member = malloc(room);
	anneal->first = malloc(room);
	anneal->last = malloc(room);
	if (!anneal->best || !anneal->member || !anneal->first || !anneal->last)
		return -1;
	if (anneal->within)
		find_members(anneal);
	random_init(&anneal->random, random_next(&aware->work->random), "anneal", 0);
	memcpy(anneal->best, aware->host, aware->slots * sizeof(*anneal->best));
	return 0;
}

static void anneal_release(struct anneal *anneal)
{
	free(anneal->best);
	free(anneal->member);
	free(anneal->first);
	free(anneal->last);
}

/* Whom to exchange with A: anyone, or one on the host of a peer. */
static uint32_t partner(struct anneal *anneal, uint32_t a)
{
	const struct aware *aware = anneal->aware;
	struct random *random = &anneal->random;
	size_t peers = aware->first[a + 1] - aware->first[a];
	uint32_t b, host;

	if (anneal->within)
		return anneal->member[anneal->first[a] +
				      random_below(random, anneal->last[a] - anneal->first[a])];
	b = (uint32_t)random_below(random, aware->slots);
	if (peers == 0 || random_below(random, 2))
		return b;
	host = aware->host[aware->peers[aware->first[a] + random_below(random, peers)].peer];
	for (uint32_t i = 0; i < 64 && aware->host[b] != host; i++)
		b = (uint32_t)random_below(random, aware->slots);
	return b;
}

/* Exchange two ranks, and back when that is worse than HEAT allows. */
static void exchange(struct anneal *anneal, double heat)
{
	struct aware *aware = anneal->aware;
	uint32_t a = (uint32_t)random_below(&anneal->random, aware->ranks);
	uint32_t b = partner(anneal, a);
	double old = aware->sum;

	if (aware->host[a] == aware->host[b])
		return;
	aware_swap(aware, a, b);
	if (aware->sum <= old)
		return;
	if (log(aware->sum / old) / aware_power(aware) <=
	    -heat * log(1 - random_real(&anneal->random)))
		return;
	aware_swap(aware, a, b);
	aware->sum = old;
}

static uint64_t anneal_steps(const struct aware *aware)
{
	double steps = (double)aware->first[aware->slots] * aware->slots * ANNEAL_EACH;

	return (uint64_t)fmin(fmax(steps, ANNEAL_LEAST), ANNEAL_MOST);
}

/* From high to low heat; the best state on the way into ANNEAL->best. */
static void cool(struct anneal *anneal, double first, double last)
{
	struct aware *aware = anneal->aware;
	uint64_t begin = aware->steps, tries = 0, steps = anneal_steps(aware);
	double least = aware->sum;

	while (aware->steps - begin < steps && tries++ < MOST_TRIES && aware->sum > 0) {
		double part = (double)(aware->steps - begin) / (double)steps;

		if (tries % RENEW == 0)
			least *= aware_renew(aware);
		exchange(anneal, first * pow(last / first, part));
		aware->steps++;
		if (aware->sum < least * (1 - 1e-9)) {
			least = aware->sum;
			memcpy(anneal->best, aware->host, aware->slots * sizeof(*anneal->best));
		}
	}
}

int aware_anneal(struct aware *aware, enum aware_how how)
{
	struct anneal anneal;
	int rc;

	aware->steep = how != AWARE_EVEN;
	aware_renew(aware);
	rc = anneal_init(&anneal, aware, how);
	if (rc == 0) {
		cool(&anneal, aware->steep ? FIRST_STEEP : FIRST_HEAT,
		     aware->steep ? LAST_STEEP : LAST_HEAT);
		aware_set(aware, anneal.best);
	}
	anneal_release(&anneal);
	if (rc < 0)
		errno = ENOMEM;
	return rc;
}

/* --- the best of few --- */

struct exact {
	struct aware *aware;
	uint32_t order[AWARE_FEW]; /* ranks, the busiest first */
	uint32_t best_host[AWARE_FEW];
	double best;
	uint64_t begin;
	bool given_up;
};

static double talk(const struct aware *aware, uint32_t rank)
{
	double bytes = 0;

	for (size_t i = aware->first[rank]; i < aware->first[rank + 1]; i++)
		bytes += (double)aware->peers[i].out + (double)aware->peers[i].in;
	return bytes;
}

/* Add what RANK exchanges with those placed before it. */
static void add_placed(struct exact *exact, uint32_t number, bool off)
{
	struct aware *aware = exact->aware;
	uint32_t rank = exact->order[number];

	for (uint32_t i = 0; i < number; i++) {
		uint32_t other = exact->order[i];

		for (size_t k = aware->first[rank]; k < aware->first[rank + 1]; k++)
			if (aware->peers[k].peer == other)
				aware_add_peer(aware, rank, &aware->peers[k], off);
	}
}

/* As deep as there are ranks, at most AWARE_FEW. */
static void place_rest(struct exact *exact, uint32_t number)
{
	struct aware *aware = exact->aware;
	uint32_t rank = exact->order[number];

	for (uint32_t h = 0; h < aware->nhosts && !exact->given_up; h++) {
		double most;

		if (aware->left[h] == 0)
			continue;
		aware->left[h]--;
		aware->host[rank] = h;
		add_placed(exact, number, false);
		most = aware_most(aware);
		aware->steps += aware->work->topology->net.links / 8 + 1;
		if (most < exact->best && number + 1 < aware->ranks) {
			place_rest(exact, number + 1);
		} else if (most < exact->best) {
			exact->best = most;
			memcpy(exact->best_host, aware->host, aware->ranks * sizeof(uint32_t));
		}
		add_placed(exact, number, true);
		aware->left[h]++;
		exact->given_up |= aware->steps - exact->begin > SEARCH_STEPS;
	}
}

double aware_search(struct aware *aware, double most, uint32_t *placement)
{
	struct exact exact = { .aware = aware, .best = most, .begin = aware->steps };
	const struct netemu_place *place = &aware->work->place;

	for (uint32_t r = 0; r < aware->ranks; r++) {
		uint32_t at = r;

		for (; at && talk(aware, exact.order[at - 1]) < talk(aware, r); at--)
			exact.order[at] = exact.order[at - 1];
		exact.order[at] = r;
	}
	memcpy(aware->left, place->slots, aware->nhosts * sizeof(*aware->left));
	memset(aware->bytes, 0, aware->work->topology->net.links * sizeof(*aware->bytes));
	place_rest(&exact, 0);
	for (uint32_t r = 0; exact.best < most && r < aware->ranks; r++)
		placement[r] = place->hosts[exact.best_host[r]];
	return exact.given_up ? NAN : exact.best;
}
