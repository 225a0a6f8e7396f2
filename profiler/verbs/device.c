/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - devices that are opened and closed, their ports and addresses */
#include "control.h"
#include "datapath.h"
#include "device.h"
#include "extended.h"

#include <endian.h>
#include <string.h>

/* --- what a context is --- */

static void put_name(const struct ibv_context *context, struct control *control)
{
	const char *name = context->device->name;
	size_t length = strnlen(name, sizeof(control->more[0].name.name) - 1);

	control->call.more = 1;
	memset(&control->more[0], 0, sizeof(control->more[0]));
	memcpy(control->more[0].name.name, name, length);
}

void device_gid(struct ibv_context *context, uint32_t port, uint32_t index)
{
	struct traced_context *traced = traced_context(context);
	__typeof__(&ibv_query_gid) query = NEXT(ibv_query_gid);
	struct control control;
	union ibv_gid gid;
	uint64_t bit = 1ULL << (index % 64);

	if (!traced || !query || port < 1 || port > 4 || index > 255 ||
	    atomic_fetch_or(&traced->gids[port - 1][index / 64], bit) & bit)
		return;
	control_begin(&control, VCALL_GID);
	if (query(context, (uint8_t)port, (int)index, &gid))
		return;
	control_end(&control, 0);
	control.call.number = port;
	control.call.a = index;
	control.call.b = be64toh(gid.global.subnet_prefix);
	control.call.c = be64toh(gid.global.interface_id);
	control_put(&control, context);
}

/* Nothing is asked for by an attribute's newer fields. */
static int query_port(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr)
{
	struct verbs_context *verbs = verbs_get_ctx_op(context, query_port);
	__typeof__(&ibv_query_port) next = NEXT(ibv_query_port);

	memset(attr, 0, sizeof(*attr));
	if (verbs)
		return verbs->query_port(context, port, attr, sizeof(*attr));
	return next ? next(context, port, (struct _compat_ibv_port_attr *)attr) : ENOSYS;
}

/* Ports that are not there are refused. */
static void put_ports(struct ibv_context *context)
{
	struct ibv_port_attr attr;
	struct control control;

	for (uint8_t port = 1; port <= 4; port++) {
		control_begin(&control, VCALL_PORT);
		if (query_port(context, port, &attr))
			return;
		control_end(&control, 0);
		control.call.number = port;
		control.call.a = attr.lid;
		control.call.b = attr.link_layer;
		control.call.c = attr.active_mtu;
		control_put(&control, context);
		device_gid(context, port, 0);
	}
}

static void install(struct ibv_context *context)
{
	struct traced_context *traced = traced_context_add(context);

	if (!traced)
		return;
	traced->ops = context->ops;
	datapath_install(&context->ops);
	window_install(&context->ops);
	extended_install(context, traced);
}

static struct ibv_context *opened(struct control *control, struct ibv_context *context, int error)
{
	__typeof__(&ibv_get_device_guid) guid = NEXT(ibv_get_device_guid);

	control_end(control, context ? 0 : error);
	if (!context || !session_start())
		return context;
	if (!traced_context(context))
		install(context);
	control->call.object = (uintptr_t)context;
	control->call.number = traced_context(context) ? traced_context(context)->number : 0;
	control->call.a = (uint64_t)context->device->node_type;
	control->call.b = guid ? be64toh(guid(context->device)) : 0;
	put_name(context, control);
	control_put(control, context);
	put_ports(context);
	return context;
}

/* --- the calls --- */

EXPORT struct ibv_context *ibv_open_device(struct ibv_device *device)
{
	__typeof__(&ibv_open_device) next = NEXT(ibv_open_device);
	struct ibv_context *context;
	struct control control;
	int error;

	if (!next) {
		errno = ENOSYS;
		return NULL;
	}
	ticks_init();
	control_begin(&control, VCALL_OPEN_DEVICE);
	context = next(device);
	error = errno;
	opened(&control, context, error);
	errno = error;
	return context;
}

struct mlx5dv_context_attr;
typedef struct ibv_context *open_mlx5_fn(struct ibv_device *device,
					 struct mlx5dv_context_attr *attr);
EXPORT open_mlx5_fn mlx5dv_open_device;

/* The same with attributes of this kind of device; not by way of ibv_open_device(). */
EXPORT struct ibv_context *mlx5dv_open_device(struct ibv_device *device,
					      struct mlx5dv_context_attr *attr)
{
	open_mlx5_fn *next = (open_mlx5_fn *)next_find_version("mlx5dv_open_device", "MLX5_1.7");
	struct ibv_context *context;
	struct control control;
	int error;

	if (!next) {
		errno = ENOSYS;
		return NULL;
	}
	ticks_init();
	control_begin(&control, VCALL_OPEN_DEVICE);
	context = next(device, attr);
	error = errno;
	opened(&control, context, error);
	errno = error;
	return context;
}

EXPORT struct ibv_context *ibv_import_device(int fd)
{
	__typeof__(&ibv_import_device) next = NEXT(ibv_import_device);
	struct ibv_context *context;
	struct control control;
	int error;

	if (!next) {
		errno = ENOSYS;
		return NULL;
	}
	ticks_init();
	control_begin(&control, VCALL_IMPORT_DEVICE);
	context = next(fd);
	error = errno;
	control.call.c = (uint32_t)fd;
	opened(&control, context, error);
	errno = error;
	return context;
}

DESTROY_CALL(CLOSE_DEVICE, ibv_close_device, (struct ibv_context * context), context, context,
	     call->object = (uintptr_t)context;)

/* --- events of a device --- */

static uintptr_t element(const struct ibv_async_event *event)
{
	return (uintptr_t)event->element.qp; /* all that it can be are pointers, but ports */
}

EXPORT int ibv_get_async_event(struct ibv_context *context, struct ibv_async_event *event)
{
	__typeof__(&ibv_get_async_event) next = NEXT(ibv_get_async_event);
	struct control control;
	int rc, error;

	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	control_begin(&control, VCALL_GET_ASYNC_EVENT);
	rc = next(context, event);
	error = errno;
	control_end(&control, rc ? error : 0);
	if (session_records() && rc == 0) {
		control.call.object = element(event);
		control.call.number = event->event_type;
		control_put(&control, context);
	}
	errno = error;
	return rc;
}

EXPORT void ibv_ack_async_event(struct ibv_async_event *event)
{
	__typeof__(&ibv_ack_async_event) next = NEXT(ibv_ack_async_event);
	struct control control;

	if (!next)
		return;
	control_begin(&control, VCALL_ACK_ASYNC_EVENT);
	control.call.object = element(event);
	control.call.number = event->event_type;
	next(event);
	control_end(&control, 0);
	if (session_records())
		control_put(&control, NULL);
}
