/* SPDX-License-Identifier: Apache-2.0 */
/* fluid.h - transfers that share the links fairly, as fluids
 *
 * A transfer is the traffic of one job: flows between hosts, each over its
 * links.  At any time every flow has its max-min fair rate (Bertsekas and
 * Gallager, Data Networks, 2nd ed., 6.5.2): no flow can get more without
 * taking it from one that has no more.  Rates change only when a flow begins
 * or ends.  A transfer ends with its last flow.
 *
 * Time is integer ns; a flow ends at the first whole ns at which all of it has
 * been sent, and flows that end within the same ns end together.
 */
#ifndef NETEMU_FLUID_H
#define NETEMU_FLUID_H

#include "topology/topology.h"

/* One flow: BYTES over links path[0 .. nlinks). */
struct fluid_flow {
	const uint32_t *path;
	uint32_t nlinks;
	double bytes;
};

struct fluid_part;

/* Embedded in what the caller owns; zeroed before its first use. */
struct fluid_transfer {
	struct fluid_part *parts;    /* its flows; owned by the fluid */
	uint32_t nparts, left;       /* left: not ended yet */
	int64_t end;                 /* NETEMU_NEVER while under way */
	struct fluid_transfer *next; /* of those ended, not given yet */
	void *crossings;             /* owned by the fluid */
};

struct fluid;

/* The capacities of TOPOLOGY (kept) must be byte/s.  Returns 0, or -1 with ERR
 * written: a topology without unit, and how to give one.
 */
int fluid_create(struct fluid **fluid, const struct topology *topology, struct err *err);
void fluid_destroy(struct fluid *fluid);

/* Move on to NOW (ns, not earlier than before): flows that end until then end,
 * one after the other, and the rates of the others follow.
 */
void fluid_advance(struct fluid *fluid, int64_t now);

/* Begin a transfer of FLOWS (copied) at NOW.  One without a byte to send on a
 * link ends at once.  Returns 0, or -1 with errno ENOMEM.
 */
int fluid_begin(struct fluid *fluid, struct fluid_transfer *transfer,
		const struct fluid_flow *flows, uint32_t nflows, int64_t now);

/* Take TRANSFER off, whether it has ended or not; its parts are freed. */
void fluid_cancel(struct fluid *fluid, struct fluid_transfer *transfer, int64_t now);

/* Bytes of TRANSFER that have not been sent. */
double fluid_left(const struct fluid_transfer *transfer);

/* Free what TRANSFER has after fluid_destroy(). */
void fluid_transfer_release(struct fluid_transfer *transfer);

/* When the next flow ends, NETEMU_NEVER without one. */
int64_t fluid_next(struct fluid *fluid);

/* A transfer that has ended and was not given before, or NULL. */
struct fluid_transfer *fluid_ended(struct fluid *fluid);

/* The rate of flow FLOW of TRANSFER now, byte/s; 0 when it has ended.  Flows
 * without a byte or a link are not counted.
 */
double fluid_rate(struct fluid *fluid, const struct fluid_transfer *transfer, uint32_t flow);

/* How long FLOWS take on an idle network, ns.  Returns -1 with errno ENOMEM. */
int64_t fluid_alone(const struct topology *topology, const struct fluid_flow *flows,
		    uint32_t nflows);

#endif
