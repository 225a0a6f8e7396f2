/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "record.h"
#include "counts.h"
#include "session.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct record_here record_here __attribute__((tls_model("initial-exec")));
enum record_mode record_mode;

/* Extents that are full, the oldest first: they may be overwritten. */
struct fifo {
	struct vring_extent **extent;
	uint32_t first, count, room;
};

/* What shares a limit. */
struct budget {
	uint64_t limit, size; /* bytes; no limit: 0 */
	struct fifo full;
};

static struct {
	struct ringfile *file;
	pthread_mutex_t lock; /* around all below, and the file's growth */
	pthread_key_t key;    /* tells when a thread ends */
	bool has_key;
	uint32_t series; /* numbers given */
	struct budget data, shared[VRING_KINDS];
	struct series calls, memory;
	struct recorder *free;
	uint32_t timed; /* one post in so many */
} record = { .lock = PTHREAD_MUTEX_INITIALIZER, .timed = 1 };

void *record_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void record_lose(uint32_t count)
{
	struct ringfile *file = __atomic_load_n(&record.file, __ATOMIC_ACQUIRE);

	if (file)
		__atomic_fetch_add(&file->header->lost, count, __ATOMIC_RELAXED);
}

/* --- full extents --- */

static int fifo_grow(struct fifo *fifo)
{
	uint32_t room = fifo->room ? 2 * fifo->room : 512;
	struct vring_extent **grown = record_pages(room * sizeof(*grown));

	if (!grown)
		return -1;
	for (uint32_t i = 0; i < fifo->count; i++)
		grown[i] = fifo->extent[(fifo->first + i) % fifo->room];
	if (fifo->extent)
		munmap(fifo->extent, fifo->room * sizeof(*grown));
	*fifo = (struct fifo){ .extent = grown, .count = fifo->count, .room = room };
	return 0;
}

/* What cannot be remembered is never overwritten. */
static void fifo_push(struct fifo *fifo, struct vring_extent *extent)
{
	if (fifo->count == fifo->room && fifo_grow(fifo) < 0)
		return;
	fifo->extent[(fifo->first + fifo->count++) % fifo->room] = extent;
}

static struct vring_extent *fifo_pop(struct fifo *fifo)
{
	struct vring_extent *extent;

	if (!fifo->count)
		return NULL;
	extent = fifo->extent[fifo->first];
	fifo->first = (fifo->first + 1) % fifo->room;
	fifo->count--;
	return extent;
}

/* --- extents; with the lock held --- */

static struct budget *budget_of(uint32_t kind)
{
	return kind == VRING_DATA || kind == VRING_DEVICE ? &record.data : &record.shared[kind];
}

/* The newest extent of SERIES is full, or will not be written any more.  Its memory stays till
 * the next one is full: this may be a signal handler amid record_empty().
 */
static void retire(struct series *series)
{
	struct vring_extent *extent = series->extent;
	struct budget *budget = budget_of(series->kind);

	series->extent = NULL;
	series->next = series->end = NULL;
	if (!extent)
		return;
	series->count += extent->used;
	if (series->kind == VRING_COUNTS)
		return; /* goes on to be updated */
	if (budget->limit) {
		fifo_push(&budget->full, extent);
		return;
	}
	if (series->before)
		ringfile_unmap(series->before);
	series->before = extent;
}

/* Of a thread that ends. */
static void close_series(struct series *series)
{
	retire(series);
	if (series->before)
		ringfile_unmap(series->before);
	series->before = NULL;
}

static struct vring_extent *more_file(struct budget *budget)
{
	struct vring_extent *extent = ringfile_extend(record.file);

	if (extent)
		budget->size += VRING_EXTENT_SIZE;
	return extent;
}

static struct vring_extent *oldest(struct budget *budget)
{
	struct vring_extent *extent = fifo_pop(&budget->full);

	if (extent)
		__atomic_fetch_add(&record.file->header->overwritten, extent->used,
				   __ATOMIC_RELAXED);
	return extent;
}

/* A new one up to the limit, then the oldest of all series that share it; but nobody goes
 * without any: there may be more threads than the limit has extents.
 */
static struct vring_extent *take_extent(struct budget *budget)
{
	struct vring_extent *extent = NULL;

	if (!budget->limit || budget->size + VRING_EXTENT_SIZE <= budget->limit)
		extent = more_file(budget);
	if (!extent)
		extent = oldest(budget);
	if (!extent && budget->limit)
		extent = more_file(budget);
	return extent;
}

/* What it says of itself, and nothing in it yet: who reads meanwhile sees it empty. */
static void begin(struct series *series, struct vring_extent *extent)
{
	__atomic_store_n(&extent->used, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&extent->kind, VRING_FREE, __ATOMIC_RELEASE);
	extent->thread = series->thread;
	extent->series = series->number;
	extent->first = series->count;
	extent->empty_polls = 0;
	extent->anchor = ticks_anchor();
	record.file->header->last = extent->anchor;
	ticks_learn(&extent->anchor);
	__atomic_store_n(&extent->kind, series->kind, __ATOMIC_RELEASE);
	series->extent = extent;
	series->next = (struct vring_record *)(extent + 1);
	series->end = series->next + VRING_RECORDS;
}

static bool advance(struct series *series)
{
	struct vring_extent *extent;

	if (!record.file)
		return false;
	retire(series);
	extent = take_extent(budget_of(series->kind));
	if (extent)
		begin(series, extent);
	return extent;
}

/* --- threads --- */

/* The newest extent has the count of polls; without one it waits for the next. */
static void count_polls(struct recorder *self)
{
	struct vring_extent *extent = self->data.extent ? self->data.extent : self->counted.extent;

	self->empty_polls = extent ? &extent->empty_polls : &self->polls;
	if (!extent)
		return;
	extent->empty_polls += self->polls;
	self->polls = 0;
}

static void lock(void)
{
	record_here.busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	pthread_mutex_lock(&record.lock);
}

static void unlock(void)
{
	pthread_mutex_unlock(&record.lock);
	atomic_signal_fence(memory_order_seq_cst);
	record_here.busy = false;
}

static void thread_ends(void *arg)
{
	struct recorder *self = arg;

	if (self != record_here.self)
		return; /* of the parent, before fork() */
	lock();
	record_here.self = NULL;
	if (record.file) {
		close_series(&self->data);
		close_series(&self->device);
		close_series(&self->counted);
	}
	counts_clear(self->counts);
	count_polls(self);
	self->free = record.free;
	record.free = self;
	unlock();
}

static void describe(struct series *series, enum vring_kind kind, uint32_t thread)
{
	*series = (struct series){ .kind = kind, .number = ++record.series, .thread = thread };
}

/* Of a thread that has ended, or a new one. */
static struct recorder *make_recorder(void)
{
	uint32_t thread = (uint32_t)syscall(SYS_gettid);
	struct recorder *self = record.free;

	if (self)
		record.free = self->free;
	else
		self = record_pages(sizeof(*self));
	if (!self)
		return NULL;
	describe(&self->data, VRING_DATA, thread);
	describe(&self->device, VRING_DEVICE, thread);
	describe(&self->counted, VRING_COUNTS, thread);
	self->polls = 0;
	self->empty = 0;
	count_polls(self);
	if (record.has_key)
		pthread_setspecific(record.key, self);
	return self;
}

/* A child of fork() has no file before its first event, which comes here because the thread
 * has nothing yet.
 */
struct recorder *record_thread(void)
{
	struct recorder *self = record_here.self;

	if (self || record_here.busy)
		return self;
	if (!__atomic_load_n(&record.file, __ATOMIC_ACQUIRE) && record_mode && !session_start())
		return NULL;
	lock();
	if (!record_here.self) /* no signal handler was here before the lock */
		record_here.self = make_recorder();
	self = record_here.self;
	unlock();
	return self;
}

struct vring_record *record_take(struct series *series, uint32_t count)
{
	int error = errno;
	bool room;

	if (series->end - series->next >= (long)count)
		return series->next;
	if (count > VRING_RECORDS)
		return NULL;
	pthread_mutex_lock(&record.lock);
	room = advance(series);
	if (record_here.self)
		count_polls(record_here.self);
	pthread_mutex_unlock(&record.lock);
	errno = error;
	return room ? series->next : NULL;
}

/* For who is busy, and is not any more where there is no room. */
static struct vring_record *take_or_lose(struct series *series, uint32_t count)
{
	struct vring_record *room = record_take(series, count);

	if (room)
		return room;
	atomic_signal_fence(memory_order_seq_cst);
	record_here.busy = false;
	record_lose(count);
	return NULL;
}

struct vring_record *record_enter(struct series *series, uint32_t count)
{
	if (record_here.busy) {
		record_lose(count);
		return NULL;
	}
	record_here.busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	return take_or_lose(series, count);
}

void record_leave(struct series *series, uint32_t count)
{
	record_advance(series, count);
	atomic_signal_fence(memory_order_seq_cst);
	record_here.busy = false;
}

/* Not every so many-th one: what a program does in turn would be timed always or never. */
static uint32_t draw(uint32_t range)
{
	record_here.random = record_here.random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((record_here.random >> 33) % range);
}

/* As many are between two that are timed as are in one whole on average; a thread is come
 * upon at any place between two.
 */
bool record_timed_next(void)
{
	if (!record_here.random) {
		record_here.random = ticks_now() ^ (uintptr_t)&record_here;
		record_here.untimed = (int32_t)draw(record.timed) - 1;
		if (record_here.untimed >= 0)
			return false;
	}
	record_here.untimed = (int32_t)draw(2 * record.timed - 1);
	return true;
}

struct vring_record *record_slowly(uint32_t count)
{
	int error = errno;
	struct recorder *self = record_thread();
	struct vring_record *room = NULL;

	if (self)
		room = record_enter(&self->data, count);
	else
		record_lose(count);
	errno = error;
	return room;
}

/* --- all threads --- */

/* Under the lock. */
static void append(enum vring_kind kind, const void *records, uint32_t count)
{
	struct series *series = kind == VRING_MEMORY ? &record.memory : &record.calls;

	if (!record.file || (series->end - series->next < (long)count && !advance(series))) {
		record_lose(count);
		return;
	}
	memcpy(series->next, records, count * sizeof(struct vring_record));
	record_advance(series, count);
	/* who is killed before its next extent begins has told its clock's rate */
	if (kind == VRING_CALLS)
		record.file->header->last = ticks_anchor();
}

void record_take_over(enum vring_kind kind, const void *records, uint32_t count)
{
	pthread_mutex_lock(&record.lock);
	append(kind, records, count);
	pthread_mutex_unlock(&record.lock);
}

void record_put(enum vring_kind kind, const void *records, uint32_t count)
{
	int error = errno;

	if (record_here.busy) {
		record_lose(count);
		return;
	}
	lock();
	append(kind, records, count);
	unlock();
	errno = error;
}

/* --- beginning and end --- */

/* Registrations are many in some programs, and seldom looked at. */
static void set_limits(uint64_t ring)
{
	for (uint32_t kind = 0; kind < VRING_KINDS; kind++)
		record.shared[kind] = (struct budget){ .limit = ring };
	record.data = (struct budget){ .limit = ring };
	record.shared[VRING_MEMORY].limit = ring / 4;
}

int record_start(struct ringfile *file, uint64_t ring, uint32_t timed)
{
	if (!record.has_key)
		record.has_key = pthread_key_create(&record.key, thread_ends) == 0;
	record.series = 0;
	record.timed = timed;
	set_limits(ring);
	describe(&record.calls, VRING_CALLS, 0);
	describe(&record.memory, VRING_MEMORY, 0);
	__atomic_store_n(&record.file, file, __ATOMIC_RELEASE);
	return 0;
}

void record_stop(void)
{
	record_mode = RECORD_NOTHING;
	if (record.file)
		record.file->header->last = ticks_anchor();
}

void record_forget(void)
{
	pthread_mutex_init(&record.lock, NULL);
	record.file = NULL;
	record.free = NULL;
	record_here.self = NULL;
	record_here.busy = false;
	if (record.has_key)
		pthread_setspecific(record.key, NULL);
}
