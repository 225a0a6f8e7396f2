/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <rdma/ib_user_verbs.h>
#include <unistd.h>

enum element {
	ELEMENT_PORT,
	ELEMENT_CQ,
	ELEMENT_QP,
	ELEMENT_SRQ,
};

/* What an event is about; those that are not here are of the port or the device. */
static const enum element elements[] = {
	[IBV_EVENT_CQ_ERR] = ELEMENT_CQ,
	[IBV_EVENT_QP_FATAL] = ELEMENT_QP,
	[IBV_EVENT_QP_REQ_ERR] = ELEMENT_QP,
	[IBV_EVENT_QP_ACCESS_ERR] = ELEMENT_QP,
	[IBV_EVENT_COMM_EST] = ELEMENT_QP,
	[IBV_EVENT_SQ_DRAINED] = ELEMENT_QP,
	[IBV_EVENT_PATH_MIG] = ELEMENT_QP,
	[IBV_EVENT_PATH_MIG_ERR] = ELEMENT_QP,
	[IBV_EVENT_QP_LAST_WQE_REACHED] = ELEMENT_QP,
	[IBV_EVENT_SRQ_ERR] = ELEMENT_SRQ,
	[IBV_EVENT_SRQ_LIMIT_REACHED] = ELEMENT_SRQ,
	[IBV_EVENT_GID_CHANGE] = ELEMENT_PORT,
};

static enum element element_of(enum ibv_event_type type)
{
	return (size_t)type < sizeof(elements) / sizeof(*elements) ? elements[type] : ELEMENT_PORT;
}

EXPORT int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	struct ib_uverbs_async_event_desc record;

	if (!front_owns(context))
		return REAL(ibv_get_async_event)(context, event);
	if (read(context->async_fd, &record, sizeof(record)) != sizeof(record))
		return -1;
	event->event_type = (enum ibv_event_type)record.event_type;
	if (element_of(event->event_type) == ELEMENT_PORT)
		event->element.port_num = record.element;
	else /* a queue's destruction waits until this is acknowledged */
		event->element.qp = (struct ibv_qp *)(uintptr_t)record.element;
	return 0;
}

/* An event of a device of ours?  Of a port it does not matter: nobody counts them. */
static bool is_own(const struct ibv_async_event *event)
{
	switch (element_of(event->event_type)) {
	case ELEMENT_CQ:
		return front_owns(event->element.cq->context);
	case ELEMENT_QP:
		return front_owns(event->element.qp->context);
	case ELEMENT_SRQ:
		return front_owns(event->element.srq->context);
	case ELEMENT_PORT:
		break;
	}
	return event->event_type != IBV_EVENT_WQ_FATAL;
}

static void count(pthread_mutex_t *mutex, pthread_cond_t *cond, uint32_t *completed)
{
	pthread_mutex_lock(mutex);
	(*completed)++;
	pthread_cond_signal(cond);
	pthread_mutex_unlock(mutex);
}

EXPORT void ibv_ack_async_event(struct ibv_async_event *event)
{
	struct ibv_cq *cq = event->element.cq;
	struct ibv_qp *qp = event->element.qp;
	struct ibv_srq *srq = event->element.srq;

	if (!is_own(event)) {
		REAL(ibv_ack_async_event)(event);
		return;
	}
	switch (element_of(event->event_type)) {
	case ELEMENT_CQ:
		count(&cq->mutex, &cq->cond, &cq->async_events_completed);
		break;
	case ELEMENT_QP:
		count(&qp->mutex, &qp->cond, &qp->events_completed);
		break;
	case ELEMENT_SRQ:
		count(&srq->mutex, &srq->cond, &srq->events_completed);
		break;
	case ELEMENT_PORT:
		break;
	}
}
