/* SPDX-License-Identifier: Apache-2.0 */
#include "coll/planops.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const algorithm_names[] = {
	[ALGORITHM_RING] = "ring",
	[ALGORITHM_DIRECT] = "direct",
	[ALGORITHM_HALVING_DOUBLING] = "halvingDoubling",
	[ALGORITHM_DOUBLE_BINARY_TREE] = "doubleBinaryTree",
};
#define ALGORITHMS (sizeof(algorithm_names) / sizeof(algorithm_names[0]))

static const struct plan_ops *const ops[ALGORITHMS][2] = {
	[ALGORITHM_RING] = { &plan_ring, &plan_ring_compat },
	[ALGORITHM_DIRECT] = { &plan_direct, &plan_direct_compat },
	[ALGORITHM_HALVING_DOUBLING] = { &plan_halving, &plan_halving_compat },
	[ALGORITHM_DOUBLE_BINARY_TREE] = { &plan_tree, &plan_tree_compat },
};

static const struct {
	const char *name;
	/* Factor of the bus: (n - 1) / n times so much, or, `whole`, just so much. */
	double factor;
	bool whole;
} colls[] = {
	[COLL_ALL_REDUCE] = { "all-reduce", 2, false },
	[COLL_ALL_GATHER] = { "all-gather", 1, false },
	[COLL_REDUCE_SCATTER] = { "reduce-scatter", 1, false },
	[COLL_ALL_TO_ALL] = { "all-to-all", 1, false },
	[COLL_BROADCAST] = { "broadcast", 1, true },
	[COLL_REDUCE] = { "reduce", 1, true },
	[COLL_GATHER] = { "gather", 1, false },
	[COLL_SCATTER] = { "scatter", 1, false },
	[COLL_BARRIER] = { "barrier", 0, true },
};

/* W of directW: 0 for nothing; -1 for what is no number. */
static int parse_window(const char *text, uint32_t *window)
{
	unsigned long value;
	char *end;

	*window = 0;
	if (!*text)
		return 0;
	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (*end || errno || !value || value > UINT32_MAX)
		return -1;
	*window = (uint32_t)value;
	return 0;
}

int algorithm_parse(struct algorithm *algorithm, const char *text, struct err *err)
{
	bool flat = strncmp(text, "one", 3) == 0;
	const char *name = flat ? text + 3 : text;
	uint32_t window = 0;
	size_t i, length;

	for (i = 0; i < ALGORITHMS; i++) {
		length = strlen(algorithm_names[i]);
		if (strncasecmp(name, algorithm_names[i], length) != 0)
			continue;
		if (i == ALGORITHM_DIRECT && parse_window(name + length, &window) < 0)
			continue;
		if (i != ALGORITHM_DIRECT && name[length])
			continue;
		*algorithm = (struct algorithm){ (enum algorithm_kind)i, window, flat };
		return 0;
	}
	return err_set(err,
		       "no algorithm '%s': there are ring, direct, direct<window>, "
		       "halvingDoubling, doubleBinaryTree, each also as oneRing, ...",
		       text);
}

void algorithm_format(const struct algorithm *algorithm, char *buf, size_t size)
{
	const char *name = algorithm_names[algorithm->kind];
	char window[16] = "";

	if (algorithm->window)
		snprintf(window, sizeof(window), "%u", algorithm->window);
	if (algorithm->flat)
		snprintf(buf, size, "one%c%s%s", toupper((unsigned char)name[0]), name + 1, window);
	else
		snprintf(buf, size, "%s%s", name, window);
}

double coll_bus_factor(enum coll coll, uint32_t n)
{
	if (colls[coll].whole || !n)
		return colls[coll].factor;
	return colls[coll].factor * (n - 1) / n;
}

const char *coll_name(enum coll coll)
{
	return colls[coll].name;
}

/* --- regions --- */

void region_shard(const struct region *region, uint32_t shards, uint32_t t, struct piece *piece)
{
	uint32_t chunks = region->chunks ? region->chunks : 1;
	uint64_t from = plan_fraction(region->total, t, shards);
	uint64_t bytes = plan_fraction(region->total, t + 1ull, shards) - from;
	uint64_t begin = plan_fraction(bytes, region->chunk, chunks);

	piece->at = region->offset + from + begin;
	piece->bytes = plan_fraction(bytes, region->chunk + 1ull, chunks) - begin;
}

static uint32_t shards_of(const struct plan *plan)
{
	return plan->region.shards ? plan->region.shards : plan->blocks;
}

static uint32_t stride_of(const struct plan *plan)
{
	return plan->region.stride ? plan->region.stride : 1;
}

static uint32_t block_at(const struct plan *plan, const struct step *step, uint64_t i)
{
	return (uint32_t)((step->first + i * step->stride) % plan->blocks);
}

/* Shards in a block. */
static uint32_t block_shards(const struct plan *plan)
{
	return shards_of(plan) / (stride_of(plan) * plan->blocks);
}

uint64_t plan_pieces(const struct plan *plan, const struct step *step)
{
	return (uint64_t)step->count * block_shards(plan);
}

void plan_piece(const struct plan *plan, const struct step *step, uint64_t i, struct piece *piece)
{
	uint32_t each = block_shards(plan), stride = stride_of(plan);
	uint64_t t = plan->region.low + (uint64_t)block_at(plan, step, i / each) * stride +
		     i % each * stride * plan->blocks;

	region_shard(&plan->region, shards_of(plan), (uint32_t)t, piece);
}

/* With own sizes block B is the region's chunk of sizes[B]. */
static uint64_t own_size(const struct plan *plan, uint32_t block)
{
	struct region region = plan->region;
	struct piece piece;

	region.total = (uint64_t)plan->sizes[block];
	region_shard(&region, 1, 0, &piece);
	return piece.bytes;
}

/* Of SHARDS shards of BYTES each. */
static uint64_t equal_shards(const struct plan *plan, uint64_t bytes, uint64_t shards)
{
	struct region region = plan->region;
	struct piece piece;

	region.total = bytes;
	region_shard(&region, 1, 0, &piece);
	return piece.bytes * shards;
}

/* Shards [FROM, TO): some have a byte more than others, it does not matter which. */
static uint64_t neighbours(const struct plan *plan, uint64_t from, uint64_t to)
{
	uint64_t total = plan->region.total, n = shards_of(plan), least = total / n;
	uint64_t longer =
		plan_fraction(total, to, n) - plan_fraction(total, from, n) - (to - from) * least;

	return equal_shards(plan, least + 1, longer) +
	       equal_shards(plan, least, to - from - longer);
}

/* Blocks of one shard each that are side by side, in either direction, around the end. */
static bool are_neighbours(const struct plan *plan, const struct step *step)
{
	return step->count > 2 && shards_of(plan) == plan->blocks &&
	       (step->stride == 1 || step->stride == plan->blocks - 1);
}

static uint64_t bytes_of_neighbours(const struct plan *plan, const struct step *step)
{
	uint64_t from = step->first, to;

	if (step->stride != 1)
		from = block_at(plan, step, step->count - 1);
	to = from + step->count;
	if (to <= plan->blocks)
		return neighbours(plan, from, to);
	return neighbours(plan, from, plan->blocks) + neighbours(plan, 0, to - plan->blocks);
}

static uint64_t bytes_of(const struct plan *plan, const struct step *step)
{
	uint64_t i, pieces = plan_pieces(plan, step), bytes = 0;
	struct piece piece;

	if (plan->sizes) {
		for (i = 0; i < step->count; i++)
			bytes += own_size(plan, block_at(plan, step, i));
		return bytes;
	}
	if (pieces && plan->region.total % shards_of(plan) == 0) {
		plan_piece(plan, step, 0, &piece);
		return piece.bytes * pieces;
	}
	if (are_neighbours(plan, step))
		return bytes_of_neighbours(plan, step);
	for (i = 0; i < pieces; i++) {
		plan_piece(plan, step, i, &piece);
		bytes += piece.bytes;
	}
	return bytes;
}

void step_blocks(const struct plan *plan, struct step *step, uint32_t first, uint32_t stride,
		 uint32_t count)
{
	uint32_t copies = plan->region.copies ? plan->region.copies : 1;

	step->first = first;
	step->stride = stride;
	step->count = count;
	step->bytes = bytes_of(plan, step) * copies;
}

/* --- plans --- */

uint32_t plan_place(const struct plan *plan, uint32_t place, int64_t d)
{
	int64_t n = plan->n;

	if (plan->backwards)
		d = -d;
	return (uint32_t)((place + d + 2 * n) % n);
}

int plan_cannot(const struct plan *plan, struct err *err)
{
	return err_set(err, "%s cannot do %s", algorithm_names[plan->algorithm.kind],
		       coll_name(plan->coll));
}

uint32_t plan_parts(const struct algorithm *algorithm, enum coll coll, bool compat)
{
	return algorithm->kind == ALGORITHM_DOUBLE_BINARY_TREE && coll == COLL_ALL_REDUCE && !compat
		       ? 2
		       : 1;
}

static const struct plan_ops *ops_of(const struct plan *plan)
{
	if (plan->coll == COLL_BARRIER)
		return &plan_barrier;
	if (plan->coll >= COLL_BROADCAST)
		return &plan_rooted;
	return ops[plan->algorithm.kind][plan->compat];
}

int plan_init(struct plan *plan, struct err *err)
{
	plan->sends = plan->receives = 0;
	plan->blocks = 1;
	plan->ops = ops_of(plan);
	return plan->ops->init(plan, err);
}

void plan_send(const struct plan *plan, uint32_t k, struct step *step)
{
	*step = (struct step){ 0 };
	plan->ops->send(plan, k, step);
}

void plan_receive(const struct plan *plan, uint32_t k, struct step *step)
{
	*step = (struct step){ 0 };
	plan->ops->receive(plan, k, step);
}
