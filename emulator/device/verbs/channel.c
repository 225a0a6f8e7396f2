/* SPDX-License-Identifier: Apache-2.0 */
#include "device/verbs/front.h"

#include <rdma/ib_user_verbs.h>
#include <stdlib.h>
#include <unistd.h>

EXPORT struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
{
	struct front_channel *own;

	if (!front_owns(context))
		return REAL(ibv_create_comp_channel)(context);
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	if (comp_channel_create(&own->engine, front_engine(context))) {
		free(own);
		return NULL;
	}
	own->channel.context = context;
	own->channel.fd = own->engine.fd;
	return &own->channel;
}

EXPORT int ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
	struct front_channel *own = (struct front_channel *)channel;
	int rc;

	if (!front_owns(channel->context))
		return REAL(ibv_destroy_comp_channel)(channel);
	rc = front_rc(comp_channel_destroy(&own->engine));
	if (!rc)
		free(own);
	return rc;
}

EXPORT int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **cq_context)
{
	struct ib_uverbs_comp_event_desc record;

	if (!front_owns(channel->context))
		return REAL(ibv_get_cq_event)(channel, cq, cq_context);
	/* what waits may be our own to do */
	progress_all(front_engine(channel->context)->fabric);
	if (read(channel->fd, &record, sizeof(record)) != sizeof(record))
		return -1;
	/* its destruction waits until this event is acknowledged */
	*cq = (struct ibv_cq *)(uintptr_t)record.cq_handle;
	*cq_context = (*cq)->cq_context;
	return 0;
}

EXPORT void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int events)
{
	if (!front_owns(cq->context)) {
		REAL(ibv_ack_cq_events)(cq, events);
		return;
	}
	pthread_mutex_lock(&cq->mutex);
	cq->comp_events_completed += events;
	pthread_cond_signal(&cq->cond);
	pthread_mutex_unlock(&cq->mutex);
}
