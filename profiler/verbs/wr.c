/* SPDX-License-Identifier: Apache-2.0 */
/* wr.c - requests that are built by ibv_wr_*()
 *
 * Between ibv_wr_start() and ibv_wr_complete() a queue pair is one thread's.  What
 * it builds is kept beside the queue pair and recorded when it is complete: only
 * then is it known whether it was taken.
 */
#include "datapath.h"
#include "extended.h"
#include "record.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define MORE_MAX 200 /* records of one request: sges fit in, and uint8_t */

/* COUNT more records, zeros; NULL: there is no memory, the request is not recorded. */
static struct vring_record *grow(struct traced_build *build, uint32_t count)
{
	struct vring_record *grown;
	uint32_t room = build->room ? build->room : 32;

	while (room < build->count + count)
		room *= 2;
	if (room != build->room) {
		grown = realloc(build->record, room * sizeof(*grown));
		if (!grown) {
			build->lost = true; /* of what is built no more is known */
			return NULL;
		}
		build->record = grown;
		build->room = room;
	}
	grown = &build->record[build->count];
	memset(grown, 0, count * sizeof(*grown));
	build->count += count;
	return grown;
}

/* The request that is being built, or NULL. */
static struct vring_send *current(struct traced_build *build)
{
	return build && build->count && !build->lost ? (struct vring_send *)&build->record[build->last]
					    : NULL;
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
	more = grow(build, 1);
	send = current(build);
	if (!more || !send)
		return NULL;
	send->more++;
	return (struct vring_more *)more;
}

static void set_sges(struct traced_build *build, const struct ibv_sge *sge, size_t count)
{
	struct vring_send *send = current(build);
	uint32_t records = count > 1 ? ((uint32_t)count + 2) / 4 : 0, before;
	struct vring_record *more;

	if (!send || records > MORE_MAX)
		return;
	before = send->more;
	for (size_t i = 0; i < count; i++)
		send->bytes += sge[i].length;
	send->sges = (uint8_t)count;
	if (count) {
		send->address = sge[0].addr;
		send->lkey = sge[0].lkey;
	}
	if (!records || !(more = grow(build, records)))
		return;
	current(build)->more = (uint8_t)(before + records);
	/* elements first */
	more -= before;
	memmove(more + records, more, before * sizeof(*more));
	datapath_sges(more, sge, (int)count);
}

/* --- the functions --- */

/* The original of FUNCTION, called with the arguments. */
#define REAL(function, ...) traced->real.function(__VA_ARGS__)

static void wr_send(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_SEND, 0, 0, 0);
	REAL(wr_send, qp);
}

static void wr_send_imm(struct ibv_qp_ex *qp, __be32 imm)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_SEND_WITH_IMM, 0, 0, ntohl(imm));
	REAL(wr_send_imm, qp, imm);
}

static void wr_send_inv(struct ibv_qp_ex *qp, uint32_t rkey)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_SEND_WITH_INV, 0, 0, rkey);
	REAL(wr_send_inv, qp, rkey);
}

static void wr_send_tso(struct ibv_qp_ex *qp, void *header, uint16_t size, uint16_t mss)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_TSO, 0, 0, mss);
	REAL(wr_send_tso, qp, header, size, mss);
}

static void wr_rdma_write(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_RDMA_WRITE, rkey, address, 0);
	REAL(wr_rdma_write, qp, rkey, address);
}

static void wr_rdma_write_imm(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address, __be32 imm)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_RDMA_WRITE_WITH_IMM, rkey, address, ntohl(imm));
	REAL(wr_rdma_write_imm, qp, rkey, address, imm);
}

static void wr_rdma_read(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_RDMA_READ, rkey, address, 0);
	REAL(wr_rdma_read, qp, rkey, address);
}

static void wr_atomic_cmp_swp(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address,
			      uint64_t compare, uint64_t swap)
{
	struct traced_qp *traced = traced_qp_find(qp);
	struct vring_more *more;

	begin(traced, IBV_WR_ATOMIC_CMP_AND_SWP, rkey, address, 0);
	more = more_of(traced->build);
	if (more) {
		more->compare_add = compare;
		more->swap = swap;
	}
	REAL(wr_atomic_cmp_swp, qp, rkey, address, compare, swap);
}

static void wr_atomic_fetch_add(struct ibv_qp_ex *qp, uint32_t rkey, uint64_t address,
				uint64_t add)
{
	struct traced_qp *traced = traced_qp_find(qp);
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
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_BIND_MW, rkey, info->addr, 0);
	REAL(wr_bind_mw, qp, mw, rkey, info);
}

static void wr_local_inv(struct ibv_qp_ex *qp, uint32_t rkey)
{
	struct traced_qp *traced = traced_qp_find(qp);

	begin(traced, IBV_WR_LOCAL_INV, 0, 0, rkey);
	REAL(wr_local_inv, qp, rkey);
}

static void wr_set_ud_addr(struct ibv_qp_ex *qp, struct ibv_ah *ah, uint32_t qpn, uint32_t qkey)
{
	struct traced_qp *traced = traced_qp_find(qp);
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
	struct traced_qp *traced = traced_qp_find(qp);
	struct vring_more *more = more_of(traced->build);

	if (more)
		more->srqn = srqn;
	REAL(wr_set_xrc_srqn, qp, srqn);
}

static void wr_set_inline_data(struct ibv_qp_ex *qp, void *address, size_t length)
{
	struct traced_qp *traced = traced_qp_find(qp);
	struct vring_send *send = current(traced->build);

	if (send) {
		send->flags |= IBV_SEND_INLINE;
		send->bytes = (uint32_t)length;
		send->address = (uintptr_t)address;
		send->sges = 1;
	}
	REAL(wr_set_inline_data, qp, address, length);
}

static void wr_set_inline_data_list(struct ibv_qp_ex *qp, size_t count,
				    const struct ibv_data_buf *list)
{
	struct traced_qp *traced = traced_qp_find(qp);
	struct vring_send *send = current(traced->build);

	if (send) {
		send->flags |= IBV_SEND_INLINE;
		send->sges = (uint8_t)count;
		for (size_t i = 0; i < count; i++)
			send->bytes += (uint32_t)list[i].length;
	}
	REAL(wr_set_inline_data_list, qp, count, list);
}

static void wr_set_sge(struct ibv_qp_ex *qp, uint32_t lkey, uint64_t address, uint32_t length)
{
	struct traced_qp *traced = traced_qp_find(qp);
	struct ibv_sge sge = { .addr = address, .length = length, .lkey = lkey };

	set_sges(traced->build, &sge, 1);
	REAL(wr_set_sge, qp, lkey, address, length);
}

static void wr_set_sge_list(struct ibv_qp_ex *qp, size_t count, const struct ibv_sge *list)
{
	struct traced_qp *traced = traced_qp_find(qp);

	set_sges(traced->build, list, count);
	REAL(wr_set_sge_list, qp, count, list);
}

/* A thread has as many as it builds requests on queue pairs at once: mostly one. */
static struct traced_build *take_spare(void)
{
	struct series *series = record_data ? record_thread() : NULL;
	struct traced_build *build = series ? series->spare : NULL;

	if (build)
		series->spare = build->next;
	else if (series)
		build = calloc(1, sizeof(*build));
	return build;
}

static void give_spare(struct traced_build *build)
{
	struct series *series = record_series;

	if (!series) {
		free(build->record);
		free(build);
		return;
	}
	build->next = series->spare;
	series->spare = build;
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
}

static void put(const struct traced_build *build, const struct ibv_context *of, uint64_t end,
		int error)
{
	const struct traced_context *context = traced_context(of);
	uint32_t at = 0, count;
	struct vring_record *room;

	while (at < build->count) {
		struct vring_send *send = (struct vring_send *)&build->record[at];

		count = 1U + send->more;
		send->time = build->started;
		send->duration = ticks_between(build->started, end);
		send->context = (uint8_t)(context ? context->number : VRING_CONTEXT_LAST);
		send->error = (uint8_t)error;
		room = record_room(count);
		if (!room)
			return;
		memcpy(room, send, count * sizeof(*room));
		record_keep(count);
		at += count;
	}
}

static int wr_complete(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_qp_find(qp);
	const struct ibv_context *context = qp->qp_base.context;
	struct traced_build *build = traced->build;
	int rc;

	traced->build = NULL;
	/* from here on it may be another thread's */
	rc = REAL(wr_complete, qp);
	if (!build)
		return rc;
	put(build, context, ticks_now(), rc);
	give_spare(build);
	return rc;
}

static void wr_abort(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced = traced_qp_find(qp);
	struct traced_build *build = traced->build;

	traced->build = NULL;
	REAL(wr_abort, qp);
	if (build)
		give_spare(build);
}

/* A function that is not there stays so: programs look. */
#define FUNCTIONS(X)                                                                      \
	X(wr_atomic_cmp_swp) X(wr_atomic_fetch_add) X(wr_bind_mw) X(wr_local_inv)         \
	X(wr_rdma_read) X(wr_rdma_write) X(wr_rdma_write_imm) X(wr_send) X(wr_send_imm)   \
	X(wr_send_inv) X(wr_send_tso) X(wr_set_ud_addr) X(wr_set_xrc_srqn)                \
	X(wr_set_inline_data) X(wr_set_inline_data_list) X(wr_set_sge) X(wr_set_sge_list) \
	X(wr_start) X(wr_complete) X(wr_abort)

void extended_qp_install(struct ibv_qp_ex *qp)
{
	struct traced_qp *traced;

	if (qp->wr_start == wr_start || !qp->wr_start)
		return;
	traced = traced_qp_add(qp);
	if (!traced)
		return;
#define INSTALL(name)                           \
	traced->real.name = qp->name;           \
	if (qp->name)                           \
		qp->name = name;
	FUNCTIONS(INSTALL)
#undef INSTALL
}
