/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One extent: where it is, and which records of its series it has. */
struct place {
	uint64_t at, first;
	uint32_t used;
};

struct reader_series {
	uint32_t kind, number, thread;
	struct place *places; /* by `first` */
	size_t count, room;
	size_t next;                  /* place to be read */
	uint64_t follows;             /* number of the record after those that were read */
	bool gap;                     /* records before the current extent are missing */
	struct vring_record *records; /* of the current extent, or of several that are sorted */
	size_t at, limit, end;        /* of them: up to limit they are in order */
};

#define WINDOW 64 /* extents that are sorted at once */

const char *reader_call_name(uint16_t call)
{
#define NAME(constant, name, ...) [VCALL_##constant] = name,
	static const char *const names[VCALL_COUNT] = { [VCALL_NONE] = "unknown", VCALLS(NAME) };
#undef NAME

	return call < VCALL_COUNT ? names[call] : names[VCALL_NONE];
}

/* --- the file --- */

static int read_at(const struct reader *reader, void *to, size_t size, uint64_t at, struct err *err)
{
	size_t got = 0;
	ssize_t n;

	while (got < size) {
		n = pread(reader->fd, (char *)to + got, size - got, (off_t)(at + got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "unable to read '%s'", reader->path);
		if (n == 0)
			return err_set(err, "'%s': ends at byte %llu, within what it should have",
				       reader->path, (unsigned long long)(at + got));
		got += (size_t)n;
	}
	return 0;
}

static int check_header(struct reader *reader, uint64_t size, struct err *err)
{
	struct vring_header *header = &reader->header;

	if (size < VRING_HEADER_SIZE)
		return err_set(err, "'%s': no file of records (%llu bytes)", reader->path,
			       (unsigned long long)size);
	if (read_at(reader, header, sizeof(*header), 0, err) < 0)
		return -1;
	if (memcmp(header->magic, VRING_MAGIC, sizeof(header->magic)) != 0)
		return err_set(err, "'%s': no file of records", reader->path);
	if (header->byte_order != VRING_BYTE_ORDER)
		return err_set(err, "'%s': written on a machine of another byte order",
			       reader->path);
	if (header->version < VRING_VERSION_MIN || header->version > VRING_VERSION)
		return err_set(err, "'%s': version %u is not known, only %u to %u", reader->path,
			       header->version, VRING_VERSION_MIN, VRING_VERSION);
	header->node[sizeof(header->node) - 1] = '\0';
	header->program[sizeof(header->program) - 1] = '\0';
	header->job[sizeof(header->job) - 1] = '\0';
	header->step[sizeof(header->step) - 1] = '\0';
	header->tag[sizeof(header->tag) - 1] = '\0';
	return 0;
}

/* Times of an impossible file need not be right, but sums and differences of them have to
 * fit into 64 bits.
 */
#define TIME_MAX  (1LL << 62)
#define SINCE_MAX 1e18

static int check_clock(const struct reader *reader, struct err *err)
{
	const struct vring_anchor *first = &reader->header.first;

	if (first->monotonic < 0 || first->monotonic > TIME_MAX || first->realtime < 0 ||
	    first->realtime > TIME_MAX)
		return err_set(err, "'%s': its clock shows no time that can be", reader->path);
	return 0;
}

/* Ticks become time by the two moments that are farthest from each other.  No counter is
 * slower than 1 MHz or faster than 100 GHz.
 */
static void set_clock(struct reader *reader)
{
	const struct vring_anchor *first = &reader->header.first, *last = &reader->header.last;
	double ticks = (double)(int64_t)(last->ticks - first->ticks);
	double rate =
		(double)(int64_t)((uint64_t)last->monotonic - (uint64_t)first->monotonic) / ticks;

	reader->ns_per_tick = 1;
	if (reader->header.clock == VRING_TSC && ticks > 0 && rate > 1e-2 && rate < 1e3)
		reader->ns_per_tick = rate;
}

int64_t reader_time(const struct reader *reader, uint64_t ticks)
{
	const struct vring_anchor *first = &reader->header.first;
	double since = (double)(int64_t)(ticks - first->ticks) * reader->ns_per_tick;

	return first->monotonic + (since > -SINCE_MAX && since < SINCE_MAX ? (int64_t)since : 0);
}

int64_t reader_realtime_offset(const struct reader *reader)
{
	const struct vring_anchor *first = &reader->header.first;

	return first->realtime - first->monotonic;
}

/* --- series --- */

static struct reader_series *series_of(struct reader *reader, const struct vring_extent *extent)
{
	struct reader_series *grown;

	for (uint32_t i = 0; i < reader->count; i++)
		if (reader->series[i].number == extent->series &&
		    reader->series[i].kind == extent->kind &&
		    reader->series[i].thread == extent->thread)
			return &reader->series[i];
	grown = reallocarray(reader->series, reader->count + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	reader->series = grown;
	grown = &reader->series[reader->count++];
	*grown = (struct reader_series){
		.kind = extent->kind,
		.number = extent->series,
		.thread = extent->thread,
	};
	return grown;
}

static int add_place(struct reader *reader, const struct vring_extent *extent, uint64_t at,
		     struct err *err)
{
	struct reader_series *series = series_of(reader, extent);
	size_t room;
	struct place *grown;

	if (!series)
		return err_errno(err, "'%s'", reader->path);
	if (series->count == series->room) {
		room = series->room ? 2 * series->room : 16;
		grown = reallocarray(series->places, room, sizeof(*grown));
		if (!grown)
			return err_errno(err, "'%s'", reader->path);
		series->places = grown;
		series->room = room;
	}
	series->places[series->count++] = (struct place){ at, extent->first, extent->used };
	return 0;
}

/* An extent that is partly there at the end has never been used. */
static int look_over(struct reader *reader, uint64_t size, struct err *err)
{
	struct vring_extent extent;

	for (uint64_t at = VRING_HEADER_SIZE; at + VRING_EXTENT_SIZE <= size;
	     at += VRING_EXTENT_SIZE) {
		if (read_at(reader, &extent, sizeof(extent), at, err) < 0)
			return -1;
		if (extent.kind >= VRING_KINDS || extent.used > VRING_RECORDS)
			return err_set(err, "'%s': byte %llu: not the beginning of an extent",
				       reader->path, (unsigned long long)at);
		reader->extents++;
		reader->empty_polls += extent.empty_polls;
		if (extent.kind == VRING_FREE || !extent.used)
			continue;
		reader->records += extent.used;
		reader->counted += extent.kind == VRING_COUNTS ? extent.used : 0;
		if (!(reader->kinds & 1U << extent.kind))
			continue;
		if (add_place(reader, &extent, at, err) < 0)
			return -1;
	}
	return 0;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	return one->first < other->first ? -1 : one->first > other->first;
}

/* --- records --- */

static int read_records(const struct reader *reader, const struct place *place,
			struct vring_record *to, struct err *err)
{
	size_t at = 0;

	if (read_at(reader, to, place->used * sizeof(*to), place->at + sizeof(struct vring_extent),
		    err) < 0)
		return -1;
	for (; at < place->used; at += 1U + to[at].more)
		if (to[at].call == VCALL_NONE || to[at].call >= VCALL_COUNT ||
		    to[at].more >= place->used - at)
			return err_set(
				err, "'%s': byte %llu: not a record", reader->path,
				(unsigned long long)(place->at +
						     (at + 1) * sizeof(struct vring_record)));
	return 0;
}

struct slot {
	uint64_t time;
	size_t at, count;
};

static int compare_slots(const void *a, const void *b)
{
	const struct slot *one = a, *other = b;

	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	return one->at < other->at ? -1 : one->at > other->at;
}

/* Several threads wrote them, in the order in which the calls returned. */
static int sort_records(struct reader_series *series, const char *path, struct err *err)
{
	struct vring_record *sorted = reallocarray(NULL, series->end + 1, sizeof(*sorted));
	struct slot *slots = reallocarray(NULL, series->end + 1, sizeof(*slots));
	size_t count = 0, to = 0;

	if (!sorted || !slots) {
		free(sorted);
		free(slots);
		return err_errno(err, "'%s'", path);
	}
	for (size_t at = 0; at < series->end; at += slots[count++].count)
		slots[count] = (struct slot){ series->records[at].time, at,
					      1U + series->records[at].more };
	qsort(slots, count, sizeof(*slots), compare_slots);
	for (size_t i = 0; i < count; to += slots[i++].count)
		memcpy(sorted + to, series->records + slots[i].at,
		       slots[i].count * sizeof(*sorted));
	free(slots);
	free(series->records);
	series->records = sorted;
	return 0;
}

/* Several threads write these as calls return, so they have to be sorted by when they
 * began.  A control call may wait for as long as the program runs; registrations, of which
 * there can be many, do not: those that took longer than many others come late.
 */
static size_t window(const struct reader_series *series)
{
	size_t left = series->count - series->next;

	return series->kind == VRING_MEMORY && left > WINDOW ? WINDOW : left;
}

/* Before others have been read, half of the window is given out. */
static size_t limit_of(const struct reader_series *series)
{
	size_t at = 0;

	if (series->next == series->count)
		return series->end;
	while (at < series->end / 2)
		at += 1U + series->records[at].more;
	return at;
}

static int refill(struct reader *reader, struct reader_series *series, struct err *err)
{
	size_t kept = series->end - series->at, count = kept, last = series->next + window(series);
	struct vring_record *records;

	for (size_t i = series->next; i < last; i++)
		count += series->places[i].used;
	records = reallocarray(NULL, count + 1, sizeof(*records));
	if (!records)
		return err_errno(err, "'%s'", reader->path);
	if (kept)
		memcpy(records, series->records + series->at, kept * sizeof(*records));
	free(series->records);
	series->records = records;
	series->at = 0;
	series->end = kept;
	for (; series->next < last; series->next++) {
		const struct place *place = &series->places[series->next];

		if (read_records(reader, place, records + series->end, err) < 0)
			return -1;
		series->end += place->used;
		reader->done += VRING_EXTENT_SIZE;
	}
	if (sort_records(series, reader->path, err) < 0)
		return -1;
	series->limit = limit_of(series);
	return 0;
}

/* The next extent of what one thread has written, in order. */
static int load_extent(struct reader *reader, struct reader_series *series, struct err *err)
{
	const struct place *place = &series->places[series->next];

	if (!series->records)
		series->records = reallocarray(NULL, VRING_RECORDS, sizeof(*series->records));
	if (!series->records)
		return err_errno(err, "'%s'", reader->path);
	if (read_records(reader, place, series->records, err) < 0)
		return -1;
	series->next++;
	series->gap = place->first != series->follows;
	series->follows = place->first + place->used;
	series->at = 0;
	series->limit = series->end = place->used;
	reader->done += VRING_EXTENT_SIZE;
	return 0;
}

static bool is_sorted(const struct reader_series *series)
{
	return series->kind == VRING_DATA || series->kind == VRING_DEVICE;
}

/* Make the next event of SERIES the current one.  Returns 1, 0 when there is none, -1. */
static int load(struct reader *reader, struct reader_series *series, struct err *err)
{
	int rc;

	if (series->at < series->limit)
		return 1;
	if (series->next == series->count)
		return 0;
	rc = is_sorted(series) ? load_extent(reader, series, err) : refill(reader, series, err);
	return rc < 0 ? -1 : 1;
}

/* --- the merge --- */

static uint64_t time_of(const struct reader *reader, uint32_t index)
{
	const struct reader_series *series = &reader->series[index];

	return series->records[series->at].time;
}

static void sink(struct reader *reader, uint32_t at)
{
	uint32_t *heap = reader->heap, child, moved = heap[at];

	while ((child = 2 * at + 1) < reader->heap_count) {
		if (child + 1 < reader->heap_count &&
		    time_of(reader, heap[child + 1]) < time_of(reader, heap[child]))
			child++;
		if (time_of(reader, moved) <= time_of(reader, heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static int begin(struct reader *reader, struct err *err)
{
	int rc;

	reader->heap = reallocarray(NULL, reader->count + 1, sizeof(*reader->heap));
	if (!reader->heap)
		return err_errno(err, "'%s'", reader->path);
	for (uint32_t i = 0; i < reader->count; i++) {
		struct reader_series *series = &reader->series[i];

		qsort(series->places, series->count, sizeof(*series->places), compare_places);
		rc = load(reader, series, err);
		if (rc < 0)
			return -1;
		reader->heap[reader->heap_count++] = i;
	}
	for (uint32_t i = reader->heap_count; i-- > 0;)
		sink(reader, i);
	return 0;
}

int reader_open(struct reader *reader, const char *path, struct err *err)
{
	return reader_open_kinds(reader, path, UINT32_MAX, err);
}

int reader_open_kinds(struct reader *reader, const char *path, uint32_t kinds, struct err *err)
{
	struct stat stat;

	*reader = (struct reader){
		.fd = open(path, O_RDONLY | O_CLOEXEC),
		.path = strdup(path),
		.kinds = kinds,
	};
	if (!reader->path || reader->fd < 0 || fstat(reader->fd, &stat) < 0) {
		err_errno(err, "unable to read '%s'", path);
	} else if (!S_ISREG(stat.st_mode)) {
		err_set(err, "'%s': not a file", path);
	} else if (check_header(reader, (uint64_t)stat.st_size, err) == 0 &&
		   check_clock(reader, err) == 0 &&
		   look_over(reader, (uint64_t)stat.st_size, err) == 0 && begin(reader, err) == 0) {
		set_clock(reader);
		reader->dropped = reader->header.overwritten;
		return 0;
	}
	reader_close(reader);
	return -1;
}

void reader_close(struct reader *reader)
{
	for (uint32_t i = 0; i < reader->count; i++) {
		free(reader->series[i].places);
		free(reader->series[i].records);
	}
	free(reader->series);
	free(reader->heap);
	free(reader->path);
	if (reader->fd >= 0)
		close(reader->fd);
	*reader = (struct reader){ .fd = -1 };
}

int reader_next(struct reader *reader, struct reader_event *event, struct err *err)
{
	struct reader_series *series;
	const struct vring_record *record;
	int rc;

	/* the event before is given back only now: it was read from here */
	if (reader->heap_count && reader->taken) {
		series = &reader->series[reader->heap[0]];
		series->at += 1U + series->records[series->at].more;
		rc = load(reader, series, err);
		if (rc < 0)
			return -1;
		if (rc == 0)
			reader->heap[0] = reader->heap[--reader->heap_count];
		if (reader->heap_count)
			sink(reader, 0);
	}
	reader->taken = reader->heap_count > 0;
	if (!reader->taken)
		return 0;
	series = &reader->series[reader->heap[0]];
	record = &series->records[series->at];
	*event = (struct reader_event){
		.record = record,
		.time = reader_time(reader, record->time),
		.duration = (int64_t)(record->duration * reader->ns_per_tick),
		.thread = series->thread,
		.series = series->number,
		.timed = vring_is_timed(&reader->header, record),
		.gap = series->gap && !series->at,
	};
	return 1;
}
