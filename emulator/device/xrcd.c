/* SPDX-License-Identifier: Apache-2.0 */
#include "device/context.h"

#include "device/lock.h"
#include "device/section.h"

#include <errno.h>
#include <sys/stat.h>

/* The file that FD names; all 0 without one. */
struct file {
	uint64_t dev, inode;
};

static int identify(int fd, struct file *file)
{
	struct stat st;

	*file = (struct file){ 0 };
	if (fd == -1)
		return 0;
	if (fstat(fd, &st))
		return -1;
	file->dev = st.st_dev;
	file->inode = st.st_ino;
	return 0;
}

/* The domain of FILE that others have open.  The lock of objects is held. */
static struct shared_xrcd *find(struct context *context, const struct file *file)
{
	const struct segment *segment = &context->fabric->segment;
	const struct shared_table *table = &context->device->xrcd;
	struct shared_head *head;
	uint32_t index = 0;

	while ((head = table_next(segment, table, &index))) {
		struct shared_xrcd *shared = (struct shared_xrcd *)head;

		if (shared->inode == file->inode && shared->dev == file->dev)
			return shared;
	}
	return NULL;
}

static struct shared_xrcd *add(struct context *context, const struct file *file)
{
	struct shared_xrcd *shared;
	uint32_t number;

	shared = (struct shared_xrcd *)table_add(&context->fabric->segment, &context->device->xrcd,
						 &number);
	if (!shared)
		return NULL;
	shared->dev = file->dev;
	shared->inode = file->inode;
	table_publish(&shared->head, number);
	return shared;
}

static struct shared_xrcd *find_or_add(struct context *context, const struct file *file,
				       bool create, bool exclusive)
{
	struct shared_xrcd *shared = file->inode ? find(context, file) : NULL;

	if (shared && exclusive) {
		errno = EEXIST;
		return NULL;
	}
	if (!shared && !create) {
		errno = ENOENT;
		return NULL;
	}
	return shared ? shared : add(context, file);
}

int xrcd_open(struct xrcd *xrcd, struct context *context, int fd, bool create, bool exclusive)
{
	struct fabric *fabric = context->fabric;
	struct shared_lock *lock = &context->device->objects;
	struct shared_xrcd *shared;
	struct file file;

	if (identify(fd, &file))
		return -1;
	lock_take(fabric, lock, fabric->self);
	shared = find_or_add(context, &file, create, exclusive);
	if (shared)
		atomic_fetch_add(&shared->handles, 1);
	lock_drop(lock);
	if (!shared)
		return -1;
	*xrcd = (struct xrcd){
		.context = context,
		.shared = shared,
		.number = shared->head.number,
	};
	return 0;
}

int xrcd_close(struct xrcd *xrcd)
{
	struct fabric *fabric = xrcd->context->fabric;
	struct shared_lock *lock = &xrcd->context->device->objects;
	bool last;

	if (context_took(&xrcd->shared->head, xrcd->number))
		return 0;
	if (atomic_load(&xrcd->users)) {
		errno = EBUSY;
		return -1;
	}
	lock_take(fabric, lock, fabric->self);
	last = atomic_fetch_sub(&xrcd->shared->handles, 1) == 1;
	if (last)
		table_hide(&xrcd->shared->head);
	lock_drop(lock);
	if (last) {
		section_wait(fabric);
		table_remove(&fabric->segment, &xrcd->context->device->xrcd, &xrcd->shared->head);
	}
	return 0;
}
