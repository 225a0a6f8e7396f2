/* SPDX-License-Identifier: Apache-2.0 */
/* trafficends.h - both ends of a flow; inside of trafficlib.c */
#ifndef TESTS_TRAFFICENDS_H
#define TESTS_TRAFFICENDS_H

#include "trafficlib.h"

#define SLOT      8192       /* room for a message in memory */
#define WORDS     8          /* what atomics work on, at the start of a target's memory */
#define WRITTEN   (4 * SLOT) /* what reliable flows write to, and read */
#define UNTOUCHED 0xa5
#define MARGIN    4096

/* What a payload begins with, as far as it is long enough. */
struct stamp {
	uint32_t device, qpn, number, length, checksum, flow;
};

void payload_make(const struct flow *flow, uint32_t number, char *to);

static inline uint32_t imm_of(const struct flow *flow, uint32_t number)
{
	return flow->number << 16 | number;
}

/* In a target's memory: where it is written to, behind the slots of receives. */
static inline uint64_t written_at(const struct flow *flow)
{
	return MARGIN + (uint64_t)flow->receives * SLOT;
}

/* What message NUMBER does to the target's MEMORY, beside what a receive request takes. */
void apply(const struct flow *flow, uint32_t number, char *memory);

/* SIZE bytes as they are before anything happens; the caller frees it. */
char *image(uint64_t size);

/* --- trafficends.c --- */

struct source {
	struct crowd *crowd;
	struct flow *flow;
	struct end end;
	char *mirror; /* its memory as it should be when all has completed */
	char *shadow; /* the target's, when all that is posted is done */
	uint32_t posted, completed;
	uint32_t receives; /* that what is posted takes */
};

void source_create(struct source *s, struct host *host);
bool source_step(struct source *s); /* returns whether anything has happened */
void source_check(struct source *s);
void source_destroy(struct source *s);

struct target {
	struct crowd *crowd;
	struct flow *flow;
	struct target *pool; /* whose receive requests it takes: its own, or another's */
	struct end end;
	struct xrcd xrcd;
	struct mr window[TRAFFIC_WINDOWS];
	char *mirror; /* its memory as it should be; what is written, when all has come */
	uint32_t next, taken;
};

void target_create(struct target *t, struct host *host);
void target_open(struct target *t); /* when it is connected */
bool target_step(struct target *t);
void target_check(struct target *t);
void target_destroy(struct target *t);

#endif
