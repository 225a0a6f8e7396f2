/* SPDX-License-Identifier: Apache-2.0 */
/* policies.h - the placements built in, listed in place.c */
#ifndef NETEMU_PLACE_POLICIES_H
#define NETEMU_PLACE_POLICIES_H

#include "policy.h"

extern const struct netemu_policy place_block, place_cyclic, place_plane, place_random,
	place_random_hosts, place_aware;

#endif
