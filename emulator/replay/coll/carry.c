/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk in one phase: its plans become messages. */
#include "coll/work.h"

#include "net/watch.h"
#include "rankfile.h"

#include <stdlib.h>

/* Receives that wait at the net for one plan: enough that none is late, few enough that a
 * thousand ranks have room.
 */
#define RECEIVES        64
#define RECEIVES_BEFORE 8 /* before the phase begins */

static struct loop *loop_of(const struct work *work)
{
	return work->owner->net->loop;
}

static int fail(const struct work *work, const struct err *err)
{
	return loop_fail(loop_of(work), "%s", err->text);
}

static int fail_room(const struct work *work)
{
	return loop_fail(loop_of(work), "no room for the messages of a collective");
}

/* --- messages --- */

static int add_messages(struct collectives *owner)
{
	struct coll_messages *block = calloc(1, sizeof(*block));
	size_t i;

	if (!block)
		return -1;
	block->next = owner->blocks;
	owner->blocks = block;
	for (i = 0; i < MESSAGES; i++) {
		block->messages[i].next = owner->free;
		owner->free = &block->messages[i];
	}
	return 0;
}

/* For the ledger. */
static uint16_t op_of(const struct work *work)
{
	static const uint16_t ops[] = {
		[COLL_ALL_REDUCE] = RANKOP_ALLREDUCE,
		[COLL_ALL_GATHER] = RANKOP_ALLGATHER,
		[COLL_REDUCE_SCATTER] = RANKOP_REDUCE_SCATTER,
		[COLL_ALL_TO_ALL] = RANKOP_ALLTOALL,
		[COLL_BROADCAST] = RANKOP_BCAST,
		[COLL_REDUCE] = RANKOP_REDUCE,
		[COLL_GATHER] = RANKOP_GATHER,
		[COLL_SCATTER] = RANKOP_SCATTER,
		[COLL_BARRIER] = RANKOP_BARRIER,
	};

	return work->sizes ? RANKOP_ALLTOALLV : ops[work->coll];
}

struct coll_message *message_new(struct work *work, struct run *run, uint32_t k, bool is_send)
{
	struct collectives *owner = work->owner;
	struct coll_message *message;

	if (!owner->free && add_messages(owner) < 0) {
		fail_room(work);
		return NULL;
	}
	message = owner->free;
	owner->free = message->next;
	*message = (struct coll_message){ .work = work, .run = run, .k = k, .is_send = is_send };
	message->message.node_id = work_node(work);
	message->message.op = op_of(work);
	work->open++;
	return message;
}

void message_free(struct coll_message *message)
{
	struct collectives *owner = message->work->owner;

	message->work->open--;
	message->next = owner->free;
	owner->free = message;
}

int64_t reduction_time(const struct collectives *collectives, uint64_t bytes)
{
	double bandwidth = collectives->settings->system->memory_bw;

	return bandwidth > 0 ? 3 * (int64_t)((double)bytes / bandwidth) : 0;
}

/* --- the end of a phase --- */

static bool run_ended(const struct run *run)
{
	const struct plan *plan = &run->plan;

	if (!run->chunk)
		return true;
	return run->taken == plan->receives && run->sent == plan->sends &&
	       (plan->compat || run->gone == plan->sends);
}

void run_release(struct run *run)
{
	if (run->in != run->few_in)
		free(run->in);
	*run = (struct run){ 0 };
}

static void leave(struct chunk *chunk)
{
	struct work *work = chunk->work;
	struct queue *queue = chunk->queue;
	int64_t time = chunk->time;
	uint32_t i;

	chunk->open = false;
	verify_leave(chunk);
	for (i = 0; i < PARTS; i++)
		run_release(&chunk->runs[i]);
	queue_remove(chunk);
	chunk->length = phases_length(&work->phases[chunk->phase], chunk->length);
	chunk->phase++;
	queue_serve(work, queue, time);
	if (chunk->phase < work->phases_count)
		run_enter(chunk, time);
	else
		work_chunk_ended(chunk, time);
}

static void leave_when_ended(struct chunk *chunk, int64_t time)
{
	if (time > chunk->time)
		chunk->time = time;
	if (chunk->open && run_ended(&chunk->runs[0]) && run_ended(&chunk->runs[1]))
		leave(chunk);
}

/* --- sends --- */

static void send_done(struct net_message *net_message, int64_t time)
{
	struct coll_message *message = (struct coll_message *)net_message;
	struct work *work = message->work;
	struct run *run = message->run;

	message_free(message);
	if (work->owner->settings->compat) {
		work_put(work); /* its phase may be over */
		return;
	}
	run->gone++;
	leave_when_ended(run->chunk, time);
}

uint64_t run_tag(const struct run *run)
{
	const struct chunk *chunk = run->chunk;

	return chunk->work->tag | (uint64_t)chunk->number << 6 | (uint64_t)chunk->phase << 1 |
	       (run == &chunk->runs[1]);
}

static void fill_in(struct run *run, struct coll_message *message)
{
	const struct phase *phase = &run->chunk->work->phases[run->chunk->phase];

	message->message.peer = members_rank(&phase->members, message->step.peer);
	message->message.tag = run_tag(run);
	message->message.size = message->step.bytes;
	message->message.data = verify_data(message);
}

static int send_one(struct run *run, const struct step *step)
{
	struct work *work = run->chunk->work;
	struct coll_message *message = message_new(work, run, run->sent, true);
	struct err err;

	if (!message)
		return -1;
	message->step = *step;
	message->message.done = send_done;
	fill_in(run, message);
	run->sent++;
	work->collective->sent += step->bytes;
	return net_send(work->owner->net, &message->message, &err) < 0 ? fail(work, &err) : 0;
}

/* All whose receives are in. */
static void send_ready(struct run *run)
{
	while (run->sent < run->plan.sends) {
		if (!run->has_next)
			plan_send(&run->plan, run->sent, &run->next);
		run->has_next = run->next.needs > run->in_order;
		if (run->has_next || send_one(run, &run->next) < 0)
			return;
	}
}

/* --- receives --- */

static void take_in(struct coll_message *message, int64_t time)
{
	struct run *run = message->run;
	struct chunk *chunk = run->chunk;
	uint32_t k = message->k;

	message_free(message);
	run->in[k / 8] |= (uint8_t)(1 << k % 8);
	run->taken++;
	while (run->in_order < run->plan.receives &&
	       run->in[run->in_order / 8] >> run->in_order % 8 & 1)
		run->in_order++;
	if (chunk->open)
		send_ready(run);
	leave_when_ended(chunk, time);
}

static struct coll_message *message_of(struct loop_timer *timer)
{
	return (struct coll_message *)((char *)timer - offsetof(struct coll_message, timer));
}

static void take_later(struct coll_message *message, int64_t time,
		       void (*fire)(struct loop_timer *timer, int64_t due))
{
	message->timer.fire = fire;
	if (loop_at(loop_of(message->work), &message->timer, time) < 0)
		fail_room(message->work);
}

static void hand_off_over(struct loop_timer *timer, int64_t due)
{
	struct coll_message *message = message_of(timer);
	const struct net *net = message->work->owner->net;
	uint64_t id = work_node(message->work);
	int64_t begin = net_timer_begins(net);

	take_in(message, due);
	net_timer_ends(net, id, due, begin);
}

static void over_the_bus(struct loop_timer *timer, int64_t due)
{
	struct coll_message *message = message_of(timer);
	struct work *work = message->work;
	const struct step *step = &message->step;
	int64_t time;

	if (message->steps != BUS_END) {
		time = bus_step(work->bus, &message->steps, due, step->bytes, step->charge);
		take_later(message, time, over_the_bus);
		return;
	}
	time = due + reduction_time(work->owner, step->charge);
	if (time == due)
		hand_off_over(timer, due);
	else
		take_later(message, time, hand_off_over);
}

/* What came goes to memory, is reduced, and goes out again where something is still to be sent. */
static void has_come_in(struct loop_timer *timer, int64_t due)
{
	struct coll_message *message = message_of(timer);
	const struct run *run = message->run;

	message->steps = bus_when_in(message->step.charge, run->sent < run->plan.sends);
	over_the_bus(timer, due);
}

static int post_receives(struct run *run, uint32_t room);

static void receive_done(struct net_message *net_message, int64_t time)
{
	struct coll_message *message = (struct coll_message *)net_message;
	struct run *run = message->run;
	struct work *work = message->work;
	int64_t cost = work->delay + reduction_time(work->owner, message->step.charge);

	run->came++;
	if (post_receives(run, run->chunk->open ? RECEIVES : RECEIVES_BEFORE) < 0)
		return;
	if (work->bus)
		take_later(
			message,
			bus_step(work->bus, &(bus_steps){ BUS_IN }, time, message->step.bytes, 0),
			has_come_in);
	else if (cost > 0)
		take_later(message, time + cost, hand_off_over);
	else
		take_in(message, time);
}

static int receive_one(struct run *run)
{
	struct work *work = run->chunk->work;
	struct coll_message *message = message_new(work, run, run->posted, false);
	struct err err;

	if (!message)
		return -1;
	plan_receive(&run->plan, run->posted, &message->step);
	message->message.done = receive_done;
	fill_in(run, message);
	run->posted++;
	return net_recv(work->owner->net, &message->message, &err) < 0 ? fail(work, &err) : 0;
}

static int post_receives(struct run *run, uint32_t room)
{
	while (run->chunk && run->posted < run->plan.receives && run->posted - run->came < room)
		if (receive_one(run) < 0)
			return -1;
	return 0;
}

/* --- the begin of a phase --- */

int run_check(const struct work *work, struct err *err)
{
	uint32_t p;

	for (p = 0; p < work->phases_count; p++) {
		const struct phase *phase = &work->phases[p];
		struct plan plan = {
			.coll = phase->coll,
			.algorithm = phase->algorithm,
			.compat = work->owner->settings->compat,
			.n = phase->members.n,
			.me = phase->members.me,
			.root = work->root,
			.sizes = work->sizes,
		};

		if (plan_init(&plan, err) < 0)
			return -1;
	}
	return 0;
}

static int make_plan(struct chunk *chunk, uint32_t part, uint32_t parts)
{
	struct work *work = chunk->work;
	const struct phase *phase = &work->phases[chunk->phase];
	bool compat = work->owner->settings->compat;
	struct run *run = &chunk->runs[part];
	struct err err;

	*run = (struct run){ .chunk = chunk };
	run->plan = (struct plan){
		.coll = phase->coll,
		.algorithm = phase->algorithm,
		.compat = compat,
		.n = phase->members.n,
		.me = phase->members.me,
		.root = work->root,
		.tree = compat ? chunk->number : part,
		.length = chunk->length,
		.sizes = work->sizes,
	};
	phases_queue(work, chunk->number, chunk->phase, &run->plan.backwards);
	phases_region(chunk, part, parts, &run->plan.region);
	if (plan_init(&run->plan, &err) < 0)
		return fail(work, &err);
	run->in = run->plan.receives <= FEW ? run->few_in : calloc(1, run->plan.receives / 8 + 1);
	return run->in ? 0 : fail_room(work);
}

void run_enter(struct chunk *chunk, int64_t time)
{
	struct work *work = chunk->work;
	const struct phase *phase = &work->phases[chunk->phase];
	uint32_t parts = plan_parts(&phase->algorithm, phase->coll, work->owner->settings->compat);
	struct queue *queues = work->owner->strict ? work->queues : work->owner->queues;
	bool backwards;
	uint32_t i;

	chunk->time = time;
	for (i = 0; i < parts; i++)
		if (make_plan(chunk, i, parts) < 0)
			return;
	if (verify_enter(chunk) < 0) {
		fail_room(work);
		return;
	}
	for (i = 0; i < parts && work->owner->strict; i++)
		if (post_receives(&chunk->runs[i], RECEIVES_BEFORE) < 0)
			return;
	chunk->queue = &queues[phases_queue(work, chunk->number, chunk->phase, &backwards)];
	queue_add(chunk);
	queue_serve(work, chunk->queue, time);
}

static void open_chunk(struct chunk *chunk, int64_t due)
{
	uint32_t i;

	chunk->open = true;
	for (i = 0; i < PARTS; i++) {
		if (!chunk->runs[i].chunk)
			continue;
		if (post_receives(&chunk->runs[i], RECEIVES) < 0)
			return;
		send_ready(&chunk->runs[i]);
	}
	leave_when_ended(chunk, due);
}

static void open_phase(struct loop_timer *timer, int64_t due)
{
	struct chunk *chunk = (struct chunk *)((char *)timer - offsetof(struct chunk, timer));
	const struct net *net = chunk->work->owner->net;
	uint64_t id = work_node(chunk->work);
	int64_t begin = net_timer_begins(net);

	open_chunk(chunk, due);
	net_timer_ends(net, id, due, begin);
}

/* The first of what is sent goes out. */
static int64_t first_hand_off(struct chunk *chunk, int64_t begin)
{
	struct bus *bus = chunk->work->bus;
	int64_t time, end = begin;
	bus_steps steps;
	struct step step;

	if (!bus)
		return begin + chunk->work->delay;
	for (uint32_t i = 0; i < PARTS; i++) {
		if (!chunk->runs[i].chunk || !chunk->runs[i].plan.sends)
			continue;
		plan_send(&chunk->runs[i].plan, 0, &step);
		time = begin;
		for (steps = bus_to_send(); steps != BUS_END;)
			time = bus_step(bus, &steps, time, step.bytes, 0);
		end = time > end ? time : end;
	}
	return end;
}

void run_begin(struct chunk *chunk, int64_t time)
{
	chunk->timer.fire = open_phase;
	if (loop_at(loop_of(chunk->work), &chunk->timer, first_hand_off(chunk, time)) < 0)
		fail_room(chunk->work);
}
