/* SPDX-License-Identifier: Apache-2.0 */
/* random-world.h - processes and the model of them, step by step side by side
 *
 * One process has a command at a time.  After each step the world waits until every
 * queue and every byte is as the model says; the queues are looked at in the shared
 * memory of the fabric.
 */
#ifndef TESTS_DEVICE_RANDOM_WORLD_H
#define TESTS_DEVICE_RANDOM_WORLD_H

#include "random-steps.h"
#include "random-worker.h"

/* strict=yes: in the line about a request */
#define TOLD "was changed between"

struct world_options {
	const char *transport;
	uint64_t seed;
	enum fault fault;
	int patience; /* ms: when nothing moves for so long, nothing will */
};

struct world_process {
	pid_t pid; /* 0: it has been killed */
	int fd;
	struct desk *desk;
	uint32_t place; /* among the processes of the fabric */
	uint8_t *memory;
	uint32_t cq[CQS]; /* numbers */
	struct worker_options options;
};

struct world {
	struct world_options options;
	struct lab lab;
	struct fabric look;
	struct model model;
	struct world_process process[PROCESSES];
	uint8_t *memory; /* of all processes */
	int file;
	int said; /* what processes say on stderr */
	void *address;
	bool ethernet, delayed; /* of its network */
	/* Places of the dead that nobody may have cleared up behind. */
	uint32_t dead[PROCESSES], deaths;
	uint32_t works; /* so far */
	uint32_t steps; /* that did something */
	/* What went wrong: "kind: more", or NULL.  And where. */
	const char *wrong;
	char where[160];
};

/* Processes with all their objects, connected as steps_partner() says. */
void world_open(struct world *world, const struct world_options *options);
/* Returns what is wrong, or NULL. */
const char *world_step(struct world *world, const struct step *step);
/* Ends all processes, which must be able to take everything down, and returns what is
 * wrong then.
 */
const char *world_close(struct world *world);

/* --- between the files of the world --- */

/* Keep the first thing that is wrong. */
void world_wrong(struct world *world, const char *what, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Whether SHOULD is an error; it is wrong that ERROR is another one. */
bool world_refused(struct world *world, const char *what, int error, int should);

bool world_has(const struct model_process *process, enum object object, uint32_t slot);

/* Objects, and what is done with them (random-objects.c). */
void world_create(struct world *world, uint32_t process, enum object object, uint32_t slot,
		  const struct making *making);
void world_destroy(struct world *world, uint32_t process, enum object object, uint32_t slot);
void world_resize(struct world *world, const struct step *step);
void world_limit(struct world *world, const struct step *step);
void world_reregister(struct world *world, const struct step *step);
void world_join_group(struct world *world, const struct step *step);
void world_touch(struct world *world, const struct step *step);
void world_store(struct world *world, const struct step *step);
/* All objects, as they are at first. */
void world_create_all(struct world *world, uint32_t process);
void world_destroy_all(struct world *world, uint32_t process);

/* Steps of one kind (random-requests.c). */
void world_send(struct world *world, const struct step *step);
void world_receive(struct world *world, const struct step *step);
void world_poll(struct world *world, const struct step *step);
void world_arm(struct world *world, const struct step *step);

/* Whether a datagram to GROUP would come back to its sender, who could not tell then what
 * comes first: that it has arrived, or that it has made the queue pair fail.
 */
bool world_hurts_itself(const struct world *world, uint32_t process, uint32_t slot, uint32_t group);

/* Wait until all is as the model says. */
void world_settle(struct world *world);

/* Have PROCESS do it; false when it has died. */
bool world_command(struct world *world, uint32_t process, const struct command *command,
		   struct reply *reply);

#endif
