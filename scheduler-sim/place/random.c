/* SPDX-License-Identifier: Apache-2.0 */
#include "deal.h"
#include "policies.h"

#include <stdlib.h>

static int any_slot(void *state, struct netemu_place *place, uint32_t *placement)
{
	(void)state;
	return deal_random(place, placement);
}

static int any_host(void *state, struct netemu_place *place, uint32_t *placement)
{
	uint32_t *order = malloc((place->nhosts + 1) * sizeof(*order));
	int rc;

	(void)state;
	if (!order)
		return -1;
	for (uint32_t i = 0; i < place->nhosts; i++)
		order[i] = i;
	for (uint32_t i = place->nhosts; i-- > 1;) {
		uint32_t other = (uint32_t)place->random(place, (uint64_t)i + 1);
		uint32_t host = order[i];

		order[i] = order[other];
		order[other] = host;
	}
	rc = deal_groups(place, order, UINT32_MAX, placement);
	free(order);
	return rc;
}

const struct netemu_policy place_random = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_PLACEMENT,
	.name = "random",
	.help = "every rank on any slot",
	.placement = {
		.create = deal_create,
		.destroy = deal_destroy,
		.place = any_slot,
	},
};

const struct netemu_policy place_random_hosts = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_PLACEMENT,
	.name = "random-hosts",
	.alias = "pfsim.process_mapper.RandomProcessMapper",
	.help = "fill one host after the other, the hosts in random order",
	.placement = {
		.create = deal_create,
		.destroy = deal_destroy,
		.place = any_host,
	},
};
