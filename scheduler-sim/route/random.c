/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - any of the shortest paths, each equally likely
 *
 * What a pair of hosts draws comes from a stream of its own: its path is the
 * same whatever else is routed, before it or in another job.
 */
#include "forms.h"
#include "shortest.h"

#include <errno.h>
#include <stdlib.h>

struct draws {
	struct shortest shortest;
	struct random random;
	uint32_t *path; /* [nodes]; owned */
};

static void destroy(struct router *router)
{
	struct draws *draws = router->state;

	shortest_release(&draws->shortest);
	free(draws->path);
	free(draws);
}

static int create(struct router *router, const char *options, struct err *err)
{
	struct draws *draws;

	if (options)
		return err_set(err, "routing 'random' takes no options, not '%s'", options);
	draws = calloc(1, sizeof(*draws));
	if (!draws)
		return err_errno(err, "routing 'random'");
	router->state = draws;
	draws->path = malloc((router->topology->net.nodes + 1) * sizeof(*draws->path));
	if (draws->path && shortest_init(&draws->shortest, router->topology) == 0)
		return 0;
	destroy(router);
	errno = ENOMEM;
	return err_errno(err, "routing 'random'");
}

static double draw(void *random)
{
	return random_real(random);
}

/* The path of a pair; the search is towards TO already. */
static uint32_t find_path(struct router *router, uint32_t from, uint32_t to)
{
	struct draws *draws = router->state;

	random_init(&draws->random, router->settings.seed, "routing", (uint64_t)from << 32 | to);
	return shortest_draw(&draws->shortest, from, draw, &draws->random, draws->path);
}

static int route(struct routing *routing, struct err *err)
{
	struct draws *draws = routing->router->state;
	size_t *order;
	int rc = 0;

	if (routing_order(&routing->route, false, &order) < 0)
		return err_errno(err, "unable to sort %zu pairs", routing->route.npairs);
	for (size_t i = 0; i < routing->route.npairs && rc == 0; i++) {
		const struct netemu_pair *pair = &routing->route.pairs[order[i]];
		uint32_t length;

		shortest_to(&draws->shortest, pair->to);
		length = find_path(routing->router, pair->from, pair->to);
		if (length != NETEMU_NONE)
			rc = routing_path(routing, order[i], draws->path, length);
	}
	free(order);
	return rc;
}

/* All that is sent to TO. */
static void send_all(struct router *router, const struct all_to_all *traffic, uint32_t to,
		     struct loads *loads, struct routed *routed)
{
	const struct netemu_net *net = &router->topology->net;
	struct draws *draws = router->state;
	uint64_t weight = traffic->weight ? traffic->weight[to] : 1;

	for (uint32_t from = 0; weight && from < net->hosts; from++) {
		uint64_t flows = weight * (traffic->weight ? traffic->weight[from] : 1);
		load_amount bytes = (load_amount)flows * traffic->bytes << LOADS_SHIFT;
		uint32_t length;

		if (from == to || flows == 0)
			continue;
		length = find_path(router, from, to);
		if (length == NETEMU_NONE) {
			routed_fail(routed, from, to, 1);
			continue;
		}
		for (uint32_t k = 0; k < length; k++) {
			loads->link[draws->path[k]].bytes += bytes;
			loads->link[draws->path[k]].flows += load_whole(flows);
		}
		routed_count(routed, length, 1);
	}
}

static int all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err)
{
	struct draws *draws = router->state;

	(void)err;
	for (uint32_t to = 0; to < router->topology->net.hosts; to++) {
		shortest_to(&draws->shortest, to);
		send_all(router, traffic, to, loads, routed);
	}
	return 0;
}

const struct router_ops router_random = {
	.name = "random",
	.alias = "pfsim.router.RandomRouter",
	.help = "for each pair of hosts any of the shortest paths",
	.form = ROUTER_PAIR,
	.create = create,
	.destroy = destroy,
	.route = route,
	.all_to_all = all_to_all,
};
