/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "inherit.h"
#include "record.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct place_of_extent {
	uint64_t first;
	off_t offset; /* 0: done */
};

struct reading {
	int fd;
	uint64_t ticks; /* calls before */
	enum vring_kind kind;
	struct vring_extent *extent; /* room for one, with its records */
	struct place_of_extent *places;
	uint64_t count, room;
};

static bool wanted(const struct reading *reading, const struct vring_record *record)
{
	if (record->time >= reading->ticks)
		return false;
	return reading->kind == VRING_CALLS || record->call == VCALL_CREATE_AH ||
	       record->call == VCALL_DESTROY_AH;
}

/* The parent goes on, and may use an extent for something newer meanwhile. */
static bool read_extent(const struct reading *reading, const struct place_of_extent *place)
{
	struct vring_extent after, *extent = reading->extent;

	return pread(reading->fd, extent, VRING_EXTENT_SIZE, place->offset) == VRING_EXTENT_SIZE &&
	       pread(reading->fd, &after, sizeof(after), place->offset) == sizeof(after) &&
	       extent->kind == reading->kind && after.kind == reading->kind &&
	       extent->first == place->first && after.first == place->first &&
	       extent->used <= VRING_RECORDS;
}

static void copy_extent(const struct reading *reading, const struct place_of_extent *place)
{
	const struct vring_record *record = (struct vring_record *)(reading->extent + 1);
	uint32_t count;

	if (!read_extent(reading, place))
		return;
	for (uint32_t i = 0; i < reading->extent->used; i += count) {
		count = 1U + record[i].more;
		if (i + count > reading->extent->used)
			return;
		if (wanted(reading, &record[i]))
			record_take_over(reading->kind, &record[i], count);
	}
}

static void find_extents(struct reading *reading)
{
	struct vring_extent extent;
	off_t offset = VRING_HEADER_SIZE;

	reading->count = 0;
	for (uint64_t i = 0; i < reading->room; i++, offset += VRING_EXTENT_SIZE)
		if (pread(reading->fd, &extent, sizeof(extent), offset) == sizeof(extent) &&
		    extent.kind == reading->kind)
			reading->places[reading->count++] =
				(struct place_of_extent){ extent.first, offset };
}

/* That is not done; NULL: all are. */
static struct place_of_extent *oldest(const struct reading *reading)
{
	struct place_of_extent *found = NULL;

	for (uint64_t i = 0; i < reading->count; i++)
		if (reading->places[i].offset &&
		    (!found || reading->places[i].first < found->first))
			found = &reading->places[i];
	return found;
}

static void copy_series(struct reading *reading, enum vring_kind kind)
{
	struct place_of_extent *place;

	reading->kind = kind;
	find_extents(reading);
	while ((place = oldest(reading))) {
		copy_extent(reading, place);
		place->offset = 0;
	}
}

void inherit_calls(const struct inherit *inherit)
{
	struct reading reading = { .ticks = inherit->ticks };
	struct stat stat;
	size_t size;

	if (!inherit->ticks)
		return;
	reading.fd = ringfile_open(&inherit->file);
	if (reading.fd < 0)
		return;
	if (fstat(reading.fd, &stat) == 0 && stat.st_size > VRING_HEADER_SIZE) {
		reading.room = (uint64_t)(stat.st_size - VRING_HEADER_SIZE) / VRING_EXTENT_SIZE;
		size = reading.room * sizeof(*reading.places);
		reading.places = size ? record_pages(size) : NULL;
		reading.extent = record_pages(VRING_EXTENT_SIZE);
		if (reading.places && reading.extent) {
			copy_series(&reading, VRING_CALLS);
			copy_series(&reading, VRING_MEMORY);
		}
		if (reading.places)
			munmap(reading.places, size);
		if (reading.extent)
			munmap(reading.extent, VRING_EXTENT_SIZE);
	}
	close(reading.fd);
}
