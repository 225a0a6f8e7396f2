/* SPDX-License-Identifier: Apache-2.0 */
/* cm.c - connections made by librdmacm, which is not linked
 *
 * What they do with verbs is seen where it is done: librdmacm calls the same
 * functions as programs do.  It calls its own in the same way, so that a call may be
 * recorded in another one: rdma_create_qp_ex() in rdma_create_qp() in rdma_create_ep().
 */
#if __has_include(<rdma/rdma_cma.h>)
#include "control.h"
#include "pair.h"

#include <netinet/in.h>
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <string.h>

/* --- what is recorded of addresses --- */

static uint16_t copy_address(uint8_t to[16], const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(to, &four->sin_addr, sizeof(four->sin_addr));
		return ntohs(four->sin_port);
	case AF_INET6:
		memcpy(to, &six->sin6_addr, sizeof(six->sin6_addr));
		return ntohs(six->sin6_port);
	default:
		return 0;
	}
}

/* FROM and TO may be NULL. */
static void describe(struct control *control, const struct sockaddr *from,
		     const struct sockaddr *to)
{
	struct vring_address *address = &control->more[0].address;

	if (!from && !to)
		return;
	*address = (struct vring_address){
		.family = (uint8_t)(to ? to : from)->sa_family,
	};
	if (from)
		address->source_port = copy_address(address->source, from);
	if (to)
		address->port = copy_address(address->to, to);
	control->call.more = 1;
}

/* Whom ID connects, as far as is known. */
static void describe_id(struct control *control, const struct rdma_cm_id *id)
{
	const struct rdma_addr *addr = &id->route.addr;

	control->call.object = (uintptr_t)id;
	control->call.number = id->qp ? id->qp->qp_num : 0;
	describe(control, &addr->src_addr, &addr->dst_addr);
}

/* --- calls with an id --- */

#define ID_CALL(constant, name, parameters, arguments, ...)                                      \
	INT_CALL(constant, name, parameters, arguments, id->verbs, call->object = (uintptr_t)id; \
		 __VA_ARGS__)

ID_CALL(CM_DESTROY_ID, rdma_destroy_id, (struct rdma_cm_id * id), (id), (void)id;)

ID_CALL(CM_BIND_ADDR, rdma_bind_addr, (struct rdma_cm_id * id, struct sockaddr *address),
	(id, address), describe(&control, address, NULL);)

ID_CALL(CM_RESOLVE_ADDR, rdma_resolve_addr,
	(struct rdma_cm_id * id, struct sockaddr *from, struct sockaddr *to, int timeout),
	(id, from, to, timeout), call->a = (uint64_t)timeout;
	describe(&control, from, to);)

ID_CALL(CM_RESOLVE_ROUTE, rdma_resolve_route, (struct rdma_cm_id * id, int timeout), (id, timeout),
	call->a = (uint64_t)timeout;)

ID_CALL(CM_LISTEN, rdma_listen, (struct rdma_cm_id * id, int backlog), (id, backlog),
	call->number = (uint32_t)backlog;
	describe(&control, &id->route.addr.src_addr, NULL);)

ID_CALL(CM_CONNECT, rdma_connect, (struct rdma_cm_id * id, struct rdma_conn_param *param),
	(id, param), describe_id(&control, id);)

ID_CALL(CM_ACCEPT, rdma_accept, (struct rdma_cm_id * id, struct rdma_conn_param *param),
	(id, param), describe_id(&control, id);)

ID_CALL(CM_DISCONNECT, rdma_disconnect, (struct rdma_cm_id * id), (id), describe_id(&control, id);)

ID_CALL(CM_ESTABLISH, rdma_establish, (struct rdma_cm_id * id), (id), describe_id(&control, id);)

ID_CALL(CM_REJECT, rdma_reject, (struct rdma_cm_id * id, const void *data, uint8_t size),
	(id, data, size), describe_id(&control, id);)

ID_CALL(CM_REJECT_ECE, rdma_reject_ece, (struct rdma_cm_id * id, const void *data, uint8_t size),
	(id, data, size), describe_id(&control, id);)

ID_CALL(CM_NOTIFY, rdma_notify, (struct rdma_cm_id * id, enum ibv_event_type event), (id, event),
	call->number = event;)

ID_CALL(CM_MIGRATE_ID, rdma_migrate_id,
	(struct rdma_cm_id * id, struct rdma_event_channel *channel), (id, channel),
	call->parent = (uintptr_t)channel;)

/* --- groups --- */

static void describe_group(struct control *control, const struct rdma_cm_id *id,
			   const struct sockaddr *group)
{
	control->call.number = id->qp ? id->qp->qp_num : 0;
	describe(control, NULL, group);
}

ID_CALL(CM_JOIN_MULTICAST, rdma_join_multicast,
	(struct rdma_cm_id * id, struct sockaddr *group, void *context), (id, group, context),
	describe_group(&control, id, group);)

ID_CALL(CM_JOIN_MULTICAST_EX, rdma_join_multicast_ex,
	(struct rdma_cm_id * id, struct rdma_cm_join_mc_attr_ex *attr, void *context),
	(id, attr, context),
	if (attr->comp_mask & RDMA_CM_JOIN_MC_ATTR_ADDRESS)
		describe_group(&control, id, attr->addr);
	if (attr->comp_mask & RDMA_CM_JOIN_MC_ATTR_JOIN_FLAGS) call->a = attr->join_flags;)

ID_CALL(CM_LEAVE_MULTICAST, rdma_leave_multicast, (struct rdma_cm_id * id, struct sockaddr *group),
	(id, group), describe_group(&control, id, group);)

/* --- ids and events --- */

/* What is recorded is known when the call has returned 0: `rc`. */
#define AFTER_CALL(constant, name, parameters, arguments, records, ...) \
	EXPORT int name parameters                                      \
	{                                                               \
		__typeof__(&name) next = NEXT(name);                    \
		struct control control;                                 \
		struct vring_call *call = &control.call;                \
		int rc, error;                                          \
                                                                        \
		if (!next) {                                            \
			errno = ENOSYS;                                 \
			return -1;                                      \
		}                                                       \
		ticks_init();                                           \
		control_begin(&control, VCALL_##constant);              \
		rc = next arguments;                                    \
		error = errno;                                          \
		control_end(&control, rc ? error : 0);                  \
		if (records) {                                          \
			__VA_ARGS__                                     \
		}                                                       \
		(void)call;                                             \
		errno = error;                                          \
		return rc;                                              \
	}

/* A device may be opened only later: from here on the process is traced. */
#define STARTS (rc == 0 && session_start() && session_records())

AFTER_CALL(CM_CREATE_ID, rdma_create_id,
	   (struct rdma_event_channel * channel, struct rdma_cm_id **id, void *context,
	    enum rdma_port_space space),
	   (channel, id, context, space), STARTS, call->object = (uintptr_t)*id;
	   call->parent = (uintptr_t)channel; call->number = space;
	   control_put(&control, (*id)->verbs);)

EXPORT int rdma_get_cm_event(struct rdma_event_channel *channel, struct rdma_cm_event **event)
{
	__typeof__(&rdma_get_cm_event) next = NEXT(rdma_get_cm_event);
	struct control control;
	int rc, error;

	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	control_begin(&control, VCALL_CM_GET_EVENT);
	rc = next(channel, event);
	error = errno;
	control_end(&control, 0);
	if (rc == 0 && session_records()) {
		if ((*event)->id)
			describe_id(&control, (*event)->id);
		control.call.parent = (uintptr_t)(*event)->listen_id;
		control.call.number = (*event)->event;
		control.call.a = (uint64_t)(int64_t)(*event)->status;
		control_put(&control, (*event)->id ? (*event)->id->verbs : NULL);
	}
	errno = error;
	return rc;
}

/* --- queue pairs and shared queues --- */

/* What ID got, once that is done. */
static void made_pair(struct control *control, const struct rdma_cm_id *id, int rc)
{
	control->call.object = (uintptr_t)id;
	control->call.parent = rc || !id->qp ? 0 : (uintptr_t)id->qp->pd;
	control->call.number = rc || !id->qp ? 0 : id->qp->qp_num;
	control->call.a = rc ? 0 : (uintptr_t)id->qp;
	control_put(control, id->verbs);
}

AFTER_CALL(CM_CREATE_QP, rdma_create_qp,
	   (struct rdma_cm_id * id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr),
	   (id, pd, attr), session_records(), made_pair(&control, id, rc);)

AFTER_CALL(CM_CREATE_QP_EX, rdma_create_qp_ex,
	   (struct rdma_cm_id * id, struct ibv_qp_init_attr_ex *attr), (id, attr),
	   session_records(), made_pair(&control, id, rc);)

/* An id by another way than rdma_create_id(). */
AFTER_CALL(CM_CREATE_EP, rdma_create_ep,
	   (struct rdma_cm_id * *id, struct rdma_addrinfo *found, struct ibv_pd *pd,
	    struct ibv_qp_init_attr *attr),
	   (id, found, pd, attr), STARTS, made_pair(&control, *id, rc);)

AFTER_CALL(CM_GET_REQUEST, rdma_get_request, (struct rdma_cm_id * listener, struct rdma_cm_id **id),
	   (listener, id), rc == 0 && session_records(), describe_id(&control, *id);
	   call->parent = (uintptr_t)listener; control_put(&control, (*id)->verbs);)

static void made_srq(struct control *control, const struct rdma_cm_id *id, int rc)
{
	control->call.object = (uintptr_t)id;
	control->call.parent = rc || !id->srq ? 0 : (uintptr_t)id->srq->pd;
	control->call.a = rc ? 0 : (uintptr_t)id->srq;
	control_put(control, id->verbs);
}

AFTER_CALL(CM_CREATE_SRQ, rdma_create_srq,
	   (struct rdma_cm_id * id, struct ibv_pd *pd, struct ibv_srq_init_attr *attr),
	   (id, pd, attr), session_records(), made_srq(&control, id, rc);)

AFTER_CALL(CM_CREATE_SRQ_EX, rdma_create_srq_ex,
	   (struct rdma_cm_id * id, struct ibv_srq_init_attr_ex *attr), (id, attr),
	   session_records(), made_srq(&control, id, rc);)

/* What is gone afterwards is looked at before. */
#define VOID_CALL(constant, name, ...)                         \
	EXPORT void name(struct rdma_cm_id *id)                \
	{                                                      \
		__typeof__(&name) next = NEXT(name);           \
		const struct ibv_context *context = id->verbs; \
		struct control control;                        \
		struct vring_call *call = &control.call;       \
                                                               \
		if (!next)                                     \
			return;                                \
		control_begin(&control, VCALL_##constant);     \
		call->object = (uintptr_t)id;                  \
		__VA_ARGS__                                    \
		next(id);                                      \
		control_end(&control, 0);                      \
		if (session_records())                         \
			control_put(&control, context);        \
	}

VOID_CALL(CM_DESTROY_QP, rdma_destroy_qp, call->number = id->qp ? id->qp->qp_num : 0;)

VOID_CALL(CM_DESTROY_SRQ, rdma_destroy_srq, call->a = (uintptr_t)id->srq;)

VOID_CALL(CM_DESTROY_EP, rdma_destroy_ep, call->number = id->qp ? id->qp->qp_num : 0;)
#else
typedef int cm_is_not_traced; /* built where librdmacm's header is not */
#endif
