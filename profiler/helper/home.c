/* SPDX-License-Identifier: Apache-2.0 */
#include "home.h"
#include "gather.h"
#include "instrument.h"
#include "keep.h"
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SPARE_ROOM (256 << 10) /* bytes that must go into a spare place */
#define PRIVATE    "/netemu-"  /* how the name of a rank's own directory begins */

/* PATH without its last COUNT components, in BUF of PATH_MAX. */
static const char *above(char *buf, const char *path, int count)
{
	char *slash;

	snprintf(buf, PATH_MAX, "%s", path);
	while (count-- && (slash = strrchr(buf, '/')))
		*slash = '\0';
	return buf;
}

static int make_folder(const char *base, const char *folder, mode_t mode)
{
	char path[PATH_MAX + 16];

	if (snprintf(path, sizeof(path), "%s/%s", base, folder) >= (int)sizeof(path))
		return -1;
	return mkdir(path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

void home_find(struct roster_world *world)
{
	const char *name = strrchr(world->rundir, '/') + 1 + strlen(RUNDIR_PREFIX);
	char parent[PATH_MAX], made[PATH_MAX];

	above(parent, world->rundir, 1);
	world->usable = rundir_make(made, sizeof(made), parent, "", name, NULL) == 0;
	if (world->usable)
		make_folder(world->rundir, instrument.directory, 0777);
}

/* Remove the empty run directory PATH and the directory around it. */
static void remove_around(const char *path)
{
	const char *const parts[] = { RUNDIR_MPI, instrument.directory, RUNDIR_LOG, "" };
	char part[PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(part, sizeof(part), "%s/%s", path, parts[i]);
		rmdir(part);
	}
	rmdir(above(part, path, 1));
}

static int make_spare(struct roster_world *world, const char *top)
{
	if (asprintf(&world->spare, "%s%s", top, strrchr(world->rundir, '/')) < 0) {
		world->spare = NULL;
		return -1;
	}
	if (mkdir(world->spare, 0755) == 0 &&
	    make_folder(world->spare, instrument.directory, 0755) == 0 &&
	    make_folder(world->spare, RUNDIR_LOG, 0755) == 0)
		return 0;
	remove_around(world->spare);
	free(world->spare);
	world->spare = NULL;
	return -1;
}

/* Whether a file of some size goes into DIR. */
static bool has_room(const char *dir)
{
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	int error;

	if (fd < 0) /* not every file system has nameless files: try it */
		return errno == EOPNOTSUPP || errno == EISDIR;
	error = posix_fallocate(fd, 0, SPARE_ROOM);
	close(fd);
	return error == 0;
}

static bool try_spare(struct roster_world *world, const char *tmp)
{
	char top[PATH_MAX];

	if (*tmp != '/' || !has_room(tmp) ||
	    snprintf(top, sizeof(top), "%s/%s.XXXXXX", tmp, instrument.name) >= (int)sizeof(top) ||
	    !mkdtemp(top))
		return false;
	if (make_spare(world, top) < 0)
		rmdir(top);
	return world->spare;
}

const char *home_spare(struct roster_world *world)
{
	const char *tmp = getenv("TMPDIR");

	if (!world->spare && !(tmp && try_spare(world, tmp)))
		try_spare(world, "/tmp");
	return world->spare;
}

const char *home_of(struct roster_world *world)
{
	return world->usable ? world->rundir : home_spare(world);
}

void home_log(struct roster_world *world, const char *name, const char *fmt, ...)
{
	const char *home = home_of(world);
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (home)
		rundir_log(home, name, "%s", line);
	/* A full run directory takes no log line either. */
	if (world->spare && world->spare != home)
		rundir_log(world->spare, name, "%s", line);
}

static int copy(int from, int to)
{
	char buffer[65536];
	struct stat st;
	ssize_t length;

	if (fstat(from, &st) < 0)
		return -1;
	if ((uint64_t)st.st_size > GATHER_FILE_MAX) {
		errno = EFBIG;
		return -1;
	}
	while ((length = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)length) != length)
			return -1;
	return length < 0 ? -1 : 0;
}

int home_copy(const char *from, const char *to)
{
	char temp[PATH_MAX + 8];
	int in, out, rc, saved;

	snprintf(temp, sizeof(temp), "%s.tmp", to);
	in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in < 0)
		return -1;
	unlink(temp); /* of a helper that was killed */
	out = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	rc = out < 0 ? -1 : copy(in, out);
	if (out >= 0 && close(out) < 0)
		rc = -1;
	if (rc == 0)
		rc = rename(temp, to);
	saved = errno;
	if (rc < 0 && out >= 0)
		unlink(temp);
	close(in);
	errno = saved;
	return rc;
}

/* Append the log NAME in FROM to the one of the same name in TO. */
static void bring_log(const char *from, const char *to, const char *name)
{
	char source[PATH_MAX], target[PATH_MAX];
	int in, out;

	if (snprintf(source, sizeof(source), "%s/%s", from, name) >= (int)sizeof(source) ||
	    snprintf(target, sizeof(target), "%s/" RUNDIR_LOG "/%s", to, name) >=
		    (int)sizeof(target))
		return;
	in = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	out = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		   0644);
	if (in >= 0 && out >= 0 && copy(in, out) == 0)
		unlink(source);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
}

static void bring_logs(const char *from, const char *to)
{
	char path[PATH_MAX + 8];
	struct dirent *entry;
	DIR *stream;

	snprintf(path, sizeof(path), "%s/" RUNDIR_LOG, from);
	stream = opendir(path);
	while (stream && (entry = readdir(stream)))
		if (*entry->d_name != '.')
			bring_log(path, to, entry->d_name);
	if (stream)
		closedir(stream);
}

void home_clear(struct roster_world *world, const char *file)
{
	char base[PATH_MAX], around[PATH_MAX];
	const char *home = home_of(world);
	const char *name;

	above(base, file, 2);
	above(around, file, 3);
	name = strrchr(around, '/');
	if (!home || !strcmp(base, world->rundir) || !name ||
	    strncmp(name, PRIVATE, strlen(PRIVATE)) != 0)
		return;
	bring_logs(base, home);
	remove_around(base);
}

void home_drop(const struct roster_world *world)
{
	char parent[PATH_MAX];
	int fd;

	if (!world->spare)
		return;
	fd = open(above(parent, world->spare, 1), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (keep_remove(fd, strrchr(world->spare, '/') + 1) == 0)
		rmdir(parent);
	close(fd);
}
