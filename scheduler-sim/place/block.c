/* SPDX-License-Identifier: Apache-2.0 */
#include "deal.h"
#include "policies.h"

static int block(void *state, struct netemu_place *place, uint32_t *placement)
{
	(void)state;
	return deal_groups(place, NULL, UINT32_MAX, placement);
}

const struct netemu_policy place_block = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_PLACEMENT,
	.name = "block",
	.alias = "pfsim.process_mapper.LinearProcessMapper",
	.help = "fill one host after the other",
	.placement = {
		.create = deal_create,
		.destroy = deal_destroy,
		.place = block,
	},
};
