/* SPDX-License-Identifier: Apache-2.0 */
/* aware.h - ranks on slots and what they bring to the links, for aware
 *
 * Loads follow every exchange of two ranks at once, on the path that the
 * routing gives each pair of hosts.  Where paths depend on loads or are split,
 * a random shortest path of each pair stands in for them.
 */
#ifndef NETEMU_PLACE_AWARE_H
#define NETEMU_PLACE_AWARE_H

#include "placing.h"

/* What a rank and a PEER of it send each other. */
struct aware_peer {
	uint32_t peer;
	uint64_t out, in;
};

struct aware {
	struct placement_work *work;
	uint32_t ranks, nhosts;
	uint32_t slots;           /* of all hosts; ranks from `ranks` on are empty slots */
	size_t *first;            /* [slots + 1] into peers; owned */
	struct aware_peer *peers; /* owned */
	uint32_t *host;           /* [slots] of each rank: index into place.hosts; owned */
	size_t *start;   /* [nhosts * nhosts + 1] into path, by from * nhosts + to; owned */
	uint32_t *path;  /* links between switches only; owned */
	uint64_t *base;  /* [links] of other jobs; owned */
	uint64_t *bytes; /* [links] of this one; owned */
	double *cost;    /* [links] of each link in `sum`; owned */
	uint32_t *index; /* [hosts] scratch; owned */
	uint32_t *left;  /* [nhosts] scratch; owned */
	double sum;      /* of (load / unit) to the power of aware_power() */
	bool steep;      /* high loads count for much more */
	double unit;
	uint64_t steps; /* links looked at */
	bool exact;     /* the paths are those of the routing */
};

#define AWARE_MOST_HOSTS 2048

static inline double aware_power(const struct aware *aware)
{
	return aware->steep ? 16 : 2;
}

/* All hosts empty.  Returns 1, 0 when there are too many hosts, or -1 when that
 * failed.
 */
int aware_init(struct aware *aware, struct placement_work *work);
void aware_release(struct aware *aware);

/* Put the ranks as PLACEMENT says; and the way back. */
void aware_put(struct aware *aware, const uint32_t *placement);
void aware_get(const struct aware *aware, uint32_t *placement);

/* Put rank r on host HOST[r], by index, empty slots as well. */
void aware_set(struct aware *aware, const uint32_t *host);

/* Exchange ranks A and B (or empty slots) on different hosts. */
void aware_swap(struct aware *aware, uint32_t a, uint32_t b);

/* Add what RANK exchanges with PEER, one of its peers, or take it OFF. */
void aware_add_peer(struct aware *aware, uint32_t rank, const struct aware_peer *peer, bool off);

/* The largest load of a link that the job uses. */
double aware_most(const struct aware *aware);

/* Make aware->sum anew, in units of the largest load.  Returns what sums of before
 * are to be multiplied with.
 */
double aware_renew(struct aware *aware);

/* Ranks that talk much next to each other, into PLACEMENT.  Returns 0, or -1 with
 * errno ENOMEM.
 */
int aware_grow(const struct aware *aware, uint32_t *placement);

/* By bisection, see awaresplit.c; PACKED: into the first hosts when there are more
 * slots than ranks, else spread evenly.  Returns 0, or -1 with errno ENOMEM.
 */
int aware_split(struct placement_work *work, bool packed, uint32_t *placement);

/* Lower the sum from where the ranks are: of the 16th powers or the squares of the
 * loads; within the switches only, so that nothing else goes out of them.  Returns
 * 0, or -1 with errno ENOMEM.
 */
enum aware_how { AWARE_STEEP, AWARE_EVEN, AWARE_WITHIN };
int aware_anneal(struct aware *aware, enum aware_how how);

/* The best of all placements of at most AWARE_FEW ranks, when it is better than
 * MOST; into PLACEMENT.  Returns its load, MOST when there is none, NAN when it
 * would take too long.
 */
#define AWARE_FEW 8
double aware_search(struct aware *aware, double most, uint32_t *placement);

#endif
