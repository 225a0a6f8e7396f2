/* SPDX-License-Identifier: Apache-2.0 */
#include "ranksource.h"
#include "live.h"
#include "rundir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1ull << 30) /* bytes of one rank file */

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text);

	return length >= strlen(end) && !strcmp(text + length - strlen(end), end);
}

/* How other files of a run begin. */
static const char *const others[] = { RUNDIR_RUN, "node-", "summary.json", "trace_", "raw_trace_" };

enum ranksource_kind ranksource_kind_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash ? slash + 1 : name;

	if (!strncmp(base, ".rank-", 6) && ends_in(base, ".live"))
		return RANKSOURCE_LIVE;
	if (!ends_in(base, ".json") || base[0] == '.')
		return RANKSOURCE_NONE;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (!strncmp(base, others[i], strlen(others[i])))
			return RANKSOURCE_NONE;
	return RANKSOURCE_RANK;
}

int ranksource_reserve(struct ranksource *source, size_t size, const char *origin, struct err *err)
{
	char *buffer;

	if (size > FILE_MAX)
		return err_set(err, "%s: more than %llu bytes are no rank file", origin, FILE_MAX);
	if (size <= source->room)
		return 0;
	buffer = realloc(source->buffer, size);
	if (!buffer)
		return err_errno(err, "%s", origin);
	source->buffer = buffer;
	source->room = size;
	return 0;
}

/* Note that RANK of RANKS has its file.  What does not fit is found out later. */
static int note(struct ranksource *source, uint32_t rank, uint32_t ranks)
{
	if (!source->have) {
		source->have = calloc(ranks, sizeof(*source->have));
		source->ranks = ranks;
	}
	if (!source->have)
		return -1;
	if (rank < source->ranks)
		source->have[rank] = true;
	return 0;
}

int ranksource_take(struct ranksource *source, const char *data, size_t size, const char *origin,
		    struct err *err)
{
	struct rankfile rank;
	int rc;

	if (rankfile_read(&rank, data, size, origin, err) < 0)
		return -1;
	if (note(source, rank.rank, rank.ranks) < 0)
		rc = err_errno(err, "%s", origin);
	else
		rc = source->fn(&rank, origin, false, source->arg, err);
	rankfile_release(&rank);
	return rc;
}

/* The rank is that of the file's name: a rank that is still running may remove
 * the file before it is looked into.
 */
static int live_rank(const char *path, uint32_t *rank, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct live_header header;
	unsigned number;

	if (sscanf(slash ? slash + 1 : path, RUNDIR_LIVE, &number) == 1) {
		*rank = number;
		return 0;
	}
	if (live_peek(path, &header, err) < 0)
		return -1;
	*rank = header.rank;
	return 0;
}

int ranksource_take_live(struct ranksource *source, char *path, char *origin, bool temporary,
			 struct err *err)
{
	struct ranksource_live *live = source->live;
	uint32_t rank;

	if (live_rank(path, &rank, err) < 0)
		goto fail;
	live = realloc(source->live, (source->nlive + 1) * sizeof(*live));
	if (!live) {
		err_errno(err, "%s", origin);
		goto fail;
	}
	source->live = live;
	live[source->nlive++] = (struct ranksource_live){
		.rank = rank,
		.temporary = temporary,
		.path = path,
		.origin = origin,
	};
	return 0;
fail:
	if (temporary)
		unlink(path);
	free(path);
	free(origin);
	return -1;
}

static int take_fd(struct ranksource *source, int fd, const char *path, struct err *err)
{
	size_t used = 0;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "unable to read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "'%s' is not a regular file", path);
	if (ranksource_reserve(source, (size_t)st.st_size + 1, path, err) < 0)
		return -1;
	while ((n = read(fd, source->buffer + used, source->room - used)) != 0) {
		if (n < 0)
			return err_errno(err, "unable to read '%s'", path);
		used += (size_t)n;
		if (used == source->room && ranksource_reserve(source, 2 * used, path, err) < 0)
			return -1;
	}
	return ranksource_take(source, source->buffer, used, path, err);
}

static int take_path(struct ranksource *source, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	rc = take_fd(source, fd, path, err);
	close(fd);
	return rc;
}

static int take_live_path(struct ranksource *source, const char *path, struct err *err)
{
	char *copy = strdup(path);
	char *origin = strdup(path);

	if (!copy || !origin) {
		free(copy);
		free(origin);
		return err_errno(err, "%s", path);
	}
	return ranksource_take_live(source, copy, origin, false, err);
}

static int filter(const struct dirent *entry)
{
	return ranksource_kind_of(entry->d_name) != RANKSOURCE_NONE;
}

/* All rank files right in DIR. */
static int read_folder(struct ranksource *source, const char *dir, struct err *err)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int count = scandir(dir, &entries, filter, versionsort);
	int rc = 0;

	if (count < 0)
		return err_errno(err, "unable to read '%s'", dir);
	for (int i = 0; i < count; i++) {
		if (rc == 0 && snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name) >=
				       (int)sizeof(path))
			rc = err_set(err, "'%s': the path is too long", dir);
		else if (rc == 0)
			rc = ranksource_kind_of(path) == RANKSOURCE_LIVE
				     ? take_live_path(source, path, err)
				     : take_path(source, path, err);
		free(entries[i]);
	}
	free(entries);
	if (rc == 0 && count == 0)
		return err_set(err, "'%s': no rank files there", dir);
	return rc;
}

static bool is_folder(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	return snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
	       stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_ranks(const char *dir, const char *name)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	bool found = false;
	DIR *stream;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return false;
	stream = opendir(path);
	while (stream && !found && (entry = readdir(stream)))
		found = filter(entry);
	if (stream)
		closedir(stream);
	return found;
}

static const char *const instruments[] = {
#define X(name) name,
	RANKSOURCE_FROM_LIST(X)
#undef X
};

/* The first instrument of which DIR has a folder, and with RANKS rank files in it; or NULL. */
static const char *first_of(const char *dir, bool ranks)
{
	for (size_t i = 0; i < sizeof(instruments) / sizeof(*instruments); i++)
		if ((ranks ? has_ranks : is_folder)(dir, instruments[i]))
			return instruments[i];
	return NULL;
}

static bool is_run(const char *dir)
{
	return first_of(dir, false) || is_folder(dir, "log");
}

/* That whose folder of the run directory DIR is read; never NULL. */
static const char *from_of(const struct ranksource *source, const char *dir)
{
	const char *from = source->from;

	if (!from)
		from = first_of(dir, true);
	if (!from)
		from = first_of(dir, false);
	return from ? from : "mpi";
}

/* A run directory, or a plain one of rank files. */
static int read_directory(struct ranksource *source, const char *dir, struct err *err)
{
	const char *from = from_of(source, dir);
	char path[PATH_MAX];

	if (!is_folder(dir, from)) {
		if (is_run(dir))
			return err_set(err, "'%s': no '%s' in it: nothing was recorded there", dir,
				       from);
		return read_folder(source, dir, err);
	}
	if (snprintf(path, sizeof(path), "%s/%s", dir, from) >= (int)sizeof(path))
		return err_set(err, "'%s': the path is too long", dir);
	return read_folder(source, path, err);
}

/* What a file is is told by how it begins, not by its name. */
static int read_file(struct ranksource *source, const char *path, struct err *err)
{
	char head[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *first = head;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	n = read(fd, head, sizeof(head) - 1);
	close(fd);
	if (n < 0)
		return err_errno(err, "unable to read '%s'", path);
	if (!memcmp(head, LIVE_MAGIC, sizeof(LIVE_MAGIC)))
		return take_live_path(source, path, err);
	while (isspace((unsigned char)*first))
		first++;
	if (*first == '{' || ends_in(path, ".json"))
		return take_path(source, path, err);
	return ranksource_archive(source, path, err);
}

static int read_path(struct ranksource *source, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, "unable to open '%s'", path);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return err_set(err, "'%s' is neither a directory nor a regular file", path);
	return S_ISDIR(st.st_mode) ? read_directory(source, path, err)
				   : read_file(source, path, err);
}

/* The runs of a job, of which one has to be the one that is meant. */
static int read_job(struct ranksource *source, const char *name, struct err *err)
{
	char list[512] = "";
	const char *only = NULL;
	char **paths;
	int count = rundir_find(name, &paths, err);
	int several = 0;
	int rc;

	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		size_t used = strlen(list);

		if (!is_folder(paths[i], from_of(source, paths[i])))
			continue;
		only = paths[i];
		snprintf(list + used, sizeof(list) - used, "%s%s", several++ ? ", " : "", only);
	}
	if (several > 1)
		rc = err_set(err, "'%s' means %d runs, name one: %s", name, several, list);
	else
		rc = read_path(source, only ? only : paths[0], err);
	rundir_free_paths(paths);
	return rc;
}

static int live_compare(const void *a, const void *b)
{
	const struct ranksource_live *left = a;
	const struct ranksource_live *right = b;

	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	return strcmp(left->origin, right->origin);
}

/* The rank file that LIVE has become since the directory was listed: what is
 * read while a job is running may do so at any moment.  Returns 0, or -1 when
 * there is none (ERR is kept) or it cannot be read.
 */
static int take_successor(struct ranksource *source, const struct ranksource_live *live,
			  struct err *err)
{
	const char *slash = strrchr(live->path, '/');
	int folder = slash ? (int)(slash + 1 - live->path) : 0;
	char name[PATH_MAX];

	if (access(live->path, F_OK) == 0 ||
	    snprintf(name, sizeof(name), "%.*s" RUNDIR_RANK, folder, live->path, live->rank) >=
		    (int)sizeof(name) ||
	    access(name, F_OK) < 0)
		return -1;
	return take_path(source, name, err);
}

/* COUNT live files of one rank. */
static int load_live(struct ranksource *source, const struct ranksource_live *live, size_t count,
		     struct err *err)
{
	const char **paths = malloc(count * sizeof(*paths));
	struct rankfile rank;
	int rc;

	if (!paths)
		return err_errno(err, "%s", live->origin);
	for (size_t i = 0; i < count; i++)
		paths[i] = live[i].path;
	rc = live_load(paths, (int)count, &rank, err);
	free(paths);
	if (rc < 0)
		return take_successor(source, live, err);
	rc = source->fn(&rank, live->origin, true, source->arg, err);
	rankfile_release(&rank);
	return rc;
}

static int load_all_live(struct ranksource *source, struct err *err)
{
	size_t end;

	if (source->nlive)
		qsort(source->live, source->nlive, sizeof(*source->live), live_compare);
	for (size_t i = 0; i < source->nlive; i = end) {
		uint32_t rank = source->live[i].rank;

		for (end = i; end < source->nlive && source->live[end].rank == rank; end++)
			;
		if (rank < source->ranks && source->have[rank])
			continue;
		if (load_live(source, &source->live[i], end - i, err) < 0)
			return -1;
	}
	return 0;
}

static void ranksource_release(struct ranksource *source)
{
	for (size_t i = 0; i < source->nlive; i++) {
		if (source->live[i].temporary)
			unlink(source->live[i].path);
		free(source->live[i].path);
		free(source->live[i].origin);
	}
	free(source->live);
	free(source->have);
	free(source->buffer);
}

int ranksource_read(char *const names[], int count, const char *from, ranksource_fn *fn, void *arg,
		    struct err *err)
{
	struct ranksource source = { .from = from, .fn = fn, .arg = arg };
	int rc = 0;

	for (int i = 0; rc == 0 && i < count; i++) {
		struct stat st;

		if (stat(names[i], &st) == 0 || strchr(names[i], '/'))
			rc = read_path(&source, names[i], err);
		else
			rc = read_job(&source, names[i], err);
	}
	if (rc == 0)
		rc = load_all_live(&source, err);
	ranksource_release(&source);
	return rc;
}
