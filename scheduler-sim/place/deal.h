/* SPDX-License-Identifier: Apache-2.0 */
/* deal.h - give ranks to hosts by a rule */
#ifndef NETEMU_PLACE_DEAL_H
#define NETEMU_PLACE_DEAL_H

#include "policy.h"

/* Ranks in groups of GROUP to one host after the other, round and round; a
 * host drops out when it is full.  ORDER [nhosts] is the order of the hosts,
 * NULL: as they are.  Returns 0, or -1 when the ranks do not fit or memory ran
 * out.
 */
int deal_groups(const struct netemu_place *place, const uint32_t *order, uint32_t group,
		uint32_t *placement);

/* One rank to each slot, the slots in random order.  Returns as above. */
int deal_random(struct netemu_place *place, uint32_t *placement);

/* For policies without state: create() that takes no options, destroy(). */
void *deal_create(const struct netemu_net *net, const char *options, char *why, size_t why_size);
void deal_destroy(void *state);

#endif
