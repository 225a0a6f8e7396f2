/* SPDX-License-Identifier: Apache-2.0 */
/* devices.h - which RDMA device and port a rank has
 *
 * "DEVICE[:PORT],DEVICE[:PORT],..." are for the ranks of a node in turn.  "@FILE" has lines of
 *
 *	NODE DEVICE[:PORT],...
 *
 * NODE being a name or a pattern of the shell ("gpu*"); the first one that fits counts.  What is
 * behind a '#' is for people.
 */
#ifndef NET_DEVICES_H
#define NET_DEVICES_H

#include "err.h"

#include <stdint.h>

struct devices_choice {
	char name[64];
	uint32_t port; /* 0: not said */
};

/* What TEXT says of the rank number LOCAL on NODE.  Returns 0, or -1 with ERR. */
int devices_choose(struct devices_choice *choice, const char *text, const char *node,
		   uint32_t local, struct err *err);

#endif
