/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - which hosts will be free when
 *
 * Time from now on, cut where something changes; for each piece the set of
 * hosts that nothing that runs or is planned takes, and the free licences.
 * The last piece has no end.
 */
#ifndef NETEMU_PROFILE_H
#define NETEMU_PROFILE_H

#include "engine/hostset.h"

struct profile_piece {
	int64_t time; /* ns, up to the next piece */
	uint64_t licences;
	netemu_hostset *free; /* owned */
	uint32_t count;       /* of free */
};

struct profile {
	uint32_t hosts;
	struct profile_piece *piece; /* [count]; owned */
	size_t count, room;
	netemu_hostset **spare; /* sets for new pieces; owned */
	size_t nspare, spare_room;
	bool failed; /* without memory: nothing below is right any more */
};

/* All free.  Returns 0, or -1 without memory. */
int profile_init(struct profile *profile, uint32_t hosts);
void profile_release(struct profile *profile);

/* Begin again at NOW, with all free. */
void profile_clear(struct profile *profile, int64_t now, uint64_t licences);

/* Forget what was before NOW. */
void profile_advance(struct profile *profile, int64_t now);

/* COUNT HOSTS and LICENCES are taken, or given back, from FROM until before TO
 * (NETEMU_NEVER: for ever).  What is not free now is not taken twice.
 */
void profile_take(struct profile *profile, const uint32_t *hosts, uint32_t count, uint64_t licences,
		  int64_t from, int64_t to);
void profile_give(struct profile *profile, const uint32_t *hosts, uint32_t count, uint64_t licences,
		  int64_t from, int64_t to);

/* The earliest time >= that of piece *FIRST at which JOB, by its limit, may run
 * on at least NEED hosts; SET gets those that are free throughout and *FIRST
 * the piece.  NETEMU_NEVER when there is none.
 */
int64_t profile_find(const struct profile *profile, const struct netemu_job *job, uint32_t need,
		     size_t *first, netemu_hostset *set);

#endif
