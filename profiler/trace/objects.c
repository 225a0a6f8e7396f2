/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/objects.h"
#include "trace/hash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Of verbs' enumerations, which are the same everywhere. */
enum {
	QPT_XRC_RECV = 10,
	QPS_RTR = 2,
	MASK_STATE = 1 << 0,
	MASK_PORT = 1 << 5,
	MASK_AV = 1 << 7,
	MASK_PATH_MTU = 1 << 8,
	MASK_TIMEOUT = 1 << 9,
	MASK_RETRY_COUNT = 1 << 10,
	MASK_RNR_RETRY = 1 << 11,
	MASK_DEST_QPN = 1 << 20,
};

struct objects_index {
	struct hash number; /* (context, qpn): trace_qp */
	struct hash qp;     /* address: trace_qp */
	struct hash mr;     /* address: place + 1 */
	struct hash ah;     /* address: trace_address, owned */
	uint32_t *free_mr;  /* places */
	uint32_t free_mrs, free_room;
	uint32_t by_calls, by_data; /* queue pairs entered */
	uint32_t mr_room, qp_room;
};

int objects_init(struct objects *objects)
{
	*objects = (struct objects){ 0 };
	objects->index = calloc(1, sizeof(*objects->index));
	return objects->index ? 0 : -1;
}

static void release_index(struct objects_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < index->ah.room; i++)
		free(index->ah.slot[i].value);
	hash_release(&index->number);
	hash_release(&index->qp);
	hash_release(&index->mr);
	hash_release(&index->ah);
	free(index->free_mr);
	free(index);
}

void objects_release(struct objects *objects)
{
	for (uint32_t i = 0; i < objects->contexts; i++)
		free(objects->context[i].port);
	for (uint32_t i = 0; i < objects->qps; i++)
		free(objects->qp[i]);
	free(objects->context);
	free(objects->qp);
	free(objects->mr);
	release_index(objects->index);
	*objects = (struct objects){ 0 };
}

/* ARRAY of COUNT, which has *ROOM, with room for one more; NULL with errno. */
static void *room_for_one(void *array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t wanted = *room ? 2 * *room : 16;

	if (count < *room)
		return array;
	array = reallocarray(array, wanted, size);
	if (array)
		*room = wanted;
	return array;
}

/* --- contexts and ports --- */

struct trace_context *objects_context(const struct objects *objects, uint8_t number)
{
	/* the newest one: the last number is that of all further contexts */
	for (uint32_t i = objects->contexts; i-- > 0;)
		if (objects->context[i].number == number)
			return &objects->context[i];
	return NULL;
}

struct trace_port *objects_port(const struct objects *objects, uint8_t number, uint8_t port)
{
	struct trace_context *context = objects_context(objects, number);

	for (uint32_t i = 0; context && i < context->ports; i++)
		if (context->port[i].number == port)
			return &context->port[i];
	return NULL;
}

static struct trace_context *add_context(struct objects *objects, uint8_t number)
{
	struct trace_context *grown =
		reallocarray(objects->context, objects->contexts + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	objects->context = grown;
	grown = &grown[objects->contexts++];
	*grown = (struct trace_context){ .number = number };
	return grown;
}

/* A port of the context, which may not have been met before. */
static struct trace_port *port_of(struct objects *objects, uint8_t number, uint8_t port)
{
	struct trace_port *found = objects_port(objects, number, port);
	struct trace_context *context = objects_context(objects, number);

	if (found)
		return found;
	if (!context && !(context = add_context(objects, number)))
		return NULL;
	found = reallocarray(context->port, context->ports + 1, sizeof(*found));
	if (!found)
		return NULL;
	context->port = found;
	found = &found[context->ports++];
	*found = (struct trace_port){ .number = port };
	return found;
}

static const void *more_of(const struct reader_event *event)
{
	return event->record->more ? event->record + 1 : NULL;
}

static int open_device(struct objects *objects, const struct reader_event *event,
		       const struct vring_call *call)
{
	const struct vring_name *name = more_of(event);
	struct trace_context *context = add_context(objects, call->context);

	if (!context)
		return -1;
	context->object = call->object;
	context->guid = call->b;
	if (name) {
		memcpy(context->device, name->name, sizeof(context->device));
		context->device[sizeof(context->device) - 1] = '\0';
	}
	return 0;
}

static int close_device(struct objects *objects, const struct reader_event *event,
			const struct vring_call *call)
{
	struct trace_context *context = objects_context(objects, call->context);

	(void)event;
	if (context)
		context->closed = true;
	return 0;
}

static int take_port(struct objects *objects, const struct reader_event *event,
		     const struct vring_call *call)
{
	struct trace_port *port = port_of(objects, call->context, (uint8_t)call->number);

	(void)event;
	if (!port)
		return -1;
	port->lid = (uint16_t)call->a;
	port->link_layer = (uint8_t)call->b;
	return 0;
}

static int take_gid(struct objects *objects, const struct reader_event *event,
		    const struct vring_call *call)
{
	struct trace_port *port = port_of(objects, call->context, (uint8_t)call->number);
	uint64_t halves[2] = { htobe64(call->b), htobe64(call->c) };
	uint8_t at = 0;

	(void)event;
	if (!port)
		return -1;
	while (at < port->gids && port->gid[at].index != call->a)
		at++;
	if (at == sizeof(port->gid) / sizeof(*port->gid))
		return 0;
	port->gids += at == port->gids;
	port->gid[at].index = (uint16_t)call->a;
	memcpy(port->gid[at].raw, halves, sizeof(halves));
	return 0;
}

/* --- queue pairs --- */

/* A new one with the number QPN, which is its own from now on. */
static struct trace_qp *add_qp(struct objects *objects, uint8_t context, uint32_t qpn, uint32_t id)
{
	struct trace_qp **grown = room_for_one(objects->qp, objects->qps, &objects->index->qp_room,
					       sizeof(struct trace_qp *));
	struct trace_qp *qp;

	if (!grown)
		return NULL;
	objects->qp = grown;
	qp = calloc(1, sizeof(*qp));
	if (!qp)
		return NULL;
	*qp = (struct trace_qp){ .id = id, .qpn = qpn, .context = context };
	grown[objects->qps++] = qp;
	return hash_put(&objects->index->number, context, qpn, qp) < 0 ? NULL : qp;
}

static struct trace_qp *qp_by_number(const struct objects *objects, uint8_t context, uint32_t qpn)
{
	return hash_get(&objects->index->number, context, qpn);
}

struct trace_qp *objects_qp(struct objects *objects, uint8_t context, uint32_t qpn)
{
	struct trace_qp *qp = qp_by_number(objects, context, qpn);

	return qp ? qp : add_qp(objects, context, qpn, OBJECTS_BY_DATA + objects->index->by_data++);
}

/* Whom a control call means. */
static struct trace_qp *qp_of_call(struct objects *objects, const struct vring_call *call)
{
	struct trace_qp *qp = hash_get(&objects->index->qp, call->object, 0);

	if (!qp)
		qp = qp_by_number(objects, call->context, call->number);
	if (!qp)
		return add_qp(objects, call->context, call->number, objects->index->by_calls++);
	if (qp->id >= OBJECTS_BY_DATA)
		qp->id = objects->index->by_calls++;
	return qp;
}

/* Calls that return while others begin may come in an order in which they cannot have been:
 * a number that is given again was free.
 */
static struct trace_qp *make_qp(struct objects *objects, const struct reader_event *event,
				const struct vring_call *call)
{
	struct trace_qp *before = qp_by_number(objects, call->context, call->number), *qp;
	int64_t created = event->time + event->duration;

	if (before && !before->destroyed && !before->ended)
		before->ended = created;
	qp = add_qp(objects, call->context, call->number, objects->index->by_calls++);
	if (!qp || hash_put(&objects->index->qp, call->object, 0, qp) < 0)
		return NULL;
	qp->object = call->object;
	qp->known = true;
	qp->created = created;
	objects->changed = qp;
	return qp;
}

static int create_qp(struct objects *objects, const struct reader_event *event,
		     const struct vring_call *call)
{
	const struct vring_qp_init *init = more_of(event);
	struct trace_qp *qp = make_qp(objects, event, call);

	if (!qp)
		return -1;
	qp->pd = call->parent;
	qp->send_cq = call->a;
	qp->recv_cq = call->b;
	qp->srq = call->c;
	if (!init)
		return 0;
	qp->type = (uint8_t)init->type;
	qp->sig_all = init->sig_all;
	qp->max_send_wr = init->max_send_wr;
	qp->max_recv_wr = init->max_recv_wr;
	qp->max_send_sge = init->max_send_sge;
	qp->max_recv_sge = init->max_recv_sge;
	qp->max_inline = init->max_inline;
	return 0;
}

/* Another object of a queue pair that may be this process's own. */
static int open_qp(struct objects *objects, const struct reader_event *event,
		   const struct vring_call *call)
{
	struct trace_qp *qp = qp_by_number(objects, call->context, call->number);

	if (qp && !qp->destroyed && qp->known)
		return hash_put(&objects->index->qp, call->object, 0, qp);
	qp = make_qp(objects, event, call);
	if (!qp)
		return -1;
	qp->type = QPT_XRC_RECV;
	qp->opened = true;
	return 0;
}

static void take_path(struct trace_qp *qp, const struct vring_qp_attr *attr)
{
	qp->peer.lid = attr->dlid;
	qp->peer.has_gid = attr->is_global;
	memcpy(qp->peer.gid, attr->dgid, sizeof(qp->peer.gid));
	if (attr->port)
		qp->port = attr->port;
}

static void take_attr(struct trace_qp *qp, const struct vring_qp_attr *attr, uint64_t mask)
{
	if (mask & MASK_PORT)
		qp->port = attr->port;
	if (mask & MASK_AV)
		take_path(qp, attr);
	if (mask & MASK_DEST_QPN)
		qp->peer_qpn = attr->dest_qpn;
	if (mask & MASK_PATH_MTU)
		qp->path_mtu = attr->path_mtu;
	if (mask & MASK_TIMEOUT)
		qp->timeout = attr->timeout;
	if (mask & MASK_RETRY_COUNT)
		qp->retry_count = attr->retry_count;
	if (mask & MASK_RNR_RETRY)
		qp->rnr_retry = attr->rnr_retry;
}

static int modify_qp(struct objects *objects, const struct reader_event *event,
		     const struct vring_call *call)
{
	const struct vring_qp_attr *attr = more_of(event);
	struct trace_qp *qp = qp_of_call(objects, call);

	if (!qp)
		return -1;
	objects->changed = qp;
	if (attr)
		take_attr(qp, attr, call->a);
	if (!(call->a & MASK_STATE))
		return 0;
	qp->state = (uint8_t)call->b;
	if (qp->state == QPS_RTR && !qp->connected)
		qp->connected = event->time;
	return 0;
}

static int destroy_qp(struct objects *objects, const struct reader_event *event,
		      const struct vring_call *call)
{
	struct trace_qp *qp = hash_get(&objects->index->qp, call->object, 0);

	if (!qp)
		qp = qp_by_number(objects, call->context, call->number);
	if (!qp || event->time < qp->created)
		return 0;
	hash_remove(&objects->index->qp, call->object, 0);
	if (qp->known && qp->object != call->object)
		return 0; /* it was opened beside its own object */
	qp->destroyed = true;
	qp->ended = event->time;
	objects->changed = qp;
	if (qp_by_number(objects, qp->context, qp->qpn) == qp)
		hash_remove(&objects->index->number, qp->context, qp->qpn);
	return 0;
}

/* --- registrations --- */

static struct trace_mr *mr_of(const struct objects *objects, uint64_t object)
{
	uintptr_t place = (uintptr_t)hash_get(&objects->index->mr, object, 0);

	return place ? &objects->mr[place - 1] : NULL;
}

static int free_mr(struct objects *objects, struct trace_mr *mr)
{
	struct objects_index *index = objects->index;
	uint32_t *grown = room_for_one(index->free_mr, index->free_mrs, &index->free_room,
				       sizeof(*index->free_mr));

	if (!grown)
		return -1;
	index->free_mr = grown;
	grown[index->free_mrs++] = (uint32_t)(mr - objects->mr);
	hash_remove(&index->mr, mr->object, 0);
	objects->registered -= mr->length;
	mr->freed = true;
	return 0;
}

static struct trace_mr *add_mr(struct objects *objects, uint64_t object)
{
	struct objects_index *index = objects->index;
	struct trace_mr *grown;
	uint32_t place;

	if (index->free_mrs) {
		place = index->free_mr[--index->free_mrs];
	} else {
		grown = room_for_one(objects->mr, objects->mrs, &index->mr_room, sizeof(*grown));
		if (!grown)
			return NULL;
		objects->mr = grown;
		place = objects->mrs++;
	}
	if (hash_put(&index->mr, object, 0, (void *)(uintptr_t)(place + 1UL)) < 0)
		return NULL;
	objects->registrations++;
	return &objects->mr[place];
}

static void add_bytes(struct objects *objects, uint64_t bytes)
{
	objects->registered += bytes;
	if (objects->registered > objects->registered_most)
		objects->registered_most = objects->registered;
}

static int register_mr(struct objects *objects, const struct reader_event *event,
		       const struct vring_call *call)
{
	struct trace_mr *mr = mr_of(objects, call->object);

	/* its end was not recorded, or it begins in the middle of it */
	if (mr && free_mr(objects, mr) < 0)
		return -1;
	mr = add_mr(objects, call->object);
	if (!mr)
		return -1;
	*mr = (struct trace_mr){
		.object = call->object,
		.address = call->a,
		.length = call->b,
		.lkey = call->number,
		.rkey = (uint32_t)call->c,
		.access = (uint32_t)(call->c >> 32),
		.context = call->context,
		.created = event->time + event->duration,
	};
	add_bytes(objects, mr->length);
	return 0;
}

/* Which of its arguments count is not recorded: a length of 0 is none. */
static int reregister_mr(struct objects *objects, const struct reader_event *event,
			 const struct vring_call *call)
{
	struct trace_mr *mr = mr_of(objects, call->object);

	if (!mr)
		return register_mr(objects, event, call);
	mr->lkey = call->number;
	mr->rkey = (uint32_t)call->c;
	if (!call->b)
		return 0;
	add_bytes(objects, call->b - mr->length);
	mr->address = call->a;
	mr->length = call->b;
	return 0;
}

static int deregister_mr(struct objects *objects, const struct reader_event *event,
			 const struct vring_call *call)
{
	struct trace_mr *mr = mr_of(objects, call->object);

	if (!mr || event->time < mr->created)
		return 0;
	return free_mr(objects, mr);
}

/* --- address handles --- */

static int create_ah(struct objects *objects, const struct reader_event *event,
		     const struct vring_call *call)
{
	struct hash *hash = &objects->index->ah;
	struct trace_address *address = hash_get(hash, call->object, 0);

	(void)event;
	if (!address) {
		address = malloc(sizeof(*address));
		if (!address || hash_put(hash, call->object, 0, address) < 0) {
			free(address);
			return -1;
		}
	}
	*address = (struct trace_address){
		.lid = (uint16_t)call->number,
		.has_gid = call->b || call->c,
	};
	memcpy(address->gid, &call->b, 8);
	memcpy(address->gid + 8, &call->c, 8);
	return 0;
}

static int destroy_ah(struct objects *objects, const struct reader_event *event,
		      const struct vring_call *call)
{
	(void)event;
	free(hash_remove(&objects->index->ah, call->object, 0));
	return 0;
}

bool objects_ah(const struct objects *objects, uint64_t ah, struct trace_address *address)
{
	const struct trace_address *found = hash_get(&objects->index->ah, ah, 0);

	if (found)
		*address = *found;
	return found;
}

/* --- all of them --- */

typedef int follow_fn(struct objects *objects, const struct reader_event *event,
		      const struct vring_call *call);

int objects_follow(struct objects *objects, const struct reader_event *event)
{
	static follow_fn *const followers[VCALL_COUNT] = {
		[VCALL_OPEN_DEVICE] = open_device,
		[VCALL_IMPORT_DEVICE] = open_device,
		[VCALL_CLOSE_DEVICE] = close_device,
		[VCALL_PORT] = take_port,
		[VCALL_GID] = take_gid,
		[VCALL_CREATE_QP] = create_qp,
		[VCALL_CREATE_QP_EX] = create_qp,
		[VCALL_OPEN_QP] = open_qp,
		[VCALL_MODIFY_QP] = modify_qp,
		[VCALL_DESTROY_QP] = destroy_qp,
		[VCALL_REG_MR] = register_mr,
		[VCALL_REG_MR_IOVA2] = register_mr,
		[VCALL_REG_DMABUF_MR] = register_mr,
		[VCALL_REG_DM_MR] = register_mr,
		[VCALL_REREG_MR] = reregister_mr,
		[VCALL_IMPORT_MR] = register_mr,
		[VCALL_DEREG_MR] = deregister_mr,
		[VCALL_UNIMPORT_MR] = deregister_mr,
		[VCALL_CREATE_AH] = create_ah,
		[VCALL_DESTROY_AH] = destroy_ah,
	};
	const struct vring_call *call = (const struct vring_call *)event->record;
	uint16_t number = event->record->call;

	objects->changed = NULL;
	/* a call that has failed changed nothing */
	if (number >= VCALL_COUNT || !followers[number] || call->result)
		return 0;
	return followers[number](objects, event, call);
}
