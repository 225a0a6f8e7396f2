/* SPDX-License-Identifier: Apache-2.0 */
#include "device/segment.h"

#include "device/fabric.h"
#include "device/lock.h"

#include <errno.h>
#include <string.h>

#define ALIGN     64
#define CHUNK     4096 /* bytes of the first one, about */
#define INDEX_MAX ((1U << 24) - 1)

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void table_init(struct shared_table *table, uint32_t record, uint32_t limit)
{
	memset(table, 0, sizeof(*table));
	table->record = (record + ALIGN - 1) / ALIGN * ALIGN;
	table->first = 1;
	while (table->first * 2 * table->record <= CHUNK)
		table->first *= 2;
	table->limit = min_u32(limit, INDEX_MAX);
	table->end = 1;
	table->next = 1;
}

/* Twice as many indexes as records, so that a free one is found soon. */
static uint32_t indexes(const struct shared_table *table)
{
	return min_u32(table->limit * 2, table->limit < 65536 ? 65535 : INDEX_MAX);
}

/* What the table says of itself, after its lock was taken from the dead. */
static void recover(struct segment *segment, struct shared_table *table)
{
	uint32_t used = 0, end = atomic_load(&table->end);

	for (uint32_t i = 1; i < end; i++)
		used += atomic_load(&table_record(segment, table, i)->used);
	atomic_store(&table->used, used);
}

static void lock(struct segment *segment, struct shared_table *table)
{
	if (lock_take(segment->fabric, &table->lock, segment->self))
		recover(segment, table);
}

/* One index more: its chunk is there before END says so. */
static struct shared_head *extend(struct segment *segment, struct shared_table *table)
{
	uint32_t index = atomic_load(&table->end);
	uint32_t place = index - 1 + table->first;
	uint32_t chunk = (uint32_t)(__builtin_clz(table->first) - __builtin_clz(place));

	if (index > indexes(table) || chunk >= TABLE_CHUNKS)
		return NULL;
	if (!atomic_load(&table->chunk_at[chunk])) {
		uint64_t at =
			segment_alloc(segment, ((uint64_t)table->first << chunk) * table->record);

		if (!at)
			return NULL;
		atomic_store(&table->chunk_at[chunk], at);
	}
	atomic_store_explicit(&table->end, index + 1, memory_order_release);
	return table_record(segment, table, index);
}

/* Going round, so that one that was removed rests as long as can be. */
static struct shared_head *search(struct segment *segment, struct shared_table *table,
				  uint32_t *index)
{
	uint32_t end = atomic_load(&table->end);

	for (uint32_t i = 1; i < end; i++) {
		uint32_t at = table->next < end ? table->next : 1;
		struct shared_head *head = table_record(segment, table, at);

		table->next = at + 1;
		if (!atomic_load(&head->used)) {
			*index = at;
			return head;
		}
	}
	return NULL;
}

/* A table with few records in use rather grows than uses one again at once. */
static struct shared_head *choose(struct segment *segment, struct shared_table *table,
				  uint32_t *index)
{
	uint32_t end = atomic_load(&table->end);
	struct shared_head *head = NULL;

	if (end <= table->first || atomic_load(&table->used) * 2 >= end - 1)
		head = extend(segment, table);
	if (!head)
		return search(segment, table, index);
	*index = end;
	return head;
}

struct shared_head *table_add(struct segment *segment, struct shared_table *table, uint32_t *number)
{
	struct shared_head *head = NULL;
	uint32_t index;
	uint8_t tag;

	lock(segment, table);
	if (atomic_load(&table->used) < table->limit)
		head = choose(segment, table, &index);
	if (head) {
		tag = (uint8_t)(head->tag + 1);
		memset(head + 1, 0, table->record - sizeof(*head));
		head->owner = (uint16_t)segment->self;
		head->tag = tag;
		atomic_fetch_add(&table->used, 1);
		atomic_store(&head->used, 1);
		*number = index << 8 | tag;
	}
	lock_drop(&table->lock);
	if (!head)
		errno = ENOMEM;
	return head;
}

void table_remove(struct segment *segment, struct shared_table *table, struct shared_head *head)
{
	lock(segment, table);
	atomic_store(&head->number, 0);
	if (atomic_exchange(&head->used, 0))
		atomic_fetch_sub(&table->used, 1);
	lock_drop(&table->lock);
}

struct shared_head *table_next(const struct segment *segment, const struct shared_table *table,
			       uint32_t *index)
{
	if (!*index)
		*index = 1;
	for (;;) {
		struct shared_head *head = table_record(segment, table, *index);

		if (!head)
			return NULL;
		++*index;
		if (atomic_load(&head->number))
			return head;
	}
}
