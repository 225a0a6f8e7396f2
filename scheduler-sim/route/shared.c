/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c - routing by a user's shared object */
#include "forms.h"
#include "policy/policy_load.h"

#include <errno.h>
#include <stdlib.h>

struct shared {
	struct router_ops ops;
	struct policy policy;
	void *state;             /* of the policy */
	uint64_t *bytes, *flows; /* [links] */
	bool refused;            /* a path of the routing at hand */
	struct err reason;
};

static int refuse(struct shared *shared, const struct routing *routing, size_t pair,
		  const char *what)
{
	const struct netemu_net *net = routing->route.net;
	const struct netemu_pair *of = &routing->route.pairs[pair];

	if (shared->refused)
		return -1;
	shared->refused = true;
	return err_set(&shared->reason, "routing '%s': the path of pair %zu, '%s' to '%s', %s",
		       shared->policy.name, pair, net->name[net->host_node[of->from]],
		       net->name[net->host_node[of->to]], what);
}

/* What is wrong with a path, or NULL. */
static const char *find_fault(const struct routing *routing, size_t pair, const uint32_t *links,
			      uint32_t nlinks)
{
	const struct netemu_net *net = routing->route.net;
	const struct netemu_pair *of = &routing->route.pairs[pair];
	uint32_t node = net->host_node[of->from];

	if (routing->length[pair])
		return "was given twice";
	if (!nlinks || !links)
		return "has no links";
	for (uint32_t i = 0; i < nlinks; i++) {
		if (links[i] >= net->links)
			return "has a link that does not exist";
		if (net->link[links[i]].from != node)
			return i ? "has links that do not follow each other"
				 : "does not begin at its host";
		node = net->link[links[i]].to;
		if (i + 1 < nlinks && net->node_host[node] != NETEMU_NONE)
			return "goes through a host";
	}
	return node == net->host_node[of->to] ? NULL : "does not end at its host";
}

static int take_path(struct netemu_route *route, size_t pair, const uint32_t *links,
		     uint32_t nlinks)
{
	struct routing *routing = (struct routing *)route;
	struct shared *shared = routing->router->state;
	const char *fault;

	if (pair >= route->npairs) {
		shared->refused = true;
		return err_set(&shared->reason, "routing '%s': a path for pair %zu of %zu",
			       shared->policy.name, pair, route->npairs);
	}
	fault = find_fault(routing, pair, links, nlinks);
	if (fault)
		return refuse(shared, routing, pair, fault);
	return routing_path(routing, pair, links, nlinks);
}

static int route(struct routing *routing, struct err *err)
{
	struct shared *shared = routing->router->state;
	const struct netemu_routing *policy = &shared->policy.what->routing;
	int rc;

	for (uint32_t l = 0; l < routing->loads->count; l++) {
		shared->bytes[l] = load_integer(routing->loads->link[l].bytes);
		shared->flows[l] = load_integer(routing->loads->link[l].flows);
	}
	routing->route.bytes = shared->bytes;
	routing->route.flows = shared->flows;
	routing->route.path = take_path;
	shared->refused = false;
	rc = policy->route(shared->state, &routing->route);
	if (shared->refused)
		return err_set(err, "%s", shared->reason.text);
	if (rc)
		return err_set(err, "routing '%s' failed", shared->policy.name);
	return 0;
}

static void destroy(struct router *router)
{
	struct shared *shared = router->state;
	const struct netemu_routing *policy;

	if (shared->policy.what) {
		policy = &shared->policy.what->routing;
		if (policy->destroy && shared->state)
			policy->destroy(shared->state);
		policy_release(&shared->policy);
	}
	free(shared->bytes);
	free(shared->flows);
	free(shared);
}

static int set_up(struct router *router, struct shared *shared, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	const struct netemu_routing *policy = &shared->policy.what->routing;
	char why[512] = "";

	shared->ops.name = shared->policy.what->name;
	shared->bytes = calloc((size_t)net->links + 1, sizeof(*shared->bytes));
	shared->flows = calloc((size_t)net->links + 1, sizeof(*shared->flows));
	if (!shared->bytes || !shared->flows)
		return err_errno(err, "unable to set up routing '%s'", shared->policy.name);
	if (!policy->create)
		return 0;
	shared->state = policy->create(net, shared->policy.options, why, sizeof(why));
	if (shared->state)
		return 0;
	why[sizeof(why) - 1] = '\0';
	return err_set(err, "routing '%s': %s", shared->policy.name, *why ? why : "refused");
}

int shared_open(struct router *router, const char *spec, struct err *err)
{
	struct shared *shared = calloc(1, sizeof(*shared));

	if (!shared)
		return err_errno(err, "unable to set up routing '%s'", spec);
	shared->ops = (struct router_ops){
		.help = "a shared object",
		.form = ROUTER_SET,
		.destroy = destroy,
		.route = route,
	};
	router->ops = &shared->ops;
	router->state = shared;
	if (policy_find(&shared->policy, NETEMU_ROUTING, NULL, 0, spec, router->settings.base, err))
		return -1;
	return set_up(router, shared, err);
}
