/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/run.h"
#include "trace/progress.h"
#include "trace/runclock.h"
#include "trace/runtable.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- which files --- */

static int add_file(struct trace_run *run, char *path)
{
	struct trace_file *grown =
		path ? reallocarray(run->file, run->files + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(path);
		return -1;
	}
	run->file = grown;
	grown[run->files++] = (struct trace_file){ .path = path };
	return 0;
}

static bool is_ring(const char *name)
{
	size_t length = strlen(name);

	return !strncmp(name, "ring-", 5) && length > 9 && !strcmp(name + length - 4, ".bin");
}

/* Returns 0, also when there is no such directory. */
static int add_directory(struct trace_run *run, const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int rc = 0;
	char *name;

	if (!directory)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	while (rc == 0 && (entry = readdir(directory))) {
		if (!is_ring(entry->d_name))
			continue;
		name = NULL;
		if (asprintf(&name, "%s/%s", path, entry->d_name) < 0)
			name = NULL;
		rc = add_file(run, name);
	}
	closedir(directory);
	return rc;
}

/* The files of the run directory at PATH. */
static int add_rings(struct trace_run *run, const char *path)
{
	char *verbs;
	int rc;

	if (asprintf(&verbs, "%s/" RUNDIR_VERBS, path) < 0)
		return -1;
	rc = add_directory(run, verbs);
	free(verbs);
	return rc;
}

static bool has_rings(const char *path)
{
	struct trace_run run = { 0 };
	bool has = add_rings(&run, path) == 0 && run.files;

	for (uint32_t i = 0; i < run.files; i++)
		free(run.file[i].path);
	free(run.file);
	return has;
}

/* The one of PATHS that was traced. */
static const char *choose(char *const *paths, const char *name, struct err *err)
{
	const char *chosen = NULL;

	for (; *paths; paths++) {
		if (!has_rings(*paths))
			continue;
		if (chosen) {
			err_set(err,
				"'%s': several runs were traced, '%s' and '%s' among them: name one",
				name, chosen, *paths);
			return NULL;
		}
		chosen = *paths;
	}
	if (!chosen)
		err_set(err, "'%s': no verbs calls were recorded there", name);
	return chosen;
}

static int find_files(struct trace_run *run, const char *name, struct err *err)
{
	const char *chosen;
	struct stat stat_;
	char **paths;
	int rc = 0;

	if (rundir_find(name, &paths, err) < 0)
		return -1;
	if (stat(paths[0], &stat_) == 0 && !S_ISDIR(stat_.st_mode)) {
		run->path = strdup(paths[0]);
		if (!run->path || add_file(run, strdup(run->path)) < 0)
			rc = err_errno(err, "'%s'", name);
		rundir_free_paths(paths);
		return rc;
	}
	run->directory = true;
	chosen = choose(paths, name, err);
	if (!chosen)
		rc = -1;
	else if (!(run->path = strdup(chosen)) || add_rings(run, chosen) < 0)
		rc = err_errno(err, "'%s'", chosen);
	rundir_free_paths(paths);
	return rc;
}

/* --- the first pass --- */

static int follow_calls(struct trace_run *run, const struct trace_file *file, struct reader *reader,
			struct objects *objects, struct err *err)
{
	struct reader_event event;
	bool first = true;
	int rc;

	while ((rc = reader_next(reader, &event, err)) > 0) {
		event.time += file->offset;
		if (first && event.time < run->start)
			run->start = event.time;
		first = false;
		if (objects_follow(objects, &event) < 0)
			return err_errno(err, "'%s'", file->path);
	}
	return rc;
}

static void describe(struct trace_run *run, struct trace_file *file, const struct reader *reader,
		     const struct run_clock *clock)
{
	int64_t begin = reader->header.first.realtime, ahead;
	int64_t end = begin + reader_time(reader, reader->header.last.ticks) -
		      reader->header.first.monotonic;

	file->header = reader->header;
	file->rank = reader->header.rank;
	file->records = reader->records;
	file->dropped = reader->dropped;
	file->empty_polls = reader->empty_polls;
	file->whole = !reader->dropped && !reader->header.lost && !reader->counted;
	file->bytes = VRING_HEADER_SIZE + reader->extents * VRING_EXTENT_SIZE;
	ahead = run_clock_offset(clock, file->header.node, begin, end, &file->uncertainty);
	file->offset = reader_realtime_offset(reader) - ahead;
	file->forked = INT64_MIN;
	if (reader->header.forked)
		file->forked = reader_time(reader, reader->header.forked) + file->offset;
	if (begin - ahead < run->start)
		run->start = begin - ahead;
}

/* What the control calls of a file say. */
static int look_at(struct trace_run *run, uint32_t index, const struct run_clock *clock,
		   struct err *err)
{
	struct trace_file *file = &run->file[index];
	struct objects objects;
	struct reader reader;
	int rc;

	if (reader_open_kinds(&reader, file->path, 1U << VRING_CALLS, err) < 0)
		return -1;
	if (objects_init(&objects) < 0) {
		reader_close(&reader);
		return err_errno(err, "'%s'", file->path);
	}
	describe(run, file, &reader, clock);
	rc = follow_calls(run, file, &reader, &objects, err);
	if (rc == 0 && run_table_add(run->table, index, &objects) < 0)
		rc = err_errno(err, "'%s'", file->path);
	objects_release(&objects);
	reader_close(&reader);
	return rc;
}

static int compare_paths(const void *a, const void *b)
{
	const struct trace_file *one = a, *other = b;

	return strcmp(one->path, other->path);
}

static int compare_files(const void *a, const void *b)
{
	const struct trace_file *one = a, *other = b;

	if (one->rank != other->rank)
		return one->rank < other->rank ? -1 : 1;
	return compare_paths(a, b);
}

/* Which ranks have files is known when their heads have been read; those without a
 * readable one go.
 */
static int look_at_heads(struct trace_run *run, struct err *err)
{
	struct reader reader;
	uint32_t kept = 0;

	qsort(run->file, run->files, sizeof(*run->file), compare_paths);
	for (uint32_t i = 0; i < run->files; i++) {
		struct trace_file *file = &run->file[i];

		if (reader_open_kinds(&reader, file->path, 0, err) == 0) {
			file->rank = reader.header.rank;
			reader_close(&reader);
			run->file[kept++] = *file;
			continue;
		}
		free(file->path);
		run->unreadable++;
		if (run->directory)
			fprintf(stderr, "netemu trace: %s\n", err->text);
	}
	run->files = kept;
	qsort(run->file, run->files, sizeof(*run->file), compare_files);
	return kept ? 0 : -1;
}

static void count_ranks(struct trace_run *run)
{
	uint32_t present = 0;

	for (uint32_t i = 0; i < run->files; i++) {
		const struct trace_file *file = &run->file[i];

		if (file->header.ranks > run->ranks)
			run->ranks = file->header.ranks;
		present += !i || file->rank != file[-1].rank;
	}
	run->missing = run->ranks > present ? run->ranks - present : 0;
}

int trace_run_open(struct trace_run *run, const char *name, struct err *err)
{
	struct run_clock *clock;
	int rc = 0;

	*run = (struct trace_run){ .table = run_table_create(), .start = INT64_MAX };
	if (!run->table)
		return err_errno(err, "'%s'", name);
	if (find_files(run, name, err) < 0 || look_at_heads(run, err) < 0) {
		trace_run_close(run);
		return -1;
	}
	clock = run->directory ? run_clock_read(run->path) : NULL;
	for (uint32_t i = 0; rc == 0 && i < run->files; i++)
		rc = look_at(run, i, clock, err);
	run_clock_free(clock);
	count_ranks(run);
	if (rc < 0)
		trace_run_close(run);
	return rc;
}

void trace_run_close(struct trace_run *run)
{
	for (uint32_t i = 0; i < run->files; i++)
		free(run->file[i].path);
	free(run->file);
	free(run->path);
	run_table_free(run->table);
	*run = (struct trace_run){ 0 };
}

/* --- who is who --- */

const struct trace_end *trace_run_find(const struct trace_run *run,
				       const struct trace_address *address, uint32_t qpn,
				       int64_t time)
{
	return run_table_find(run->table, address, qpn, time, 0);
}

const struct trace_end *trace_run_peer(const struct trace_run *run, uint32_t file,
				       const struct trace_qp *qp)
{
	const struct trace_end *end;

	(void)file;
	if (!qp->connected)
		return NULL;
	end = run_table_find(run->table, &qp->peer, qp->peer_qpn, qp->connected, qp->qpn);
	return end ? end : trace_run_find(run, &qp->peer, qp->peer_qpn, qp->connected);
}

/* --- the second pass --- */

struct walk {
	const struct trace_run *run;
	const struct trace_handler *handler;
	struct progress progress;
};

static int take(const struct trace_handler *handler, const struct reader_event *event,
		struct objects *objects, struct match *match)
{
	if (objects_follow(objects, event) < 0)
		return -1;
	if (handler->event && handler->event(handler->arg, event, objects) < 0)
		return -1;
	return match_take(match, event);
}

static int walk_events(struct walk *walk, const struct trace_file *file, struct reader *reader,
		       struct objects *objects, struct match *match, struct err *err)
{
	struct reader_event event;
	int rc;

	while ((rc = reader_next(reader, &event, err)) > 0) {
		event.time += file->offset;
		if (take(walk->handler, &event, objects, match) < 0)
			return -1;
		if (!progress_step(&walk->progress, reader->done))
			return err_set(err, "interrupted");
	}
	return rc < 0 ? -1 : match_finish(match);
}

/* What is needed for it is there. */
static int walk_reader(struct walk *walk, const struct trace_file *file, struct reader *reader,
		       struct objects *objects, struct err *err)
{
	const struct trace_handler *handler = walk->handler;
	struct match_handler matched = handler->match;
	struct match *match;
	int rc = 0;

	matched.arg = handler->arg;
	match = match_create(objects, &matched, file->whole);
	if (!match)
		return -1;
	if (handler->begin)
		rc = handler->begin(handler->arg, file);
	if (rc == 0)
		rc = walk_events(walk, file, reader, objects, match, err);
	if (rc == 0 && handler->end)
		rc = handler->end(handler->arg, file, objects);
	match_free(match);
	return rc < 0 ? -1 : 0;
}

static int walk_file(struct walk *walk, const struct trace_file *file, struct err *err)
{
	struct objects objects;
	struct reader reader;
	int rc = -1;

	err->text[0] = '\0';
	if (reader_open(&reader, file->path, err) < 0)
		return -1;
	if (objects_init(&objects) == 0) {
		rc = walk_reader(walk, file, &reader, &objects, err);
		objects_release(&objects);
	}
	if (rc < 0 && !err->text[0])
		err_errno(err, "'%s'", file->path);
	walk->progress.before += file->bytes;
	reader_close(&reader);
	return rc;
}

static int walk_files(const struct trace_run *run, uint32_t first, uint32_t end,
		      const struct trace_handler *handler, struct err *err)
{
	struct walk walk = { .run = run, .handler = handler };
	uint64_t total = 0;
	int rc = 0;

	for (uint32_t i = first; i < end; i++)
		total += run->file[i].bytes;
	progress_begin(&walk.progress, total);
	for (uint32_t i = first; rc == 0 && i < end; i++)
		rc = walk_file(&walk, &run->file[i], err);
	progress_end(&walk.progress);
	return rc;
}

int trace_run_walk(const struct trace_run *run, uint32_t index, const struct trace_handler *handler,
		   struct err *err)
{
	return walk_files(run, index, index + 1, handler, err);
}

int trace_run_walk_all(const struct trace_run *run, const struct trace_handler *handler,
		       struct err *err)
{
	return walk_files(run, 0, run->files, handler, err);
}
