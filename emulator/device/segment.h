/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - a file in shared memory that grows, and the heap and tables in it
 *
 * All of it is mapped once, at a size it may never reach; the file grows by
 * posix_fallocate(), so that what may be touched is there: a full file system
 * is ENOSPC (told as ENOMEM), never SIGBUS.
 */
#ifndef DEVICE_SEGMENT_H
#define DEVICE_SEGMENT_H

#include "device/layout.h"
#include "err.h"

#include <stdatomic.h>
#include <stddef.h>

struct fabric;

struct segment {
	struct shared_header *header; /* and start of the mapping */
	size_t mapped;                /* bytes */
	int fd;
	struct fabric *fabric; /* for locks: who is alive */
	uint32_t self;         /* process, for locks */
	/* told, unless NULL, each time that there are no BYTES of shared memory */
	void (*full)(uint64_t bytes);
};

/* Make a segment in the file NAME of the directory DIR_FD (mode 0600, must not
 * be there) or open it; a header with another version is refused, and one that
 * is larger than what this process can map (ulimit -v).  Returns 0, or -1 with
 * ERR.  The caller sets fabric and self, fills the header of a new one in and
 * stores ready last.
 */
int segment_create(struct segment *segment, int dir_fd, const char *name, struct err *err);
int segment_open(struct segment *segment, int dir_fd, const char *name, struct err *err);
void segment_close(struct segment *segment);

static inline void *segment_at(const struct segment *segment, uint64_t at)
{
	return (char *)segment->header + at;
}

static inline uint64_t segment_offset(const struct segment *segment, const void *record)
{
	return (uint64_t)((const char *)record - (const char *)segment->header);
}

/* SIZE bytes of zeros, aligned to 64 (to a page when SIZE is more than half of
 * one).  Returns the offset, or 0 with errno ENOMEM.
 */
uint64_t segment_alloc(struct segment *segment, uint64_t size);

/* Give back what segment_alloc() gave for the same SIZE; AT 0: nothing. */
void segment_free(struct segment *segment, uint64_t at, uint64_t size);

/* --- tables --- */

/* RECORD bytes each (rounded up to 64), at most LIMIT in use.  With a LIMIT below
 * 65536 numbers have 24 bits.
 */
void table_init(struct shared_table *table, uint32_t record, uint32_t limit);

/* A free record, cleared, with head.owner set; head.number is still 0.  *NUMBER is
 * the one it will have: index << 8 | a tag that is another one each time the index
 * is used again; index 0 is never used.  Returns the record, or NULL with errno
 * ENOMEM (LIMIT, or no memory).
 */
struct shared_head *table_add(struct segment *segment, struct shared_table *table,
			      uint32_t *number);

/* Publish a record when all else is in place (a last store), and hide it; what is
 * removed may be used again at once, so section_wait() comes in between.
 */
static inline void table_publish(struct shared_head *head, uint32_t number)
{
	atomic_store(&head->number, number);
}

static inline void table_hide(struct shared_head *head)
{
	atomic_store(&head->number, 0);
}

void table_remove(struct segment *segment, struct shared_table *table, struct shared_head *head);

/* The record with INDEX, in use or not; NULL when none has ever been there. */
static inline struct shared_head *table_record(const struct segment *segment,
					       const struct shared_table *table, uint32_t index)
{
	uint32_t place = index - 1 + table->first, chunk;

	if (!index || index >= atomic_load_explicit(&table->end, memory_order_acquire))
		return NULL;
	chunk = (uint32_t)(__builtin_clz(table->first) - __builtin_clz(place));
	return segment_at(segment,
			  atomic_load_explicit(&table->chunk_at[chunk], memory_order_relaxed) +
				  (uint64_t)(place - (table->first << chunk)) * table->record);
}

/* The record with NUMBER, or NULL.  In a section.  (The load of number is ordered
 * behind the section's beginning.)
 */
static inline struct shared_head *table_find(const struct segment *segment,
					     const struct shared_table *table, uint32_t number)
{
	struct shared_head *head = table_record(segment, table, number >> 8);

	return head && number == atomic_load(&head->number) ? head : NULL;
}

/* The record at NUMBER's index, whatever its tag (a window of kind 2 gets another
 * tag from its user), or NULL where none is to be found.  In a section.
 */
static inline struct shared_head *table_index(const struct segment *segment,
					      const struct shared_table *table, uint32_t number)
{
	struct shared_head *head = table_record(segment, table, number >> 8);

	return head && atomic_load(&head->number) ? head : NULL;
}

/* For whoever looks on: the first record that is to be found at *INDEX or behind
 * it, or NULL; *INDEX is then one further than the record's.  Begin with 0.
 */
struct shared_head *table_next(const struct segment *segment, const struct shared_table *table,
			       uint32_t *index);

#endif
