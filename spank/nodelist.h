/* SPDX-License-Identifier: Apache-2.0 */
/* nodelist.h - where a node stands in a list of nodes */
#ifndef NETEMU_SPANK_NODELIST_H
#define NETEMU_SPANK_NODELIST_H

#include <stdint.h>

/* Where the node NAME stands in LIST ("n[1-3,08],m1"), from 0; -1 when it is
 * not there or LIST is not understood.  LIST comes from the job's environment
 * and this runs as root: so it is not Slurm's own parser, which expects Slurm's
 * own lists, but one that only counts.
 */
int64_t nodelist_find(const char *list, const char *name);

#endif
