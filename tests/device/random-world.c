/* SPDX-License-Identifier: Apache-2.0 */
#include "random-world.h"

#include "random.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NODES 2

/* --- processes --- */

bool world_command(struct world *world, uint32_t process, const struct command *command,
		   struct reply *reply)
{
	struct world_process *p = &world->process[process];
	char bell;

	p->desk->command = *command;
	if (send(p->fd, "", 1, MSG_NOSIGNAL) == 1 && recv(p->fd, &bell, 1, 0) == 1) {
		memcpy(reply, &p->desk->reply, sizeof(*reply));
		return true;
	}
	world_wrong(world, "died: a process", "process %u", process);
	return false;
}

static void start(struct world *world, uint32_t process)
{
	struct world_process *p = &world->process[process];
	struct model_process *model = &world->model.process[process];
	uint8_t *memory = model->memory;
	const struct reply *reply = &p->desk->reply;
	int ends[2], status;
	char bell;

	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), errno);
	p->options = (struct worker_options){
		.lab = &world->lab,
		.desk = p->desk,
		.node = process % NODES,
		.fd = ends[1],
		.said = world->said,
		.memory = world->file,
		.offset = (uint64_t)process * ARENA,
		.address = world->address,
	};
	p->fd = ends[0];
	p->pid = child_run(worker_run, &p->options);
	close(ends[1]);
	if (recv(p->fd, &bell, 1, 0) != 1) {
		world_wrong(world, "died: a process", "process %u could not join", process);
		waitpid(p->pid, &status, 0);
		p->pid = 0;
		return;
	}
	memset(model, 0, sizeof(*model));
	model->alive = true;
	model->memory = memory;
	model->device = reply->device;
	memcpy(model->gid, reply->gid, sizeof(model->gid));
	p->place = reply->process;
}

bool world_refused(struct world *world, const char *what, int error, int should)
{
	if (error != should)
		world_wrong(world, what, "%s instead of %s", error ? strerror(error) : "0",
			    should ? strerror(should) : "0");
	return should != 0;
}

/* --- states --- */

static void modify(struct world *world, uint32_t process, uint32_t slot,
		   const struct change *change)
{
	struct model_qp *qp = &world->model.process[process].qp[slot];
	struct command c = { .kind = COMMAND_MODIFY, .slot = slot, .change = *change };
	struct reply reply;

	/* a matter of time (random-model.h) */
	if (world->wrong || (change->state == QP_SQD && model_waits(qp)))
		return;
	if (world_command(world, process, &c, &reply))
		world_refused(world, "modify: a queue pair", reply.error,
			      model_modify(&world->model, process, qp, change));
}

/* Two senders that wait for the same shared receive queue race for it. */
static uint32_t rnr_retry(const struct model_qp *peer, uint32_t wanted)
{
	return wanted == 7 && (peer->srq >= 0 || peer->type == QP_XRC_RECV) ? 2 : wanted;
}

static void to_state(struct world *world, const struct step *step, uint32_t state, bool peer)
{
	uint32_t process = peer ? step->peer : step->process;
	uint32_t slot = peer ? step->peer_slot : step->slot;
	struct model_process *other = &world->model.process[peer ? step->process : step->peer];
	const struct model_qp *to = &other->qp[peer ? step->slot : step->peer_slot];
	struct change change = {
		.state = state,
		.access = step->access,
		.rnr_retry = rnr_retry(to, step->rnr_retry),
		.qkey = 0x1000 + step->imm % 4,
		.to_device = other->device,
		.to_qpn = to->number,
	};

	modify(world, process, slot, &change);
}

static void connect_both(struct world *world, const struct step *step)
{
	static const uint32_t states[] = { QP_RESET, QP_INIT, QP_RTR, QP_RTS };
	bool itself = step->process == step->peer && step->slot == step->peer_slot;

	for (uint32_t i = 0; i < 4; i++) {
		to_state(world, step, states[i], false);
		if (!itself)
			to_state(world, step, states[i], true);
	}
}

/* --- death --- */

static void tell_all(struct world *world, const struct command *command)
{
	struct reply reply;

	for (uint32_t i = 0; i < world->model.processes; i++)
		if (world->process[i].pid)
			world_command(world, i, command, &reply);
}

/* All that live know of it: what they find then is no matter of time. */
static void kill_process(struct world *world, uint32_t process)
{
	struct world_process *p = &world->process[process];
	struct command c = { .kind = COMMAND_NOTICE, .slot = p->place };
	int status;

	kill(p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
	close(p->fd);
	p->pid = 0;
	world->model.process[process].alive = false;
	tell_all(world, &c);
	world->dead[world->deaths++] = p->place;
}

/* Who has asked the dead clears up behind them, and for a moment, until it says so,
 * they look as if they lived: nobody else asks them meanwhile.
 */
static void reap_dead(struct world *world)
{
	struct command c = { .kind = COMMAND_REAP };

	if (world->wrong || !world->model.silent)
		return;
	for (; world->deaths; world->deaths--) {
		c.slot = world->dead[world->deaths - 1];
		tell_all(world, &c);
	}
}

/* --- steps --- */

static void carry_out(struct world *world, const struct step *step)
{
	switch (step->kind) {
	case STEP_SEND:
		world_send(world, step);
		break;
	case STEP_RECEIVE:
		world_receive(world, step);
		break;
	case STEP_POLL:
		world_poll(world, step);
		break;
	case STEP_ARM:
		world_arm(world, step);
		break;
	case STEP_CONNECT:
		if (world->model.process[step->peer].qp[step->peer_slot].used)
			connect_both(world, step);
		break;
	case STEP_MODIFY:
		to_state(world, step, step->state, false);
		break;
	case STEP_CREATE:
		world_create(world, step->process, step->object, step->slot, &step->making);
		break;
	case STEP_DESTROY:
		world_destroy(world, step->process, step->object, step->slot);
		break;
	case STEP_RESIZE:
		world_resize(world, step);
		break;
	case STEP_LIMIT:
		world_limit(world, step);
		break;
	case STEP_REREGISTER:
		world_reregister(world, step);
		break;
	case STEP_ATTACH:
	case STEP_DETACH:
		world_join_group(world, step);
		break;
	case STEP_TOUCH:
		world_touch(world, step);
		break;
	case STEP_STORE:
		world_store(world, step);
		break;
	case STEP_KILL:
		kill_process(world, step->process);
		break;
	default:
		break;
	}
}

/* A queue pair that sends to itself, and does not hear at once how that went: what it
 * has heard of when its own receive request makes it fail is a matter of time.
 */
static bool talks_to_itself(const struct world *world, const struct step *step)
{
	uint32_t type = model_types[step->slot];

	if (step->kind == STEP_SEND && step->group)
		return world_hurts_itself(world, step->process, step->slot, step->group);
	if (step->process != step->peer || step->slot != step->peer_slot)
		return false;
	if (step->kind == STEP_SEND)
		return type == QP_UD;
	return type == QP_UC || type == QP_UD || world->delayed;
}

/* What there is to do it with. */
static bool makes_sense(const struct world *world, const struct step *step)
{
	const struct model_process *p = &world->model.process[step->process];

	if (step->kind == STEP_START)
		return !p->alive;
	if (!p->alive)
		return false;
	if (step->kind == STEP_CONNECT || step->kind == STEP_MODIFY)
		return p->qp[step->slot].used && world->model.process[step->peer].alive &&
		       !talks_to_itself(world, step);
	return step->kind != STEP_SEND || !talks_to_itself(world, step);
}

const char *world_step(struct world *world, const struct step *step)
{
	if (!makes_sense(world, step))
		return NULL;
	world->steps++;
	world->model.silent = false;
	if (step->kind == STEP_START) {
		start(world, step->process);
		world->deaths = 0; /* who joins clears up */
		world_create_all(world, step->process);
	} else {
		carry_out(world, step);
	}
	model_run(&world->model);
	world_settle(world);
	reap_dead(world);
	return world->wrong;
}

/* --- from beginning to end --- */

static void make_memory(struct world *world)
{
	size_t size = (size_t)PROCESSES * ARENA;
	struct random r;

	world->said = memfd_create("random-verbs-said", MFD_CLOEXEC);
	assert_return_code(fcntl(world->said, F_SETFL, O_APPEND), errno);
	world->file = memfd_create("random-verbs", MFD_CLOEXEC);
	assert_return_code(ftruncate(world->file, (off_t)size), errno);
	world->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, world->file, 0);
	world->address = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(world->memory != MAP_FAILED && world->address != MAP_FAILED);
	world->model.address = (uintptr_t)world->address;
	random_init(&r, world->options.seed, "memory", 0);
	for (size_t i = 0; i < size / 8; i++)
		((uint64_t *)world->memory)[i] = random_next(&r);
	for (uint32_t p = 0; p < PROCESSES; p++) {
		world->process[p].memory = world->memory + p * ARENA;
		world->model.process[p].memory = malloc(ARENA + STORE);
		assert_non_null(world->model.process[p].memory);
		memcpy(world->model.process[p].memory, world->process[p].memory, ARENA);
		world->process[p].desk = share(sizeof(struct desk));
	}
}

static void connect_all(struct world *world)
{
	for (uint32_t p = 0; p < world->model.processes; p++)
		for (uint32_t slot = 0; slot < QPS && !world->wrong; slot++) {
			struct step step = { .kind = STEP_CONNECT,
					     .process = p,
					     .slot = slot,
					     .rnr_retry = slot == 1 ? 1 : 7,
					     .access = ACCESS_LOCAL_WRITE | ACCESS_REMOTE_WRITE |
						       ACCESS_REMOTE_READ | ACCESS_REMOTE_ATOMIC };

			steps_partner(world->options.seed, p, slot, &step.peer, &step.peer_slot);
			if (world->model.process[p].qp[slot].state == QP_RESET &&
			    makes_sense(world, &step))
				connect_both(world, &step);
		}
}

void world_open(struct world *world, const struct world_options *options)
{
	char settings[96];
	struct err err;

	memset(world, 0, sizeof(*world));
	world->options = *options;
	world->model.strict = steps_strict(options->seed);
	snprintf(settings, sizeof(settings), "transport=%s%s%s", options->transport,
		 steps_settings(options->seed), world->model.strict ? ",strict=yes" : "");
	world->ethernet = strstr(settings, "ethernet");
	world->delayed = strstr(settings, "latency");
	lab_open(&world->lab, settings, NODES);
	if (fabric_join(&world->look, world->lab.path, 0, false, &err) < 0)
		fail_msg("%s", err.text);
	world->model.processes = steps_processes(options->seed);
	make_memory(world);
	for (uint32_t p = 0; p < world->model.processes && !world->wrong; p++) {
		start(world, p);
		world_create_all(world, p);
	}
	connect_all(world);
	world_settle(world);
	world->model.fault = options->fault;
}

static void end_process(struct world *world, uint32_t process)
{
	struct world_process *p = &world->process[process];
	int status;

	if (!p->pid)
		return;
	if (world->wrong)
		kill(p->pid, SIGKILL);
	world_destroy_all(world, process);
	p->desk->command.kind = COMMAND_END;
	send(p->fd, "", 1, MSG_NOSIGNAL);
	waitpid(p->pid, &status, 0);
	if (status)
		world_wrong(world, "end: of a process", "process %u: status 0x%x", process, status);
	close(p->fd);
	p->pid = 0;
	world->model.process[process].alive = false;
}

/* What nobody was meant to say. */
static void repeat_said(struct world *world)
{
	FILE *said = fdopen(dup(world->said), "r");
	char line[512];

	if (!said)
		return;
	rewind(said);
	while (fgets(line, sizeof(line), said))
		if (!strstr(line, TOLD))
			fprintf(stderr, "# %s", line);
	fclose(said);
}

const char *world_close(struct world *world)
{
	for (uint32_t p = 0; p < world->model.processes; p++)
		end_process(world, p);
	fabric_leave(&world->look);
	lab_close(&world->lab);
	munmap(world->memory, (size_t)PROCESSES * ARENA);
	munmap(world->address, ARENA);
	repeat_said(world);
	close(world->said);
	close(world->file);
	for (uint32_t p = 0; p < PROCESSES; p++) {
		free(world->model.process[p].memory);
		munmap(world->process[p].desk, sizeof(struct desk));
	}
	return world->wrong;
}
