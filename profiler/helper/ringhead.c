/* SPDX-License-Identifier: Apache-2.0 */
#include "ringhead.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(const char *path, struct vring_header *header, struct err *err)
{
	if (memcmp(header->magic, VRING_MAGIC, sizeof(header->magic)) != 0)
		return err_set(err, "'%s' is no file of records", path);
	if (header->version < VRING_VERSION_MIN || header->version > VRING_VERSION ||
	    header->byte_order != VRING_BYTE_ORDER)
		return err_set(err, "'%s' is of another version or machine", path);
	header->node[sizeof(header->node) - 1] = '\0';
	header->program[sizeof(header->program) - 1] = '\0';
	header->job[sizeof(header->job) - 1] = '\0';
	header->step[sizeof(header->step) - 1] = '\0';
	header->tag[sizeof(header->tag) - 1] = '\0';
	return 0;
}

/* A descriptor of it, or -1 with ERR written. */
static int open_ring(const char *path, struct vring_header *header, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t length;

	if (fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	length = pread(fd, header, sizeof(*header), 0);
	if (length < 0)
		err_errno(err, "unable to read '%s'", path);
	else if (length < (ssize_t)sizeof(*header))
		err_set(err, "'%s': nothing was recorded", path);
	else if (check(path, header, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int ringhead_read(const char *path, struct vring_header *header, struct err *err)
{
	int fd = open_ring(path, header, err);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int ringhead_count(const char *path, struct vring_header *header, uint64_t *records,
		   struct err *err)
{
	int fd = open_ring(path, header, err);
	struct vring_extent extent;

	if (fd < 0)
		return -1;
	*records = 0;
	for (off_t at = VRING_HEADER_SIZE;
	     pread(fd, &extent, sizeof(extent), at) == (ssize_t)sizeof(extent);
	     at += VRING_EXTENT_SIZE)
		if (extent.kind != VRING_FREE && extent.kind < VRING_KINDS &&
		    extent.used <= VRING_RECORDS)
			*records += extent.used;
	close(fd);
	return 0;
}
