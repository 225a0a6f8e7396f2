/* SPDX-License-Identifier: Apache-2.0 */
#include "route/paths.h"

#include "route/router.h"

#include <stdlib.h>
#include <string.h>

static int set_rates(struct paths *paths, double unit, struct err *err)
{
	const struct netemu_net *net = &paths->topology.net;

	if (paths->topology.unit == TOPOLOGY_UNIT_BYTE)
		unit = 1;
	paths->rate = calloc(net->links + (size_t)1, sizeof(*paths->rate));
	if (!paths->rate)
		return err_errno(err, "unable to keep the links of '%s'", paths->topology.source);
	for (uint32_t i = 0; i < net->links; i++)
		paths->rate[i] = net->link[i].capacity * unit;
	return 0;
}

int paths_open(struct paths *paths, const struct paths_settings *settings, struct err *err)
{
	memset(paths, 0, sizeof(*paths));
	if (topology_open(&paths->topology, settings->spec, settings->base, err) < 0)
		return -1;
	if (set_rates(paths, settings->unit, err) == 0)
		return 0;
	paths_release(paths);
	return -1;
}

/* All ordered pairs of places on different hosts. */
static struct netemu_pair *make_pairs(const uint32_t *host, uint32_t count, size_t *pairs)
{
	struct netemu_pair *pair = malloc(((size_t)count * count + 1) * sizeof(*pair));

	*pairs = 0;
	for (uint32_t i = 0; pair && i < count; i++)
		for (uint32_t j = 0; j < count; j++)
			if (host[i] != host[j])
				pair[(*pairs)++] = (struct netemu_pair){
					.from = host[i],
					.to = host[j],
					.bytes = 1,
					.flows = 1,
				};
	return pair;
}

static int check_routed(const struct paths *paths, const struct routed *routed, const char *routing,
			struct err *err)
{
	const struct netemu_net *net = &paths->topology.net;

	if (routed->unroutable)
		return err_set(err, "routing '%s' finds no path from '%s' to '%s'", routing,
			       net->name[net->host_node[routed->from]],
			       net->name[net->host_node[routed->to]]);
	if (!routed->start)
		return err_set(err,
			       "routing '%s' sends a pair over several paths at once: one path "
			       "for each pair is needed",
			       routing);
	return 0;
}

static const char *routing_of(const struct topology *topology, const char *asked)
{
	static const char *const by_shape[] = {
		[TOPOLOGY_IRREGULAR] = "dmodk",   [TOPOLOGY_TREE] = "dmodk",
		[TOPOLOGY_TORUS] = "dor",         [TOPOLOGY_MESH] = "dor",
		[TOPOLOGY_DRAGONFLY] = "minimal",
	};

	if (asked)
		return asked;
	return topology->tables ? "lft" : by_shape[topology->shape];
}

static int route_pairs(struct paths *paths, const struct paths_settings *settings,
		       const struct netemu_pair *pair, size_t pairs, struct routed *routed,
		       struct err *err)
{
	const char *routing = routing_of(&paths->topology, settings->routing);
	const struct router_settings how = { .seed = settings->seed };
	const struct netemu_route route = { .pairs = pair, .npairs = pairs };
	struct router *router;
	struct loads loads;
	int rc = -1;

	if (router_create(&router, routing, &paths->topology, &how, err) < 0)
		return -1;
	if (loads_init(&loads, paths->topology.net.links) < 0)
		err_errno(err, "unable to route");
	else if (router_route(router, &route, &loads, routed, err) == 0)
		rc = pairs ? check_routed(paths, routed, routing, err) : 0;
	loads_release(&loads);
	router_destroy(router);
	return rc;
}

/* ROUTED's paths, of pairs of hosts, as a table by pairs of places. */
static int keep_paths(struct paths *paths, const uint32_t *host, uint32_t count,
		      const struct routed *routed, size_t pairs, struct err *err)
{
	size_t links = pairs ? routed->start[pairs] : 0, pair = 0, at = 0, p = 0;

	paths->path = malloc((links + 1) * sizeof(*paths->path));
	paths->start = malloc(((size_t)count * count + 1) * sizeof(*paths->start));
	if (!paths->path || !paths->start)
		return err_errno(err, "unable to keep routes");
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < count; j++) {
			paths->start[p++] = at;
			if (host[i] == host[j])
				continue;
			for (size_t k = routed->start[pair]; k < routed->start[pair + 1]; k++)
				paths->path[at++] = routed->path[k];
			pair++;
		}
	paths->start[p] = at;
	paths->places = count;
	return 0;
}

int paths_route(struct paths *paths, const struct paths_settings *settings, const uint32_t *host,
		uint32_t count, struct err *err)
{
	struct routed routed = { .want_paths = true };
	size_t pairs;
	struct netemu_pair *pair = make_pairs(host, count, &pairs);
	int rc = -1;

	if (!pair)
		err_errno(err, "unable to route");
	else if (route_pairs(paths, settings, pair, pairs, &routed, err) == 0)
		rc = keep_paths(paths, host, count, &routed, pairs, err);
	routed_release(&routed);
	free(pair);
	return rc;
}

void paths_release(struct paths *paths)
{
	if (paths->topology.source)
		topology_release(&paths->topology);
	free(paths->rate);
	free(paths->path);
	free(paths->start);
	memset(paths, 0, sizeof(*paths));
}
