/* SPDX-License-Identifier: Apache-2.0 */
#include "deal.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t count_slots(const struct netemu_place *place)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < place->nhosts; i++)
		slots += place->slots[i];
	return slots;
}

int deal_groups(const struct netemu_place *place, const uint32_t *order, uint32_t group,
		uint32_t *placement)
{
	uint32_t rank = 0;
	uint32_t *left;

	if (count_slots(place) < place->ranks)
		return -1;
	left = malloc((place->nhosts + 1) * sizeof(*left));
	if (!left)
		return -1;
	for (uint32_t i = 0; i < place->nhosts; i++)
		left[i] = place->slots[order ? order[i] : i];
	while (rank < place->ranks) {
		for (uint32_t i = 0; i < place->nhosts && rank < place->ranks; i++) {
			uint32_t host = place->hosts[order ? order[i] : i];

			for (uint32_t n = group; n && left[i] && rank < place->ranks; n--) {
				placement[rank++] = host;
				left[i]--;
			}
		}
	}
	free(left);
	return 0;
}

int deal_random(struct netemu_place *place, uint32_t *placement)
{
	uint64_t slots = count_slots(place), used = 0;
	uint32_t *host;

	if (slots < place->ranks || slots > UINT32_MAX)
		return -1;
	host = malloc((slots + 1) * sizeof(*host));
	if (!host)
		return -1;
	for (uint32_t i = 0; i < place->nhosts; i++)
		for (uint32_t s = 0; s < place->slots[i]; s++)
			host[used++] = place->hosts[i];
	for (uint32_t rank = 0; rank < place->ranks; rank++) {
		uint64_t at = rank + place->random(place, slots - rank);

		placement[rank] = host[at];
		host[at] = host[rank];
	}
	free(host);
	return 0;
}

void *deal_create(const struct netemu_net *net, const char *options, char *why, size_t why_size)
{
	static char nothing;

	(void)net;
	if (!options)
		return &nothing;
	snprintf(why, why_size, "takes no options, not '%.64s'", options);
	return NULL;
}

void deal_destroy(void *state)
{
	(void)state;
}
