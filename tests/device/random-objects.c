/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that make objects, change and destroy them. */
#include "random-world.h"

#include <errno.h>
#include <string.h>

bool world_has(const struct model_process *p, enum object object, uint32_t slot)
{
	switch (object) {
	case OBJECT_PD:
		return p->pd[slot];
	case OBJECT_CQ:
		return p->cq[slot].used;
	case OBJECT_SRQ:
		return p->srq[slot].used;
	case OBJECT_QP:
		return p->qp[slot].used;
	case OBJECT_REGION:
		return p->region[slot].used;
	case OBJECT_WINDOW:
		return p->window[slot].used;
	case OBJECT_DM:
		return p->dm;
	}
	return false;
}

/* Whether what it is made of is there. */
static bool can_make(const struct model_process *p, enum object object, uint32_t slot,
		     const struct making *m)
{
	if (object == OBJECT_PD || object == OBJECT_CQ || object == OBJECT_DM)
		return true;
	if (!p->pd[m->pd])
		return false;
	if (object == OBJECT_REGION && slot == REGION_OF_DM)
		return p->dm;
	if (object == OBJECT_SRQ || object == OBJECT_QP)
		return p->cq[m->cq].used && p->cq[m->recv_cq].used &&
		       (m->srq < 0 || p->srq[m->srq].used);
	return true;
}

void world_create(struct world *world, uint32_t process, enum object object, uint32_t slot,
		  const struct making *making)
{
	struct model_process *p = &world->model.process[process];
	struct command c = {
		.kind = COMMAND_CREATE, .object = object, .slot = slot, .making = *making
	};
	struct reply reply;

	if (world_has(p, object, slot) || !can_make(p, object, slot, making) ||
	    !world_command(world, process, &c, &reply) ||
	    world_refused(world, "create: an object", reply.error, 0))
		return;
	if (object == OBJECT_CQ)
		world->process[process].cq[slot] = reply.number;
	model_create(&world->model, process, object, slot, making, reply.number);
}

void world_destroy(struct world *world, uint32_t process, enum object object, uint32_t slot)
{
	struct command c = { .kind = COMMAND_DESTROY, .object = object, .slot = slot };
	struct reply reply;

	if (world_has(&world->model.process[process], object, slot) &&
	    world_command(world, process, &c, &reply))
		world_refused(world, "destroy: an object", reply.error,
			      model_destroy(&world->model, process, object, slot));
}

void world_resize(struct world *world, const struct step *step)
{
	const struct model_process *p = &world->model.process[step->process];
	struct command c = { .kind = COMMAND_RESIZE,
			     .object = step->object,
			     .slot = step->slot,
			     .making = step->making };
	struct reply reply;

	/* how much is left after an overrun, the model does not know */
	if (!world_has(p, step->object, step->slot) ||
	    (step->object == OBJECT_CQ && p->cq[step->slot].overrun))
		return;
	if (world_command(world, step->process, &c, &reply))
		world_refused(world, "resize: a queue", reply.error,
			      model_resize(&world->model, step->process, step->object, step->slot,
					   step->making.capacity));
}

void world_limit(struct world *world, const struct step *step)
{
	struct command c = { .kind = COMMAND_LIMIT, .slot = step->slot, .making = step->making };
	struct reply reply;

	if (world_has(&world->model.process[step->process], OBJECT_SRQ, step->slot) &&
	    world_command(world, step->process, &c, &reply))
		world_refused(world, "limit: of a shared receive queue", reply.error,
			      model_limit(&world->model, step->process, step->slot,
					  step->making.capacity));
}

void world_reregister(struct world *world, const struct step *step)
{
	const struct model_process *p = &world->model.process[step->process];
	struct command c = { .kind = COMMAND_REREGISTER,
			     .slot = step->slot,
			     .count = step->state,
			     .making = step->making };
	struct reply reply;

	if (world_has(p, OBJECT_REGION, step->slot) && p->pd[step->making.pd] &&
	    world_command(world, step->process, &c, &reply))
		world_refused(world, "reregister: a region", reply.error,
			      model_reregister(&world->model, step->process, step->slot,
					       step->state, &step->making));
}

/* What waits may be sent when it has come in. */
static bool holds_back(const struct model_qp *qp)
{
	return qp->state == QP_SQD && qp->acked != qp->posted;
}

void world_join_group(struct world *world, const struct step *step)
{
	struct model_qp *qp = &world->model.process[step->process].qp[step->slot];
	bool in = step->kind == STEP_ATTACH;
	struct command c = { .kind = in ? COMMAND_ATTACH : COMMAND_DETACH,
			     .slot = step->slot,
			     .count = step->group };
	struct reply reply;

	if (qp->used && !(in && holds_back(qp)) && world_command(world, step->process, &c, &reply))
		world_refused(world, "group: of a queue pair", reply.error,
			      in ? model_attach(qp, step->group) : model_detach(qp, step->group));
}

/* Of what the newest request sends, when that has not been sent: else of anything. */
static struct making what_to_touch(const struct model *m, const struct step *step)
{
	const struct model_qp *qp = &m->process[step->process].qp[step->slot];
	const struct work *work = &qp->work[(qp->posted - 1) % DEPTH];
	struct making where = step->making;

	if (!qp->used || qp->posted == qp->acked || !work->sges || !work->sge[0].length ||
	    !model_covers(work->sge[0].addr, 1, m->address, ZONE))
		return where;
	where.offset = (uint32_t)(work->sge[0].addr - m->address);
	where.length = 1;
	return where;
}

/* Whoever looks at the memory sees it: it is shared. */
void world_touch(struct world *world, const struct step *step)
{
	struct making where = what_to_touch(&world->model, step);

	memset(world->process[step->process].memory + where.offset, (int)step->imm, where.length);
	memset(world->model.process[step->process].memory + where.offset, (int)step->imm,
	       where.length);
}

void world_store(struct world *world, const struct step *step)
{
	const struct making *m = &step->making;
	const uint8_t *store = world->model.process[step->process].memory + ARENA;
	struct command c = { .kind = COMMAND_STORE, .making = *m };
	struct reply reply;
	int error;

	if (!world->model.process[step->process].dm)
		return;
	c.count = step->count ? 1 + step->imm : 0;
	if (!world_command(world, step->process, &c, &reply))
		return;
	error = model_covers(m->offset, m->length, 0, STORE) ? 0 : EINVAL;
	if (step->count)
		error = model_copy(&world->model, step->process, m, step->imm);
	if (!world_refused(world, "store: of device memory", reply.error, error) && !step->count &&
	    memcmp(reply.byte, store + m->offset, m->length) != 0)
		world_wrong(world, "store: what is read from device memory", "%u bytes at %u",
			    m->length, m->offset);
}

static const struct {
	enum object object;
	uint32_t count;
} kinds[] = {
	{ OBJECT_PD, PDS },         { OBJECT_CQ, CQS }, { OBJECT_SRQ, SRQS },
	{ OBJECT_QP, QPS },         { OBJECT_DM, 1 },   { OBJECT_REGION, REGIONS },
	{ OBJECT_WINDOW, WINDOWS },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

void world_create_all(struct world *world, uint32_t process)
{
	for (uint32_t i = 0; i < KINDS; i++)
		for (uint32_t slot = 0; slot < kinds[i].count && !world->wrong; slot++) {
			struct making making =
				steps_making(world->options.seed, kinds[i].object, slot);

			world_create(world, process, kinds[i].object, slot, &making);
		}
}

static void leave_groups(struct world *world, uint32_t process)
{
	for (uint32_t slot = 0; slot < QPS; slot++)
		for (uint32_t group = 1; group <= GROUPS; group++) {
			const struct step step = { .kind = STEP_DETACH,
						   .process = process,
						   .slot = slot,
						   .group = group };

			if (world->model.process[process].qp[slot].group[group])
				world_join_group(world, &step);
		}
}

void world_destroy_all(struct world *world, uint32_t process)
{
	leave_groups(world, process);
	for (uint32_t i = KINDS; i-- > 0;)
		for (uint32_t slot = kinds[i].count; slot-- > 0 && !world->wrong;)
			world_destroy(world, process, kinds[i].object, slot);
}
