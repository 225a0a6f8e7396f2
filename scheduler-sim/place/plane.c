/* SPDX-License-Identifier: Apache-2.0 */
#include "deal.h"
#include "policies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The state is the size of a group. */
static void *create(const struct netemu_net *net, const char *options, char *why, size_t why_size)
{
	uint32_t *group;
	unsigned long size;

	(void)net;
	size = options ? strtoul(options, NULL, 10) : 0;
	if (!options || options[0] == '\0' || options[strspn(options, "0123456789")] != '\0' ||
	    size == 0 || size > UINT32_MAX) {
		snprintf(why, why_size, "needs plane:N, N ranks at a time, not '%.64s'",
			 options ? options : "");
		return NULL;
	}
	group = malloc(sizeof(*group));
	if (group)
		*group = (uint32_t)size;
	else
		snprintf(why, why_size, "out of memory");
	return group;
}

static int plane(void *state, struct netemu_place *place, uint32_t *placement)
{
	return deal_groups(place, NULL, *(uint32_t *)state, placement);
}

const struct netemu_policy place_plane = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_PLACEMENT,
	.name = "plane",
	.help = "N ranks at a time to each host in turn (plane:N)",
	.placement = {
		.create = create,
		.destroy = free,
		.place = plane,
	},
};
