/* SPDX-License-Identifier: Apache-2.0 */
#include "device/context.h"


#include <errno.h>
#include <string.h>

static const struct shared_node *own_node(const struct fabric *fabric)
{
	const struct shared_node *nodes =
		segment_at(&fabric->segment, fabric->segment.header->nodes_at);

	return nodes + fabric->node;
}

int context_open(struct context *context, struct fabric *fabric, uint32_t index)
{
	const struct shared_node *node = own_node(fabric);
	uint32_t number = node->first + index;

	if (index >= node->devices) {
		errno = ENODEV;
		return -1;
	}
	fabric->process->segment_addr = (uintptr_t)fabric->segment.header;
	*context = (struct context){
		.fabric = fabric,
		.device = fabric_device(fabric, number),
		.number = number,
	};
	context->async = channel_create(fabric, number, CHANNEL_ASYNC, &context->async_fd);
	if (!context->async)
		return -1;
	return 0;
}

void context_close(struct context *context)
{
	channel_destroy(context->fabric, context->number, context->async, context->async_fd);
	context->async = NULL;
	context->async_fd = -1;
}
