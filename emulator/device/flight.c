/* SPDX-License-Identifier: Apache-2.0 */
#include "device/flight.h"

#include "device/progress.h"

#include <errno.h>
#include <string.h>

#define FLIGHT_BYTES (1024 * 1024) /* of a queue pair */
#define NAP          1000000       /* ns: somebody else may be at work on it */

static uint64_t size_of(const struct shared_qp *qp, uint64_t bytes)
{
	return sizeof(struct shared_sqe) + qp->sq_max_sge * sizeof(struct shared_sge) + bytes;
}

static uint32_t count_of(const struct shared_qp *qp)
{
	return atomic_load(&qp->flights_begun) - atomic_load(&qp->flights_ended);
}

static bool has_room(struct fabric *fabric, struct shared_qp *qp, uint64_t size)
{
	if (count_of(qp) == FLIGHTS || size > FLIGHT_BYTES - qp->flight_bytes)
		return false;
	if (!qp->flights_at)
		qp->flights_at = segment_alloc(&fabric->segment, FLIGHTS * sizeof(uint64_t));
	return qp->flights_at;
}

/* What SQE asks for, with its data inline at DATA. */
static void copy_request(struct shared_sqe *flight, const struct shared_sqe *sqe)
{
	*flight = *sqe;
	flight->flags |= SEND_INLINE;
	flight->inline_length = (uint32_t)sqe->bytes;
	flight->sges = 0;
	flight->checksum = 0;
}

/* Returns an enum wc_status, or -1 when the memory of its process is out of reach. */
static int copy_data(struct pass *p, struct shared_sqe *sqe, struct shared_sqe *flight)
{
	struct payload from, to;
	int status = pass_prepare(p, sqe, &from);

	if (status || !sqe->bytes)
		return status;
	payload_one(&to, sqe_inline(p->qp, flight), sqe->bytes);
	if (!memory_copy(p->fabric, &to, 0, &from, 0, sqe->bytes))
		return WC_SUCCESS;
	return errno == EPERM || errno == ESRCH ? -1 : WC_LOC_PROT_ERR;
}

static void add(struct pass *p, uint64_t at, uint64_t size)
{
	struct shared_qp *qp = p->qp;
	uint32_t begun = atomic_load(&qp->flights_begun);
	uint64_t *ring = segment_at(&p->fabric->segment, qp->flights_at);

	ring[begun % FLIGHTS] = at;
	qp->flight_bytes += size;
	atomic_store(&qp->flights_begun, begun + 1);
}

bool flight_begin(struct pass *p, struct shared_sqe *sqe, int *status)
{
	struct segment *segment = &p->fabric->segment;
	uint64_t size = size_of(p->qp, sqe->bytes), at;
	int how;

	if (!has_room(p->fabric, p->qp, size))
		return false;
	at = segment_alloc(segment, size);
	if (!at)
		return false;
	how = copy_data(p, sqe, segment_at(segment, at));
	if (how == WC_SUCCESS) {
		copy_request(segment_at(segment, at), sqe);
		add(p, at, size);
		return true;
	}
	segment_free(segment, at, size);
	if (how < 0)
		return false;
	*status = how;
	return true;
}

void flight_end(struct fabric *fabric, struct shared_qp *qp)
{
	struct shared_sqe *flight = flight_first(fabric, qp);
	uint64_t size = size_of(qp, flight->inline_length);

	qp->flight_bytes -= size < qp->flight_bytes ? size : qp->flight_bytes;
	atomic_fetch_add(&qp->flights_ended, 1);
	segment_free(&fabric->segment, segment_offset(&fabric->segment, flight), size);
}

/* Returns when to look again; 0: none is left. */
static int64_t look(struct fabric *fabric, struct shared_qp *qp)
{
	int64_t due;

	qp_lock_send(fabric, qp);
	progress_qp(fabric, qp, 0);
	due = count_of(qp) ? atomic_load(&qp->due) : 0;
	lock_drop(&qp->send_lock);
	progress_todo(fabric);
	return due;
}

static void settle(struct fabric *fabric, struct shared_qp *qp, int64_t end)
{
	struct timespec nap = { .tv_sec = 0 };
	int64_t now, due;

	while (count_of(qp) && (due = look(fabric, qp))) {
		now = clock_ns(CLOCK_MONOTONIC);
		if (now >= end)
			return;
		nap.tv_nsec = due > now && due < now + NAP ? due - now : NAP;
		nanosleep(&nap, NULL);
	}
}

void flight_settle(struct fabric *fabric, struct shared_qp *qp)
{
	if (count_of(qp))
		settle(fabric, qp, clock_ns(CLOCK_MONOTONIC) + FLIGHT_PATIENCE);
}

void flight_settle_all(struct fabric *fabric, uint32_t device)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + FLIGHT_PATIENCE;
	struct shared_table *table = &fabric_device(fabric, device)->qp;
	struct shared_head *head;
	uint32_t index = 0;

	while ((head = table_next(&fabric->segment, table, &index)))
		if (head->owner == fabric->self)
			settle(fabric, (struct shared_qp *)head, end);
}

void flight_drop(struct fabric *fabric, struct shared_qp *qp)
{
	uint64_t at = qp->flights_at;

	while (at && count_of(qp))
		flight_end(fabric, qp);
	qp->flights_at = 0;
	segment_free(&fabric->segment, at, FLIGHTS * sizeof(uint64_t));
}
