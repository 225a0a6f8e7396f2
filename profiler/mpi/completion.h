/* SPDX-License-Identifier: Apache-2.0 */
/* completion.h - see requests complete
 *
 * MPI_Wait, MPI_Test and their relatives, and what Open MPI waits for inside
 * its collectives, pass the table ompi_request_functions.  The functions put
 * there ask for a status also where the program wants none, and tell pml.c.
 */
#ifndef NETPROF_COMPLETION_H
#define NETPROF_COMPLETION_H

void completion_install(void);

#endif
