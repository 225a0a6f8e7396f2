/* SPDX-License-Identifier: Apache-2.0 */
/* cm.c - connections made by librdmacm, which is not linked
 *
 * What they do with verbs is seen where it is done: librdmacm calls the same
 * functions as programs do.
 */
#if __has_include(<rdma/rdma_cma.h>)
#include "control.h"
#include "pair.h"

#include <netinet/in.h>
#include <rdma/rdma_cma.h>
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

/* --- ids and events --- */

/* A device may be opened only later: from here on the process is traced. */
EXPORT int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id, void *context,
			  enum rdma_port_space space)
{
	__typeof__(&rdma_create_id) next = NEXT(rdma_create_id);
	struct control control;
	int rc, error;

	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	ticks_init();
	control_begin(&control, VCALL_CM_CREATE_ID);
	rc = next(channel, id, context, space);
	error = errno;
	control_end(&control, rc ? error : 0);
	if (rc == 0 && session_start() && session_records()) {
		control.call.object = (uintptr_t)*id;
		control.call.parent = (uintptr_t)channel;
		control.call.number = space;
		control_put(&control, (*id)->verbs);
	}
	errno = error;
	return rc;
}

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

/* --- queue pairs --- */

/* What ID got, once that is done. */
static void made_pair(struct control *control, const struct rdma_cm_id *id, int rc)
{
	if (!session_records())
		return;
	control->call.object = (uintptr_t)id;
	control->call.parent = rc || !id->qp ? 0 : (uintptr_t)id->qp->pd;
	control->call.number = rc || !id->qp ? 0 : id->qp->qp_num;
	control->call.a = rc ? 0 : (uintptr_t)id->qp;
	control_put(control, id->verbs);
}

EXPORT int rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	__typeof__(&rdma_create_qp) next = NEXT(rdma_create_qp);
	struct control control;
	int rc, error;

	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	control_begin(&control, VCALL_CM_CREATE_QP);
	rc = next(id, pd, attr);
	error = errno;
	control_end(&control, rc ? error : 0);
	made_pair(&control, id, rc);
	errno = error;
	return rc;
}

EXPORT int rdma_create_qp_ex(struct rdma_cm_id *id, struct ibv_qp_init_attr_ex *attr)
{
	__typeof__(&rdma_create_qp_ex) next = NEXT(rdma_create_qp_ex);
	struct control control;
	int rc, error;

	if (!next) {
		errno = ENOSYS;
		return -1;
	}
	control_begin(&control, VCALL_CM_CREATE_QP);
	rc = next(id, attr);
	error = errno;
	control_end(&control, rc ? error : 0);
	made_pair(&control, id, rc);
	errno = error;
	return rc;
}

EXPORT void rdma_destroy_qp(struct rdma_cm_id *id)
{
	__typeof__(&rdma_destroy_qp) next = NEXT(rdma_destroy_qp);
	const struct ibv_context *context = id->verbs;
	struct control control;

	if (!next)
		return;
	control_begin(&control, VCALL_CM_DESTROY_QP);
	control.call.object = (uintptr_t)id;
	control.call.number = id->qp ? id->qp->qp_num : 0;
	next(id);
	control_end(&control, 0);
	if (session_records())
		control_put(&control, context);
}
#else
typedef int cm_is_not_traced; /* built where librdmacm's header is not */
#endif
