/* SPDX-License-Identifier: Apache-2.0 */
#include "device/fast.h"

#include "clock.h"
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

	/* Requests that are carried out together: COUNT that are alike. */
	uint32_t opcode, count;
	uint64_t bytes;
	int64_t begun; /* CLOCK_MONOTONIC ns; 0: no tracer wants to hear of them */
	struct shared_sqe *request[MESSAGES];
	/* What is to be copied between here and there for them. */
	uint32_t locals, remotes;
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

	return net_ideal(f->fabric) && !f->device->strict &&
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

static inline bool may_read(const struct fast *f)
{
	return f->qp->max_rd_atomic && f->to->max_dest_rd_atomic;
}

/* The first, at FROM, and those behind it that are alike.  Returns how many are carried out. */
static uint32_t copy_some(struct fast *f, uint64_t from, uint64_t end)
{
	uint32_t count = end - from < MESSAGES ? (uint32_t)(end - from) : MESSAGES;
	uint64_t bytes;

	if (f->opcode == WR_RDMA_READ && !may_read(f))
		return 0;
	while (add(f, f->request[f->count]) && ++f->count < count && f->bytes < ENOUGH)
		f->request[f->count] = request_at(f, from + f->count);
	if (!f->count)
		return 0;
	bytes = copy(f);
	if (__builtin_expect(bytes == f->bytes, 1))
		return f->count;
	/* the general path knows what has happened there; what is whole is done */
	for (count = 0; f->request[count]->bytes <= bytes; count++)
		bytes -= f->request[count]->bytes;
	return count;
}

/* --- sends --- */

static inline struct shared_rq *receive_queue(const struct fast *f)
{
	struct shared_qp *to = f->to;

	if (!to->srq_at)
		return &to->rq;
	return &((struct shared_srq *)segment_at(&f->fabric->segment, to->srq_at))->rq;
}

/* Where the message goes to; what lies behind it is not looked at. */
static inline bool add_room(struct fast *f, const struct shared_rqe *rqe)
{
	uint64_t left = f->bytes;

	for (uint32_t i = 0; left; i++) {
		const struct shared_sge *sge = &rqe->sge[i];

		if (i == rqe->sges || f->remotes == PARTS)
			return false;
		if (!sge->length)
			continue;
		if (!find_memory(f, f->there, f->to, sge->key, sge->addr, sge->length,
				 ACCESS_LOCAL_WRITE, &f->remote[f->remotes]))
			return false;
		if (f->remote[f->remotes].iov_len > left)
			f->remote[f->remotes].iov_len = left;
		left -= f->remote[f->remotes++].iov_len;
	}
	return true;
}

static inline bool fill_receive(struct fast *f, const struct shared_rqe *rqe)
{
	struct shared_sqe *sqe = f->request[0];

	f->bytes = sqe->bytes;
	return f->bytes <= LONG && add_room(f, rqe) &&
	       (!f->bytes || (add_local(f, sqe) && copy(f) == f->bytes));
}

static inline void complete_receive(const struct fast *f, struct shared_rq *rq,
				    const struct shared_rqe *rqe)
{
	const struct shared_sqe *sqe = f->request[0];
	struct shared_cqe entry = {
		.wr_id = rqe->wr_id,
		.qp_at = segment_offset(&f->fabric->segment, f->to),
		.qpn = atomic_load_explicit(&f->to->head.number, memory_order_relaxed),
		.src_qpn = atomic_load_explicit(&f->qp->head.number, memory_order_relaxed),
		.byte_len = (uint32_t)sqe->bytes,
		.status = WC_SUCCESS,
		.opcode = WC_RECV,
		.receive = 1,
	};

	if (sqe->opcode != WR_SEND) {
		entry.flags = WC_WITH_IMM;
		entry.imm = sqe->imm;
	}
	if (sqe->opcode == WR_RDMA_WRITE_WITH_IMM)
		entry.opcode = WC_RECV_RDMA_WITH_IMM;
	rq_complete(f->fabric, rq, f->to->recv_cq_at, &entry, sqe->flags & SEND_SOLICITED);
}

/* The first alone.  Returns how many are carried out. */
static uint32_t send_one(struct fast *f, uint64_t from, uint64_t end)
{
	struct shared_rq *rq = receive_queue(f);
	struct shared_rqe *rqe;

	(void)from, (void)end;
	if (f->to->in_rqe_taken)
		return 0;
	rqe = rq_first(f->fabric, rq);
	if (rqe && fill_receive(f, rqe)) {
		complete_receive(f, rq, rqe);
		f->count = 1;
	}
	rq_done(rq);
	return f->count;
}

/* The first alone.  The queue is free while it is copied, so that its owner can post: somebody
 * else may have taken the receive meanwhile, when it is a shared one.
 */
static uint32_t write_one(struct fast *f, uint64_t from, uint64_t end)
{
	struct shared_rq *rq = receive_queue(f);
	struct shared_rqe *rqe;

	(void)from, (void)end;
	if (f->to->in_rqe_taken)
		return 0;
	rqe = rq_first(f->fabric, rq);
	rq_done(rq);
	if (!rqe || !add(f, f->request[0]) || copy(f) != f->bytes)
		return 0;
	rqe = rq_first(f->fabric, rq);
	if (rqe) {
		complete_receive(f, rq, rqe);
		f->count = 1;
	}
	rq_done(rq);
	return f->count;
}

static const struct {
	uint32_t (*carry_out)(struct fast *f, uint64_t from, uint64_t end);
	uint8_t completion; /* enum wc_opcode */
} operations[] = {
	[WR_RDMA_WRITE] = { copy_some, WC_RDMA_WRITE },
	[WR_RDMA_READ] = { copy_some, WC_RDMA_READ },
	[WR_RDMA_WRITE_WITH_IMM] = { write_one, WC_RDMA_WRITE },
	[WR_SEND] = { send_one, WC_SEND },
	[WR_SEND_WITH_IMM] = { send_one, WC_SEND },
};

#define OPERATIONS (sizeof(operations) / sizeof(*operations))

/* --- what both sides note --- */

static inline void add_to(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, get(counter) + by, memory_order_relaxed);
}

/* Requests before END are carried out; the receive lock is held. */
static inline void note_there(const struct fast *f, uint64_t end)
{
	struct shared_qp *to = f->to;

	if (f->opcode != WR_RDMA_READ)
		add_to(&to->rx_bytes, f->bytes);
	add_to(&to->rx_messages, f->count);
	to->in_attempt = to->in_bytes = 0;
	to->answer_status = WC_SUCCESS;
	to->answer_original = 0;
	to->expected = end;
}

static inline void note_here(const struct fast *f)
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

	for (uint32_t i = 0; i < f->count; i++) {
		message.bytes = f->request[i]->bytes;
		net_count(f->fabric, &qp->stream, &message);
	}
	if (!message.response)
		add_to(&qp->tx_bytes, f->bytes);
	add_to(&qp->tx_messages, f->count);
}

/* --- completions --- */

static inline void fill_entry(const struct fast *f, const struct shared_sqe *sqe, uint64_t position,
			      struct shared_cqe *entry)
{
	*entry = (struct shared_cqe){
		.wr_id = sqe->wr_id,
		.qp_at = segment_offset(&f->fabric->segment, f->qp),
		.position = position,
		.qpn = atomic_load_explicit(&f->qp->head.number, memory_order_relaxed),
		.byte_len = (uint32_t)sqe->bytes,
		.status = WC_SUCCESS,
		.opcode = operations[sqe->opcode].completion,
	};
}

/* Those from FROM on. */
static inline void complete(const struct fast *f, uint64_t from)
{
	struct shared_qp *qp = f->qp;
	struct cq_batch batch = { .cq = NULL };

	set(&qp->sq_sent, from + f->count);
	set(&qp->sq_delivered, from + f->count);
	for (uint32_t i = 0; i < f->count; i++) {
		const struct shared_sqe *sqe = f->request[i];
		struct shared_cqe *entry;

		if (!qp->sq_sig_all && !(sqe->flags & SEND_SIGNALED))
			continue;
		entry = cq_batch_next(f->fabric, qp->send_cq_at, &batch);
		if (entry)
			fill_entry(f, sqe, from + i + 1, entry);
	}
	set(&qp->sq_acked, from + f->count);
	cq_batch_end(f->fabric, &batch);
}

/* --- a tracer --- */

static void tell(const struct fast *f, const struct shared_sqe *sqe, enum devhook_what what,
		 int64_t time, int64_t until)
{
	const struct shared_qp *qp = f->qp;
	struct devhook_event event = {
		.version = DEVHOOK_VERSION,
		.what = what,
		.time = time,
		.until = until,
		.device = qp->device,
		.qpn = atomic_load_explicit(&qp->head.number, memory_order_relaxed),
		.remote_device = qp->path.device,
		.remote_qpn = qp->dest_qpn,
		.wr_id = sqe->wr_id,
		.bytes = sqe->bytes,
		.opcode = sqe->opcode,
	};

	netemu_trace_hook(&event);
}

/* What the other steps would have told of each. */
static __attribute__((noinline, cold)) void tell_all(const struct fast *f)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	for (uint32_t i = 0; i < f->count; i++) {
		tell(f, f->request[i], DEVHOOK_QUEUED, f->begun, 0);
		tell(f, f->request[i], DEVHOOK_WIRE, f->begun, now);
		tell(f, f->request[i], DEVHOOK_DELIVERED, now, now);
		tell(f, f->request[i], DEVHOOK_COMPLETED, now, now);
	}
}

/* --- all of it --- */

/* Those that are carried out count, and no others. */
static inline void keep(struct fast *f, uint32_t count)
{
	if (__builtin_expect(f->count == count, 1))
		return;
	f->count = count;
	f->bytes = 0;
	for (uint32_t i = 0; i < count; i++)
		f->bytes += f->request[i]->bytes;
}

/* Some requests from FROM on, up to END.  Returns the first that is not carried out. */
static uint64_t carry_out(struct fast *f, uint64_t from, uint64_t end)
{
	f->request[0] = request_at(f, from);
	f->opcode = f->request[0]->opcode;
	f->count = f->locals = f->remotes = 0;
	f->bytes = 0;
	f->begun = devhook_every() ? clock_ns(CLOCK_MONOTONIC) : 0;
	if (f->opcode >= OPERATIONS || !operations[f->opcode].carry_out)
		return from;
	qp_lock_receive(f->fabric, f->to);
	keep(f, takes_requests(f, from) ? operations[f->opcode].carry_out(f, from, end) : 0);
	if (f->count)
		note_there(f, from + f->count);
	lock_drop(&f->to->receive_lock);
	if (f->count) {
		note_here(f);
		complete(f, from);
		if (__builtin_expect(f->begun, 0))
			tell_all(f);
	}
	return from + f->count;
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
