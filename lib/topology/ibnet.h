/* SPDX-License-Identifier: Apache-2.0 */
/* ibnet.h - the output of ibnetdiscover, plain and with -p, and OpenSM's list
 *
 * ibnetdiscover's two forms are told apart line by line.  What the program
 * itself says in between (directed routes, warnings) is passed over; ports
 * without a cable, which -p lists, are too.  -p knows neither an adapter's own
 * GUID nor its LMC: its ports are one host when they follow each other, with
 * the same description, going down as ibnetdiscover does.
 *
 * opensm-subnet.lst has a line per port with a cable; one whose link is down is
 * passed over.
 */
#ifndef NETEMU_TOPOLOGY_IBNET_H
#define NETEMU_TOPOLOGY_IBNET_H

#include "topology/ibfabric.h"
#include "topology/textfile.h"

/* All of FILE into FABRIC, which ibfabric_init() made.  Returns 0, or -1 with
 * ERR written.
 */
int ibnet_read(struct ibfabric *fabric, struct textfile *file, struct err *err);
int ibsubnet_read(struct ibfabric *fabric, struct textfile *file, struct err *err);

/* The form whose lines begin like those of HEAD, or NULL. */
typedef int (*ibnet_read_fn)(struct ibfabric *fabric, struct textfile *file, struct err *err);
ibnet_read_fn ibnet_form(const char *head);

#endif
