/* SPDX-License-Identifier: Apache-2.0 */
#include "coll/work.h"

#include "net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bits of a tag: part 1, phase 5, chunk 16, count 20, group 21. */
#define CHUNK_MAX   SYSTEM_SPLITS
#define COUNT_SHIFT 22
#define COUNT_MASK  ((1u << 20) - 1)
#define GROUP_SHIFT 42
#define GROUP_BITS  21

#define CHUNKS_KEPT 64 /* of work that is over */

#define LONGEST_REDUCTION 1e15 /* ns, of all there is */
#define LONGEST_DELAY     1e12 /* ns, of an endpoint: many of them are still a time */

static const struct group *group_of(const struct collective *collective)
{
	static const struct group all;

	return collective->group ? collective->group : &all;
}

/* --- the rank's --- */

/* ns */
static double endpoint_delay(const struct collectives_settings *settings)
{
	double scale = settings->injection_scale ? settings->injection_scale : 1;

	return (double)settings->system->endpoint_delay * scale;
}

static int check(const struct collectives_settings *settings, const struct net *net,
		 struct err *err)
{
	uint64_t product = 1;
	uint32_t d;

	for (d = 0; d < settings->dims->count; d++)
		product *= settings->dims->size[d];
	if (product != net->size)
		return err_set(err, "the logical topology is of %llu ranks, but there are %u",
			       (unsigned long long)product, net->size);
	if (!settings->system->splits || settings->system->splits > CHUNK_MAX)
		return err_set(err, "preferred-dataset-splits must be 1 to %u, not %u", CHUNK_MAX,
			       settings->system->splits);
	if (endpoint_delay(settings) > LONGEST_DELAY)
		return err_set(err, "an endpoint-delay of %.0f ns is too long",
			       endpoint_delay(settings));
	return 0;
}

static void set_up(struct collectives *collectives, struct net *net,
		   const struct collectives_settings *settings)
{
	uint32_t q = settings->queues_per_dim ? settings->queues_per_dim : 1;
	uint32_t active = settings->system->active_chunks;

	*collectives = (struct collectives){
		.net = net,
		.settings = settings,
		.queues_per_dim = q,
		.active = active ? (active + q - 1) / q : 1,
		.delay = (int64_t)endpoint_delay(settings),
		.strict = !settings->compat || net->loop->clock,
	};
}

static size_t count_queues(const struct collectives *collectives)
{
	uint32_t levels = collectives->settings->dims->count;

	return (size_t)(levels ? levels : 1) * collectives->queues_per_dim;
}

static struct queue *new_queues(const struct collectives *collectives)
{
	return calloc(count_queues(collectives), sizeof(struct queue));
}

int collectives_create(struct collectives **collectives, struct net *net,
		       const struct collectives_settings *settings, struct err *err)
{
	struct collectives *new;

	if (check(settings, net, err) < 0)
		return -1;
	new = malloc(sizeof(*new));
	if (!new)
		return err_errno(err, "no room for collectives");
	set_up(new, net, settings);
	bus_init(&new->bus, settings->system);
	new->queues = new_queues(new);
	if (!new->queues) {
		free(new);
		return err_errno(err, "no room for queues");
	}
	*collectives = new;
	return 0;
}

static void work_forget(struct work *work)
{
	free(work->chunks);
	free(work->queues);
	free(work);
}

/* Chunks and queues stay for the next one, when they are few. */
static void work_free(struct work *work)
{
	struct collectives *owner = work->owner;
	struct loop *loop = owner->net->loop;
	uint32_t c, p;

	loop_cancel(loop, &work->timer);
	custom_release(work);
	for (c = 0; work->chunks && c < work->chunks_count; c++) {
		struct chunk *chunk = &work->chunks[c];

		loop_cancel(loop, &chunk->timer);
		verify_leave(chunk);
		for (p = 0; p < PARTS; p++)
			run_release(&chunk->runs[p]);
		free(chunk->cells);
		free(chunk->cells_out);
	}
	verify_release(work);
	free(work->ranks);
	free(work->sizes);
	if (work->chunks_room > CHUNKS_KEPT) {
		work_forget(work);
		return;
	}
	work->next = owner->spare;
	owner->spare = work;
}

static void unlink_work(struct work *work)
{
	if (work->prev)
		work->prev->next = work->next;
	else
		work->owner->works = work->next;
	if (work->next)
		work->next->prev = work->prev;
}

static void free_messages(struct collectives *collectives)
{
	struct coll_messages *block;
	size_t i;

	while ((block = collectives->blocks)) {
		for (i = 0; i < MESSAGES; i++)
			loop_cancel(collectives->net->loop, &block->messages[i].timer);
		collectives->blocks = block->next;
		free(block);
	}
}

void collectives_destroy(struct collectives *collectives)
{
	struct work *work;

	if (!collectives)
		return;
	while ((work = collectives->works)) {
		unlink_work(work);
		work_free(work);
	}
	while ((work = collectives->spare)) {
		collectives->spare = work->next;
		work_forget(work);
	}
	free_messages(collectives);
	custom_forget(collectives);
	free(collectives->queues);
	free(collectives->counts);
	free(collectives);
}

/* --- the end of a collective --- */

void work_put(struct work *work)
{
	if (work->collective || work->open)
		return;
	unlink_work(work);
	work_free(work);
}

void work_ended(struct work *work, int64_t time)
{
	struct collective *collective = work->collective;

	verify_end(work);
	collective->ended = time;
	collective->work = NULL;
	work->collective = NULL;
	work_put(work);
	collective->done(collective, time);
}

void work_chunk_ended(struct chunk *chunk, int64_t time)
{
	struct work *work = chunk->work;

	if (--work->chunks_left == 0)
		work_ended(work, time);
}

/* --- the begin --- */

/* How often GROUP had a collective before. */
static int count_of(struct collectives *owner, uint64_t group, uint32_t *count)
{
	struct coll_count *counts;
	size_t i;

	for (i = 0; i < owner->counts_count; i++)
		if (owner->counts[i].group == group) {
			*count = owner->counts[i].count++;
			return 0;
		}
	counts = realloc(owner->counts, (i + 1) * sizeof(*counts));
	if (!counts)
		return -1;
	owner->counts = counts;
	counts[owner->counts_count++] = (struct coll_count){ group, 1 };
	*count = 0;
	return 0;
}

static int set_tag(struct work *work)
{
	uint64_t group = group_of(work->collective)->id;
	uint32_t count;

	if (count_of(work->owner, group, &count) < 0)
		return -1;
	group ^= group >> GROUP_BITS ^ group >> 2 * GROUP_BITS;
	group &= (1u << GROUP_BITS) - 1;
	work->tag = group << GROUP_SHIFT | (uint64_t)(count & COUNT_MASK) << COUNT_SHIFT;
	return 0;
}

static void set_priority(struct work *work)
{
	struct collectives *owner = work->owner;

	switch (owner->settings->system->policy) {
	case POLICY_LIFO:
		work->priority = owner->priority++;
		break;
	case POLICY_FIFO:
		work->priority = owner->priority--;
		break;
	default:
		work->priority = work->collective->priority;
	}
}

/* RingTopology::Local of ASTRA-sim takes 10 ns, whatever is configured. */
static void set_delay(struct work *work)
{
	struct collectives *owner = work->owner;
	const struct group *group = group_of(work->collective);
	bool local = group->count && group->count < owner->net->size;

	work->delay = owner->settings->compat && local ? 10 : owner->delay;
	if (owner->settings->system->shared_bus && !(owner->settings->compat && local))
		work->bus = &owner->bus;
}

uint64_t coll_scaled(uint64_t size, double scale)
{
	double scaled = (double)size * scale;

	if (scale == 0 || scale == 1)
		return size;
	return scaled < (double)INT64_MAX ? (uint64_t)scaled : UINT64_MAX;
}

static uint64_t scaled(const struct work *work, uint64_t size)
{
	return coll_scaled(size, work->owner->settings->size_scale);
}

/* What all have together can be counted, whatever SIZE is of, and reduced in a time. */
static int check_size(const struct work *work, uint64_t size, struct err *err)
{
	double bandwidth = work->owner->settings->system->memory_bw;
	uint64_t all;

	if (__builtin_mul_overflow(size, work->n, &all) || all > INT64_MAX)
		return err_set(err, "%llu bytes are too many for %u ranks",
			       (unsigned long long)size, work->n);
	if (bandwidth > 0 && (double)all / bandwidth > LONGEST_REDUCTION)
		return err_set(err, "local-mem-bw is too small for %llu bytes",
			       (unsigned long long)size);
	return 0;
}

/* ASTRA-sim's: equal chunks that are at least a byte for each rank, one more for what is
 * left.
 */
static void compat_chunks(struct work *work, uint64_t size)
{
	uint32_t splits = work->owner->settings->system->splits, world = work->owner->net->size;
	uint64_t chunk = size / splits;

	if (work->collective->coll != COLL_ALL_GATHER && world > chunk) {
		chunk = world;
		size = (uint64_t)splits * world;
	}
	if (!chunk)
		chunk = 1;
	work->chunk_size = chunk;
	work->chunks_count = (uint32_t)((size + chunk - 1) / chunk);
	work->collective->total = work->collective->coll == COLL_ALL_GATHER ? size * work->n : size;
}

static bool gives_shards(const struct work *work)
{
	enum coll coll = work->collective->coll;

	return (coll == COLL_ALL_GATHER || coll == COLL_GATHER) &&
	       work->owner->settings->allgather == ALLGATHER_SHARD;
}

/* No chunk without a byte. */
static void default_chunks(struct work *work, uint64_t size)
{
	uint32_t splits = work->owner->settings->system->splits;
	enum coll coll = work->collective->coll;
	uint64_t most;

	work->vector = gives_shards(work) ? size * work->n : size;
	if (coll == COLL_BARRIER)
		work->vector = 0;
	work->collective->total = work->vector;
	most = work->vector;
	if (coll != COLL_ALL_REDUCE && coll != COLL_BROADCAST && coll != COLL_REDUCE)
		most /= work->n;
	work->chunks_count = most > splits ? splits : most ? (uint32_t)most : 1;
	if (work->sizes)
		work->chunks_count = splits;
}

static int copy_sizes(struct work *work, struct err *err)
{
	uint64_t total = 0;
	uint32_t i;

	work->sizes = malloc(work->n * sizeof(*work->sizes));
	if (!work->sizes)
		return err_errno(err, "no room for %u sizes", work->n);
	for (i = 0; i < work->n; i++) {
		if (work->collective->sizes[i] < 0)
			return err_set(err, "all-to-all of %lld bytes to member %u",
				       (long long)work->collective->sizes[i], i);
		work->sizes[i] = (int64_t)scaled(work, (uint64_t)work->collective->sizes[i]);
		if (work->sizes[i] < 0 || check_size(work, (uint64_t)work->sizes[i], err) < 0)
			return err_set(err, "%lld bytes to member %u are too many",
				       (long long)work->collective->sizes[i], i);
		total += (uint64_t)work->sizes[i];
	}
	work->vector = work->collective->total = total;
	return 0;
}

static int make_chunks(struct work *work, uint32_t count)
{
	if (!work->chunks || count > work->chunks_room) {
		free(work->chunks);
		work->chunks = malloc((count + 1ul) * sizeof(*work->chunks));
		work->chunks_room = work->chunks ? count : 0;
	}
	if (!work->chunks)
		return -1;
	memset(work->chunks, 0, count * sizeof(*work->chunks));
	work->chunks_count = work->chunks_left = count;
	return 0;
}

/* Of the default. */
static int make_queues(struct work *work)
{
	const struct collectives *owner = work->owner;

	if (!owner->strict)
		return 0;
	if (!work->queues)
		work->queues = new_queues(owner);
	else
		memset(work->queues, 0, count_queues(owner) * sizeof(*work->queues));
	return work->queues ? 0 : -1;
}

static int cut(struct work *work, struct err *err)
{
	uint64_t size = scaled(work, work->collective->size);
	uint32_t c, count;

	if (check_size(work, size, err) < 0)
		return -1;
	if (work->owner->settings->compat)
		compat_chunks(work, size);
	else
		default_chunks(work, work->sizes ? work->vector : size);
	count = work->chunks_count;
	work->chunks_count = 0; /* until they are there */
	if (count > CHUNK_MAX)
		return err_set(err, "%u chunks are too many (preferred-dataset-splits)", count);
	if (make_chunks(work, count) < 0 || make_queues(work) < 0)
		return err_errno(err, "no room for %u chunks", count);
	for (c = 0; c < count; c++) {
		work->chunks[c].work = work;
		work->chunks[c].number = c;
		work->chunks[c].length = work->chunk_size;
	}
	return 0;
}

static void begin(struct work *work, int64_t due)
{
	uint32_t c, count = work->chunks_count;

	if (work->custom) {
		custom_go(work, due);
		return;
	}
	if (!work->phases_count || !count) {
		work_ended(work, due);
		return;
	}
	/* Messages come later: nothing ends while the chunks come in. */
	for (c = 0; c < count; c++)
		run_enter(&work->chunks[c], due);
}

static void begins(struct loop_timer *timer, int64_t due)
{
	struct work *work = (struct work *)((char *)timer - offsetof(struct work, timer));
	const struct net *net = work->owner->net;
	uint64_t id = work_node(work);
	int64_t at = net_timer_begins(net);

	begin(work, due);
	net_timer_ends(net, id, due, at);
}

static int prepare(struct work *work, struct err *err)
{
	const char *prefix = custom_prefix(work->owner, work->collective);

	work->n = 1;
	if (phases_build(work, err) < 0)
		return -1;
	if (work->own_sizes && copy_sizes(work, err) < 0)
		return -1;
	if (prefix ? custom_prepare(work, prefix, err) < 0 : run_check(work, err) < 0)
		return -1;
	if (cut(work, err) < 0)
		return -1;
	set_priority(work);
	set_delay(work);
	if (set_tag(work) < 0 || verify_begin(work) < 0)
		return err_errno(err, "no room for a collective");
	return 0;
}

static struct work *work_new(struct collectives *owner, struct collective *collective)
{
	struct work *work = owner->spare;

	if (work) {
		owner->spare = work->next;
		*work = (struct work){ .chunks = work->chunks,
				       .chunks_room = work->chunks_room,
				       .queues = work->queues };
	} else {
		work = calloc(1, sizeof(*work));
		if (!work)
			return NULL;
	}
	work->owner = owner;
	work->collective = collective;
	work->coll = collective->coll;
	work->own_sizes = collective->coll == COLL_ALL_TO_ALL && collective->sizes &&
			  !owner->settings->compat;
	work->timer.fire = begins;
	return work;
}

static void link_work(struct work *work)
{
	work->next = work->owner->works;
	if (work->next)
		work->next->prev = work;
	work->owner->works = work;
}

int collectives_start(struct collectives *collectives, struct collective *collective, int64_t time,
		      struct err *err)
{
	struct work *work = work_new(collectives, collective);

	if (!work)
		return err_errno(err, "no room for a collective");
	collective->started = collective->ended = time;
	collective->sent = collective->total = 0;
	if (prepare(work, err) < 0 || (loop_at(collectives->net->loop, &work->timer, time) < 0 &&
				       err_errno(err, "no room for a timer") < 0)) {
		work_free(work);
		return -1;
	}
	collective->work = work;
	link_work(work);
	return 0;
}

uint64_t collectives_wrong(const struct collectives *collectives, struct err *err)
{
	if (collectives->wrong && err)
		*err = collectives->wrong_err;
	return collectives->wrong;
}
