/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - which hosts will be free when
 *
 * Time from now on, cut where something changes; for each piece the set of
 * hosts that nothing that runs or is planned takes, and the free licences.
 * The last piece has no end.
 *
 * Changes are counted, and a piece knows the last one that it was part of, so
 * that a search whose result is known need not look again at what is as it was.
 */
#ifndef NETEMU_PROFILE_H
#define NETEMU_PROFILE_H

#include "engine/hostset.h"

struct profile_piece {
	int64_t time; /* ns, up to the next piece */
	uint64_t licences;
	netemu_hostset *free; /* owned */
	uint32_t count;       /* of free */
	uint64_t given;       /* the last change that gave something back */
	uint64_t changed;     /* the last one at all */
};

/* What is taken from FROM until before TO (NETEMU_NEVER: for ever). */
struct profile_share {
	const uint32_t *hosts;
	uint32_t count;
	uint64_t licences;
	int64_t from, to; /* ns */
};

/* The result of a search that was made when there had been CHANGES. */
struct profile_known {
	int64_t time; /* INT64_MIN: there was none */
	uint64_t changes;
	bool same; /* the time found is that one, and the hosts free then are those */
};

struct profile {
	uint32_t hosts;
	struct profile_piece *piece; /* [count]; owned */
	size_t count, room;
	netemu_hostset **spare; /* sets for new pieces; owned */
	size_t nspare, spare_room;
	netemu_hostset *mask; /* of one share, empty between calls; owned */
	uint32_t *word;       /* numbers of words, of one search; owned */
	uint64_t changes;     /* how many there have been */
	bool failed;          /* without memory: nothing below is right any more */
};

/* All free.  Returns 0, or -1 without memory. */
int profile_init(struct profile *profile, uint32_t hosts);
void profile_release(struct profile *profile);

/* Begin again at NOW, with all free. */
void profile_clear(struct profile *profile, int64_t now, uint64_t licences);

/* Forget what was before NOW. */
void profile_advance(struct profile *profile, int64_t now);

/* SHARE is taken, or given back.  What is not free now is not taken twice. */
void profile_take(struct profile *profile, const struct profile_share *share);
void profile_give(struct profile *profile, const struct profile_share *share);

/* Give SHARE back and take the very same again, for a look at what is there
 * without it: not counted as changes.
 */
void profile_lift(struct profile *profile, const struct profile_share *share);
void profile_put_back(struct profile *profile, const struct profile_share *share);
/* What was lifted between FROM and TO is not put back. */
void profile_leave(struct profile *profile, int64_t from, int64_t to);

/* Has anything changed until TO since there had been CHANGES? */
bool profile_has_changed(const struct profile *profile, int64_t to, uint64_t changes);

/* The earliest time >= that of piece *FIRST at which JOB, by its limit, may run
 * on at least NEED hosts; SET gets those that are free throughout (unless they
 * are the SAME) and *FIRST the piece.  KNOWN is what the same search gave before.
 * NETEMU_NEVER when there is no such time.
 */
int64_t profile_find(const struct profile *profile, const struct netemu_job *job, uint32_t need,
		     struct profile_known *known, size_t *first, netemu_hostset *set);

#endif
