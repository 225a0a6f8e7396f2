/* SPDX-License-Identifier: Apache-2.0 */
/* bus.h - the bus between a rank's memory and its network, by the LogGP model
 *
 * (Alexandrov, Ionescu, Schauser, Scheiman: "LogGP: Incorporating Long Messages into the LogP
 * Model", 1997.)  Of M bytes the first leaves after o, the last (M - 1) * G ns later, and
 * they are there L + o after that:
 *
 *     o + (M - 1) * G + L + o
 *
 * What goes the same way follows when they have left, its first byte g after their last at the
 * earliest; what goes the other way follows when they are there.  Beside it one reduction after
 * the other takes local-reduction-delay for each whole 100 bytes and 50 ns.
 */
#ifndef COLL_BUS_H
#define COLL_BUS_H

#include <stdint.h>

struct system;

enum bus_way { BUS_OUT, BUS_IN }; /* to the network, from it */

struct bus {
	int64_t L, o, g; /* ns */
	double G;        /* ns a byte */
	int64_t reduction;
	struct {
		int64_t left, there; /* of the last that went this way: INT64_MIN, none */
	} way[2];
	int64_t reduced; /* the last reduction is done */
};

void bus_init(struct bus *bus, const struct system *system);

/* BYTES want to move from TIME on: when they are there. */
int64_t bus_move(struct bus *bus, enum bus_way way, int64_t time, uint64_t bytes);
/* BYTES want to be reduced from TIME on: when that is done. */
int64_t bus_reduce(struct bus *bus, int64_t time, uint64_t bytes);

#endif
