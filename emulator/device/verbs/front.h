/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - the preload front-end: ibv_* over the engine
 *
 * Each public symbol of libibverbs stands here once more.  What belongs to a
 * device of ours goes to the engine; all else goes on to the next library of
 * the process, as if we were not there.  An object of ours is the public
 * structure first and the engine's behind it, so a pointer to one is a pointer
 * to the other.
 *
 * Errors of the engine are -1 with errno; what the verbs return as an error
 * number is made by front_rc().
 */
#ifndef DEVICE_VERBS_FRONT_H
#define DEVICE_VERBS_FRONT_H

#include "device/context.h"
#include "device/cq.h"
#include "device/memory.h"
#include "device/progress.h"
#include "device/qp.h"

#include <errno.h>
#include <infiniband/verbs.h>
#include <pthread.h>
#include <stdbool.h>

/* verbs.h has macros of these names */
#undef ibv_query_port
#undef ibv_reg_mr
#undef ibv_reg_mr_iova

#define EXPORT __attribute__((visibility("default")))

/* An organisation's number that is locally administered: nobody's. */
#define FRONT_VENDOR_ID 0x026e65

/* --- devices (device.c) --- */

/* Behind a struct ibv_device: others look there for what a provider would have
 * put (libmlx5 does), so it is zeros.
 */
struct front_device {
	struct ibv_device device;
	char tail[512];
	uint32_t index; /* of this node */
};

/* This process's place in a fabric, entered on first use; NULL when there is
 * none (why was said once on stderr).
 */
struct fabric *front_fabric(void);

/* Ours: made by front_devices(). */
bool front_owns_device(const struct ibv_device *device);
static inline bool front_owns(const struct ibv_context *context)
{
	return context && front_owns_device(context->device);
}

/* The one of ours with INDEX, or NULL. */
struct front_device *front_device_by_index(uint32_t index);

/* One line on stderr, once per process. */
void front_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- the next library (real.c) --- */

/* NAME in the next library that has it (of VERSION when that is not NULL), or
 * in libibverbs.so.1, which is loaded for that; NULL where there is none.
 */
void *front_real(const char *name, const char *version);

/* The real function NAME, as a pointer of its own type; looked up once. */
#define REAL(name)                                           \
	({                                                   \
		static _Atomic(void *) found;                \
		void *f = found;                             \
		if (!f)                                      \
			found = f = front_real(#name, NULL); \
		(__typeof__(&name))f;                        \
	})

/* --- objects --- */

struct front_context {
	struct verbs_context verbs;
	struct context engine;
	struct front_device *device;
	_Atomic uint32_t ahs;     /* address handles */
	struct front_pd *retired; /* freed when it is closed; under the context's mutex */
};

struct front_pd {
	struct ibv_pd pd;
	struct pd engine;
	/* parent domain: its pd, and thread domain */
	struct front_pd *parent;
	_Atomic uint32_t children;
	struct ibv_td *td;
	bool imported;
	struct front_pd *next; /* of those retired */
};

struct front_mr {
	struct ibv_mr mr;
	struct mr engine;
	bool imported;
};

struct front_mw {
	struct ibv_mw mw;
	struct mr engine;
};

struct front_dm {
	struct ibv_dm dm;
	struct dm engine;
	bool imported;
};

struct front_td {
	struct ibv_td td;
	_Atomic uint32_t users;
};

struct front_channel {
	struct ibv_comp_channel channel;
	struct comp_channel engine;
};

struct front_cq {
	union {
		struct ibv_cq cq;
		struct ibv_cq_ex ex;
	};
	struct cq engine;
	struct front_pd *domain; /* parent domain it was created in, or NULL */
	/* ibv_start_poll(): held until ibv_end_poll(), and the entry that is looked at */
	pthread_mutex_t polling;
	struct shared_cqe now;
	int64_t wallclock; /* CLOCK_REALTIME - CLOCK_MONOTONIC when it was made, ns */
	bool is_ex;
};

struct front_srq {
	struct ibv_srq srq;
	struct srq engine;
	struct front_pd *pd;
	bool xrc;
};

struct front_xrcd {
	struct ibv_xrcd xrcd;
	struct xrcd engine;
};

struct front_qp {
	union {
		struct ibv_qp qp;
		struct ibv_qp_ex ex;
	};
	struct qp engine;
	struct ibv_qp_init_attr init; /* as created */
	struct ibv_qp_attr attr;      /* what modify set and the engine does not keep */
	struct front_pd *pd;
	uint64_t send_ops; /* allowed in ibv_wr_* */
	bool is_ex;
	/* ibv_wr_*: the request that is being built */
	struct {
		struct shared_sqe *sqe;
		bool addressed; /* datagram: it has got its address */
		int error;
	} build;
	struct ibv_ece ece;
};

struct front_ah {
	struct ibv_ah ah;
	struct shared_path path;
};

/* A list of ibv_sge is one of shared_sge. */
_Static_assert(sizeof(struct ibv_sge) == sizeof(struct shared_sge) &&
		       offsetof(struct ibv_sge, addr) == offsetof(struct shared_sge, addr) &&
		       offsetof(struct ibv_sge, length) == offsetof(struct shared_sge, length) &&
		       offsetof(struct ibv_sge, lkey) == offsetof(struct shared_sge, key),
	       "scatter/gather elements of the verbs and of the engine");

/* After fork(): open FRONT's device for the child, in place (context.c). */
void front_reopen(struct front_context *front);

static inline struct context *front_engine(struct ibv_context *context)
{
	struct front_context *front = (struct front_context *)verbs_get_ctx(context);

	if (__builtin_expect(!front->engine.fabric->holds, 0))
		front_reopen(front);
	return &front->engine;
}

/* 0, or the error number. */
static inline int front_rc(int rc)
{
	return rc < 0 ? errno : 0;
}

/* Wait, as libibverbs does when a queue is destroyed, until *DONE events have been
 * acknowledged: as many as COUNT.
 */
static inline void front_wait_acks(pthread_mutex_t *mutex, pthread_cond_t *cond,
				   const uint32_t *done, uint32_t count)
{
	pthread_mutex_lock(mutex);
	while (*done != count)
		pthread_cond_wait(cond, mutex);
	pthread_mutex_unlock(mutex);
}

/* The PD that an object belongs to in the engine (a parent domain's own). */
static inline struct pd *front_engine_pd(struct ibv_pd *pd)
{
	struct front_pd *own = (struct front_pd *)pd;

	return own->parent ? &own->parent->engine : &own->engine;
}

/* What is made in a parent domain keeps it; nothing is counted of another one. */
static inline void front_use_domain(struct front_pd *pd, int one)
{
	if (pd && pd->parent)
		atomic_fetch_add(&pd->children, (uint32_t)one);
}

/* --- what context.c puts into a context's tables --- */

int front_query_device_ex(struct ibv_context *context, const struct ibv_query_device_ex_input *in,
			  struct ibv_device_attr_ex *attr, size_t size);
int front_query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr,
		     size_t size);
int front_query_rt_values(struct ibv_context *context, struct ibv_values_ex *values);

struct front_cq *front_cq_create(struct ibv_context *context, uint32_t cqe, void *cq_context,
				 struct ibv_comp_channel *channel, uint32_t vector);
int front_poll_cq(struct ibv_cq *cq, int count, struct ibv_wc *wc);
int front_req_notify_cq(struct ibv_cq *cq, int solicited_only);
struct ibv_cq_ex *front_create_cq_ex(struct ibv_context *context, struct ibv_cq_init_attr_ex *init);
int front_modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr);

struct ibv_qp *front_create_qp_ex(struct ibv_context *context, struct ibv_qp_init_attr_ex *init);
struct ibv_qp *front_open_qp(struct ibv_context *context, struct ibv_qp_open_attr *attr);
int front_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad);
int front_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);
void front_wr_init(struct front_qp *qp); /* the functions of ibv_qp_ex */

struct ibv_srq *front_create_srq_ex(struct ibv_context *context, struct ibv_srq_init_attr_ex *init);
int front_get_srq_num(struct ibv_srq *srq, uint32_t *number);
int front_post_srq_recv(struct ibv_srq *srq, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad);

struct ibv_mw *front_alloc_mw(struct ibv_pd *pd, enum ibv_mw_type type);
int front_bind_mw(struct ibv_qp *qp, struct ibv_mw *mw, struct ibv_mw_bind *bind);
int front_dealloc_mw(struct ibv_mw *mw);

struct ibv_dm *front_alloc_dm(struct ibv_context *context, struct ibv_alloc_dm_attr *attr);
int front_free_dm(struct ibv_dm *dm);
struct ibv_mr *front_reg_dm_mr(struct ibv_pd *pd, struct ibv_dm *dm, uint64_t offset, size_t length,
			       unsigned int access);
int front_memcpy_to_dm(struct ibv_dm *dm, uint64_t offset, const void *from, size_t length);
int front_memcpy_from_dm(void *to, struct ibv_dm *dm, uint64_t offset, size_t length);
struct ibv_mr *front_alloc_null_mr(struct ibv_pd *pd);
int front_advise_mr(struct ibv_pd *pd, enum ibv_advise_mr_advice advice, uint32_t flags,
		    struct ibv_sge *sge, uint32_t sges);

struct ibv_pd *front_alloc_parent_domain(struct ibv_context *context,
					 struct ibv_parent_domain_init_attr *attr);
struct ibv_td *front_alloc_td(struct ibv_context *context, struct ibv_td_init_attr *init);
int front_dealloc_td(struct ibv_td *td);
struct ibv_xrcd *front_open_xrcd(struct ibv_context *context, struct ibv_xrcd_init_attr *init);
int front_close_xrcd(struct ibv_xrcd *xrcd);

/* All that is refused: fills the tables, before others put their own there (unsupported.c). */
void front_refuse(struct verbs_context *verbs);

/* shared_path from an address vector; -1 with EINVAL. */
int front_path(struct context *context, const struct ibv_ah_attr *attr, struct shared_path *path);
void front_path_attr(const struct shared_path *path, struct ibv_ah_attr *attr);

#endif
