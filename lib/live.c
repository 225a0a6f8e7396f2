/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"
#include "livesum.h"
#include "rankfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* One live file, mapped read-only. */
struct image {
	const char *path;
	const char *base;
	size_t size;
	struct live_header header;
};

static const uint32_t entry_sizes[LIVE_KINDS] = {
	[LIVE_CELLS] = sizeof(struct live_cell),    [LIVE_WINDOWS] = sizeof(struct live_cell),
	[LIVE_SIZES] = sizeof(struct live_size),    [LIVE_TIMING] = sizeof(struct live_timing),
	[LIVE_PHASES] = sizeof(struct live_phase),  [LIVE_RMA] = sizeof(struct live_rma),
	[LIVE_UNSEEN] = sizeof(struct live_unseen), [LIVE_BYPASS] = sizeof(struct live_bypass),
	[LIVE_SPANS] = sizeof(struct live_span),
};

static int header_check(const struct live_header *header, const char *path, struct err *err)
{
	if (memcmp(header->magic, LIVE_MAGIC, sizeof(header->magic)))
		return err_set(err, "%s: not a file of live counters", path);
	if (header->byte_order != LIVE_BYTE_ORDER)
		return err_set(err, "%s: written on a machine of the other byte order", path);
	if (header->version != LIVE_VERSION)
		return err_set(err, "%s: version %u of the live counters is not known", path,
			       header->version);
	if (!header->ranks || header->rank >= header->ranks || header->window_width < 0 ||
	    header->ranks == LIVE_OUTSIDE)
		return err_set(err, "%s: rank %u of %u cannot be", path, header->rank,
			       header->ranks);
	if (header->init_monotonic < 0 || header->finalize_monotonic < 0)
		return err_set(err, "%s: a time before the machine's start cannot be", path);
	for (int shard = 0; shard < LIVE_SHARDS; shard++)
		if (header->levels[shard] > 40)
			return err_set(err, "%s: window level %u cannot be", path,
				       header->levels[shard]);
	return 0;
}

/* Strings come from a file: they end where their field ends. */
static void header_terminate(struct live_header *header)
{
	header->node[sizeof(header->node) - 1] = '\0';
	header->processor_name[sizeof(header->processor_name) - 1] = '\0';
	header->program[sizeof(header->program) - 1] = '\0';
	header->mpi[sizeof(header->mpi) - 1] = '\0';
	header->pml[sizeof(header->pml) - 1] = '\0';
	header->job[sizeof(header->job) - 1] = '\0';
	header->step[sizeof(header->step) - 1] = '\0';
}

/* Open PATH and check its first page.  Returns the descriptor or -1. */
static int header_read(const char *path, struct live_header *header, size_t *size, struct err *err)
{
	/* Memory without a name is reached through a link of the kernel's. */
	int follow = strncmp(path, "/proc/self/fd/", 14) ? O_NOFOLLOW : 0;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow);

	if (fd < 0)
		return err_errno(err, "unable to open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, "%s: not a regular file", path);
	}
	if (st.st_size < LIVE_HEADER_SIZE ||
	    pread(fd, header, sizeof(*header), 0) != (ssize_t)sizeof(*header)) {
		close(fd);
		return err_set(err, "%s: ends at byte %lld, within the header", path,
			       (long long)st.st_size);
	}
	header_terminate(header);
	if (header_check(header, path, err) < 0) {
		close(fd);
		return -1;
	}
	*size = (size_t)st.st_size;
	return fd;
}

int live_peek(const char *path, struct live_header *header, struct err *err)
{
	size_t size;
	int fd = header_read(path, header, &size, err);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int image_open(struct image *image, const char *path, struct err *err)
{
	int fd = header_read(path, &image->header, &image->size, err);
	void *base;

	if (fd < 0)
		return -1;
	base = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (base == MAP_FAILED)
		return err_errno(err, "unable to map '%s'", path);
	image->path = path;
	image->base = base;
	return 0;
}

static void image_close(struct image *image)
{
	munmap((void *)image->base, image->size);
}

/* The extent at OFFSET of IMAGE, checked; NULL with ERR written when it is broken. */
static const struct live_extent *extent_at(const struct image *image, size_t offset,
					   struct err *err)
{
	const struct live_extent *extent = (const void *)(image->base + offset);
	size_t left = image->size - offset;

	if (left < sizeof(*extent) || extent->size < sizeof(*extent) || extent->size > left ||
	    extent->size % 4096) {
		err_set(err, "%s: byte %zu: an extent of %llu bytes does not fit the file",
			image->path, offset,
			left < sizeof(*extent) ? 0ull : (unsigned long long)extent->size);
		return NULL;
	}
	if (extent->kind == LIVE_FREE)
		return extent;
	if (extent->kind >= LIVE_KINDS || extent->shard >= LIVE_SHARDS ||
	    extent->entry_size != entry_sizes[extent->kind] || extent->used > extent->capacity ||
	    extent->capacity > (extent->size - sizeof(*extent)) / extent->entry_size ||
	    extent->level > 40) {
		err_set(err, "%s: byte %zu: not an extent of this version", image->path, offset);
		return NULL;
	}
	return extent;
}

static int image_add(struct livesum *sum, const struct image *image, struct err *err)
{
	const struct live_extent *extent;

	for (size_t offset = LIVE_HEADER_SIZE; offset < image->size; offset += extent->size) {
		/* Space the writer had reserved but not yet made an extent of. */
		if (image->size - offset >= sizeof(*extent) &&
		    !((const struct live_extent *)(const void *)(image->base + offset))->size)
			break;
		extent = extent_at(image, offset, err);
		if (!extent)
			return -1;
		if (extent->kind == LIVE_FREE ||
		    (extent->kind == LIVE_WINDOWS &&
		     extent->level != image->header.levels[extent->shard]))
			continue;
		for (uint32_t i = 0; i < extent->used; i++) {
			const char *entry =
				(const char *)(extent + 1) + (size_t)i * extent->entry_size;
			int rc = livesum_entry(sum, extent, entry, i);

			if (rc > 0)
				return err_set(err, "%s: byte %zu: an entry that cannot be",
					       image->path, (size_t)(entry - image->base));
			if (rc < 0)
				return err_errno(err, "%s", image->path);
		}
	}
	return 0;
}

static uint32_t coarsest_level(const struct image *images, int count)
{
	uint32_t level = 0;

	for (int i = 0; i < count; i++)
		for (int shard = 0; shard < LIVE_SHARDS; shard++)
			if (images[i].header.levels[shard] > level)
				level = images[i].header.levels[shard];
	return level;
}

static int sum_images(struct livesum *sum, struct rankfile *rank, const struct image *images,
		      int count, struct err *err)
{
	if (livesum_begin(sum, rank, &images[0].header, coarsest_level(images, count)) < 0)
		return err_errno(err, "%s", images[0].path);
	rank->complete = true;
	for (int i = 0; i < count; i++) {
		if (images[i].header.rank != rank->rank || images[i].header.ranks != rank->ranks)
			return err_set(err, "%s: rank %u of %u, but '%s' is of rank %u of %u",
				       images[i].path, images[i].header.rank,
				       images[i].header.ranks, images[0].path, rank->rank,
				       rank->ranks);
		if (!images[i].header.clean || images[i].header.flags & LIVE_LOST)
			rank->complete = false;
		if (image_add(sum, &images[i], err) < 0)
			return -1;
	}
	if (livesum_end(sum, &images[0].header) < 0)
		return err_errno(err, "%s", images[0].path);
	return 0;
}

int live_load(const char *const paths[], int count, struct rankfile *rank, struct err *err)
{
	struct rankfile result = { 0 };
	struct livesum *sum;
	struct image *images;
	int opened = 0;
	int rc = -1;

	sum = calloc(1, sizeof(*sum));
	images = calloc((size_t)count + 1, sizeof(*images));
	if (!sum || !images) {
		err_errno(err, "%s", paths[0]);
		goto out;
	}
	while (opened < count && image_open(&images[opened], paths[opened], err) == 0)
		opened++;
	if (opened == count)
		rc = sum_images(sum, &result, images, count, err);
	while (opened--)
		image_close(&images[opened]);
	if (rc == 0)
		*rank = result;
	else
		rankfile_release(&result);
out:
	free(images);
	free(sum);
	return rc;
}
