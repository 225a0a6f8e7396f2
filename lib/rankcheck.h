/* SPDX-License-Identifier: Apache-2.0 */
/* rankcheck.h - what holds for every rank, whoever wrote its file */
#ifndef NETEMU_RANKCHECK_H
#define NETEMU_RANKCHECK_H

#include "rankfile.h"

#define RANKCHECK_RANKS (1u << 24) /* a world of more is not believed */

/* Check that RANK, read from NAME, is one of its world, that all peers are,
 * that the operations add up to the totals exactly, that phases are part of
 * them and (in a complete rank) that windows add up to them.  Returns 0, or -1
 * with ERR written.
 */
int rankcheck(const struct rankfile *rank, const char *name, struct err *err);

#endif
