/* SPDX-License-Identifier: Apache-2.0 */
/* The fabrics of a user: finding them, and removing those that nobody holds. */
#include "device/fabric.h"

#include "device/hold.h"

#include "clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX  "netemu-"
#define YOUNG   10 /* s: in which who makes a fabric has joined it */
#define REMOVED 2  /* shared_header.ready of a fabric that is gone */

int fabric_shm(char *path, size_t size, struct err *err)
{
	const char *given = getenv("NETEMU_SHM");
	struct stat st;

	if (!given || !*given)
		given = "/dev/shm";
	if (stat(given, &st))
		return err_errno(err, "unable to use '%s' for shared memory", given);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return err_errno(err, "unable to use '%s' for shared memory", given);
	}
	if (snprintf(path, size, "%s", given) >= (int)size - 16) {
		errno = ENAMETOOLONG;
		return err_errno(err, "unable to use '%s' for shared memory", given);
	}
	return 0;
}

/* --- removing one --- */

static void remove_below(int dir_fd)
{
	int fd = dir_fd < 0 ? -1 : openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    unlinkat(dir_fd, entry->d_name, 0))
			fabric_remove_tree(dir_fd, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

void fabric_remove_tree(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	remove_below(fd);
	close(fd);
	unlinkat(dir_fd, name, AT_REMOVEDIR);
}

void fabric_remove(int dir_fd, const char *path)
{
	remove_below(dir_fd);
	rmdir(path);
}

/* All bytes of its locks are held, so nobody else comes in; who has opened it already
 * sees by READY that it is late.
 */
void fabric_end(int dir_fd, const char *path, struct shared_header *header)
{
	uint32_t ready = 1;

	if (atomic_compare_exchange_strong(&header->ready, &ready, REMOVED))
		fabric_remove(dir_fd, path);
}

/* --- those that nobody holds --- */

/* What is to be known of a fabric without mapping it. */
struct glance {
	uint32_t version;
	uint32_t ready;
	uint32_t joined; /* so many times */
	char name[sizeof(((struct shared_header *)0)->name)];
};

#define GLANCE(fd, field, member)                                                      \
	(pread(fd, &(field), sizeof(field), offsetof(struct shared_header, member)) == \
	 (ssize_t)sizeof(field))

static bool take_glance(int dir_fd, struct glance *glance)
{
	int fd = openat(dir_fd, "segment", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool whole;

	memset(glance, 0, sizeof(*glance));
	if (fd < 0)
		return false;
	whole = GLANCE(fd, glance->version, version) && GLANCE(fd, glance->ready, ready) &&
		GLANCE(fd, glance->name, name) && GLANCE(fd, glance->joined, next_process);
	glance->name[sizeof(glance->name) - 1] = '\0';
	close(fd);
	return whole;
}

static void mark_removed(int dir_fd)
{
	int fd = openat(dir_fd, "segment", O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint32_t removed = REMOVED;

	if (fd < 0)
		return;
	/* for who is late; the directory goes in any case */
	(void)!pwrite(fd, &removed, sizeof(removed), offsetof(struct shared_header, ready));
	close(fd);
}

static bool is_young(int dir_fd)
{
	int64_t now = clock_ns(CLOCK_REALTIME) / 1000000000;
	struct stat st;

	return fstat(dir_fd, &st) || (st.st_mtime <= now + YOUNG && st.st_mtime + YOUNG > now);
}

bool fabric_sweep(int dir_fd, const char *path)
{
	struct glance glance;
	bool swept = false;
	int fd;

	/* somebody is just making it, or is about to join */
	take_glance(dir_fd, &glance);
	if ((glance.ready != 1 || !glance.joined) && is_young(dir_fd))
		return false;
	fd = hold_open(dir_fd, "locks", false);
	if (fd < 0 && errno != ENOENT)
		return false;
	if (fd < 0 || hold_all(fd)) {
		mark_removed(dir_fd);
		fabric_remove(dir_fd, path);
		swept = true;
	}
	if (fd >= 0)
		hold_close(fd);
	return swept;
}

/* --- all of them --- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_fabric(const struct dirent *entry)
{
	return strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
	       strlen(entry->d_name) == strlen(PREFIX) + 6;
}

/* The directory at PATH when it is one of this user's that nobody else can write to. */
static int open_own(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 07777) == 0700)
		return fd;
	close(fd);
	return -1;
}

typedef int (*visit_fn)(void *arg, const char *path, const struct glance *glance);

static int visit_one(const char *path, visit_fn visit, void *arg)
{
	struct glance glance;
	int fd = open_own(path), rc = 0;

	if (fd < 0)
		return 0;
	if (!fabric_sweep(fd, path) && take_glance(fd, &glance) && glance.ready == 1 &&
	    glance.version == LAYOUT_VERSION)
		rc = visit(arg, path, &glance);
	close(fd);
	return rc;
}

static int visit_all(visit_fn visit, void *arg)
{
	char shm[sizeof(((struct fabric *)0)->path)], path[2 * sizeof(shm)];
	struct dirent **entries = NULL;
	int count, rc = 0;

	if (fabric_shm(shm, sizeof(shm), NULL))
		return 0;
	count = scandir(shm, &entries, is_fabric, by_name);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%.*s", shm, (int)strlen(PREFIX) + 6,
			 entries[i]->d_name);
		if (!rc)
			rc = visit_one(path, visit, arg);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

struct search {
	const char *name;
	char *path;
	size_t size;
};

static int is_called(void *arg, const char *path, const struct glance *glance)
{
	struct search *search = arg;

	if (*search->path || strcmp(glance->name, search->name) != 0)
		return 0;
	snprintf(search->path, search->size, "%s", path);
	return 0;
}

int fabric_find(char *path, size_t size, const char *name)
{
	struct search search = { .name = name, .path = path, .size = size };

	/* all are looked at, so all that nobody holds are swept */
	*path = '\0';
	visit_all(is_called, &search);
	if (*path)
		return 0;
	errno = ENOENT;
	return -1;
}

struct each {
	int (*each)(void *arg, const char *path);
	void *arg;
};

static int call_each(void *arg, const char *path, const struct glance *glance)
{
	struct each *each = arg;

	(void)glance;
	return each->each(each->arg, path);
}

int fabric_each(int (*each)(void *arg, const char *path), void *arg)
{
	struct each both = { .each = each, .arg = arg };

	return visit_all(call_each, &both);
}
