/* SPDX-License-Identifier: Apache-2.0 */
#include "pml.h"
#include "clock.h"
#include "bypass.h"
#include "types.h"

#include <string.h>

/* One line per function that is replaced: X(field, slot, arguments). */
#define PML_LIST(X)                                                                             \
	X(add_comm, OMPI_ADD_COMM, (MPI_Comm))                                                  \
	X(del_comm, OMPI_DEL_COMM, (MPI_Comm))                                                  \
	X(irecv_init, OMPI_IRECV_INIT,                                                          \
	  (void *, size_t, MPI_Datatype, int, int, MPI_Comm, MPI_Request *))                    \
	X(irecv, OMPI_IRECV, (void *, size_t, MPI_Datatype, int, int, MPI_Comm, MPI_Request *)) \
	X(recv, OMPI_RECV, (void *, size_t, MPI_Datatype, int, int, MPI_Comm, MPI_Status *))    \
	X(isend_init, OMPI_ISEND_INIT,                                                          \
	  (const void *, size_t, MPI_Datatype, int, int, int, MPI_Comm, MPI_Request *))         \
	X(isend, OMPI_ISEND,                                                                    \
	  (const void *, size_t, MPI_Datatype, int, int, int, MPI_Comm, MPI_Request *))         \
	X(send, OMPI_SEND, (const void *, size_t, MPI_Datatype, int, int, int, MPI_Comm))       \
	X(start, OMPI_START, (size_t, MPI_Request *))                                           \
	X(improbe, OMPI_IMPROBE, (int, int, MPI_Comm, int *, MPI_Message *, MPI_Status *))      \
	X(mprobe, OMPI_MPROBE, (int, int, MPI_Comm, MPI_Message *, MPI_Status *))               \
	X(imrecv, OMPI_IMRECV, (void *, size_t, MPI_Datatype, MPI_Message *, MPI_Request *))    \
	X(mrecv, OMPI_MRECV, (void *, size_t, MPI_Datatype, MPI_Message *, MPI_Status *))

static struct {
#define X(field, slot, args) int(*field) args;
	PML_LIST(X)
#undef X
} next;

static bool pml_timed;
__thread enum comm_class pml_making __attribute__((tls_model("initial-exec")));

/* ---- sends ---- */

/* Inline: saving the arguments a second time would cost 2 ns of 10. */
static inline __attribute__((always_inline)) void count_send(size_t count, MPI_Datatype type,
							     int dst, int tag, MPI_Comm comm)
{
	struct counter_shard *shard = counter_shard();

	counter_sent(shard, comm_peer(shard, comm, dst), comm_op(shard, comm, tag),
		     count * types_size(shard, type));
}

static int send(const void *buf, size_t count, MPI_Datatype type, int dst, int tag, int mode,
		MPI_Comm comm)
{
	count_send(count, type, dst, tag, comm);
	return next.send(buf, count, type, dst, tag, mode, comm);
}

static int isend(const void *buf, size_t count, MPI_Datatype type, int dst, int tag, int mode,
		 MPI_Comm comm, MPI_Request *request)
{
	int rc;

	count_send(count, type, dst, tag, comm);
	rc = next.isend(buf, count, type, dst, tag, mode, comm, request);
	if (request_any() && rc == MPI_SUCCESS)
		request_forget(*request, RANKUNSEEN_INCOMPLETE);
	return rc;
}

static int send_timed(const void *buf, size_t count, MPI_Datatype type, int dst, int tag, int mode,
		      MPI_Comm comm)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	struct counter_shard *shard;
	int rc;

	count_send(count, type, dst, tag, comm);
	rc = next.send(buf, count, type, dst, tag, mode, comm);
	shard = counter_shard();
	counter_timed(shard, comm_peer(shard, comm, dst),
		      (uint64_t)(clock_ns(CLOCK_MONOTONIC) - begin));
	return rc;
}

/* A request that is complete at once may be one that all such sends share. */
static int isend_timed(const void *buf, size_t count, MPI_Datatype type, int dst, int tag, int mode,
		       MPI_Comm comm, MPI_Request *request)
{
	struct counter_shard *shard = counter_shard();
	struct request timed = {
		.kind = REQUEST_SEND,
		.flags = REQUEST_ACTIVE,
		.begin = clock_ns(CLOCK_MONOTONIC),
		.peer = comm_peer(shard, comm, dst),
	};
	MPI_Status status;
	int done = 0;
	int rc;

	rc = isend(buf, count, type, dst, tag, mode, comm, request);
	if (rc != MPI_SUCCESS || ompi.finalizing)
		return rc;
	ompi.request_get_status(*request, &done, &status);
	if (done) {
		counter_timed(shard, timed.peer,
			      (uint64_t)(clock_ns(CLOCK_MONOTONIC) - timed.begin));
	} else {
		timed.handle = *request;
		request_enter(&timed);
	}
	return rc;
}

static int isend_init(const void *buf, size_t count, MPI_Datatype type, int dst, int tag, int mode,
		      MPI_Comm comm, MPI_Request *request)
{
	struct counter_shard *shard = counter_shard();
	struct request send = {
		.kind = REQUEST_SEND,
		.flags = REQUEST_PERSISTENT,
		.op = comm_op(shard, comm, tag),
		.peer = comm_peer(shard, comm, dst),
		.bytes = count * types_size(shard, type),
	};
	int rc = next.isend_init(buf, count, type, dst, tag, mode, comm, request);

	if (rc == MPI_SUCCESS) {
		send.handle = *request;
		request_enter(&send);
	}
	return rc;
}

/* ---- receives ---- */

/* REQUEST_HIDDEN for a receive from a known source that completes by a
 * callback, where nobody sees it: inside non-blocking collectives, and the
 * bulk of osc/pt2pt.  (ompio's messages have
 * tags -100 to -103, and are waited for.)
 */
static unsigned hidden_flag(enum rankop op, int tag)
{
	if (op == RANKOP_RMA && tag >= 0)
		return REQUEST_HIDDEN;
	if (comm_tag_is_hidden(tag) && (op != RANKOP_IO || tag > -100 || tag < -103))
		return REQUEST_HIDDEN;
	return 0;
}

/* What a receive from SRC over COMM is.  The handle comes later.  Inline: made
 * in registers, it costs half of what it does as a structure in memory.
 */
static inline __attribute__((always_inline)) struct request receive_of(struct counter_shard *shard,
								       size_t count,
								       MPI_Datatype type, int src,
								       int tag, MPI_Comm comm)
{
	struct request receive = {
		.kind = REQUEST_RECEIVE,
		.op = comm_op(shard, comm, tag),
		.bytes = count * types_size(shard, type),
		.flags = comm == ompi.world ? REQUEST_WORLD : 0,
	};

	if (src != MPI_ANY_SOURCE)
		receive.peer = comm_peer(shard, comm, src);
	else
		receive.flags |= REQUEST_ANY_SOURCE;
	if (src == MPI_ANY_SOURCE && comm != ompi.world)
		receive.comm = comm_get(shard, comm);
	if (src != MPI_ANY_SOURCE &&
	    __builtin_expect(tag < MPI_ANY_TAG || receive.op != RANKOP_P2P, 0))
		receive.flags |= hidden_flag(receive.op, tag);
	return receive;
}

/* World rank of the source in STATUS. */
static uint32_t source_of(const struct request *receive, const MPI_Status *status)
{
	if (!(receive->flags & REQUEST_ANY_SOURCE))
		return receive->peer;
	if (status->MPI_SOURCE < 0)
		return LIVE_OUTSIDE;
	if (receive->flags & REQUEST_WORLD)
		return (uint32_t)status->MPI_SOURCE;
	return receive->comm ? comm_world_rank(receive->comm, status->MPI_SOURCE) : LIVE_OUTSIDE;
}

static void count_receive(const struct request *receive, const MPI_Status *status, int rc)
{
	struct counter_shard *shard = counter_shard();

	if (status->_cancelled) {
		counter_unseen(shard, receive->op, RANKUNSEEN_CANCELLED, receive->bytes);
		return;
	}
	if (rc == MPI_ERR_TRUNCATE)
		counter_unseen(shard, receive->op, RANKUNSEEN_TRUNCATED, status->_ucount);
	else if (rc != MPI_SUCCESS)
		return;
	counter_received(shard, source_of(receive, status), receive->op, status->_ucount);
}

void pml_completed(const struct request *request, const MPI_Status *status, int rc)
{
	if (request->kind == REQUEST_SEND && request->begin)
		counter_timed(counter_shard(), request->peer,
			      (uint64_t)(clock_ns(CLOCK_MONOTONIC) - request->begin));
	else if (request->kind == REQUEST_RECEIVE && !(request->flags & REQUEST_HIDDEN))
		count_receive(request, status, rc);
}

/* Inside a non-blocking collective: it completes where nobody sees it. */
static void count_posted(const struct request *receive)
{
	struct counter_shard *shard = counter_shard();

	counter_received(shard, receive->peer, receive->op, receive->bytes);
	counter_unseen(shard, receive->op, RANKUNSEEN_POSTED, receive->bytes);
}

static int recv(void *buf, size_t count, MPI_Datatype type, int src, int tag, MPI_Comm comm,
		MPI_Status *status)
{
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	struct counter_shard *shard;
	struct request receive;
	int rc = next.recv(buf, count, type, src, tag, comm, seen);

	shard = counter_shard();
	receive = receive_of(shard, 0, type, src, tag, comm);
	count_receive(&receive, seen, rc);
	return rc;
}

static int irecv(void *buf, size_t count, MPI_Datatype type, int src, int tag, MPI_Comm comm,
		 MPI_Request *request)
{
	struct request receive = receive_of(counter_shard(), count, type, src, tag, comm);
	int rc = next.irecv(buf, count, type, src, tag, comm, request);

	if (rc != MPI_SUCCESS)
		return rc;
	if (receive.flags & REQUEST_HIDDEN) {
		request_forget(*request, RANKUNSEEN_INCOMPLETE);
		count_posted(&receive);
	} else {
		receive.handle = *request;
		receive.flags |= REQUEST_ACTIVE;
		request_enter(&receive);
	}
	return rc;
}

static int irecv_init(void *buf, size_t count, MPI_Datatype type, int src, int tag, MPI_Comm comm,
		      MPI_Request *request)
{
	struct request receive = receive_of(counter_shard(), count, type, src, tag, comm);
	int rc = next.irecv_init(buf, count, type, src, tag, comm, request);

	if (rc == MPI_SUCCESS) {
		receive.handle = *request;
		receive.flags |= REQUEST_PERSISTENT;
		request_enter(&receive);
	}
	return rc;
}

/* ---- matched probes ---- */

static void message_enter(const void *message, int tag, MPI_Comm comm, const MPI_Status *status)
{
	struct counter_shard *shard = counter_shard();
	struct request matched = {
		.handle = message,
		.kind = REQUEST_MESSAGE,
		.flags = REQUEST_ACTIVE,
		.op = comm_op(shard, comm, tag),
		.peer = comm_peer(shard, comm, status->MPI_SOURCE),
	};

	request_enter(&matched);
}

static int improbe(int src, int tag, MPI_Comm comm, int *matched, MPI_Message *message,
		   MPI_Status *status)
{
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	int rc = next.improbe(src, tag, comm, matched, message, seen);

	if (rc == MPI_SUCCESS && *matched)
		message_enter(*message, tag, comm, seen);
	return rc;
}

static int mprobe(int src, int tag, MPI_Comm comm, MPI_Message *message, MPI_Status *status)
{
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	int rc = next.mprobe(src, tag, comm, message, seen);

	if (rc == MPI_SUCCESS)
		message_enter(*message, tag, comm, seen);
	return rc;
}

/* The receive of MESSAGE; false when it was never seen to be probed. */
static bool message_take(const void *message, size_t count, MPI_Datatype type,
			 struct request *receive)
{
	if (!request_take(message, receive))
		return false;
	receive->kind = REQUEST_RECEIVE;
	receive->bytes = count * types_size(counter_shard(), type);
	return true;
}

static int mrecv(void *buf, size_t count, MPI_Datatype type, MPI_Message *message,
		 MPI_Status *status)
{
	MPI_Status own;
	MPI_Status *seen = status == MPI_STATUS_IGNORE ? &own : status;
	struct request receive;
	bool known = message_take(*message, count, type, &receive);
	int rc = next.mrecv(buf, count, type, message, seen);

	if (known)
		count_receive(&receive, seen, rc);
	return rc;
}

static int imrecv(void *buf, size_t count, MPI_Datatype type, MPI_Message *message,
		  MPI_Request *request)
{
	struct request receive;
	bool known = message_take(*message, count, type, &receive);
	int rc = next.imrecv(buf, count, type, message, request);

	if (known && rc == MPI_SUCCESS) {
		receive.handle = *request;
		receive.flags |= REQUEST_ACTIVE;
		request_enter(&receive);
	}
	return rc;
}

/* ---- persistent requests ---- */

/* One that is started again though nobody saw it complete: osc/pt2pt does so. */
static void complete_unseen(MPI_Request handle)
{
	struct request request;
	MPI_Status status;
	int done = 0;

	if (!request_peek(handle, &request) || !(request.flags & REQUEST_PERSISTENT) ||
	    !(request.flags & REQUEST_ACTIVE) || request.kind != REQUEST_RECEIVE || ompi.finalizing)
		return;
	if (ompi.request_get_status(handle, &done, &status) != MPI_SUCCESS || !done)
		return;
	if (request_take(handle, &request)) {
		pml_completed(&request, &status, MPI_SUCCESS);
		if (request.comm)
			comm_unref(request.comm);
	}
}

void pml_starting(size_t count, MPI_Request *requests)
{
	for (size_t i = 0; i < count; i++)
		complete_unseen(requests[i]);
}

void pml_started(size_t count, const MPI_Request *handles, const MPI_Request *requests)
{
	struct counter_shard *shard = counter_shard();
	int64_t begin = pml_timed ? clock_ns(CLOCK_MONOTONIC) : 0;
	struct request request;

	for (size_t i = 0; i < count; i++) {
		if (!request_start(handles[i], requests[i], begin, &request))
			continue;
		if (request.kind == REQUEST_SEND)
			counter_sent(shard, request.peer, request.op, request.bytes);
		else if (request.flags & REQUEST_HIDDEN)
			count_posted(&request);
	}
}

static int start(size_t count, MPI_Request *requests)
{
	int rc = MPI_SUCCESS;

	/* In portions, so that the handles fit on the stack. */
	for (size_t done = 0; done < count && rc == MPI_SUCCESS;) {
		MPI_Request handles[64];
		size_t part = count - done < 64 ? count - done : 64;

		memcpy(handles, requests + done, part * sizeof(*handles));
		pml_starting(part, requests + done);
		rc = next.start(part, requests + done);
		if (rc == MPI_SUCCESS)
			pml_started(part, handles, requests + done);
		done += part;
	}
	return rc;
}

void pml_freeing(MPI_Request handle)
{
	struct request request;
	MPI_Status status;
	int done = 0;

	if (!request_any() || !request_peek(handle, &request))
		return;
	if (request.flags & REQUEST_ACTIVE && !ompi.finalizing &&
	    ompi.request_get_status(handle, &done, &status) == MPI_SUCCESS && done &&
	    request_take(handle, &request)) {
		pml_completed(&request, &status, MPI_SUCCESS);
		if (request.comm)
			comm_unref(request.comm);
	}
	request_forget(handle, RANKUNSEEN_FREED);
}

/* ---- communicators ---- */

static int add_comm(MPI_Comm comm)
{
	if (pml_making != COMM_PLAIN)
		comm_added(comm, pml_making);
	return next.add_comm(comm);
}

static int del_comm(MPI_Comm comm)
{
	bypass_comm_going(comm);
	comm_removed(comm);
	return next.del_comm(comm);
}

void pml_install(bool timed)
{
#define X(field, slot, args) next.field = (int(*) args) * ompi_slot(slot);
	PML_LIST(X)
#undef X
#define X(field, slot, args) *ompi_slot(slot) = (ompi_fn)field;
	PML_LIST(X)
#undef X
	pml_timed = timed;
	if (timed) {
		*ompi_slot(OMPI_SEND) = (ompi_fn)send_timed;
		*ompi_slot(OMPI_ISEND) = (ompi_fn)isend_timed;
	}
}
