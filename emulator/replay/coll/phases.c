/* SPDX-License-Identifier: Apache-2.0 */
/* Through which phases a collective goes, and about what each of them is. */
#include "coll/work.h"

#include <stdlib.h>
#include <string.h>

/* A dimension that is used: of more than one rank and involved. */
struct axis {
	uint32_t level, n, place;
	uint32_t world;  /* stride of ranks */
	uint32_t stride; /* stride in the grid of those that take part */
};

struct grid {
	struct axis axes[SYSTEM_DIMS];
	uint32_t count, n, me;
	uint32_t base; /* rank of place 0 */
};

uint32_t members_rank(const struct members *members, uint32_t place)
{
	return members->ranks ? members->ranks[place] : members->base + place * members->stride;
}

/* --- who takes part --- */

static void find_grid(const struct work *work, struct grid *grid)
{
	const struct dims *dims = work->owner->settings->dims;
	uint32_t rank = work->owner->net->rank, world = 1, d;

	*grid = (struct grid){ .n = 1, .base = rank };
	for (d = 0; d < dims->count; d++) {
		uint32_t n = dims->size[d], place = rank / world % n;

		if (n > 1 && work->collective->dims >> d & 1) {
			grid->axes[grid->count++] = (struct axis){ d, n, place, world, grid->n };
			grid->me += place * grid->n;
			grid->base -= place * world;
			grid->n *= n;
		}
		world *= n;
	}
}

static uint32_t grid_rank(const struct grid *grid, uint32_t place)
{
	uint32_t rank = grid->base, i;

	for (i = 0; i < grid->count; i++)
		rank += place / grid->axes[i].stride % grid->axes[i].n * grid->axes[i].world;
	return rank;
}

/* Where RANK, or the one with its places in the dimensions of the grid, is in it. */
static uint32_t grid_place(const struct grid *grid, uint32_t rank)
{
	uint32_t place = 0, i;

	for (i = 0; i < grid->count; i++)
		place += rank / grid->axes[i].world % grid->axes[i].n * grid->axes[i].stride;
	return place;
}

/* Is the grid one step in ranks from place to place? */
static bool is_even(const struct grid *grid)
{
	const struct axis *axes = grid->axes;
	uint32_t i;

	for (i = 1; i < grid->count; i++)
		if (axes[i].world != axes[i - 1].world * axes[i - 1].n)
			return false;
	return true;
}

static int set_all(struct work *work, const struct grid *grid, struct err *err)
{
	uint32_t place;

	work->n = grid->n;
	work->me = grid->me;
	work->root = grid_place(grid, work->collective->root);
	work->all = (struct members){ .n = grid->n, .me = grid->me, .base = grid->base };
	work->all.stride = grid->count ? grid->axes[0].world : 1;
	if (is_even(grid))
		return 0;
	work->ranks = malloc(grid->n * sizeof(*work->ranks));
	if (!work->ranks)
		return err_errno(err, "no room for %u ranks", grid->n);
	for (place = 0; place < grid->n; place++)
		work->ranks[place] = grid_rank(grid, place);
	work->all.ranks = work->ranks;
	return 0;
}

static int set_group(struct work *work, struct err *err)
{
	const struct group *group = work->collective->group;
	uint32_t place, rank = work->owner->net->rank;

	for (place = 0; place < group->count && group->ranks[place] != rank; place++)
		;
	if (place == group->count)
		return err_set(err, "rank %u is not in group %llu", rank,
			       (unsigned long long)group->id);
	work->n = group->count;
	work->me = place;
	work->root = work->collective->root;
	work->all = (struct members){ .n = work->n, .me = place, .ranks = group->ranks };
	return 0;
}

/* --- algorithms --- */

static uint32_t configured(const struct work *work, const struct algorithm **list)
{
	const struct system *system = work->owner->settings->system;

	switch (work->collective->coll) {
	case COLL_ALL_GATHER:
		*list = system->all_gather;
		return system->all_gather_count;
	case COLL_REDUCE_SCATTER:
		*list = system->reduce_scatter;
		return system->reduce_scatter_count;
	case COLL_ALL_TO_ALL:
		*list = system->all_to_all;
		return system->all_to_all_count;
	default:
		*list = system->all_reduce;
		return system->all_reduce_count;
	}
}

static struct algorithm algorithm_of(const struct work *work, uint32_t level)
{
	static const struct algorithm ring;
	const struct algorithm *list;
	uint32_t count = configured(work, &list);

	if (!count)
		return ring;
	return list[level < count ? level : count - 1];
}

/* Of a phase among all: gather and scatter pass nothing on, sizes that others do not
 * know cannot be; a group uses what is configured when that is one.
 */
static struct algorithm algorithm_of_all(const struct work *work, bool is_group)
{
	static const struct algorithm ring, direct = { ALGORITHM_DIRECT, 0, false };
	enum coll coll = work->collective->coll;
	struct algorithm first = algorithm_of(work, 0);
	const struct algorithm *list;

	if (coll == COLL_GATHER || coll == COLL_SCATTER)
		return direct;
	if (work->own_sizes)
		return first.kind == ALGORITHM_DIRECT ? first : direct;
	return is_group && configured(work, &list) > 1 ? ring : first;
}

/* --- the list --- */

static struct phase *add_phase(struct work *work, enum coll coll, const struct axis *axis)
{
	struct phase *phase = &work->phases[work->phases_count];

	*phase = (struct phase){
		.coll = coll,
		.algorithm = algorithm_of(work, axis->level),
		.members = { .n = axis->n,
			     .me = axis->place,
			     .base = work->owner->net->rank - axis->place * axis->world,
			     .stride = axis->world },
		.level = axis->level,
		.low = work->me % axis->stride,
		.stride = axis->stride,
		.within = work->phases_count,
	};
	work->phases_count++;
	return phase;
}

static void add_flat(struct work *work, struct algorithm algorithm)
{
	if (work->n < 2)
		return;
	work->phases[work->phases_count++] = (struct phase){
		.coll = work->collective->coll,
		.algorithm = algorithm,
		.members = work->all,
		.stride = 1,
	};
}

/* Scatter upwards, reduce in the last dimension, gather downwards, the other way around. */
static void add_local_bw_aware(struct work *work, const struct grid *grid)
{
	struct phase *phase;
	uint32_t i;

	for (i = 0; i + 1 < grid->count; i++)
		add_phase(work, COLL_REDUCE_SCATTER, &grid->axes[i]);
	add_phase(work, COLL_ALL_REDUCE, &grid->axes[i]);
	while (i-- > 0) {
		phase = add_phase(work, COLL_ALL_GATHER, &grid->axes[i]);
		phase->within = i;
		phase->second_half = true;
	}
}

static void add_each(struct work *work, const struct grid *grid)
{
	enum coll coll = work->collective->coll;
	uint32_t i;

	for (i = 0; i < grid->count; i++)
		add_phase(work, coll,
			  &grid->axes[coll == COLL_ALL_GATHER ? grid->count - 1 - i : i]);
}

static bool by_dimension(const struct work *work, const struct grid *grid)
{
	return work->collective->coll <= COLL_ALL_TO_ALL && !work->own_sizes && grid->count &&
	       !algorithm_of(work, grid->axes[0].level).flat;
}

int phases_build(struct work *work, struct err *err)
{
	const struct system *system = work->owner->settings->system;
	const struct group *group = work->collective->group;
	bool is_group = group && group->count < work->owner->net->size;
	struct grid grid;

	work->phases_count = 0;
	if (work->collective->root >= (is_group ? group->count : work->owner->net->size))
		return err_set(err, "%s from or to rank %u of a group of %u",
			       coll_name(work->collective->coll), work->collective->root,
			       is_group ? group->count : work->owner->net->size);
	if (is_group) {
		if (set_group(work, err) < 0)
			return -1;
		add_flat(work, algorithm_of_all(work, true));
		return 0;
	}
	find_grid(work, &grid);
	if (set_all(work, &grid, err) < 0)
		return -1;
	if (!by_dimension(work, &grid))
		add_flat(work, algorithm_of_all(work, false));
	else if (work->collective->coll == COLL_ALL_REDUCE && system->local_bw_aware)
		add_local_bw_aware(work, &grid);
	else
		add_each(work, &grid);
	return 0;
}

/* --- queues --- */

/* An all-reduce uses the first half of the queues for all but its gathers, the others all in
 * turn; in the second half rings go backwards.
 */
uint32_t phases_queue(const struct work *work, uint32_t chunk, uint32_t p, bool *backwards)
{
	const struct phase *phase = &work->phases[p];
	uint32_t q = work->owner->queues_per_dim, half = q / 2, queue;

	if (work->collective->coll != COLL_ALL_REDUCE) {
		queue = chunk % q;
		*backwards = q > 1 && queue >= half;
	} else if (q == 1) {
		queue = 0;
		*backwards = phase->second_half;
	} else {
		queue = phase->second_half ? half + chunk % (q - half) : chunk % half;
		*backwards = phase->second_half;
	}
	return phase->level * q + queue;
}

/* --- regions --- */

/* The I-th of N parts. */
static void shrink(struct region *region, uint64_t i, uint64_t n)
{
	uint64_t from = plan_fraction(region->total, i, n);

	region->total = plan_fraction(region->total, i + 1, n) - from;
	region->offset += from;
}

static bool is_sharded(enum coll coll)
{
	return coll == COLL_ALL_GATHER || coll == COLL_REDUCE_SCATTER || coll == COLL_ALL_TO_ALL ||
	       coll == COLL_GATHER || coll == COLL_SCATTER;
}

void phases_region(const struct chunk *chunk, uint32_t part, uint32_t parts, struct region *region)
{
	const struct work *work = chunk->work;
	const struct phase *phase = &work->phases[chunk->phase];
	uint32_t p;

	*region = (struct region){ .total = work->vector };
	if (is_sharded(work->collective->coll)) {
		region->shards = work->n;
		region->low = phase->low;
		region->stride = phase->stride;
		region->chunk = chunk->number;
		region->chunks = work->chunks_count;
		if (phase->coll == COLL_ALL_TO_ALL)
			region->copies = phase->stride;
		return;
	}
	shrink(region, chunk->number, work->chunks_count);
	for (p = 0; p < phase->within; p++)
		if (work->phases[p].coll == COLL_REDUCE_SCATTER)
			shrink(region, work->phases[p].members.me, work->phases[p].members.n);
	region->chunk = part;
	region->chunks = parts;
}

uint64_t phases_length(const struct phase *phase, uint64_t length)
{
	if (phase->coll == COLL_REDUCE_SCATTER)
		return length / phase->members.n;
	return phase->coll == COLL_ALL_GATHER ? length * phase->members.n : length;
}
