/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir.h"
#include "clock.h"
#include "kvlist.h"
#include "netprof_settings.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WORLD_MAX   4096    /* bytes of a world's marker */
#define WORLD_LAST  1000000 /* as many worlds in one job are not believed */
#define WORLD_TURNS 500
#define WORLD_GAP   16 /* free names looked past: a lower one may have been removed meanwhile */
#define LOG_MAX     1024

int rundir_expand(char *buf, size_t size, const char *template, const char *job, const char *step,
		  const char *user, struct err *err)
{
	char result[PATH_MAX];
	size_t used = 0;

	for (const char *c = template; *c; c++) {
		const char *piece = c;
		size_t length = 1;

		if (*c == '%') {
			c++;
			piece = *c == 'j'   ? job
				: *c == 's' ? step
				: *c == 'u' ? user
				: *c == '%' ? "%"
					    : NULL;
			if (!piece)
				return err_set(err,
					       "'%%%.1s' in dir=%s: unknown conversion (%%j, %%s, "
					       "%%u and %%%% are known)",
					       c, template);
			length = strlen(piece);
		}
		if (used + length >= sizeof(result) || used + length >= size)
			return err_set(err, "dir=%s: the path is too long", template);
		memcpy(result + used, piece, length);
		used += length;
	}
	memcpy(buf, result, used);
	buf[used] = '\0';
	return 0;
}

/* JOB and STEP come from an environment: one harmless path component. */
static bool is_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._+-", *c))
			return false;
	return true;
}

static int make_parents(const char *path, struct err *err)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	for (size_t i = 1; i <= length; i++) {
		if (path[i] != '/' && path[i])
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0777) < 0 && errno != EEXIST && errno != EISDIR) {
			/* Read-only or foreign on the way: fine as long as it is there. */
			int saved = errno;

			if (access(part, X_OK) == 0)
				continue;
			errno = saved;
			return err_errno(err, "unable to make '%s'", part);
		}
	}
	return 0;
}

/* PARENT as an absolute path in BUF (of PATH_MAX), made when missing. */
static int take_parent(char *buf, const char *parent, struct err *err)
{
	size_t used = 0;

	if (*parent != '/') {
		if (!getcwd(buf, PATH_MAX))
			return err_errno(err, "unable to find the working directory");
		used = strlen(buf);
	}
	if (used + strlen(parent) + 2 > PATH_MAX)
		return err_set(err, "'%s': the path is too long", parent);
	if (used && *parent)
		buf[used++] = '/';
	strcpy(buf + used, parent);
	return make_parents(buf, err);
}

/* Open the directory NAME in AT, which must be this user's own and no link.
 * Returns the descriptor, or -1 with errno: EPERM when it is another user's.
 */
static int open_own(int at, const char *name)
{
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid()) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

static int make_own(int at, const char *name)
{
	if (mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return open_own(at, name);
}

/* What stands in every run directory. */
static int fill(int dir)
{
	static const char *const folders[] = { RUNDIR_MPI, RUNDIR_LOG };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		int fd = make_own(dir, folders[i]);

		if (fd < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static int run_name(char *buf, size_t size, const char *parent, const char *job, const char *step,
		    struct err *err)
{
	int length;

	if (!is_word(job) || !*step || !is_word(step))
		return err_set(err, "'%s.%s': not a job and step", job, step);
	length = snprintf(buf, size, "%s/" RUNDIR_PREFIX "%s%s%s", parent, job, *job ? "." : "",
			  step);
	if (length < 0 || (size_t)length >= size)
		return err_set(err, "'%s': the path is too long", parent);
	return 0;
}

static int why_refused(const char *path, struct err *err)
{
	if (errno == EPERM)
		return err_set(err, "'%s': belongs to another user", path);
	return err_errno(err, "unable to make '%s'", path);
}

int rundir_make(char *buf, size_t size, const char *parent, const char *job, const char *step,
		struct err *err)
{
	char where[PATH_MAX], path[PATH_MAX];
	int fd, rc;

	if (take_parent(where, parent, err) < 0 ||
	    run_name(path, sizeof(path), where, job, step, err) < 0)
		return -1;
	if (strlen(path) >= size)
		return err_set(err, "'%s': the path is too long", path);
	fd = make_own(AT_FDCWD, path);
	if (fd < 0)
		return why_refused(path, err);
	rc = fill(fd);
	if (rc < 0)
		why_refused(path, err);
	close(fd);
	if (rc == 0)
		strcpy(buf, path);
	return rc;
}

enum whose {
	UNKNOWN, /* errno says why */
	FREE,
	OURS,   /* this world's */
	THEIRS, /* taken: another world's, another user's, or no directory at all */
};

static enum whose world_whose(const char *path, const char *world)
{
	char marker[WORLD_MAX + 1];
	struct stat st;
	ssize_t length;
	int dir, fd;

	dir = open_own(AT_FDCWD, path);
	if (dir < 0)
		return errno == ENOENT ? FREE : lstat(path, &st) == 0 ? THEIRS : UNKNOWN;
	fd = openat(dir, RUNDIR_WORLD, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	close(dir);
	if (fd < 0)
		return THEIRS;
	length = read(fd, marker, sizeof(marker));
	close(fd);
	if (length < 0 || (size_t)length != strlen(world) || memcmp(marker, world, (size_t)length))
		return THEIRS;
	return OURS;
}

static int write_world(int dir, const char *world)
{
	size_t length = strlen(world);
	ssize_t written;
	int fd = openat(dir, RUNDIR_WORLD, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	written = write(fd, world, length);
	if (close(fd) < 0 || written < 0)
		return -1;
	if ((size_t)written != length) {
		errno = ENOSPC;
		return -1;
	}
	return 0;
}

static void discard(const char *path)
{
	int saved = errno;
	int dir = open_own(AT_FDCWD, path);

	if (dir >= 0) {
		unlinkat(dir, RUNDIR_WORLD, 0);
		unlinkat(dir, RUNDIR_MPI, AT_REMOVEDIR);
		unlinkat(dir, RUNDIR_LOG, AT_REMOVEDIR);
		close(dir);
	}
	rmdir(path);
	errno = saved;
}

/* Make a whole run directory under a name nobody looks for.  TEMP of PATH_MAX. */
static int stage(char *temp, const char *parent, const char *world)
{
	unsigned long long nonce;
	int dir, rc;

	if (getrandom(&nonce, sizeof(nonce), GRND_NONBLOCK) != sizeof(nonce))
		nonce = ((unsigned long long)getpid() << 32) ^ (unsigned long long)clock();
	if (snprintf(temp, PATH_MAX, "%s/." RUNDIR_PREFIX "%016llx", parent, nonce) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdir(temp, 0755) < 0)
		return -1;
	dir = open_own(AT_FDCWD, temp);
	if (dir < 0) {
		discard(temp);
		return -1;
	}
	rc = fill(dir) < 0 || write_world(dir, world) < 0 ? -1 : 0;
	close(dir);
	if (rc < 0)
		discard(temp);
	return rc;
}

static int world_name(char *path, size_t size, const char *parent, const char *job, long k,
		      struct err *err)
{
	char step[32];

	snprintf(step, sizeof(step), "mpirun%ld", k);
	return run_name(path, size, parent, job, step, err);
}

/* The directory of WORLD, else the smallest free name.  Returns its k. */
static long world_find(char *path, size_t size, const char *parent, const char *job,
		       const char *world, enum whose *whose, struct err *err)
{
	long first_free = WORLD_LAST;

	for (long k = 0; k <= WORLD_LAST && k <= first_free + WORLD_GAP; k++) {
		if (world_name(path, size, parent, job, k, err) < 0)
			return -1;
		*whose = world_whose(path, world);
		if (*whose == UNKNOWN)
			return err_errno(err, "unable to open '%s'", path);
		if (*whose == OURS)
			return k;
		if (*whose == FREE && k < first_free)
			first_free = k;
	}
	if (first_free == WORLD_LAST)
		return err_set(err, "'%s': too many directories of this job", parent);
	*whose = FREE;
	return world_name(path, size, parent, job, first_free, err) < 0 ? -1 : first_free;
}

/* Whether rename() says that the name has been taken meanwhile. */
static bool is_lost(int error)
{
	return error == EEXIST || error == ENOTEMPTY || error == ENOTDIR;
}

/* Each turn finds the directory, makes it or loses the name to another world.
 * The pause is for file systems that go on saying for a while that it is free.
 */
static long world_take(char *path, size_t size, const char *parent, const char *job,
		       const char *world, struct err *err)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	char temp[PATH_MAX] = "";
	long last = -1, k = -1;

	for (int turn = 0; turn < WORLD_TURNS; turn++, last = k) {
		enum whose whose;

		k = world_find(path, size, parent, job, world, &whose, err);
		if (k < 0 || whose == OURS)
			break;
		if (!*temp && stage(temp, parent, world) < 0) {
			*temp = '\0';
			k = err_errno(err, "unable to make '%s'", path);
			break;
		}
		if (rename(temp, path) == 0)
			return k;
		if (!is_lost(errno) || turn == WORLD_TURNS - 1) {
			k = err_errno(err, "unable to make '%s'", path);
			break;
		}
		if (k == last)
			nanosleep(&pause, NULL);
	}
	if (*temp)
		discard(temp);
	return k;
}

int rundir_make_world(char *buf, size_t size, char *step, size_t step_size, const char *parent,
		      const char *job, const char *world, struct err *err)
{
	char where[PATH_MAX], path[PATH_MAX];
	long k;

	if (!*world || strlen(world) > WORLD_MAX)
		return err_set(err, "a name of %zu bytes for an MPI world", strlen(world));
	if (take_parent(where, parent, err) < 0)
		return -1;
	if (strlen(where) + sizeof("/" RUNDIR_PREFIX) + strlen(job) + 32 > size)
		return err_set(err, "'%s': the path is too long", where);
	k = world_take(path, sizeof(path), where, job, world, err);
	if (k < 0)
		return -1;
	strcpy(buf, path);
	snprintf(step, step_size, "mpirun%ld", k);
	return 0;
}

#define LOCK_TRIES 250
#define LOCK_NAP   20000000 /* ns */

int rundir_lock(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		clock_rest(LOCK_NAP);
	}
	return fd;
}

void rundir_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

void rundir_log(const char *dir, const char *name, const char *fmt, ...)
{
	char path[PATH_MAX], line[LOG_MAX];
	int saved = errno;
	struct timespec now;
	struct tm tm;
	size_t used;
	va_list ap;
	int fd;

	if (snprintf(path, sizeof(path), "%s/" RUNDIR_LOG "/%s.log", dir, name) >=
	    (int)sizeof(path))
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	used = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%SZ ", &tm);
	va_start(ap, fmt);
	vsnprintf(line + used, sizeof(line) - used, fmt, ap);
	va_end(ap);
	for (char *c = line; *c; c++)
		if (*c == '\n')
			*c = ' ';
	used = strlen(line);
	line[used++] = '\n';
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
	if (fd >= 0) {
		(void)!write(fd, line, used); /* there is nowhere to say that it failed */
		close(fd);
	}
	errno = saved;
}

/* The paths found so far, NULL-terminated. */
struct paths {
	char **list;
	int count;
};

static int paths_add(struct paths *paths, const char *dir, const char *name)
{
	char **list = realloc(paths->list, ((size_t)paths->count + 2) * sizeof(*list));

	if (!list)
		return -1;
	paths->list = list;
	list[paths->count] = NULL;
	if (dir ? asprintf(&list[paths->count], "%s/%s", dir, name) < 0
		: !(list[paths->count] = strdup(name))) {
		list[paths->count] = NULL;
		return -1;
	}
	list[++paths->count] = NULL;
	return 0;
}

static int compare_paths(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Whether ENTRY is the run directory of JOB: "JOBID.STEP", or all of "JOBID". */
static bool is_run_of(const char *entry, const char *job)
{
	size_t length = strlen(job);

	if (strncmp(entry, RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)))
		return false;
	entry += strlen(RUNDIR_PREFIX);
	return !strncmp(entry, job, length) &&
	       (!entry[length] || (entry[length] == '.' && !strchr(job, '.')));
}

static int search_dir(struct paths *paths, const char *dir, const char *job)
{
	struct dirent *entry;
	struct stat st;
	DIR *stream = opendir(dir);

	if (!stream)
		return 0;
	while ((entry = readdir(stream))) {
		if (!is_run_of(entry->d_name, job) ||
		    fstatat(dirfd(stream), entry->d_name, &st, 0) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (paths_add(paths, !strcmp(dir, ".") ? NULL : dir, entry->d_name) < 0) {
			closedir(stream);
			return -1;
		}
	}
	closedir(stream);
	if (paths->count)
		qsort(paths->list, (size_t)paths->count, sizeof(*paths->list), compare_paths);
	return 0;
}

static int search_settings(struct paths *paths, const char *job)
{
	const char *text = getenv(NETPROF_ENV);
	struct kvlist list;
	const char *dir;
	int rc = 0;

	if (!text || kvlist_parse(&list, text, NULL) < 0)
		return 0;
	dir = kvlist_find(&list, "dir");
	if (dir && *dir && !strchr(dir, '%'))
		rc = search_dir(paths, dir, job);
	kvlist_release(&list);
	return rc;
}

/* Inside a job Slurm says where it was submitted. */
static int search_submit_dir(struct paths *paths, const char *job)
{
	const char *dir = getenv("SLURM_SUBMIT_DIR");
	const char *id = getenv("SLURM_JOB_ID");
	size_t length = id ? strlen(id) : 0;

	if (!dir || !length || strncmp(job, id, length) || (job[length] && job[length] != '.'))
		return 0;
	return search_dir(paths, dir, job);
}

/* JOBID or JOBID.STEP. */
static bool is_job(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && (!name[digits] ||
			  (name[digits] == '.' && name[digits + 1] && is_word(name + digits + 1)));
}

static int search(struct paths *paths, const char *name)
{
	if (is_job(name)) {
		if (search_dir(paths, ".", name) < 0)
			return -1;
		if (!paths->count && search_settings(paths, name) < 0)
			return -1;
		if (!paths->count && search_submit_dir(paths, name) < 0)
			return -1;
	}
	if (!paths->count && access(name, F_OK) == 0)
		return paths_add(paths, NULL, name);
	return 0;
}

int rundir_find(const char *name, char ***paths, struct err *err)
{
	struct paths found = { 0 };

	if (search(&found, name) < 0) {
		rundir_free_paths(found.list);
		return err_errno(err, "%s", name);
	}
	if (!found.count && is_job(name))
		return err_set(err,
			       "no run directory " RUNDIR_PREFIX "%s%s in the working directory or "
			       "where " NETPROF_ENV " says",
			       name, strchr(name, '.') ? "" : ".*");
	if (!found.count) {
		errno = ENOENT;
		return err_errno(err, "unable to open '%s'", name);
	}
	*paths = found.list;
	return found.count;
}

void rundir_free_paths(char **paths)
{
	for (char **path = paths; path && *path; path++)
		free(*path);
	free(paths);
}
