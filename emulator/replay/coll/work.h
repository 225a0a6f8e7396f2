/* SPDX-License-Identifier: Apache-2.0 */
/* work.h - a collective under way; of the files in coll/ only
 *
 * collective.c begins and ends them, phases.c says through which phases they go, queue.c when
 * a chunk may, carry.c sends and receives, verify.c has the contents, custom.c those
 * whose messages are in a file.
 */
#ifndef COLL_WORK_H
#define COLL_WORK_H

#include "coll/bus.h"
#include "coll/collective.h"

#define PHASES (2 * SYSTEM_DIMS)
#define PARTS  2
#define FEW    64 /* receives of a plan that need no memory of their own */

struct work;
struct chunk;
struct run;

/* Who takes part in a phase, by place. */
struct members {
	uint32_t n, me;
	uint32_t base, stride; /* of ranks, when there is no list */
	const uint32_t *ranks; /* of the group or the work */
};
uint32_t members_rank(const struct members *members, uint32_t place);

struct phase {
	enum coll coll;
	struct algorithm algorithm;
	struct members members;
	uint32_t level;       /* of queues */
	uint32_t low, stride; /* of shards: struct region */
	/* Phases of its own collective that shrink the vector before it: those below. */
	uint32_t within;
	bool second_half; /* of the queues of its level; rings go backwards */
};

/* A message of ours; a receive has to be taken in after it came. */
struct coll_message {
	struct net_message message; /* first */
	struct loop_timer timer;
	struct work *work;
	struct run *run; /* NULL: of custom.c */
	uint32_t k;      /* step, node */
	bool is_send;
	bus_steps steps; /* of what has come, still to do */
	struct step step;
	struct coll_message *next; /* that are free */
};

/* One plan that is carried out. */
struct run {
	struct chunk *chunk; /* NULL: none */
	struct plan plan;
	uint8_t *in; /* bit k: receive k is taken in; few_in, or owned */
	uint8_t few_in[FEW / 8];
	uint32_t in_order;   /* receives [0, in_order) are */
	uint32_t sent, gone; /* sends begun and at their peers */
	struct step next;    /* that will be sent */
	bool has_next;
	uint32_t posted, came, taken; /* receives */
	uint8_t **transit; /* verify, all-to-all by ring: [receives], what goes on; owned */
};

struct chunk {
	struct work *work;
	uint32_t number, phase;
	uint64_t length; /* compat: bytes the phase is given */
	bool started;    /* in its queue; open: may send */
	bool open;
	int64_t time; /* of the last that happened */
	struct queue *queue;
	struct chunk *next; /* in the queue */
	struct loop_timer timer;
	struct run runs[PARTS];
	uint8_t *cells, *cells_out; /* verify, all-to-all; owned */
	uint64_t cell_size;
};

/* Chunks of one queue of a dimension, those started in front or anywhere. */
struct queue {
	struct chunk *chunks, *last;
	uint32_t running;
	/* Default: the next in the order of all ranks: queue.c */
	uint32_t turn, turn_phase, turn_place;
};

struct work {
	struct collectives *owner;
	struct collective *collective; /* NULL when it is done */
	enum coll coll;
	bool own_sizes; /* an all-to-all, to each member */
	struct work *next, *prev;
	uint64_t tag;
	int64_t delay;   /* ns, of a hand-off */
	struct bus *bus; /* in its place, or NULL */
	int64_t priority;
	struct phase phases[PHASES];
	uint32_t phases_count;
	struct chunk *chunks; /* [chunks_count] of chunks_room, owned */
	uint32_t chunks_count, chunks_left, chunks_room;
	uint64_t chunk_size;  /* compat */
	struct queue *queues; /* default: [levels * queues_per_dim], owned */
	uint64_t open;        /* messages */
	/* The grid of those that take part: shards of vectors are by place in it. */
	uint32_t n, me, root;
	uint32_t *ranks; /* owned, or NULL */
	struct members all;
	uint64_t vector; /* bytes of the whole vector */
	int64_t *sizes;  /* owned */
	struct loop_timer timer;
	uint8_t *data; /* verify: the vector, owned */
	struct custom *custom;
};

/* The node of the trace that WORK is of, or NET_NO_NODE. */
static inline uint64_t work_node(const struct work *work)
{
	return work->collective ? work->collective->node_id : NET_NO_NODE;
}

#define MESSAGES 64 /* that are allocated together */

struct coll_messages {
	struct coll_messages *next;
	struct coll_message messages[MESSAGES];
};

/* How many collectives a group has had. */
struct coll_count {
	uint64_t group;
	uint32_t count;
};

struct collectives {
	struct net *net;
	const struct collectives_settings *settings;
	uint32_t queues_per_dim, active;
	int64_t delay;
	struct bus bus;
	bool strict;                  /* queues in the order of all ranks */
	int64_t priority;             /* of the next collective, LIFO and FIFO */
	struct queue *queues;         /* not strict: [dims * queues_per_dim] */
	struct work *works, *spare;   /* under way; that are over, with their chunks and queues */
	struct coll_messages *blocks; /* of messages, owned */
	struct coll_message *free;
	struct coll_count *counts; /* collectives of each group */
	size_t counts_count;
	struct custom_graph *graphs; /* of files that were read */
	uint64_t wrong;
	struct err wrong_err;
};

/* --- phases.c --- */

/* Set phases, all, n, me of WORK.  Returns 0, or -1 with ERR. */
int phases_build(struct work *work, struct err *err);
/* The queue of CHUNK's phase; whether its rings go backwards. */
uint32_t phases_queue(const struct work *work, uint32_t chunk, uint32_t phase, bool *backwards);
/* What part of the vector CHUNK's phase is about, part PART of PARTS. */
void phases_region(const struct chunk *chunk, uint32_t part, uint32_t parts, struct region *region);
/* Bytes that the phase after this one is given, compat. */
uint64_t phases_length(const struct phase *phase, uint64_t length);

/* --- queue.c --- */

void queue_add(struct chunk *chunk);
void queue_remove(struct chunk *chunk);
/* Start what may be started. */
void queue_serve(struct work *work, struct queue *queue, int64_t time);

/* --- carry.c --- */

/* CHUNK comes to its phase: its plans are made, it waits in its queue. */
void run_enter(struct chunk *chunk, int64_t time);
void run_begin(struct chunk *chunk, int64_t time); /* of queue.c */
void run_release(struct run *run);
uint64_t run_tag(const struct run *run);
/* CHUNK has no more phases: collective.c */
void work_chunk_ended(struct chunk *chunk, int64_t time);
void work_ended(struct work *work, int64_t time);
/* Work that is done and has no messages is freed. */
void work_put(struct work *work);
/* Can all phases be done as they are configured?  Returns 0, or -1 with ERR. */
int run_check(const struct work *work, struct err *err);

struct coll_message *message_new(struct work *work, struct run *run, uint32_t k, bool is_send);
void message_free(struct coll_message *message);
/* How many ns it takes to add BYTES. */
int64_t reduction_time(const struct collectives *collectives, uint64_t bytes);

/* --- verify.c --- */

int verify_begin(struct work *work);   /* -1: errno */
int verify_enter(struct chunk *chunk); /* a phase; -1: errno */
void verify_leave(struct chunk *chunk);
void verify_end(struct work *work); /* compare */
void verify_release(struct work *work);
/* The contents of MESSAGE, NULL: they do not matter. */
const struct net_data *verify_data(const struct coll_message *message);

/* --- custom.c --- */

/* The ET prefix whose messages COLLECTIVE is made of, or NULL. */
const char *custom_prefix(const struct collectives *collectives,
			  const struct collective *collective);
/* Read the file PREFIX.<place>.et.  Returns 0, or -1 with ERR. */
int custom_prepare(struct work *work, const char *prefix, struct err *err);
void custom_go(struct work *work, int64_t time);
void custom_release(struct work *work);
void custom_forget(struct collectives *collectives); /* files that were read */

#endif
