/* SPDX-License-Identifier: Apache-2.0 */
#include "device/context.h"

#include <errno.h>
#include <unistd.h>

static const struct shared_node *own_node(const struct fabric *fabric)
{
	const struct shared_node *nodes =
		segment_at(&fabric->segment, fabric->segment.header->nodes_at);

	return nodes + fabric->node;
}

static int open_locked(struct context *context, struct fabric *fabric, uint32_t number)
{
	fabric->process->segment_addr = (uintptr_t)fabric->segment.header;
	*context = (struct context){
		.fabric = fabric,
		.device = fabric_device(fabric, number),
		.number = number,
	};
	context->async = channel_create(fabric, number, CHANNEL_ASYNC, &context->async_fd);
	return context->async ? 0 : -1;
}

int context_open(struct context *context, struct fabric *fabric, uint32_t index)
{
	const struct shared_node *node = own_node(fabric);
	int rc;

	if (index >= node->devices) {
		errno = ENODEV;
		return -1;
	}
	pthread_mutex_lock(&fabric->contexts);
	rc = open_locked(context, fabric, node->first + index);
	pthread_mutex_unlock(&fabric->contexts);
	return rc;
}

/* --- what is left in a context that is closed --- */

/* The next of TABLE from *INDEX on that is of this process. */
static struct shared_head *next_own(const struct context *context, const struct shared_table *table,
				    uint32_t *index)
{
	struct shared_head *head;

	while ((head = table_next(&context->fabric->segment, table, index)))
		if (head->owner == context->fabric->self)
			return head;
	return NULL;
}

static bool is_last(const struct context *context)
{
	struct shared_head *head;
	uint32_t index = 0;

	while ((head = next_own(context, &context->device->channel, &index))) {
		const struct shared_channel *channel = (const struct shared_channel *)head;

		if (channel->kind == CHANNEL_ASYNC && !atomic_load(&channel->closed))
			return false;
	}
	return true;
}

/* Does a queue of this process still send its events here? */
static bool has_queues(const struct context *context)
{
	uint64_t async_at = segment_offset(&context->fabric->segment, context->async);
	struct shared_head *head;
	uint32_t cq = 0, qp = 0, srq = 0;

	while ((head = next_own(context, &context->device->cq, &cq)))
		if (((struct shared_cq *)head)->async_at == async_at)
			return true;
	while ((head = next_own(context, &context->device->qp, &qp)))
		if (((struct shared_qp *)head)->async_at == async_at)
			return true;
	while ((head = next_own(context, &context->device->srq, &srq)))
		if (((struct shared_srq *)head)->async_at == async_at)
			return true;
	return false;
}

/* Descriptors of completion channels stay with the program. */
static void destroy_channels(const struct context *context)
{
	struct shared_head *head;
	uint32_t index = 0;

	while ((head = next_own(context, &context->device->channel, &index)))
		channel_destroy(context->fabric, context->number, (struct shared_channel *)head,
				-1);
}

static bool close_locked(const struct context *context)
{
	atomic_store(&context->async->closed, 1);
	if (is_last(context)) {
		bool left = process_clear_device(context->fabric, context->number);

		destroy_channels(context);
		return left;
	}
	if (has_queues(context))
		return true;
	channel_destroy(context->fabric, context->number, context->async, -1);
	return false;
}

bool context_close(struct context *context)
{
	bool left;
	int saved = errno;

	close(context->async_fd);
	pthread_mutex_lock(&context->fabric->contexts);
	left = close_locked(context);
	pthread_mutex_unlock(&context->fabric->contexts);
	context->async_fd = -1;
	errno = saved;
	return left;
}
