/* SPDX-License-Identifier: Apache-2.0 */
/* Whether all is as the model says. */
#include "random-world.h"

#include "clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LONGEST 30000 /* ms, while something moves */

void world_wrong(struct world *world, const char *what, const char *format, ...)
{
	va_list args;

	if (world->wrong)
		return;
	world->wrong = what;
	va_start(args, format);
	vsnprintf(world->where, sizeof(world->where), format, args);
	va_end(args);
}

/* What is different, for world_wrong(). */
struct difference {
	const char *what;
	char where[160];
};

static bool differ(struct difference *d, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool differ(struct difference *d, const char *what, const char *format, ...)
{
	va_list args;

	d->what = what;
	va_start(args, format);
	vsnprintf(d->where, sizeof(d->where), format, args);
	va_end(args);
	return true;
}

static bool is_different(struct difference *d, const char *what, uint32_t process,
			 const char *object, uint32_t slot, uint64_t is, uint64_t should)
{
	return is != should &&
	       differ(d, what, "process %u %s %u: %llu instead of %llu", process, object, slot,
		      (unsigned long long)is, (unsigned long long)should);
}

/* --- queues --- */

static uint64_t waiting(struct shared_rq *rq)
{
	return atomic_load(&rq->posted) - atomic_load(&rq->taken);
}

static bool is_member(struct world *world, uint32_t p, uint32_t qpn, uint32_t group)
{
	uint32_t device = world->model.process[p].device;
	struct shared_group *found;
	uint8_t gid[16];

	model_gid(group, gid);
	found = group_find(&world->look, device, gid, world->ethernet ? 0 : LID_OF_GROUPS + group);
	for (uint32_t i = 0; found && i < GROUP_MEMBERS; i++)
		if (atomic_load(&found->qpn[i]) == qpn)
			return true;
	return false;
}

static bool groups_differ(struct world *world, uint32_t p, uint32_t slot, struct difference *d)
{
	const struct model_qp *qp = &world->model.process[p].qp[slot];

	for (uint32_t i = 1; i <= GROUPS; i++)
		if (is_different(d, "member: of a group", p, "qp", slot,
				 is_member(world, p, qp->number, i), qp->group[i]))
			return true;
	return false;
}

/* strict=yes: what waits for a receive request has been tried, and looked at, once. */
static bool is_untried(struct world *world, const struct model_qp *qp, struct shared_qp *shared)
{
	uint64_t slot = qp->acked & (shared->sq_capacity - 1);
	const struct shared_sqe *sqe;

	if (!world->model.strict || !model_waits(qp))
		return false;
	sqe = segment_at(&world->look.segment, shared->sq_at + slot * shared->sq_stride);
	return *(const volatile uint32_t *)&sqe->checksum;
}

static bool qp_differs(struct world *world, uint32_t p, uint32_t slot, struct difference *d)
{
	struct model_qp *qp = &world->model.process[p].qp[slot];
	struct shared_qp *shared;

	if (!qp->used)
		return false;
	shared = qp_find(&world->look, world->model.process[p].device, qp->number);
	if (!shared)
		return differ(d, "gone: a queue pair", "process %u qp %u", p, slot);
	if (is_untried(world, qp, shared))
		return differ(d, "untried: a send request", "process %u qp %u", p, slot);
	if (qp->type == QP_UD && groups_differ(world, p, slot, d))
		return true;
	return is_different(d, "state: of a queue pair", p, "qp", slot, atomic_load(&shared->state),
			    qp->state) ||
	       is_different(d, "posted: send requests", p, "qp", slot,
			    atomic_load(&shared->sq_posted), qp->posted) ||
	       is_different(d, "completed: send requests", p, "qp", slot,
			    atomic_load(&shared->sq_acked), qp->acked) ||
	       is_different(d, "freed: send slots", p, "qp", slot, atomic_load(&shared->sq_freed),
			    qp->freed) ||
	       is_different(d, "waiting: receive requests", p, "qp", slot, waiting(&shared->rq),
			    qp->rq.count);
}

static bool cq_differs(struct world *world, uint32_t p, uint32_t slot, struct difference *d)
{
	const struct model_cq *cq = &world->model.process[p].cq[slot];
	const struct shared_device *device =
		fabric_device(&world->look, world->model.process[p].device);
	struct shared_cq *shared;
	uint64_t count;

	if (!cq->used)
		return false;
	shared = (struct shared_cq *)table_find(&world->look.segment, &device->cq,
						world->process[p].cq[slot]);
	if (!shared)
		return differ(d, "gone: a completion queue", "process %u cq %u", p, slot);
	count = atomic_load(&shared->produced) - atomic_load(&shared->consumed);
	return is_different(d, "overrun: of a completion queue", p, "cq", slot,
			    atomic_load(&shared->overrun), cq->overrun) ||
	       (!cq->overrun &&
		is_different(d, "completions: in a queue", p, "cq", slot, count, cq->count));
}

static bool srq_differs(struct world *world, uint32_t p, uint32_t slot, struct difference *d)
{
	const struct model_srq *srq = &world->model.process[p].srq[slot];
	const struct shared_device *device =
		fabric_device(&world->look, world->model.process[p].device);
	struct shared_srq *shared;

	if (!srq->used)
		return false;
	shared = (struct shared_srq *)table_find(&world->look.segment, &device->srq, srq->number);
	if (!shared)
		return differ(d, "gone: a shared receive queue", "process %u srq %u", p, slot);
	return is_different(d, "waiting: shared receive requests", p, "srq", slot,
			    waiting(&shared->rq), srq->rq.count);
}

/* A ring of mail begins with its head and its tail (mailbox.c). */
static bool has_mail(struct world *world, uint32_t p)
{
	const struct shared_process *process =
		&world->look.segment.header->process[world->process[p].place];
	const uint64_t at[] = { process->requests_at, process->responses_at };

	for (int i = 0; i < 2; i++) {
		_Atomic uint64_t *ring = segment_at(&world->look.segment, at[i]);

		if (at[i] && atomic_load(&ring[0]) != atomic_load(&ring[1]))
			return true;
	}
	return false;
}

/* What has left a queue pair of UC or UD, and has not arrived. */
static bool has_flights(struct world *world, uint32_t p)
{
	for (uint32_t i = 0; i < QPS; i++) {
		const struct model_qp *qp = &world->model.process[p].qp[i];
		struct shared_qp *shared =
			qp->used ? qp_find(&world->look, world->model.process[p].device, qp->number)
				 : NULL;

		if (shared &&
		    atomic_load(&shared->flights_begun) != atomic_load(&shared->flights_ended))
			return true;
	}
	return false;
}

static bool events_differ(struct world *world, uint32_t p, struct difference *d)
{
	const struct model_process *model = &world->model.process[p];
	const struct desk *desk = world->process[p].desk;

	/* whether a message comes before the step to RTS is a matter of time */
	for (uint32_t i = 0; i < EVENT_TYPES; i++)
		if (i != EVENT_COMM_EST && is_different(d, "events: of one type", p, "event", i,
							desk->events[i], model->events[i]))
			return true;
	return is_different(d, "events: of completions", p, "channel", 0, desk->completion_events,
			    model->completion_events);
}

static bool queues_differ(struct world *world, uint32_t p, struct difference *d)
{
	for (uint32_t i = 0; i < QPS; i++)
		if (qp_differs(world, p, i, d))
			return true;
	for (uint32_t i = 0; i < CQS; i++)
		if (cq_differs(world, p, i, d))
			return true;
	for (uint32_t i = 0; i < SRQS; i++)
		if (srq_differs(world, p, i, d))
			return true;
	if (events_differ(world, p, d))
		return true;
	if (has_flights(world, p))
		return differ(d, "flights: are left", "process %u", p);
	return has_mail(world, p) && differ(d, "mail: is left", "process %u", p);
}

/* --- memory --- */

static bool memory_differs(struct world *world, uint32_t p, struct difference *d)
{
	static const char *const zones[] = { "sources", "targets", "received" };
	const uint8_t *is = world->process[p].memory, *should = world->model.process[p].memory;
	uint32_t at = 0, end = ARENA;

	if (!memcmp(is, should, ARENA))
		return false;
	while (is[at] == should[at])
		at++;
	while (is[end - 1] == should[end - 1])
		end--;
	return differ(d, "memory: of a process", "process %u, %s, bytes %u to %u", p,
		      zones[at / ZONE], at, end - 1);
}

static bool store_differs(struct world *world, uint32_t p, struct difference *d)
{
	const struct model_process *model = &world->model.process[p];
	const struct shared_device *device = fabric_device(&world->look, model->device);
	const uint8_t *is, *should = model->memory + ARENA;
	const struct shared_mr *shared;
	uint32_t at = 0;

	if (!model->alive || !model->dm)
		return false;
	shared = (const struct shared_mr *)table_find(&world->look.segment, &device->dm,
						      model->dm_number);
	if (!shared)
		return differ(d, "gone: device memory", "process %u", p);
	is = segment_at(&world->look.segment, shared->addr);
	while (at < STORE && is[at] == should[at])
		at++;
	return at < STORE && differ(d, "store: device memory", "process %u, from byte %u", p, at);
}

/* strict=yes: how many requests' memory has changed, as they have said. */
static bool told_differs(struct world *world, struct difference *d)
{
	off_t size = lseek(world->said, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);
	uint32_t lines = 0;

	if (text && pread(world->said, text, (size_t)size, 0) == size)
		for (char *at = text; (at = strstr(at, TOLD)); at++)
			lines++;
	free(text);
	return lines != world->model.told && differ(d, "told: that requests have changed",
						    "%u instead of %u", lines, world->model.told);
}

static bool differs(struct world *world, struct difference *d)
{
	for (uint32_t p = 0; p < world->model.processes; p++)
		if (world->model.process[p].alive && queues_differ(world, p, d))
			return true;
	for (uint32_t p = 0; p < world->model.processes; p++)
		if (memory_differs(world, p, d) || store_differs(world, p, d))
			return true;
	return world->model.strict && told_differs(world, d);
}

/* --- waiting --- */

/* Something that changes as long as anything moves; who waits for a receive request asks
 * for ever.
 */
static uint64_t fingerprint(struct world *world)
{
	uint64_t sum = 0;

	for (uint32_t p = 0; p < world->model.processes; p++)
		for (uint32_t i = 0; i < QPS; i++) {
			const struct model_qp *qp = &world->model.process[p].qp[i];
			struct shared_qp *shared =
				qp_find(&world->look, world->model.process[p].device, qp->number);

			if (qp->used && shared)
				sum += atomic_load(&shared->timeouts) +
				       atomic_load(&shared->sq_acked) +
				       atomic_load(&shared->rx_messages);
		}
	return sum;
}

static void let_all_progress(struct world *world)
{
	struct command command = { .kind = COMMAND_PROGRESS };
	struct reply reply;

	for (uint32_t p = 0; p < world->model.processes; p++)
		if (world->process[p].pid && !world_command(world, p, &command, &reply))
			return;
}

void world_settle(struct world *world)
{
	const struct timespec nap = { .tv_nsec = 50000 };
	int64_t begin = clock_ms(), moved = begin, now;
	uint64_t seen = 0, next;
	struct difference d;

	for (uint32_t round = 0; !world->wrong && differs(world, &d); round++) {
		let_all_progress(world);
		if (round > 3)
			nanosleep(&nap, NULL);
		now = clock_ms();
		next = fingerprint(world);
		if (next != seen)
			moved = now;
		seen = next;
		if (now - moved > world->options.patience || now - begin > LONGEST)
			world_wrong(world, d.what, "%s", d.where);
	}
}
