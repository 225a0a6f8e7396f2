/* SPDX-License-Identifier: Apache-2.0 */
#include "profile.h"

#include <stdlib.h>

/* --- pieces --- */

static netemu_hostset *get_set(struct profile *profile)
{
	if (profile->nspare > 0)
		return profile->spare[--profile->nspare];
	return calloc(hostset_words(profile->hosts), sizeof(netemu_hostset));
}

static void put_set(struct profile *profile, netemu_hostset *set)
{
	if (profile->nspare == profile->spare_room) {
		size_t room = 2 * profile->spare_room + 16;
		netemu_hostset **spare = reallocarray(profile->spare, room, sizeof(*spare));

		if (!spare) {
			free(set);
			return;
		}
		profile->spare = spare;
		profile->spare_room = room;
	}
	profile->spare[profile->nspare++] = set;
}

/* Make a place for a piece before the one at I. */
static int open_place(struct profile *profile, size_t i)
{
	if (profile->count == profile->room) {
		size_t room = 2 * profile->room + 16;
		struct profile_piece *piece = reallocarray(profile->piece, room, sizeof(*piece));

		if (!piece)
			return -1;
		profile->piece = piece;
		profile->room = room;
	}
	memmove(profile->piece + i + 1, profile->piece + i,
		(profile->count - i) * sizeof(*profile->piece));
	profile->count++;
	return 0;
}

static void remove_pieces(struct profile *profile, size_t first, size_t count)
{
	if (count == 0)
		return;
	for (size_t i = first; i < first + count; i++)
		put_set(profile, profile->piece[i].free);
	memmove(profile->piece + first, profile->piece + first + count,
		(profile->count - first - count) * sizeof(*profile->piece));
	profile->count -= count;
}

/* The first piece that begins at TIME or after it. */
static size_t find_piece(const struct profile *profile, int64_t time)
{
	size_t low = 0, high = profile->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (profile->piece[middle].time < time)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Have a piece begin at TIME.  Returns its index. */
static size_t cut(struct profile *profile, int64_t time)
{
	size_t i = find_piece(profile, time);
	netemu_hostset *set;

	if (i == 0 || (i < profile->count && profile->piece[i].time == time))
		return i;
	set = get_set(profile);
	if (!set || open_place(profile, i) < 0) {
		free(set);
		profile->failed = true;
		return i;
	}
	hostset_copy(set, profile->piece[i - 1].free, profile->hosts);
	profile->piece[i] = profile->piece[i - 1];
	profile->piece[i].free = set;
	profile->piece[i].time = time;
	return i;
}

/* The piece at I is as the one before it. */
static void join(struct profile *profile, size_t i)
{
	const struct profile_piece *piece = &profile->piece[i];

	if (i > 0 && i < profile->count && piece[0].count == piece[-1].count &&
	    piece[0].licences == piece[-1].licences &&
	    memcmp(piece[0].free, piece[-1].free,
		   hostset_words(profile->hosts) * sizeof(netemu_hostset)) == 0)
		remove_pieces(profile, i, 1);
}

/* --- the whole --- */

int profile_init(struct profile *profile, uint32_t hosts)
{
	*profile = (struct profile){ .hosts = hosts };
	profile_clear(profile, INT64_MIN, UINT64_MAX);
	if (!profile->failed)
		return 0;
	profile_release(profile);
	return -1;
}

void profile_release(struct profile *profile)
{
	for (size_t i = 0; i < profile->count; i++)
		free(profile->piece[i].free);
	for (size_t i = 0; i < profile->nspare; i++)
		free(profile->spare[i]);
	free(profile->piece);
	free(profile->spare);
	*profile = (struct profile){ 0 };
}

void profile_clear(struct profile *profile, int64_t now, uint64_t licences)
{
	netemu_hostset *set;

	remove_pieces(profile, 0, profile->count);
	set = get_set(profile);
	if (!set || open_place(profile, 0) < 0) {
		free(set);
		profile->failed = true;
		return;
	}
	hostset_fill(set, profile->hosts);
	profile->piece[0] = (struct profile_piece){ now, licences, set, profile->hosts };
}

void profile_advance(struct profile *profile, int64_t now)
{
	size_t i = 0;

	while (i + 1 < profile->count && profile->piece[i + 1].time <= now)
		i++;
	remove_pieces(profile, 0, i);
	profile->piece[0].time = now;
}

static size_t end_piece(struct profile *profile, int64_t to)
{
	return to == NETEMU_NEVER ? profile->count : cut(profile, to);
}

void profile_take(struct profile *profile, const uint32_t *hosts, uint32_t count, uint64_t licences,
		  int64_t from, int64_t to)
{
	size_t first, end;

	if (from >= to)
		return;
	first = cut(profile, from);
	end = end_piece(profile, to);
	for (size_t i = first; i < end && !profile->failed; i++) {
		struct profile_piece *piece = &profile->piece[i];

		for (uint32_t k = 0; k < count; k++) {
			piece->count -= hostset_has(piece->free, hosts[k]);
			hostset_remove(piece->free, hosts[k]);
		}
		if (piece->licences != UINT64_MAX)
			piece->licences -= licences < piece->licences ? licences : piece->licences;
	}
}

void profile_give(struct profile *profile, const uint32_t *hosts, uint32_t count, uint64_t licences,
		  int64_t from, int64_t to)
{
	size_t first, end;

	if (from >= to)
		return;
	first = cut(profile, from);
	end = end_piece(profile, to);
	for (size_t i = first; i < end && !profile->failed; i++) {
		struct profile_piece *piece = &profile->piece[i];

		for (uint32_t k = 0; k < count; k++) {
			piece->count += !hostset_has(piece->free, hosts[k]);
			hostset_add(piece->free, hosts[k]);
		}
		if (piece->licences != UINT64_MAX)
			piece->licences += licences;
	}
	join(profile, end);
	join(profile, first);
}

/* The first piece of those in which JOB would run, begun at I, that has not
 * enough; *END is the piece behind the last of them.
 */
static size_t obstacle(const struct profile *profile, const struct netemu_job *job, uint32_t need,
		       size_t i, size_t *end)
{
	int64_t until = netemu_job_end_from(job, profile->piece[i].time);
	size_t k = i;

	do {
		if (profile->piece[k].count < need ||
		    profile->piece[k].licences < job->want[NETEMU_LICENCES])
			return k;
		k++;
	} while (k < profile->count && profile->piece[k].time < until);
	*end = k;
	return SIZE_MAX;
}

/* The hosts that are free in all pieces from FIRST to before END into SET.
 * Returns how many; counting takes longer than all else, so it is done once.
 */
static uint32_t intersect(const struct profile *profile, size_t first, size_t end,
			  netemu_hostset *set)
{
	size_t words = hostset_words(profile->hosts);

	hostset_copy(set, profile->piece[first].free, profile->hosts);
	for (size_t i = first + 1; i < end; i++) {
		const netemu_hostset *free = profile->piece[i].free;
		netemu_hostset any = 0;

		for (size_t w = 0; w < words; w++)
			any |= set[w] &= free[w];
		if (!any)
			return 0;
	}
	return hostset_count(set, profile->hosts);
}

int64_t profile_find(const struct profile *profile, const struct netemu_job *job, uint32_t need,
		     size_t *first, netemu_hostset *set)
{
	size_t end = 0;

	for (size_t i = *first; i < profile->count; i++) {
		size_t bad = obstacle(profile, job, need, i, &end);

		if (bad != SIZE_MAX) {
			i = bad;
			continue;
		}
		if (intersect(profile, i, end, set) < need)
			continue;
		*first = i;
		return profile->piece[i].time;
	}
	return NETEMU_NEVER;
}
