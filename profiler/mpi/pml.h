/* SPDX-License-Identifier: Apache-2.0 */
/* pml.h - Open MPI's point-to-point layer, with counting in front
 *
 * Collectives, one-sided fragments and MPI-IO shuffles are made of messages
 * of this layer too.  Sends count when they begin; receives count when their
 * completion is seen (completion.c), with the source that matched and the
 * bytes that came.
 */
#ifndef NETPROF_PML_H
#define NETPROF_PML_H

#include "comm.h"
#include "request.h"

#include <stddef.h>

/* Put the counting functions into mca_pml.  TIMED: note how long sends take. */
void pml_install(bool timed);

/* Before and after MPI_Start and MPI_Startall, which do not pass mca_pml:
 * HANDLES as they were given, REQUESTS as they are now.
 */
void pml_starting(size_t count, MPI_Request *requests);
void pml_started(size_t count, const MPI_Request *handles, const MPI_Request *requests);

/* REQUEST, taken from the table, has completed with STATUS. */
void pml_completed(const struct request *request, const MPI_Status *status, int rc);

/* MPI_Request_free is about to be called for HANDLE. */
void pml_freeing(MPI_Request handle);

/* The class of communicators that this thread makes now. */
extern __thread enum comm_class pml_making __attribute__((tls_model("initial-exec")));

#endif
