/* SPDX-License-Identifier: Apache-2.0 */
/* ordered.h - waiting jobs in an order of their own
 *
 * A heap of the waiting jobs by a key that never changes, smallest first;
 * equal keys in the order in which they came.  The first is started as long as
 * it fits; one that does not holds up all behind it.
 */
#ifndef NETEMU_ORDERED_H
#define NETEMU_ORDERED_H

#include "policy.h"

struct ordered_item {
	double key;
	uint64_t came;
	struct netemu_job *job;
};

struct ordered {
	struct ordered_item *heap; /* owned */
	size_t count, room;
	uint64_t came;
};

typedef double ordered_key_fn(void *arg, const struct netemu_job *job);

/* One pass of a policy.  Returns 0, or -1 without memory. */
int ordered_pass(struct ordered *ordered, struct netemu_cluster *cluster, ordered_key_fn *key,
		 void *arg);
void ordered_release(struct ordered *ordered);

#endif
