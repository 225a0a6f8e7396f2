/* SPDX-License-Identifier: Apache-2.0 */
/* ecmp.c - over all shortest paths at once
 *
 * At each node what goes to one host is one stream, whoever sent it, and is
 * split evenly over all cables that are on a shortest path; the smallest units
 * (2^-32) that are left over go to the first of them, one each.
 */
#include "fabric.h"
#include "forms.h"
#include "shortest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ecmp {
	struct fabric fabric;
	struct shortest shortest;
	struct load *amount; /* [nodes], 0 between uses */
	uint32_t *place;     /* [hosts] in the list by homes */
	/* nodes with an amount, by their distance */
	uint32_t *head, *next; /* [nodes + 1], [nodes] */
	uint32_t farthest;
	struct load *arrived; /* of one stream, instead of on the last link; or NULL */
};

static bool is_zero(const struct load *load)
{
	return !load->bytes && !load->flows;
}

static void divide(load_amount amount, uint32_t by, load_amount *share, uint32_t *rest)
{
	if (amount >> 64) {
		*share = amount / by;
		*rest = (uint32_t)(amount % by);
	} else {
		*share = (uint64_t)amount / by;
		*rest = (uint32_t)((uint64_t)amount % by);
	}
}

/* Give node TO more, which is then taken up in its turn. */
static void give(struct ecmp *ecmp, uint32_t to, const struct load *load)
{
	uint32_t hops = ecmp->shortest.hops[to];

	if (is_zero(load))
		return;
	if (is_zero(&ecmp->amount[to])) {
		ecmp->next[to] = ecmp->head[hops];
		ecmp->head[hops] = to;
		if (hops > ecmp->farthest)
			ecmp->farthest = hops;
	}
	ecmp->amount[to].bytes += load->bytes;
	ecmp->amount[to].flows += load->flows;
}

/* Send the amount of NODE on; TIMES streams do the same. */
static void split(struct ecmp *ecmp, uint32_t node, struct loads *loads, uint32_t times)
{
	const struct netemu_net *net = ecmp->fabric.net;
	const struct shortest *shortest = &ecmp->shortest;
	uint32_t target = net->host_node[shortest->target], count = shortest->count[node];
	uint32_t bytes_rest, flows_rest;
	struct load whole;

	divide(ecmp->amount[node].bytes, count, &whole.bytes, &bytes_rest);
	divide(ecmp->amount[node].flows, count, &whole.flows, &flows_rest);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t link = shortest->next[net->first[node] + i];
		struct load share = { whole.bytes + (i < bytes_rest),
				      whole.flows + (i < flows_rest) };
		struct load *load;

		if (ecmp->fabric.to[link] == target && ecmp->arrived) {
			*ecmp->arrived = share;
			continue;
		}
		load = loads_at(loads, link);
		load->bytes += share.bytes * times;
		load->flows += share.flows * times;
		if (ecmp->fabric.to[link] != target)
			give(ecmp, ecmp->fabric.to[link], &share);
	}
	ecmp->amount[node] = (struct load){ 0 };
}

/* Send everything on, the farthest first. */
static void flush(struct ecmp *ecmp, struct loads *loads, uint32_t times)
{
	for (uint32_t hops = ecmp->farthest; hops > 0; hops--) {
		uint32_t node = ecmp->head[hops];

		ecmp->head[hops] = NETEMU_NONE;
		for (uint32_t next; node != NETEMU_NONE; node = next) {
			next = ecmp->next[node];
			split(ecmp, node, loads, times);
		}
	}
	ecmp->farthest = 0;
}

static void destroy(struct router *router)
{
	struct ecmp *ecmp = router->state;

	if (!ecmp)
		return;
	fabric_release(&ecmp->fabric);
	shortest_release(&ecmp->shortest);
	free(ecmp->amount);
	free(ecmp->place);
	free(ecmp->head);
	free(ecmp->next);
	free(ecmp);
}

static int create(struct router *router, const char *options, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	struct ecmp *ecmp;

	if (options)
		return err_set(err, "routing 'ecmp' has no options");
	ecmp = router->state = calloc(1, sizeof(*ecmp));
	if (!ecmp || fabric_init(&ecmp->fabric, net) ||
	    shortest_init(&ecmp->shortest, router->topology))
		return err_errno(err, "unable to set up routing 'ecmp'");
	ecmp->amount = calloc(net->nodes, sizeof(*ecmp->amount));
	ecmp->place = calloc(net->hosts, sizeof(*ecmp->place));
	ecmp->head = malloc(((size_t)net->nodes + 1) * sizeof(*ecmp->head));
	ecmp->next = calloc(net->nodes, sizeof(*ecmp->next));
	if (!ecmp->amount || !ecmp->place || !ecmp->head || !ecmp->next)
		return err_errno(err, "unable to set up routing 'ecmp'");
	for (uint32_t i = 0; i <= net->nodes; i++)
		ecmp->head[i] = NETEMU_NONE;
	for (uint32_t i = 0; i < net->hosts; i++)
		ecmp->place[ecmp->fabric.host[i]] = i;
	return 0;
}

static int route(struct routing *routing, struct err *err)
{
	struct ecmp *ecmp = routing->router->state;
	const struct netemu_route *route = &routing->route;
	size_t *order, failed = SIZE_MAX;

	if (routing_order_by(route, ecmp->place, &order))
		return err_errno(err, "unable to route %zu pairs", route->npairs);
	for (size_t i = 0; i < route->npairs; i++) {
		const struct netemu_pair *pair = &route->pairs[order[i]];
		struct load load = { load_whole(pair->bytes), load_whole(pair->flows) };
		uint32_t hops;

		shortest_to(&ecmp->shortest, pair->to);
		hops = shortest_from(&ecmp->shortest, pair->from);
		if (hops == NETEMU_NONE) {
			routing->routed->unroutable++;
			if (order[i] < failed)
				failed = order[i];
		} else {
			routed_count(routing->routed, hops, 1);
			give(ecmp, route->net->host_node[pair->from], &load);
		}
		if (i + 1 == route->npairs || route->pairs[order[i + 1]].to != pair->to)
			flush(ecmp, routing->loads, 1);
	}
	free(order);
	if (failed != SIZE_MAX) {
		routing->routed->from = route->pairs[failed].from;
		routing->routed->to = route->pairs[failed].to;
	}
	return 0;
}

/* --- all to all --- */

struct ecmp_sum {
	struct ecmp *ecmp;
	const struct all_to_all *traffic;
	struct weights weights;
	uint64_t *arrived; /* [nodes] ranks that the hosts of a node reach, but for its own */
	struct loads *loads;
	struct routed *routed;
};

static struct load stream(const struct ecmp_sum *sum, uint64_t flows)
{
	return (struct load){ load_whole(sum->traffic->bytes) * flows, load_whole(flows) };
}

static void add_load(struct loads *loads, uint32_t link, const struct load *load)
{
	struct load *at = loads_at(loads, link);

	at->bytes += load->bytes;
	at->flows += load->flows;
}

/* The first host of NODE with ranks. */
static uint32_t first_host(const struct ecmp_sum *sum, uint32_t node)
{
	const struct fabric *fabric = &sum->ecmp->fabric;

	for (uint32_t i = fabric->first[node];; i++) {
		if (weight_of(sum->traffic, fabric->host[i]))
			return fabric->host[i];
	}
}

/* What the hosts of the other homes send to COUNT hosts like HOST. */
static void add_far(struct ecmp_sum *sum, uint32_t host, uint32_t count)
{
	struct ecmp *ecmp = sum->ecmp;
	const struct fabric *fabric = &ecmp->fabric;
	uint64_t weight = weight_of(sum->traffic, host);

	for (uint32_t i = 0; i < fabric->nactive; i++) {
		uint32_t node = fabric->active[i], own = fabric->net->node_host[node], hops;
		struct load load = stream(sum, sum->weights.home[node] * weight);

		if (node == fabric->home[host] || !sum->weights.hosts[node])
			continue;
		hops = own == NETEMU_NONE ? ecmp->shortest.hops[node]
					  : shortest_from(&ecmp->shortest, own);
		if (hops == NETEMU_NONE) {
			routed_fail(sum->routed, first_host(sum, node), host,
				    (uint64_t)sum->weights.hosts[node] * count);
			continue;
		}
		routed_count(sum->routed, hops + (own == NETEMU_NONE),
			     (uint64_t)sum->weights.hosts[node] * count);
		sum->arrived[node] += weight * count;
		give(ecmp, node, &load);
	}
}

/* Down the cable of HOST, from the others on its switch. */
static void add_near(struct ecmp_sum *sum, uint32_t host)
{
	const struct fabric *fabric = &sum->ecmp->fabric;
	uint64_t weight = weight_of(sum->traffic, host);
	uint32_t home = fabric->home[host], cable = fabric_cable(fabric, host);
	struct load load = stream(sum, (sum->weights.home[home] - weight) * weight);

	add_load(sum->loads, fabric->net->link[cable].reverse, &load);
	/* and up that cable to the others, which are not among those far away */
	add_load(sum->loads, cable, &load);
	if (sum->weights.hosts[home] > 1)
		routed_count(sum->routed, 2, sum->weights.hosts[home] - 1);
}

/* The hosts of a home with the weight of the first of the COUNT in HOST, in one
 * go: only their last cables differ.
 */
static void add_alike(struct ecmp_sum *sum, const uint32_t *host, uint32_t count)
{
	struct ecmp *ecmp = sum->ecmp;
	const struct fabric *fabric = &ecmp->fabric;
	uint64_t weight = weight_of(sum->traffic, host[0]);
	struct load arrived = { 0 };
	uint32_t alike = 0;

	for (uint32_t i = 0; i < count; i++)
		alike += weight_of(sum->traffic, host[i]) == weight;
	shortest_to(&ecmp->shortest, host[0]);
	add_far(sum, host[0], alike);
	if (fabric_is_single(fabric, host[0]))
		ecmp->arrived = &arrived;
	flush(ecmp, sum->loads, alike);
	ecmp->arrived = NULL;
	for (uint32_t i = 0; i < count && fabric_is_single(fabric, host[0]); i++) {
		if (weight_of(sum->traffic, host[i]) != weight)
			continue;
		add_load(sum->loads, fabric->net->link[fabric_cable(fabric, host[i])].reverse,
			 &arrived);
		add_near(sum, host[i]);
	}
}

static void add_home(struct ecmp_sum *sum, uint32_t home)
{
	const struct fabric *fabric = &sum->ecmp->fabric;
	const uint32_t *host = &fabric->host[fabric->first[home]];
	uint32_t count = fabric->first[home + 1] - fabric->first[home];

	for (uint32_t i = 0; i < count; i++) {
		uint64_t weight = weight_of(sum->traffic, host[i]);
		uint32_t k = 0;

		while (k < i && weight_of(sum->traffic, host[k]) != weight)
			k++;
		if (weight && k == i)
			add_alike(sum, host + i, count - i);
	}
}

/* Up the first cables, to the hosts of other homes. */
static void send(struct ecmp_sum *sum)
{
	const struct fabric *fabric = &sum->ecmp->fabric;

	for (uint32_t h = 0; h < fabric->net->hosts; h++) {
		struct load load =
			stream(sum, weight_of(sum->traffic, h) * sum->arrived[fabric->home[h]]);

		if (fabric_is_single(fabric, h))
			add_load(sum->loads, fabric_cable(fabric, h), &load);
	}
}

static int all_to_all(struct router *router, const struct all_to_all *traffic, struct loads *loads,
		      struct routed *routed, struct err *err)
{
	const struct netemu_net *net = &router->topology->net;
	struct ecmp_sum sum = {
		.ecmp = router->state,
		.traffic = traffic,
		.loads = loads,
		.routed = routed,
	};

	if (weights_init(&sum.weights, &sum.ecmp->fabric, traffic, err))
		return -1;
	sum.arrived = calloc(net->nodes, sizeof(*sum.arrived));
	if (!sum.arrived) {
		weights_release(&sum.weights);
		return err_errno(err, "unable to route between %u hosts", net->hosts);
	}
	if ((load_amount)sum.weights.total * sum.weights.total >
	    (~(load_amount)0 >> (LOADS_SHIFT + 1)) / (traffic->bytes ? traffic->bytes : 1)) {
		weights_release(&sum.weights);
		free(sum.arrived);
		return fabric_too_much(traffic, err);
	}
	for (uint32_t i = 0; i < sum.ecmp->fabric.nactive; i++)
		add_home(&sum, sum.ecmp->fabric.active[i]);
	send(&sum);
	weights_release(&sum.weights);
	free(sum.arrived);
	return 0;
}

/* The links out of NODE on the way to so many HOSTS; SEEN: where they lead. */
static void count_next(struct ecmp *ecmp, uint32_t node, uint32_t hosts, bool *seen,
		       uint32_t *count)
{
	const struct shortest *shortest = &ecmp->shortest;

	for (uint32_t i = 0; i < shortest->count[node]; i++) {
		uint32_t link = shortest->next[ecmp->fabric.net->first[node] + i];

		count[link] += hosts;
		seen[ecmp->fabric.to[link]] = true;
	}
}

/* The cables of the hosts of a switch, which OTHERS reach or nobody else. */
static void count_cables(const struct fabric *fabric, uint32_t home, bool others, uint32_t *count)
{
	uint32_t hosts = fabric->first[home + 1] - fabric->first[home];

	for (uint32_t i = fabric->first[home]; i < fabric->first[home + 1]; i++) {
		uint32_t link = fabric_cable(fabric, fabric->host[i]);

		count[link] += hosts - 1;
		count[fabric->net->link[link].reverse] += others || hosts > 1;
	}
}

/* The links on the way to the hosts of HOME from any other one; SEEN [nodes] is 0. */
static void count_used(struct ecmp *ecmp, uint32_t home, bool *seen, uint32_t *count)
{
	const struct fabric *fabric = &ecmp->fabric;
	const struct netemu_net *net = fabric->net;
	const struct shortest *shortest = &ecmp->shortest;
	uint32_t hosts = fabric->first[home + 1] - fabric->first[home];

	shortest_to(&ecmp->shortest, fabric->host[fabric->first[home]]);
	for (uint32_t h = 0; h < net->hosts; h++) {
		if (fabric->home[h] != home && shortest_from(&ecmp->shortest, h) != NETEMU_NONE)
			count_next(ecmp, net->host_node[h], hosts, seen, count);
	}
	for (uint32_t k = shortest->reached; k-- > 0;) {
		uint32_t node = shortest->order[k];

		if (seen[node] && node != home)
			count_next(ecmp, node, hosts, seen, count);
		seen[node] = seen[node] && node == home;
	}
	if (net->node_host[home] == NETEMU_NONE)
		count_cables(fabric, home, seen[home], count);
	seen[home] = false;
}

static int destinations(struct router *router, uint32_t *count, struct err *err)
{
	struct ecmp *ecmp = router->state;
	const struct netemu_net *net = &router->topology->net;
	bool *seen = calloc(net->nodes, sizeof(*seen));

	if (!seen)
		return err_errno(err, "unable to route between %u hosts", net->hosts);
	memset(count, 0, net->links * sizeof(*count));
	for (uint32_t i = 0; i < ecmp->fabric.nactive; i++) {
		uint32_t home = ecmp->fabric.active[i];

		if (ecmp->fabric.first[home] < ecmp->fabric.first[home + 1])
			count_used(ecmp, home, seen, count);
	}
	free(seen);
	return 0;
}

const struct router_ops router_ecmp = {
	.name = "ecmp",
	.help = "over all shortest paths at once, split evenly",
	.form = ROUTER_SPLIT,
	.create = create,
	.destroy = destroy,
	.route = route,
	.all_to_all = all_to_all,
	.destinations = destinations,
};
