/* SPDX-License-Identifier: Apache-2.0 */
#include "pairwise.h"

#include <stdlib.h>

void pairwise_random(const struct router *router, uint32_t from, uint32_t to, struct random *random)
{
	random_init(random, router->settings.seed, "routing", (uint64_t)from << 32 | to);
}

static uint32_t *links_for(const struct router *router, struct err *err)
{
	uint32_t *links = malloc((router->topology->net.nodes + 1) * sizeof(*links));

	if (!links)
		err_errno(err, "routing '%s'", router->ops->name);
	return links;
}

int pairwise_route(struct routing *routing, pairwise_fn *path, struct err *err)
{
	uint32_t *links = links_for(routing->router, err);
	size_t *order;
	int rc = 0;

	if (!links)
		return -1;
	if (routing_order(&routing->route, false, &order) < 0) {
		free(links);
		return err_errno(err, "unable to sort %zu pairs", routing->route.npairs);
	}
	for (size_t i = 0; i < routing->route.npairs && rc == 0; i++) {
		const struct netemu_pair *pair = &routing->route.pairs[order[i]];
		uint32_t length = path(routing->router, pair->from, pair->to, links);

		if (length != NETEMU_NONE)
			rc = routing_path(routing, order[i], links, length);
	}
	free(order);
	free(links);
	return rc;
}

/* COUNT flows of BYTES each. */
static void send_flows(struct loads *loads, const uint32_t *links, uint32_t length, uint64_t count,
		       uint64_t bytes)
{
	load_amount amount = (load_amount)count * bytes << LOADS_SHIFT;

	for (uint32_t k = 0; k < length; k++) {
		struct load *load = loads_at(loads, links[k]);

		load->bytes += amount;
		load->flows += load_whole(count);
	}
}

int pairwise_all_to_all(struct router *router, pairwise_fn *path, const struct all_to_all *traffic,
			struct loads *loads, struct routed *routed, struct err *err)
{
	uint32_t hosts = router->topology->net.hosts;
	uint32_t *links = links_for(router, err);

	if (!links)
		return -1;
	for (uint32_t to = 0; to < hosts; to++) {
		for (uint32_t from = 0; from < hosts; from++) {
			uint64_t flows = traffic->weight ? (uint64_t)traffic->weight[from] *
								   traffic->weight[to]
							 : 1;
			uint32_t length;

			if (from == to || flows == 0)
				continue;
			length = path(router, from, to, links);
			if (length == NETEMU_NONE) {
				routed_fail(routed, from, to, 1);
				continue;
			}
			send_flows(loads, links, length, flows, traffic->bytes);
			routed_count(routed, length, 1);
		}
	}
	free(links);
	return 0;
}
