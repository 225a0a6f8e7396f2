/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ring.c - any bytes as a file of records
 *
 * The extents of a file are mostly empty: DATA has them without what is not used, a
 * header, then the head of each and as many records as it says, as far as they go.
 * Whatever is in it: no crash, an error is a sentence, times do not go back, and no more
 * requests end or are left than were posted.  What netemu trace makes of it is JSON where
 * it says so, tables have as many cells in each row, and rank files can be read again.
 */
#include "../fuzz.h"

#include "trace/export.h"
#include "trace/overview.h"
#include "trace/ranks.h"
#include "trace/rules.h"
#include "trace/summary.h"

#include <jansson.h>
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

/* --- what is made of it --- */

static void is_json(const char *text, size_t size)
{
	json_error_t error;
	json_t *value = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!value) {
		fprintf(stderr, "%s at %d, behind %.60s\n", error.text, error.position,
			text + (error.position > 90 ? error.position - 90 : 0));
		abort();
	}
	json_decref(value);
}

/* Of a table whose lines that begin with # have no columns. */
static void is_table(const char *text, size_t size, char between)
{
	const char *end = text + size;
	long columns = -1;

	while (text < end) {
		const char *line = memchr(text, '\n', (size_t)(end - text));
		long cells = 1;

		if (!line)
			abort();
		for (const char *at = text; at < line; at++)
			cells += *at == between;
		if (*text != '#') {
			if (columns >= 0 && cells != columns)
				abort();
			columns = cells;
		}
		text = line + 1;
	}
}

static void export(const struct trace_run *run, const struct export_format *format)
{
	struct err err = { "" };
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	int error = 0;
	int rc = out ? format->write(run, 0, run->files, out, &error, &err) : -1;

	if (!out || fclose(out) != 0 || error || (rc < 0 && !*err.text))
		abort();
	if (rc == 0 && format == &export_csv)
		is_table(text, size, ',');
	else if (rc == 0)
		is_json(text, size);
	free(text);
}

/* Sums of any bytes may be too large for a reader: that is a sentence. */
static void matrix(const struct trace_run *run)
{
	struct err err = { "" };
	struct ranks ranks;

	if (ranks_collect(&ranks, run, &err) < 0) {
		if (!*err.text)
			abort();
		return;
	}
	for (uint32_t i = 0; i < ranks.count && i < 8; i++) {
		int fd = memfd_create("rank", MFD_CLOEXEC);
		struct rankfile again;
		static char data[1 << 20];
		ssize_t size;

		if (fd < 0 || rankfile_write(&ranks.rank[i], fd) < 0)
			abort();
		size = pread(fd, data, sizeof(data), 0);
		close(fd);
		if (size < 0 || (size_t)size == sizeof(data))
			continue;
		if (rankfile_read(&again, data, (size_t)size, "rank", &err) == 0)
			rankfile_release(&again);
		else if (!*err.text)
			abort();
	}
	ranks_release(&ranks);
}

static void check(const struct trace_run *run)
{
	struct findings findings;
	struct err err = { "" };

	if (rules_check(&findings, run, UINT64_MAX, &err) < 0) {
		if (!*err.text)
			abort();
		return;
	}
	for (size_t i = 0; i < findings.count; i++)
		if (!*findings.row[i].text || !*findings.row[i].advice)
			abort();
	findings_release(&findings);
}

static void summary(const struct trace_run *run, enum overview_by by)
{
	struct overview overview;
	struct err err = { "" };

	if (overview_collect(&overview, run, by, OVERVIEW_NOBODY, &err) < 0) {
		if (!*err.text)
			abort();
		return;
	}
	summary_sort(&overview, NULL);
	for (int form = 0; form < 3; form++) {
		size_t size = 0;
		char *text = NULL;
		FILE *out = open_memstream(&text, &size);

		if (!out)
			abort();
		if (form == 0)
			summary_text(&overview, run, 0, out);
		else if (form == 1)
			summary_tsv(&overview, 0, out);
		else if (summary_json(&overview, run, 0, out) < 0)
			abort();
		if (fclose(out) != 0)
			abort();
		if (form == 1)
			is_table(text, size, '\t');
		else if (form == 2)
			is_json(text, size);
		free(text);
	}
	overview_release(&overview);
}

static void export_chrome_of(const struct trace_run *run)
{
	export(run, &export_chrome);
}

static void export_raw_of(const struct trace_run *run)
{
	export(run, &export_raw);
}

static void export_csv_of(const struct trace_run *run)
{
	export(run, &export_csv);
}

static void summary_by_qp(const struct trace_run *run)
{
	summary(run, OVERVIEW_QP);
}

static void summary_by_peer(const struct trace_run *run)
{
	summary(run, OVERVIEW_PEER);
}

/* One of these, which DATA says, or all where FUZZ_ALL is set. */
static void make(const struct trace_run *run, const uint8_t *data, size_t size)
{
	static void (*const makes[])(const struct trace_run *run) = {
		export_chrome_of, export_raw_of,   export_csv_of, matrix, check,
		summary_by_qp,    summary_by_peer,
	};
	size_t count = sizeof(makes) / sizeof(*makes), sum = 0;

	while (size--)
		sum += data[size];
	for (size_t i = 0; i < count; i++)
		if (i == sum % count || getenv("FUZZ_ALL"))
			makes[i](run);
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
		make(&run, data, size);
		trace_run_close(&run);
	} else if (!*err.text) {
		abort();
	}
	close(fd);
	return 0;
}
