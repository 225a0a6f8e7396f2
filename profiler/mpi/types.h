/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - how many bytes an element of a datatype is
 *
 * Predefined datatypes are looked up once, at the start; their handles live
 * as long as MPI.  A derived one is asked for each time: its address may mean
 * another type tomorrow.
 */
#ifndef NETPROF_TYPES_H
#define NETPROF_TYPES_H

#include "index.h"
#include "ompi.h"

#include <stdint.h>

extern struct index types_predefined; /* datatype -> size + 1 as a pointer */

/* Look the predefined datatypes up.  Returns 0, or -1 with errno ENOMEM. */
int types_init(void);

/* For a datatype that is not predefined. */
uint64_t types_ask(MPI_Datatype type);

static inline uint64_t types_size(MPI_Datatype type)
{
	void *known = index_find(&types_predefined, (uintptr_t)type);

	return __builtin_expect(known != NULL, 1) ? (uintptr_t)known - 1 : types_ask(type);
}

#endif
