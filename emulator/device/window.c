/* SPDX-License-Identifier: Apache-2.0 */
#include "device/memory.h"

#include "device/lock.h"

#include <errno.h>

#define TAG           0xffU
#define WINDOW_ACCESS (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_READ | ACCESS_REMOTE_ATOMIC)
#define MAY_BE_ASKED  (WINDOW_ACCESS | ACCESS_LOCAL_WRITE | ACCESS_ZERO_BASED)

/* All that changes a window does so under the device's lock of objects.  Its state
 * is set last when it is bound and first when it is not: a death in between leaves
 * it free, and its region's `windows` too high at most.
 */

static bool is_window(const struct shared_mr *mr)
{
	return mr->kind == MR_WINDOW1 || mr->kind == MR_WINDOW2;
}

static void unbind(struct fabric *fabric, struct shared_device *device, struct shared_mr *window)
{
	struct shared_mr *region;

	if (atomic_exchange(&window->state, WINDOW_FREE) != WINDOW_VALID)
		return;
	region = (struct shared_mr *)table_find(&fabric->segment, &device->mr, window->parent);
	if (region && atomic_load(&region->windows))
		atomic_fetch_sub(&region->windows, 1);
}

void window_unbind(struct fabric *fabric, uint32_t device, struct shared_mr *window)
{
	struct shared_device *shared = fabric_device(fabric, device);

	lock_take(fabric, &shared->objects, fabric->self);
	unbind(fabric, shared, window);
	lock_drop(&shared->objects);
}

/* Rules for the window alone (volume 1, 10.6.7.2.2 and .3).  Local writing is nothing
 * that a window could allow or not; devices do not look at it.
 */
static bool window_allows(const struct shared_qp *qp, const struct shared_mr *window,
			  const struct shared_sqe *sqe)
{
	if (!window || !is_window(window) || window->head.owner != qp->head.owner ||
	    window->pd != qp->pd || sqe->window_access & ~MAY_BE_ASKED)
		return false;
	if (window->kind == MR_WINDOW1)
		return !(sqe->window_access & ACCESS_ZERO_BASED);
	return atomic_load(&window->state) == WINDOW_FREE && sqe->window_length;
}

/* Rules for what it is bound to. */
static bool region_allows(const struct shared_qp *qp, const struct shared_mr *region,
			  const struct shared_sqe *sqe)
{
	uint32_t writes = sqe->window_access & (ACCESS_REMOTE_WRITE | ACCESS_REMOTE_ATOMIC);
	uint64_t offset;

	if (!region || region->kind != MR_MEMORY || region->head.owner != qp->head.owner ||
	    region->pd != qp->pd || !(region->access & ACCESS_MW_BIND) ||
	    region->access & ACCESS_ZERO_BASED)
		return false;
	if (writes && !(region->access & ACCESS_LOCAL_WRITE))
		return false;
	offset = sqe->window_addr - region->iova;
	return sqe->window_addr >= region->iova && sqe->window_length <= region->length &&
	       offset <= region->length - sqe->window_length;
}

static void bind(const struct shared_qp *qp, struct shared_mr *window, struct shared_mr *region,
		 const struct shared_sqe *sqe)
{
	window->access = sqe->window_access & WINDOW_ACCESS;
	window->qpn = window->kind == MR_WINDOW2 ? qp->head.number : 0;
	window->addr = region->addr + (sqe->window_addr - region->iova);
	window->length = sqe->window_length;
	window->iova = sqe->window_access & ACCESS_ZERO_BASED ? 0 : sqe->window_addr;
	window->parent = sqe->region_key;
}

static void set_key(struct shared_mr *window, uint32_t key)
{
	uint32_t number = atomic_load(&window->head.number);

	atomic_store(&window->head.number, (number & ~TAG) | (key & TAG));
}

static int bind_locked(struct fabric *fabric, struct shared_device *device, struct shared_qp *qp,
		       const struct shared_sqe *sqe)
{
	const struct segment *segment = &fabric->segment;
	struct shared_mr *window, *region = NULL;

	window = (struct shared_mr *)table_index(segment, &device->mr, sqe->window);
	if (!window_allows(qp, window, sqe))
		return WC_MW_BIND_ERR;
	if (sqe->window_length) {
		region = (struct shared_mr *)table_find(segment, &device->mr, sqe->region_key);
		if (!region_allows(qp, region, sqe))
			return WC_MW_BIND_ERR;
	}
	unbind(fabric, device, window);
	atomic_thread_fence(memory_order_seq_cst);
	set_key(window, sqe->window_key);
	if (region) {
		atomic_fetch_add(&region->windows, 1);
		bind(qp, window, region, sqe);
		atomic_store(&window->state, WINDOW_VALID);
	}
	return WC_SUCCESS;
}

int window_bind(struct fabric *fabric, struct shared_qp *qp, const struct shared_sqe *sqe)
{
	struct shared_device *device = fabric_device(fabric, qp->device);
	int status;

	lock_take(fabric, &device->objects, fabric->self);
	status = bind_locked(fabric, device, qp, sqe);
	lock_drop(&device->objects);
	return status;
}

/* Only a bound window of kind 2 can be invalidated, by the queue pair it is bound to. */
int window_invalidate(struct fabric *fabric, struct shared_qp *qp, uint32_t key)
{
	struct shared_device *device = fabric_device(fabric, qp->device);
	struct shared_mr *window;
	bool may;

	lock_take(fabric, &device->objects, fabric->self);
	window = (struct shared_mr *)table_find(&fabric->segment, &device->mr, key);
	may = window && window->kind == MR_WINDOW2 && window->head.owner == qp->head.owner &&
	      atomic_load(&window->state) == WINDOW_VALID && window->qpn == qp->head.number;
	if (may)
		unbind(fabric, device, window);
	lock_drop(&device->objects);
	return may ? WC_SUCCESS : WC_MW_BIND_ERR;
}
