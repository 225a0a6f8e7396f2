/* SPDX-License-Identifier: Apache-2.0 */
/* random-steps.h - what is done, step by step
 *
 * A step names processes and objects by their places, never by what they are called
 * in one run, so any of the steps of a sequence can be left out.  One whose object is
 * not there does nothing.
 */
#ifndef TESTS_DEVICE_RANDOM_STEPS_H
#define TESTS_DEVICE_RANDOM_STEPS_H

#include "random-model.h"

#include <stddef.h>

enum step_kind {
	STEP_SEND,
	STEP_RECEIVE,
	STEP_POLL,
	STEP_ARM,
	STEP_CONNECT, /* both to RESET and from there to RTS */
	STEP_MODIFY,
	STEP_CREATE,
	STEP_DESTROY,
	STEP_RESIZE,
	STEP_LIMIT,
	STEP_REREGISTER, /* `state`: flags */
	STEP_ATTACH,
	STEP_DETACH,
	STEP_TOUCH, /* a program changes what it may be sending */
	STEP_STORE, /* `count`: to device memory, or from there */
	STEP_KILL,
	STEP_START, /* a new process in the place of one that was killed */
	STEP_KINDS,
};

/* What is wrong with a request on purpose. */
enum spoil {
	SPOIL_NOTHING,
	SPOIL_LKEY,
	SPOIL_RKEY,
	SPOIL_END,   /* the remote range goes beyond the end of all memory */
	SPOIL_ALIGN, /* of an atomic */
	SPOIL_QKEY,
	SPOIL_SRQ,
	SPOILS,
};

struct piece {
	uint32_t region, offset, length; /* offset: in all memory, or device memory */
};

struct step {
	uint32_t number; /* in its sequence */
	enum step_kind kind;
	uint32_t process, slot;
	enum object object;
	uint32_t peer, peer_slot; /* connect; of datagrams */
	uint32_t count;           /* requests of one post, completions of one poll */

	uint32_t opcode, flags, imm, sges;
	struct piece sge[SGES + 1];
	uint32_t group;  /* of a datagram; 0: none */
	uint32_t remote; /* region, or REGIONS + window */
	uint32_t remote_offset;
	uint64_t compare_add, swap;
	enum spoil spoil;
	bool global;
	uint32_t window, window_access;

	uint32_t state, rnr_retry, access;
	struct making making;
};

/* COUNT steps of the sequence that SEED stands for, with PROCESSES processes. */
void steps_make(struct step *steps, uint32_t count, uint64_t seed, uint32_t processes);

/* How many processes SEED has, on what network, and which queue pair is connected with which when
 * all begins: *PEER and *PEER_SLOT of SLOT of PROCESS.
 */
uint32_t steps_processes(uint64_t seed);
const char *steps_settings(uint64_t seed); /* of the network */
bool steps_strict(uint64_t seed);
void steps_partner(uint64_t seed, uint32_t process, uint32_t slot, uint32_t *peer,
		   uint32_t *peer_slot);

/* What SLOT is made with when its process begins, and later. */
struct making steps_making(uint64_t seed, enum object object, uint32_t slot);

/* One line (random-text.c). */
void step_text(const struct step *step, char *text, size_t size);

#endif
