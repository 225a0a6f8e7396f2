/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that post, poll and arm. */
#include "random-world.h"

#include <errno.h>
#include <string.h>

/* --- requests --- */

/* Addresses in device memory begin at 0. */
static uint64_t base_of(const struct world *world, uint32_t region)
{
	return region == REGION_OF_DM ? 0 : world->model.address;
}

static struct shared_sge sge_of(const struct world *world, uint32_t process,
				const struct piece *piece, enum spoil spoil)
{
	return (struct shared_sge){
		.addr = base_of(world, piece->region) + piece->offset,
		.length = piece->length,
		.key = world->model.process[process].region[piece->region].key ^
		       (spoil == SPOIL_LKEY ? 0x80 : 0),
	};
}

/* Where the request goes to, by what is there now. */
static void aim(struct world *world, const struct step *step, struct work *work)
{
	struct model *m = &world->model;
	const struct model_qp *qp = &m->process[step->process].qp[step->slot];
	bool ud = qp->type == QP_UD;
	uint32_t to = step->peer;
	const struct model_process *p;
	const struct model_window *window;

	if (!ud)
		model_find(m, qp->to_device, qp->to_qpn, &to);
	p = &m->process[to];
	work->to_device = p->device;
	work->to_qpn = p->qp[step->peer_slot].number;
	work->qkey = step->spoil == SPOIL_QKEY ? 0x80000000 : p->qp[step->peer_slot].qkey;
	work->srqn = p->srq[SRQ_OF_XRC].number + (step->spoil == SPOIL_SRQ ? 256 : 0);
	work->group = step->group;
	work->remote_addr = base_of(world, step->remote) + step->remote_offset;
	if (step->spoil == SPOIL_END)
		work->remote_addr = base_of(world, step->remote) +
				    (step->remote == REGION_OF_DM ? STORE : ARENA) - 7;
	if (step->spoil == SPOIL_ALIGN)
		work->remote_addr++;
	if (step->remote < REGIONS) {
		work->rkey = p->region[step->remote].key;
	} else {
		window = &p->window[step->remote - REGIONS];
		work->rkey = window->key;
		if (window->bound && window->iova != window->addr)
			work->remote_addr -= window->addr;
	}
	if (step->spoil == SPOIL_RKEY)
		work->rkey ^= 0x80;
	if (step->opcode == WR_SEND_WITH_INV)
		work->imm = p->window[step->window].key;
}

static void aim_local(struct world *world, const struct step *step, struct work *work)
{
	const struct model_process *p = &world->model.process[step->process];

	if (step->opcode == WR_LOCAL_INV)
		work->imm = p->window[step->window].key;
	if (step->opcode != WR_BIND_MW)
		return;
	work->sges = 0;
	work->window = p->window[step->window].key;
	work->window_key = step->imm & 0xff;
	work->region_key = p->region[step->sge[0].region].key;
	work->window_access = step->window_access;
	work->window_addr = world->model.address + step->sge[0].offset;
	work->window_length = step->sge[0].length;
}

static struct work work_of(struct world *world, const struct step *step)
{
	struct work work = {
		.wr_id = (uint64_t)++world->works << 32,
		.opcode = step->opcode,
		.flags = step->flags,
		.imm = step->imm,
		.sges = step->sges,
		.compare_add = step->compare_add,
		.swap = step->swap,
		.global = step->global || step->group || world->ethernet,
		.traffic_class = (uint8_t)step->imm,
		.flow_label = step->imm >> 12,
	};

	for (uint32_t i = 0; i < step->sges; i++)
		work.sge[i] = sge_of(world, step->process, &step->sge[i], step->spoil);
	if (step->flags & SEND_INLINE) {
		work.inline_length = step->sge[0].length;
		work.sges = 0;
	}
	return work;
}

static void compare_posted(struct world *world, const struct reply *reply, uint32_t count,
			   int error)
{
	if ((uint32_t)reply->rc != count)
		world_wrong(world, "post: of requests", "%d instead of %u", reply->rc, count);
	world_refused(world, "post: of requests", reply->error, error);
}

void world_send(struct world *world, const struct step *step)
{
	struct model_qp *qp = &world->model.process[step->process].qp[step->slot];
	struct command c = { .kind = COMMAND_SEND, .slot = step->slot, .count = step->count };
	uint32_t count = 0;
	struct reply reply;
	int error = 0;

	if (!qp->used)
		return;
	c.work = work_of(world, step);
	aim(world, step, &c.work);
	aim_local(world, step, &c.work);
	for (; count < step->count && !error; count += !error)
		error = model_send(&world->model, step->process, qp, &c.work);
	c.work.wr_id += qp->posted - count;
	if (world_command(world, step->process, &c, &reply))
		compare_posted(world, &reply, count, error);
}

static bool somebody_waits(const struct world *world)
{
	for (uint32_t p = 0; p < world->model.processes; p++)
		for (uint32_t i = 0; i < QPS && world->model.process[p].alive; i++)
			if (model_waits(&world->model.process[p].qp[i]))
				return true;
	return false;
}

void world_receive(struct world *world, const struct step *step)
{
	struct model_process *p = &world->model.process[step->process];
	bool shared = step->object == OBJECT_SRQ;
	struct model_srq *srq = &p->srq[step->slot % SRQS];
	struct command c = { .kind = COMMAND_RECEIVE,
			     .object = step->object,
			     .slot = step->slot,
			     .count = step->count };
	struct work work;
	uint32_t count = 0;
	struct reply reply;
	int error = 0;

	if (!world_has(p, step->object, step->slot))
		return;
	/* one is not filled while the other gets its message */
	if (world->model.strict && somebody_waits(world))
		c.count = 1;
	c.work = work = work_of(world, step);
	for (; count < c.count && !error; count += !error, work.wr_id++)
		error = shared ? model_receive(&world->model, step->process, &srq->rq, srq->pd,
					       &work)
			       : model_qp_receive(&world->model, step->process, &p->qp[step->slot],
						  &work);
	if (world_command(world, step->process, &c, &reply))
		compare_posted(world, &reply, count, error);
}

bool world_hurts_itself(const struct world *world, uint32_t process, uint32_t slot, uint32_t group)
{
	struct model_process *p = (struct model_process *)&world->model.process[process];
	const struct model_qp *qp = &p->qp[slot];

	if (!qp->used || !qp->group[group])
		return false;
	for (uint32_t i = 0; i < qp->rq.count; i++)
		if (!model_open_local(&world->model, p, &qp->rq.work[i], UINT64_MAX,
				      ACCESS_LOCAL_WRITE, qp->pd))
			return true;
	return qp->state != QP_RTS;
}

/* --- completions --- */

static void compare_entry(struct world *world, const struct step *step,
			  const struct shared_cqe *entry)
{
	struct model_cq *cq = &world->model.process[step->process].cq[step->slot];
	const char *what = model_poll(&world->model, step->process, step->slot, entry);
	const struct expected *e = &cq->expected[0];

	for (uint32_t i = 0; what && i < cq->count; i++)
		if (cq->expected[i].qpn == entry->qpn &&
		    cq->expected[i].receive == entry->receive) {
			e = &cq->expected[i];
			break;
		}
	if (what)
		world_wrong(world, what,
			    "qpn 0x%x %s wr_id 0x%llx status %u opcode %u bytes %u flags 0x%x; "
			    "wr_id 0x%llx status %u bytes %u",
			    entry->qpn, entry->receive ? "receive" : "send",
			    (unsigned long long)entry->wr_id, entry->status, entry->opcode,
			    entry->byte_len, entry->flags, (unsigned long long)e->wr_id, e->status,
			    e->byte_len);
}

void world_poll(struct world *world, const struct step *step)
{
	struct model_cq *cq = &world->model.process[step->process].cq[step->slot];
	struct command c = { .kind = COMMAND_POLL, .slot = step->slot, .count = step->count };
	int expected = (int)(cq->count < step->count ? cq->count : step->count);
	struct reply reply;

	if (!cq->used || !world_command(world, step->process, &c, &reply))
		return;
	if (reply.rc != expected && !cq->overrun)
		world_wrong(world, "poll: of completions", "%d instead of %d", reply.rc, expected);
	if (reply.rc < 0 && reply.error == EOVERFLOW)
		cq->count = 0; /* the others are lost */
	else if (reply.rc < 0)
		world_wrong(world, "poll: of completions", "%s", strerror(reply.error));
	for (int i = 0; i < reply.rc && !world->wrong; i++)
		compare_entry(world, step, &reply.entry[i]);
}

void world_arm(struct world *world, const struct step *step)
{
	struct model_cq *cq = &world->model.process[step->process].cq[step->slot];
	struct command c = { .kind = COMMAND_ARM, .slot = step->slot, .count = step->flags };
	struct reply reply;

	if (!cq->used)
		return;
	model_arm(cq, step->flags & SEND_SOLICITED);
	world_command(world, step->process, &c, &reply);
}
