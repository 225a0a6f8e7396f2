/* SPDX-License-Identifier: Apache-2.0 */
/* race.h - processes that all do what they want at the same time
 *
 * A race has links, each of two queue pairs of different processes.  Message N of a side is
 * what the seed says (race_message()), so its peer and whoever looks at memory later
 * can tell what has to come, and in which order, without being told.  A link ends as
 * it should, or one side fails on purpose, or its process is killed; then what was
 * under way may have happened or not, but in its order, and with one completion each.
 */
#ifndef TESTS_DEVICE_RACE_H
#define TESTS_DEVICE_RACE_H

#include "devlib.h"

#define RACERS     4
#define LINKS      10
#define SLOTS      16 /* of a side's memory, of each kind */
#define RACE_DEPTH 16
#define GRH        40
#define GUARD      0xc3
#define PATTERN    0xa5 /* of strict=yes, in what is to be received */

enum ending {
	ENDING_DONE,
	ENDING_ERROR,   /* the first side goes to ERR */
	ENDING_RESET,   /* ... to RESET */
	ENDING_DESTROY, /* ... is destroyed */
	ENDINGS,
};

struct link_plan {
	uint32_t process[2];
	enum qp_type type; /* of the first side; XRC goes one way */
	bool srq;
	uint32_t messages; /* of each side */
	uint32_t size;     /* of the longest */
	enum ending ending;
	uint32_t end_at; /* message of the first side */
};

/* Mistakes that racers can be told to make, to show that they are found. */
enum mistake {
	MISTAKE_NONE,
	MISTAKE_LOST,    /* a completion is not looked at */
	MISTAKE_DOUBLED, /* or is twice */
	MISTAKE_BYTE,    /* a byte behind a slot changes */
	MISTAKES,
};

struct race_plan {
	uint64_t seed;
	enum mistake mistake;
	uint32_t processes, links;
	const char *settings; /* of the network */
	struct link_plan link[LINKS];
	int victim;       /* a process that is killed, or -1 */
	uint32_t kill_at; /* when so many messages have been posted by it */
};

/* What both sides of a link, and who looks on, can see. */
struct side_state {
	struct address address;
	char *memory; /* shared */
	_Atomic uint64_t posted, succeeded;
	_Atomic uint32_t failed, finished; /* bool */
};

struct race {
	struct lab lab;
	struct race_plan plan;
	/* bits: the processes that have come so far */
	_Atomic uint32_t ready, connected, finished, checked;
	_Atomic uint32_t dying, dead; /* the same: are about to be killed; have been */
	_Atomic uint32_t sent[RACERS];
	struct side_state side[LINKS][2];
	char wrong[256];
};

struct message {
	enum wr_opcode opcode;
	uint32_t length;
	bool signaled, inline_data;
	uint32_t slot; /* of what is written or read */
};

void race_plan(struct race_plan *plan, uint64_t seed, bool kill);

/* Message N of SIDE of LINK, and its bytes. */
struct message race_message(const struct race_plan *plan, uint32_t link, uint32_t side, uint64_t n);
void race_fill(char *to, uint32_t length, uint64_t seed, uint32_t link, uint32_t side, uint64_t n);
bool race_consumes(enum wr_opcode opcode);

/* Where things lie in a side's memory, and how much that is. */
enum zone {
	ZONE_SENT,
	ZONE_RECEIVED,
	ZONE_WRITTEN, /* by the peer */
	ZONE_READ,
	ZONES,
};
uint32_t race_slot(const struct link_plan *link, enum zone zone, uint32_t slot);
#define RACE_COUNTER 0 /* the peer adds to it */
#define RACE_RESULTS 64
uint32_t race_size(const struct link_plan *link);

/* What the peer of SIDE may have written there: compared with what must be there
 * after messages 0 .. COUNT - 1, where one of COUNT .. MOST - 1 may have begun too.
 */
bool race_written(const struct race *race, uint32_t link, uint32_t side);

/* Objects beside END are made and destroyed; false, with errno, when that goes wrong. */
struct random;
bool race_noise(struct host *host, struct end *end, struct random *r);

/* In a child: the process NUMBER of RACE. */
struct racer_options {
	struct race *race;
	uint32_t number;
};
void racer_run(void *options);

#endif
