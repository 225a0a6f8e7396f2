/* SPDX-License-Identifier: Apache-2.0 */
/* dmodk.c - D-mod-K and S-mod-K */
#include "forms.h"
#include "leveled.h"
#include "tree.h"

#include <string.h>

static int create(struct router *router, const char *options, struct err *err)
{
	bool turned = router->ops->form == ROUTER_FROM;

	if (options && strcmp(options, "leaves"))
		return err_set(err, "routing '%s': '%s' is no option of it, 'leaves' is",
			       router->ops->name, options);
	router->state = leveled_create(&router->topology->net, turned, options);
	if (!router->state)
		return err_errno(err, "unable to set up routing '%s'", router->ops->name);
	return 0;
}

static void destroy(struct router *router)
{
	leveled_destroy(router->state);
}

static void column(struct router *router, uint32_t host, uint32_t *next)
{
	leveled_column(router->state, host, next);
}

static uint32_t walk(struct router *router, uint32_t from, uint32_t to, uint32_t *links)
{
	return leveled_walk(router->state, from, to, links);
}

static bool can_walk(const struct router *router)
{
	return leveled_is_regular(router->state);
}

static int route(struct routing *routing, struct err *err)
{
	const struct netemu_route *route = &routing->route;
	struct router *router = routing->router;

	if (routing->length || !can_walk(router))
		return tree_route(routing, err);
	leveled_add_pairs(router->state, route->pairs, route->npairs, routing->loads,
			  routing->routed);
	return 0;
}

static int all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err)
{
	int rc = leveled_all_to_all(router->state, traffic, loads, routed, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	return tree_all_to_all(router, traffic, loads, routed, err);
}

static int destinations(struct router *router, uint32_t *count, struct err *err)
{
	int rc = leveled_destinations(router->state, count, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	return tree_destinations(router, count, err);
}

const struct router_ops router_dmodk = {
	.name = "dmodk",
	.alias = "pfsim.router.DmodKRouter",
	.help = "up a tree by the number of the destination",
	.form = ROUTER_TO,
	.create = create,
	.destroy = destroy,
	.column = column,
	.can_walk = can_walk,
	.walk = walk,
	.route = route,
	.all_to_all = all_to_all,
	.destinations = destinations,
};

const struct router_ops router_smodk = {
	.name = "smodk",
	.help = "up a tree by the number of the source",
	.form = ROUTER_FROM,
	.create = create,
	.destroy = destroy,
	.column = column,
	.can_walk = can_walk,
	.walk = walk,
	.route = route,
	.all_to_all = all_to_all,
};
