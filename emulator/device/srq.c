/* SPDX-License-Identifier: Apache-2.0 */
#include "device/qp.h"

#include "device/section.h"

#include <errno.h>

static int fail(int error)
{
	errno = error;
	return -1;
}

static bool is_valid(const struct context *context, const struct srq_init *init)
{
	const struct device_limits *limits = &context->device->limits;

	if (!init->pd || (init->xrcd && !init->cq))
		return false;
	return init->max_wr && init->max_wr <= limits->max_srq_wr &&
	       init->max_sge <= limits->max_srq_sge;
}

static void use(struct srq *srq, uint32_t one)
{
	atomic_fetch_add(&srq->pd->shared->users, one);
	if (!srq->xrcd)
		return;
	atomic_fetch_add(&srq->cq->shared->users, one);
	atomic_fetch_add(&srq->xrcd->users, one);
	atomic_fetch_add(&srq->xrcd->shared->users, one);
}

static void fill_in(struct shared_srq *shared, struct context *context, const struct srq_init *init)
{
	const struct segment *segment = &context->fabric->segment;

	shared->pd = init->pd->number;
	shared->async_at = segment_offset(segment, context->async);
	shared->handle = init->handle;
	if (!init->xrcd)
		return;
	shared->xrc = 1;
	shared->xrcd = init->xrcd->number;
	shared->cq_at = segment_offset(segment, init->cq->shared);
}

int srq_create(struct srq *srq, struct context *context, struct srq_init *init)
{
	struct fabric *fabric = context->fabric;
	struct shared_srq *shared;
	uint32_t number;

	if (!is_valid(context, init))
		return fail(EINVAL);
	shared = (struct shared_srq *)table_add(&fabric->segment, &context->device->srq, &number);
	if (!shared)
		return -1;
	if (rq_init(fabric, &shared->rq, init->max_wr, init->max_sge)) {
		table_remove(&fabric->segment, &context->device->srq, &shared->head);
		return fail(ENOMEM);
	}
	fill_in(shared, context, init);
	*srq = (struct srq){
		.context = context,
		.shared = shared,
		.number = number,
		.pd = init->pd,
		.cq = init->xrcd ? init->cq : NULL,
		.xrcd = init->xrcd,
	};
	use(srq, 1);
	init->max_wr = shared->rq.capacity;
	init->limit = 0;
	table_publish(&shared->head, number);
	return 0;
}

int srq_resize(struct srq *srq, uint32_t max_wr)
{
	if (context_took(&srq->shared->head, srq->number) || !max_wr ||
	    max_wr > srq->context->device->limits.max_srq_wr)
		return fail(EINVAL);
	return rq_resize(srq->context->fabric, &srq->shared->rq, max_wr);
}

int srq_set_limit(struct srq *srq, uint32_t limit)
{
	if (limit > srq->shared->rq.capacity)
		return fail(EINVAL);
	atomic_store(&srq->shared->rq.limit, limit);
	return 0;
}

int srq_destroy(struct srq *srq, uint32_t *async)
{
	struct context *context = srq->context;
	struct fabric *fabric = context->fabric;
	struct shared_srq *shared = srq->shared;

	*async = 0;
	if (context_took(&shared->head, srq->number))
		return 0;
	if (atomic_load(&shared->users))
		return fail(EBUSY);
	table_hide(&shared->head);
	section_wait(fabric);
	/* who was killed with the queue locked is done with */
	rq_lock(fabric, &shared->rq);
	rq_done(&shared->rq);
	*async = atomic_load(&shared->async_events) -
		 channel_purge(fabric, context->async, shared->handle);
	rq_release(fabric, &shared->rq);
	use(srq, (uint32_t)-1);
	table_remove(&fabric->segment, &context->device->srq, &shared->head);
	return 0;
}

int srq_post(struct srq *srq, uint64_t wr_id, const struct shared_sge *sge, uint32_t sges)
{
	struct context *context = srq->context;

	if (context_took(&srq->shared->head, srq->number))
		return fail(EINVAL);
	if (context->device->strict && rq_has_room(context->fabric, &srq->shared->rq, sges))
		strict_fill(context->fabric, context->number, sge, sges, srq->shared->pd);
	return rq_post(context->fabric, &srq->shared->rq, wr_id, sge, sges);
}
