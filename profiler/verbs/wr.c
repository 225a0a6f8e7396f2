/* SPDX-License-Identifier: Apache-2.0 */
/* wr.c - requests that are built by ibv_wr_*()
 *
 * Between ibv_wr_start() and ibv_wr_complete() a queue pair is one thread's.  What
 * it builds is kept beside the queue pair and recorded when it is complete: only
 * then is it known whether it was taken.
 */
#include "counts.h"
#include "datapath.h"
#include "extended.h"
#include "filter.h"
#include "latency.h"
#include "record.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/mman.h>

#define MORE_MAX 200 /* records of one request: sges fit in, and uint8_t */
#define ROOM     256 /* records of a list of requests, at first */

static bool enlarge(struct traced_build *build, uint32_t count)
{
	uint32_t room = build->room ? 2 * build->room : ROOM;
	struct vring_record *grown;

	while (room < build->count + count)
		room *= 2;
	grown = record_pages(room * sizeof(*grown));
	if (!grown)
		return false;
	if (build->room) {
		memcpy(grown, build->record, build->count * sizeof(*grown));
		munmap(build->record, build->room * sizeof(*grown));
	}
	build->record = grown;
	build->room = room;
	return true;
}

/* COUNT more records, zeros; NULL: there is no memory, no more of the list is recorded. */
static struct vring_record *grow(struct traced_build *build, uint32_t count)
{
	struct vring_record *grown;

	if (build->room < build->count + count && !enlarge(build, count)) {
		build->lost = true;
		return NULL;
	}
	grown = &build->record[build->count];
	if (count == 1)
		*grown = (struct vring_record){ 0 };
	else
		memset(grown, 0, count * sizeof(*grown));
	build->count += count;
	return grown;
}

/* The request that is being built, or NULL. */
static struct vring_send *current(struct traced_build *build)
{
	return build && build->count && !build->lost
		       ? (struct vring_send *)&build->record[build->last]
		       : NULL;
}

/* Records of further elements, four in each. */
static uint32_t sge_records(uint32_t sges)
{
	return sges > 1 ? (sges + 2) / 4 : 0;
}

static void begin(const struct traced_qp *traced, enum ibv_wr_opcode opcode, uint32_t rkey,
		  uint64_t remote_address, uint32_t imm)
{
	struct traced_build *build = traced->build;
	struct vring_send *send;
	uint32_t at;

	if (!build || build->lost)
		return;
	at = build->count;
	send = (struct vring_send *)grow(build, 1);
	if (!send)
		return;
	build->last = at;
	send->call = VCALL_WR;
	send->qpn = traced->qp->qp_base.qp_num;
	send->opcode = (uint8_t)opcode;
	send->flags = (uint8_t)traced->qp->wr_flags;
	send->wr_id = traced->qp->wr_id;
	send->rkey = rkey;
	send->remote_address = remote_address;
	send->imm = imm;
}

/* The request's vring_more: it comes after its scatter/gather elements, so it waits at the
 * end of the list until these are known.
 */
static struct vring_more *more_of(struct traced_build *build)
{
	struct vring_send *send = current(build);
	struct vring_record *more;

	if (!send || send->more >= MORE_MAX)
		return NULL;
	if (send->more > sge_records(send->sges))
		return (struct vring_more *)&build->record[build->count - 1];
	more = grow(build, 1);
	send = current(build);
	if (!more || !send)
		return NULL;
	send->more++;
	return (struct vring_more *)more;
}

/* COUNT elements, of which the first is FIRST; room for the others, or NULL. */
static struct vring_sges *set_sges(struct traced_build *build, struct ibv_sge first, size_t count,
				   uint64_t bytes)
{
	struct vring_send *send = current(build);
	uint32_t records = sge_records((uint32_t)count), before;
	struct vring_record *more;

	if (!send || count > UINT8_MAX)
		return NULL;
	before = send->more;
	send->bytes = (uint32_t)bytes;
	send->sges = (uint8_t)count;
	send->address = first.addr;
	send->lkey = first.lkey;
	if (!records || !(more = grow(build, records)))
		return NULL;
	current(build)->more = (uint8_t)(before + records);
	/* elements first */
	more -= before;
	memmove(more + records, more, before * sizeof(*more));
	memset(more, 0, records * sizeof(*more));
	return (struct vring_sges *)more;
}

static void set_sge(struct vring_sges *to, size_t index, struct ibv_sge sge)
{
	if (!to || !index)
		return;
	to += (index - 1) / 4;
	to->sge[(index - 1) % 4].address = sge.addr;
	to->sge[(index - 1) % 4].length = sge.length;
	to->sge[(index - 1) % 4].lkey = sge.lkey;
}

/* --- the functions --- */

/* What we have of QP, which mostly is the one that this thread builds requests on. */
static inline struct traced_qp *traced_of(const struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = record_here.building;

	return traced && traced->qp == qp ? traced : traced_qp_find(qp);
}

/* The original of FUNCTION, called with the arguments. */
#define REAL(function, ...) traced->real.function(__VA_ARGS__)

static void wr_send(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_SEND, 0, 0, 0);
	REAL(wr_send, qp);
}

static void wr_send_imm(struct ibv_qp_ex *qp, __be32 imm)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_SEND_WITH_IMM, 0, 0, ntohl(imm));
	REAL(wr_send_imm, qp, imm);
}

static void wr_send_inv(struct ibv_qp_ex *qp, uint32_t rkey)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_SEND_WITH_INV, 0, 0, rkey);
	REAL(wr_send_inv, qp, rkey);
}

static void wr_send_tso(struct ibv_qp_ex *qp, void *header, uint16_t size, uint16_t mss)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_TSO, 0, 0, mss);
	REAL(wr_send_tso, qp, header, size, mss);
}

static void wr_rdma_write(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_RDMA_WRITE, rkey, address, 0);
	REAL(wr_rdma_write, qp, rkey, address);
}

static void wr_rdma_write_imm(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address, __be32 imm)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_RDMA_WRITE_WITH_IMM, rkey, address, ntohl(imm));
	REAL(wr_rdma_write_imm, qp, rkey, address, imm);
}

static void wr_rdma_read(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_RDMA_READ, rkey, address, 0);
	REAL(wr_rdma_read, qp, rkey, address);
}

static void wr_atomic_cmp_swp(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address,
			      uint64_t compare, uint64_t swap)
{
	struct traced_qp *traced = traced_of(qp);
	struct vring_more *more;

	begin(traced, IBV_WR_ATOMIC_CMP_AND_SWP, rkey, address, 0);
	more = more_of(traced->build);
	if (more) {
		more->compare_add = compare;
		more->swap = swap;
	}
	REAL(wr_atomic_cmp_swp, qp, rkey, address, compare, swap);
}

static void wr_atomic_fetch_add(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address, uint64_t add)
{
	struct traced_qp *traced = traced_of(qp);
	struct vring_more *more;

	begin(traced, IBV_WR_ATOMIC_FETCH_AND_ADD, rkey, address, 0);
	more = more_of(traced->build);
	if (more)
		more->compare_add = add;
	REAL(wr_atomic_fetch_add, qp, rkey, address, add);
}

static void wr_bind_mw(struct ibv_qp_ex *qp, struct ibv_mw *mw, uint32_t rkey,
		       const struct ibv_mw_bind_info *info)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_BIND_MW, rkey, info->addr, 0);
	REAL(wr_bind_mw, qp, mw, rkey, info);
}

static void wr_local_inv(struct ibv_qp_ex *qp, uint32_t rkey)
{
	struct traced_qp *traced = traced_of(qp);

	begin(traced, IBV_WR_LOCAL_INV, 0, 0, rkey);
	REAL(wr_local_inv, qp, rkey);
}

static void wr_set_ud_addr(struct ibv_qp_ex *qp, struct ibv_ah *ah, uint32_t qpn, uint32_t qkey)
{
	struct traced_qp *traced = traced_of(qp);
	struct vring_more *more = more_of(traced->build);

	if (more) {
		more->ah = (uintptr_t)ah;
		more->remote_qpn = qpn;
		more->remote_qkey = qkey;
	}
	REAL(wr_set_ud_addr, qp, ah, qpn, qkey);
}

static void wr_set_xrc_srqn(struct ibv_qp_ex *qp, uint32_t srqn)
{
	struct traced_qp *traced = traced_of(qp);
	struct vring_more *more = more_of(traced->build);

	if (more)
		more->srqn = srqn;
	REAL(wr_set_xrc_srqn, qp, srqn);
}

static struct ibv_sge sge_of_buffer(const struct ibv_data_buf *buffer)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)buffer->addr,
		.length = (uint32_t)buffer->length,
	};
}

static void set_inline(struct traced_build *build, const struct ibv_data_buf *list, size_t count)
{
	struct vring_send *send = current(build);
	struct vring_sges *more;
	uint64_t bytes = 0;

	if (!send)
		return;
	send->flags |= IBV_SEND_INLINE;
	for (size_t i = 0; i < count; i++)
		bytes += list[i].length;
	more = set_sges(build, count ? sge_of_buffer(list) : (struct ibv_sge){ 0 }, count, bytes);
	for (size_t i = 1; i < count; i++)
		set_sge(more, i, sge_of_buffer(&list[i]));
}

static void wr_set_inline_data(struct ibv_qp_ex *qp, void *address, size_t length)
{
	struct traced_qp *traced = traced_of(qp);
	struct ibv_data_buf buffer = { .addr = address, .length = length };

	set_inline(traced->build, &buffer, 1);
	REAL(wr_set_inline_data, qp, address, length);
}

static void wr_set_inline_data_list(struct ibv_qp_ex *qp, size_t count,
				    const struct ibv_data_buf *list)
{
	struct traced_qp *traced = traced_of(qp);

	set_inline(traced->build, list, count);
	REAL(wr_set_inline_data_list, qp, count, list);
}

static void wr_set_sge(struct ibv_qp_ex *qp, uint32_t lkey, uint64_t address, uint32_t length)
{
	struct traced_qp *traced = traced_of(qp);
	struct ibv_sge sge = { .addr = address, .length = length, .lkey = lkey };

	set_sges(traced->build, sge, 1, length);
	REAL(wr_set_sge, qp, lkey, address, length);
}

static void wr_set_sge_list(struct ibv_qp_ex *qp, size_t count, const struct ibv_sge *list)
{
	struct traced_qp *traced = traced_of(qp);
	struct vring_sges *more;
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += list[i].length;
	more = set_sges(traced->build, count ? list[0] : (struct ibv_sge){ 0 }, count, bytes);
	for (size_t i = 1; i < count; i++)
		set_sge(more, i, list[i]);
	REAL(wr_set_sge_list, qp, count, list);
}

/* --- lists of requests --- */

/* A thread has as many as it builds requests on queue pairs at once: mostly one.  One that
 * a signal handler wants while its thread is in here is not recorded.
 */
static struct traced_build *take_spare(void)
{
	struct recorder *self = record_here.self;
	struct traced_build *build;

	if (record_mode == RECORD_NOTHING || (!self && !(self = record_thread())) ||
	    record_here.busy)
		return NULL;
	record_here.busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	build = self->spare;
	if (build)
		self->spare = build->next;
	atomic_signal_fence(memory_order_seq_cst);
	record_here.busy = false;
	return build ? build : record_pages(sizeof(*build));
}

static void give_spare(struct traced_build *build)
{
	struct recorder *self = record_here.self;

	if (!self || record_here.busy) {
		if (build->room)
			munmap(build->record, build->room * sizeof(*build->record));
		munmap(build, sizeof(*build));
		return;
	}
	record_here.busy = true;
	atomic_signal_fence(memory_order_seq_cst);
	build->next = self->spare;
	self->spare = build;
	atomic_signal_fence(memory_order_seq_cst);
	record_here.busy = false;
}

static void wr_start(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_qp_find(qp);
	struct traced_build *build = take_spare();

	if (build) {
		build->count = 0;
		build->lost = false;
		build->started = ticks_now();
	}
	REAL(wr_start, qp);
	/* from here on the queue pair is this thread's */
	traced->build = build;
	record_here.building = traced;
}

/* SEND, with what belongs to it. */
static void put(const struct vring_send *send)
{
	uint32_t count = 1U + send->more;
	struct vring_record *room;

	if (record_mode == RECORD_SOME && !filter_request(VCALL_WR, send->qpn, send->bytes)) {
		counts_send(send->time, send->context, send->qpn, send->opcode, send->bytes,
			    send->error);
		return;
	}
	room = record_room(count);
	if (!room)
		return;
	if (count == 1)
		*room = *(const struct vring_record *)send;
	else
		memcpy(room, send, count * sizeof(*room));
	record_keep(count);
}

static void put_all(const struct traced_build *build, const struct ibv_context *of, int error)
{
	const struct traced_context *context = traced_context(of);
	uint32_t duration =
		record_timed() ? ticks_between(build->started, ticks_now()) : VRING_UNTIMED;

	for (uint32_t at = 0; at < build->count;) {
		struct vring_send *send = (struct vring_send *)&build->record[at];

		send->time = build->started;
		send->duration = duration;
		send->context = (uint8_t)(context ? context->number : VRING_CONTEXT_LAST);
		send->error = (uint8_t)error;
		put(send);
		at += 1U + send->more;
	}
}

typedef void latency_fn(struct latency_pair *pair, uint64_t wr_id, bool signaled, uint64_t time);

/* What is in BUILD is about to be posted, or was refused: those that are only counted. */
static struct latency_pair *tell_latency(struct latency_pair *pair,
					 const struct traced_build *build, latency_fn *tell)
{
	for (uint32_t at = 0; pair && build && at < build->count;) {
		const struct vring_send *send = (const struct vring_send *)&build->record[at];

		tell(pair, send->wr_id, send->flags & IBV_SEND_SIGNALED, build->started);
		at += 1U + send->more;
	}
	return pair;
}

static struct latency_pair *pair_of(const struct ibv_qp *qp)
{
	const struct traced_context *context = traced_context(qp->context);

	if (!context)
		return NULL;
	return latency_find((uint8_t)context->number, qp->qp_num);
}

static int wr_complete(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_of(qp);
	const struct ibv_context *context = qp->qp_base.context;
	struct traced_build *build = traced->build;
	struct latency_pair *pair = NULL;
	int rc;

	if (record_mode == RECORD_SOME)
		pair = tell_latency(pair_of(&qp->qp_base), build, latency_post);
	record_here.building = NULL;
	traced->build = NULL;
	/* from here on it may be another thread's */
	rc = REAL(wr_complete, qp);
	if (!build)
		return rc;
	if (rc && pair)
		tell_latency(pair, build, latency_refuse);
	if (record_mode)
		put_all(build, context, rc);
	give_spare(build);
	return rc;
}

static void wr_abort(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_of(qp);
	struct traced_build *build = traced->build;

	record_here.building = NULL;
	traced->build = NULL;
	REAL(wr_abort, qp);
	if (build)
		give_spare(build);
}

/* A function that is not there stays so: programs look. */
#define FUNCTIONS(X)               \
	X(wr_atomic_cmp_swp)       \
	X(wr_atomic_fetch_add)     \
	X(wr_bind_mw)              \
	X(wr_local_inv)            \
	X(wr_rdma_read)            \
	X(wr_rdma_write)           \
	X(wr_rdma_write_imm)       \
	X(wr_send)                 \
	X(wr_send_imm)             \
	X(wr_send_inv)             \
	X(wr_send_tso)             \
	X(wr_set_ud_addr)          \
	X(wr_set_xrc_srqn)         \
	X(wr_set_inline_data)      \
	X(wr_set_inline_data_list) \
	X(wr_set_sge) X(wr_set_sge_list) X(wr_start) X(wr_complete) X(wr_abort)

void extended_qp_install(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced;

	if (qp->wr_start == wr_start || !qp->wr_start)
		return;
	traced = traced_qp_add(qp);
	if (!traced)
		return;
#define INSTALL(name)                 \
	traced->real.name = qp->name; \
	if (qp->name)                 \
		qp->name = name;
	FUNCTIONS(INSTALL)
#undef INSTALL
}
