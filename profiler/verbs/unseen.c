/* SPDX-License-Identifier: Apache-2.0 */
/* unseen.c - functions that begin what no library can see
 *
 * Queues that a program writes to by itself (UCX's rc_mlx5, DPDK), objects it makes by
 * commands to the device (GPU-initiated communication).  The functions are passed
 * on with all that they were given; that they were called is recorded, and said.
 * Each version of a function is a function of its own.
 */
#include "control.h"
#include "latency.h"
#include "pair.h"

struct mlx5dv_obj;
struct mlx5dv_qp_init_attr;
struct mlx5dv_devx_obj;
struct mlx5dv_devx_umem;

#define DIRECT "queues are used without calls (mlx5dv_init_obj)"
#define PAIR   "a queue pair may be used without calls (mlx5dv_create_qp)"
#define DEVX   "commands make objects (mlx5dv_devx_obj_create)"
#define MEMORY "commands register memory (mlx5dv_devx_umem_reg)"

/* NAME of VERSION as OWN. */
#define VERSIONED(own, name, version) __asm__(".symver " #own "," #name version)

typedef int init_obj_fn(struct mlx5dv_obj *object, uint64_t type);

EXPORT int unseen_init_obj_1_0(struct mlx5dv_obj *object, uint64_t type);
EXPORT int unseen_init_obj_1_0(struct mlx5dv_obj *object, uint64_t type)
{
	init_obj_fn *next = (init_obj_fn *)next_find_version("mlx5dv_init_obj", "MLX5_1.0");

	session_unseen(VRING_UNSEEN_DIRECT, DIRECT);
	return next ? next(object, type) : ENOSYS;
}
VERSIONED(unseen_init_obj_1_0, mlx5dv_init_obj, "@MLX5_1.0");

EXPORT int unseen_init_obj_1_2(struct mlx5dv_obj *object, uint64_t type);
EXPORT int unseen_init_obj_1_2(struct mlx5dv_obj *object, uint64_t type)
{
	init_obj_fn *next = (init_obj_fn *)next_find_version("mlx5dv_init_obj", "MLX5_1.2");

	session_unseen(VRING_UNSEEN_DIRECT, DIRECT);
	return next ? next(object, type) : ENOSYS;
}
VERSIONED(unseen_init_obj_1_2, mlx5dv_init_obj, "@@MLX5_1.2");

/* A function that returns a pointer; NULL with errno where there is no such function. */
#define UNSEEN_PTR(type, name, version, why, what, parameters, arguments)         \
	EXPORT type *name parameters;                                             \
	EXPORT type *name parameters                                              \
	{                                                                         \
		type *(*next)parameters =                                         \
			(type * (*)parameters) next_find_version(#name, version); \
                                                                                  \
		session_unseen(why, what);                                        \
		if (next)                                                         \
			return next arguments;                                    \
		errno = ENOSYS;                                                   \
		return NULL;                                                      \
	}

typedef struct ibv_qp *create_qp_fn(struct ibv_context *context, struct ibv_qp_init_attr_ex *attr,
				    struct mlx5dv_qp_init_attr *own);
EXPORT create_qp_fn mlx5dv_create_qp;

/* It is a queue pair like others too: the calls that are made with it are seen. */
EXPORT struct ibv_qp *mlx5dv_create_qp(struct ibv_context *context,
				       struct ibv_qp_init_attr_ex *attr,
				       struct mlx5dv_qp_init_attr *own)
{
	create_qp_fn *next = (create_qp_fn *)next_find_version("mlx5dv_create_qp", "MLX5_1.3");
	struct control control;
	struct ibv_qp *qp;
	int error;

	session_unseen(VRING_UNSEEN_DIRECT, PAIR);
	if (!next) {
		errno = ENOSYS;
		return NULL;
	}
	control_begin(&control, VCALL_CREATE_QP_EX);
	qp = next(context, attr, own);
	error = errno;
	control_end(&control, qp ? 0 : error);
	if (qp)
		latency_made(qp, attr->sq_sig_all, attr->cap.max_send_wr);
	if (session_records()) {
		control.call.object = (uintptr_t)qp;
		pair_describe_ex(&control, qp, attr);
		control_put(&control, context);
	}
	errno = error;
	return qp;
}

UNSEEN_PTR(struct mlx5dv_devx_obj, mlx5dv_devx_obj_create, "MLX5_1.7", VRING_UNSEEN_DEVX, DEVX,
	   (struct ibv_context * context, const void *in, size_t in_size, void *out,
	    size_t out_size),
	   (context, in, in_size, out, out_size))

UNSEEN_PTR(struct mlx5dv_devx_umem, mlx5dv_devx_umem_reg, "MLX5_1.7", VRING_UNSEEN_DEVX, MEMORY,
	   (struct ibv_context * context, void *address, size_t size, uint32_t access),
	   (context, address, size, access))
