/* SPDX-License-Identifier: Apache-2.0 */
/* onesided.h - one-sided calls as the program makes them
 *
 * Most components for one-sided communication move data past the PML, so the
 * calls themselves are counted, per target, beside the messages.
 */
#ifndef NETPROF_ONESIDED_H
#define NETPROF_ONESIDED_H

#include "rankfile.h"

#include <mpi.h>

/* COUNT elements of TYPE went to or came from TARGET of WIN. */
void onesided_count(enum rankrma call, MPI_Win win, int target, int count, MPI_Datatype type);

#endif
