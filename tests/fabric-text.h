/* SPDX-License-Identifier: Apache-2.0 */
/* fabric-text.h - a topology as dumps of an InfiniBand fabric, for tests
 *
 * Every port needs a number of 1 to 254.
 */
#ifndef NETEMU_TESTS_FABRIC_TEXT_H
#define NETEMU_TESTS_FABRIC_TEXT_H

#include "topology/topology.h"

#include <stdio.h>

/* A width and a speed as ibnetdiscover and as OpenSM write it. */
struct fabric_speed {
	const char *width, *speed, *opensm;
	double rate; /* byte/s of data */
};
#define FABRIC_SPEEDS 8
extern const struct fabric_speed fabric_speeds[FABRIC_SPEEDS];

enum fabric_form {
	FABRIC_PLAIN,  /* ibnetdiscover, which ibsim reads as well */
	FABRIC_PORTS,  /* ibnetdiscover -p */
	FABRIC_SUBNET, /* opensm-subnet.lst */
	FABRIC_TABLES, /* opensm-lfts.dump */
};

/* Give the nodes GUIDs and LIDs, ascending in the order of nodes: a host one for
 * each port, a switch one.
 */
void fabric_number(struct topology *topology);

/* Print TOPOLOGY, which fabric_number() has seen, in one of the first three forms; a capacity that
 * is not among fabric_speeds is 4x EDR.  The order of nodes and of ports is that of SEED, 0: as
 * they are.
 */
void fabric_print(FILE *out, const struct topology *topology, enum fabric_form form, unsigned seed);

/* Print forwarding tables as OpenSM does, of arbitrary ports. */
void fabric_print_tables(FILE *out, const struct topology *topology);

#endif
