/* SPDX-License-Identifier: Apache-2.0 */
#include "device/qp.h"

#include "device/flight.h"
#include "device/net.h"
#include "device/progress.h"
#include "device/respond.h"
#include "device/watchdog.h"

#include <errno.h>
#include <string.h>

static int fail(int error)
{
	errno = error;
	return -1;
}

/* --- what may change when --- */

#define ACCESS QP_ATTR_ACCESS_FLAGS
#define ALT    QP_ATTR_ALT_PATH
#define AV     QP_ATTR_AV
#define CUR    QP_ATTR_CUR_STATE
#define DEST   QP_ATTR_DEST_QPN
#define IN     QP_ATTR_MAX_DEST_RD_ATOMIC
#define MIG    QP_ATTR_PATH_MIG_STATE
#define MTU    QP_ATTR_PATH_MTU
#define NOTIFY QP_ATTR_EN_SQD_ASYNC_NOTIFY
#define OUT    QP_ATTR_MAX_QP_RD_ATOMIC
#define PKEY   QP_ATTR_PKEY_INDEX
#define PORT   QP_ATTR_PORT
#define QKEY   QP_ATTR_QKEY
#define RETRY  QP_ATTR_RETRY_CNT
#define RNR    QP_ATTR_RNR_RETRY
#define RPSN   QP_ATTR_RQ_PSN
#define SPSN   QP_ATTR_SQ_PSN
#define TIMER  QP_ATTR_MIN_RNR_TIMER
#define WAIT   QP_ATTR_TIMEOUT

enum type_bit {
	RC = 1,
	UC = 2,
	UD = 4,
	XS = 8,  /* XRC, sending */
	XR = 16, /* XRC, receiving */
	CONNECTED = RC | UC | XS | XR,
	ALL = CONNECTED | UD,
};

/* A transition without a row is not there; a type may have several rows of one
 * transition, which add up.
 */
static const struct rule {
	uint8_t from, to, types;
	uint32_t required, optional;
} rules[] = {
	{ QP_RESET, QP_RESET, ALL, 0, 0 },
	{ QP_RESET, QP_INIT, ALL, PKEY | PORT, 0 },
	{ QP_RESET, QP_INIT, CONNECTED, ACCESS, 0 },
	{ QP_RESET, QP_INIT, UD, QKEY, 0 },
	{ QP_INIT, QP_RESET, ALL, 0, 0 },
	{ QP_INIT, QP_ERR, ALL, 0, 0 },
	{ QP_INIT, QP_INIT, ALL, 0, PKEY | PORT },
	{ QP_INIT, QP_INIT, CONNECTED, 0, ACCESS },
	{ QP_INIT, QP_INIT, UD, 0, QKEY },
	{ QP_INIT, QP_RTR, CONNECTED, AV | MTU | DEST | RPSN, ALT | ACCESS | PKEY },
	{ QP_INIT, QP_RTR, RC | XR, IN | TIMER, 0 },
	{ QP_INIT, QP_RTR, UD, 0, PKEY | QKEY },
	{ QP_RTR, QP_RESET, ALL, 0, 0 },
	{ QP_RTR, QP_ERR, ALL, 0, 0 },
	{ QP_RTR, QP_RTS, ALL, SPSN, CUR },
	{ QP_RTR, QP_RTS, RC | XS, WAIT | RETRY | RNR | OUT, 0 },
	{ QP_RTR, QP_RTS, XR, WAIT, 0 },
	{ QP_RTR, QP_RTS, CONNECTED, 0, ALT | ACCESS | MIG },
	{ QP_RTR, QP_RTS, RC | XR, 0, TIMER },
	{ QP_RTR, QP_RTS, UD, 0, QKEY },
	{ QP_RTS, QP_RESET, ALL, 0, 0 },
	{ QP_RTS, QP_ERR, ALL, 0, 0 },
	{ QP_RTS, QP_RTS, ALL, 0, CUR },
	{ QP_RTS, QP_RTS, CONNECTED, 0, ALT | ACCESS | MIG },
	{ QP_RTS, QP_RTS, RC | XR, 0, TIMER },
	{ QP_RTS, QP_RTS, UD, 0, QKEY },
	{ QP_RTS, QP_SQD, ALL, 0, NOTIFY },
	{ QP_SQD, QP_RESET, ALL, 0, 0 },
	{ QP_SQD, QP_ERR, ALL, 0, 0 },
	{ QP_SQD, QP_RTS, ALL, 0, CUR },
	{ QP_SQD, QP_RTS, CONNECTED, 0, ALT | ACCESS | MIG },
	{ QP_SQD, QP_RTS, RC | XR, 0, TIMER },
	{ QP_SQD, QP_RTS, UD, 0, QKEY },
	{ QP_SQD, QP_SQD, ALL, 0, PKEY },
	{ QP_SQD, QP_SQD, CONNECTED, 0, AV | ALT | ACCESS | MIG },
	{ QP_SQD, QP_SQD, RC | XS | XR, 0, PORT | WAIT },
	{ QP_SQD, QP_SQD, RC | XS, 0, RETRY | RNR | OUT },
	{ QP_SQD, QP_SQD, RC | XR, 0, IN | TIMER },
	{ QP_SQD, QP_SQD, UD, 0, QKEY },
	{ QP_SQE, QP_RESET, ALL, 0, 0 },
	{ QP_SQE, QP_ERR, ALL, 0, 0 },
	{ QP_SQE, QP_RTS, UD | UC, 0, CUR },
	{ QP_SQE, QP_RTS, UC, 0, ACCESS },
	{ QP_SQE, QP_RTS, UD, 0, QKEY },
	{ QP_SQE, QP_RTS, RC | XS | XR, 0, 0 },
	{ QP_ERR, QP_RESET, ALL, 0, 0 },
	{ QP_ERR, QP_ERR, ALL, 0, 0 },
};

static enum type_bit type_bit(uint32_t type)
{
	static const enum type_bit bits[] = {
		[QP_RC] = RC, [QP_UC] = UC, [QP_UD] = UD, [QP_XRC_SEND] = XS, [QP_XRC_RECV] = XR,
	};

	return bits[type];
}

bool qp_may_modify(enum qp_type type, enum qp_state from, enum qp_state to, uint32_t mask)
{
	uint32_t required = 0, allowed = QP_ATTR_STATE, found = 0;

	for (uint32_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *rule = &rules[i];

		if (rule->from != from || rule->to != to || !(rule->types & type_bit(type)))
			continue;
		found = 1;
		required |= rule->required;
		allowed |= rule->required | rule->optional;
	}
	return found && (mask & required) == required && !(mask & ~allowed);
}

/* --- values --- */

#define BITS_24   0xffffffU
#define MTU_LEAST 256U

static bool cur_state_is_valid(uint32_t state)
{
	return state == QP_RTR || state == QP_RTS || state == QP_SQD || state == QP_SQE;
}

static bool values_are_valid(const struct shared_device *device, const struct qp_attr *attr,
			     uint32_t mask)
{
	const struct {
		uint32_t mask, value, least, most;
	} ranges[] = {
		{ QP_ATTR_STATE, attr->state, QP_RESET, QP_ERR },
		{ PORT, attr->port, 1, 1 },
		{ PKEY, attr->pkey_index, 0, 0 },
		{ MTU, attr->path_mtu, MTU_LEAST, atomic_load(&device->mtu) },
		{ DEST, attr->dest_qpn, 0, BITS_24 },
		{ WAIT, attr->timeout, 0, 31 },
		{ RETRY, attr->retry_count, 0, 7 },
		{ RNR, attr->rnr_retry, 0, 7 },
		{ TIMER, attr->min_rnr_timer, 0, 31 },
		{ OUT, attr->max_rd_atomic, 0, device->limits.max_rd_atomic },
		{ IN, attr->max_dest_rd_atomic, 0, device->limits.max_rd_atomic },
	};

	for (uint32_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (mask & ranges[i].mask &&
		    (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most))
			return false;
	return !(mask & MTU) || !(attr->path_mtu & (attr->path_mtu - 1));
}

/* --- changing; both locks are held --- */

static void set_values(struct shared_qp *qp, const struct qp_attr *attr, uint32_t mask)
{
	const struct {
		uint32_t mask, value, *to;
	} values[] = {
		{ ACCESS, attr->access, &qp->access },
		{ PKEY, attr->pkey_index, &qp->pkey_index },
		{ QKEY, attr->qkey, &qp->qkey },
		{ MTU, attr->path_mtu, &qp->path_mtu },
		{ WAIT, attr->timeout, &qp->timeout },
		{ RETRY, attr->retry_count, &qp->retry_count },
		{ RNR, attr->rnr_retry, &qp->rnr_retry },
		{ RPSN, attr->rq_psn & BITS_24, &qp->rq_psn },
		{ SPSN, attr->sq_psn & BITS_24, &qp->sq_psn },
		{ DEST, attr->dest_qpn, &qp->dest_qpn },
		{ OUT, attr->max_rd_atomic, &qp->max_rd_atomic },
		{ IN, attr->max_dest_rd_atomic, &qp->max_dest_rd_atomic },
		{ TIMER, attr->min_rnr_timer, &qp->min_rnr_timer },
	};

	for (uint32_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (mask & values[i].mask)
			*values[i].to = values[i].value;
	if (mask & AV)
		qp->path = attr->path;
}

/* As it was made: its queues are empty, and nothing of it waits to be polled. */
static void reset(struct qp *qp)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_qp *shared = qp->shared;
	uint64_t at = segment_offset(&fabric->segment, shared);

	atomic_store(&shared->state, QP_RESET);
	progress_forget(fabric, shared);
	flight_drop(fabric, shared);
	rq_lock(fabric, &shared->rq);
	atomic_store(&shared->rq.taken, atomic_load(&shared->rq.posted));
	rq_done(&shared->rq);
	if (qp->send_cq)
		cq_clean(qp->send_cq, at, qp->number);
	if (qp->recv_cq && qp->recv_cq != qp->send_cq)
		cq_clean(qp->recv_cq, at, qp->number);
	atomic_store(&shared->sq_posted, 0);
	atomic_store(&shared->sq_sent, 0);
	atomic_store(&shared->sq_delivered, 0);
	atomic_store(&shared->sq_acked, 0);
	atomic_store(&shared->sq_freed, 0);
	atomic_store(&shared->flush, 0);
	atomic_store(&shared->due, INT64_MAX);
	shared->outstanding_reads = 0;
	shared->drained = 0;
	shared->last_event = 0;
	shared->established = 0;
	respond_forget(fabric, shared);
	shared->expected = 0;
	net_flush(fabric, &shared->stream);
	net_stream_init(&shared->stream, fabric->segment.header->seed, shared->device, qp->number);
}

static void enter_state(struct qp *qp, uint32_t state, bool notify)
{
	struct shared_qp *shared = qp->shared;

	switch (state) {
	case QP_RESET:
		reset(qp);
		break;
	case QP_ERR:
		qp_fail(qp->context->fabric, shared, EVENT_NONE);
		break;
	case QP_SQD:
		if (atomic_load(&shared->state) != QP_SQD)
			shared->drained = !notify;
		atomic_store(&shared->state, state);
		break;
	case QP_RTS: /* its program need not be told any more */
		shared->established = 1;
		atomic_store(&shared->state, state);
		break;
	default:
		atomic_store(&shared->state, state);
	}
}

static bool check(const struct qp *qp, const struct qp_attr *attr, uint32_t mask)
{
	const struct shared_qp *shared = qp->shared;
	uint32_t from = atomic_load(&shared->state);
	uint32_t to = mask & QP_ATTR_STATE ? attr->state : from;

	/* what the caller takes the state for has to be it */
	if (mask & CUR && (!cur_state_is_valid(attr->cur_state) || attr->cur_state != from))
		return false;
	return values_are_valid(qp->context->device, attr, mask) &&
	       qp_may_modify(shared->type, from, to, mask);
}

int qp_modify(struct qp *qp, const struct qp_attr *attr, uint32_t mask)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_qp *shared = qp->shared;
	bool valid;

	/* what has left goes where it was sent to */
	if (!context_took(&shared->head, qp->number) &&
	    (mask & AV || (mask & QP_ATTR_STATE && attr->state == QP_RESET)))
		flight_settle(fabric, shared);
	qp_lock_send(fabric, shared);
	qp_lock_receive(fabric, shared);
	valid = !context_took(&shared->head, qp->number) && check(qp, attr, mask);
	if (valid) {
		set_values(shared, attr, mask);
		if (mask & QP_ATTR_STATE)
			enter_state(qp, attr->state, mask & NOTIFY && attr->en_sqd_async_notify);
	}
	lock_drop(&shared->receive_lock);
	if (valid && atomic_load(&shared->state) != QP_RESET)
		progress_qp(fabric, shared, 0);
	lock_drop(&shared->send_lock);
	progress_todo(fabric);
	if (!valid)
		return fail(EINVAL);
	/* a peer that may not touch our memory needs somebody here to take what it sends,
	 * also of a program that only waits to be written to
	 */
	if (mask & QP_ATTR_STATE && attr->state == QP_RTR &&
	    qp->context->device->transport != TRANSPORT_DIRECT)
		watchdog_want(fabric, INT64_MAX);
	return 0;
}

void qp_query(struct qp *qp, struct qp_attr *attr)
{
	struct fabric *fabric = qp->context->fabric;
	struct shared_qp *shared = qp->shared;

	qp_lock_send(fabric, shared);
	qp_lock_receive(fabric, shared);
	*attr = (struct qp_attr){
		.state = atomic_load(&shared->state),
		.cur_state = atomic_load(&shared->state),
		.access = shared->access,
		.pkey_index = shared->pkey_index,
		.port = 1,
		.qkey = shared->qkey,
		.path_mtu = shared->path_mtu,
		.timeout = shared->timeout,
		.retry_count = shared->retry_count,
		.rnr_retry = shared->rnr_retry,
		.rq_psn = shared->rq_psn,
		.sq_psn = shared->sq_psn,
		.dest_qpn = shared->dest_qpn,
		.max_rd_atomic = shared->max_rd_atomic,
		.max_dest_rd_atomic = shared->max_dest_rd_atomic,
		.min_rnr_timer = shared->min_rnr_timer,
		.path = shared->path,
	};
	attr->sq_draining = attr->state == QP_SQD &&
			    atomic_load(&shared->sq_acked) != atomic_load(&shared->sq_sent);
	lock_drop(&shared->receive_lock);
	lock_drop(&shared->send_lock);
}
