/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ring.c - any bytes as a file of records
 *
 * The extents of a file are mostly empty: DATA has them without what is not used, a
 * header, then the head of each and as many records as it says, as far as they go.
 * Whatever is in it: no crash, an error is a sentence, times do not go back, and no more
 * requests end or are left than were posted.
 */
#include "../fuzz.h"

#include "trace/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXTENTS 24

struct input {
	const uint8_t *at;
	size_t left;
};

/* SIZE bytes of INPUT, at OFFSET of the file; what is not there is zero. */
static size_t put(int fd, struct input *input, size_t size, uint64_t offset)
{
	if (size > input->left)
		size = input->left;
	if (size && pwrite(fd, input->at, size, (off_t)offset) != (ssize_t)size)
		abort();
	input->at += size;
	input->left -= size;
	return size;
}

static void put_extent(int fd, struct input *input, uint64_t offset)
{
	struct vring_extent extent = { 0 };
	uint32_t used;

	memcpy(&extent, input->at, input->left < sizeof(extent) ? input->left : sizeof(extent));
	used = extent.used < VRING_RECORDS ? extent.used : VRING_RECORDS;
	put(fd, input, sizeof(extent), offset);
	put(fd, input, used * sizeof(struct vring_record), offset + sizeof(extent));
}

static int make_file(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint64_t end = VRING_HEADER_SIZE;
	int fd = memfd_create("ring", MFD_CLOEXEC);

	if (fd < 0)
		abort();
	put(fd, &input, sizeof(struct vring_header), 0);
	for (int i = 0; i < EXTENTS && input.left; i++, end += VRING_EXTENT_SIZE)
		put_extent(fd, &input, end);
	if (ftruncate(fd, (off_t)end) < 0)
		abort();
	return fd;
}

struct seen {
	uint64_t waiting;
	int64_t time;
};

static int event(void *arg, const struct reader_event *event, const struct objects *objects)
{
	(void)arg;
	if (event->record->call >= VCALL_COUNT || objects->mrs > objects->registrations)
		abort();
	return 0;
}

static int posted(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct seen *seen = arg;

	if (work->refused)
		return 0;
	if (!depth->outstanding)
		abort();
	seen->waiting++;
	return 0;
}

static int ended(void *arg, const struct work *work, const struct match_depth *depth)
{
	struct seen *seen = arg;

	(void)depth;
	if (!work->qp || (work->posted && !seen->waiting--))
		abort();
	return 0;
}

static int left(void *arg, const struct work *work)
{
	struct seen *seen = arg;

	if (!work->posted || !seen->waiting--)
		abort();
	return 0;
}

static int end(void *arg, const struct trace_file *file, const struct objects *objects)
{
	const struct seen *seen = arg;

	(void)file;
	(void)objects;
	if (seen->waiting)
		abort();
	return 0;
}

static void walk(const struct trace_run *run)
{
	struct seen seen = { 0 };
	const struct trace_handler handler = {
		.arg = &seen,
		.event = event,
		.match = { .posted = posted, .ended = ended, .left = left },
		.end = end,
	};
	struct err err = { "" };

	if (trace_run_walk_all(run, &handler, &err) < 0 && !*err.text)
		abort();
}

/* Records of each thread are taken as they stand, so only what is sorted is in order. */
static void read_calls(const char *path)
{
	struct reader_event event;
	struct reader reader;
	struct err err = { "" };
	uint64_t ticks = 0;
	int rc;

	if (reader_open_kinds(&reader, path, 1U << VRING_CALLS, &err) < 0) {
		if (!*err.text)
			abort();
		return;
	}
	while ((rc = reader_next(&reader, &event, &err)) > 0) {
		if (reader.count == 1 && event.record->time < ticks)
			abort();
		ticks = event.record->time;
	}
	if (rc < 0 && !*err.text)
		abort();
	reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = make_file(data, size);
	struct trace_run run;
	struct err err = { "" };
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_calls(path);
	if (trace_run_open(&run, path, &err) == 0) {
		walk(&run);
		trace_run_close(&run);
	} else if (!*err.text) {
		abort();
	}
	close(fd);
	return 0;
}
