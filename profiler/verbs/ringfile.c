/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "ringfile.h"
#include "quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define PIECES 1024                    /* that a ring is made of, at most */
#define PIECE  (4 * VRING_EXTENT_SIZE) /* of a file that has some already */

/* Pages of memory need not be made ready for a disk. */
static bool is_memory(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

/* Zeros where there are zeros already, for the sake of pages: those that are written as a
 * whole are ready several times sooner than those that are touched one by one.  As many at
 * once as an extent has: more take longer again.
 */
static void write_zeros(int fd, uint64_t offset, size_t size)
{
	static char zeros[VRING_EXTENT_SIZE];

	for (size_t done = 0; done < size; done += sizeof(zeros)) {
		size_t rest = size - done < sizeof(zeros) ? size - done : sizeof(zeros);

		if (pwrite(fd, zeros, rest, (off_t)(offset + done)) != (ssize_t)rest)
			return;
	}
}

/* SIZE bytes at OFFSET that are on disk, mapped; NULL with errno. */
static void *map(int fd, uint64_t offset, size_t size)
{
	int rc = posix_fallocate(fd, (off_t)offset, (off_t)size);
	void *at;

	if (rc) {
		errno = rc;
		return NULL;
	}
	if (!is_memory(fd))
		write_zeros(fd, offset, size);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	return at == MAP_FAILED ? NULL : at;
}

static uint64_t piece_of(uint64_t ring)
{
	uint64_t piece = ring / PIECES / VRING_EXTENT_SIZE * VRING_EXTENT_SIZE;

	return piece < PIECE ? PIECE : piece;
}

/* What the file grows by: little while it is small. */
static uint64_t next_piece(const struct ringfile *file)
{
	uint64_t piece = file->size / 4 / VRING_EXTENT_SIZE * VRING_EXTENT_SIZE;

	if (piece > file->piece)
		return file->piece;
	return piece ? piece : VRING_EXTENT_SIZE;
}

int ringfile_create(struct ringfile *file, const char *path, const struct vring_header *header,
		    uint64_t ring, struct err *err)
{
	struct quiet quiet;
	struct stat stat;
	int fd;

	*file = (struct ringfile){ .size = VRING_HEADER_SIZE, .piece = piece_of(ring) };
	if (strlen(path) >= sizeof(file->path))
		return err_set(err, "'%s': the path is too long", path);
	strcpy(file->path, path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(err, "unable to make '%s'", path);
	quiet_begin(&quiet);
	file->header = fstat(fd, &stat) < 0 ? NULL : map(fd, 0, VRING_HEADER_SIZE);
	quiet_end(&quiet);
	if (!file->header) {
		err_errno(err, "unable to write '%s'", path);
		unlink(path);
		close(fd);
		return -1;
	}
	close(fd);
	file->device = stat.st_dev;
	file->inode = stat.st_ino;
	*file->header = *header;
	return 0;
}

int ringfile_open(const struct ringfile *file)
{
	int fd = open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat stat;

	if (fd < 0)
		return -1;
	if (fstat(fd, &stat) == 0 && stat.st_dev == file->device && stat.st_ino == file->inode)
		return fd;
	close(fd);
	return -1;
}

/* The next SIZE bytes of the file. */
static bool grow(struct ringfile *file, size_t size)
{
	struct quiet quiet;
	int fd = ringfile_open(file);
	char *at;

	if (fd < 0)
		return false;
	quiet_begin(&quiet);
	at = map(fd, file->size, size);
	quiet_end(&quiet);
	close(fd);
	if (!at)
		return false;
	file->size += size;
	file->spare = at;
	file->spare_end = at + size;
	return true;
}

struct vring_extent *ringfile_extend(struct ringfile *file)
{
	char *extent;

	if (file->spare == file->spare_end && !file->full)
		file->full = !grow(file, next_piece(file)) && !grow(file, VRING_EXTENT_SIZE);
	if (file->spare == file->spare_end)
		return NULL;
	extent = file->spare;
	file->spare += VRING_EXTENT_SIZE;
#ifdef MADV_POPULATE_WRITE
	/* page by page, later, it would be the program that waits */
	madvise(extent, VRING_EXTENT_SIZE, MADV_POPULATE_WRITE);
#endif
	return (struct vring_extent *)extent;
}

void ringfile_unmap(struct vring_extent *extent)
{
	munmap(extent, VRING_EXTENT_SIZE);
}
