/* SPDX-License-Identifier: Apache-2.0 */
#include "counter.h"
#include "clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WINDOWS_MAX 1024       /* windows before neighbours merge */
#define EXTENT_MAX  (1u << 20) /* bytes of entries in one extent */

struct counter_settings counter = {
	.clock = CLOCK_MONOTONIC_COARSE,
	.clock_read = clock_gettime,
};
uint32_t counter_phase;
__thread struct counter_shard *counter_self __attribute__((tls_model("initial-exec")));

/* One page of entries at first. */
static const struct kind_size {
	uint32_t entry, first;
} kinds[LIVE_KINDS] = {
	[LIVE_CELLS] = { sizeof(struct live_cell), 4032 / sizeof(struct live_cell) },
	[LIVE_WINDOWS] = { sizeof(struct live_cell), 4032 / sizeof(struct live_cell) },
	[LIVE_SIZES] = { sizeof(struct live_size), 4032 / sizeof(struct live_size) },
	[LIVE_TIMING] = { sizeof(struct live_timing), 4032 / sizeof(struct live_timing) },
	[LIVE_PHASES] = { sizeof(struct live_phase), 257 },
	[LIVE_RMA] = { sizeof(struct live_rma), 4032 / sizeof(struct live_rma) },
	[LIVE_UNSEEN] = { sizeof(struct live_unseen), 4032 / sizeof(struct live_unseen) },
	[LIVE_BYPASS] = { sizeof(struct live_bypass), 4032 / sizeof(struct live_bypass) },
};

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t shards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct counter_shard *shards[LIVE_SHARDS]; /* in use or waiting for a thread */
static bool shard_idle[LIVE_SHARDS];
static uint32_t nshards;
static pthread_key_t shard_key;
/* For threads that cannot have a shard, and for forked children: its counts go nowhere. */
static struct counter_shard nowhere = { .id = LIVE_SHARDS };
static bool stopped;

void counter_lock(void)
{
	pthread_mutex_lock(&shared_lock);
}

void counter_unlock(void)
{
	pthread_mutex_unlock(&shared_lock);
}

/* An extent of windows that were merged, emptied. */
static struct live_extent *spare_take(struct counter_shard *shard)
{
	struct live_extent *extent = shard->spare_extents[--shard->nspare_extents];

	extent->used = 0;
	extent->level = shard->level;
	memset(extent + 1, 0, (size_t)extent->capacity * extent->entry_size);
	__atomic_store_n(&extent->kind, LIVE_WINDOWS, __ATOMIC_RELEASE);
	return extent;
}

static struct live_extent *extend(struct counter_shard *shard, enum live_kind kind)
{
	struct counter_pool *pool = &shard->pools[kind];
	uint32_t entries = pool->next_entries ? pool->next_entries : kinds[kind].first;

	if (kind == LIVE_WINDOWS && shard->nspare_extents)
		return pool->extent = spare_take(shard);
	if (shard->id >= LIVE_SHARDS || !counter.file)
		return NULL;
	pool->extent = livefile_extend(counter.file, kind, shard->id, kinds[kind].entry, entries, 1,
				       shard->level);
	if (pool->extent && (uint64_t)entries * 2 * kinds[kind].entry <= EXTENT_MAX)
		pool->next_entries = pool->extent->capacity * 2;
	return pool->extent;
}

/* A new entry of KIND, not yet covered by `used`.  NULL when there is no room. */
static void *entry_new(struct counter_shard *shard, enum live_kind kind)
{
	struct live_extent *extent = shard->pools[kind].extent;

	if (!extent || extent->used == extent->capacity)
		extent = extend(shard, kind);
	if (!extent)
		return NULL;
	return (char *)(extent + 1) + (size_t)extent->used * extent->entry_size;
}

/* The entry handed out last is complete. */
static void entry_publish(struct counter_shard *shard, enum live_kind kind)
{
	struct live_extent *extent = shard->pools[kind].extent;

	__atomic_store_n(&extent->used, extent->used + 1, __ATOMIC_RELEASE);
}

static int shard_init(struct counter_shard *shard)
{
	if (index_init(&shard->cells) < 0 || index_init(&shard->sizes) < 0 ||
	    index_init(&shard->windows) < 0 || index_init(&shard->timing) < 0 ||
	    index_init(&shard->rma) < 0)
		return -1;
	return 0;
}

static void shard_release(struct counter_shard *shard)
{
	index_release(&shard->cells);
	index_release(&shard->sizes);
	index_release(&shard->windows);
	index_release(&shard->timing);
	index_release(&shard->rma);
	free(shard->window_extents);
	free(shard->spare_extents);
}

static struct counter_shard *shard_create(void)
{
	struct counter_shard *shard;

	if (nshards == LIVE_SHARDS)
		return shards[LIVE_SHARDS - 1];
	shard = calloc(1, sizeof(*shard));
	if (!shard)
		return NULL;
	shard->id = nshards;
	shard->shared = nshards == LIVE_SHARDS - 1;
	shard->slow = shard->shared || counter.window;
	if (shard_init(shard) < 0) {
		shard_release(shard);
		free(shard);
		return NULL;
	}
	shards[nshards++] = shard;
	return shard;
}

/* A shard whose thread has ended serves the next new thread. */
static struct counter_shard *shard_take(void)
{
	for (uint32_t i = 0; i < nshards; i++) {
		if (shard_idle[i]) {
			shard_idle[i] = false;
			shards[i]->comm_seen = shards[i]->type_seen = NULL;
			return shards[i];
		}
	}
	return shard_create();
}

static void shard_give_back(void *data)
{
	struct counter_shard *shard = data;

	counter_self = &nowhere;
	if (shard->shared || shard == &nowhere)
		return;
	pthread_mutex_lock(&shards_lock);
	shard_idle[shard->id] = true;
	pthread_mutex_unlock(&shards_lock);
	counter_self = NULL;
}

struct counter_shard *counter_shard_get(void)
{
	struct counter_shard *shard = NULL;

	if (!stopped) {
		pthread_mutex_lock(&shards_lock);
		shard = shard_take();
		pthread_mutex_unlock(&shards_lock);
	}
	if (!shard)
		shard = &nowhere;
	if (shard->shared) /* comm and type caches are not for several threads */
		shard->comm_seen = NULL;
	counter_self = shard;
	if (shard != &nowhere)
		pthread_setspecific(shard_key, shard);
	return shard;
}

/* The kernel's own function, without the library's way to it: 2 ns of 6. */
static void find_clock(void)
{
	static const char *const names[] = { "__vdso_clock_gettime", "__kernel_clock_gettime" };
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
	struct timespec now;

	counter.clock_read = clock_gettime;
	for (size_t i = 0; vdso && i < sizeof(names) / sizeof(*names); i++) {
		void *found = dlsym(vdso, names[i]);
		int (*read)(clockid_t, struct timespec *) =
			(int (*)(clockid_t, struct timespec *))found;

		if (read && read(CLOCK_MONOTONIC_COARSE, &now) == 0)
			counter.clock_read = read;
	}
}

int counter_start(const struct counter_settings *settings)
{
	if (shard_init(&nowhere) < 0)
		return -1;
	errno = pthread_key_create(&shard_key, shard_give_back);
	if (errno)
		return -1;
	counter = *settings;
	find_clock();
	return 0;
}

void counter_stop_in_child(void)
{
	stopped = true;
	counter.file = NULL;
	counter_self = NULL;
}

void counter_lost(void)
{
	if (counter.file)
		counter.file->lost = true;
}

struct live_cell *counter_cell_add(struct counter_shard *shard, uint64_t key)
{
	struct live_cell *cell = entry_new(shard, LIVE_CELLS);

	if (!cell || index_add(&shard->cells, key, cell) < 0) {
		counter_lost();
		return &shard->sink;
	}
	cell->peer = (uint32_t)(key >> 32);
	cell->op = (uint16_t)(key >> 16);
	cell->phase = (uint16_t)key;
	entry_publish(shard, LIVE_CELLS);
	return cell;
}

static struct live_size *size_bin(struct counter_shard *shard, uint64_t size)
{
	unsigned log2 = size ? 63 - (unsigned)__builtin_clzll(size) : 0;
	struct live_size *entry = shard->bins[log2];

	if (entry)
		return entry;
	entry = entry_new(shard, LIVE_SIZES);
	if (!entry) {
		counter_lost();
		return &shard->sink_size;
	}
	entry->size = log2;
	entry->log2 = 1;
	entry_publish(shard, LIVE_SIZES);
	shard->bins[log2] = entry;
	return entry;
}

/* Size 0 always has its exact entry: no power of two stands for it. */
struct live_size *counter_size_add(struct counter_shard *shard, uint64_t size)
{
	struct live_size *entry;

	if (size && shard->nsizes >= counter.sizes)
		return size_bin(shard, size);
	entry = entry_new(shard, LIVE_SIZES);
	if (!entry || index_add(&shard->sizes, size, entry) < 0) {
		counter_lost();
		return &shard->sink_size;
	}
	entry->size = size;
	entry_publish(shard, LIVE_SIZES);
	if (size)
		shard->nsizes++;
	return entry;
}

void counter_unseen(struct counter_shard *shard, enum rankop op, enum rankunseen why,
		    uint64_t bytes)
{
	struct live_unseen *entry;

	if (shard->shared)
		counter_lock();
	entry = shard->unseen[op][why];
	if (!entry) {
		entry = entry_new(shard, LIVE_UNSEEN);
		if (!entry) {
			counter_lost();
			goto out;
		}
		entry->op = op;
		entry->why = why;
		entry_publish(shard, LIVE_UNSEEN);
		shard->unseen[op][why] = entry;
	}
	entry->messages++;
	entry->bytes += bytes;
out:
	if (shard->shared)
		counter_unlock();
}

static struct live_timing *timing_get(struct counter_shard *shard, uint32_t peer)
{
	struct live_timing *entry = index_find(&shard->timing, peer);

	if (entry)
		return entry;
	entry = entry_new(shard, LIVE_TIMING);
	if (!entry || index_add(&shard->timing, peer, entry) < 0) {
		counter_lost();
		return NULL;
	}
	entry->peer = peer;
	entry_publish(shard, LIVE_TIMING);
	return entry;
}

void counter_timed(struct counter_shard *shard, uint32_t peer, uint64_t ns)
{
	struct live_timing *entry;

	if (shard->shared)
		counter_lock();
	entry = timing_get(shard, peer);
	if (entry) {
		entry->sends++;
		entry->sum += ns;
		if (ns > entry->max)
			entry->max = ns;
	}
	if (shard->shared)
		counter_unlock();
}

static struct live_rma *rma_get(struct counter_shard *shard, uint32_t peer, enum rankrma call)
{
	uint64_t key = (uint64_t)peer << 32 | call;
	struct live_rma *entry = index_find(&shard->rma, key);

	if (entry)
		return entry;
	entry = entry_new(shard, LIVE_RMA);
	if (!entry || index_add(&shard->rma, key, entry) < 0) {
		counter_lost();
		return NULL;
	}
	entry->peer = peer;
	entry->call = call;
	entry_publish(shard, LIVE_RMA);
	return entry;
}

void counter_rma(struct counter_shard *shard, uint32_t peer, enum rankrma call, uint64_t bytes)
{
	struct live_rma *entry;

	if (shard->shared)
		counter_lock();
	entry = rma_get(shard, peer, call);
	if (entry) {
		entry->calls++;
		entry->bytes += bytes;
	}
	if (shard->shared)
		counter_unlock();
}

/* Names are few: they are looked up in the extents themselves. */
static bool bypass_known(const struct counter_shard *shard, const char *name)
{
	const struct live_extent *extent = shard->pools[LIVE_BYPASS].extent;
	const struct live_bypass *names = (const void *)(extent + 1);

	for (uint32_t i = 0; extent && i < extent->used; i++)
		if (!strncmp(names[i].name, name, sizeof(names[i].name)))
			return true;
	return false;
}

void counter_bypass(const char *name)
{
	struct counter_shard *shard = counter_shard();
	struct live_bypass *entry;

	if (shard->shared)
		counter_lock();
	if (!bypass_known(shard, name)) {
		entry = entry_new(shard, LIVE_BYPASS);
		if (entry) {
			strncpy(entry->name, name, sizeof(entry->name) - 1);
			entry_publish(shard, LIVE_BYPASS);
		} else {
			counter_lost();
		}
	}
	if (shard->shared)
		counter_unlock();
}

/* ---- windows ---- */

static struct live_cell *window_add(struct counter_shard *shard, uint64_t key)
{
	struct live_extent *before = shard->pools[LIVE_WINDOWS].extent;
	struct live_cell *cell = entry_new(shard, LIVE_WINDOWS);
	struct live_extent *extent = shard->pools[LIVE_WINDOWS].extent;

	if (!cell || index_add(&shard->windows, key, cell) < 0) {
		counter_lost();
		return &shard->sink;
	}
	if (extent != before) {
		struct live_extent **list =
			realloc(shard->window_extents,
				(shard->nwindow_extents + 1) * sizeof(struct live_extent *));

		if (!list) {
			counter_lost();
			return &shard->sink;
		}
		shard->window_extents = list;
		list[shard->nwindow_extents++] = extent;
	}
	cell->peer = (uint32_t)(key >> 32);
	cell->window = (uint32_t)key;
	entry_publish(shard, LIVE_WINDOWS);
	return cell;
}

static struct live_cell *window_get(struct counter_shard *shard, uint32_t peer, uint32_t window)
{
	uint64_t key = (uint64_t)peer << 32 | window;
	struct live_cell *cell = index_find(&shard->windows, key);

	return cell ? cell : window_add(shard, key);
}

static void window_fold(struct counter_shard *shard, const struct live_extent *extent)
{
	const struct live_cell *cells = (const void *)(extent + 1);

	for (uint32_t i = 0; i < extent->used; i++) {
		struct live_cell *to = window_get(shard, cells[i].peer, cells[i].window / 2);

		to->tx_bytes += cells[i].tx_bytes;
		to->tx_messages += cells[i].tx_messages;
		to->rx_bytes += cells[i].rx_bytes;
		to->rx_messages += cells[i].rx_messages;
	}
}

/* What is left of the spare list stays in the file, unused. */
static void spare_keep(struct counter_shard *shard, struct live_extent **extents, size_t count)
{
	for (size_t i = 0; i < count; i++)
		extents[i]->kind = LIVE_FREE;
	free(shard->spare_extents);
	shard->spare_extents = extents;
	shard->nspare_extents = count;
}

/* Neighbours merge: everything is copied into extents of the next level,
 * which readers skip until the header says that this level is the one.
 */
static void windows_double(struct counter_shard *shard)
{
	struct live_extent **old = shard->window_extents;
	size_t count = shard->nwindow_extents;

	shard->window_extents = NULL;
	shard->nwindow_extents = 0;
	shard->pools[LIVE_WINDOWS].extent = NULL;
	index_clear(&shard->windows);
	shard->level++;
	for (size_t i = 0; i < count; i++)
		window_fold(shard, old[i]);
	if (counter.file)
		livefile_set(counter.file, levels[shard->id], shard->level);
	spare_keep(shard, old, count);
}

struct live_cell *counter_window_cell(struct counter_shard *shard, uint32_t peer, int64_t now)
{
	int64_t since = now > counter.zero ? now - counter.zero : 0;
	int64_t window = (since / counter.window) >> shard->level;

	if (shard->id >= LIVE_SHARDS)
		return &shard->sink;
	while (window >= WINDOWS_MAX && shard->level < 40) {
		windows_double(shard);
		window >>= 1;
	}
	return window_get(shard, peer, (uint32_t)window);
}

void counter_sent_slow(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes)
{
	int64_t now = counter_now();

	if (shard->shared)
		counter_lock();
	counter_sent_fast(shard, peer, op, bytes, now);
	if (counter.window) {
		struct live_cell *cell = counter_window_cell(shard, peer, now);

		cell->tx_bytes += bytes;
		cell->tx_messages++;
	}
	if (shard->shared)
		counter_unlock();
}

void counter_received_slow(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes)
{
	int64_t now = counter_now();

	if (shard->shared)
		counter_lock();
	counter_received_fast(shard, peer, op, bytes, now);
	if (counter.window) {
		struct live_cell *cell = counter_window_cell(shard, peer, now);

		cell->rx_bytes += bytes;
		cell->rx_messages++;
	}
	if (shard->shared)
		counter_unlock();
}

/* ---- what it costs ---- */

#define OVERHEAD_ROUNDS   5
#define OVERHEAD_MESSAGES 2000

typedef void (*counter_fn)(struct counter_shard *shard, uint32_t peer, unsigned op, uint64_t bytes);

static uint32_t overhead_of(struct counter_shard *shard, counter_fn count)
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < OVERHEAD_ROUNDS; round++) {
		int64_t begin = clock_ns(CLOCK_MONOTONIC);
		int64_t took;

		for (int i = 0; i < OVERHEAD_MESSAGES; i++) {
			count(shard, (uint32_t)(i & 3), RANKOP_P2P, 8);
			__asm__ volatile("" ::: "memory");
		}
		took = clock_ns(CLOCK_MONOTONIC) - begin;
		if (took < best)
			best = took;
	}
	return (uint32_t)(best * 1000 / OVERHEAD_MESSAGES);
}

/* A shard with private memory in place of extents of the live file. */
void counter_overhead(uint32_t *send, uint32_t *receive)
{
	struct counter_shard *shard = calloc(1, sizeof(*shard));
	struct live_cell cells[4] = { 0 };
	struct live_size size = { .size = 8 };

	*send = *receive = 0;
	if (!shard)
		return;
	if (shard_init(shard) == 0 && index_add(&shard->sizes, 8, &size) == 0) {
		for (uint32_t i = 0; i < 4; i++)
			if (index_add(&shard->cells, counter_key(i, RANKOP_P2P, 0), &cells[i]) < 0)
				goto out;
		*send = overhead_of(shard, counter_sent);
		*receive = overhead_of(shard, counter_received);
	}
out:
	shard_release(shard);
	free(shard);
}
