/* SPDX-License-Identifier: Apache-2.0 */
/* heaviest.h - pairs of hosts by what they send */
#ifndef NETEMU_HEAVIEST_H
#define NETEMU_HEAVIEST_H

#include "policy.h"

/* The numbers of PAIRS, the one with most bytes first, equal ones in their order;
 * to be freed.  NULL with errno ENOMEM.
 */
size_t *heaviest_first(const struct netemu_pair *pairs, size_t npairs);

#endif
