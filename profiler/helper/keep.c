/* SPDX-License-Identifier: Apache-2.0 */
#include "keep.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_SECONDS 10 /* the rest is for the next step */

/* All that may lie in a run directory. */
static const struct {
	const char *folder; /* "" = the directory itself */
	const char *pattern;
} known[] = {
	{ "", RUNDIR_RUN },
	{ "", ".run.json.*.tmp" },
	{ "", "node-*.json" },
	{ "", ".node-*.tmp" },
	{ "", RUNDIR_WORLD },
	{ RUNDIR_MPI, "rank-*.json" },
	{ RUNDIR_MPI, ".rank-*" },
	{ RUNDIR_LOG, "*.log" },
	{ RUNDIR_VERBS, "ring-*.bin" },
	{ RUNDIR_VERBS, "*.json" },
	{ RUNDIR_VERBS, "*.json.??????" },
};

static const char *const folders[] = { RUNDIR_MPI, RUNDIR_LOG, RUNDIR_VERBS };

#define KNOWN   (sizeof(known) / sizeof(*known))
#define FOLDERS (sizeof(folders) / sizeof(*folders))

static bool is_known(const char *folder, const char *name)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (!strcmp(known[i].folder, folder) &&
		    fnmatch(known[i].pattern, name, FNM_PERIOD) == 0)
			return true;
	return false;
}

static bool is_folder(const char *name)
{
	for (size_t i = 0; i < FOLDERS; i++)
		if (!strcmp(folders[i], name))
			return true;
	return false;
}

/* Open the directory NAME, no link and this user's.  Returns -1 with errno. */
static int open_own(int at, const char *name)
{
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid())) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

typedef int (*visit_fn)(int dir, const char *folder, const char *name, void *data);

/* Call FN for each entry of FD; the first that does not return 0 ends it. */
static int visit(int fd, const char *folder, visit_fn fn, void *data)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	int rc = 0;

	if (!stream) {
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while (rc == 0 && (entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			rc = fn(copy, folder, entry->d_name, data);
	closedir(stream);
	return rc;
}

/* The same for FD and its folders. */
static int visit_all(int fd, visit_fn fn, void *data)
{
	int rc = visit(fd, "", fn, data);

	for (size_t i = 0; rc == 0 && i < FOLDERS; i++) {
		int sub = open_own(fd, folders[i]);

		if (sub < 0 && errno != ENOENT)
			return -1;
		if (sub < 0)
			continue;
		rc = visit(sub, folders[i], fn, data);
		close(sub);
	}
	return rc;
}

static int refuse_unknown(int dir, const char *folder, const char *name, void *data)
{
	struct stat st;

	(void)data;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISDIR(st.st_mode) ? !*folder && is_folder(name)
				: S_ISREG(st.st_mode) && is_known(folder, name))
		return 0;
	errno = ENOTEMPTY;
	return -1;
}

static int remove_known(int dir, const char *folder, const char *name, void *data)
{
	(void)data;
	if (is_known(folder, name))
		unlinkat(dir, name, 0);
	return 0;
}

int keep_remove(int fd, const char *name)
{
	int dir = open_own(fd, name);
	int rc;

	if (dir < 0)
		return -1;
	rc = visit_all(dir, refuse_unknown, NULL);
	if (rc == 0) {
		visit_all(dir, remove_known, NULL);
		for (size_t i = 0; i < FOLDERS; i++)
			unlinkat(dir, folders[i], AT_REMOVEDIR);
		rc = unlinkat(fd, name, AT_REMOVEDIR);
	}
	close(dir);
	return rc;
}

static int newest(int dir, const char *folder, const char *name, void *data)
{
	time_t *time = data;
	struct stat st;

	(void)folder;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime > *time)
		*time = st.st_mtime;
	return 0;
}

/* When the run in the directory DIR ended, or was last seen alive. */
static time_t last_use(int dir)
{
	struct stat st;
	time_t time = 0;

	if (fstatat(dir, RUNDIR_RUN, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return st.st_mtime;
	if (fstat(dir, &st) == 0)
		time = st.st_mtime;
	visit_all(dir, newest, &time);
	return time;
}

struct sweep {
	int64_t keep; /* s */
	time_t now;
	unsigned removed;
};

static int sweep_one(int fd, const char *folder, const char *name, void *data)
{
	struct sweep *sweep = data;
	bool old;
	int dir;

	(void)folder;
	/* ".netemu.*" was on its way to become one when its maker was killed. */
	if (strncmp(name + (*name == '.'), RUNDIR_PREFIX, strlen(RUNDIR_PREFIX)))
		return 0;
	dir = open_own(fd, name);
	if (dir < 0)
		return 0;
	old = sweep->now - last_use(dir) > sweep->keep;
	close(dir);
	if (old && keep_remove(fd, name) == 0)
		sweep->removed++;
	return time(NULL) - sweep->now > SWEEP_SECONDS;
}

unsigned keep_sweep(const char *store, int64_t keep)
{
	struct sweep sweep = { .keep = keep / 1000000000, .now = time(NULL) };
	int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	visit(fd, "", sweep_one, &sweep);
	close(fd);
	return sweep.removed;
}
