/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - how many bytes an element of a datatype is
 *
 * Predefined datatypes are looked up once, at the start; their handles live
 * as long as MPI.  A derived one is asked for each time: its address may mean
 * another type tomorrow.
 */
#ifndef NETPROF_TYPES_H
#define NETPROF_TYPES_H

#include "counter.h"
#include "ompi.h"

#include <stdint.h>

extern struct index types_predefined; /* datatype -> size + 1 as a pointer */

/* Look the predefined datatypes up.  Returns 0, or -1 with errno ENOMEM. */
int types_init(void);

/* For a datatype that is not predefined. */
uint64_t types_ask(MPI_Datatype type);

static inline uint64_t types_size(struct counter_shard *shard, MPI_Datatype type)
{
	void *known;

	if (__builtin_expect(shard->type_seen == type, 1))
		return shard->type_size;
	known = index_find(&types_predefined, (uintptr_t)type);
	if (!known)
		return types_ask(type);
	if (!shard->shared) {
		shard->type_size = (uintptr_t)known - 1;
		shard->type_seen = type;
	}
	return (uintptr_t)known - 1;
}

#endif
