/* SPDX-License-Identifier: Apache-2.0 */
/* policy-route.c - a routing policy that misbehaves as its options say */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 64

struct state {
	const struct netemu_net *net;
	const char *fault;
	uint32_t *from; /* [nodes] the link over which a search came */
};

static void *create(const struct netemu_net *net, const char *options, char *why, size_t why_size)
{
	struct state *state;

	if (options && !strcmp(options, "refuse")) {
		snprintf(why, why_size, "no mood");
		return NULL;
	}
	state = calloc(1, sizeof(*state));
	state->net = net;
	state->fault = options ? options : "";
	state->from = calloc(net->nodes, sizeof(*state->from));
	return state;
}

static void destroy(void *arg)
{
	struct state *state = arg;

	free(state->from);
	free(state);
}

/* The first path that a depth-first search over switches meets. */
static uint32_t search(struct state *state, uint32_t node, uint32_t target, uint32_t *links,
		       uint32_t length)
{
	const struct netemu_net *net = state->net;

	if (node == target)
		return length;
	state->from[node] = 1;
	for (uint32_t l = net->first[node]; l < net->first[node + 1]; l++) {
		uint32_t to = net->link[l].to, found;

		if (to != target && (net->node_host[to] != NETEMU_NONE || state->from[to]))
			continue;
		links[length] = l;
		found = length + 1 < MOST ? search(state, to, target, links, length + 1) : 0;
		if (found)
			return found;
	}
	return 0;
}

static int route(void *arg, struct netemu_route *route)
{
	struct state *state = arg;
	const struct netemu_net *net = state->net;

	if (!strcmp(state->fault, "fail"))
		return -1;
	for (size_t i = 0; i < route->npairs; i++) {
		uint32_t links[MOST], length;

		memset(state->from, 0, net->nodes * sizeof(*state->from));
		length = search(state, net->host_node[route->pairs[i].from],
				net->host_node[route->pairs[i].to], links, 0);
		if (!strcmp(state->fault, "leave") && i == 1)
			continue;
		if (!strcmp(state->fault, "short"))
			length--;
		if (!strcmp(state->fault, "late"))
			links[0] = links[1];
		if (!strcmp(state->fault, "link"))
			links[0] = net->links;
		if (!strcmp(state->fault, "gap"))
			links[1] = links[length - 1];
		if (!strcmp(state->fault, "empty"))
			length = 0;
		if (!strcmp(state->fault, "beyond"))
			return route->path(route, route->npairs, links, length);
		if (!strcmp(state->fault, "twice"))
			route->path(route, i, links, length);
		if (route->path(route, i, links, length) && strcmp(state->fault, "ignore"))
			return -1;
	}
	return 0;
}

const struct netemu_policy netemu_policy = {
	.version = NETEMU_POLICY_VERSION,
	.kind = NETEMU_ROUTING,
	.name = "first-found",
	.help = "the first path that is found",
	.routing = { .create = create, .destroy = destroy, .route = route },
};
