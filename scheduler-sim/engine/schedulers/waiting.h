/* SPDX-License-Identifier: Apache-2.0 */
/* waiting.h - waiting jobs in order, to be searched by size and time
 *
 * Backfill looks for the first job that is small or short enough.  The jobs
 * stand in order of submission in blocks, and in blocks of blocks, that know
 * the least size and time of the jobs of each class of sizes in them, so a long
 * queue of jobs that do not fit is passed over fast.
 */
#ifndef NETEMU_WAITING_H
#define NETEMU_WAITING_H

#include "policy.h"

struct waiting_item {
	struct netemu_job *job; /* NULL: has gone */
	int64_t time;           /* ns, of its limit */
	uint32_t hosts;         /* 0: not known, or it shares them */
};

#define WAITING_SIZES 20

/* Of jobs of 0 or 1, 2, 3 or 4, 5 to 8, ... hosts. */
struct waiting_least {
	int64_t time[WAITING_SIZES];
	uint32_t hosts[WAITING_SIZES]; /* UINT32_MAX: there is none */
};

struct waiting {
	struct waiting_item *item;    /* [room]; owned */
	struct waiting_least *least;  /* of each block; owned */
	struct waiting_least *leasts; /* of each block of blocks; owned */
	size_t first;                 /* none before it waits */
	size_t count, room, gone;
};

/* What backfill looks for: at most HOSTS hosts and TIME, or at most BESIDE
 * hosts.
 */
struct waiting_wanted {
	uint32_t hosts;
	int64_t time;
	uint32_t beside;
};

void waiting_release(struct waiting *waiting);

/* Add JOB behind the others.  Returns 0, or -1 without memory. */
int waiting_add(struct waiting *waiting, struct netemu_job *job);
void waiting_remove(struct waiting *waiting, size_t place);

/* The place of the first job from PLACE on, before END, that is like WANTED (NULL:
 * any), or END.  Places stay the same until waiting_add().
 */
size_t waiting_find(const struct waiting *waiting, size_t place, size_t end,
		    const struct waiting_wanted *wanted);

/* The place of JOB, which is the first one. */
size_t waiting_first(struct waiting *waiting);

#endif
