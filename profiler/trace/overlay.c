/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "trace/overlay.h"
#include "trace/timeline.h"
#include "rankfile.h"
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- netprof --- */

static json_t *phases_of(const struct rankfile *rank)
{
	json_t *phases = json_array();

	for (size_t i = 0; i < rank->nphases; i++) {
		const struct rankphase *phase = &rank->phases[i];

		json_array_append_new(
			phases,
			json_pack("{s:o, s:I, s:I}", "phase",
				  phase->other ? json_string("other") : json_integer(phase->level),
				  "opened", (json_int_t)phase->opened, "duration_ns",
				  (json_int_t)phase->duration));
	}
	return phases;
}

static void put_json(struct json *to, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;

	if (text)
		json_put(to, text, strlen(text));
	else
		to->failed = true;
	free(text);
	json_decref(value);
}

static struct json *event_begin(struct tracks *tracks, const char *ph, uint32_t tid, int64_t at)
{
	struct json *json = ordered_begin(tracks->out, ORDERED_NOW, ORDERED_BEFORE);

	JSON_PUT(json, "{\"ph\":");
	json_text(json, ph);
	JSON_PUT(json, ",\"pid\":");
	json_u64(json, tracks->pid);
	JSON_PUT(json, ",\"tid\":");
	json_u64(json, tid);
	JSON_PUT(json, ",\"ts\":");
	json_us(json, at);
	return json;
}

static void put_window(struct tracks *tracks, uint32_t tid, int64_t at,
		       const struct rankpeers *peers)
{
	struct json *json = event_begin(tracks, "C", tid, at);
	uint64_t sent = 0, received = 0;

	for (size_t i = 0; i < peers->count; i++) {
		sent += peers->rows[i].tx_bytes;
		received += peers->rows[i].rx_bytes;
	}
	JSON_PUT(json, ",\"name\":\"MPI bytes\",\"args\":{\"sent\":");
	json_id(json, sent);
	JSON_PUT(json, ",\"received\":");
	json_id(json, received);
	JSON_PUT(json, "}}");
	ordered_end(tracks->out);
}

/* Windows without traffic are not in the file: the counter is zero there. */
static void put_windows(struct tracks *tracks, uint32_t tid, int64_t start,
			const struct rankfile *rank)
{
	static const struct rankpeers none;

	for (size_t i = 0; i < rank->nwindows; i++) {
		int64_t end = rank->windows[i].start + rank->window_width;

		put_window(tracks, tid, start + rank->windows[i].start, &rank->windows[i].peers);
		if (i + 1 == rank->nwindows || rank->windows[i + 1].start > end)
			put_window(tracks, tid, start + end, &none);
	}
}

static void put_span(struct tracks *tracks, uint32_t tid, int64_t start,
		     const struct rankphase *phase, const struct rankspan *span)
{
	struct json *json = event_begin(tracks, "X", tid, start + span->begin);

	JSON_PUT(json, ",\"dur\":");
	json_us(json, span->end > span->begin ? span->end - span->begin : 0);
	JSON_PUT(json, ",\"cat\":\"phase\",\"name\":\"phase ");
	if (phase->other)
		JSON_PUT(json, "other");
	else
		json_i64(json, phase->level);
	JSON_PUT(json, "\"}");
	ordered_end(tracks->out);
}

struct opened {
	const struct rankphase *phase;
	const struct rankspan *span;
};

static int compare_opened(const void *a, const void *b)
{
	int64_t left = ((const struct opened *)a)->span->begin;
	int64_t right = ((const struct opened *)b)->span->begin;

	return (left > right) - (left < right);
}

/* Their track has all times that one was open, one after the other, as MPI_Pcontrol() closes
 * the one before.  A file of an older netprof does not say when.
 */
static void put_phases(struct tracks *tracks, int64_t start, const struct rankfile *rank)
{
	size_t count = 0, at = 0;
	struct opened *opened;
	uint32_t tid;

	for (size_t i = 0; i < rank->nphases; i++)
		count += rank->phases[i].nspans;
	if (!count)
		return;
	opened = calloc(count, sizeof(*opened));
	if (!opened) {
		tracks->out->json.failed = ENOMEM;
		return;
	}
	for (size_t i = 0; i < rank->nphases; i++)
		for (size_t k = 0; k < rank->phases[i].nspans; k++)
			opened[at++] =
				(struct opened){ &rank->phases[i], &rank->phases[i].spans[k] };
	qsort(opened, count, sizeof(*opened), compare_opened);
	tid = tracks_other(tracks, "phases (netprof)");
	for (at = 0; at < count; at++)
		put_span(tracks, tid, start, opened[at].phase, opened[at].span);
	free(opened);
}

static void put_rank(struct tracks *tracks, const struct trace_file *file,
		     const struct rankfile *rank)
{
	/* its clock is that of the node, as the tracer's; only both have the run's offset */
	int64_t ahead = file->header.first.realtime - file->header.first.monotonic - file->offset;
	int64_t start = rank->init_realtime - ahead - tracks->run->start;
	uint32_t tid = tracks_other(tracks, "MPI (netprof)");
	struct json *json = event_begin(tracks, "X", tid, start);

	JSON_PUT(json, ",\"dur\":");
	json_us(json, (int64_t)(rank->duration * 1e9));
	JSON_PUT(json, ",\"cat\":\"mpi\",\"name\":\"MPI\",\"args\":{\"complete\":");
	if (rank->complete)
		JSON_PUT(json, "true,\"phases\":");
	else
		JSON_PUT(json, "false,\"phases\":");
	put_json(json, phases_of(rank));
	JSON_PUT(json, "}}");
	ordered_end(tracks->out);
	put_windows(tracks, tid, start, rank);
	put_phases(tracks, start, rank);
}

/* The whole file; NULL with errno. */
static char *slurp(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat_;
	char *data = NULL;
	ssize_t got = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &stat_) == 0 && S_ISREG(stat_.st_mode))
		data = malloc((size_t)stat_.st_size + 1);
	*size = 0;
	while (data && *size < (size_t)stat_.st_size &&
	       (got = read(fd, data + *size, (size_t)stat_.st_size - *size)) > 0)
		*size += (size_t)got;
	close(fd);
	if (data && got < 0) {
		free(data);
		data = NULL;
	}
	return data;
}

static void say(const struct err *err)
{
	fprintf(stderr, "netemu trace export: warning: %s: it is left out\n", err->text);
}

static void put_netprof(struct tracks *tracks, const struct trace_file *file, const char *path)
{
	struct rankfile rank;
	struct err err;
	size_t size;
	char *data = slurp(path, &size);

	if (!data) {
		if (errno != ENOENT && errno != ENOTDIR) {
			err_errno(&err, "unable to read '%s'", path);
			say(&err);
		}
		return;
	}
	if (rankfile_read(&rank, data, size, path, &err) < 0) {
		say(&err);
	} else {
		if (rank.init_realtime && rank.duration >= 0 && rank.duration < 1e9)
			put_rank(tracks, file, &rank);
		rankfile_release(&rank);
	}
	free(data);
}

int overlay_put(struct tracks *tracks, const struct trace_file *file, struct err *err)
{
	char *path;

	if (!tracks->run->directory)
		return 0;
	if (asprintf(&path, "%s/" RUNDIR_MPI "/" RUNDIR_RANK, tracks->run->path, file->rank) < 0)
		return err_errno(err, "'%s'", file->path);
	put_netprof(tracks, file, path);
	free(path);
	if (asprintf(&path, "%s/replay/trace_%u.json", tracks->run->path, file->rank) < 0)
		return err_errno(err, "'%s'", file->path);
	timeline_put(tracks, file->rank, path);
	free(path);
	return 0;
}
