/* SPDX-License-Identifier: Apache-2.0 */
/* dynlib.h - networks for tests of load-dependent routing and placement */
#ifndef NETEMU_DYNLIB_H
#define NETEMU_DYNLIB_H

#include "random.h"
#include "topology/topology.h"

/* 3 to 8 switches in a ring with any more cables, some twice; 4 to 9 hosts with
 * one cable or two.  Capacities are 2, or when MIXED 1, 2, 4 and 8.
 */
void random_network(struct random *dice, struct topology *topology, bool mixed);

#endif
