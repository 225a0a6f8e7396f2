/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - which fabric, node, device, link or queue pair a command is about */
#ifndef DEVICE_TARGET_H
#define DEVICE_TARGET_H

#include "device/fabric.h"

#include <argp.h>

struct target {
	const char *fabric; /* name or directory; NULL: NETEMU_FABRIC, else "default" */
	long node;          /* -1: all */
	const char *device; /* NULL: all */
	const char *link;   /* NULL: none */
	long qpn;           /* -1: none */
};

extern const struct target target_default;

/* --fabric and --node, as a child of a command's argp with a struct target as input. */
extern const struct argp target_argp;
/* The children of such a command, whose own options begin with the target. */
extern const struct argp_child target_children[];

/* ARG as a whole number from MIN to MAX in BASE (0: as it is written).  Ends with a
 * sentence that says it is none: "OPTION: 'ARG' is WHAT".
 */
long target_number(struct argp_state *state, const char *option, const char *arg, int base,
		   long min, long max, const char *what);

/* Open what --fabric names; with HOLD to change something.  Returns 0, or -1 with ERR. */
int target_open(struct fabric *fabric, const struct target *target, bool hold, struct err *err);

/* The same for a command: parse its arguments into OPTIONS, which begin with a struct
 * target, and open that.  Returns 0, or the exit status when a sentence has been said.
 */
int target_begin(const struct argp *argp, int argc, char **argv, void *options, bool hold,
		 struct fabric *fabric);

/* Is device NUMBER one that TARGET names? */
bool target_has(const struct fabric *fabric, const struct target *target, uint32_t number);

struct shared_link *target_links(const struct fabric *fabric);
struct shared_node *target_nodes(const struct fabric *fabric);

#endif
