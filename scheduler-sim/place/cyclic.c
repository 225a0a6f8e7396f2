/* SPDX-License-Identifier: Apache-2.0 */
#include "deal.h"
#include "policies.h"

static int cyclic(void *state, struct netemu_place *place, uint32_t *placement)
{
	(void)state;
	return deal_groups(place, NULL, 1, placement);
}

const struct netemu_policy place_cyclic = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_PLACEMENT,
	.name = "cyclic",
	.alias = "pfsim.process_mapper.CyclicProcessMapper",
	.help = "one rank to each host in turn",
	.placement = {
		.create = deal_create,
		.destroy = deal_destroy,
		.place = cyclic,
	},
};
