/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "record.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct series *record_series __attribute__((tls_model("initial-exec")));
bool record_data;

static struct {
	struct ringfile *file;
	bool stream;
	pthread_mutex_t lock; /* around all below */
	pthread_key_t key;    /* tells when a thread ends */
	bool has_key;
	uint32_t series; /* numbers given */
	struct series calls, memory;
	struct series *free;
} record = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- extents --- */

static void lose(uint32_t count)
{
	if (record.file)
		__atomic_fetch_add(&record.file->header->lost, count, __ATOMIC_RELAXED);
}

/* Returns 0, or -1 when it cannot be remembered: it is then never overwritten. */
static int keep(struct series *series, struct vring_extent *extent)
{
	struct vring_extent **grown;
	uint32_t room = series->kept_room ? 2 * series->kept_room : 16;

	if (series->kept_count == series->kept_room) {
		grown = malloc(room * sizeof(struct vring_extent *));
		if (!grown)
			return -1;
		for (uint32_t i = 0; i < series->kept_count; i++)
			grown[i] = series->kept[(series->kept_first + i) % series->kept_room];
		free(series->kept);
		series->kept = grown;
		series->kept_first = 0;
		series->kept_room = room;
	}
	series->kept[(series->kept_first + series->kept_count++) % series->kept_room] = extent;
	return 0;
}

static struct vring_extent *oldest(struct series *series)
{
	struct vring_extent *extent;

	if (!series->kept_count)
		return NULL;
	extent = series->kept[series->kept_first];
	__atomic_fetch_add(&record.file->header->overwritten, extent->used, __ATOMIC_RELAXED);
	series->kept_first = (series->kept_first + 1) % series->kept_room;
	series->kept_count--;
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
	__atomic_store_n(&extent->kind, series->kind, __ATOMIC_RELEASE);
	series->extent = extent;
	series->next = (struct vring_record *)(extent + 1);
	series->end = series->next + VRING_RECORDS;
}

/* The next extent: a new one, or where there is none the oldest of this series. */
static bool advance(struct series *series)
{
	struct vring_extent *extent = ringfile_extend(record.file);

	if (series->extent) {
		series->count += series->extent->used;
		if (record.stream)
			ringfile_unmap(series->extent);
		else
			keep(series, series->extent);
		series->extent = NULL;
		series->next = series->end = NULL;
	}
	if (!extent)
		extent = oldest(series);
	if (!extent)
		return false;
	begin(series, extent);
	return true;
}

/* --- threads --- */

static void thread_ends(void *arg)
{
	struct series *series = arg;

	record_series = NULL;
	pthread_mutex_lock(&record.lock);
	series->free = record.free;
	record.free = series;
	pthread_mutex_unlock(&record.lock);
}

/* Of a thread that has ended, or a new one.  Its next records begin an extent. */
struct series *record_thread(void)
{
	struct series *series = record_series;

	if (series)
		return series;
	pthread_mutex_lock(&record.lock);
	series = record.free;
	if (series)
		record.free = series->free;
	else
		series = calloc(1, sizeof(*series));
	if (series)
		series->number = ++record.series;
	pthread_mutex_unlock(&record.lock);
	if (!series)
		return NULL;
	if (series->extent)
		keep(series, series->extent);
	series->extent = NULL;
	series->count = 0;
	series->kind = VRING_DATA;
	series->thread = (uint32_t)syscall(SYS_gettid);
	series->next = series->end = NULL;
	record_series = series;
	if (record.has_key)
		pthread_setspecific(record.key, series);
	return series;
}

struct vring_record *record_more(struct series *series, uint32_t count)
{
	int error = errno;

	if (!series)
		series = record_thread();
	if (!series || !record.file || count > VRING_RECORDS || !advance(series)) {
		lose(count);
		errno = error;
		return NULL;
	}
	errno = error;
	return series->next;
}

/* --- all threads --- */

void record_put(enum vring_kind kind, const void *records, uint32_t count)
{
	struct series *series = kind == VRING_MEMORY ? &record.memory : &record.calls;
	int error = errno;

	if (!record.file)
		return;
	pthread_mutex_lock(&record.lock);
	if (series->end - series->next >= (long)count || advance(series)) {
		memcpy(series->next, records, count * sizeof(struct vring_record));
		series->next += count;
		__atomic_store_n(
			&series->extent->used,
			(uint32_t)(series->next - (struct vring_record *)(series->extent + 1)),
			__ATOMIC_RELEASE);
	} else {
		lose(count);
	}
	pthread_mutex_unlock(&record.lock);
	errno = error;
}

/* --- beginning and end --- */

int record_start(struct ringfile *file, bool stream)
{
	record.has_key = pthread_key_create(&record.key, thread_ends) == 0;
	record.stream = stream;
	record.calls = (struct series){ .kind = VRING_CALLS, .number = ++record.series };
	record.memory = (struct series){ .kind = VRING_MEMORY, .number = ++record.series };
	__atomic_store_n(&record.file, file, __ATOMIC_RELEASE);
	return 0;
}

void record_stop(void)
{
	record_data = false;
	if (record.file)
		record.file->header->last = ticks_anchor();
}

void record_forget(void)
{
	pthread_mutex_init(&record.lock, NULL);
	record_data = false;
	record.file = NULL;
	record.free = NULL;
	record_series = NULL;
}
