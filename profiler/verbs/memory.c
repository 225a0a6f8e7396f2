/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - protection domains, regions, windows, address handles */
#include "control.h"
#include "device.h"

#include <string.h>

static uint64_t access_rkey(unsigned int access, const struct ibv_mr *mr)
{
	return (uint64_t)access << 32 | (mr ? mr->rkey : 0);
}

/* --- protection domains --- */

PTR_CALL(ALLOC_PD, struct ibv_pd, ibv_alloc_pd, (struct ibv_context * context), (context), context,
	 call->number = result ? result->handle : 0;)

INT_CALL(DEALLOC_PD, ibv_dealloc_pd, (struct ibv_pd * pd), (pd), pd->context,
	 call->object = (uintptr_t)pd;)

PTR_CALL(IMPORT_PD, struct ibv_pd, ibv_import_pd, (struct ibv_context * context, uint32_t handle),
	 (context, handle), context, call->number = handle;)

/* --- regions --- */

static void describe_mr(struct vring_call *call, const struct ibv_pd *pd, const struct ibv_mr *mr,
			const void *address, uint64_t length, unsigned int access)
{
	call->parent = (uintptr_t)pd;
	call->number = mr ? mr->lkey : 0;
	call->a = (uintptr_t)address;
	call->b = length;
	call->c = access_rkey(access, mr);
}

PTR_CALL(REG_MR, struct ibv_mr, ibv_reg_mr,
	 (struct ibv_pd * pd, void *address, size_t length, int access),
	 (pd, address, length, access), pd->context,
	 describe_mr(call, pd, result, address, length, (unsigned int)access);)

PTR_CALL(REG_MR, struct ibv_mr, ibv_reg_mr_iova,
	 (struct ibv_pd * pd, void *address, size_t length, uint64_t iova, int access),
	 (pd, address, length, iova, access), pd->context,
	 describe_mr(call, pd, result, address, length, (unsigned int)access);)

PTR_CALL(REG_MR_IOVA2, struct ibv_mr, ibv_reg_mr_iova2,
	 (struct ibv_pd * pd, void *address, size_t length, uint64_t iova, unsigned int access),
	 (pd, address, length, iova, access), pd->context,
	 describe_mr(call, pd, result, address, length, access);)

PTR_CALL(REG_DMABUF_MR, struct ibv_mr, ibv_reg_dmabuf_mr,
	 (struct ibv_pd * pd, uint64_t offset, size_t length, uint64_t iova, int fd, int access),
	 (pd, offset, length, iova, fd, access), pd->context,
	 describe_mr(call, pd, result, (void *)(uintptr_t)iova, length, (unsigned int)access);)

PTR_CALL(IMPORT_MR, struct ibv_mr, ibv_import_mr, (struct ibv_pd * pd, uint32_t handle),
	 (pd, handle), pd->context, describe_mr(call, pd, result, NULL, 0, 0);)

/* What is imported is given back by functions of its own, which return nothing. */
#define VOID_CALL(constant, name, type, object_, ...)                 \
	EXPORT void name(type *object_)                               \
	{                                                             \
		__typeof__(&name) next = NEXT(name);                  \
		const struct ibv_context *context = object_->context; \
		struct control control;                               \
		struct vring_call *call = &control.call;              \
                                                                      \
		if (!next)                                            \
			return;                                       \
		control_begin(&control, VCALL_##constant);            \
		call->object = (uintptr_t)object_;                    \
		__VA_ARGS__                                           \
		next(object_);                                        \
		control_end(&control, 0);                             \
		if (session_records())                                \
			control_put(&control, context);               \
	}

VOID_CALL(UNIMPORT_PD, ibv_unimport_pd, struct ibv_pd, pd, (void)call;)

VOID_CALL(UNIMPORT_MR, ibv_unimport_mr, struct ibv_mr, mr, call->number = mr->lkey;)

INT_CALL(REREG_MR, ibv_rereg_mr,
	 (struct ibv_mr * mr, int flags, struct ibv_pd *pd, void *address, size_t length,
	  int access),
	 (mr, flags, pd, address, length, access), mr->context,
	 describe_mr(call, pd, mr, address, length, (unsigned int)access);
	 call->object = (uintptr_t)mr;)

INT_CALL(DEREG_MR, ibv_dereg_mr, (struct ibv_mr * mr), (mr), mr->context,
	 call->object = (uintptr_t)mr;
	 call->number = mr->lkey; call->b = mr->length;)

/* --- address handles --- */

static void describe_ah(struct vring_call *call, const struct ibv_pd *pd,
			const struct ibv_ah_attr *attr)
{
	if (attr->is_global)
		device_gid(pd->context, attr->port_num, attr->grh.sgid_index);
	call->parent = (uintptr_t)pd;
	call->number = attr->dlid;
	call->a = attr->port_num;
	if (!attr->is_global)
		return;
	memcpy(&call->b, attr->grh.dgid.raw, 8);
	memcpy(&call->c, attr->grh.dgid.raw + 8, 8);
}

PTR_CALL(CREATE_AH, struct ibv_ah, ibv_create_ah, (struct ibv_pd * pd, struct ibv_ah_attr *attr),
	 (pd, attr), pd->context, describe_ah(call, pd, attr);)

/* To who sent a datagram; what libibverbs calls in it is not seen. */
static void describe_answer(struct vring_call *call, const struct ibv_pd *pd,
			    const struct ibv_wc *wc, const struct ibv_grh *grh, uint8_t port)
{
	call->parent = (uintptr_t)pd;
	call->number = wc->slid;
	call->a = port;
	if (!(wc->wc_flags & IBV_WC_GRH) || !grh)
		return;
	memcpy(&call->b, grh->sgid.raw, 8);
	memcpy(&call->c, grh->sgid.raw + 8, 8);
}

PTR_CALL(CREATE_AH, struct ibv_ah, ibv_create_ah_from_wc,
	 (struct ibv_pd * pd, struct ibv_wc *wc, struct ibv_grh *grh, uint8_t port),
	 (pd, wc, grh, port), pd->context, describe_answer(call, pd, wc, grh, port);)

INT_CALL(DESTROY_AH, ibv_destroy_ah, (struct ibv_ah * ah), (ah), ah->context,
	 call->object = (uintptr_t)ah;)
