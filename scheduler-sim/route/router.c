/* SPDX-License-Identifier: Apache-2.0 */
#include "fabric.h"
#include "forms.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct router_ops router_dmodk, router_smodk;
extern const struct router_ops router_ecmp, router_dor, router_minimal, router_lft;
extern const struct router_ops router_random, router_valiant, router_greedy, router_greedy_max;
extern const struct router_ops router_minmax;
extern const struct router_ops router_pfsim_dmodk, router_pfsim_random, router_pfsim_greedy,
	router_pfsim_greedy_max;

/* clang-format off */
static const struct router_ops *const table[] = {
	&router_dmodk,
	&router_smodk,
	&router_ecmp,
	&router_dor,
	&router_minimal,
	&router_lft,
	&router_random,
	&router_valiant,
	&router_greedy,
	&router_greedy_max,
	&router_minmax,
	&router_pfsim_dmodk,
	&router_pfsim_random,
	&router_pfsim_greedy,
	&router_pfsim_greedy_max,
	NULL,
};
/* clang-format on */

static bool is_called(const struct router_ops *ops, const char *name, size_t length)
{
	return (!strncmp(ops->name, name, length) && !ops->name[length]) ||
	       (ops->alias && !strncmp(ops->alias, name, length) && !ops->alias[length]);
}

/* The one for this mode, if there are two of a name. */
static const struct router_ops *find(const char *name, size_t length, bool pfsim)
{
	const struct router_ops *found = NULL;

	for (size_t i = 0; table[i]; i++) {
		if (!is_called(table[i], name, length) || (table[i]->pfsim && !pfsim))
			continue;
		if (!found || table[i]->pfsim)
			found = table[i];
	}
	return found;
}

const char *router_own_name(const char *name)
{
	for (size_t i = 0; table[i]; i++)
		if (table[i]->alias && strcmp(table[i]->alias, name) == 0)
			return table[i]->name;
	return name;
}

static int unknown(const char *name, size_t length, struct err *err)
{
	char known[512] = "";
	size_t used = 0;

	for (size_t i = 0; table[i] && used < sizeof(known); i++) {
		if (!table[i]->pfsim)
			used += snprintf(known + used, sizeof(known) - used, "%s%s",
					 used ? ", " : "", table[i]->name);
	}
	return err_set(err, "unknown routing '%.*s', known are %s and ./FILE.so", (int)length, name,
		       known);
}

static int open_named(struct router *router, const char *name, struct err *err)
{
	size_t length = strcspn(name, ":");
	const char *options = name[length] ? name + length + 1 : NULL;

	if (strchr(name, '/'))
		return shared_open(router, name, err);
	router->ops = find(name, length, router->settings.pfsim);
	if (!router->ops)
		return unknown(name, length, err);
	return router->ops->create(router, options, err);
}

static uint64_t draw(struct netemu_route *route, uint64_t below)
{
	return random_below(&((struct routing *)route)->random, below);
}

static void routing_release(struct routing *routing)
{
	free(routing->links);
	free(routing->start);
	free(routing->length);
}

/* The forms that hand over one path after the other; the others do without a
 * list of them, unless it is asked for.
 */
static bool keeps_paths(const struct router *router, const struct routed *routed)
{
	enum router_form form = router->ops->form;

	if (form == ROUTER_SPLIT)
		return false;
	return routed->want_paths || (form != ROUTER_TO && form != ROUTER_FROM);
}

static int routing_init(struct routing *routing, struct router *router,
			const struct netemu_route *route, struct loads *loads,
			struct routed *routed, struct err *err)
{
	size_t room = route->npairs + 1;

	*routing = (struct routing){
		.route = *route,
		.router = router,
		.topology = router->topology,
		.loads = loads,
		.routed = routed,
		.err = err,
	};
	routing->route.net = &router->topology->net;
	routing->route.random = draw;
	random_init(&routing->random, router->settings.seed, router->ops->name, route->job);
	if (!keeps_paths(router, routed))
		return 0;
	routing->start = malloc(room * sizeof(*routing->start));
	routing->length = calloc(room, sizeof(*routing->length));
	if (routing->start && routing->length)
		return 0;
	routing_release(routing);
	errno = ENOMEM;
	return err_errno(err, "unable to route %zu pairs", route->npairs);
}

/* Take back what routing_path() put on the links. */
static void undo(struct routing *routing)
{
	for (size_t i = 0; routing->length && i < routing->route.npairs; i++) {
		const struct netemu_pair *pair = &routing->route.pairs[i];

		for (uint32_t k = 0; k < routing->length[i]; k++) {
			struct load *load =
				loads_at(routing->loads, routing->links[routing->start[i] + k]);

			load->bytes -= load_whole(pair->bytes);
			load->flows -= load_whole(pair->flows);
		}
	}
}

static void count_unrouted(struct routing *routing)
{
	struct routed *routed = routing->routed;

	for (size_t i = 0; i < routing->route.npairs; i++) {
		if (routing->length[i])
			continue;
		if (!routed->unroutable++) {
			routed->from = routing->route.pairs[i].from;
			routed->to = routing->route.pairs[i].to;
		}
	}
}

/* The paths kept, in the order of the pairs. */
static int give_paths(struct routing *routing, struct err *err)
{
	struct routed *routed = routing->routed;
	size_t npairs = routing->route.npairs, used = 0;

	routed->path = malloc(routing->nlinks ? routing->nlinks * sizeof(*routed->path) : 1);
	routed->start = malloc((npairs + 1) * sizeof(*routed->start));
	if (!routed->path || !routed->start) {
		errno = ENOMEM;
		return err_errno(err, "unable to keep the paths of %zu pairs", npairs);
	}
	for (size_t i = 0; i < npairs; i++) {
		routed->start[i] = used;
		if (routing->length[i])
			memcpy(routed->path + used, routing->links + routing->start[i],
			       routing->length[i] * sizeof(*routed->path));
		used += routing->length[i];
	}
	routed->start[npairs] = used;
	return 0;
}

static void routed_clear(struct routed *routed)
{
	*routed = (struct routed){ .want_paths = routed->want_paths };
}

/* Route PAIRS and add them up in ROUTED, which goes on from what it has. */
static int route_pairs(struct router *router, const struct netemu_route *route, struct loads *loads,
		       struct routed *routed, struct err *err)
{
	struct routing routing;
	int rc;

	if (routing_init(&routing, router, route, loads, routed, err))
		return -1;
	rc = router->ops->route(&routing, err);
	if (!rc && routing.length && routed->want_paths)
		rc = give_paths(&routing, err);
	if (rc)
		undo(&routing);
	else if (routing.length)
		count_unrouted(&routing);
	routing_release(&routing);
	return rc;
}

static uint32_t sort_key(const struct netemu_pair *pair, bool by_source, const uint32_t *place)
{
	uint32_t host = by_source ? pair->from : pair->to;

	return place ? place[host] : host;
}

static int sort_pairs(const struct netemu_route *route, bool by_source, const uint32_t *place,
		      size_t **order)
{
	size_t *first = calloc((size_t)route->net->hosts + 1, sizeof(*first));
	size_t *made = malloc((route->npairs + 1) * sizeof(*made));

	if (!first || !made) {
		free(first);
		free(made);
		errno = ENOMEM;
		return -1;
	}
	for (size_t i = 0; i < route->npairs; i++)
		first[sort_key(&route->pairs[i], by_source, place) + 1]++;
	for (uint32_t h = 0; h < route->net->hosts; h++)
		first[h + 1] += first[h];
	for (size_t i = 0; i < route->npairs; i++)
		made[first[sort_key(&route->pairs[i], by_source, place)]++] = i;
	free(first);
	*order = made;
	return 0;
}

int routing_path(struct routing *routing, size_t pair, const uint32_t *links, uint32_t nlinks)
{
	const struct netemu_pair *what = &routing->route.pairs[pair];
	load_amount bytes = load_whole(what->bytes), flows = load_whole(what->flows);

	if (routing->room - routing->nlinks < nlinks) {
		size_t room = routing->room * 2 + nlinks + 1024;
		uint32_t *more = realloc(routing->links, room * sizeof(*more));

		if (!more)
			return err_errno(routing->err, "unable to keep a path");
		routing->links = more;
		routing->room = room;
	}
	routing->start[pair] = routing->nlinks;
	routing->length[pair] = nlinks;
	for (uint32_t i = 0; i < nlinks; i++) {
		struct load *load = loads_at(routing->loads, links[i]);

		load->bytes += bytes;
		load->flows += flows;
		routing->links[routing->nlinks++] = links[i];
	}
	routed_count(routing->routed, nlinks, 1);
	return 0;
}

void routed_count(struct routed *routed, uint32_t nlinks, uint64_t count)
{
	routed->hops[nlinks < ROUTED_HOPS ? nlinks : ROUTED_HOPS - 1] += count;
	routed->pairs += count;
}

void routed_fail(struct routed *routed, uint32_t from, uint32_t to, uint64_t count)
{
	if (!routed->unroutable || from < routed->from ||
	    (from == routed->from && to < routed->to)) {
		routed->from = from;
		routed->to = to;
	}
	routed->unroutable += count;
}

int routing_order(const struct netemu_route *route, bool by_source, size_t **order)
{
	return sort_pairs(route, by_source, NULL, order);
}

int routing_order_by(const struct netemu_route *route, const uint32_t *place, size_t **order)
{
	return sort_pairs(route, false, place, order);
}

void routed_release(struct routed *routed)
{
	free(routed->path);
	free(routed->start);
	routed_clear(routed);
}

int router_create(struct router **router, const char *name, const struct topology *topology,
		  const struct router_settings *settings, struct err *err)
{
	struct router *made = calloc(1, sizeof(*made));
	int rc;

	if (!made)
		return err_errno(err, "unable to set up routing '%s'", name);
	made->topology = topology;
	made->settings = *settings;
	rc = open_named(made, name, err);
	if (rc) {
		router_destroy(made);
		return -1;
	}
	*router = made;
	return 0;
}

void router_destroy(struct router *router)
{
	if (!router)
		return;
	if (router->ops && router->ops->destroy)
		router->ops->destroy(router);
	tree_release(router);
	free(router);
}

const char *router_name(const struct router *router)
{
	return router->ops->name;
}

/* For PFSim links next to hosts carry nothing. */
static void unload_hosts(const struct router *router, struct loads *loads)
{
	for (uint32_t l = 0; router->settings.pfsim && l < loads->count; l++)
		if (!topology_is_isl(router->topology, l))
			loads->link[l] = (struct load){ 0 };
}

int router_route(struct router *router, const struct netemu_route *route, struct loads *loads,
		 struct routed *routed, struct err *err)
{
	struct routed unused = { 0 };

	if (!routed)
		routed = &unused;
	routed_clear(routed);
	if (route_pairs(router, route, loads, routed, err) < 0)
		return -1;
	unload_hosts(router, loads);
	return 0;
}

static uint32_t ranks_of(const struct all_to_all *traffic, uint32_t host)
{
	return traffic->weight ? traffic->weight[host] : 1;
}

/* Would the bytes of a pair of hosts be more than can be counted? */
static bool is_too_much(const struct all_to_all *traffic, uint32_t hosts)
{
	uint64_t most = 1;

	for (uint32_t h = 0; h < hosts; h++) {
		if (ranks_of(traffic, h) > most)
			most = ranks_of(traffic, h);
	}
	return traffic->bytes > UINT64_MAX / (most * most);
}

/* What host FROM sends into PAIRS; returns how many. */
static size_t list_pairs(const struct router *router, const struct all_to_all *traffic,
			 uint32_t from, struct netemu_pair *pairs)
{
	size_t count = 0;

	for (uint32_t to = 0; to < router->topology->net.hosts; to++) {
		uint64_t flows = (uint64_t)ranks_of(traffic, from) * ranks_of(traffic, to);

		if (to != from && flows)
			pairs[count++] = (struct netemu_pair){
				.from = from,
				.to = to,
				.bytes = flows * traffic->bytes,
				.flows = flows,
			};
	}
	return count;
}

/* With a list of the pairs. */
static int all_pairs(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		     struct routed *routed, struct err *err)
{
	uint32_t hosts = router->topology->net.hosts;
	struct netemu_pair *pairs;
	struct netemu_route route = { 0 };
	int rc;

	if (is_too_much(traffic, hosts))
		return fabric_too_much(traffic, err);
	pairs = calloc(hosts, hosts * sizeof(*pairs));
	if (!pairs)
		return err_errno(err, "unable to list the pairs of %u hosts", hosts);
	for (uint32_t from = 0; from < hosts; from++)
		route.npairs += list_pairs(router, traffic, from, pairs + route.npairs);
	route.pairs = pairs;
	rc = route_pairs(router, &route, loads, routed, err);
	free(pairs);
	return rc;
}

int router_all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err)
{
	bool as_a_whole = router->ops->all_to_all && !(routed && routed->want_paths);
	struct routed unused = { 0 };

	if (!routed)
		routed = &unused;
	routed_clear(routed);
	if ((as_a_whole ? router->ops->all_to_all : all_pairs)(router, traffic, loads, routed,
							       err) < 0)
		return -1;
	unload_hosts(router, loads);
	return 0;
}

void router_forget(struct router *router, uint64_t job)
{
	if (router->ops->forget)
		router->ops->forget(router, job);
}

int router_destinations(struct router *router, uint32_t *count, struct err *err)
{
	if (!router->ops->destinations)
		return err_set(err,
			       "routing '%s' has no tables: its routes do not depend on the "
			       "destination alone",
			       router->ops->name);
	return router->ops->destinations(router, count, err);
}
