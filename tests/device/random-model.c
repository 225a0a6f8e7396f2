/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and queues; random-model-run.c carries requests out. */
#include "random-model.h"

#include <errno.h>
#include <string.h>

const uint32_t model_types[QPS] = { QP_RC, QP_RC, QP_RC, QP_UC, QP_UD, QP_XRC_SEND, QP_XRC_RECV };

void model_gid(uint32_t group, uint8_t gid[16])
{
	memset(gid, 0, 16);
	gid[0] = 0xff;
	gid[1] = 0x12;
	gid[15] = (uint8_t)group;
}

struct model_qp *model_find(struct model *m, uint32_t device, uint32_t number, uint32_t *process)
{
	for (uint32_t p = 0; p < m->processes; p++)
		for (uint32_t i = 0; i < QPS; i++) {
			struct model_qp *qp = &m->process[p].qp[i];

			if (!m->process[p].alive || m->process[p].device != device || !qp->used ||
			    qp->number != number)
				continue;
			*process = p;
			return qp;
		}
	return NULL;
}

bool model_reliable(const struct model_qp *qp)
{
	return qp->type == QP_RC || qp->type == QP_XRC_SEND || qp->type == QP_XRC_RECV;
}

/* --- completions --- */

void model_complete(struct model *m, uint32_t process, uint32_t cq, struct expected expected)
{
	struct model_cq *to = &m->process[process].cq[cq];

	if (m->fault == FAULT_LOST && expected.status && expected.status != WC_WR_FLUSH_ERR)
		return;
	if (to->count == to->capacity && !to->overrun) {
		to->overrun = true;
		m->process[process].events[EVENT_CQ_ERR]++;
	}
	if (!to->overrun &&
	    (to->armed || (to->armed_solicited && (expected.solicited || expected.status)))) {
		to->armed = to->armed_solicited = false;
		m->process[process].completion_events++;
	}
	if (to->count < CQ_DEPTH)
		to->expected[to->count++] = expected;
}

static const char *compare(const struct expected *e, const struct shared_cqe *entry)
{
	if (entry->wr_id != e->wr_id)
		return "order: a completion was lost, doubled or overtaken";
	if (e->or_flushed && entry->status == WC_WR_FLUSH_ERR)
		return NULL;
	if (entry->status != e->status)
		return "status: of a completion";
	if (e->status)
		return NULL;
	if (entry->opcode != e->opcode)
		return "opcode: of a completion";
	if (e->byte_len != UINT32_MAX && entry->byte_len != e->byte_len)
		return "byte_len: of a completion";
	if (entry->flags != e->flags)
		return "flags: of a completion";
	if (e->flags & (WC_WITH_IMM | WC_WITH_INV) && entry->imm != e->imm)
		return "imm: of a completion";
	if (e->src_qpn && entry->src_qpn != e->src_qpn)
		return "src_qpn: of a completion";
	return NULL;
}

static void drop(struct model_cq *cq, uint32_t i)
{
	memmove(&cq->expected[i], &cq->expected[i + 1],
		(--cq->count - i) * sizeof(cq->expected[0]));
}

/* The first that ENTRY can be; after an overrun those before it may be lost. */
static const char *find_expected(struct model_cq *cq, const struct shared_cqe *entry,
				 uint32_t *found)
{
	uint32_t i = 0;

	while (i < cq->count) {
		const struct expected *e = &cq->expected[i];

		if (e->qpn != entry->qpn || e->receive != entry->receive) {
			i++;
		} else if (cq->overrun && e->wr_id != entry->wr_id) {
			drop(cq, i);
		} else {
			*found = i;
			return NULL;
		}
	}
	return "order: a completion that nobody waits for";
}

const char *model_poll(struct model *m, uint32_t process, uint32_t cq,
		       const struct shared_cqe *entry)
{
	struct model_cq *from = &m->process[process].cq[cq];
	uint32_t owner, i = 0;
	const char *wrong = find_expected(from, entry, &i);

	if (!wrong)
		wrong = compare(&from->expected[i], entry);
	if (wrong)
		return wrong;
	drop(from, i);
	if (!entry->receive) {
		struct model_qp *qp = model_find(m, m->process[process].device, entry->qpn, &owner);

		/* wr_ids of a queue pair count its requests */
		if (qp)
			qp->freed = (entry->wr_id & 0xffffffff) + 1;
	}
	return NULL;
}

/* Those of XRC's receive queues are not the queue pair's. */
static void forget(struct model_cq *cq, uint32_t qpn)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < cq->count; i++)
		if (cq->expected[i].qpn != qpn || cq->expected[i].xrc)
			cq->expected[kept++] = cq->expected[i];
	cq->count = kept;
}

/* --- failing --- */

struct work model_take(struct model *m, uint32_t process, struct model_rq *rq)
{
	uint32_t i = m->fault == FAULT_SWAP ? rq->count - 1 : 0;
	struct work work = rq->work[i];

	rq->count--;
	memmove(&rq->work[i], &rq->work[i + 1], (rq->count - i) * sizeof(rq->work[0]));
	if (rq->count < rq->limit) {
		rq->limit = 0;
		m->process[process].events[EVENT_SRQ_LIMIT_REACHED]++;
	}
	return work;
}

void model_arm(struct model_cq *cq, bool solicited)
{
	cq->armed |= !solicited;
	cq->armed_solicited |= solicited;
}

/* What it still has to send is flushed by model_run(). */
void model_fail(struct model *m, uint32_t process, struct model_qp *qp, enum event_type event)
{
	uint32_t *events = m->process[process].events;

	if (qp->state != QP_ERR && event != EVENT_NONE)
		events[event]++;
	if (!qp->last_event && (qp->srq >= 0 || qp->type == QP_XRC_RECV)) {
		qp->last_event = true;
		events[EVENT_QP_LAST_WQE_REACHED]++;
	}
	qp->state = QP_ERR;
	while (qp->srq < 0 && qp->rq.count)
		model_complete(m, process, qp->recv_cq,
			       (struct expected){ .qpn = qp->number,
						  .receive = true,
						  .wr_id = model_take(m, process, &qp->rq).wr_id,
						  .status = WC_WR_FLUSH_ERR });
}

static void reset(struct model *m, uint32_t process, struct model_qp *qp)
{
	struct model_process *p = &m->process[process];

	for (uint32_t i = 0; i < CQS; i++)
		forget(&p->cq[i], qp->number);
	qp->rq.count = 0;
	qp->posted = qp->acked = qp->freed = 0;
	qp->last_event = false;
	qp->state = QP_RESET;
}

/* --- verbs --- */

static void create_qp(struct model_qp *qp, uint32_t slot, const struct making *making,
		      uint32_t number)
{
	*qp = (struct model_qp){
		.used = true,
		.number = number,
		.type = model_types[slot],
		.state = QP_RESET,
		.pd = making->pd,
		.send_cq = making->cq,
		.recv_cq = making->recv_cq,
		.srq = making->srq,
		.sig_all = making->sig_all,
		.capacity = making->capacity,
		.rq.capacity = making->receives,
	};
}

/* Device memory begins at 0. */
static uint64_t start_of(const struct model *m, uint32_t region)
{
	return region == REGION_OF_DM ? 0 : m->address;
}

void model_create(struct model *m, uint32_t process, enum object object, uint32_t slot,
		  const struct making *making, uint32_t number)
{
	struct model_process *p = &m->process[process];

	switch (object) {
	case OBJECT_PD:
		p->pd[slot] = true;
		break;
	case OBJECT_CQ:
		p->cq[slot] = (struct model_cq){ .used = true, .capacity = making->capacity };
		break;
	case OBJECT_SRQ:
		p->srq[slot] = (struct model_srq){ .used = true,
						   .number = number,
						   .pd = making->pd,
						   .cq = making->cq,
						   .rq.capacity = making->capacity };
		break;
	case OBJECT_QP:
		create_qp(&p->qp[slot], slot, making, number);
		break;
	case OBJECT_REGION:
		p->region[slot] = (struct model_region){ .used = true,
							 .key = number,
							 .pd = making->pd,
							 .store = slot == REGION_OF_DM,
							 .access = making->access,
							 .addr = start_of(m, slot) + making->offset,
							 .length = making->length };
		break;
	case OBJECT_WINDOW:
		p->window[slot] = (struct model_window){
			.used = true, .type1 = slot == WINDOW_1, .key = number, .pd = making->pd
		};
		break;
	case OBJECT_DM:
		p->dm = true;
		p->dm_number = number;
		for (uint32_t i = 0; i < STORE; i++)
			p->memory[ARENA + i] = store_byte(i);
		break;
	}
}

static bool pd_is_used(const struct model_process *p, uint32_t slot)
{
	for (uint32_t i = 0; i < QPS; i++)
		if (p->qp[i].used && p->qp[i].type != QP_XRC_RECV && p->qp[i].pd == slot)
			return true;
	for (uint32_t i = 0; i < SRQS; i++)
		if (p->srq[i].used && p->srq[i].pd == slot)
			return true;
	for (uint32_t i = 0; i < REGIONS; i++)
		if (p->region[i].used && p->region[i].pd == slot)
			return true;
	for (uint32_t i = 0; i < WINDOWS; i++)
		if (p->window[i].used && p->window[i].pd == slot)
			return true;
	return false;
}

static bool cq_is_used(const struct model_process *p, uint32_t slot)
{
	for (uint32_t i = 0; i < QPS; i++) {
		const struct model_qp *qp = &p->qp[i];

		if (qp->used && qp->type != QP_XRC_RECV && qp->send_cq == slot)
			return true;
		if (qp->used && qp->type < QP_XRC_SEND && qp->recv_cq == slot)
			return true;
	}
	return p->srq[SRQ_OF_XRC].used && p->srq[SRQ_OF_XRC].cq == slot;
}

static bool srq_is_used(const struct model_process *p, uint32_t slot)
{
	for (uint32_t i = 0; i < QPS; i++)
		if (p->qp[i].used && p->qp[i].srq == (int)slot)
			return true;
	return false;
}

static bool region_is_used(const struct model_process *p, uint32_t slot)
{
	for (uint32_t i = 0; i < WINDOWS; i++)
		if (p->window[i].used && p->window[i].bound &&
		    p->window[i].region_key == p->region[slot].key)
			return true;
	return false;
}

static bool dm_is_used(const struct model_process *p, uint32_t slot)
{
	(void)slot;
	return p->region[REGION_OF_DM].used;
}

static bool qp_is_used(const struct model_process *p, uint32_t slot)
{
	for (uint32_t i = 1; i <= GROUPS; i++)
		if (p->qp[slot].group[i])
			return true;
	return false;
}

int model_destroy(struct model *m, uint32_t process, enum object object, uint32_t slot)
{
	static bool (*const is_used[])(const struct model_process *p, uint32_t slot) = {
		[OBJECT_PD] = pd_is_used,   [OBJECT_CQ] = cq_is_used,
		[OBJECT_SRQ] = srq_is_used, [OBJECT_QP] = qp_is_used,
		[OBJECT_DM] = dm_is_used,   [OBJECT_REGION] = region_is_used,
		[OBJECT_WINDOW] = NULL,
	};
	struct model_process *p = &m->process[process];
	bool *const used[] = {
		[OBJECT_PD] = &p->pd[slot % PDS],
		[OBJECT_CQ] = &p->cq[slot % CQS].used,
		[OBJECT_SRQ] = &p->srq[slot % SRQS].used,
		[OBJECT_QP] = &p->qp[slot % QPS].used,
		[OBJECT_REGION] = &p->region[slot % REGIONS].used,
		[OBJECT_WINDOW] = &p->window[slot % WINDOWS].used,
		[OBJECT_DM] = &p->dm,
	};

	if (is_used[object] && is_used[object](p, slot))
		return EBUSY;
	if (object == OBJECT_QP)
		reset(m, process, &p->qp[slot]);
	*used[object] = false;
	return 0;
}

int model_resize(struct model *m, uint32_t process, enum object object, uint32_t slot,
		 uint32_t capacity)
{
	struct model_process *p = &m->process[process];
	bool cq = object == OBJECT_CQ;
	uint32_t count = cq ? p->cq[slot].count : p->srq[slot].rq.count;

	if (count > capacity || (!cq && p->srq[slot].rq.limit > capacity))
		return EINVAL;
	*(cq ? &p->cq[slot].capacity : &p->srq[slot].rq.capacity) = capacity;
	return 0;
}

int model_limit(struct model *m, uint32_t process, uint32_t slot, uint32_t limit)
{
	struct model_rq *rq = &m->process[process].srq[slot].rq;

	if (limit > rq->capacity)
		return EINVAL;
	rq->limit = limit;
	return 0;
}

int model_attach(struct model_qp *qp, uint32_t group)
{
	if (qp->type != QP_UD)
		return EINVAL;
	qp->group[group] = true;
	return 0;
}

int model_detach(struct model_qp *qp, uint32_t group)
{
	if (!qp->group[group])
		return EINVAL;
	qp->group[group] = false;
	return 0;
}

int model_copy(struct model *m, uint32_t process, const struct making *where, uint32_t byte)
{
	uint8_t *store = m->process[process].memory + ARENA;

	if (!model_covers(where->offset, where->length, 0, STORE))
		return EINVAL;
	for (uint32_t i = 0; i < where->length && m->fault != FAULT_STORE; i++)
		store[where->offset + i] = (uint8_t)(byte + i);
	return 0;
}

int model_reregister(struct model *m, uint32_t process, uint32_t slot, uint32_t flags,
		     const struct making *making)
{
	struct model_process *p = &m->process[process];
	struct model_region *region = &p->region[slot];

	if (flags & 1 && region->store)
		return EINVAL;
	if (region_is_used(p, slot))
		return EBUSY;
	if (flags & 1) {
		region->addr = m->address + making->offset;
		region->length = making->length;
	}
	if (flags & 2)
		region->pd = making->pd;
	if (flags & 4)
		region->access = making->access;
	return 0;
}

int model_modify(struct model *m, uint32_t process, struct model_qp *qp,
		 const struct change *change)
{
	static const uint32_t from[] = {
		[QP_RESET] = 0x7f,
		[QP_INIT] = 1 << QP_RESET | 1 << QP_INIT,
		[QP_RTR] = 1 << QP_INIT,
		[QP_RTS] = 1 << QP_RTR | 1 << QP_RTS | 1 << QP_SQD | 1 << QP_SQE,
		[QP_SQD] = 1 << QP_RTS | 1 << QP_SQD,
		[QP_SQE] = 0,
		[QP_ERR] = 0x7f & ~(1 << QP_RESET),
	};

	if (!(from[change->state] & 1 << qp->state))
		return EINVAL;
	switch (change->state) {
	case QP_RESET:
		reset(m, process, qp);
		return 0;
	case QP_ERR:
		model_fail(m, process, qp, EVENT_NONE);
		return 0;
	case QP_INIT:
		qp->access = change->access;
		qp->qkey = change->qkey;
		break;
	case QP_RTR:
		qp->to_device = change->to_device;
		qp->to_qpn = change->to_qpn;
		break;
	case QP_RTS:
		if (qp->state == QP_RTR)
			qp->rnr_retry = change->rnr_retry;
		break;
	}
	qp->state = change->state;
	return 0;
}

/* --- posting --- */

int model_send(struct model *m, uint32_t process, struct model_qp *qp, const struct work *work)
{
	struct work *slot = &qp->work[qp->posted % DEPTH];
	struct model_process *p = &m->process[process];

	if (qp->state < QP_RTS || qp->type == QP_XRC_RECV || work->sges > SGES ||
	    work->inline_length > INLINE)
		return EINVAL;
	if (qp->posted - qp->freed == qp->capacity)
		return ENOMEM;
	*slot = *work;
	slot->wr_id = work->wr_id + qp->posted;
	if (work->inline_length)
		memcpy(slot->data, p->memory + (work->sge[0].addr - m->address),
		       work->inline_length);
	if (work->opcode == WR_RDMA_READ)
		model_fill(m, p, work, qp->pd);
	model_keep(m, p, slot, qp->pd);
	qp->posted++;
	return 0;
}

int model_receive(struct model *m, uint32_t process, struct model_rq *rq, uint32_t pd,
		  const struct work *work)
{
	if (work->sges > SGES)
		return EINVAL;
	if (rq->count == rq->capacity)
		return ENOMEM;
	rq->work[rq->count++] = *work;
	model_fill(m, &m->process[process], work, pd);
	return 0;
}

int model_qp_receive(struct model *m, uint32_t process, struct model_qp *qp,
		     const struct work *work)
{
	int error;

	if (qp->state == QP_RESET || qp->type >= QP_XRC_SEND || qp->srq >= 0)
		return EINVAL;
	error = model_receive(m, process, &qp->rq, qp->pd, work);
	if (qp->state == QP_ERR)
		model_fail(m, process, qp, EVENT_NONE);
	return error;
}

bool model_waits(const struct model_qp *qp)
{
	return qp->used && qp->state == QP_RTS && qp->acked < qp->posted;
}
