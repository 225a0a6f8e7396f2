/* SPDX-License-Identifier: Apache-2.0 */
#include "device/section.h"
#include "device/verbs/front.h"

#include <stdlib.h>

static struct ibv_dm *finish(struct front_dm *front, struct ibv_context *context)
{
	front->dm = (struct ibv_dm){
		.context = context,
		.memcpy_to_dm = front_memcpy_to_dm,
		.memcpy_from_dm = front_memcpy_from_dm,
		.comp_mask = IBV_DM_MASK_HANDLE,
		.handle = front->engine.shared->head.number,
	};
	return &front->dm;
}

struct ibv_dm *front_alloc_dm(struct ibv_context *context, struct ibv_alloc_dm_attr *attr)
{
	struct front_dm *front;

	if (attr->comp_mask) {
		errno = EINVAL;
		return NULL;
	}
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	if (dm_create(&front->engine, front_engine(context), attr->length, attr->log_align_req) <
	    0) {
		free(front);
		return NULL;
	}
	return finish(front, context);
}

int front_free_dm(struct ibv_dm *dm)
{
	struct front_dm *front = (struct front_dm *)dm;

	if (!front->imported && dm_destroy(&front->engine) < 0)
		return errno;
	free(front);
	return 0;
}

/* Devices move words of 4 bytes. */
static bool is_aligned(uint64_t offset, size_t length)
{
	return ((offset | length) & 3) == 0;
}

int front_memcpy_to_dm(struct ibv_dm *dm, uint64_t offset, const void *from, size_t length)
{
	if (!is_aligned(offset, length))
		return EINVAL;
	return front_rc(dm_write(&((struct front_dm *)dm)->engine, offset, from, length));
}

int front_memcpy_from_dm(void *to, struct ibv_dm *dm, uint64_t offset, size_t length)
{
	if (!is_aligned(offset, length))
		return EINVAL;
	return front_rc(dm_read(&((struct front_dm *)dm)->engine, offset, to, length));
}

/* --- in another context --- */

/* Fill DM in from the record with NUMBER.  Returns whether there is one. */
static bool find(struct dm *dm, struct context *context, uint32_t number)
{
	struct fabric *fabric = context->fabric;
	_Atomic uint64_t *section = section_enter(fabric);
	struct shared_mr *shared =
		(struct shared_mr *)table_find(&fabric->segment, &context->device->dm, number);
	bool found = shared && shared->kind == MR_STORE;

	if (found)
		*dm = (struct dm){
			.context = context,
			.shared = shared,
			.number = number,
			.at = shared->addr,
			.length = shared->asked,
		};
	section_leave(section);
	return found;
}

EXPORT struct ibv_dm *ibv_import_dm(struct ibv_context *context, uint32_t handle)
{
	struct front_dm *front;

	if (!front_owns(context))
		return REAL(ibv_import_dm)(context, handle);
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	if (!find(&front->engine, front_engine(context), handle)) {
		free(front);
		errno = ENOENT;
		return NULL;
	}
	front->imported = true;
	return finish(front, context);
}

EXPORT void ibv_unimport_dm(struct ibv_dm *dm)
{
	if (!front_owns(dm->context))
		REAL(ibv_unimport_dm)(dm);
	else
		free(dm);
}
