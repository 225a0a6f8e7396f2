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

static void note(struct profile_piece *piece, uint64_t given, uint64_t changed)
{
	piece->given = given > piece->given ? given : piece->given;
	piece->changed = changed > piece->changed ? changed : piece->changed;
}

/* The piece at I may be as the one before it. */
static void join(struct profile *profile, size_t i)
{
	const struct profile_piece *piece = &profile->piece[i];

	if (i > 0 && i < profile->count && piece[0].count == piece[-1].count &&
	    piece[0].licences == piece[-1].licences &&
	    memcmp(piece[0].free, piece[-1].free,
		   hostset_words(profile->hosts) * sizeof(netemu_hostset)) == 0) {
		note(&profile->piece[i - 1], piece->given, piece->changed);
		remove_pieces(profile, i, 1);
	}
}

/* --- the whole --- */

int profile_init(struct profile *profile, uint32_t hosts)
{
	*profile = (struct profile){ .hosts = hosts };
	profile->mask = calloc(hostset_words(hosts), sizeof(*profile->mask));
	profile->word = calloc(hostset_words(hosts), sizeof(*profile->word));
	profile->failed = !profile->mask || !profile->word;
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
	free(profile->mask);
	free(profile->word);
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
	profile->changes++;
	profile->piece[0] = (struct profile_piece){
		.time = now,
		.licences = licences,
		.free = set,
		.count = profile->hosts,
		.given = profile->changes,
		.changed = profile->changes,
	};
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

/* --- shares --- */

/* The words of a mask that are not empty. */
struct range {
	uint32_t first, end;
};

static struct range fill_mask(netemu_hostset *mask, const struct profile_share *share)
{
	struct range range = { UINT32_MAX, 0 };

	for (uint32_t k = 0; k < share->count; k++) {
		uint32_t word = share->hosts[k] / 64;

		hostset_add(mask, share->hosts[k]);
		range.first = word < range.first ? word : range.first;
		range.end = word + 1 > range.end ? word + 1 : range.end;
	}
	return range;
}

static void take_hosts(struct profile_piece *piece, const netemu_hostset *mask,
		       const struct range *range)
{
	for (uint32_t w = range->first; w < range->end; w++) {
		piece->count -= hostset_bits(piece->free[w] & mask[w]);
		piece->free[w] &= ~mask[w];
	}
}

static void give_hosts(struct profile_piece *piece, const netemu_hostset *mask,
		       const struct range *range)
{
	for (uint32_t w = range->first; w < range->end; w++) {
		piece->count += hostset_bits(mask[w] & ~piece->free[w]);
		piece->free[w] |= mask[w];
	}
}

static void take_licences(struct profile_piece *piece, uint64_t licences)
{
	if (piece->licences != UINT64_MAX)
		piece->licences -= licences < piece->licences ? licences : piece->licences;
}

static void give_licences(struct profile_piece *piece, uint64_t licences)
{
	if (piece->licences != UINT64_MAX)
		piece->licences += licences;
}

/* Returns the piece behind the last that has changed. */
static size_t move_share(struct profile *profile, const struct profile_share *share, bool give,
			 size_t *first)
{
	struct range range;
	size_t end;

	*first = cut(profile, share->from);
	end = end_piece(profile, share->to);
	if (profile->failed)
		return *first;
	range = fill_mask(profile->mask, share);
	for (size_t i = *first; i < end; i++) {
		(give ? give_hosts : take_hosts)(&profile->piece[i], profile->mask, &range);
		(give ? give_licences : take_licences)(&profile->piece[i], share->licences);
	}
	for (uint32_t w = range.first; w < range.end; w++)
		profile->mask[w] = 0;
	return end;
}

void profile_take(struct profile *profile, const struct profile_share *share)
{
	size_t first, end;

	if (share->from >= share->to)
		return;
	end = move_share(profile, share, false, &first);
	profile->changes++;
	for (size_t i = first; i < end; i++)
		note(&profile->piece[i], 0, profile->changes);
}

void profile_give(struct profile *profile, const struct profile_share *share)
{
	size_t first, end;

	if (share->from >= share->to)
		return;
	end = move_share(profile, share, true, &first);
	profile->changes++;
	for (size_t i = first; i < end; i++)
		note(&profile->piece[i], profile->changes, profile->changes);
	join(profile, end);
	join(profile, first);
}

void profile_lift(struct profile *profile, const struct profile_share *share)
{
	size_t first, end;

	if (share->from >= share->to)
		return;
	end = move_share(profile, share, true, &first);
	join(profile, end);
	join(profile, first);
}

void profile_put_back(struct profile *profile, const struct profile_share *share)
{
	size_t first;

	if (share->from < share->to)
		move_share(profile, share, false, &first);
}

void profile_leave(struct profile *profile, int64_t from, int64_t to)
{
	size_t i = find_piece(profile, from);

	if (from >= to)
		return;
	if (i > 0 && (i == profile->count || profile->piece[i].time > from))
		i--;
	profile->changes++;
	for (; i < profile->count && profile->piece[i].time < to; i++)
		note(&profile->piece[i], profile->changes, profile->changes);
}

/* --- searches --- */

bool profile_has_changed(const struct profile *profile, int64_t to, uint64_t changes)
{
	for (size_t i = 0; i < profile->count && profile->piece[i].time <= to; i++)
		if (profile->piece[i].changed > changes)
			return true;
	return false;
}

/* The piece behind the last one in which JOB runs when it begins with piece I. */
static size_t window_end(const struct profile *profile, const struct netemu_job *job, size_t i)
{
	size_t end = find_piece(profile, netemu_job_end_from(job, profile->piece[i].time));

	return end > i ? end : i + 1;
}

/* The last piece from I to before END that has not enough by itself, SIZE_MAX when
 * all have.
 */
static size_t obstacle(const struct profile *profile, const struct netemu_job *job, uint32_t need,
		       size_t i, size_t end)
{
	while (end-- > i)
		if (profile->piece[end].count < need ||
		    profile->piece[end].licences < job->want[NETEMU_LICENCES])
			return end;
	return SIZE_MAX;
}

/* SET and the numbers of its words that are not 0 become those of FREE. */
static uint32_t first_words(const struct profile *profile, const netemu_hostset *free,
			    netemu_hostset *set)
{
	uint32_t count = 0;

	for (uint32_t w = 0; w < hostset_words(profile->hosts); w++) {
		set[w] = free[w];
		profile->word[count] = w;
		count += set[w] != 0;
	}
	return count;
}

/* The hosts that are free in all pieces from I to before END into SET, from the
 * last piece on.  Returns SIZE_MAX, or the piece from which to END there are
 * less than NEED: a job that begins with it or before it, and lasts as long,
 * meets the same.
 */
static size_t intersect(const struct profile *profile, uint32_t need, size_t i, size_t end,
			netemu_hostset *set)
{
	uint32_t words = first_words(profile, profile->piece[--end].free, set);

	while (end-- > i) {
		const netemu_hostset *free = profile->piece[end].free;
		uint32_t left = 0, count = 0;

		for (uint32_t k = 0; k < words; k++) {
			uint32_t w = profile->word[k];

			set[w] &= free[w];
			count += hostset_bits(set[w]);
			profile->word[left] = w;
			left += set[w] != 0;
		}
		if (count < need)
			return end;
		words = left;
	}
	return SIZE_MAX;
}

/* Is JOB, begun at piece I, where KNOWN says that it may not?  *GIVEN is the first
 * piece from I on, or one before it, to which something has been given since.
 */
static bool is_ruled_out(const struct profile *profile, const struct netemu_job *job,
			 const struct profile_known *known, size_t i, size_t *given)
{
	if (profile->piece[i].time >= known->time)
		return false;
	*given = *given < i ? i : *given;
	while (*given < profile->count && profile->piece[*given].given <= known->changes)
		++*given;
	return *given == profile->count ||
	       (*given > i &&
		profile->piece[*given].time >= netemu_job_end_from(job, profile->piece[i].time));
}

/* Are the pieces from I to before END what they were? */
static bool is_known(const struct profile *profile, const struct profile_known *known, size_t i,
		     size_t end)
{
	if (profile->piece[i].time != known->time)
		return false;
	while (i < end && profile->piece[i].changed <= known->changes)
		i++;
	return i == end;
}

int64_t profile_find(const struct profile *profile, const struct netemu_job *job, uint32_t need,
		     struct profile_known *known, size_t *first, netemu_hostset *set)
{
	size_t given = 0;

	for (size_t i = *first; i < profile->count; i++) {
		size_t end, bad;

		if (is_ruled_out(profile, job, known, i, &given))
			continue;
		end = window_end(profile, job, i);
		bad = obstacle(profile, job, need, i, end);
		known->same = bad == SIZE_MAX && is_known(profile, known, i, end);
		if (bad == SIZE_MAX && !known->same)
			bad = intersect(profile, need, i, end, set);
		if (bad != SIZE_MAX) {
			i = bad;
			continue;
		}
		*first = i;
		return profile->piece[i].time;
	}
	return NETEMU_NEVER;
}
