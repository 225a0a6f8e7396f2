/* SPDX-License-Identifier: Apache-2.0 */
/* random-worker.h - a process that does what it is told, by the engine's own functions */
#ifndef TESTS_DEVICE_RANDOM_WORKER_H
#define TESTS_DEVICE_RANDOM_WORKER_H

#include "devlib.h"
#include "random-model.h"

enum command_kind {
	COMMAND_SEND,
	COMMAND_RECEIVE,
	COMMAND_POLL,
	COMMAND_ARM, /* `count`: for solicited ones */
	COMMAND_MODIFY,
	COMMAND_CREATE,
	COMMAND_DESTROY,
	COMMAND_RESIZE,
	COMMAND_LIMIT,
	COMMAND_REREGISTER, /* `count`: flags */
	COMMAND_ATTACH,     /* `count`: group */
	COMMAND_DETACH,
	COMMAND_STORE, /* `count`: 0: read; else write, from the byte `count` - 1 on */
	COMMAND_PROGRESS,
	COMMAND_NOTICE, /* wait until process `slot` is known to be dead */
	COMMAND_REAP,   /* and until all that it has left is cleared up */
	COMMAND_END,
};

struct command {
	enum command_kind kind;
	enum object object;
	uint32_t slot, count;
	union {
		struct work work;
		struct change change;
		struct making making;
	};
};

#define POLL_MOST 64

struct reply {
	int rc, error; /* rc: also how many were posted or polled */
	uint32_t number;
	/* of the first one, when it has joined */
	uint32_t process, device;
	uint8_t gid[16];
	struct shared_cqe entry[POLL_MOST]; /* polled: RC */
	uint8_t byte[COPY_MOST];            /* read from device memory */
};

/* Where commands and replies lie: in memory that both see. */
struct desk {
	struct command command;
	struct reply reply;
	/* as those of struct model_process; read so far */
	uint32_t events[EVENT_TYPES], completion_events;
};

struct worker_options {
	const struct lab *lab;
	uint32_t node;
	struct desk *desk;
	int fd;     /* a byte for each command, and one when it is done */
	int said;   /* where its stderr goes */
	int memory; /* file with ARENA bytes of ours at OFFSET */
	uint64_t offset;
	void *address; /* where they are mapped */
};

/* In a child: until COMMAND_END, or until nobody listens any more. */
void worker_run(void *options);

#endif
