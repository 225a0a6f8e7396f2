/* SPDX-License-Identifier: Apache-2.0 */
/* rendezvous-file.c - a rendezvous in a directory that all see
 *
 *	PATH/PROGRAM/opened.R              how often rank R has opened it
 *	PATH/PROGRAM/GENERATION/rank.R     R's node; locked while R lives
 *	                        value.R.KEY
 *	                        fence.N.R  R has come to its Nth fence
 *	                        left.R
 *	                        broken     why
 *
 * What is there is whole: files appear by a rename or a link.  Waiting is looking again,
 * up to 50 ms later.  The last one to leave removes the session.
 */
#include "clock.h"
#include "rendezvous-client.h"
#include "rendezvous-say.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TMP    ".%ld.%u"
#define NAME   (RENDEZVOUS_NAME + 32)
#define LOCKED "locked"

struct file {
	int program, dir; /* directories */
	int lock;         /* rank.R */
	uint32_t fences;
	unsigned tmp;
	char path[RENDEZVOUS_ADDRESS];
};

/* ---- files ---- */

static const char *name_of(char name[NAME], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static const char *name_of(char name[NAME], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, NAME, fmt, ap);
	va_end(ap);
	return name;
}

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* A new file of SIZE bytes as NAME in DIR; one that is there is replaced, or is an
 * error (EEXIST) if it has to be NEW.  Returns its descriptor, or -1.
 */
static int make_file(struct file *file, int dir, const char *name, const void *data, size_t size,
		     bool new)
{
	char tmp[NAME];
	int fd, rc, saved;

	name_of(tmp, TMP, (long)getpid(), file->tmp++);
	fd = openat(dir, tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	rc = write_all(fd, data, size);
	if (rc == 0)
		rc = new ? linkat(dir, tmp, dir, name, 0) : renameat(dir, tmp, dir, name);
	saved = errno;
	if (rc < 0 || new)
		unlinkat(dir, tmp, 0);
	if (rc == 0)
		return fd;
	close(fd);
	errno = saved;
	return -1;
}

static int put_file(struct file *file, int dir, const char *name, const void *data, size_t size,
		    bool new)
{
	int fd = make_file(file, dir, name, data, size, new);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* Up to SIZE bytes of NAME into BUFFER.  Returns the size of the file. */
static long read_file(int dir, const char *name, void *buffer, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	size_t used = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > RENDEZVOUS_VALUE) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	while (n > 0 && used < size && used < (size_t)st.st_size) {
		n = read(fd, (char *)buffer + used, size - used);
		used += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return n < 0 ? -1 : (long)st.st_size;
}

/* A short text, cut where it has no place in a sentence. */
static const char *read_text(int dir, const char *name, char *text, size_t size)
{
	long got = read_file(dir, name, text, size - 1);

	text[got < 0 ? 0 : (size_t)got < size ? (size_t)got : size - 1] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static bool is_there(int dir, const char *name)
{
	return faccessat(dir, name, F_OK, 0) == 0;
}

/* Wait a little, longer each time.  Returns false when DEADLINE has passed. */
static bool again(int64_t deadline, int *ms)
{
	int64_t left = rendezvous_stopped() ? 0 : deadline - clock_ms();
	struct timespec pause;

	if (left <= 0)
		return false;
	*ms = *ms < 1 ? 1 : *ms < 33 ? *ms * 3 / 2 + 1 : 50;
	left = left < *ms ? left : *ms;
	pause = (struct timespec){ .tv_nsec = left * 1000000 };
	nanosleep(&pause, NULL);
	return true;
}

/* ---- ranks ---- */

static const char *rank_text(const struct file *file, uint32_t rank, char text[RDV_RANK_TEXT])
{
	char name[NAME], node[RENDEZVOUS_NODE];

	name_of(name, "rank.%" PRIu32, rank);
	read_text(file->dir, name, node, sizeof(node));
	return rdv_rank_text(text, rank, node, *node);
}

/* Its lock is free although it was taken before the file appeared. */
static bool is_dead(const struct file *file, uint32_t rank)
{
	char name[NAME], text[RENDEZVOUS_NODE + 16] = "";
	int fd = openat(file->dir, name_of(name, "rank.%" PRIu32, rank), O_RDONLY | O_CLOEXEC);
	bool dead;

	if (fd < 0)
		return false;
	dead = read(fd, text, sizeof(text) - 1) > 0 && strstr(text, "\n" LOCKED) &&
	       flock(fd, LOCK_SH | LOCK_NB) == 0;
	close(fd);
	return dead;
}

static int fail(int error, const char *why, struct err *err)
{
	errno = error;
	return err_set(err, "%s", why);
}

static int break_it(struct file *file, int error, const char *why, struct err *err)
{
	if (!is_there(file->dir, "broken"))
		put_file(file, file->dir, "broken", why, strlen(why), true);
	return fail(error, why, err);
}

/* 0, or -1 with ERR when RANK will not do what it is waited for. */
static int still_hoped(struct file *file, uint32_t rank, struct err *err)
{
	char name[NAME], who[RDV_RANK_TEXT], why[RDV_TEXT];

	if (is_there(file->dir, "broken"))
		return fail(EPIPE, read_text(file->dir, "broken", why, sizeof(why)), err);
	rank_text(file, rank, who);
	snprintf(why, sizeof(why), "rank %s has left", who);
	if (is_there(file->dir, name_of(name, "left.%" PRIu32, rank)))
		return fail(EPIPE, why, err);
	if (!is_dead(file, rank))
		return 0;
	snprintf(why, sizeof(why), "rank %s is gone", who);
	return break_it(file, EPIPE, why, err);
}

/* ---- put, get, fence ---- */

static int file_put(struct rendezvous *rdv, const char *key, const void *value, size_t size,
		    struct err *err)
{
	struct file *file = rdv->way;
	char name[NAME];

	name_of(name, "value.%" PRIu32 ".%s", rdv->rank, key);
	return put_file(file, file->dir, name, value, size, false) < 0
		       ? err_errno(err, "unable to write '%s/%s'", file->path, name)
		       : 0;
}

static long file_get(struct rendezvous *rdv, uint32_t rank, const char *key, void *buffer,
		     size_t size, int wait_ms, struct err *err)
{
	struct file *file = rdv->way;
	int64_t deadline = clock_ms() + wait_ms;
	char name[NAME], who[RDV_RANK_TEXT];
	int ms = 0;

	name_of(name, "value.%" PRIu32 ".%s", rank, key);
	for (;;) {
		long got = read_file(file->dir, name, buffer, size);

		if (got >= 0)
			return got;
		if (errno != ENOENT)
			return err_errno(err, "unable to read '%s/%s'", file->path, name);
		if (still_hoped(file, rank, err) < 0)
			return -1;
		if (!again(deadline, &ms))
			break;
	}
	errno = wait_ms ? ETIMEDOUT : ENOENT;
	return err_set(err, "rank %s has not put it", rank_text(file, rank, who));
}

static bool has_fenced(const struct file *file, uint32_t fence, uint32_t rank)
{
	char name[NAME];

	return is_there(file->dir, name_of(name, "fence.%" PRIu32 ".%" PRIu32, fence, rank));
}

static void say_missing(const struct rendezvous *rdv, const struct file *file, uint32_t fence,
			char text[RDV_TEXT])
{
	struct rdv_missing missing = { 0 };
	char one[RDV_RANK_TEXT];

	for (uint32_t rank = 0; rank < rdv->size; rank++)
		if (!has_fenced(file, fence, rank))
			rdv_missing_add(&missing, rank_text(file, rank, one));
	rdv_missing_say(&missing, rdv->size, text);
}

static int file_fence(struct rendezvous *rdv, bool values, int wait_ms, struct err *err)
{
	struct file *file = rdv->way;
	int64_t deadline = clock_ms() + wait_ms;
	uint32_t fence = file->fences++, next = 0;
	char name[NAME], why[RDV_TEXT];
	int ms = 0;

	(void)values;
	if (is_there(file->dir, "broken"))
		return still_hoped(file, rdv->rank, err);
	name_of(name, "fence.%" PRIu32 ".%" PRIu32, fence, rdv->rank);
	if (put_file(file, file->dir, name, "", 0, false) < 0)
		return err_errno(err, "unable to write '%s/%s'", file->path, name);
	for (;;) {
		while (next < rdv->size && has_fenced(file, fence, next))
			next++;
		if (next == rdv->size)
			return 0;
		/* it may have come and left since */
		if (still_hoped(file, next, err) < 0) {
			int saved = errno;

			if (has_fenced(file, fence, next))
				continue;
			errno = saved;
			return -1;
		}
		if (!again(deadline, &ms))
			break;
	}
	if (rendezvous_stopped())
		snprintf(why, sizeof(why), "rank %" PRIu32 " was interrupted", rdv->rank);
	else
		say_missing(rdv, file, fence, why);
	return break_it(file, ETIMEDOUT, why, err);
}

/* ---- open and close ---- */

static void remove_session(const struct rendezvous *rdv, const struct file *file)
{
	DIR *dir = fdopendir(dup(file->dir));
	char name[NAME];
	struct dirent *entry;

	if (!dir)
		return;
	rewinddir(dir);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			unlinkat(file->dir, entry->d_name, 0);
	closedir(dir);
	unlinkat(file->program, name_of(name, "%" PRIu32, rdv->generation), AT_REMOVEDIR);
}

static bool all_left(const struct rendezvous *rdv, const struct file *file)
{
	char name[NAME];

	for (uint32_t rank = 0; rank < rdv->size; rank++)
		if (!is_there(file->dir, name_of(name, "left.%" PRIu32, rank)))
			return false;
	return true;
}

static void file_free(struct file *file)
{
	const int fds[] = { file->lock, file->dir, file->program };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(file);
}

static void file_close(struct rendezvous *rdv)
{
	struct file *file = rdv->way;
	char name[NAME];

	put_file(file, file->dir, name_of(name, "left.%" PRIu32, rdv->rank), "", 0, false);
	if (all_left(rdv, file))
		remove_session(rdv, file);
	file_free(file);
}

static const struct rendezvous_ops file_ops = {
	.how = "file",
	.put = file_put,
	.get = file_get,
	.fence = file_fence,
	.close = file_close,
};

/* NAME in AT, made where it is missing; ours, as others could put anything there. */
static int open_own(int at, const char *name)
{
	int fd;
	struct stat st;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid())
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* Cut ":SIZE" off. */
static void cut_size(char *path, uint32_t *size)
{
	char *colon = strrchr(path, ':'), *end;
	unsigned long number;

	if (!colon || colon[1] < '1' || colon[1] > '9')
		return;
	number = strtoul(colon + 1, &end, 10);
	if (*end || number > RENDEZVOUS_RANKS)
		return;
	*colon = '\0';
	*size = (uint32_t)number;
}

/* The smallest rank that nobody has taken. */
static int take_rank(struct rendezvous *rdv, struct file *file, struct err *err)
{
	char name[NAME];

	for (uint32_t rank = 0; rank < rdv->size; rank++) {
		name_of(name, "opened.%" PRIu32, rank);
		if (put_file(file, file->program, name, "0", 1, true) == 0) {
			rdv->rank = rank;
			return 0;
		}
		if (errno != EEXIST)
			return err_errno(err, "unable to write '%s/%s'", file->path, name);
	}
	errno = EINVAL;
	return err_set(err, "all %" PRIu32 " ranks of '%s' are taken: NETEMU_RANK is not set",
		       rdv->size, file->path);
}

static int count_opening(struct rendezvous *rdv, struct file *file, struct err *err)
{
	char name[NAME], text[16];
	uint32_t before;

	name_of(name, "opened.%" PRIu32, rdv->rank);
	before = (uint32_t)strtoul(read_text(file->program, name, text, sizeof(text)), NULL, 10);
	if (!rdv->generation)
		rdv->generation = before + 1;
	if (rdv->generation <= before)
		return 0;
	snprintf(text, sizeof(text), "%" PRIu32, rdv->generation);
	return put_file(file, file->program, name, text, strlen(text), false) < 0
		       ? err_errno(err, "unable to write '%s/%s'", file->path, name)
		       : 0;
}

/* rank.R, with its lock held before others can see it. */
static int appear(struct rendezvous *rdv, struct file *file, struct err *err)
{
	char tmp[NAME], name[NAME], text[RENDEZVOUS_NODE + 16];
	bool locked;

	name_of(tmp, TMP "r", (long)getpid(), file->tmp++);
	file->lock = make_file(file, file->dir, tmp, "", 0, true);
	if (file->lock < 0)
		return err_errno(err, "unable to write in '%s'", file->path);
	locked = flock(file->lock, LOCK_EX | LOCK_NB) == 0;
	snprintf(text, sizeof(text), "%s\n%s\n", rdv->node, locked ? LOCKED : "");
	name_of(name, "rank.%" PRIu32, rdv->rank);
	if (write_all(file->lock, text, strlen(text)) == 0 &&
	    linkat(file->dir, tmp, file->dir, name, 0) == 0) {
		unlinkat(file->dir, tmp, 0);
		return 0;
	}
	err_errno(err, "rank %" PRIu32 " in '%s'", rdv->rank, file->path);
	unlinkat(file->dir, tmp, 0);
	return -1;
}

static int join(struct rendezvous *rdv, struct file *file, struct err *err)
{
	char name[NAME], why[RDV_TEXT];
	int path = open_own(AT_FDCWD, file->path);

	file->program = path < 0 ? -1 : open_own(path, rdv->program);
	if (path >= 0)
		close(path);
	if (file->program < 0)
		return err_errno(err, "unable to open '%s'", file->path);
	if (rdv->rank == RDV_ANY && take_rank(rdv, file, err) < 0)
		return -1;
	if (rdv->rank >= rdv->size) {
		errno = EINVAL;
		return err_set(err, "rank %" PRIu32 " of %" PRIu32 " ranks", rdv->rank, rdv->size);
	}
	if (count_opening(rdv, file, err) < 0)
		return -1;
	file->dir = open_own(file->program, name_of(name, "%" PRIu32, rdv->generation));
	if (file->dir < 0)
		return err_errno(err, "unable to open '%s/%s'", file->path, name);
	if (is_there(file->dir, "broken"))
		return fail(EPIPE, read_text(file->dir, "broken", why, sizeof(why)), err);
	return appear(rdv, file, err);
}

int rdv_file_open(struct rendezvous *rdv, const char *path, int wait_ms, struct err *err)
{
	struct file *file = calloc(1, sizeof(*file));

	(void)wait_ms; /* nobody is waited for */
	if (!file)
		return err_errno(err, "'%s'", path);
	file->program = file->dir = file->lock = -1;
	errno = EINVAL;
	if (snprintf(file->path, sizeof(file->path), "%s", path) >= (int)sizeof(file->path)) {
		err_set(err, "the path of the rendezvous is too long");
		file_free(file);
		return -1;
	}
	cut_size(file->path, &rdv->size);
	if (!rdv->size || !*file->path)
		err_set(err, "'file:%s': how many ranks there are is not known: file:PATH:SIZE",
			path);
	if (!rdv->size || !*file->path || join(rdv, file, err) < 0) {
		file_free(file);
		return -1;
	}
	rdv->ops = &file_ops;
	rdv->way = file;
	return 0;
}
