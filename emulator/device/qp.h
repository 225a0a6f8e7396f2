/* SPDX-License-Identifier: Apache-2.0 */
/* qp.h - queue pairs and shared receive queues */
#ifndef DEVICE_QP_H
#define DEVICE_QP_H

#include "device/cq.h"
#include "device/lock.h"
#include "device/memory.h"

struct srq {
	struct context *context;
	struct shared_srq *shared;
	uint32_t number;
	struct pd *pd;
	struct cq *cq;     /* xrc, or NULL */
	struct xrcd *xrcd; /* xrc, or NULL */
};

struct srq_init {
	struct pd *pd;
	struct cq *cq;
	struct xrcd *xrcd;               /* not NULL: an XRC one */
	uint32_t max_wr, max_sge, limit; /* in: asked for; out: what it has */
	uint64_t handle;
};

int srq_create(struct srq *srq, struct context *context, struct srq_init *init);
int srq_resize(struct srq *srq, uint32_t max_wr);
int srq_set_limit(struct srq *srq, uint32_t limit); /* EINVAL: more than max_wr */
/* EBUSY.  *ASYNC: as cq_destroy(). */
int srq_destroy(struct srq *srq, uint32_t *async);

/* One receive request.  -1 with ENOMEM (full) or EINVAL (too many SGEs). */
int srq_post(struct srq *srq, uint64_t wr_id, const struct shared_sge *sge, uint32_t sges);

struct qp {
	struct context *context;
	struct shared_qp *shared;
	uint32_t number; /* QPN */
	struct pd *pd;
	struct cq *send_cq, *recv_cq;
	struct srq *srq;
	struct xrcd *xrcd;
	bool opened; /* ibv_open_qp: it is another's */
	/* requests of the batch that is being built (ibv_wr_*) */
	uint64_t batch;
};

struct qp_init {
	enum qp_type type;
	struct pd *pd;
	struct cq *send_cq, *recv_cq;
	struct srq *srq;
	struct xrcd *xrcd;
	bool sq_sig_all;
	/* in: asked for; out: what it has */
	uint32_t max_send_wr, max_recv_wr, max_send_sge, max_recv_sge, max_inline;
	uint64_t handle;
};

/* -1 with EINVAL (more than the device's limits, a missing queue), ENOMEM. */
int qp_create(struct qp *qp, struct context *context, struct qp_init *init);
int qp_open(struct qp *qp, struct context *context, struct xrcd *xrcd, uint32_t number,
	    uint64_t handle);
/* EBUSY while it is in multicast groups.  *ASYNC: as cq_destroy(). */
int qp_destroy(struct qp *qp, uint32_t *async);

/* path_mtu in bytes, as in shared_qp; all else as the verbs' ibv_qp_attr. */
struct qp_attr {
	uint32_t state, cur_state, access, pkey_index, port, qkey, path_mtu, timeout, retry_count,
		rnr_retry, rq_psn, sq_psn, dest_qpn, max_rd_atomic, max_dest_rd_atomic,
		min_rnr_timer, sq_draining, en_sqd_async_notify;
	struct shared_path path;
};

/* Change what MASK (enum qp_attr_mask) names, if the state table allows it (volume 1,
 * 11.2.5.2 and table 91; the same as the kernel's ib_modify_qp_is_ok()).
 * -1 with EINVAL, and nothing has changed.
 */
int qp_modify(struct qp *qp, const struct qp_attr *attr, uint32_t mask);
void qp_query(struct qp *qp, struct qp_attr *attr);

/* That table alone. */
bool qp_may_modify(enum qp_type type, enum qp_state from, enum qp_state to, uint32_t mask);

/* --- posting --- */

/* Room for the next send request, for which SGES and INLINE_LENGTH bytes are
 * meant, with its sizes set and all else 0, but for fields that only some operations
 * of an RC queue pair have (layout.h); the caller fills it in and calls
 * qp_send_add().  Nobody sees it before qp_send_ring().  The send lock is held
 * between qp_send_begin() and qp_send_ring() or qp_send_abort().
 * NULL with errno: ENOMEM (the queue is full), EINVAL (state, too many SGEs, too much inline).
 */
void qp_send_begin(struct qp *qp);
struct shared_sqe *qp_send_next(struct qp *qp, uint32_t sges, uint32_t inline_length);
void qp_send_add(struct qp *qp, struct shared_sqe *sqe);
void qp_send_ring(struct qp *qp);  /* what was added is sent, and progress is made */
void qp_send_abort(struct qp *qp); /* what was added since begin is forgotten */

/* Where the inline bytes of SQE go. */
static inline void *sqe_inline(const struct shared_qp *qp, struct shared_sqe *sqe)
{
	return sqe->sge + qp->sq_max_sge;
}

/* As srq_post(), for a QP without a shared one; EINVAL in RESET too. */
int qp_post_receive(struct qp *qp, uint64_t wr_id, const struct shared_sge *sge, uint32_t sges);

/* --- inside the engine --- */

/* The QP with NUMBER of DEVICE, or NULL; in a section. */
struct shared_qp *qp_find(struct fabric *fabric, uint32_t device, uint32_t number);

/* Take and drop its locks; what a dead holder left is put right. */
void qp_lock_send(struct fabric *fabric, struct shared_qp *qp);
void qp_lock_receive(struct fabric *fabric, struct shared_qp *qp);

/* To the error state, because of EVENT (or EVENT_NONE); its send queue is flushed by whoever
 * makes progress on it next (qp->flush), its receive queue now.  The receive
 * lock is held.
 */
void qp_fail(struct fabric *fabric, struct shared_qp *qp, enum event_type event);

/* --- receive queues (rq.c) --- */

/* In a record that is all 0: room for MAX_WR requests (0: none).  -1 with ENOMEM. */
int rq_init(struct fabric *fabric, struct shared_rq *rq, uint32_t max_wr, uint32_t max_sge);
void rq_release(struct fabric *fabric, struct shared_rq *rq);
/* -1 with ENOMEM, or EINVAL: more wait, or the limit is higher. */
int rq_resize(struct fabric *fabric, struct shared_rq *rq, uint32_t max_wr);
void rq_lock(struct fabric *fabric, struct shared_rq *rq);

/* The next entry, or NULL; the queue's lock is held until rq_done() in both cases. */
struct shared_rqe *rq_first(struct fabric *fabric, struct shared_rq *rq);
/* The first entry is taken without a completion; who took a copy completes it by
 * cq_push().  Between rq_first() and rq_done().
 */
void rq_take(struct fabric *fabric, struct shared_rq *rq);
/* It has completed: ENTRY goes to CQ_AT, and it is taken; both or neither.  The
 * queue's lock is held (rq_first()) and stays so.
 */
void rq_complete(struct fabric *fabric, struct shared_rq *rq, uint64_t cq_at,
		 struct shared_cqe *entry, bool solicited);
static inline void rq_done(struct shared_rq *rq)
{
	lock_drop(&rq->lock);
}
/* Put right what a dead process left between the two; the lock is held. */
void rq_recover(struct fabric *fabric, struct shared_rq *rq);
/* Whether a request of SGES entries would be taken now. */
bool rq_has_room(struct fabric *fabric, struct shared_rq *rq, uint32_t sges);
int rq_post(struct fabric *fabric, struct shared_rq *rq, uint64_t wr_id,
	    const struct shared_sge *sge, uint32_t sges);
/* All that wait complete as flushed; with a shared queue its last event is given. */
void rq_flush(struct fabric *fabric, struct shared_qp *qp);

/* --- strict=yes (strict.c) --- */

/* Memory that is going to be written is filled with a pattern. */
void strict_fill(struct fabric *fabric, uint32_t device, const struct shared_sge *sge,
		 uint32_t sges, uint32_t pd);
/* Keep a checksum of what SQE sends when it is posted, and look whether it is still
 * the same when it is delivered; a change is told on stderr.
 */
void strict_posted(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe);
void strict_sent(struct fabric *fabric, struct shared_qp *qp, struct shared_sqe *sqe);

#endif
