/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h - the buses between a rank's network, its processor and its memory, by the LogGP model
 *
 * (Alexandrov, Ionescu, Schauser, Scheiman: "LogGP: Incorporating Long Messages into the LogP
 * Model", 1997.)  Of M bytes the first leaves after o, the last (M - 1) * G ns later, and
 * they are there L + o after that:
 *
 *     o + (M - 1) * G + L + o
 *
 * What goes the same way follows when they have left, its first byte g after their last at the
 * earliest; what goes the other way follows when they are there.  There are two buses, as in
 * ASTRA-sim: one from the processor to the network, and behind it one to the memory, with the
 * same L, o and g and a G of its own.  Beside them one reduction after the other takes
 * local-reduction-delay for each whole 100 bytes and 50 ns.
 */
#ifndef COLL_BUS_H
#define COLL_BUS_H

#include <stdbool.h>
#include <stdint.h>

struct system;

/* What a message does one after the other. */
enum bus_step {
	BUS_END,
	BUS_OUT,    /* to the network */
	BUS_IN,     /* from it */
	BUS_STORE,  /* to memory */
	BUS_FETCH,  /* from it */
	BUS_REDUCE, /* with what is in memory */
};

/* Steps, the next one in the lowest four bits. */
typedef uint32_t bus_steps;

/* One of two directions of a bus. */
struct bus_way {
	int64_t left, there; /* of the last that went this way: INT64_MIN, none */
};

struct bus {
	int64_t L, o, g; /* ns */
	double G;        /* ns a byte, to the network */
	int64_t reduction;
	struct bus_way network[2], memory[2]; /* out, in */
	int64_t reduced;                      /* the last reduction is done */
};

void bus_init(struct bus *bus, const struct system *system);

/* Steps of what is about to be sent first, and of what has come IN: whether it is reduced, and
 * whether something is sent for it.
 */
bus_steps bus_to_send(void);
bus_steps bus_when_in(bool reduced, bool sent_on);

/* The next of STEPS, which is taken off them, from TIME on, of BYTES, of which CHARGE are
 * reduced: when it is over.
 */
int64_t bus_step(struct bus *bus, bus_steps *steps, int64_t time, uint64_t bytes, uint64_t charge);

#endif
