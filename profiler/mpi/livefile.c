/* SPDX-License-Identifier: Apache-2.0 */
#include "livefile.h"
#include "quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Allocate and map [OFFSET, OFFSET + SIZE) of FD.  Returns NULL with errno. */
static void *map_range(int fd, uint64_t offset, uint64_t size)
{
	struct quiet quiet;
	void *base;
	int rc;

	quiet_begin(&quiet);
	do
		rc = posix_fallocate(fd, (off_t)offset, (off_t)size);
	while (rc == EINTR);
	quiet_end(&quiet);
	if (rc) {
		errno = rc;
		return NULL;
	}
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	return base == MAP_FAILED ? NULL : base;
}

static int part_stat(struct livefile_part *part, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	part->device = st.st_dev;
	part->inode = st.st_ino;
	return 0;
}

/* Take FD, new and empty, as the next part.  Keeps nothing of FD itself. */
static int part_start(struct livefile *file, int fd, const char *path,
		      const struct live_header *header)
{
	struct livefile_part *part = &file->parts[file->count];
	void *base;

	if (part_stat(part, fd) < 0)
		return -1;
	base = map_range(fd, 0, LIVE_HEADER_SIZE);
	if (!base)
		return -1;
	snprintf(part->path, sizeof(part->path), "%s", path);
	part->size = LIVE_HEADER_SIZE;
	part->header = base;
	*part->header = *header;
	file->count++;
	file->ops->made(part->path);
	return 0;
}

static int part_on_disk(struct livefile *file, const char *path, const struct live_header *header)
{
	int fd, rc, saved;

	if (file->count == LIVEFILE_MAX)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -1;
	rc = part_start(file, fd, path, header);
	saved = errno;
	if (rc < 0)
		unlink(path);
	close(fd);
	errno = saved;
	return rc;
}

/* The last resort; its descriptor stays open, there is no other name. */
static int part_in_memory(struct livefile *file, const struct live_header *header)
{
	char path[64];
	int fd;

	if (file->count == LIVEFILE_MAX || file->in_memory)
		return -1;
	fd = memfd_create("netprof", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (part_start(file, fd, path, header) < 0) {
		close(fd);
		return -1;
	}
	file->in_memory = true;
	return 0;
}

static int part_elsewhere(struct livefile *file, const struct live_header *header)
{
	char path[PATH_MAX];

	if (file->ops->next(path) == 0 && part_on_disk(file, path, header) == 0)
		return 0;
	return part_in_memory(file, header);
}

int livefile_create(struct livefile *file, const char *path, const struct live_header *header,
		    const struct livefile_ops *ops, struct err *err)
{
	int error;

	*file = (struct livefile){ .ops = ops };
	if (part_on_disk(file, path, header) == 0)
		return 0;
	error = errno;
	if (part_elsewhere(file, header) == 0)
		return 0;
	errno = error;
	return err_errno(err, "unable to make '%s'", path);
}

/* Open the last part again; a descriptor that is no longer ours is refused. */
static int part_open(struct livefile_part *part)
{
	struct stat st;
	int fd = open(part->path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || st.st_dev != part->device || st.st_ino != part->inode) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	return fd;
}

/* *SIZE bytes more in the last part, where they do not fit half of them and so
 * on, but not less than LEAST.
 */
static struct live_extent *part_extend(struct livefile *file, uint64_t *size, uint64_t least)
{
	struct livefile_part *part = &file->parts[file->count - 1];
	struct live_extent *extent = NULL;
	int fd = part_open(part);
	uint64_t wanted;

	if (fd < 0)
		return NULL;
	for (wanted = *size; !extent && wanted >= least; wanted = wanted / 2 & ~4095ull) {
		extent = map_range(fd, part->size, wanted);
		*size = wanted;
	}
	close(fd);
	if (extent)
		part->size += *size;
	return extent;
}

static uint64_t extent_size(uint32_t entry_size, uint32_t entries)
{
	uint64_t size = sizeof(struct live_extent) + (uint64_t)entry_size * entries;

	return (size + 4095) & ~4095ull;
}

struct live_extent *livefile_extend(struct livefile *file, enum live_kind kind, uint32_t shard,
				    uint32_t entry_size, uint32_t entries, uint32_t least,
				    uint32_t level)
{
	const uint64_t wanted = extent_size(entry_size, entries);
	uint64_t size = wanted;
	struct live_extent *extent;
	int saved = errno;

	pthread_mutex_lock(&lock);
	extent = part_extend(file, &size, extent_size(entry_size, least));
	while (!extent && part_elsewhere(file, file->parts[0].header) == 0) {
		size = wanted;
		extent = part_extend(file, &size, extent_size(entry_size, least));
	}
	if (!extent)
		file->lost = true;
	pthread_mutex_unlock(&lock);
	errno = saved;
	if (!extent)
		return NULL;
	extent->shard = shard;
	extent->entry_size = entry_size;
	extent->capacity = (uint32_t)((size - sizeof(*extent)) / entry_size);
	extent->level = level;
	extent->kind = kind;
	/* The reader stops at an extent of size 0, so this comes last. */
	__atomic_store_n(&extent->size, size, __ATOMIC_RELEASE);
	return extent;
}

void livefile_unlink(struct livefile *file)
{
	for (int i = 0; i < file->count; i++)
		if (strncmp(file->parts[i].path, "/proc/", 6))
			unlink(file->parts[i].path);
}
