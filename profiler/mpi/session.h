/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - one profiled MPI process, from MPI_Init to its rank file
 *
 * Decides whether to profile, where the files go, and turns the live file
 * into the rank file at the end.  Whatever fails here leaves the program as
 * it would be without: one line in the log, and no more.
 */
#ifndef NETPROF_SESSION_H
#define NETPROF_SESSION_H

#include <stdbool.h>

/* Counting.  False before MPI_Init, where profiling is off, in forked children. */
extern bool session_active;

/* MPI_Init has returned. */
void session_start(void);

/* MPI_Finalize was called / has returned. */
void session_finalizing(void);
void session_finish(void);

#endif
