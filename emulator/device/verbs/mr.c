/* SPDX-License-Identifier: Apache-2.0 */
#include "device/section.h"
#include "device/verbs/front.h"

#include <stdlib.h>

static struct ibv_mr *finish(struct front_mr *front, struct ibv_pd *pd, void *addr, size_t length)
{
	front->mr = (struct ibv_mr){
		.context = pd->context,
		.pd = pd,
		.addr = addr,
		.length = length,
		.handle = front->engine.key,
		.lkey = front->engine.key,
		.rkey = front->engine.key,
	};
	return &front->mr;
}

static struct ibv_mr *reg(struct ibv_pd *pd, enum mr_kind kind, void *addr, size_t length,
			  uint64_t iova, uint32_t access)
{
	struct front_mr *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	if (mr_register(&front->engine, front_engine(pd->context), front_engine_pd(pd), kind,
			(uintptr_t)addr, length, iova, access) < 0) {
		free(front);
		return NULL;
	}
	return finish(front, pd, addr, length);
}

/* Of the flags that a device may ignore all but the one we know are left out. */
static struct ibv_mr *reg_memory(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				 unsigned int access)
{
	access &= ~(unsigned int)IBV_ACCESS_OPTIONAL_RANGE | IBV_ACCESS_RELAXED_ORDERING;
	return reg(pd, MR_MEMORY, addr, length, iova, access);
}

static uint64_t default_iova(const void *addr, unsigned int access)
{
	return access & IBV_ACCESS_ZERO_BASED ? 0 : (uintptr_t)addr;
}

EXPORT struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	if (!front_owns(pd->context))
		return REAL(ibv_reg_mr)(pd, addr, length, access);
	return reg_memory(pd, addr, length, default_iova(addr, (unsigned int)access),
			  (unsigned int)access);
}

EXPORT struct ibv_mr *ibv_reg_mr_iova(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				      int access)
{
	if (!front_owns(pd->context))
		return REAL(ibv_reg_mr_iova)(pd, addr, length, iova, access);
	return reg_memory(pd, addr, length, iova, (unsigned int)access);
}

EXPORT struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				       unsigned int access)
{
	if (!front_owns(pd->context))
		return REAL(ibv_reg_mr_iova2)(pd, addr, length, iova, access);
	if (access & IBV_ACCESS_ZERO_BASED && iova == (uintptr_t)addr)
		iova = 0;
	return reg_memory(pd, addr, length, iova, access);
}

struct ibv_mr *front_reg_dm_mr(struct ibv_pd *pd, struct ibv_dm *dm, uint64_t offset, size_t length,
			       unsigned int access)
{
	struct front_mr *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	if (mr_register_dm(&front->engine, front_engine_pd(pd), &((struct front_dm *)dm)->engine,
			   offset, length, access & ~(unsigned int)IBV_ACCESS_ZERO_BASED) < 0) {
		free(front);
		return NULL;
	}
	return finish(front, pd, NULL, length);
}

struct ibv_mr *front_alloc_null_mr(struct ibv_pd *pd)
{
	return reg(pd, MR_NULL, NULL, SIZE_MAX, 0, ACCESS_LOCAL_WRITE);
}

/* --- changes --- */

static bool may_rereg(int flags, const struct ibv_pd *pd, const struct ibv_mr *mr, const void *addr,
		      size_t length, int access)
{
	if (flags & ~IBV_REREG_MR_FLAGS_SUPPORTED || !flags)
		return false;
	if (flags & IBV_REREG_MR_CHANGE_TRANSLATION && (!addr || !length))
		return false;
	if (flags & IBV_REREG_MR_CHANGE_PD && (!pd || pd->context != mr->context))
		return false;
	return !access || flags & IBV_REREG_MR_CHANGE_ACCESS;
}

static int rereg(struct front_mr *front, int flags, struct ibv_pd *pd, void *addr, size_t length,
		 int access)
{
	if (front->imported || !may_rereg(flags, pd, &front->mr, addr, length, access)) {
		errno = EINVAL;
		return -1;
	}
	return mr_reregister(&front->engine, flags,
			     flags & IBV_REREG_MR_CHANGE_PD ? front_engine_pd(pd) : NULL,
			     (uintptr_t)addr, length, (uint32_t)access);
}

/* What fails changes nothing: the old registration stands. */
EXPORT int ibv_rereg_mr(struct ibv_mr *mr, int flags, struct ibv_pd *pd, void *addr, size_t length,
			int access)
{
	struct front_mr *front = (struct front_mr *)mr;

	if (!front_owns(mr->context))
		return REAL(ibv_rereg_mr)(mr, flags, pd, addr, length, access);
	if (rereg(front, flags, pd, addr, length, access) < 0)
		return IBV_REREG_MR_ERR_INPUT;
	if (flags & IBV_REREG_MR_CHANGE_TRANSLATION) {
		mr->addr = addr;
		mr->length = length;
	}
	if (flags & IBV_REREG_MR_CHANGE_PD)
		mr->pd = pd;
	mr->handle = mr->lkey = mr->rkey = front->engine.key;
	return 0;
}

EXPORT int ibv_dereg_mr(struct ibv_mr *mr)
{
	struct front_mr *front = (struct front_mr *)mr;

	if (!front_owns(mr->context))
		return REAL(ibv_dereg_mr)(mr);
	if (!front->imported && mr_deregister(&front->engine) < 0)
		return errno;
	free(front);
	return 0;
}

/* --- in another context --- */

/* Length of the region KEY of PD.  Returns -1 with ENOENT when there is none. */
static int find(struct context *context, uint32_t key, uint32_t pd, uint64_t *length)
{
	struct fabric *fabric = context->fabric;
	_Atomic uint64_t *section = section_enter(fabric);
	struct shared_mr *shared =
		(struct shared_mr *)table_find(&fabric->segment, &context->device->mr, key);
	bool found = shared && shared->kind <= MR_NULL && shared->pd == pd;

	if (found)
		*length = shared->length;
	section_leave(section);
	if (found)
		return 0;
	errno = ENOENT;
	return -1;
}

/* Where the memory lies is for the one who registered it to say. */
EXPORT struct ibv_mr *ibv_import_mr(struct ibv_pd *pd, uint32_t handle)
{
	struct front_mr *front;
	uint64_t length;

	if (!front_owns(pd->context))
		return REAL(ibv_import_mr)(pd, handle);
	if (find(front_engine(pd->context), handle, front_engine_pd(pd)->number, &length) < 0)
		return NULL;
	front = calloc(1, sizeof(*front));
	if (!front)
		return NULL;
	front->imported = true;
	front->engine.key = handle;
	return finish(front, pd, NULL, length);
}

EXPORT void ibv_unimport_mr(struct ibv_mr *mr)
{
	if (!front_owns(mr->context))
		REAL(ibv_unimport_mr)(mr);
	else
		free(mr);
}

/* --- advice --- */

/* May SGE of PD be fetched (WRITE: for writing)?  0 or the error number. */
static int check_sge(struct context *context, uint32_t pd, const struct ibv_sge *sge, bool write)
{
	const struct shared_mr *shared = (const struct shared_mr *)table_find(
		&context->fabric->segment, &context->device->mr, sge->lkey);

	if (!shared || shared->kind != MR_MEMORY || !(shared->access & ACCESS_ON_DEMAND))
		return EINVAL;
	if (shared->pd != pd || (write && !(shared->access & ACCESS_LOCAL_WRITE)))
		return EPERM;
	if (sge->addr < shared->iova || sge->length > shared->length ||
	    sge->addr - shared->iova > shared->length - sge->length)
		return EFAULT;
	return 0;
}

/* The memory is the program's own: there is nothing to fetch, only to refuse what a
 * device would.
 */
int front_advise_mr(struct ibv_pd *pd, enum ibv_advise_mr_advice advice, uint32_t flags,
		    struct ibv_sge *sge, uint32_t sges)
{
	struct context *context = front_engine(pd->context);
	_Atomic uint64_t *section;
	int rc = 0;

	if (flags & ~(uint32_t)IBV_ADVISE_MR_FLAG_FLUSH || !sges)
		return EINVAL;
	if (advice != IBV_ADVISE_MR_ADVICE_PREFETCH &&
	    advice != IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE &&
	    advice != IBV_ADVISE_MR_ADVICE_PREFETCH_NO_FAULT)
		return EOPNOTSUPP;
	section = section_enter(context->fabric);
	for (uint32_t i = 0; i < sges && !rc; i++)
		rc = check_sge(context, front_engine_pd(pd)->number, sge + i,
			       advice == IBV_ADVISE_MR_ADVICE_PREFETCH_WRITE);
	section_leave(section);
	return rc;
}
