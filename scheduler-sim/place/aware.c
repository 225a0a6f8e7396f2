/* SPDX-License-Identifier: Apache-2.0 */
/* aware.c - the placement under which the busiest link carries least
 *
 * Candidates are block, cyclic, ten random placements, one that is grown host by
 * host from ranks that talk much (the greedy mapping of Hoefler and Snir, ICS
 * 2011), and those where hosts and ranks are halved together (dual recursive
 * bipartitioning, Pellegrini, SHPCC 1994; awaresplit.c).  The latter are improved by
 * exchanges of ranks below the same switch, the best of all by any exchange, with
 * loads followed link by link: simulated annealing on the 16-norm of the loads, and
 * on their 2-norm and then on the 16-norm again.  What comes out is judged by the
 * routing in force, so it is never worse than a candidate.  Up to eight ranks all
 * placements are looked at.  Work is counted in links looked at, not in time.
 */
#include "aware.h"

#include "../route/forms.h"
#include "deal.h"
#include "policies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_CANDIDATES 10
/* Of all placements, judged one by one; and where judging takes long. */
#define MOST_TRIES     50000
#define MOST_SET_TRIES 2000

struct choice {
	struct netemu_place *place;
	uint32_t *best, *next; /* [ranks] */
	double most;           /* of the best */
};

/* Judge choice->next; keep it when it is better. */
static int judge(struct choice *choice)
{
	double most = choice->place->evaluate(choice->place, choice->next);

	if (isnan(most))
		return -1;
	if (most < choice->most) {
		choice->most = most;
		memcpy(choice->best, choice->next, choice->place->ranks * sizeof(*choice->best));
	}
	return 0;
}

static int try_candidates(struct choice *choice)
{
	if (deal_groups(choice->place, NULL, UINT32_MAX, choice->next) < 0 || judge(choice) < 0 ||
	    deal_groups(choice->place, NULL, 1, choice->next) < 0 || judge(choice) < 0)
		return -1;
	for (int i = 0; i < RANDOM_CANDIDATES; i++)
		if (deal_random(choice->place, choice->next) < 0 || judge(choice) < 0)
			return -1;
	return 0;
}

/* Count the placements of RANK and those after it into *COUNT, up to MOST of them;
 * judge each unless DRY.
 */
static int try_all(struct choice *choice, uint32_t *left, uint32_t rank, uint32_t *count,
		   uint32_t most, bool dry)
{
	struct netemu_place *place = choice->place;
	int rc = 0;

	if (rank == place->ranks) {
		++*count;
		return dry ? 0 : judge(choice);
	}
	for (uint32_t i = 0; i < place->nhosts && *count <= most && rc == 0; i++) {
		if (left[i] == 0)
			continue;
		left[i]--;
		choice->next[rank] = place->hosts[i];
		rc = try_all(choice, left, rank + 1, count, most, dry);
		left[i]++;
	}
	return rc;
}

/* Anneal HOW from where the ranks are. */
static int try_anneal(struct choice *choice, struct aware *aware, enum aware_how how)
{
	if (aware_anneal(aware, how) < 0)
		return -1;
	aware_get(aware, choice->next);
	return judge(choice);
}

/* Halved together with the hosts, of which there may be any number (then AWARE is
 * NULL); then exchanges within switches.
 */
static int try_split(struct choice *choice, struct placement_work *work, struct aware *aware,
		     bool packed)
{
	if (aware_split(work, packed, choice->next) < 0 || judge(choice) < 0)
		return -1;
	if (!aware)
		return 0;
	aware_put(aware, choice->next);
	return try_anneal(choice, aware, AWARE_WITHIN);
}

static int try_splits(struct choice *choice, struct placement_work *work, struct aware *aware)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < choice->place->nhosts; i++)
		slots += choice->place->slots[i];
	if (try_split(choice, work, aware, false) < 0)
		return -1;
	return slots > choice->place->ranks ? try_split(choice, work, aware, true) : 0;
}

static int try_many(struct choice *choice, struct aware *aware)
{
	if (aware_grow(aware, choice->next) == 0 && judge(choice) < 0)
		return -1;
	if (try_splits(choice, aware->work, aware) < 0)
		return -1;
	/* the busiest links only, then from afar: all loads, then the busiest */
	aware_put(aware, choice->best);
	if (try_anneal(choice, aware, AWARE_STEEP) < 0 ||
	    try_anneal(choice, aware, AWARE_EVEN) < 0 || try_anneal(choice, aware, AWARE_STEEP) < 0)
		return -1;
	aware_put(aware, choice->best);
	return try_anneal(choice, aware, AWARE_WITHIN);
}

/* All of them when they are not too many. */
static int try_few(struct choice *choice, struct aware *aware)
{
	bool set = aware->work->what->router->ops->form == ROUTER_SET;
	uint32_t count = 0, most = set ? MOST_SET_TRIES : MOST_TRIES;
	double found = NAN;

	if (aware->exact)
		found = aware_search(aware, choice->most, choice->next);
	if (!isnan(found))
		return found < choice->most ? judge(choice) : 0;
	memcpy(aware->left, choice->place->slots, aware->nhosts * sizeof(*aware->left));
	try_all(choice, aware->left, 0, &count, most, true);
	if (count > most)
		return try_many(choice, aware);
	count = 0;
	return try_all(choice, aware->left, 0, &count, most, false);
}

static int improve(struct choice *choice)
{
	struct placement_work *work = (struct placement_work *)choice->place;
	struct aware aware;
	int rc = aware_init(&aware, work);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return try_splits(choice, work, NULL);
	if (choice->place->ranks <= AWARE_FEW)
		rc = try_few(choice, &aware);
	else
		rc = try_many(choice, &aware);
	aware_release(&aware);
	return rc;
}

static int aware_place(void *state, struct netemu_place *place, uint32_t *placement)
{
	const struct placing *what = ((struct placement_work *)place)->what;
	struct choice choice = {
		.place = place,
		.best = placement,
		.next = malloc((place->ranks + 1) * sizeof(*choice.next)),
		.most = INFINITY,
	};
	int rc;

	(void)state;
	if (!choice.next)
		return -1;
	if (!what->router || place->npairs == 0 || place->nhosts < 2)
		rc = deal_groups(place, NULL, UINT32_MAX, placement);
	else
		rc = try_candidates(&choice);
	if (rc == 0 && choice.most > 0 && !isinf(choice.most))
		rc = improve(&choice);
	free(choice.next);
	return rc < 0 ? -1 : 0;
}

const struct netemu_policy place_aware = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_PLACEMENT,
	.name = "aware",
	.help = "such that the busiest link carries least of the job's traffic",
	.placement = {
		.create = deal_create,
		.destroy = deal_destroy,
		.place = aware_place,
	},
};
