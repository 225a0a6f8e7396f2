/* SPDX-License-Identifier: Apache-2.0 */
/* dmodk.c - D-mod-K and S-mod-K */
#include "forms.h"
#include "leveled.h"
#include "tree.h"

static int create(struct router *router, const char *options, struct err *err)
{
	if (options)
		return err_set(err, "routing '%s' has no options", router->ops->name);
	router->state = leveled_create(&router->topology->net);
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
	const struct leveled *leveled = router->state;
	const struct netemu_net *net = &router->topology->net;
	uint32_t node = net->host_node[from], target = net->host_node[to], length = 0;

	while (node != target) {
		links[length] = leveled_next(leveled, node, to);
		node = net->link[links[length++]].to;
	}
	return length;
}

static bool can_walk(const struct router *router)
{
	return leveled_is_regular(router->state);
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
	.route = tree_route,
	.all_to_all = tree_all_to_all,
	.destinations = tree_destinations,
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
	.route = tree_route,
	.all_to_all = tree_all_to_all,
};
