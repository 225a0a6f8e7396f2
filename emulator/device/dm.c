/* SPDX-License-Identifier: Apache-2.0 */
#include "device/context.h"
#include "device/lock.h"
#include "device/memory.h"

#include <errno.h>
#include <string.h>

#define ALIGN_LOG 6 /* of what the heap gives */
#define PAGE_LOG  12

static int einval(void)
{
	errno = EINVAL;
	return -1;
}

/* What to ask the heap for, so that it begins at a multiple of 1 << LOG_ALIGN: blocks of
 * a page or more begin at one.
 */
static uint64_t heap_size(uint64_t length, uint32_t log_align)
{
	uint64_t page = 1ULL << PAGE_LOG;

	return log_align > ALIGN_LOG && length < page ? page : length;
}

/* Whether LENGTH more fit: max_dm_size is what the device has, for all programs. */
static bool fits(const struct context *context, uint64_t length)
{
	const struct shared_device *device = context->device;
	uint64_t sum = length;
	struct shared_head *head;

	for (uint32_t i = 1; (head = table_record(&context->fabric->segment, &device->dm, i)); i++)
		if (atomic_load(&head->used))
			sum += ((struct shared_mr *)head)->asked;
	return sum <= device->limits.max_dm_size;
}

/* Under the lock of objects: what two ask for at a time is added up. */
static struct shared_mr *add(struct context *context, uint64_t length, uint32_t *number)
{
	struct segment *segment = &context->fabric->segment;
	struct shared_table *table = &context->device->dm;
	struct shared_mr *shared = NULL;

	lock_take(context->fabric, &context->device->objects, context->fabric->self);
	if (fits(context, length))
		shared = (struct shared_mr *)table_add(segment, table, number);
	if (shared)
		shared->asked = (uint32_t)length;
	lock_drop(&context->device->objects);
	return shared;
}

int dm_create(struct dm *dm, struct context *context, uint64_t length, uint32_t log_align)
{
	struct segment *segment = &context->fabric->segment;
	uint64_t size = heap_size(length, log_align), at;
	struct shared_mr *shared;
	uint32_t number;

	if (!length || log_align > PAGE_LOG || length > context->device->limits.max_dm_size)
		return einval();
	errno = ENOMEM;
	shared = add(context, length, &number);
	if (!shared)
		return -1;
	at = segment_alloc(segment, size);
	if (!at) {
		table_remove(segment, &context->device->dm, &shared->head);
		errno = ENOMEM;
		return -1;
	}
	shared->kind = MR_STORE;
	shared->length = size;
	shared->addr = at;
	*dm = (struct dm){
		.context = context,
		.shared = shared,
		.number = number,
		.at = at,
		.length = length,
	};
	table_publish(&shared->head, number);
	return 0;
}

int dm_destroy(struct dm *dm)
{
	struct segment *segment = &dm->context->fabric->segment;
	uint64_t size = dm->shared->length;

	if (context_took(&dm->shared->head, dm->number))
		return 0;
	if (atomic_load(&dm->users)) {
		errno = EBUSY;
		return -1;
	}
	table_hide(&dm->shared->head);
	table_remove(segment, &dm->context->device->dm, &dm->shared->head);
	segment_free(segment, dm->at, size);
	return 0;
}

static bool is_inside(const struct dm *dm, uint64_t offset, uint64_t length)
{
	return !context_took(&dm->shared->head, dm->number) && offset <= dm->length &&
	       length <= dm->length - offset;
}

int dm_write(struct dm *dm, uint64_t offset, const void *from, size_t length)
{
	if (!is_inside(dm, offset, length))
		return einval();
	if (length)
		memcpy(segment_at(&dm->context->fabric->segment, dm->at + offset), from, length);
	return 0;
}

int dm_read(struct dm *dm, uint64_t offset, void *to, size_t length)
{
	if (!is_inside(dm, offset, length))
		return einval();
	if (length)
		memcpy(to, segment_at(&dm->context->fabric->segment, dm->at + offset), length);
	return 0;
}

int mr_register_dm(struct mr *mr, struct pd *pd, struct dm *dm, uint64_t offset, uint64_t length,
		   uint32_t access)
{
	if (!is_inside(dm, offset, length))
		return einval();
	atomic_fetch_add(&dm->users, 1);
	if (mr_register(mr, dm->context, pd, MR_DEVICE, dm->at + offset, length, 0, access)) {
		atomic_fetch_sub(&dm->users, 1);
		return -1;
	}
	mr->dm = dm;
	return 0;
}
