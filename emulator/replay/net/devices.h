/* SPDX-License-Identifier: Apache-2.0 */
/* devices.h - which RDMA devices and ports a rank has
 *
 * "DEVICES,DEVICES,..." are for the ranks of a node in turn, each being a device or several that
 * a rank uses side by side: "DEVICE[:PORT]+DEVICE[:PORT]+...".  "@FILE" has lines of
 *
 *	NODE DEVICES,...
 *
 * NODE being a name or a pattern of the shell ("gpu*"); the first one that fits counts.  What is
 * behind a '#' is for people.
 */
#ifndef NET_DEVICES_H
#define NET_DEVICES_H

#include "err.h"

#include <stdint.h>

#define DEVICES_EACH 8 /* of a rank, at most */

struct devices_choice {
	char name[64];
	uint32_t port; /* 0: not said */
};

struct devices {
	struct devices_choice each[DEVICES_EACH];
	uint32_t count;
};

/* What TEXT says of the rank number LOCAL on NODE.  Returns 0, or -1 with ERR. */
int devices_choose(struct devices *devices, const char *text, const char *node, uint32_t local,
		   struct err *err);

#endif
