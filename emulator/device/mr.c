/* SPDX-License-Identifier: Apache-2.0 */
#include "device/memory.h"

#include "device/context.h"
#include "device/lock.h"
#include "device/section.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ACCESS_KNOWN    0x3ff      /* of the kernel, with both kinds of flush */
#define ACCESS_OPTIONAL 0x3ff00000 /* may be ignored */

enum reregister {
	REREGISTER_TRANSLATION = 1,
	REREGISTER_PD = 2,
	REREGISTER_ACCESS = 4,
};

static int fail(int error)
{
	errno = error;
	return -1;
}

/* --- what may be registered --- */

static bool access_is_valid(uint32_t access)
{
	if (access & ~(ACCESS_KNOWN | ACCESS_OPTIONAL))
		return false;
	return access & ACCESS_LOCAL_WRITE ||
	       !(access & (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_ATOMIC));
}

/* All of the address space, in which pages are looked up when they are used. */
static bool is_implicit(uint64_t addr, uint64_t length, uint32_t access)
{
	return access & ACCESS_ON_DEMAND && !addr && length == UINT64_MAX;
}

static bool range_is_valid(const struct context *context, uint64_t addr, uint64_t length,
			   uint64_t iova, uint32_t access)
{
	if (is_implicit(addr, length, access))
		return true;
	if (!length || length > context->device->limits.max_mr_size)
		return false;
	return addr + length > addr && (iova + length > iova || iova + length == 0);
}

#ifdef MADV_POPULATE_WRITE
static bool populate(uint64_t addr, uint64_t page)
{
	return !madvise((void *)(uintptr_t)(addr & ~(page - 1)), page, MADV_POPULATE_WRITE);
}

/* May the page of ADDR be written?  Its content stays.  An old kernel cannot say; it
 * is known by not even allowing it for the stack.
 */
static bool is_writable(uint64_t addr, uint64_t page)
{
	return populate(addr, page) || !populate((uintptr_t)&page, page);
}
#else
static bool is_writable(uint64_t addr, uint64_t page)
{
	(void)addr;
	(void)page;
	return true;
}
#endif

/* A device could not have pinned what is not mapped.  (MS_ASYNC does nothing but look
 * whether all is there.)
 */
static bool is_mapped(uint64_t addr, uint64_t length, uint32_t access)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = addr & ~(page - 1);
	bool mapped;
	int saved = errno;

	if (access & ACCESS_ON_DEMAND)
		return true;
	mapped = !msync((void *)(uintptr_t)first, addr + length - first, MS_ASYNC);
	if (mapped && access & ACCESS_LOCAL_WRITE)
		mapped = is_writable(addr, page) && is_writable(addr + length - 1, page);
	errno = saved;
	return mapped;
}

static int check(const struct context *context, enum mr_kind kind, uint64_t addr, uint64_t length,
		 uint64_t iova, uint32_t access)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!access_is_valid(access))
		return fail(EINVAL);
	/* a piece of device memory may be none */
	if (kind == MR_NULL || (kind == MR_DEVICE && !length))
		return 0;
	if (!range_is_valid(context, addr, length, iova, access))
		return fail(EINVAL);
	if (kind != MR_MEMORY)
		return 0;
	if (!(access & ACCESS_ZERO_BASED) && (addr ^ iova) & (page - 1))
		return fail(EINVAL);
	return is_mapped(addr, length, access) ? 0 : fail(EFAULT);
}

/* --- regions --- */

static struct shared_mr *add(struct context *context, const struct pd *pd, enum mr_kind kind,
			     uint32_t *number)
{
	struct shared_mr *shared;

	shared = (struct shared_mr *)table_add(&context->fabric->segment, &context->device->mr,
					       number);
	if (!shared)
		return NULL;
	shared->kind = kind;
	shared->pd = pd->number;
	return shared;
}

static void drop(struct context *context, struct shared_mr *shared)
{
	table_hide(&shared->head);
	section_wait(context->fabric);
	table_remove(&context->fabric->segment, &context->device->mr, &shared->head);
}

int mr_register(struct mr *mr, struct context *context, struct pd *pd, enum mr_kind kind,
		uint64_t addr, uint64_t length, uint64_t iova, uint32_t access)
{
	struct shared_mr *shared;
	uint32_t number;

	if (check(context, kind, addr, length, iova, access))
		return -1;
	shared = add(context, pd, kind, &number);
	if (!shared)
		return -1;
	shared->access = access;
	shared->addr = addr;
	shared->length = kind == MR_NULL ? UINT64_MAX : length;
	shared->iova = kind == MR_NULL ? 0 : iova;
	*mr = (struct mr){ .context = context, .shared = shared, .pd = pd, .key = number };
	pd_use(pd);
	table_publish(&shared->head, number);
	return 0;
}

/* Windows bound to the region, counted when there may be some. */
static uint32_t bound(struct mr *mr)
{
	const struct segment *segment = &mr->context->fabric->segment;
	struct shared_device *device = mr->context->device;
	struct shared_head *head;
	uint32_t index = 0, count = 0;

	if (!atomic_load(&mr->shared->windows))
		return 0;
	lock_take(mr->context->fabric, &device->objects, segment->self);
	while ((head = table_next(segment, &device->mr, &index))) {
		const struct shared_mr *window = (const struct shared_mr *)head;

		count += (window->kind == MR_WINDOW1 || window->kind == MR_WINDOW2) &&
			 window->parent == mr->key && atomic_load(&window->state) == WINDOW_VALID;
	}
	atomic_store(&mr->shared->windows, count);
	lock_drop(&device->objects);
	return count;
}

/* Nobody finds the region any more, and no window is bound to it. */
static int hide(struct mr *mr)
{
	if (bound(mr))
		return fail(EBUSY);
	table_hide(&mr->shared->head);
	section_wait(mr->context->fabric);
	if (!bound(mr))
		return 0;
	table_publish(&mr->shared->head, mr->key);
	return fail(EBUSY);
}

/* What REREGISTER asks for. */
struct change {
	struct pd *pd;
	uint64_t addr, length, iova;
	uint32_t access;
};

static void apply(struct mr *mr, const struct change *change)
{
	struct shared_mr *shared = mr->shared;

	shared->addr = change->addr;
	shared->length = change->length;
	shared->iova = change->iova;
	shared->access = change->access;
	shared->pd = change->pd->number;
	pd_use(change->pd);
	pd_unuse(mr->pd);
	mr->pd = change->pd;
}

/* Nobody finds the region while it is changed, so nobody sees half of it. */
int mr_reregister(struct mr *mr, int flags, struct pd *pd, uint64_t addr, uint64_t length,
		  uint32_t access)
{
	const struct shared_mr *old = mr->shared;
	bool moved = flags & REREGISTER_TRANSLATION;
	int all = REREGISTER_TRANSLATION | REREGISTER_PD | REREGISTER_ACCESS;
	struct change change = {
		.pd = flags & REREGISTER_PD ? pd : mr->pd,
		.addr = moved ? addr : old->addr,
		.length = moved ? length : old->length,
		.iova = moved ? addr : old->iova,
		.access = flags & REREGISTER_ACCESS ? access : old->access,
	};

	if (!flags || flags & ~all || !change.pd || (moved && old->kind != MR_MEMORY))
		return fail(EINVAL);
	if (check(mr->context, old->kind, change.addr, change.length, change.iova, change.access))
		return -1;
	if (context_took(&mr->shared->head, mr->key))
		return fail(EINVAL);
	if (hide(mr))
		return -1;
	apply(mr, &change);
	table_publish(&mr->shared->head, mr->key);
	return 0;
}

int mr_deregister(struct mr *mr)
{
	if (context_took(&mr->shared->head, mr->key))
		return 0;
	if (hide(mr))
		return -1;
	table_remove(&mr->context->fabric->segment, &mr->context->device->mr, &mr->shared->head);
	if (mr->dm)
		atomic_fetch_sub(&mr->dm->users, 1);
	pd_unuse(mr->pd);
	return 0;
}

/* --- windows --- */

int mw_create(struct mr *mw, struct context *context, struct pd *pd, enum mr_kind kind)
{
	struct shared_mr *shared;
	uint32_t number;

	if (kind != MR_WINDOW1 && kind != MR_WINDOW2)
		return fail(EINVAL);
	shared = add(context, pd, kind, &number);
	if (!shared)
		return -1;
	*mw = (struct mr){ .context = context, .shared = shared, .pd = pd, .key = number };
	pd_use(pd);
	table_publish(&shared->head, number);
	return 0;
}

int mw_destroy(struct mr *mw)
{
	if (!atomic_load(&mw->shared->head.number)) /* binding has changed its key */
		return 0;
	window_unbind(mw->context->fabric, mw->context->number, mw->shared);
	drop(mw->context, mw->shared);
	pd_unuse(mw->pd);
	return 0;
}
