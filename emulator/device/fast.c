/* SPDX-License-Identifier: Apache-2.0 */
#include "device/fast.h"

#include "devhook.h"
#include "device/net.h"
#include "device/pass.h"
#include "device/section.h"

#include <string.h>
#include <sys/uio.h>

#define MESSAGES 16            /* that one call copies, at most */
#define PARTS    4             /* of one message */
#define LONG     (1024 * 1024) /* bytes: a message that is no longer the usual case */
#define ENOUGH   (32 * 1024)   /* bytes: no more messages join them */

struct fast {
	struct fabric *fabric;
	struct shared_qp *qp, *to;
	struct shared_device *device, *there;

	/* What is to be copied between here and there. */
	uint32_t opcode, messages, locals, remotes;
	uint64_t bytes;
	struct iovec local[MESSAGES * PARTS], remote[MESSAGES];
};

static inline struct shared_sqe *request_at(const struct fast *f, uint64_t position)
{
	const struct shared_qp *qp = f->qp;

	return segment_at(&f->fabric->segment,
			  qp->sq_at + (position & (qp->sq_capacity - 1)) * qp->sq_stride);
}

/* --- whether it is the usual case --- */

/* Nothing waits, nothing is asked for that the other steps look after. */
static inline bool is_idle(const struct shared_qp *qp, uint64_t from)
{
	return qp->type == QP_RC &&
	       atomic_load_explicit(&qp->state, memory_order_acquire) == QP_RTS &&
	       atomic_load_explicit(&qp->sq_acked, memory_order_relaxed) == from &&
	       atomic_load_explicit(&qp->sq_sent, memory_order_relaxed) == from &&
	       atomic_load_explicit(&qp->due, memory_order_relaxed) == INT64_MAX &&
	       !atomic_load_explicit(&qp->force_error, memory_order_relaxed) &&
	       !atomic_load_explicit(&qp->force_status, memory_order_relaxed);
}

static inline bool is_plain(const struct fast *f)
{
	const struct shared_path *path = &f->qp->path;

	return net_ideal(f->fabric) && !netemu_trace_hook && !f->device->strict &&
	       f->device->transport != TRANSPORT_QUEUE && path->device != UINT32_MAX &&
	       !path->multicast && f->qp->head.owner == f->fabric->self;
}

static inline bool port_is_active(const struct shared_device *device)
{
	return atomic_load_explicit(&device->port_state, memory_order_relaxed) == PORT_ACTIVE;
}

/* Whether this process can do the work of PROCESS. */
static inline bool can_reach(const struct fast *f, uint32_t process)
{
	if (process == f->fabric->self)
		return true;
	if (f->device->transport == TRANSPORT_AUTO &&
	    fabric_reach(f->fabric, process) != REACH_DIRECT)
		return false;
	return fabric_alive(f->fabric, process);
}

/* The peer, when it can be asked now. */
static inline bool find_peer(struct fast *f)
{
	f->there = fabric_device(f->fabric, f->qp->path.device);
	if (!port_is_active(f->device) || !port_is_active(f->there))
		return false;
	f->to = (struct shared_qp *)table_find(&f->fabric->segment, &f->there->qp, f->qp->dest_qpn);
	return f->to && can_reach(f, f->to->head.owner);
}

/* Its receive lock is held. */
static inline bool takes_requests(const struct fast *f, uint64_t from)
{
	const struct shared_qp *qp = f->qp, *to = f->to;
	uint32_t state = atomic_load(&to->state);

	return to->type == QP_RC && (state == QP_RTS || (state == QP_RTR && to->established)) &&
	       to->dest_qpn == atomic_load_explicit(&qp->head.number, memory_order_relaxed) &&
	       to->path.device == qp->device && to->expected <= from;
}

/* --- memory --- */

/* LENGTH bytes at ADDR of plain memory that KEY opens. */
static inline bool find_memory(const struct fast *f, struct shared_device *device,
			       const struct shared_qp *qp, uint32_t key, uint64_t addr,
			       uint64_t length, uint32_t access, struct iovec *part)
{
	const struct shared_mr *mr =
		(const struct shared_mr *)table_find(&f->fabric->segment, &device->mr, key);
	uint64_t offset, start;

	if (!mr || mr->head.owner != qp->head.owner || mr->kind != MR_MEMORY || mr->pd != qp->pd ||
	    (mr->access & access) != access)
		return false;
	offset = addr - mr->iova;
	start = mr->addr + offset;
	if (addr < mr->iova || length > mr->length || offset > mr->length - length || !start)
		return false;
	*part = (struct iovec){ .iov_base = (void *)(uintptr_t)start, .iov_len = length };
	return true;
}

/* What SQE sends, or where it wants what it reads. */
static inline bool add_local(struct fast *f, struct shared_sqe *sqe)
{
	uint32_t access = is_read(sqe) ? ACCESS_LOCAL_WRITE : 0, parts = f->locals;

	if (sqe->flags & SEND_INLINE) {
		if (is_read(sqe))
			return false;
		f->local[parts] = (struct iovec){ .iov_base = sqe_inline(f->qp, sqe),
						  .iov_len = sqe->inline_length };
		f->locals = parts + 1;
		return true;
	}
	if (sqe->sges > PARTS)
		return false;
	for (uint32_t i = 0; i < sqe->sges; i++) {
		const struct shared_sge *sge = &sqe->sge[i];

		if (!sge->length)
			continue;
		if (!find_memory(f, f->device, f->qp, sge->key, sge->addr, sge->length, access,
				 &f->local[parts]))
			return false;
		parts++;
	}
	f->locals = parts;
	return true;
}

/* What lies behind the part before it becomes one with that: each part of another
 * process's memory costs as much as a call.
 */
static inline void add_remote(struct fast *f, struct iovec part)
{
	struct iovec *last = &f->remote[f->remotes - 1];

	if (f->remotes && (char *)last->iov_base + last->iov_len == part.iov_base)
		last->iov_len += part.iov_len;
	else
		f->remote[f->remotes++] = part;
}

/* --- copying --- */

/* In this process. */
static void copy_here(const struct fast *f)
{
	const struct iovec *from = f->local, *to = f->remote;
	size_t from_at = 0, to_at = 0, step;

	for (uint64_t done = 0; done < f->bytes; done += step) {
		char *here = (char *)from->iov_base + from_at;
		char *there = (char *)to->iov_base + to_at;

		step = from->iov_len - from_at < to->iov_len - to_at ? from->iov_len - from_at
								     : to->iov_len - to_at;
		if (f->opcode == WR_RDMA_READ)
			memmove(here, there, step);
		else
			memmove(there, here, step);
		from_at += step;
		to_at += step;
		if (from_at == from->iov_len)
			from++, from_at = 0;
		if (to_at == to->iov_len)
			to++, to_at = 0;
	}
}

/* Returns how many bytes. */
static inline uint64_t copy(const struct fast *f)
{
	uint32_t owner = f->to->head.owner;
	ssize_t done;
	pid_t pid;

	if (owner == f->fabric->self) {
		copy_here(f);
		return f->bytes;
	}
	pid = f->fabric->segment.header->process[owner].pid;
	if (f->opcode == WR_RDMA_READ)
		done = process_vm_readv(pid, f->local, f->locals, f->remote, f->remotes, 0);
	else
		done = process_vm_writev(pid, f->local, f->locals, f->remote, f->remotes, 0);
	return done > 0 ? (uint64_t)done : 0;
}

/* --- reads and writes --- */

static inline bool add(struct fast *f, struct shared_sqe *sqe)
{
	const struct shared_qp *to = f->to;
	uint32_t access = is_read(sqe) ? ACCESS_REMOTE_READ : ACCESS_REMOTE_WRITE;
	struct iovec part;

	if (sqe->opcode != f->opcode || sqe->bytes - 1 >= LONG || !(to->access & access) ||
	    !find_memory(f, f->there, to, sqe->rkey, sqe->remote_addr, sqe->bytes, access, &part) ||
	    !add_local(f, sqe))
		return false;
	add_remote(f, part);
	f->bytes += sqe->bytes;
	return true;
}

static inline bool is_known(const struct fast *f)
{
	if (f->opcode == WR_RDMA_READ)
		return f->qp->max_rd_atomic && f->to->max_dest_rd_atomic;
	return f->opcode == WR_RDMA_WRITE;
}

/* Requests from FROM on that are alike.  Returns the first that is not carried out. */
static uint64_t copy_some(struct fast *f, uint64_t from, uint64_t end)
{
	uint64_t at = from, bytes;

	f->opcode = request_at(f, from)->opcode;
	f->locals = f->remotes = 0;
	f->bytes = 0;
	if (!is_known(f))
		return from;
	while (at < end && at - from < MESSAGES && f->bytes < ENOUGH && add(f, request_at(f, at)))
		at++;
	if (at == from)
		return from;
	bytes = copy(f);
	if (__builtin_expect(bytes == f->bytes, 1))
		return at;
	/* the general path knows what has happened there; what is whole is done */
	for (at = from; request_at(f, at)->bytes <= bytes; at++)
		bytes -= request_at(f, at)->bytes;
	return at;
}

/* --- what both sides note --- */

static inline void add_to(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, get(counter) + by, memory_order_relaxed);
}

/* Requests before END are done; the receive lock is held. */
static inline void note_there(const struct fast *f, uint64_t from, uint64_t end, uint64_t bytes)
{
	struct shared_qp *to = f->to;

	if (f->opcode != WR_RDMA_READ)
		add_to(&to->rx_bytes, bytes);
	add_to(&to->rx_messages, end - from);
	to->in_attempt = to->in_bytes = 0;
	to->answer_status = WC_SUCCESS;
	to->answer_original = 0;
	to->expected = end;
}

static inline void note_here(const struct fast *f, uint64_t from, uint64_t end, uint64_t bytes)
{
	struct shared_qp *qp = f->qp;
	struct net_message message = {
		.from = qp->device,
		.to = qp->path.device,
		.type = QP_RC,
		.response = f->opcode == WR_RDMA_READ,
		.mtu = qp->path_mtu ? qp->path_mtu
				    : atomic_load_explicit(&f->device->mtu, memory_order_relaxed),
	};

	for (uint64_t at = from; at < end; at++) {
		message.bytes = request_at(f, at)->bytes;
		net_count(f->fabric, &qp->stream, &message);
	}
	if (!message.response)
		add_to(&qp->tx_bytes, bytes);
	add_to(&qp->tx_messages, end - from);
}

/* --- completions --- */

static inline void fill_entry(const struct fast *f, uint64_t at, struct shared_cqe *entry)
{
	static const uint8_t opcodes[] = {
		[WR_RDMA_WRITE] = WC_RDMA_WRITE,
		[WR_RDMA_READ] = WC_RDMA_READ,
	};
	const struct shared_sqe *sqe = request_at(f, at);

	*entry = (struct shared_cqe){
		.wr_id = sqe->wr_id,
		.qp_at = segment_offset(&f->fabric->segment, f->qp),
		.position = at + 1,
		.qpn = atomic_load_explicit(&f->qp->head.number, memory_order_relaxed),
		.byte_len = (uint32_t)sqe->bytes,
		.status = WC_SUCCESS,
		.opcode = opcodes[sqe->opcode],
	};
}

static inline void complete(const struct fast *f, uint64_t from, uint64_t end)
{
	struct shared_qp *qp = f->qp;
	struct cq_batch batch = { .cq = NULL };

	set(&qp->sq_sent, end);
	set(&qp->sq_delivered, end);
	for (uint64_t at = from; at < end; at++) {
		struct shared_cqe *entry;

		if (!qp->sq_sig_all && !(request_at(f, at)->flags & SEND_SIGNALED))
			continue;
		entry = cq_batch_next(f->fabric, qp->send_cq_at, &batch);
		if (entry)
			fill_entry(f, at, entry);
	}
	set(&qp->sq_acked, end);
	cq_batch_end(f->fabric, &batch);
}

/* --- all of it --- */

/* Requests from FROM on, up to END.  Returns the first that is not carried out. */
static uint64_t carry_out(struct fast *f, uint64_t from, uint64_t end)
{
	uint64_t done = from, bytes = 0;

	qp_lock_receive(f->fabric, f->to);
	if (takes_requests(f, from)) {
		done = copy_some(f, from, end);
		for (uint64_t at = from; at < done; at++)
			bytes += request_at(f, at)->bytes;
		if (done != from)
			note_there(f, from, done, bytes);
	}
	lock_drop(&f->to->receive_lock);
	if (done != from) {
		note_here(f, from, done, bytes);
		complete(f, from, done);
	}
	return done;
}

uint64_t fast_send(struct fabric *fabric, struct shared_qp *qp, uint64_t from, uint64_t end)
{
	struct fast f;
	_Atomic uint64_t *place;
	uint64_t at = from, done = from;

	if (from == end || !is_idle(qp, from))
		return from;
	f.fabric = fabric;
	f.qp = qp;
	f.device = fabric_device(fabric, qp->device);
	if (!is_plain(&f))
		return from;
	place = section_enter(fabric);
	if (find_peer(&f)) {
		do {
			at = done;
			done = carry_out(&f, at, end);
		} while (done != at && done != end && is_idle(qp, done));
	}
	section_leave(place);
	return done;
}
