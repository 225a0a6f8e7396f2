/* SPDX-License-Identifier: Apache-2.0 */
/* traced.h - what the tables of functions held before they were ours
 *
 * A context's operations and the functions of an extended queue pair or
 * completion queue are replaced in place; the original ones stand here, found by
 * the object's address.  Lookups take no lock and are quick for the object that
 * was looked up last; entries are never freed while the process lives, only used
 * again.
 */
#ifndef NETTRACE_TRACED_H
#define NETTRACE_TRACED_H

#include "vring.h"

#include <infiniband/verbs.h>
#include <stdbool.h>

/* Functions of struct verbs_context that are replaced; a provider may lack any. */
#define TRACED_VERBS(X)        \
	X(advise_mr)           \
	X(alloc_dm)            \
	X(alloc_parent_domain) \
	X(close_xrcd)          \
	X(create_cq_ex)        \
	X(create_qp_ex)        \
	X(create_srq_ex)       \
	X(free_dm)             \
	X(open_qp)             \
	X(open_xrcd)           \
	X(reg_dm_mr)

/* How a record of its data path begins after the time, where nothing else is to be said. */
struct traced_head {
	uint32_t duration; /* VRING_UNTIMED */
	uint16_t call;
	uint8_t context;
	uint8_t more; /* 0 */
};

struct traced_context {
	struct ibv_context *context;
	uint32_t number;
	struct traced_head send, receive, wc;
	struct ibv_context_ops ops;
#define TRACED_MEMBER(name) __typeof__(((struct verbs_context *)0)->name) name;
	TRACED_VERBS(TRACED_MEMBER)
#undef TRACED_MEMBER
	_Atomic uint64_t gids[4][4]; /* bits by port and index: it is recorded which GID that is */
};

/* A request that is being built by ibv_wr_*(), with what belongs to it. */
struct traced_build {
	struct vring_record *record;
	uint32_t count, room;
	uint32_t last;    /* index of the request that is being built */
	uint64_t started; /* ticks */
	bool lost;
	struct traced_build *next; /* of a thread's spare ones */
};

struct traced_qp {
	struct ibv_qp_ex *qp;
	struct ibv_qp_ex real;      /* its functions */
	struct traced_build *build; /* between wr_start and wr_complete, or NULL */
};

struct traced_cq {
	struct ibv_cq_ex *cq;
	struct ibv_cq_ex real;
	uint32_t batch;    /* place of the current completion among those that were taken */
	uint64_t wc_flags; /* what the program asked for */
};

/* Find by address; NULL: not traced. */
struct traced_context *traced_context_find(const struct ibv_context *context);
struct traced_qp *traced_qp_find(const struct ibv_qp_ex *qp);
struct traced_cq *traced_cq_find(const struct ibv_cq_ex *cq);

/* A new entry, to be filled and then shown by traced_add(); NULL: no memory. */
struct traced_context *traced_context_add(struct ibv_context *context);
struct traced_qp *traced_qp_add(struct ibv_qp_ex *qp);
struct traced_cq *traced_cq_add(struct ibv_cq_ex *cq);

/* An object is about to be destroyed: which entry it has, 0: none; and when that is done,
 * the entry is free, unless another object of that address has taken it meanwhile.
 */
uint64_t traced_mark(const void *object);
void traced_forget(const void *object, uint64_t mark);

/* The context looked up last: most programs have one. */
extern struct traced_context *traced_recent __attribute__((visibility("hidden")));

static inline struct traced_context *traced_context(const struct ibv_context *context)
{
	struct traced_context *recent = __atomic_load_n(&traced_recent, __ATOMIC_ACQUIRE);

	return recent && recent->context == context ? recent : traced_context_find(context);
}

#endif
