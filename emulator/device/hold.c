/* SPDX-License-Identifier: Apache-2.0 */
#include "device/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A byte this process holds. */
struct held {
	uint32_t byte;
	uint32_t times; /* more than once: shared */
	struct held *next;
};

/* A file this process has open. */
struct file {
	dev_t dev;
	ino_t inode;
	int fd;
	uint32_t users;
	struct held *held;
	struct file *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct file *files;

/* --- the files; the mutex is held --- */

static struct file *file_of(int fd)
{
	struct file *file = files;

	while (file && file->fd != fd)
		file = file->next;
	return file;
}

static struct file *file_known(const struct stat *st)
{
	struct file *file = files;

	while (file && (file->dev != st->st_dev || file->inode != st->st_ino))
		file = file->next;
	return file;
}

static struct file *file_add(int fd, const struct stat *st)
{
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	*file = (struct file){ .dev = st->st_dev, .inode = st->st_ino, .fd = fd, .next = files };
	files = file;
	return file;
}

static void file_remove(struct file *file)
{
	struct file **at = &files;

	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	while (file->held) {
		struct held *next = file->held->next;

		free(file->held);
		file->held = next;
	}
	close(file->fd);
	free(file);
}

/* A known file must not be opened again: closing that would end its locks.  So its
 * identity is asked for without opening it.
 */
static struct file *file_open(int dir_fd, const char *name, bool create)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct file *file;
	struct stat st;
	int fd;

	if (!create && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return NULL;
	file = create ? NULL : file_known(&st);
	if (file)
		return file;
	fd = openat(dir_fd, name, create ? flags | O_CREAT | O_EXCL : flags, 0600);
	if (fd < 0)
		return NULL;
	file = fstat(fd, &st) || !S_ISREG(st.st_mode) ? NULL : file_add(fd, &st);
	if (!file)
		close(fd);
	return file;
}

static struct held **held_at(struct file *file, uint32_t byte)
{
	struct held **at = &file->held;

	while (*at && (*at)->byte != byte)
		at = &(*at)->next;
	return at;
}

/* --- locks of the kernel --- */

static int set_lock(int fd, short type, off_t start, off_t length)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = length,
	};
	int rc;

	do
		rc = fcntl(fd, F_SETLK, &lock);
	while (rc && errno == EINTR);
	if (rc && errno == EACCES)
		errno = EAGAIN;
	return rc;
}

static bool others_lock(int fd, uint32_t byte)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = byte,
		.l_len = 1,
	};

	return fcntl(fd, F_GETLK, &lock) || lock.l_type != F_UNLCK;
}

/* --- what others see --- */

int hold_open(int dir_fd, const char *name, bool create)
{
	struct file *file;
	int fd = -1;

	pthread_mutex_lock(&mutex);
	file = file_open(dir_fd, name, create);
	if (file) {
		file->users++;
		fd = file->fd;
	}
	pthread_mutex_unlock(&mutex);
	return fd;
}

void hold_close(int fd)
{
	struct file *file;

	pthread_mutex_lock(&mutex);
	file = file_of(fd);
	if (file && !--file->users)
		file_remove(file);
	pthread_mutex_unlock(&mutex);
}

static int take(struct file *file, uint32_t byte, bool shared)
{
	struct held **at = held_at(file, byte), *held;

	if (*at && shared) {
		(*at)->times++;
		return 0;
	}
	if (*at) {
		errno = EAGAIN;
		return -1;
	}
	held = malloc(sizeof(*held));
	if (!held)
		return -1;
	if (set_lock(file->fd, shared ? F_RDLCK : F_WRLCK, byte, 1)) {
		free(held);
		return -1;
	}
	*held = (struct held){ .byte = byte, .times = 1 };
	*at = held;
	return 0;
}

int hold_take(int fd, uint32_t byte, bool shared)
{
	struct file *file;
	int rc = -1;

	pthread_mutex_lock(&mutex);
	file = file_of(fd);
	if (file)
		rc = take(file, byte, shared);
	else
		errno = EBADF;
	pthread_mutex_unlock(&mutex);
	return rc;
}

void hold_drop(int fd, uint32_t byte)
{
	struct file *file;
	struct held **at, *held;

	pthread_mutex_lock(&mutex);
	file = file_of(fd);
	at = file ? held_at(file, byte) : NULL;
	held = at ? *at : NULL;
	if (held && !--held->times) {
		set_lock(fd, F_UNLCK, byte, 1);
		*at = held->next;
		free(held);
	}
	pthread_mutex_unlock(&mutex);
}

bool hold_taken(int fd, uint32_t byte)
{
	struct file *file;
	bool own;

	pthread_mutex_lock(&mutex);
	file = file_of(fd);
	own = file && *held_at(file, byte);
	pthread_mutex_unlock(&mutex);
	return own || others_lock(fd, byte);
}

bool hold_all(int fd)
{
	struct file *file;
	bool all;

	pthread_mutex_lock(&mutex);
	file = file_of(fd);
	all = file && !file->held && set_lock(fd, F_WRLCK, 0, 0) == 0;
	pthread_mutex_unlock(&mutex);
	return all;
}

void hold_before_fork(void)
{
	pthread_mutex_lock(&mutex);
}

void hold_after_fork(bool child)
{
	while (child && files)
		file_remove(files);
	pthread_mutex_unlock(&mutex);
}
