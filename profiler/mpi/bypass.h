/* SPDX-License-Identifier: Apache-2.0 */
/* bypass.h - which components carry traffic past the PML
 *
 * coll/sm, hcoll, ucc and some one-sided components move data by themselves.
 * A communicator or window that uses one holds pointers to its functions; the
 * file those are in (mca_coll_sm.so) names it.  Where components are built
 * into libmpi they cannot be told apart, and none is listed.
 */
#ifndef NETPROF_BYPASS_H
#define NETPROF_BYPASS_H

#include <mpi.h>

/* Look at MPI_COMM_WORLD. */
void bypass_start(void);

/* COMM is about to be freed; WIN has just been made. */
void bypass_comm_going(MPI_Comm comm);
void bypass_win_made(MPI_Win win);

/* Look at all communicators that are still there. */
void bypass_finish(void);

#endif
