/* SPDX-License-Identifier: Apache-2.0 */
#include "jobs/fold.h"
#include "jobs/traffic.h"
#include "random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct traffic *traffic_share(struct traffic *traffic)
{
	if (traffic)
		traffic->users++;
	return traffic;
}

static void drop_parts(struct traffic_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(parts[i].name);
		free(parts[i].pairs);
	}
	free(parts);
}

void traffic_drop(struct traffic *traffic)
{
	if (!traffic || --traffic->users)
		return;
	drop_parts(traffic->ops, traffic->nops);
	drop_parts(traffic->windows, traffic->nwindows);
	free(traffic->pairs);
	free(traffic->sorted);
	free(traffic->name);
	free(traffic);
}

/* --- in order --- */

static int by_ranks(const void *a, const void *b)
{
	const struct netemu_rank_pair *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

const struct netemu_rank_pair *traffic_sort(const struct netemu_rank_pair *pairs, size_t npairs,
					    struct netemu_rank_pair **sorted)
{
	size_t i = 1;

	while (i < npairs && by_ranks(&pairs[i - 1], &pairs[i]) <= 0)
		i++;
	if (i >= npairs)
		return pairs;
	*sorted = malloc(npairs * sizeof(**sorted));
	if (!*sorted)
		return NULL;
	memcpy(*sorted, pairs, npairs * sizeof(**sorted));
	qsort(*sorted, npairs, sizeof(**sorted), by_ranks);
	return *sorted;
}

const struct netemu_rank_pair *traffic_sorted(struct traffic *traffic)
{
	static const struct netemu_rank_pair none;

	if (!traffic->npairs)
		return &none;
	if (traffic->sorted)
		return traffic->sorted;
	return traffic_sort(traffic->pairs, traffic->npairs, &traffic->sorted);
}

/* --- patterns --- */

/* What a pattern is made of; to[] of one rank is ascending, without the rank. */
#define FANOUT 6

struct pattern {
	uint32_t ranks;
	uint64_t number;  /* shift, base, seed */
	uint32_t dim[3];  /* of the grid, descending */
	uint32_t *target; /* random: by rank; owned */
};

/* Add TO to the COUNT ascending LIST unless it is SELF or there.  Returns the
 * new count.
 */
static uint32_t put(uint32_t *list, uint32_t count, uint32_t self, uint32_t to)
{
	uint32_t at = count;

	if (to == self)
		return count;
	while (at > 0 && list[at - 1] > to)
		at--;
	if (at > 0 && list[at - 1] == to)
		return count;
	memmove(list + at + 1, list + at, (count - at) * sizeof(*list));
	list[at] = to;
	return count + 1;
}

static uint32_t shift_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	return put(to, 0, rank, (uint32_t)((rank + pattern->number) % pattern->ranks));
}

static uint32_t grid_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	uint64_t stride = 1; /* of the dimension; the last one is dense */
	uint32_t count = 0;

	for (int d = 2; d >= 0; d--) {
		uint32_t size = pattern->dim[d];
		uint32_t x = (uint32_t)(rank / stride % size);
		uint64_t base = rank - x * stride;

		count = put(to, count, rank, (uint32_t)(base + (x + 1ull) % size * stride));
		count = put(to, count, rank, (uint32_t)(base + (x + size - 1ull) % size * stride));
		stride *= size;
	}
	return count;
}

static uint32_t tree_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	uint32_t count = 0;

	if (rank)
		count = put(to, count, rank, (rank - 1) / 2);
	for (uint64_t child = 2 * (uint64_t)rank + 1; child <= 2 * (uint64_t)rank + 2; child++)
		if (child < pattern->ranks)
			count = put(to, count, rank, (uint32_t)child);
	return count;
}

static uint32_t complement_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	return put(to, 0, rank, pattern->ranks - 1 - rank);
}

static uint32_t reversal_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	uint64_t reversed = 0;
	uint32_t rest = rank;

	for (uint64_t size = 1; size < pattern->ranks; size *= pattern->number) {
		reversed = reversed * pattern->number + rest % pattern->number;
		rest /= (uint32_t)pattern->number;
	}
	return put(to, 0, rank, (uint32_t)reversed);
}

static uint32_t transpose_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	uint32_t rows = pattern->dim[1], columns = pattern->dim[2];

	return put(to, 0, rank, rank % columns * rows + rank / columns);
}

static uint32_t random_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	return put(to, 0, rank, pattern->target[rank]);
}

static uint32_t none_to(const struct pattern *pattern, uint32_t rank, uint32_t *to)
{
	(void)pattern;
	(void)rank;
	(void)to;
	return 0;
}

/* The two factors of COUNT that are nearest to each other into DIM[1] >= DIM[2]. */
static void factor_2d(uint32_t count, uint32_t *dim)
{
	dim[0] = 1;
	for (uint32_t b = 1; (uint64_t)b * b <= count; b++)
		if (count % b == 0) {
			dim[1] = count / b;
			dim[2] = b;
		}
}

/* Three factors of COUNT with the least sum, then the least largest one. */
static void factor_3d(uint32_t count, uint32_t *dim)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t c = 1; (uint64_t)c * c * c <= count; c++) {
		uint32_t two[3] = { 1, 1, 1 };

		if (count % c)
			continue;
		factor_2d(count / c, two);
		if (two[2] < c)
			continue; /* found with the smaller one as c */
		if ((uint64_t)two[1] + two[2] + c > best ||
		    ((uint64_t)two[1] + two[2] + c == best && two[1] >= dim[0]))
			continue;
		best = (uint64_t)two[1] + two[2] + c;
		dim[0] = two[1];
		dim[1] = two[2];
		dim[2] = c;
	}
}

static int number_of(const char *name, const char *text, uint64_t *number, struct err *err)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return err_set(err, "pattern '%s': '%s' is not a number", name, text);
	return 0;
}

static int set_shift(struct pattern *pattern, const char *name, const char *text, struct err *err)
{
	if (number_of(name, text, &pattern->number, err) < 0)
		return -1;
	pattern->number %= pattern->ranks;
	return 0;
}

static int set_ring(struct pattern *pattern, const char *name, const char *text, struct err *err)
{
	(void)name;
	(void)text;
	(void)err;
	pattern->number = 1;
	return 0;
}

static int set_half(struct pattern *pattern, const char *name, const char *text, struct err *err)
{
	(void)name;
	(void)text;
	(void)err;
	pattern->number = pattern->ranks / 2;
	return 0;
}

static int set_2d(struct pattern *pattern, const char *name, const char *text, struct err *err)
{
	(void)name;
	(void)text;
	(void)err;
	factor_2d(pattern->ranks, pattern->dim);
	return 0;
}

static int set_3d(struct pattern *pattern, const char *name, const char *text, struct err *err)
{
	(void)name;
	(void)text;
	(void)err;
	factor_3d(pattern->ranks, pattern->dim);
	return 0;
}

static int set_reversal(struct pattern *pattern, const char *name, const char *text,
			struct err *err)
{
	uint64_t size = 1;

	if (number_of(name, text, &pattern->number, err) < 0)
		return -1;
	if (pattern->number < 2 || pattern->number > UINT32_MAX)
		return err_set(err, "pattern '%s': the base is at least 2", name);
	while (size < pattern->ranks)
		size *= pattern->number;
	if (size != pattern->ranks)
		return err_set(err, "pattern '%s': %u ranks are no power of %s", name,
			       pattern->ranks, text);
	return 0;
}

static int set_random(struct pattern *pattern, const char *name, const char *text, struct err *err)
{
	struct random random;
	uint64_t seed;

	if (number_of(name, text, &seed, err) < 0)
		return -1;
	pattern->target = malloc(pattern->ranks * sizeof(*pattern->target));
	if (!pattern->target)
		return err_errno(err, "pattern '%s'", name);
	for (uint32_t rank = 0; rank < pattern->ranks; rank++)
		pattern->target[rank] = rank;
	random_init(&random, seed, "pattern", 0);
	random_shuffle(&random, pattern->target, pattern->ranks);
	return 0;
}

/* Names that end in ':' take what follows. */
static const struct kind {
	const char *name;
	uint32_t (*to)(const struct pattern *pattern, uint32_t rank, uint32_t *to);
	int (*set)(struct pattern *pattern, const char *name, const char *text, struct err *err);
} kinds[] = {
	{ "all-to-all", NULL, NULL },
	{ "ring", shift_to, set_ring },
	{ "shift:", shift_to, set_shift },
	{ "nn2d", grid_to, set_2d },
	{ "nn3d", grid_to, set_3d },
	{ "tree", tree_to, NULL },
	{ "permutation:complement", complement_to, NULL },
	{ "permutation:half", shift_to, set_half },
	{ "permutation:reversal:", reversal_to, set_reversal },
	{ "permutation:transpose", transpose_to, set_2d },
	{ "random:", random_to, set_random },
	{ "none", none_to, NULL },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static const struct kind *kind_of(const char *name, const char **rest)
{
	for (size_t i = 0; i < KINDS; i++) {
		size_t length = strlen(kinds[i].name);

		if (strncmp(name, kinds[i].name, length))
			continue;
		*rest = name + length;
		if (kinds[i].name[length - 1] == ':' || !**rest)
			return &kinds[i];
	}
	return NULL;
}

static int unknown(const char *name, struct err *err)
{
	return err_set(err,
		       "'%s' is no pattern (all-to-all, ring, shift:S, nn2d, nn3d, tree, "
		       "permutation:complement, :half, :reversal:K, :transpose, random:SEED, none)",
		       name);
}

/* All pairs of PATTERN, counted first. */
static int fill(struct traffic *traffic, const struct kind *kind, const struct pattern *pattern,
		uint64_t bytes)
{
	struct netemu_rank_pair *pair;
	uint32_t to[FANOUT];
	size_t count = 0;

	for (uint32_t rank = 0; rank < pattern->ranks; rank++)
		count += kind->to(pattern, rank, to);
	pair = malloc((count + 1) * sizeof(*pair));
	if (!pair)
		return -1;
	traffic->pairs = pair;
	traffic->npairs = count;
	for (uint32_t rank = 0; rank < pattern->ranks; rank++) {
		uint32_t fanout = kind->to(pattern, rank, to);

		for (uint32_t i = 0; i < fanout; i++)
			*pair++ = (struct netemu_rank_pair){
				.from = rank,
				.to = to[i],
				.bytes = bytes,
				.messages = 1,
			};
	}
	return 0;
}

int traffic_pattern(struct traffic **traffic, const char *name, uint32_t ranks, uint64_t bytes,
		    struct err *err)
{
	const char *rest = NULL;
	const struct kind *kind = kind_of(name, &rest);
	struct pattern pattern = { .ranks = ranks, .dim = { 1, 1, 1 } };
	struct traffic *made;

	if (!kind)
		return unknown(name, err);
	if (!ranks)
		return err_set(err, "pattern '%s': no ranks", name);
	if (kind->set && kind->set(&pattern, name, rest, err) < 0)
		return -1;
	made = calloc(1, sizeof(*made));
	if (made)
		*made = (struct traffic){
			.name = strdup(name),
			.ranks = ranks,
			.uniform = !kind->to,
			.bytes = kind->to ? 0 : bytes,
			.users = 1,
		};
	if (!made || !made->name || (kind->to && fill(made, kind, &pattern, bytes) < 0)) {
		err_errno(err, "pattern '%s'", name);
		traffic_drop(made);
		free(pattern.target);
		return -1;
	}
	free(pattern.target);
	*traffic = made;
	return 0;
}

/* --- from ranks to hosts --- */

/* Where the pair of hosts (from, to) stands in `pairs`: 1 + its index, in a table
 * of destinations when all pairs from a host stand together, else in a table of
 * all pairs when that is small, else in a hash table when there are few pairs for
 * their hosts, else by sorting.
 */
struct fold {
	uint64_t hosts;
	enum { FOLD_GROUPED, FOLD_DIRECT, FOLD_HASHED, FOLD_SORTED } way;
	uint32_t *slot;            /* owned */
	size_t slots;              /* hashed: a power of 2 */
	int shift;                 /* 64 - log2(slots) */
	uint32_t from;             /* grouped: the host that is looked at */
	uint32_t start;            /* slots up to it are empty: of earlier hosts */
	struct netemu_pair *pairs; /* owned */
	size_t count, room;
};

#define DIRECT_MAX ((uint64_t)1 << 25) /* entries of 4 bytes */
#define AHEAD      16                  /* pairs */

static size_t fold_hash(const struct fold *fold, uint32_t from, uint32_t to)
{
	return (size_t)(((from * fold->hosts + to) * 0x9e3779b97f4a7c15u) >> fold->shift);
}

/* Whether the pairs from each host stand together: 1, 0, or -1 with errno. */
static int is_grouped(const struct netemu_rank_pair *pairs, size_t npairs,
		      const uint32_t *placement, uint32_t hosts)
{
	bool *seen = calloc((size_t)hosts + 1, sizeof(*seen));
	uint32_t before = NETEMU_NONE;
	int grouped = 1;

	if (!seen)
		return -1;
	for (size_t i = 0; grouped && i < npairs; i++) {
		uint32_t from = placement[pairs[i].from];

		if (from == before)
			continue;
		grouped = !seen[from];
		seen[from] = true;
		before = from;
	}
	free(seen);
	return grouped;
}

static int fold_init(struct fold *fold, const struct netemu_rank_pair *pairs, size_t npairs,
		     const uint32_t *placement, uint32_t hosts)
{
	uint64_t all = (uint64_t)hosts * hosts;
	int grouped = is_grouped(pairs, npairs, placement, hosts);

	*fold = (struct fold){ .hosts = hosts, .shift = 64 - 12, .slots = 1 << 12 };
	fold->way = FOLD_HASHED;
	fold->from = NETEMU_NONE;
	if (grouped > 0) {
		fold->way = FOLD_GROUPED;
		fold->slots = hosts;
	} else if (all <= DIRECT_MAX && all / 8 <= npairs + 8192) {
		fold->way = FOLD_DIRECT;
		fold->slots = (size_t)all;
	} else if (grouped == 0 && hosts / 4 <= npairs && npairs <= FOLD_SORTED_MAX) {
		fold->way = FOLD_SORTED;
		return 0;
	}
	if (grouped >= 0)
		fold->slot = calloc(fold->slots + 1, sizeof(*fold->slot));
	return fold->slot ? 0 : -1;
}

/* The slot of pair FROM, TO is soon looked at. */
static void fold_expect(const struct fold *fold, uint32_t from, uint32_t to)
{
	if (fold->way == FOLD_HASHED)
		__builtin_prefetch(&fold->slot[fold_hash(fold, from, to)], 1);
}

/* Four times as many slots. */
static int fold_rehash(struct fold *fold)
{
	uint32_t *slot = calloc(4 * fold->slots, sizeof(*slot));

	if (!slot)
		return -1;
	free(fold->slot);
	fold->slot = slot;
	fold->slots *= 4;
	fold->shift -= 2;
	for (size_t i = 0; i < fold->count; i++) {
		if (i + AHEAD < fold->count)
			fold_expect(fold, fold->pairs[i + AHEAD].from, fold->pairs[i + AHEAD].to);
		size_t at = fold_hash(fold, fold->pairs[i].from, fold->pairs[i].to);

		while (slot[at])
			at = (at + 1) & (fold->slots - 1);
		slot[at] = (uint32_t)i + 1;
	}
	return 0;
}

static int fold_grow(struct fold *fold)
{
	struct netemu_pair *pairs;

	if (fold->count >= UINT32_MAX - 1) {
		errno = ENOMEM;
		return -1;
	}
	if (fold->way == FOLD_HASHED && 2 * fold->count >= fold->slots && fold_rehash(fold) < 0)
		return -1;
	if (fold->count < fold->room)
		return 0;
	fold->room = fold->room ? 2 * fold->room : 1024;
	pairs = realloc(fold->pairs, fold->room * sizeof(*pairs));
	if (!pairs)
		return -1;
	fold->pairs = pairs;
	return 0;
}

static size_t fold_find(const struct fold *fold, uint32_t from, uint32_t to)
{
	size_t at;

	if (fold->way == FOLD_GROUPED)
		return to;
	if (fold->way == FOLD_DIRECT)
		return (size_t)(from * fold->hosts + to);
	at = fold_hash(fold, from, to);
	while (fold->slot[at] && (fold->pairs[fold->slot[at] - 1].from != from ||
				  fold->pairs[fold->slot[at] - 1].to != to))
		at = (at + 1) & (fold->slots - 1);
	return at;
}

static int fold_add(struct fold *fold, uint32_t from, uint32_t to, uint64_t bytes)
{
	size_t at = fold_find(fold, from, to);
	struct netemu_pair *pair;

	if (fold->way == FOLD_GROUPED && from != fold->from) {
		fold->from = from;
		fold->start = (uint32_t)fold->count;
	}
	if (fold->slot[at] <= fold->start) {
		if (fold_grow(fold) < 0)
			return -1;
		at = fold_find(fold, from, to);
		fold->pairs[fold->count++] = (struct netemu_pair){ .from = from, .to = to };
		fold->slot[at] = (uint32_t)fold->count;
	}
	pair = &fold->pairs[fold->slot[at] - 1];
	pair->bytes += bytes;
	pair->flows++;
	return 0;
}

ssize_t traffic_fold(const struct netemu_rank_pair *pairs, size_t npairs, const uint32_t *placement,
		     uint32_t hosts, struct netemu_pair **host_pairs)
{
	struct netemu_pair *fitting;
	struct fold fold;
	int rc = fold_init(&fold, pairs, npairs, placement, hosts);

	if (rc == 0 && fold.way == FOLD_SORTED)
		return fold_sorted(pairs, npairs, placement, hosts, host_pairs);
	for (size_t i = 0; rc == 0 && i < npairs; i++) {
		uint32_t from = placement[pairs[i].from], to = placement[pairs[i].to];

		if (i + AHEAD < npairs)
			fold_expect(&fold, placement[pairs[i + AHEAD].from],
				    placement[pairs[i + AHEAD].to]);
		if (from != to)
			rc = fold_add(&fold, from, to, pairs[i].bytes);
	}
	free(fold.slot);
	if (rc < 0) {
		free(fold.pairs);
		errno = ENOMEM;
		return -1;
	}
	fitting = realloc(fold.pairs, (fold.count + 1) * sizeof(*fitting));
	if (!fitting) {
		free(fold.pairs);
		errno = ENOMEM;
		return -1;
	}
	*host_pairs = fitting;
	return (ssize_t)fold.count;
}
