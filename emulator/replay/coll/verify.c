/* SPDX-License-Identifier: Apache-2.0 */
/* Real contents: each rank's are a hash of its place and where they are, so that every
 * rank knows what must come out, without another message.
 *
 * A reduction adds bytes modulo 256.  An all-to-all has cells: as many as there are
 * ranks in the grid, by place, where the dimensions that are done tell the source and
 * the others the target.
 */
#include "coll/work.h"

#include <stdlib.h>
#include <string.h>

/* Chunks of a cell have keys of their own. */
#define CELL_CHUNKS 65536

/* Finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Byte AT of what PLACE has, of those that KEY names. */
static uint8_t byte_of(uint64_t key, uint64_t place, uint64_t at)
{
	uint64_t word = mix(mix(key * 31 + place + 1) + at / 8 * 0x9e3779b97f4a7c15ull);

	return (uint8_t)(word >> at % 8 * 8);
}

static bool is_checked(const struct work *work)
{
	return work->owner->settings->verify && !work->owner->settings->compat && !work->custom;
}

static void note_wrong(struct work *work, uint64_t at, uint8_t is, uint8_t must)
{
	struct collectives *owner = work->owner;
	const char *name = work->collective ? coll_name(work->collective->coll) : "a message";

	if (!owner->wrong++)
		err_set(&owner->wrong_err, "rank %u: byte %llu of %s (tag %llu) is %u, not %u",
			owner->net->rank, (unsigned long long)at, name,
			(unsigned long long)work->tag, is, must);
}

/* --- one vector --- */

static void own_shard(const struct work *work, uint32_t place, struct piece *piece)
{
	struct region region = { .total = work->vector };

	region_shard(&region, work->n, place, piece);
}

/* What a rank has at first. */
static struct piece given(const struct work *work)
{
	struct piece piece = { 0, work->vector };

	switch (work->collective->coll) {
	case COLL_ALL_GATHER:
	case COLL_GATHER:
		own_shard(work, work->me, &piece);
		break;
	case COLL_BROADCAST:
	case COLL_SCATTER:
		if (work->me != work->root)
			piece.bytes = 0;
		break;
	default:
		break;
	}
	return piece;
}

int verify_begin(struct work *work)
{
	struct piece piece;
	uint64_t i;

	if (!is_checked(work) || work->collective->coll == COLL_ALL_TO_ALL)
		return 0;
	work->data = calloc(1, work->vector + 1);
	if (!work->data)
		return -1;
	piece = given(work);
	for (i = piece.at; i < piece.at + piece.bytes; i++)
		work->data[i] = byte_of(work->tag, work->me, i);
	return 0;
}

/* The part that must be right in the end. */
static struct piece wanted(const struct work *work)
{
	struct piece piece = { 0, work->vector };
	bool root = work->me == work->root;

	switch (work->collective->coll) {
	case COLL_REDUCE_SCATTER:
	case COLL_SCATTER:
		own_shard(work, work->me, &piece);
		break;
	case COLL_REDUCE:
	case COLL_GATHER:
		if (!root)
			piece.bytes = 0;
		break;
	default:
		break;
	}
	return piece;
}

static uint8_t sum_of(const struct work *work, uint64_t at)
{
	uint8_t sum = 0;
	uint32_t place;

	for (place = 0; place < work->n; place++)
		sum = (uint8_t)(sum + byte_of(work->tag, place, at));
	return sum;
}

/* Byte AT must be this; OWNER: whose shard it is in. */
static uint8_t must_be(const struct work *work, uint64_t at, uint32_t owner)
{
	switch (work->collective->coll) {
	case COLL_ALL_GATHER:
	case COLL_GATHER:
		return byte_of(work->tag, owner, at);
	case COLL_BROADCAST:
	case COLL_SCATTER:
		return byte_of(work->tag, work->root, at);
	default:
		return sum_of(work, at);
	}
}

void verify_end(struct work *work)
{
	struct piece piece, shard;
	uint32_t owner = 0;
	uint64_t at;
	uint8_t must;

	if (!work->data || !work->phases_count)
		return;
	piece = wanted(work);
	own_shard(work, 0, &shard);
	for (at = piece.at; at < piece.at + piece.bytes; at++) {
		while (at >= shard.at + shard.bytes)
			own_shard(work, ++owner, &shard);
		must = must_be(work, at, owner);
		if (work->data[at] != must)
			note_wrong(work, at, work->data[at], must);
	}
}

void verify_release(struct work *work)
{
	free(work->data);
	work->data = NULL;
}

/* Copy what is common to bytes [AT, AT + SIZE) of a message, in BUFFER, and the COUNT bytes of
 * DATA that stand from its byte BEGIN on.
 */
enum way { FILL, TAKE, ADD };

static void copy_common(uint64_t at, void *buffer, size_t size, uint64_t begin, uint8_t *data,
			uint64_t count, enum way way)
{
	uint64_t from = at > begin ? at : begin;
	uint64_t to = at + size < begin + count ? at + size : begin + count;
	uint8_t *there, *here;
	uint64_t i;

	if (from >= to)
		return;
	there = (uint8_t *)buffer + (from - at);
	here = data + (from - begin);
	if (way == FILL)
		memcpy(there, here, to - from);
	else if (way == TAKE)
		memcpy(here, there, to - from);
	for (i = 0; way == ADD && i < to - from; i++)
		here[i] = (uint8_t)(here[i] + there[i]);
}

static void copy_pieces(struct coll_message *message, uint64_t at, void *buffer, size_t size,
			enum way way)
{
	const struct plan *plan = &message->run->plan;
	uint64_t i, begin = 0, count = plan_pieces(plan, &message->step);
	struct piece piece;

	for (i = 0; i < count && begin < at + size; i++) {
		plan_piece(plan, &message->step, i, &piece);
		copy_common(at, buffer, size, begin, message->work->data + piece.at, piece.bytes,
			    way);
		begin += piece.bytes;
	}
}

static void fill_vector(struct net_message *message, uint64_t at, void *buffer, size_t size)
{
	copy_pieces((struct coll_message *)message, at, buffer, size, FILL);
}

static void take_vector(struct net_message *net_message, uint64_t at, const void *buffer,
			size_t size)
{
	struct coll_message *message = (struct coll_message *)net_message;

	copy_pieces(message, at, (void *)buffer, size, message->step.reduce ? ADD : TAKE);
}

/* --- cells --- */

static uint64_t cell_key(const struct work *work, uint32_t source, uint32_t target, uint32_t chunk)
{
	return mix(work->tag + ((uint64_t)source * work->n + target) * CELL_CHUNKS + chunk);
}

static uint64_t shard_bytes(const struct chunk *chunk, uint32_t target)
{
	struct region region = { .total = chunk->work->vector,
				 .chunk = chunk->number,
				 .chunks = chunk->work->chunks_count };
	struct piece piece;

	region_shard(&region, chunk->work->n, target, &piece);
	return piece.bytes;
}

static int make_cells(struct chunk *chunk)
{
	const struct work *work = chunk->work;
	uint64_t i, key;
	uint32_t t;

	chunk->cell_size = 1;
	for (t = 0; t < work->n; t++)
		if (shard_bytes(chunk, t) > chunk->cell_size)
			chunk->cell_size = shard_bytes(chunk, t);
	chunk->cells = calloc(work->n, chunk->cell_size);
	if (!chunk->cells)
		return -1;
	for (t = 0; t < work->n; t++) {
		key = cell_key(work, work->me, t, chunk->number);
		for (i = 0; i < shard_bytes(chunk, t); i++)
			chunk->cells[t * chunk->cell_size + i] = byte_of(key, 0, i);
	}
	return 0;
}

static bool has_cells(const struct chunk *chunk)
{
	const struct work *work = chunk->work;

	return is_checked(work) && !work->sizes && work->collective &&
	       work->collective->coll == COLL_ALL_TO_ALL;
}

int verify_enter(struct chunk *chunk)
{
	size_t size;

	if (!has_cells(chunk))
		return 0;
	if (!chunk->cells && make_cells(chunk) < 0)
		return -1;
	size = chunk->work->n * chunk->cell_size;
	chunk->cells_out = malloc(size);
	if (!chunk->cells_out)
		return -1;
	memcpy(chunk->cells_out, chunk->cells, size); /* what is for oneself stays */
	return 0;
}

static void check_cells(struct chunk *chunk)
{
	struct work *work = chunk->work;
	uint64_t i, key, bytes = shard_bytes(chunk, work->me);
	const uint8_t *cell;
	uint32_t source;

	for (source = 0; source < work->n; source++) {
		key = cell_key(work, source, work->me, chunk->number);
		cell = chunk->cells + source * chunk->cell_size;
		for (i = 0; i < bytes; i++)
			if (cell[i] != byte_of(key, 0, i))
				note_wrong(work, i, cell[i], byte_of(key, 0, i));
	}
}

static void free_transit(struct run *run)
{
	uint32_t k;

	for (k = 0; run->transit && k < run->plan.receives; k++)
		free(run->transit[k]);
	free(run->transit);
	run->transit = NULL;
}

void verify_leave(struct chunk *chunk)
{
	free_transit(&chunk->runs[0]);
	if (!chunk->cells_out)
		return;
	free(chunk->cells);
	chunk->cells = chunk->cells_out;
	chunk->cells_out = NULL;
	if (chunk->work->collective && chunk->phase + 1 == chunk->work->phases_count)
		check_cells(chunk);
}

/* Bytes of one cell that goes to place TARGET of the phase's dimension, HIGH: its place above. */
static uint64_t cell_bytes(const struct chunk *chunk, uint32_t target, uint32_t high)
{
	const struct phase *phase = &chunk->work->phases[chunk->phase];

	return shard_bytes(chunk, phase->low + target * phase->stride +
					  high * phase->stride * phase->members.n);
}

/* The cells that have BLOCK in the phase's dimension and are of the sizes of those for TARGET
 * stand from byte BEGIN of a message on.  Returns where they end.
 */
static uint64_t copy_block(const struct chunk *chunk, uint8_t *cells, uint32_t block,
			   uint32_t target, uint64_t begin, uint64_t at, void *buffer, size_t size,
			   enum way way)
{
	const struct phase *phase = &chunk->work->phases[chunk->phase];
	uint32_t stride = phase->stride, n = phase->members.n, highs, high, low, x;
	uint64_t bytes;

	highs = chunk->work->n / (stride * n);
	for (high = 0; high < highs; high++) {
		bytes = cell_bytes(chunk, target, high);
		for (low = 0; low < stride; low++) {
			x = low + block * stride + high * stride * n;
			copy_common(at, buffer, size, begin, cells + x * chunk->cell_size, bytes,
				    way);
			begin += bytes;
		}
	}
	return begin;
}

/* A ring passes on what came, but for the block that stayed. */
static void fill_cells(struct net_message *net_message, uint64_t at, void *buffer, size_t size)
{
	struct coll_message *message = (struct coll_message *)net_message;
	struct chunk *chunk = message->run->chunk;
	const struct step *step = &message->step;
	uint64_t begin = 0;
	uint32_t i, block;

	if (message->run->plan.algorithm.kind == ALGORITHM_RING && message->k > 0) {
		memcpy(buffer, message->run->transit[message->k - 1] + at, size);
		return;
	}
	for (i = 0; i < step->count; i++) {
		block = (uint32_t)((step->first + (uint64_t)i * step->stride) %
				   message->run->plan.blocks);
		begin = copy_block(chunk, chunk->cells, block, block, begin, at, buffer, size,
				   FILL);
	}
}

static uint8_t *transit_of(struct run *run, uint32_t k, uint64_t bytes)
{
	if (!run->transit)
		run->transit = calloc(run->plan.receives, sizeof(*run->transit));
	if (run->transit && !run->transit[k])
		run->transit[k] = malloc(bytes);
	return run->transit ? run->transit[k] : NULL;
}

static void take_cells(struct net_message *net_message, uint64_t at, const void *buffer,
		       size_t size)
{
	struct coll_message *message = (struct coll_message *)net_message;
	struct chunk *chunk = message->run->chunk;
	uint64_t end;
	uint8_t *rest;

	end = copy_block(chunk, chunk->cells_out, message->step.source, message->run->plan.me, 0,
			 at, (void *)buffer, size, TAKE);
	if (end >= message->step.bytes)
		return;
	rest = transit_of(message->run, message->k, message->step.bytes - end);
	if (!rest) {
		loop_fail(message->work->owner->net->loop, "no room for what is passed on");
		return;
	}
	copy_common(at, (void *)buffer, size, end, rest, message->step.bytes - end, TAKE);
}

/* --- messages that are checked when they come: own sizes, compat, custom --- */

static uint64_t message_key(const struct coll_message *message, bool is_send)
{
	uint64_t own = message->work->owner->net->rank, peer = message->message.peer;
	uint64_t source = is_send ? own : peer, target = is_send ? peer : own;

	return mix(message->message.tag + mix(source << 32 | target));
}

static void fill_message(struct net_message *net_message, uint64_t at, void *buffer, size_t size)
{
	uint64_t i, key = message_key((struct coll_message *)net_message, true);

	for (i = 0; i < size; i++)
		((uint8_t *)buffer)[i] = byte_of(key, 0, at + i);
}

static void take_message(struct net_message *net_message, uint64_t at, const void *buffer,
			 size_t size)
{
	struct coll_message *message = (struct coll_message *)net_message;
	uint64_t i, key = message_key(message, false);
	const uint8_t *bytes = buffer;

	for (i = 0; i < size; i++)
		if (bytes[i] != byte_of(key, 0, at + i))
			note_wrong(message->work, at + i, bytes[i], byte_of(key, 0, at + i));
}

const struct net_data *verify_data(const struct coll_message *message)
{
	static const struct net_data vector = { fill_vector, take_vector };
	static const struct net_data cells = { fill_cells, take_cells };
	static const struct net_data alone = { fill_message, take_message };

	if (!message->work->owner->settings->verify)
		return NULL;
	if (!message->run || !is_checked(message->work) || message->work->sizes)
		return &alone;
	return has_cells(message->run->chunk) ? &cells : &vector;
}
