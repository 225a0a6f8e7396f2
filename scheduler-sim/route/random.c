/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - any of the shortest paths, each equally likely */
#include "pairwise.h"
#include "shortest.h"

#include <errno.h>
#include <stdlib.h>

static void destroy(struct router *router)
{
	struct shortest *shortest = router->state;

	if (!shortest)
		return;
	shortest_release(shortest);
	free(shortest);
}

static int create(struct router *router, const char *options, struct err *err)
{
	struct shortest *shortest;

	if (options)
		return err_set(err, "routing 'random' takes no options, not '%s'", options);
	shortest = calloc(1, sizeof(*shortest));
	if (shortest && shortest_init(shortest, router->topology) == 0) {
		router->state = shortest;
		return 0;
	}
	free(shortest);
	errno = ENOMEM;
	return err_errno(err, "routing 'random'");
}

static double draw(void *random)
{
	return random_real(random);
}

static uint32_t find_path(struct router *router, uint32_t from, uint32_t to, uint32_t *links)
{
	struct random random;

	shortest_to(router->state, to);
	pairwise_random(router, from, to, &random);
	return shortest_draw(router->state, from, draw, &random, links);
}

static int route(struct routing *routing, struct err *err)
{
	return pairwise_route(routing, find_path, err);
}

static int all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err)
{
	return pairwise_all_to_all(router, find_path, traffic, loads, routed, err);
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
