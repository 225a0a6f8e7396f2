/* SPDX-License-Identifier: Apache-2.0 */
/* phase.h - phases of the program, as MPI_Pcontrol() opens them
 *
 * One is open at a time; what is counted meanwhile has its slot.  The 257th
 * and all further ones share a slot, "other".
 */
#ifndef NETPROF_PHASE_H
#define NETPROF_PHASE_H

/* MPI_Pcontrol(LEVEL): close the open phase; open LEVEL unless it is 0. */
void phase_open(int level);

#endif
