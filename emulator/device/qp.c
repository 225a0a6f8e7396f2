/* SPDX-License-Identifier: Apache-2.0 */
#include "device/qp.h"

#include "device/flight.h"
#include "device/net.h"
#include "device/progress.h"
#include "device/respond.h"
#include "device/section.h"

#include <errno.h>

#define ALIGN 64U

static int fail(int error)
{
	errno = error;
	return -1;
}

/* --- what can be made --- */

/* What a queue pair of each type is made of. */
static const struct kind {
	bool send, receive, pd;
} kinds[] = {
	[QP_RC] = { .send = true, .receive = true, .pd = true },
	[QP_UC] = { .send = true, .receive = true, .pd = true },
	[QP_UD] = { .send = true, .receive = true, .pd = true },
	[QP_XRC_SEND] = { .send = true, .pd = true },
	[QP_XRC_RECV] = { 0 },
};

static const struct kind *find_kind(enum qp_type type)
{
	const uint32_t count = sizeof(kinds) / sizeof(*kinds);

	if ((uint32_t)type >= count || (!kinds[type].pd && type != QP_XRC_RECV))
		return NULL;
	return &kinds[type];
}

/* What it has no queue for is not asked of it. */
static void trim(struct qp_init *init, const struct kind *kind)
{
	if (!kind->send) {
		init->send_cq = NULL;
		init->max_send_wr = init->max_send_sge = init->max_inline = 0;
	}
	if (!kind->receive) {
		init->recv_cq = NULL;
		init->srq = NULL;
	}
	if (!kind->receive || init->srq)
		init->max_recv_wr = init->max_recv_sge = 0;
	if (!kind->pd)
		init->pd = NULL;
	else
		init->xrcd = NULL;
}

static bool is_complete(const struct qp_init *init, const struct kind *kind)
{
	if ((kind->send && !init->send_cq) || (kind->receive && !init->recv_cq))
		return false;
	if (init->srq && init->srq->xrcd)
		return false;
	return kind->pd ? init->pd != NULL : init->xrcd != NULL;
}

static bool is_within(const struct qp_init *init, const struct device_limits *limits)
{
	return init->max_send_wr <= limits->max_qp_wr && init->max_recv_wr <= limits->max_qp_wr &&
	       init->max_send_sge <= limits->max_sge && init->max_recv_sge <= limits->max_sge &&
	       init->max_inline <= limits->max_inline;
}

/* --- create --- */

static uint32_t round_up(uint32_t capacity)
{
	uint32_t power = 1;

	while (power < capacity)
		power *= 2;
	return capacity ? power : 0;
}

static uint64_t send_bytes(const struct shared_qp *shared)
{
	return (uint64_t)shared->sq_capacity * shared->sq_stride;
}

static int make_send_queue(struct segment *segment, struct shared_qp *shared,
			   const struct qp_init *init)
{
	uint32_t bytes = (uint32_t)(sizeof(struct shared_sqe) +
				    init->max_send_sge * sizeof(struct shared_sge)) +
			 init->max_inline;

	shared->sq_max_sge = init->max_send_sge;
	shared->sq_max_inline = init->max_inline;
	shared->sq_stride = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	shared->sq_capacity = round_up(init->max_send_wr);
	if (!shared->sq_capacity)
		return 0;
	shared->sq_at = segment_alloc(segment, send_bytes(shared));
	return shared->sq_at ? 0 : -1;
}

static int make_queues(struct fabric *fabric, struct shared_qp *shared, const struct qp_init *init)
{
	if (rq_init(fabric, &shared->rq, init->max_recv_wr, init->max_recv_sge))
		return -1;
	if (!make_send_queue(&fabric->segment, shared, init))
		return 0;
	rq_release(fabric, &shared->rq);
	return fail(ENOMEM);
}

static uint64_t offset_of(const struct segment *segment, const void *record)
{
	return record ? segment_offset(segment, record) : 0;
}

static void fill_in(struct shared_qp *shared, const struct context *context,
		    const struct qp_init *init, uint32_t number)
{
	const struct segment *segment = &context->fabric->segment;

	shared->type = init->type;
	shared->device = context->number;
	shared->pd = init->pd ? init->pd->number : 0;
	shared->xrcd = init->xrcd ? init->xrcd->number : 0;
	shared->handle = init->handle;
	shared->async_at = segment_offset(segment, context->async);
	shared->send_cq_at = offset_of(segment, init->send_cq ? init->send_cq->shared : NULL);
	shared->recv_cq_at = offset_of(segment, init->recv_cq ? init->recv_cq->shared : NULL);
	shared->srq_at = offset_of(segment, init->srq ? init->srq->shared : NULL);
	shared->sq_sig_all = init->sq_sig_all;
	shared->handles = 1;
	shared->due = INT64_MAX;
	net_stream_init(&shared->stream, segment->header->seed, context->number, number);
}

/* Count it, or with ONE -1 count it no more, with all that it uses. */
static void use(struct qp *qp, uint32_t one)
{
	if (qp->pd)
		atomic_fetch_add(&qp->pd->shared->users, one);
	if (qp->send_cq)
		atomic_fetch_add(&qp->send_cq->shared->users, one);
	if (qp->recv_cq)
		atomic_fetch_add(&qp->recv_cq->shared->users, one);
	if (qp->srq)
		atomic_fetch_add(&qp->srq->shared->users, one);
	if (qp->xrcd) {
		atomic_fetch_add(&qp->xrcd->users, one);
		atomic_fetch_add(&qp->xrcd->shared->users, one);
	}
}

static void report(struct qp_init *init, const struct shared_qp *shared)
{
	init->max_send_wr = shared->sq_capacity;
	init->max_recv_wr = shared->rq.capacity;
}

int qp_create(struct qp *qp, struct context *context, struct qp_init *init)
{
	const struct kind *kind = find_kind(init->type);
	struct segment *segment = &context->fabric->segment;
	struct shared_table *table = &context->device->qp;
	struct shared_qp *shared;
	uint32_t number;

	if (!kind)
		return fail(EINVAL);
	trim(init, kind);
	if (!is_complete(init, kind) || !is_within(init, &context->device->limits))
		return fail(EINVAL);
	shared = (struct shared_qp *)table_add(segment, table, &number);
	if (!shared)
		return -1;
	if (make_queues(context->fabric, shared, init)) {
		table_remove(segment, table, &shared->head);
		return fail(ENOMEM);
	}
	fill_in(shared, context, init, number);
	*qp = (struct qp){
		.context = context,
		.shared = shared,
		.number = number,
		.pd = init->pd,
		.send_cq = init->send_cq,
		.recv_cq = init->recv_cq,
		.srq = init->srq,
		.xrcd = init->xrcd,
	};
	use(qp, 1);
	report(init, shared);
	table_publish(&shared->head, number);
	return 0;
}

/* --- open --- */

/* One handle more, unless the last one has just gone. */
static bool take_handle(struct shared_qp *shared)
{
	uint32_t handles = atomic_load(&shared->handles);

	while (handles)
		if (atomic_compare_exchange_weak(&shared->handles, &handles, handles + 1))
			return true;
	return false;
}

int qp_open(struct qp *qp, struct context *context, struct xrcd *xrcd, uint32_t number,
	    uint64_t handle)
{
	_Atomic uint64_t *section = section_enter(context->fabric);
	struct shared_qp *shared = qp_find(context->fabric, context->number, number);
	bool found = shared && shared->type == QP_XRC_RECV && shared->xrcd == xrcd->number &&
		     take_handle(shared);

	(void)handle; /* its events go to whoever has made it */
	section_leave(section);
	if (!found)
		return fail(EINVAL);
	*qp = (struct qp){
		.context = context,
		.shared = shared,
		.number = number,
		.xrcd = xrcd,
		.opened = true,
	};
	use(qp, 1);
	return 0;
}

/* --- destroy --- */

static uint32_t end_events(struct qp *qp)
{
	struct shared_qp *shared = qp->shared;

	if (qp->opened)
		return 0;
	atomic_store(&shared->async_at, 0);
	section_wait(qp->context->fabric);
	return atomic_load(&shared->async_events) -
	       channel_purge(qp->context->fabric, qp->context->async, shared->handle);
}

/* Whoever was killed with something of it locked is done with. */
static void settle(struct qp *qp)
{
	struct fabric *fabric = qp->context->fabric;

	qp_lock_send(fabric, qp->shared);
	lock_drop(&qp->shared->send_lock);
	qp_lock_receive(fabric, qp->shared);
	respond_forget(fabric, qp->shared);
	lock_drop(&qp->shared->receive_lock);
	rq_lock(fabric, &qp->shared->rq);
	rq_done(&qp->shared->rq);
	if (qp->srq) {
		rq_lock(fabric, &qp->srq->shared->rq);
		rq_done(&qp->srq->shared->rq);
	}
}

static void free_queues(struct qp *qp)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_qp *shared = qp->shared;
	uint64_t at = segment_offset(&fabric->segment, shared);

	if (qp->send_cq)
		cq_clean(qp->send_cq, at, qp->number);
	if (qp->recv_cq && qp->recv_cq != qp->send_cq)
		cq_clean(qp->recv_cq, at, qp->number);
	rq_release(fabric, &shared->rq);
	segment_free(&fabric->segment, shared->sq_at, send_bytes(shared));
}

/* A handle of what another process has made, which may have died with it. */
static bool is_gone(const struct qp *qp)
{
	return qp->opened && atomic_load(&qp->shared->head.number) != qp->number;
}

int qp_destroy(struct qp *qp, uint32_t *async)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_qp *shared = qp->shared;
	bool last = false;

	*async = 0;
	if (!qp->opened && context_took(&shared->head, qp->number))
		return 0;
	if (!is_gone(qp)) {
		if (atomic_load(&shared->groups))
			return fail(EBUSY);
		if (!qp->opened)
			flight_settle(fabric, shared);
		last = atomic_fetch_sub(&shared->handles, 1) == 1;
		if (last)
			table_hide(&shared->head);
		*async = end_events(qp);
	}
	if (last) {
		section_wait(fabric);
		progress_forget(fabric, shared);
		settle(qp);
		flight_drop(fabric, shared);
		free_queues(qp);
		net_flush(fabric, &shared->stream);
		table_remove(&fabric->segment, &qp->context->device->qp, &shared->head);
	}
	use(qp, (uint32_t)-1);
	return 0;
}

/* --- inside the engine --- */

struct shared_qp *qp_find(struct fabric *fabric, uint32_t device, uint32_t number)
{
	return (struct shared_qp *)table_find(&fabric->segment, &fabric_device(fabric, device)->qp,
					      number);
}

void qp_lock_send(struct fabric *fabric, struct shared_qp *qp)
{
	if (lock_take(fabric, &qp->send_lock, fabric->self))
		cq_recover(fabric, qp->send_cq_at);
}

void qp_lock_receive(struct fabric *fabric, struct shared_qp *qp)
{
	if (lock_take(fabric, &qp->receive_lock, fabric->self))
		cq_recover(fabric, qp->recv_cq_at);
}

void qp_fail(struct fabric *fabric, struct shared_qp *qp, enum event_type event)
{
	uint64_t async_at = atomic_load(&qp->async_at);

	if (atomic_exchange(&qp->state, QP_ERR) != QP_ERR && event != EVENT_NONE && async_at)
		channel_async(fabric, segment_at(&fabric->segment, async_at), event, qp->handle,
			      &qp->async_events);
	atomic_store(&qp->flush, 1);
	rq_flush(fabric, qp);
}
